//! A data point for each request, where the deployment has a dataset of Workers Analytics Engine. The platform takes it without being
//! waited for.

use chatkeep_model::observe::DataPoint;
use std::cell::OnceCell;
use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env};

/// The binding in `wrangler.toml`.
const BINDING: &str = "ANALYTICS";

thread_local! {
    /// An isolate's bindings stay as they are.
    static DATASET: OnceCell<Option<AnalyticsEngineDataset>> = const { OnceCell::new() };
}

/// Looks for the dataset; once in an isolate's life.
pub(crate) fn open(env: &Env) {
    DATASET.with(|dataset| _ = dataset.get_or_init(|| env.analytics_engine(BINDING).ok()));
}

/// Whether there is one.
pub(crate) fn is_open() -> bool {
    DATASET.with(|dataset| dataset.get().is_some_and(Option::is_some))
}

/// Writes a data point. One that is refused is lost, and nothing else.
pub(crate) fn write(point: &DataPoint) {
    DATASET.with(|dataset| {
        let Some(Some(dataset)) = dataset.get() else { return };
        let built = AnalyticsEngineDataPointBuilder::new()
            .indexes([point.index.as_str()])
            .blobs(point.blobs)
            .doubles(point.doubles);
        let _ = dataset.write_data_point(&built.build());
    });
}
