//! The operations on sessions, one file each: what goes in, what comes out, how Redis does it in one call, and the same
//! rules over [`Records`] for every other store.

pub mod begin_turn;
pub mod create;
pub mod delete;
pub mod finish_turn;
pub mod history;
pub mod info;
pub mod list;
pub mod release_turn;

pub use begin_turn::{BeginTurn, Begun};
pub use create::{Create, Created};
pub use delete::Delete;
pub use finish_turn::{FinishTurn, Finished};
pub use history::{Page, ReadHistory};
pub use info::Info;
pub use list::{Cursor, Listed, ReadList};
pub use release_turn::ReleaseTurn;

use crate::records::Records;
use crate::redis::reply::Items;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::session::Session;
use crate::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// An operation on one owner's sessions. It is a value: time, randomness and limits are its fields.
pub trait Operation: Serialize + DeserializeOwned {
    /// Its name, in the vault's protocol, logs and counters.
    const NAME: &'static str;

    /// What it comes to.
    type Outcome: Serialize + DeserializeOwned + PartialEq + fmt::Debug;

    /// How Redis does it.
    fn call(&self, keys: &Keys) -> Call;

    /// What Redis' reply means.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is none that the call can have.
    fn decode(&self, reply: Reply) -> Result<Self::Outcome, UnexpectedReply>;

    /// How every other store does it.
    ///
    /// # Errors
    /// The storage failed.
    fn apply<R: Records>(&self, records: &mut R) -> Result<Self::Outcome, R::Error>;
}

macro_rules! operations {
    ($($operation:ty),* $(,)?) => {
        /// Applies an operation that came as its name and JSON, as the vault gets it, and gives its outcome as JSON.
        ///
        /// # Errors
        /// None of the two inside: the name or the JSON is not an operation's. Some: the storage failed.
        pub fn apply_named<R: Records>(name: &str, json: &str, records: &mut R) -> Result<String, Option<R::Error>> {
            $(if name == <$operation>::NAME {
                let operation: $operation = serde_json::from_str(json).map_err(|_| None)?;
                let outcome = operation.apply(records).map_err(Some)?;
                return serde_json::to_string(&outcome).map_err(|_| None);
            })*
            Err(None)
        }

        /// The names of all operations.
        pub const NAMES: &[&str] = &[$(<$operation>::NAME,)*];
    };
}

operations!(BeginTurn, FinishTurn, ReleaseTurn, Create, Info, ReadHistory, ReadList, Delete);

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
        revision: items.number()?,
    })
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
