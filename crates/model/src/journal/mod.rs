//! The journal: what an owner does while Redis can't take it, kept until Redis can.
//!
//! A *ledger* is where a journal is kept: entries in their order, and an *overlay*, which is [`Records`] of what is known of
//! the sessions that the entries are about. [`accept`] applies an operation to the overlay and makes it an entry;
//! [`replay`] sends entries to Redis, each once. Nothing here waits or sends: the vault keeps a ledger in SQLite, a
//! library in memory.

mod accept;
mod list;
mod operations;
pub mod replay;

pub use accept::{Accepted, accept};
pub use list::merged;
pub use replay::{Settled, Step};

use crate::fingerprint;
use crate::id::{MessageId, SessionId, TurnId};
use crate::message::stored_id;
use crate::owner::Owner;
use crate::plan::{Append, BeginTurn, Delete, Operation, ReleaseTurn, Restore, TurnMode};
use crate::records::Records;
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// How much the overlay knows of a session whose earlier contents are in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// All messages that are kept are known. Else what would be decided by unknown ones is not decided.
    pub whole: bool,
    /// The position from which on they are known, where they are not all.
    pub known_from: u64,
    /// Its state, or that it has none, is known.
    pub state_known: bool,
}

impl Base {
    /// Nothing is known but what the journal says.
    pub const ASSUMED: Self = Self { whole: false, known_from: 0, state_known: false };

    /// Everything is known.
    pub const WHOLE: Self = Self { whole: true, known_from: 0, state_known: true };
}

/// Where a journal is kept. What one [`accept`] writes happens together or not at all.
pub trait Ledger: Records {
    /// What is known of a session; nothing when the overlay doesn't know whether there is one.
    ///
    /// # Errors
    /// The storage failed; so for every call here.
    fn base(&mut self, id: &SessionId) -> Result<Option<Base>, Self::Error>;

    /// Says what is known of a session.
    fn put_base(&mut self, id: &SessionId, base: Base) -> Result<(), Self::Error>;

    /// Whether anything is known of any session.
    fn knows_any(&mut self) -> Result<bool, Self::Error>;

    /// Adds an entry behind the others: an operation on a session, its name and JSON.
    fn push(&mut self, session: &SessionId, operation: &'static str, json: &str) -> Result<(), Self::Error>;
}

/// An entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: rises by entry, and never begins anew in the life of a journal.
    pub position: u64,
    /// The session that it is about.
    pub session: SessionId,
    /// The operation's name.
    pub operation: String,
    /// The operation, as it was accepted.
    pub json: String,
}

/// What somebody knows of a session that the overlay doesn't.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Redis said so just now. Else it is what it said a while ago.
    pub certain: bool,
    /// The session; none when there is none.
    pub session: Option<Session>,
    /// Its newest messages as stored, oldest first: the last is at the position before `session.next`.
    pub messages: Vec<String>,
    /// Its metadata.
    pub metadata: Option<String>,
    /// The revision and the text of its state.
    pub state: Option<(u64, String)>,
    /// A turn or another operation that has an id, and its record as stored.
    pub turn: Option<(TurnId, String)>,
    /// How the turn that is finished was begun: Redis may have lost that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Box<BeginTurn>>,
}

impl Seed {
    /// Joins what Redis said with what the caller knows: a turn that Redis doesn't remember is the caller's, and how it began.
    #[must_use]
    pub fn or_turn_of(self, known: Option<&Self>) -> Self {
        let turn = self.turn.or_else(|| known.and_then(|known| known.turn.clone()));
        let begin = self.begin.or_else(|| known.and_then(|known| known.begin.clone()));
        Self { turn, begin, ..self }
    }

    /// Shows its texts, which are sealed as those of operations are.
    ///
    /// # Errors
    /// What `visit` refuses.
    pub fn texts(&mut self, id: &SessionId, visit: Visit) -> Result<(), Unreadable> {
        self.session.as_mut().map_or(Ok(()), |session| visit(Kind::Title, id, &mut session.title))?;
        self.messages.iter_mut().try_for_each(|message| visit(Kind::Message, id, message))?;
        if let Some((_, stored)) = &mut self.turn
            && let Some(mut record) = TurnRecord::parse(stored)
        {
            visit(Kind::Fingerprint, id, &mut record.fingerprint)?;
            record.fingerprint = fingerprint::stored(&record.fingerprint).to_owned();
            *stored = record.to_string();
        }
        self.begin.as_mut().map_or(Ok(()), |begin| begin.texts(visit))?;
        self.metadata.as_mut().map_or(Ok(()), |metadata| visit(Kind::Metadata, id, metadata))?;
        self.state.as_mut().map_or(Ok(()), |(_, json)| visit(Kind::State, id, json))
    }
}

