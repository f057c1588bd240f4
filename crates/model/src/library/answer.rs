//! What a store's methods answer, in the shapes and names of JavaScript. `www/chatkeep/src/server/types.ts` has the same.

use crate::id::{MessageId, SessionId};
use crate::session::{Card, Session};
use crate::time::Millis;
use crate::wire::{SessionBody, StateFields};
use serde::Serialize;
use serde_json::value::RawValue;

/// A session.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionAnswer {
    id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    message_count: u64,
    total_messages: u64,
    created_at: String,
    updated_at: String,
    expires_at: String,
    ttl_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    pinned: bool,
    archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    /// The members of its state that a list was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<StateFields>,
}

impl SessionAnswer {
    pub(super) fn of(id: &SessionId, session: &Session, now: Millis) -> Self {
        session.body(id, now).into()
    }

    pub(super) fn of_card(card: &Card, now: Millis) -> Self {
        card.body(now).into()
    }

    pub(super) fn with_metadata(mut self, metadata: Option<Box<RawValue>>) -> Self {
        self.metadata = metadata;
        self
    }

    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }
}

impl From<SessionBody> for SessionAnswer {
    fn from(body: SessionBody) -> Self {
        Self {
            id: body.session_id,
            title: body.title,
            message_count: body.message_count,
            total_messages: body.total_messages,
            created_at: body.created_at,
            updated_at: body.updated_at,
            expires_at: body.expires_at,
            ttl_seconds: body.expires_in_seconds,
            revision: body.revision,
            pinned: body.pinned,
            archived: body.archived,
            metadata: None,
            state: None,
        }
    }
}

/// A page of sessions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListAnswer {
    pub(super) sessions: Vec<SessionAnswer>,
    pub(super) count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) truncated: bool,
}

/// A page of messages.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryAnswer<'a> {
    pub(super) id: &'a SessionId,
    pub(super) messages: Vec<Box<RawValue>>,
    pub(super) message_count: u64,
    pub(super) total_messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_before: Option<String>,
}

/// Appended messages.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppendAnswer<'a> {
    pub(super) message_ids: &'a [MessageId],
    pub(super) created: bool,
    pub(super) session: SessionAnswer,
}

/// A state and its tag.
#[derive(Debug, Serialize)]
pub(super) struct StateAnswer<'a> {
    pub(super) state: &'a RawValue,
    pub(super) tag: String,
}

/// A state written.
#[derive(Debug, Serialize)]
pub(super) struct WriteAnswer {
    pub(super) created: bool,
    pub(super) tag: String,
    pub(super) session: SessionAnswer,
}

/// How the store is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthAnswer {
    pub(super) connected: bool,
    pub(super) latency_ms: Option<u64>,
    pub(super) using_fallback: bool,
    pub(super) store: &'static str,
    pub(super) journaled: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<&'static str>,
}
