//! Dialects: the HTTP shapes of other systems, each a translation over the canonical operations, with a namespace of its own.
//!
//! A dialect is one file: its routes, what its requests mean, and how its answers look. Under a dialect's folder the canonical
//! routes are served too (`/jarvis/v1/sessions`), in the dialect's namespace.

mod jarvis;
mod openta;
mod storage_guide;
#[cfg(test)]
mod tests;

use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId};
use crate::intake::Incoming;
use crate::message::Message;
use crate::plan::{Append, BeginTurn, Create};
use crate::route::{Query, Routes, has};
use crate::session::{Card, Session};
use crate::stream::Part;
use crate::stream::own;
use crate::stream::reader::Encode;
use crate::time::Millis;
use crate::wire::SessionBody;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Whose shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dialect {
    /// A voice assistant's chat API.
    Jarvis,
    /// A chat API whose sessions are created before they are used.
    StorageGuide,
    /// A question-answering API over papers.
    OpenTa,
}

/// The canonical operation that a dialect's route comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Verb {
    Turn,
    Create,
    List,
    Info,
    History,
    Append,
    Delete,
}

impl Verb {
    /// Whether it may change something.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Verb::Turn | Verb::Create | Verb::Append | Verb::Delete)
    }
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Jarvis, Self::StorageGuide, Self::OpenTa];

    /// Its name: the folder that it is mounted under, and the value of `DIALECT_ROOT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jarvis => "jarvis",
            Self::StorageGuide => "storage-guide",
            Self::OpenTa => "openta",
        }
    }

    /// The dialect of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// How it is spoken.
    #[must_use]
    pub fn shape(self) -> &'static dyn Shape {
        match self {
            Self::Jarvis => &jarvis::Jarvis,
            Self::StorageGuide => &storage_guide::StorageGuide,
            Self::OpenTa => &openta::OpenTa,
        }
    }

    /// The dialect that a path leads into, and the path inside it. At the root only the dialect's own routes are its: all else
    /// there is the canonical API's.
    #[must_use]
    pub fn of_path(path: &str, root: Option<Self>) -> Option<(Self, &str)> {
        let mounted = |dialect: Self| {
            let inside = path.strip_prefix('/')?.strip_prefix(dialect.name())?;
            inside.starts_with('/').then_some((dialect, inside))
        };
        let at_root = || root.filter(|dialect| has(dialect.shape().routes(), path)).map(|dialect| (dialect, path));
        Self::ALL.into_iter().find_map(mounted).or_else(at_root)
    }
}

/// A turn that a dialect asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The turn.
    pub begin: BeginTurn,
    /// What the user says.
    pub text: String,
    /// What it does with its session.
    pub memory: Memory,
    /// The answer is wanted as events.
    pub stream: bool,
}

/// What a turn does with its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It is a turn of it.
    Kept,
    /// The responder sees what was said before; nothing is written.
    ReadOnly,
    /// It has none.
    None,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The session, where there is one.
    pub session_id: Option<&'a SessionId>,
    /// What the user said.
    pub question: &'a str,
    /// The reply.
    pub reply: &'a Message,
}

/// How a dialect is spoken: what its requests mean, and how answers look. A dialect that lacks a [`Verb`] in its routes needs
/// none of that verb's functions.
#[allow(unused_variables)]
pub trait Shape: Sync {
    /// Its routes.
    fn routes(&self) -> Routes<Verb>;

    /// What a turn asks. `id` is the session's where the path names one.
    ///
    /// # Errors
    /// The problem with the request, as for every function that takes one.
    fn question(&self, id: String, incoming: Incoming) -> Result<Question, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// The answer to a turn.
    ///
    /// # Errors
    /// None in practice, as for every function that makes an answer: each of them can be serialised.
    fn answer(&self, answered: Answered) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// Writes a turn as server-sent events, from the first on: for a dialect that has its own.
    fn encoder(&self) -> Box<dyn Encode> {
        Box::new(own::Encoder)
    }

    /// What is kept on a reply beside its text: what the responder attached, and what the dialect does.
    fn reply_metadata(&self, reply: &Message, took: Millis) -> Option<Box<RawValue>> {
        reply.metadata.clone()
    }

    /// A new session, kept for a user of the caller's.
    fn create(&self, user: String, incoming: Incoming) -> Result<Create, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// The answer to a create.
    fn created(&self, id: &SessionId, session: &Session) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// All live sessions, newest activity first, of a user of the caller's where one is named.
    fn list(&self, cards: &[Card], user: Option<&str>) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// A session.
    fn info(&self, session: &SessionBody) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// How many of the newest messages are asked for.
    fn wanted(&self, query: Query) -> Result<u64, Problem> {
        Ok(u64::MAX)
    }

    /// Messages of a session, oldest first.
    fn history(&self, id: &SessionId, session: &Session, messages: &[Message]) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// Messages to store without a turn.
    fn append(&self, id: SessionId, incoming: Incoming) -> Result<(Append, Vec<MessageId>), Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// The answer to an append.
    fn appended(&self, session: &SessionBody) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// The answer to a delete.
    fn deleted(&self, id: &SessionId) -> Result<String, Problem> {
        Err(Code::RouteNotFound.into())
    }

    /// A problem as the dialect's clients know it.
    fn problem(&self, problem: Problem) -> Problem {
        problem
    }
}

fn json(body: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(body).map_err(|_| Code::Internal.into())
}

/// Where a reply is from: the `sources` of its metadata, and where it has none the sources among its parts.
pub(crate) fn sources(message: &Message) -> Vec<Box<RawValue>> {
    let told = sources_told(message.metadata.as_deref());
    if !told.is_empty() {
        return told;
    }
    let parts = message.parts.as_ref().and_then(|parts| serde_json::from_str::<Vec<Part>>(parts.get()).ok());
    parts.into_iter().flatten().filter_map(|part| part.source()).map(|source| source.0).collect()
}

/// The sources that a reply's metadata has.
fn sources_told(metadata: Option<&RawValue>) -> Vec<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        sources: Vec<Box<RawValue>>,
    }
    let metadata = metadata.and_then(|metadata| serde_json::from_str::<Metadata>(metadata.get()).ok());
    metadata.map(|metadata| metadata.sources).unwrap_or_default()
}

/// The 128 bits of a UUID as text: `550e8400-e29b-41d4-a716-446655440000`.
pub(crate) fn uuid_text(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default().to_owned());
    groups.join("-")
}
