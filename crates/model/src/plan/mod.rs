//! The operations on sessions, one file each: what goes in, what comes out, how Redis does it in one call, and the same
//! rules over [`Records`] for every other store.

pub mod append;
pub mod arrive;
pub mod begin_turn;
pub mod charge_turn;
pub mod claim_visitor;
pub mod create;
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
pub mod patch;
pub mod read_state;
pub mod reindex;
pub mod release_turn;
pub mod renew_turn;
pub mod restore;
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
pub use delete::Delete;
pub use depart::{Carried, Depart, Departed};
pub use finish_turn::{FinishTurn, Finished};
pub use fork::{Fork, Forked};
pub use history::{Page, ReadHistory};
pub use import::{Import, Imported};
pub use info::{Details, Info};
pub use leave::Leave;
pub use list::{Cursor, Listed, ReadList};
pub use patch::Patch;
pub use read_state::{ReadState, Stated, Tag};
pub use reindex::{ReadIndex, Reindex, ScanSessions, Scanned};
pub use release_turn::ReleaseTurn;
pub use renew_turn::RenewTurn;
pub use restore::{Restore, Restored};
pub use summary::{ReadSummary, Summarise, Summary};
pub use survey::{Place, Survey, Surveyed};
pub use touch::Touch;
pub use truncate::{Truncate, Truncated};
pub use weigh::Weigh;
pub use write_state::{Condition, WriteState, Written};

use crate::change::Change;
use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::TRIM_PER_CALL;
use crate::message::stored_prefix;
use crate::records::{Notes, Records};
use crate::redis::reply::Items;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
use crate::time::Millis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// An operation on one owner's sessions. It is a value: time, randomness and limits are its fields.
pub trait Operation: Registered + Clone + Serialize + DeserializeOwned {
    /// Its name, in the vault's protocol, logs and counters.
    const NAME: &'static str;

    /// What it comes to.
    type Outcome: Serialize + DeserializeOwned + PartialEq + fmt::Debug;

    /// Shows the texts in it that are sealed where sessions are encrypted.
    ///
    /// # Errors
    /// What `visit` refuses.
    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        let _ = visit;
        Ok(())
    }

    /// Shows those in what it came to.
    ///
    /// # Errors
    /// What `visit` refuses.
    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        let _ = (outcome, visit);
        Ok(())
    }

    /// How Redis does it.
    fn call(&self, keys: &Keys) -> Call;

    /// What Redis' reply means.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is none that the call can have.
    fn decode(&self, reply: Reply) -> Result<Self::Outcome, UnexpectedReply>;

    /// What it changed, for those who watch.
    fn changes(&self, _outcome: &Self::Outcome) -> Vec<Change> {
        Vec::new()
    }

    /// How every other store does it.
    ///
    /// # Errors
    /// The storage failed.
    fn apply<R: Records>(&self, records: &mut R) -> Result<Self::Outcome, R::Error>;
}

/// An operation that stands in the list below: one that didn't would be unknown to the vault.
pub trait Registered {}

/// What is done with an operation of whichever type.
pub trait Visitor {
    /// What it comes to.
    type Output;

    /// Does it.
    fn visit<O: Operation + 'static>(self, operation: O) -> Self::Output;
}

macro_rules! operations {
    ($($operation:ty),* $(,)?) => {
        $(impl Registered for $operation {})*

        /// Reads an operation that came as its name and JSON, and does something with it. Nothing when they are no operation's.
        pub fn visit_named<V: Visitor>(name: &str, json: &str, visitor: V) -> Option<V::Output> {
            $(if name == <$operation>::NAME {
                return serde_json::from_str::<$operation>(json).ok().map(|operation| visitor.visit(operation));
            })*
            None
        }

        /// The names of all operations.
        pub const NAMES: &[&str] = &[$(<$operation>::NAME,)*];
    };
}

operations!(
    Append,
    Arrive,
    BeginTurn,
    ChargeTurn,
    ClaimVisitor,
    Create,
    Delete,
    Depart,
    FinishTurn,
    Fork,
    Import,
    Info,
    Leave,
    Patch,
    ReadHistory,
    ReadIndex,
    ReadList,
    ReadState,
    ReadSummary,
    Reindex,
    ReleaseTurn,
    RenewTurn,
    Restore,
    ScanSessions,
    Summarise,
    Survey,
    Touch,
    Truncate,
    Weigh,
    WriteState,
);

