//! Export and import: the lines of an export, the answer to an import.

use super::null_as_default;
use crate::Owner;
use crate::id::{MessageId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A line of an export: a session, or one of its messages. The messages of a session follow it, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportLine {
    /// A session.
    Session(Box<ExportedSession>),
    /// A message.
    Message(ExportedMessage),
    /// Where an export of everyone's goes on, should it break off after this line.
    Cursor(String),
    /// A text that can't be read, and is not in the export.
    LeftOut(LeftOut),
    /// The last line of a whole export.
    End(ExportEnd),
}

/// A stored text that an export leaves out, because it can't be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// Whose session, in an export of everyone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Its session.
    pub session_id: SessionId,
    /// Which text: `message`, `title`, `metadata`, `state` or `summary`.
    pub text: String,
    /// For a message, its place: that of the next message that the export has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// `value_unreadable`.
    pub code: String,
    /// The cause.
    pub detail: String,
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
    /// Whose it is, in an export of everyone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
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
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// Archived or not.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "std::ops::Not::not")]
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
    /// The tokens that the model's API counted for its turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
    /// What its first messages say in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<ExportedSummary>,
}

/// The summary of a session's first messages, in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedSummary {
    /// How many of the exported messages it is of.
    pub messages: u64,
    /// The id of the last message that it is of.
    pub last: MessageId,
    /// What they say.
    pub text: String,
}

/// A message in an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedMessage {
    /// Whose session, in an export of everyone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
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
    /// Lines that are left out, because they are no session or message: the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedLine>,
    /// How many lines are left out, where any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_count: Option<u64>,
}

/// A line of an import that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedLine {
    /// Its number in the body, from 1.
    pub line: u64,
    /// The code of the problem.
    pub code: String,
    /// What is wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
