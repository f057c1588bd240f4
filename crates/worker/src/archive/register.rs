//! What the archive remembers beside what it keeps, where a flush of the store doesn't reach: which sessions are to be deleted in it,
//! which it has yet to be asked about, which it refused, and when it was last looked through. All are names with times, as a shard
//! of the directory keeps them.

use super::Failure;
use crate::store::ask_register;
use chatkeep_model::archive::Place;
use chatkeep_model::plan::directory::Noted;
use chatkeep_model::{Millis, SessionId};
use serde::Deserialize;
use worker::Env;

/// Deletions announced and not done.
pub(super) const ERASURES: &str = "archive-erasures";

/// Sessions that the next look sees to, whenever they changed.
pub(super) const MARKS: &str = "archive-marks";

/// Sessions that the archive refused.
pub(super) const REFUSALS: &str = "archive-refusals";

/// Deletions, for an archive that has no place for them.
pub(super) const DELETIONS: &str = "archive-deletions";

/// When each namespace was last looked through.
const SWEEPS: &str = "archive-sweeps";

/// How many names of a register one look reads.
const READ: u64 = 1000;

/// A place that was noted, of whichever namespace.
pub(super) struct Entry {
    pub(super) namespace: String,
    pub(super) owner: String,
    pub(super) session: SessionId,
    pub(super) at: Millis,
}

/// The form in which a place is noted, from which it can be made again: nothing of it has a line break or a tab.
fn noted(place: &Place) -> String {
    format!("{}\t{}\t{}", place.namespace, place.owner, place.session)
}

async fn ask(env: &Env, register: &str, question: &str) -> Result<String, Failure> {
    Ok(ask_register(env, register, question).await?)
}

/// Notes a session; whatever the register has from before a moment drops out.
pub(super) async fn note(env: &Env, register: &str, place: &Place, at: Millis, oldest: Millis) -> Result<(), Failure> {
    ask(env, register, &format!("note\n{}\n{at}\n{oldest}", noted(place))).await.map(drop)
}

/// Forgets a session.
pub(super) async fn forget(env: &Env, register: &str, place: &Place) -> Result<(), Failure> {
    ask(env, register, &format!("forget\n{}", noted(place))).await.map(drop)
}

/// When a session was noted.
pub(super) async fn find(env: &Env, register: &str, place: &Place) -> Result<Option<Millis>, Failure> {
    when(env, register, &noted(place)).await
}

/// Some of the sessions of a register, the longest noted first.
pub(super) async fn entries(env: &Env, register: &str) -> Result<Vec<Entry>, Failure> {
    let json = ask(env, register, &format!("read\n0\n{READ}")).await?;
    let all: Vec<Noted> = serde_json::from_str(&json).map_err(|_| Failure::Archive("unexpected_reply"))?;
    let entry = |noted: Noted| {
        let mut parts = noted.owner.as_str().splitn(3, '\t').map(str::to_owned);
        let (namespace, owner) = (parts.next()?, parts.next()?);
        Some(Entry { namespace, owner, session: SessionId::parse(parts.next()?).ok()?, at: noted.seen })
    };
    Ok(all.into_iter().filter_map(entry).collect())
}

/// How many sessions a register has.
pub(super) async fn count(env: &Env, register: &str) -> Result<u64, Failure> {
    let answer = ask(env, register, "has\n-").await?;
    let count = answer.split_once(' ').and_then(|(count, _)| count.parse().ok());
    count.ok_or(Failure::Archive("unexpected_reply"))
}

/// When a namespace was last looked through to its end; that look's beginning.
pub(super) async fn swept(env: &Env, namespace: &str) -> Result<Option<Millis>, Failure> {
    when(env, SWEEPS, namespace).await
}

/// Says when a look that has come to its end began.
pub(super) async fn note_swept(env: &Env, namespace: &str, began: Millis) -> Result<(), Failure> {
    ask(env, SWEEPS, &format!("note\n{namespace}\n{began}\n0")).await.map(drop)
}

/// When the first look through a namespace began, that may not have come to its end.
pub(super) async fn first_look(env: &Env, namespace: &str) -> Result<Option<Millis>, Failure> {
    when(env, SWEEPS, &format!("{namespace}\tfirst")).await
}

/// Says when that was; what was said before stays.
pub(super) async fn note_first_look(env: &Env, namespace: &str, began: Millis) -> Result<(), Failure> {
    if first_look(env, namespace).await?.is_none() {
        ask(env, SWEEPS, &format!("note\n{namespace}\tfirst\n{began}\n0")).await?;
    }
    Ok(())
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
