//! What a store's methods answer, in the shapes and names of JavaScript: `www/chatkeep/src/server/answers.ts` is made from these.

use crate::id::{MessageId, SessionId};
use crate::session::{Card, Session};
use crate::time::Millis;
use crate::wire::{SessionBody, StateFields};
use serde::Serialize;
use serde_json::value::RawValue;

/// A session. Times are RFC 3339, UTC.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Session"))]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionAnswer {
    /// Its id.
    id: SessionId,
    /// Its title, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The messages that are kept.
    message_count: u64,
    /// The messages that were ever stored.
    total_messages: u64,
    /// When it was made.
    created_at: String,
    /// The last change.
    updated_at: String,
    /// When it goes, unless it is used before.
    expires_at: String,
    /// The same in seconds from now, rounded up.
    ttl_seconds: u64,
    /// Rises with every change; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    /// It is marked as important. It expires all the same.
    pinned: bool,
    /// It is put away.
    archived: bool,
    /// An object that somebody keeps with it; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    metadata: Option<Box<RawValue>>,
    /// In a list that asked for members of the state: those that it has; absent when there is no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SessionPage"))]
#[serde(rename_all = "camelCase")]
pub(super) struct ListAnswer {
    /// Newest activity first.
    pub(super) sessions: Vec<SessionAnswer>,
    /// How many there are in all.
    pub(super) count: u64,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
    /// A search looked at the newest 1,000 sessions only, and there are more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) truncated: bool,
}

/// A page of messages.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "HistoryPage"))]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryAnswer<'a> {
    /// The session.
    pub(super) id: &'a SessionId,
    /// Oldest first.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::message::Message>"))]
    pub(super) messages: Vec<Box<RawValue>>,
    /// The messages that are kept.
    pub(super) message_count: u64,
    /// The messages that were ever stored.
    pub(super) total_messages: u64,
    /// What to give as `before` for the page of older ones; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_before: Option<String>,
}

/// What an append stored.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Appended"))]
#[serde(rename_all = "camelCase")]
pub(super) struct AppendAnswer<'a> {
    /// The ids of the messages, in their order.
    pub(super) message_ids: &'a [MessageId],
    /// It opened the session.
    pub(super) created: bool,
    /// The session with them.
    pub(super) session: SessionAnswer,
}

/// A state and its tag. Its type in TypeScript is its caller's.
#[derive(Debug, Serialize)]
pub(super) struct StateAnswer<'a> {
    pub(super) state: &'a RawValue,
    pub(super) tag: String,
}

/// What a write of a state came to.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WrittenState"))]
pub(super) struct WriteAnswer {
    /// It opened the session.
    pub(super) created: bool,
    /// The tag that names this writing.
    pub(super) tag: String,
    /// The session with it.
    pub(super) session: SessionAnswer,
}

/// How the store is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "StoreHealth"))]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthAnswer {
    /// Redis answers.
    pub(super) connected: bool,
    /// How long it took; `null` when it didn't.
    pub(super) latency_ms: Option<u64>,
    /// Redis can't be reached, and the store goes on in memory.
    pub(super) using_fallback: bool,
    /// Where sessions are.
    pub(super) store: Place,
    /// The changes that Redis doesn't know yet.
    pub(super) journaled: usize,
    /// Why it isn't connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<&'static str>,
}

/// Where a store keeps sessions.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Place"))]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    /// An Upstash REST database.
    Upstash,
    /// Redis, by TCP.
    Redis,
    /// This process.
    Memory,
}

#[cfg(feature = "schema")]
pub(super) fn schemas(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<ListAnswer>();
    generator.subschema_for::<HistoryAnswer<'_>>();
    generator.subschema_for::<AppendAnswer<'_>>();
    generator.subschema_for::<WriteAnswer>();
    generator.subschema_for::<HealthAnswer>();
}
