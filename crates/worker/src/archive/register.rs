//! What the archive remembers beside what it keeps: which sessions are to be deleted in it, and when it was last looked through.
//! Both are names with times, as a shard of the directory keeps them.

use super::Failure;
use crate::store::ask_register;
use chatkeep_model::Millis;
use chatkeep_model::archive::Place;
use chatkeep_model::plan::directory::Noted;
use serde::Deserialize;
use worker::Env;

/// Deletions announced and not done.
const ERASURES: &str = "archive-erasures";

/// When each namespace was last looked through.
const SWEEPS: &str = "archive-sweeps";

/// The form in which a place is noted, from which it can be made again: nothing of it has a line break or a tab.
fn noted(place: &Place) -> String {
    format!("{}\t{}\t{}", place.namespace, place.owner, place.session)
}

async fn ask(env: &Env, register: &str, question: &str) -> Result<String, Failure> {
    Ok(ask_register(env, register, question).await?)
}

/// Says that a session is to be deleted.
pub(super) async fn announce(env: &Env, place: &Place, now: Millis) -> Result<(), Failure> {
    ask(env, ERASURES, &format!("note\n{}\n{now}\n0", noted(place))).await.map(drop)
}

/// Says that it has been.
pub(super) async fn forget(env: &Env, place: &Place) -> Result<(), Failure> {
    ask(env, ERASURES, &format!("forget\n{}", noted(place))).await.map(drop)
}

/// Whether a session is to be deleted and is not yet.
pub(super) async fn is_erased(env: &Env, place: &Place) -> Result<bool, Failure> {
    Ok(when(env, ERASURES, &noted(place)).await?.is_some())
}

/// Some of the deletions that are not done: namespace, owner and session id.
pub(super) async fn erasures(env: &Env, limit: u64) -> Result<Vec<(String, String, String)>, Failure> {
    let json = ask(env, ERASURES, &format!("read\n0\n{limit}")).await?;
    let noted: Vec<Noted> = serde_json::from_str(&json).map_err(|_| Failure::Archive("unexpected_reply"))?;
    let parts = |noted: Noted| {
        let mut parts = noted.owner.as_str().splitn(3, '\t').map(str::to_owned);
        Some((parts.next()?, parts.next()?, parts.next()?))
    };
    Ok(noted.into_iter().filter_map(parts).collect())
}

/// When a namespace was last looked through to its end; that look's beginning.
pub(super) async fn swept(env: &Env, namespace: &str) -> Result<Option<Millis>, Failure> {
    when(env, SWEEPS, namespace).await
}

/// Says when a look that has come to its end began.
pub(super) async fn note_swept(env: &Env, namespace: &str, began: Millis) -> Result<(), Failure> {
    ask(env, SWEEPS, &format!("note\n{namespace}\n{began}\n0")).await.map(drop)
}

async fn when(env: &Env, register: &str, name: &str) -> Result<Option<Millis>, Failure> {
    #[derive(Deserialize)]
    struct Seen {
        seen: Millis,
    }
    let json = ask(env, register, &format!("find\n{name}")).await?;
    let found: Vec<Seen> = serde_json::from_str(&json).map_err(|_| Failure::Archive("unexpected_reply"))?;
    Ok(found.into_iter().next().map(|found| found.seen))
}
