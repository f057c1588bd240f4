//! What comes after a finished turn, when it has been answered already: a title.

use super::Call;
use crate::{edge, responder};
use chatkeep_model::turn::Turned;
use chatkeep_model::{Message, title};
use std::rc::Rc;

/// Finds a title for a session after its first reply, where that is wanted. A failure leaves the one from its first message.
pub(super) fn turn(call: &Call<'_>, asked: String, turned: Turned) -> impl Future<Output = ()> + use<> {
    let (config, store, ttl) = (Rc::clone(&call.config), call.store.clone(), call.namespace.limits.ttl);
    async move {
        let Ok(asked) = serde_json::from_str::<Message>(&asked) else { return };
        let Some(question) = title::question(&config, &turned, &asked) else { return };
        let Ok(answer) = responder::text(&config, &[question]).await else { return };
        if let Some(patch) = title::given(&turned, &answer, edge::now(), ttl) {
            let _ = store.run(&patch).await;
            store.tell().await;
        }
    }
}
