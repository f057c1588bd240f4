//! Operations as they are, for the conformance suite: without requests, owners' rights or limits around them. Only in a build
//! with the feature `conformance`, which is never deployed.

use crate::edge;
use crate::handlers::Answer;
use crate::settings::settings;
use crate::store::Store;
use crate::watch::Watch;
use chatkeep_model::plan::{Operation, Visitor, visit_named};
use chatkeep_model::{Owner, StoreError};
use std::pin::Pin;
use std::rc::Rc;
use worker::Env;

/// The path, which no route has.
pub(crate) const PATH: &str = "/conformance";

/// What a body may have.
const MOST_BYTES: usize = 64 << 20;

/// Carries out the operation of a body: the owner, the operation's name and its JSON, a line each. Answers with its outcome.
pub(crate) async fn serve(request: web_sys::Request, env: Env) -> web_sys::Response {
    let outcome = run(request, env).await;
    let (status, text) = outcome.map_or_else(|failure| (500, failure), |outcome| (200, outcome));
    Answer::text(status, "application/json", text).respond(Vec::new())
}

async fn run(request: web_sys::Request, env: Env) -> Result<String, String> {
    let body = edge::read_body(&request, MOST_BYTES).await.map_err(|_| "no body".to_owned())?;
    let mut lines = body.splitn(3, '\n');
    let mut line = || lines.next().ok_or("a line is missing".to_owned());
    let (owner, name, json) = (line()?, line()?, line()?);
    let owner = Owner::parse(owner).ok_or("no owner".to_owned())?;
    let config = settings(&env).map_err(|error| error.to_string())?;
    let namespace = Rc::clone(config.namespace(None));
    let watch = Rc::new(Watch::default());
    let store = Store::new(config, namespace, env, owner, None, None, watch);
    let running = visit_named(name, json, Run(store)).ok_or("no operation".to_owned())?;
    running.await.map_err(|error| format!("{error:?}"))
}

struct Run(Store);

impl Visitor for Run {
    type Output = Pin<Box<dyn Future<Output = Result<String, StoreError>>>>;

    fn visit<O: Operation + 'static>(self, operation: O) -> Self::Output {
        Box::pin(async move {
            let outcome = self.0.run(&operation).await?;
            serde_json::to_string(&outcome).map_err(|_| StoreError::UnexpectedReply)
        })
    }
}