/// Applies an operation that came as its name and JSON, as the vault gets it, and gives its outcome as JSON.
///
/// # Errors
/// None of the two inside: the name or the JSON is not an operation's. Some: the storage failed.
pub fn apply_named<R: Records>(name: &str, json: &str, records: &mut R) -> Result<String, Option<R::Error>> {
    struct Apply<'a, R>(&'a mut R);

    impl<R: Records> Visitor for Apply<'_, R> {
        type Output = Result<String, Option<R::Error>>;

        fn visit<O: Operation + 'static>(self, operation: O) -> Self::Output {
            let outcome = operation.apply(self.0).map_err(Some)?;
            serde_json::to_string(&outcome).map_err(|_| None)
        }
    }

    visit_named(name, json, Apply(records)).unwrap_or(Err(None))
}

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

/// The session, when it may be changed at `now`.
fn live<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<Option<Session>, R::Error> {
    Ok(records.session(id)?.filter(|session| session.is_settled(now)))
}

/// The session, when it may be read at `now`.
fn readable<R: Records>(records: &mut R, id: &SessionId, now: Millis) -> Result<Option<Session>, R::Error> {
    Ok(records.session(id)?.filter(|session| session.is_readable(now)))
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

/// A session made at a moment.
fn new_session(created: Millis) -> Session {
    Session { created, updated: created, ..Session::default() }
}

/// Where a cut leaves the next position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutAfter {
    /// Nothing is kept.
    Nothing,
    /// This message is the last that is kept.
    Message(MessageId),
}

impl CutAfter {
    /// The form in arguments and on the wire: a message id, or `-`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            CutAfter::Nothing => "-",
            CutAfter::Message(id) => id.as_str(),
        }
    }

    /// Reads the form on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "-" { Some(CutAfter::Nothing) } else { MessageId::parse(text).ok().map(CutAfter::Message) }
    }

    /// The position that is the next one after the cut; none when the message isn't there.
    fn position<R: Records>(
        &self,
        records: &mut R,
        id: &SessionId,
        session: &Session,
    ) -> Result<Option<u64>, R::Error> {
        match self {
            CutAfter::Nothing => Ok(Some(session.first)),
            CutAfter::Message(message) => {
                let found = records.find_message(id, message, session.first..session.next)?;
                Ok(found.map(|position| position + 1))
            }
        }
    }
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

/// Cuts the messages from a position on.
fn cut<R: Records>(records: &mut R, id: &SessionId, session: &mut Session, to: u64) -> Result<(), R::Error> {
    if to == session.first {
        // A summary of what is cut away is none of what comes.
        let notes = records.notes(id)?;
        if !notes.summary.is_empty() {
            records.put_notes(id, &Notes { summary: String::new(), ..notes })?;
        }
    }
    let tail: u64 = records.message_sizes(id, to..session.next)?.into_iter().sum();
    records.remove_messages(id, to..session.next)?;
    session.next = to;
    session.bytes = session.bytes.saturating_sub(tail);
    Ok(())
}

/// What a session may keep when messages come.
#[derive(Debug, Clone, Copy)]
struct Room {
    messages: u64,
    bytes: u64,
    /// The most messages that go at once; where there are far too many, the rest goes another time.
    trim: u64,
}

impl Room {
    /// The room that these messages leave to the earlier ones under a session's caps.
    fn beside<'a>(coming: impl ExactSizeIterator<Item = &'a str>, messages: u64, bytes: u64) -> Self {
        let count = coming.len() as u64;
        let coming: u64 = coming.map(|text| text.len() as u64).sum();
        Self {
            messages: messages.saturating_sub(count),
            bytes: bytes.saturating_sub(coming),
            trim: TRIM_PER_CALL.max(count),
        }
    }

    /// How many of the oldest messages may have to go: where there are too many bytes, twice as many as their average
    /// size says. A script reads so many sizes.
    fn excess(self, session: &Session) -> u64 {
        let kept = session.kept();
        let mut over = kept.saturating_sub(self.messages);
        if session.bytes > self.bytes {
            over = over.max(2 + 2 * (session.bytes - self.bytes) * kept / session.bytes);
        }
        over.min(kept).min(self.trim)
    }

    /// Removes the oldest messages that have to go.
    fn make<R: Records>(self, records: &mut R, id: &SessionId, session: &mut Session) -> Result<(), R::Error> {
        let first = session.first;
        let over = self.excess(session);
        if over == 0 {
            return Ok(());
        }
        for size in records.message_sizes(id, first..first + over)? {
            if session.kept() <= self.messages && session.bytes <= self.bytes {
                break;
            }
            session.first += 1;
            session.bytes = session.bytes.saturating_sub(size);
        }
        records.remove_messages(id, first..session.first)
    }
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
