//! Moving house: the sessions that an owner's vault keeps go to Redis, once there is one, as imports. Each is removed from the
//! vault when Redis has all of it; repeating an import changes nothing, so a move can break off anywhere.

use crate::id::{MessageId, SessionId};
use crate::limits::IMPORTED_PER_CALL;
use crate::message::stored_id;
use crate::owner::Owner;
use crate::plan::Import;
use crate::records::Records;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// How far a move has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Sessions that went to Redis.
    pub sessions: u64,
    /// Sessions that are still in the vault.
    pub left: u64,
}

/// What a vault is told when its sessions shall go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moving {
    /// What the namespace's keys begin with.
    pub prefix: String,
    /// Its TTL.
    pub ttl: Millis,
    /// Whose vault it is.
    pub owner: Owner,
}

/// What the vault says to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// So far it came.
    Moved(Moved),
    /// Redis can't take them: the name of an outage.
    Away(String),
    /// Redis refuses them: the cause.
    Refused(String),
}

/// Under which id a session goes to Redis where that has another one of its id.
#[must_use]
pub fn second_id(id: &SessionId) -> Option<SessionId> {
    SessionId::parse(format!("{id}.moved")).ok()
}

/// The import of a session's messages from a position on, and the position after them, where there are more. Nothing when there
/// is no such session. The session keeps its end.
///
/// # Errors
/// The storage failed.
pub fn import<R: Records>(
    records: &mut R,
    id: &SessionId,
    from: u64,
    ttl: Millis,
    seal: &str,
) -> Result<Option<(Import, Option<u64>)>, R::Error> {
    let Some(session) = records.session(id)? else { return Ok(None) };
    let from = from.max(session.first);
    let mut bytes = 0;
    let mut messages = Vec::new();
    let upto = session.next.min(from + IMPORTED_PER_CALL.0 as u64);
    for message in records.messages(id, from..upto)? {
        bytes += message.len();
        if bytes > IMPORTED_PER_CALL.1 && !messages.is_empty() {
            break;
        }
        messages.push((id_of(&message), message));
    }
    let next = from + messages.len() as u64;
    let import = Import {
        session: id.clone(),
        title: session.title,
        created: session.created,
        updated: session.updated,
        flags: session.flags,
        metadata: records.metadata(id)?.unwrap_or_default(),
        state: records.state(id)?.map(|state| state.json).unwrap_or_default(),
        notes: records.notes(id)?.renumbered(session.first),
        seal: seal.to_owned(),
        position: from - session.first,
        after: None,
        dry_run: false,
        operation: None,
        messages,
        // As of when it was used last, so that its life isn't made longer.
        now: session.expires.since(ttl),
        ttl,
        // All that is kept moves.
        messages_per_session: 1 << 53,
        session_bytes: 1 << 53,
        sessions_per_owner: 1 << 53,
        owner_bytes: 0,
    };
    let more = next < session.next && !import.messages.is_empty();
    Ok(Some((import, more.then_some(next))))
}

/// The id with which a stored message begins.
fn id_of(message: &str) -> MessageId {
    // What a store holds was checked when it came in.
    stored_id(message).and_then(|id| MessageId::parse(id).ok()).unwrap_or_else(|| MessageId::mint(0))
}
