//! How the deployment is, and what a refusal says.

use crate::id::{MessageId, SessionId};
use serde::{Deserialize, Serialize};

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
    /// The key that sessions are encrypted with, by its id, or `off` where what is new is not; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The texts that this isolate could not decrypt; absent where it always could. It is no part of the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<UnreadableTexts>,
    /// The long-term archive, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveHealth>,
}

/// Stored texts that could not be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnreadableTexts {
    /// How often one could not be, since the isolate started.
    pub count: u64,
    /// Why the last one could not be: `encryption_key_unknown`, `value_not_genuine` or `value_not_sealed`.
    pub cause: String,
}

/// How the archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArchiveHealth {
    /// `interval` or `write-through`.
    pub mode: String,
    /// `d1` or `postgrest`.
    pub target: String,
    /// All that is older than so many seconds is archived, but for what was refused; absent before the first look through began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    /// The sessions of which the archive refuses something.
    #[serde(default)]
    pub refused: u64,
}

/// The answer to `GET /live` and `GET /ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probe {
    /// `live`, `ready` or `not_ready`.
    pub status: String,
    /// Why no turn can be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
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
    /// By which operators find the request in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
