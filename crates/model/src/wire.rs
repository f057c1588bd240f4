//! The bodies of the HTTP API, as `docs/protocol.md` has them. The Worker writes them, the SDK reads them.

use crate::id::{MessageId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// JSON that nobody looks inside: its text stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Raw(pub Box<RawValue>);

impl Raw {
    /// Takes a text that is JSON.
    #[must_use]
    pub fn parse(json: String) -> Option<Self> {
        RawValue::from_string(json).ok().map(Raw)
    }

    /// Its text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// `POST /v1/chat`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChatRequest {
    /// What the user says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The session; absent opens a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The message's id, minted by the client; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The session must exist already: a client says so after its first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
    /// An object to keep on the user message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// An edit: first remove every message after the one with this id; `-` removes all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<String>,
    /// In place of a message: the id of one that is there, or of a reply to it, to be answered anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regenerate: Option<String>,
    /// The answer shall be a stream of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Nothing of the turn is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incognito: Option<bool>,
    /// What came before an incognito turn: an array of [`ContextMessage`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
}

/// The answer to `POST /v1/chat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChatResponse {
    /// What the responder says.
    pub response: String,
    /// The session, opened by this turn or named by it.
    pub session_id: SessionId,
    /// The user message's id.
    pub message_id: MessageId,
    /// The reply's id.
    pub reply_id: MessageId,
    /// This turn opened the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
    /// The turn had been finished before; this is its stored reply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// Somebody stopped the reply: this is what had come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// The reply broke off: this is what had come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The reply's parts in the AI SDK's form, where it is more than its text: sources, calls of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Raw>,
    /// What the responder attached to the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Raw>,
    /// What the model's API counted; not in a replayed answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Raw>,
    /// The session after the turn.
    pub session: SessionBody,
}

/// A message that an incognito turn brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ContextMessage {
    /// Who speaks.
    pub role: crate::Role,
    /// The plain text.
    pub content: String,
}

/// The answer to an incognito turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncognitoResponse {
    /// What the responder says.
    pub response: String,
    /// The user message's id.
    pub message_id: MessageId,
    /// The reply's id.
    pub reply_id: MessageId,
    /// Always true: nothing was kept.
    pub incognito: bool,
}

/// `POST /v1/visitors`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorRequest {
    /// The token comes as a cookie that pages can't read, rather than in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// The answer to `POST /v1/visitors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorBody {
    /// Whose sessions the visitor's are.
    pub owner: crate::Owner,
    /// To be shown as `Authorization: Bearer`; absent where it came as a cookie, or none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// RFC 3339: when the token ends; absent where none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// `POST /v1/sessions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateRequest {
    /// The session's id, minted by the client; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For which of its own users the caller keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A session as the API shows it: alone, in a list and in a turn's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionBody {
    /// Its id.
    pub session_id: SessionId,
    /// Its title, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The messages that are kept.
    pub message_count: u64,
    /// The messages that were ever stored.
    pub total_messages: u64,
    /// The bytes of the stored texts of the messages that are kept; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339: the last change.
    pub updated_at: String,
    /// RFC 3339: when it goes, unless it is used before.
    pub expires_at: String,
    /// The same, from now, rounded up to whole seconds.
    pub expires_in_seconds: u64,
    /// Rises with every change; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// It stands out in the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// It is out of the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// For which of its own users the caller keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A session in a list that was asked for members of its state.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedSession {
    /// What every list shows of it.
    #[serde(flatten)]
    pub session: SessionBody,
    /// Those of the members that its state has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateFields>,
}

/// Named members of a state, each as it stands there.
pub type StateFields = std::collections::BTreeMap<String, Box<RawValue>>;

/// A session on its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionDetails {
    /// What lists show of it, and its revision.
    #[serde(flatten)]
    pub session: SessionBody,
    /// The object that a client keeps with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// `PATCH /v1/sessions/{id}`: what is absent stays as it is. An empty title or an empty object removes what was there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PatchRequest {
    /// Its new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pinned or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Archived or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Its new metadata, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// `POST /v1/sessions/{id}/truncate`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TruncateRequest {
    /// The last message to keep; `-` keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// `POST /v1/sessions/{id}/fork`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForkRequest {
    /// The last message to take; absent takes all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The new session's id; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The new session's title; absent takes the old one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// `POST /v1/sessions/{id}/messages` with `messages`. With `message` it is a turn: see [`ChatRequest`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppendRequest {
    /// At most [`crate::limits::APPENDED_MESSAGES`], oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<AppendedMessage>>,
    /// The session must exist already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
}

/// One message of [`AppendRequest`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppendedMessage {
    /// Its id; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who speaks.
    pub role: crate::Role,
    /// The plain text.
    pub content: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// An object to keep on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// The answer to an append.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppendResponse {
    /// The ids of the messages, in their order.
    pub message_ids: Vec<MessageId>,
    /// This append opened the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
    /// The session with them.
    pub session: SessionBody,
}

