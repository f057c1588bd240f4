//! Storage as the rules see it: one owner's sessions as records that are read and written at once, without waiting.
//!
//! Redis runs each operation's Lua script. Every other store (the vault's SQLite, the reference store's maps) only offers
//! these records, and the operation's `apply` runs the same rules over them. So there are two statements of each rule,
//! and the conformance suite holds them against each other.

mod memory;

pub use memory::{Kept, MemoryRecords};

use crate::id::{MessageId, SessionId, TurnId};
use crate::owner::Owner;
use crate::session::{Card, Session};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What an agent keeps with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Counts its writes from 1.
    pub revision: u64,
    /// Any JSON.
    pub json: String,
}

/// What is noted of a session beside what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The tokens that the model's API counted for its turns.
    pub used: u64,
    /// A summary of its earlier messages, as [`crate::plan::Summary`] stores it; empty for none.
    pub summary: String,
}

/// One owner's sessions in one namespace.
///
/// The calls of one operation happen together or not at all: an implementation runs an `apply` in one transaction.
pub trait Records {
    /// Why the storage failed.
    type Error;

    /// The session, expired or not.
    ///
    /// # Errors
    /// The storage failed; so for every call here.
    fn session(&mut self, id: &SessionId) -> Result<Option<Session>, Self::Error>;

    /// Writes the session's fields.
    fn put_session(&mut self, id: &SessionId, session: &Session) -> Result<(), Self::Error>;

    /// Removes the session with its messages and turns.
    fn remove_session(&mut self, id: &SessionId) -> Result<(), Self::Error>;

    /// The stored texts of the messages at these positions, oldest first.
    fn messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<String>, Self::Error>;

    /// The bytes of each of these messages' texts, oldest first.
    fn message_sizes(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<u64>, Self::Error>;

    /// Writes a message.
    fn put_message(&mut self, id: &SessionId, position: u64, message: &str) -> Result<(), Self::Error>;

    /// Removes the messages at these positions.
    fn remove_messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<(), Self::Error>;

    /// The record of a turn.
    fn turn(&mut self, id: &SessionId, turn: &TurnId) -> Result<Option<TurnRecord>, Self::Error>;

    /// Writes the record of a turn; of a new one, it forgets the oldest beyond [`crate::limits::REMEMBERED_TURNS`].
    fn put_turn(&mut self, id: &SessionId, turn: &TurnId, record: &TurnRecord) -> Result<(), Self::Error>;

    /// The position of the message with an id among these positions; the last, should there be several.
    fn find_message(
        &mut self,
        id: &SessionId,
        message: &MessageId,
        positions: Range<u64>,
    ) -> Result<Option<u64>, Self::Error>;

    /// The session's metadata, a JSON object.
    fn metadata(&mut self, id: &SessionId) -> Result<Option<String>, Self::Error>;

    /// Writes the session's metadata; empty removes it.
    fn put_metadata(&mut self, id: &SessionId, metadata: &str) -> Result<(), Self::Error>;

    /// The session's state, any JSON, and its revision.
    fn state(&mut self, id: &SessionId) -> Result<Option<State>, Self::Error>;

    /// Writes the session's state.
    fn put_state(&mut self, id: &SessionId, state: &State) -> Result<(), Self::Error>;

    /// What is noted of the session.
    fn notes(&mut self, id: &SessionId) -> Result<Notes, Self::Error>;

    /// Notes it.
    fn put_notes(&mut self, id: &SessionId, notes: &Notes) -> Result<(), Self::Error>;

    /// Sets a live session aside as deleted until a moment: it is gone for every other call.
    fn bury(&mut self, id: &SessionId, until: Millis) -> Result<(), Self::Error>;

    /// Takes a session back that is set aside.
    fn unbury(&mut self, id: &SessionId) -> Result<(), Self::Error>;

    /// Until when the session is set aside as deleted.
    fn buried_until(&mut self, id: &SessionId) -> Result<Option<Millis>, Self::Error>;

    /// How many sessions can be read at `now`.
    fn count(&mut self, now: Millis) -> Result<u64, Self::Error>;

    /// The bytes of the session's state and metadata.
    fn extra_bytes(&mut self, id: &SessionId) -> Result<u64, Self::Error>;

    /// The bytes of all sessions that can be read at `now`, and of those that are set aside as deleted then.
    fn stored_bytes(&mut self, now: Millis) -> Result<u64, Self::Error>;

    /// What the session remembers of turns and other operations, the oldest first.
    fn turns(&mut self, id: &SessionId) -> Result<Vec<(TurnId, TurnRecord)>, Self::Error>;

    /// Who has claimed this owner's sessions, as long as that is remembered.
    fn claimed_by(&mut self, now: Millis) -> Result<Option<Owner>, Self::Error>;

    /// Remembers that an owner has claimed this one's sessions.
    fn put_claim(&mut self, by: &Owner, until: Millis) -> Result<(), Self::Error>;

    /// Counts one more in a bucket that is needed for so long, and gives the count.
    fn charge(&mut self, bucket: &str, now: Millis, lives: Millis) -> Result<u64, Self::Error>;

    /// Cards of sessions that can be read at `now` and expire at `newest` or before (all of them without it), the latest first and
    /// equals by descending id, after `skip` of them, at most `limit`.
    fn cards(&mut self, now: Millis, newest: Option<Millis>, skip: u64, limit: u64) -> Result<Vec<Card>, Self::Error>;

    /// Cards of sessions live at `now`, the first to expire first and equals by ascending id, after a place in that order, at most
    /// `limit`.
    fn cards_after(
        &mut self,
        now: Millis,
        after: Option<(Millis, &SessionId)>,
        limit: u64,
    ) -> Result<Vec<Card>, Self::Error>;
}
