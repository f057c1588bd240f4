//! Replaying an entry: the call that is sent, and what its reply means for the entry.
//!
//! An entry goes to Redis as its operation, with the operation's own id, and its place in the journal is checked and written
//! in the same script. So it happens once, however often it is sent and however late a copy arrives.

use super::Entry;
use crate::Operation;
use crate::plan::{
    Append, BeginTurn, Create, Delete, FinishTurn, Fork, Patch, ReleaseTurn, Restore, Touch, Truncate, WriteState,
};
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;

/// How an entry is sent: at first as it is, then as the last reply asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// As if it were this time.
    pub now: Option<Millis>,
    /// Without the cut that comes before its message.
    pub uncut: bool,
    /// Under an id of its own: the client's was used for another request before the outage.
    pub renamed: bool,
}

/// What a reply means for the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Redis has it: the entry can go.
    Done,
    /// Redis has reason not to take it, an error's code: the entry can go.
    Dropped(&'static str),
    /// It is to be sent again, otherwise.
    Again(Step),
}

/// An operation that can be replayed.
pub trait Replayable: Operation {
    /// Which of its call's keys is the session, counted from 1.
    const SESSION: usize = 1;
    /// Which is where it sets the session aside; 0: none.
    const ASIDE: usize = 0;

    /// What is sent in its stead: what was acknowledged is not decided anew.
    fn replayed(self, _: Step) -> Self {
        self
    }

    /// What its outcome means.
    fn settle(outcome: &Self::Outcome, step: Step) -> Settled;
}

macro_rules! by_name {
    ($name:expr, $replay:ident, $arguments:tt) => {
        match $name {
            Append::NAME => $replay::<Append> $arguments,
            BeginTurn::NAME => $replay::<BeginTurn> $arguments,
            Create::NAME => $replay::<Create> $arguments,
            Delete::NAME => $replay::<Delete> $arguments,
            FinishTurn::NAME => $replay::<FinishTurn> $arguments,
            Fork::NAME => $replay::<Fork> $arguments,
            Patch::NAME => $replay::<Patch> $arguments,
            ReleaseTurn::NAME => $replay::<ReleaseTurn> $arguments,
            Restore::NAME => $replay::<Restore> $arguments,
            Touch::NAME => $replay::<Touch> $arguments,
            Truncate::NAME => $replay::<Truncate> $arguments,
            WriteState::NAME => $replay::<WriteState> $arguments,
            _ => None,
        }
    };
}

/// The call that replays an entry of a journal. None when no entry can be of this form.
#[must_use]
pub fn call(entry: &Entry, step: Step, journal: &str, keys: &Keys) -> Option<Call> {
    by_name!(entry.operation.as_str(), call_of, (entry, step, journal, keys))
}

fn call_of<O: Replayable>(entry: &Entry, step: Step, journal: &str, keys: &Keys) -> Option<Call> {
    let operation: O = serde_json::from_str(&entry.json).ok()?;
    Some(place(&operation.replayed(step), entry.position, journal, keys))
}

/// The call of an operation as the entry at a position of a journal.
pub fn place<O: Replayable>(operation: &O, position: u64, journal: &str, keys: &Keys) -> Call {
    let place = [O::SESSION.to_string(), O::ASIDE.to_string(), journal.to_owned(), position.to_string()];
    operation.call(keys).journaled(place)
}

/// Whether a reply says that Redis has had the entry before.
#[must_use]
pub fn is_applied(reply: &Reply) -> bool {
    *reply == Reply::Array(vec![Reply::Text("applied".to_owned())])
}

/// What the reply to that call means.
///
/// # Errors
/// [`UnexpectedReply`] when it is none that the call can have.
pub fn settle(entry: &Entry, step: Step, reply: Reply) -> Result<Settled, UnexpectedReply> {
    if is_applied(&reply) {
        return Ok(Settled::Done);
    }
    by_name!(entry.operation.as_str(), settle_of, (entry, step, reply)).unwrap_or(Err(UnexpectedReply))
}

fn settle_of<O: Replayable>(entry: &Entry, step: Step, reply: Reply) -> Option<Result<Settled, UnexpectedReply>> {
    let operation: O = serde_json::from_str(&entry.json).ok()?;
    Some(operation.decode(reply).map(|outcome| O::settle(&outcome, step)))
}
