//! The bodies of the HTTP API, as `docs/protocol.md` has them. The Worker writes them, the SDK reads them.

use crate::id::{MessageId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /v1/chat`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// Not served yet: anything but absence, null and false is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Not served yet, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incognito: Option<bool>,
    /// Not served yet: anything but absence and null is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
}

/// The answer to `POST /v1/chat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// The session after the turn.
    pub session: SessionBody,
}

/// `POST /v1/sessions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CreateRequest {
    /// The session's id, minted by the client; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A session as the API shows it: alone, in a list and in a turn's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// The answer to `GET /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// Newest activity first.
    pub sessions: Vec<SessionBody>,
    /// How many live sessions there are in all.
    pub count: u64,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The answer to `GET /v1/sessions/{id}/history`. `M` is what a message is to the reader: raw JSON or [`crate::Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
pub struct Deleted {
    /// The session that is gone.
    pub session_id: SessionId,
    /// Always true.
    pub deleted: bool,
}

/// The answer to `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// An error body, RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