impl Entry {
    /// The ids of the messages that it brings, should they be nowhere else.
    #[must_use]
    pub fn brings(&self) -> Vec<MessageId> {
        #[derive(Deserialize)]
        struct Brought {
            message_id: Option<MessageId>,
            reply_id: Option<MessageId>,
            #[serde(default)]
            mode: TurnMode,
            #[serde(default)]
            messages: Vec<String>,
        }
        match (self.operation.as_str(), serde_json::from_str::<Brought>(&self.json)) {
            (BeginTurn::NAME, Ok(Brought { message_id, reply_id, mode: TurnMode::Append, .. })) => {
                message_id.into_iter().chain(reply_id).collect()
            }
            (Append::NAME, Ok(Brought { messages, .. })) => {
                messages.iter().filter_map(|text| MessageId::parse(stored_id(text)?).ok()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// When it was accepted.
    #[must_use]
    pub fn accepted(&self) -> Option<Millis> {
        #[derive(Deserialize)]
        struct Accepted {
            now: Millis,
        }
        serde_json::from_str(&self.json).ok().map(|Accepted { now }| now)
    }

    /// The sessions without which it comes to nothing, or to another one.
    #[must_use]
    pub fn needs(&self) -> Vec<SessionId> {
        if [Delete::NAME, ReleaseTurn::NAME, Restore::NAME].contains(&self.operation.as_str()) {
            return Vec::new();
        }
        let source = session_of(&self.json).filter(|source| *source != self.session);
        source.into_iter().chain([self.session.clone()]).collect()
    }
}

/// An operation that a vault is handed because Redis could not take it, or because the client was told to come by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handed {
    /// What the namespace's keys begin with.
    pub prefix: String,
    /// Its TTL.
    pub ttl: Millis,
    /// Whose vault it is.
    pub owner: Owner,
    /// Why Redis can't be asked: the name of an outage. Without it the vault first tries to replay.
    pub away: Option<String>,
    /// The operation's name.
    pub operation: String,
    /// The operation.
    pub json: String,
    /// What the caller knows of the session.
    pub seed: Option<Seed>,
}

impl Handed {
    /// The one session that the operation is about, where it is about one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        session_of(&self.json)
    }

    /// The id under which a session remembers the operation, where it remembers it.
    #[must_use]
    pub fn record_id(&self) -> Option<TurnId> {
        #[derive(Deserialize)]
        struct Ids {
            turn: Option<TurnId>,
            operation: Option<TurnId>,
        }
        let Ids { turn, operation } = serde_json::from_str(&self.json).ok()?;
        turn.or(operation)
    }
}

/// Whether an operation takes room in a journal that its owner chooses to take. What ends a turn or deletes is taken by a full one too.
#[must_use]
pub fn is_bounded(operation: &str) -> bool {
    use crate::Operation;
    use crate::plan::{Append, BeginTurn, Create, Fork, Patch, Restore, Touch, Truncate, WriteState};
    [
        Append::NAME,
        BeginTurn::NAME,
        Create::NAME,
        Fork::NAME,
        Patch::NAME,
        Restore::NAME,
        Touch::NAME,
        Truncate::NAME,
        WriteState::NAME,
    ]
    .contains(&operation)
}

/// The one session that an operation's JSON is about, where it is about one.
#[must_use]
pub fn session_of(json: &str) -> Option<SessionId> {
    #[derive(Deserialize)]
    struct About {
        session: Option<SessionId>,
        #[serde(default)]
        sessions: Vec<SessionId>,
    }
    let About { session, mut sessions } = serde_json::from_str(json).ok()?;
    session.or_else(|| sessions.pop().filter(|_| sessions.is_empty()))
}

/// What the vault says to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It was taken.
    Outcome {
        /// The outcome's JSON.
        json: String,
        /// What the client shall send from now on.
        marker: String,
        /// How many entries the journal has.
        depth: u64,
        /// Why Redis can't be asked; nothing when the journal is only not yet replayed.
        away: Option<String>,
    },
    /// Everything is replayed: Redis is to be asked.
    Drained,
    /// The journal knows nothing of this: Redis, which still reads, is to be asked.
    Direct,
    /// It depends on what nobody here knows.
    Unknown {
        /// As in an outcome.
        away: Option<String>,
    },
    /// The journal has no room for this.
    Full,
    /// Redis refuses this Worker, so that nothing can be replayed: the cause.
    Refused(String),
}
