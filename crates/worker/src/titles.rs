//! A better title for a session after its first reply, when that has been answered already.

use crate::store::Store;
use crate::{edge, responder};
use chatkeep_model::config::Config;
use chatkeep_model::turn::Turned;
use chatkeep_model::{Message, Millis, title};
use std::rc::Rc;

/// Finds a title for a session after its first reply, where that is wanted. A failure leaves the one from its first message.
/// `asked` is the user's message as JSON.
pub(crate) async fn find(config: Rc<Config>, store: Store, ttl: Millis, asked: String, turned: Turned) {
    let Ok(asked) = serde_json::from_str::<Message>(&asked) else { return };
    let Some(question) = title::question(&config, &turned, &asked) else { return };
    let Ok(answer) = responder::text(&config, &[question]).await else { return };
    if let Some(patch) = title::given(&turned, &answer, edge::now(), ttl) {
        let _ = store.run(&patch).await;
        store.tell().await;
    }
}
