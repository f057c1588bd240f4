//! The operations on sessions, one file each: what goes in, what comes out, how Redis does it in one call, and the same
//! rules over [`Records`] for every other store.

pub mod append;
pub mod arrive;
pub mod begin_turn;
pub mod charge_turn;
pub mod claim_visitor;
pub mod create;
pub mod cut;
pub mod delete;
pub mod depart;
pub mod directory;
pub mod finish_turn;
pub mod fork;
pub mod history;
pub mod import;
pub mod info;
pub mod leave;
pub mod list;
pub mod operation;
pub mod patch;
pub mod prepend;
pub mod read_state;
pub mod record;
pub mod reindex;
pub mod release_turn;
pub mod renew_turn;
pub mod reseal;
pub mod restore;
mod room;
pub mod summary;
pub mod survey;
pub mod touch;
pub mod truncate;
pub mod weigh;
pub mod write_state;

pub use append::{Append, Appended};
pub use arrive::{Arrive, Arrived};
pub use begin_turn::{BeginTurn, Begun, TurnMode};
pub use charge_turn::ChargeTurn;
pub use claim_visitor::ClaimVisitor;
pub use create::{Create, Created};
pub use cut::CutAfter;
pub use delete::{Delete, Deletion};
pub use depart::{Carried, Depart, Departed};
pub use finish_turn::{FinishTurn, Finished};
pub use fork::{Fork, Forked};
pub use history::{Page, ReadHistory};
pub use import::{Import, Imported};
pub use info::{Details, Info};
pub use leave::Leave;
pub use list::{Cursor, Listed, ReadList};
pub use operation::{NAMES, Operation, Registered, Visitor, apply_named, visit_named};
pub use patch::{Patch, Patched};
pub use prepend::Prepend;
pub use read_state::{ReadState, Stated, Tag};
pub use reindex::{ReadIndex, Reindex, ScanSessions, Scanned};
pub use release_turn::ReleaseTurn;
pub use renew_turn::RenewTurn;
pub use reseal::{Anew, Field, Reseal};
pub use restore::{Restore, Restored};
pub use summary::{ReadSummary, Summarise, Summary};
pub use survey::{Place, Survey, Surveyed};
pub use touch::Touch;
pub use truncate::{Truncate, Truncated};
pub use weigh::Weigh;
pub use write_state::{Condition, WriteState, Written};

