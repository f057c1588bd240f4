//! What comes after a finished turn, when it has been answered already: a title, a summary. A failure of either changes nothing, and
//! the next turn tries again.

use crate::store::Store;
use crate::{edge, responder};
use chatkeep_model::config::Config;
use chatkeep_model::plan::{ReadHistory, ReadSummary, Summarise};
use chatkeep_model::turn::Turned;
use chatkeep_model::{Message, Millis, context, summary, title};
use std::rc::Rc;

/// Whether anything comes after a turn.
pub(crate) fn is_wanted(config: &Config) -> bool {
    title::is_wanted(config) || summary::is_wanted(config)
}

/// Finds a title for a session after its first reply, and tells in short what no longer fits its window, where that is wanted.
/// `asked` is the user's message as JSON; of the namespace the time to live and the window are wanted.
pub(crate) async fn turn(
    config: Rc<Config>,
    store: Store,
    (ttl, window): (Millis, u64),
    asked: String,
    turned: Turned,
) {
    if turned.replayed {
        return;
    }
    if give_title(&config, &store, ttl, &asked, &turned).await.is_some() {
        store.tell().await;
    }
    if summary::is_wanted(&config) {
        summarise(&config, &store, window, &turned).await;
    }
}

async fn give_title(config: &Config, store: &Store, ttl: Millis, asked: &str, turned: &Turned) -> Option<()> {
    let asked: Message = serde_json::from_str(asked).ok()?;
    let question = title::question(config, turned, &asked)?;
    let (answer, _) = responder::text(config, &[question]).await.ok()?;
    let patch = title::given(turned, &answer, edge::now(), ttl)?;
    store.run(&patch).await.ok().map(drop)
}

async fn summarise(config: &Config, store: &Store, window: u64, turned: &Turned) -> Option<()> {
    let (session, id) = (&turned.session, turned.session_id.clone());
    let mut shown = window;
    if let Some(tokens) = config.window_tokens {
        let messages = read(store, turned, window, None).await?;
        let fitting = context::fit(&messages, config.responder.prompt(), tokens).len() as u64;
        shown = if fitting < messages.len() as u64 { fitting.max(1) } else { shown };
    }
    if session.next < shown {
        return None;
    }
    let known = store.run(&ReadSummary { session: id.clone(), now: edge::now() }).await.ok()?;
    let due = summary::due(session, known.as_ref(), shown)?;
    let messages = read(store, turned, due.end - due.start, Some(due.end)).await?;
    let question = summary::question(known.as_ref(), &messages);
    let (answer, _) = responder::text(config, &[question]).await.ok()?;
    let summary = summary::given(&answer, due.end, messages.last()?)?;
    store.run(&Summarise { session: id, summary, now: edge::now() }).await.ok().map(drop)
}

/// The last of the messages before a position.
async fn read(store: &Store, turned: &Turned, limit: u64, before: Option<u64>) -> Option<Vec<Message>> {
    let read = ReadHistory { session: turned.session_id.clone(), now: edge::now(), limit, before };
    let page = store.run(&read).await.ok()??;
    page.messages.iter().map(|message| serde_json::from_str(message).ok()).collect()
}
