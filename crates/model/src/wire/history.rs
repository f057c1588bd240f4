//! Pages of messages.

use super::Raw;
use crate::id::SessionId;
use serde::{Deserialize, Serialize};

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