use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::{OWNER_BYTES_UNIT, PRUNE_PER_CALL, REMEMBERED_TURNS, SESSION_OVERHEAD_BYTES};
use crate::message::stored_prefix;
use crate::records::Records;
use crate::redis::reply::Items;
use crate::redis::{Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
use crate::time::Millis;
use crate::turn::TurnRecord;
use cut::cut;
use room::Room;
use std::ops::Range;

/// The fields of a session in the order in which every script returns them.
fn session_from(items: &mut Items) -> Result<Session, UnexpectedReply> {
    Ok(Session {
        title: items.text()?,
        created: Millis(items.number()?),
        updated: Millis(items.number()?),
        expires: Millis(items.number()?),
        first: items.number()?,
        next: items.number()?,
        total: items.number()?,
        bytes: match items.take()? {
            Reply::Nil => 0,
            counted => counted.number()?,
        },
        revision: items.number()?,
        flags: Flags::parse(&items.text()?),
    })
}

/// Shows stored messages.
fn show_messages(messages: &mut [String], id: &SessionId, visit: Visit) -> Result<(), Unreadable> {
    messages.iter_mut().try_for_each(|message| visit(Kind::Message, id, message))
}

/// The arguments that are numbers.
fn numbers<const N: usize>(numbers: [u64; N]) -> impl Iterator<Item = String> {
    numbers.into_iter().map(|number| number.to_string())
}

/// With which numbers the arguments of every script end that may bring a session into the list of its owner: when and for how
/// long it is there, how many may be, how long the list itself lives, how many turns are remembered, how much is pruned;
/// and how many bytes the owner may have.
fn listing(now: Millis, ttl: Millis, sessions_per_owner: u64, owner_bytes: u64) -> impl Iterator<Item = String> {
    numbers([now.0, ttl.0, sessions_per_owner, index_ttl(ttl).0, REMEMBERED_TURNS, PRUNE_PER_CALL, owner_bytes])
}

/// The session, when it may be changed at `now`.
fn live<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<Option<Session>, R::Error> {
    Ok(records.session(id)?.filter(|session| session.is_settled(now)))
}

/// The session, when it may be read at `now`.
fn readable<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<Option<Session>, R::Error> {
    Ok(records.session(id)?.filter(|session| session.is_readable(now)))
}

/// The record of a turn that runs under this attempt, in a session that may be changed.
fn held<R: Records>(
    records: &mut R,
    id: &SessionId,
    turn: &TurnId,
    attempt: &str,
    now: Millis,
) -> Result<Option<TurnRecord>, R::Error> {
    if live(records, id, now)?.is_none() {
        return Ok(None);
    }
    Ok(records.turn(id, turn)?.filter(|record| !record.done && record.attempt == attempt))
}

/// What is remembered under an operation's id.
enum Remembered {
    /// Nothing.
    Nothing,
    /// The same request: this is a repetition.
    Same,
    /// Another request: the id confirms nothing of this one.
    Other,
}

/// Looks up what is remembered under an operation's id, for a request that brings these fingerprints.
fn remembered<R: Records>(
    records: &mut R,
    id: &SessionId,
    operation: &TurnId,
    fingerprints: &str,
) -> Result<Remembered, R::Error> {
    Ok(match records.turn(id, operation)? {
        None => Remembered::Nothing,
        Some(record) if record.is_of(fingerprints) => Remembered::Same,
        Some(_) => Remembered::Other,
    })
}

/// Whether no session may be made under an id: one is set aside as deleted, or on its way from one owner to another.
fn is_set_aside<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<bool, R::Error> {
    if records.session(id)?.is_some_and(|session| session.is_live(now) && !session.is_settled(now)) {
        return Ok(true);
    }
    Ok(records.buried_until(id)?.is_some_and(|until| until > now))
}

/// The session that is set aside as deleted. It stays so; what is left of an expired one under its id goes.
fn buried<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<Option<Session>, R::Error> {
    let Some(until) = records.buried_until(id)?.filter(|until| *until > now) else { return Ok(None) };
    match records.session(id)? {
        Some(session) if session.is_live(now) => return Ok(None),
        Some(_) => records.remove_session(id)?,
        None => {}
    }
    records.unbury(id)?;
    let session = records.session(id)?;
    records.bury(id, until)?;
    Ok(session)
}

/// What stands in the way of a session that may have to be made.
enum Opened {
    /// It is there.
    Live(Session),
    /// It is not, and may be made: what was left of an earlier one is gone.
    New,
    /// It is set aside as deleted.
    Deleted,
    /// The owner has as many sessions as one may have.
    Full,
}

/// Finds out whether a session is there or may be made.
fn open<R: Records>(records: &mut R, id: &SessionId, now: Millis, most: u64) -> Result<Opened, R::Error> {
    let stored = records.session(id)?;
    if let Some(session) = stored.clone().filter(|session| session.is_settled(now)) {
        return Ok(Opened::Live(session));
    }
    if is_set_aside(records, id, now)? {
        return Ok(Opened::Deleted);
    }
    if records.count(now)? >= most {
        return Ok(Opened::Full);
    }
    if stored.is_some() {
        records.remove_session(id)?;
    }
    Ok(Opened::New)
}

/// Whether a session may take so many bytes more, where its owner's may have `owner_bytes` (0: any number). What it gives up at the
/// same time isn't subtracted. Asked only when the session comes to another unit, so that small steps cost nothing.
fn may_grow<R: Records>(
    records: &mut R,
    id: &SessionId,
    session: Option<&Session>,
    coming: u64,
    owner_bytes: u64,
    now: Millis,
) -> Result<bool, R::Error> {
    if owner_bytes == 0 {
        return Ok(true);
    }
    let was = match session {
        Some(session) => SESSION_OVERHEAD_BYTES + session.bytes + records.extra_bytes(id)?,
        None => 0,
    };
    let is = was.max(SESSION_OVERHEAD_BYTES) + coming;
    if is.div_ceil(OWNER_BYTES_UNIT) <= was.div_ceil(OWNER_BYTES_UNIT) {
        return Ok(true);
    }
    Ok(records.stored_bytes(now)? + is - was <= owner_bytes)
}

/// A session made at a moment.
fn new_session(created: Millis) -> Session {
    Session { created, updated: created, ..Session::default() }
}

/// Whether one of some messages has an id.
fn have_id(messages: &[String], id: &MessageId) -> bool {
    messages.iter().any(|message| message.starts_with(&stored_prefix(id)))
}

/// Whether a turn that is remembered by a message's id asked by that message, which is among these.
fn asked<R: Records>(records: &mut R, id: &SessionId, message: &MessageId, kept: Range<u64>) -> Result<bool, R::Error> {
    let record = records.turn(id, &TurnId::of_message(message))?;
    let Some(at) = record.and_then(|record| record.message_position).filter(|at| kept.contains(at)) else {
        return Ok(false);
    };
    Ok(have_id(&records.messages(id, at..at + 1)?, message))
}

/// How long the index and the cards of an owner live after a slide: a session re-slides them when an eighth of the TTL
/// has passed, so with a quarter to spare they outlive every session in them.
fn index_ttl(ttl: Millis) -> Millis {
    Millis(ttl.0.saturating_add(ttl.0 / 4).saturating_add(1))
}

/// The newest of some messages that fit into so many bytes; the newest itself always when `at_least_one`.
fn newest_that_fit(mut messages: Vec<String>, bytes: usize, at_least_one: bool) -> Vec<String> {
    let mut room = bytes;
    let mut start = messages.len();
    for (at, message) in messages.iter().enumerate().rev() {
        match room.checked_sub(message.len()) {
            Some(left) => room = left,
            None if at_least_one && at + 1 == messages.len() => room = 0,
            None => break,
        }
        start = at;
    }
    messages.split_off(start)
}