/// The answer to `DELETE /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedAll {
    /// How many sessions are gone.
    pub deleted: u64,
}

/// A line of an export: a session, or one of its messages. The messages of a session follow it, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportLine {
    /// A session.
    Session(Box<ExportedSession>),
    /// A message.
    Message(ExportedMessage),
    /// The last line of a whole export.
    End(ExportEnd),
}

/// What an export held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportEnd {
    /// Its sessions.
    pub sessions: u64,
    /// Their messages.
    pub messages: u64,
}

/// A session in an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedSession {
    /// Its id.
    pub session_id: SessionId,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it last changed, likewise.
    pub updated_ms: u64,
    /// Pinned or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// Archived or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// For which of its own users the caller keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<RawValue>>,
}

/// A message in an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedMessage {
    /// Its session.
    pub session_id: SessionId,
    /// Its place among the exported messages of its session, from 0.
    pub position: u64,
    /// The message as it is stored.
    pub message: Box<RawValue>,
}

/// The answer to `POST /v1/import`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportResponse {
    /// Sessions of which everything is there now.
    pub sessions: u64,
    /// Messages of theirs, there before or not.
    pub messages: u64,
    /// Sessions that were left as they are, because they are deleted or have other messages in these places.
    pub skipped: Vec<SessionId>,
}

/// The answer to `GET /v1/sessions`. `S` is [`SessionBody`], or [`ListedSession`] where members of the state were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionList"))]
pub struct SessionList<S = SessionBody> {
    /// Newest activity first.
    pub sessions: Vec<S>,
    /// How many live sessions there are in all.
    pub count: u64,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The search looked at the newest sessions only: there are more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The answer to `GET /v1/sessions/{id}/history`. `M` is what a message is to the reader: raw JSON or [`crate::Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "History"))]
pub struct History<M> {
    /// The session.
    pub session_id: SessionId,
    /// Oldest first.
    pub messages: Vec<M>,
    /// The messages that are kept.
    pub message_count: u64,
    /// The messages that were ever stored.
    pub total_messages: u64,
    /// What to ask as `before` for the page of older ones; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_before: Option<String>,
}

/// The answer to `DELETE /v1/sessions/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// The session that is gone.
    pub session_id: SessionId,
    /// Always true.
    pub deleted: bool,
}

/// The answer to `GET /v1/admin/owners`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerList {
    /// Owners that have, or lately had, sessions.
    pub owners: Vec<OwnerBody>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An owner in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerBody {
    /// The owner.
    pub owner: crate::Owner,
    /// RFC 3339, to within some minutes.
    pub last_active_at: String,
}

/// The answer to `POST /v1/admin/rebuild`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rebuilt {
    /// How many sessions are in the index now.
    pub sessions: u64,
}

/// The answer to `POST /v1/admin/move`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedHouse {
    /// Owners whose sessions are all in Redis now, by this request.
    pub owners: u64,
    /// How many sessions that were.
    pub sessions: u64,
    /// Owners who still have sessions in a vault: ask again.
    pub left: u64,
}

/// The answer to `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// `healthy` or `degraded`.
    pub status: String,
    /// `connected` or `disconnected`; always `disconnected` on the vault.
    pub redis: String,
    /// `upstash` or `vault`.
    pub store: String,
    /// `configured` or `not configured`.
    pub authentication: String,
    /// This Worker's version.
    pub version: String,
    /// How long the store took to answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Why the status is `degraded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Operations go into the journal.
    #[serde(default)]
    pub using_fallback: bool,
    /// The entries of all journals that this isolate knows of; absent on the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_depth: Option<u64>,
    /// This isolate's circuit breaker: `closed`, `open` or `half_open`; absent on the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<String>,
    /// The long-term archive, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveHealth>,
}

/// How the archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArchiveHealth {
    /// `interval` or `write-through`.
    pub mode: String,
    /// `d1` or `postgrest`.
    pub target: String,
    /// All that is older than so many seconds is archived; absent before the first look through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
}

/// An error body, RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProblemBody {
    /// `urn:chatkeep:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable per code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable; the list is in `docs/protocol.md`.
    pub code: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The same request with the same ids can succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// The session that the failed turn belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The user message of the failed turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

/// `POST /v1/sessions/{id}/stop`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StopRequest {
    /// The message or the reply of the turn to stop; absent stops all of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The same, as the AI SDK's documents call it.
    #[serde(default, rename = "activeStreamId", skip_serializing_if = "Option::is_none")]
    pub active_stream_id: Option<String>,
}

/// The answer to a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stopped {
    /// The session.
    pub session_id: SessionId,
    /// How many turns were stopped.
    pub stopped: usize,
}

/// The answer to `GET /v1/ai/chat/{id}/messages`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UiMessages {
    /// The AI SDK's messages, oldest first.
    pub messages: Vec<Raw>,
    /// What to ask as `before` for the page of older ones; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_before: Option<String>,
}
