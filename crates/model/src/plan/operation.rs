//! What an operation is, and the list of all of them.

use super::{
    Append, Arrive, BeginTurn, ChargeTurn, ClaimVisitor, Create, Delete, Depart, FinishTurn, Fork, Import, Info, Leave,
    Patch, Prepend, ReadHistory, ReadIndex, ReadList, ReadState, ReadSummary, Reindex, ReleaseTurn, RenewTurn, Reseal,
    Restore, ScanSessions, Summarise, Survey, Touch, Truncate, Weigh, WriteState,
};
use crate::change::Change;
use crate::large_reads::ReadSize;
use crate::records::Records;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Unreadable, Visit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

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

    /// How large the reply can become.
    fn read_size(&self) -> ReadSize {
        ReadSize::Small
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
    Prepend,
    ReadHistory,
    ReadIndex,
    ReadList,
    ReadState,
    ReadSummary,
    Reindex,
    ReleaseTurn,
    RenewTurn,
    Reseal,
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
