//! Turns and messages: what `/v1/chat`, its incognito form, an append and a stop say.

use super::{Raw, SessionBody};
use crate::id::{MessageId, SessionId};
use crate::stream::Finish;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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
    /// Why the responder ended its reply, where it says so; not in a replayed answer. `length`: at its limit of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// Redis can't be reached, and has not got the reply yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// Of a stream: what its last header would say of the journal, for that was sent too early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
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
    /// As in [`ChatResponse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
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
