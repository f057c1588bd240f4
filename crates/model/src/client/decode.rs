//! Reads what comes from outside: the server's answers and the stored text.
//!
//! By hand and not by derived readers: one for each body made up a third of the module that browsers download. The
//! tests' server writes its answers with the wire types, so that the two can't drift apart.

use super::Problem;
use super::outbox::{Entry, Restored, Track};
use crate::id::{MessageId, SessionId};
use crate::message::{Message, Role};
use crate::time::Millis;
use crate::wire::{ChatResponse, History, SessionBody, SessionList};
use serde_json::Value;

/// A JSON object that is being taken apart.
pub(super) struct Fields(Value);

impl Fields {
    /// Reads a text that should be an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(Value::is_object).map(Self)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.get_mut(key).map(Value::take).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.0.get(key)?.as_u64()
    }

    fn flag(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn object(&mut self, key: &str) -> Option<Self> {
        self.take(key).filter(Value::is_object).map(Self)
    }

    /// A list of objects, each read by `read`; all or nothing.
    fn list<T>(&mut self, key: &str, read: fn(Self) -> Option<T>) -> Option<Vec<T>> {
        match self.take(key) {
            Some(Value::Array(items)) => items.into_iter().map(|item| read(Self(item))).collect(),
            _ => None,
        }
    }

    fn session_id(&mut self, key: &str) -> Option<SessionId> {
        SessionId::parse(self.text(key)?).ok()
    }

    fn message_id(&mut self, key: &str) -> Option<MessageId> {
        MessageId::parse(self.text(key)?).ok()
    }
}

pub(super) fn chat_response(mut from: Fields) -> Option<ChatResponse> {
    Some(ChatResponse {
        response: from.text("response")?,
        session_id: from.session_id("session_id")?,
        message_id: from.message_id("message_id")?,
        reply_id: from.message_id("reply_id")?,
        created: from.flag("created"),
        replayed: from.flag("replayed"),
        session: session(from.object("session")?)?,
    })
}

pub(super) fn session_list(mut from: Fields) -> Option<SessionList> {
    Some(SessionList {
        sessions: from.list("sessions", session)?,
        count: from.number("count")?,
        next_cursor: from.text("next_cursor"),
    })
}

pub(super) fn history(mut from: Fields) -> Option<History<Message>> {
    Some(History {
        session_id: from.session_id("session_id")?,
        messages: from.list("messages", message)?,
        message_count: from.number("message_count")?,
        total_messages: from.number("total_messages")?,
        next_before: from.text("next_before"),
    })
}

/// Whether a session was deleted.
pub(super) fn deleted(from: &Fields) -> Option<()> {
    from.flag("deleted").then_some(())
}

pub(super) fn problem(mut from: Fields) -> Option<Problem> {
    Some(Problem {
        code: from.text("code")?,
        status: u16::try_from(from.number("status")?).ok()?,
        retryable: from.flag("retryable"),
        detail: from.text("detail"),
    })
}

pub(super) fn restored(mut from: Fields) -> Option<(u64, Restored)> {
    let restored = Restored { open: from.session_id("open"), tracks: from.list("tracks", track)? };
    Some((from.number("v")?, restored))
}

fn session(mut from: Fields) -> Option<SessionBody> {
    Some(SessionBody {
        session_id: from.session_id("session_id")?,
        title: from.text("title"),
        message_count: from.number("message_count")?,
        total_messages: from.number("total_messages")?,
        created_at: from.text("created_at")?,
        updated_at: from.text("updated_at")?,
        expires_at: from.text("expires_at")?,
        expires_in_seconds: from.number("expires_in_seconds")?,
        revision: None,
    })
}

fn message(mut from: Fields) -> Option<Message> {
    Some(Message {
        id: from.message_id("id")?,
        role: match from.text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return None,
        },
        content: from.text("content")?,
        created: from.text("created")?,
        parent: from.message_id("parent"),
        metadata: from.take("metadata").and_then(|value| serde_json::value::to_raw_value(&value).ok()),
    })
}

fn track(mut from: Fields) -> Option<Track> {
    let mut track = Track::new(from.session_id("id")?, from.flag("known"));
    track.outbox = from.list("outbox", entry)?;
    Some(track)
}

fn entry(mut from: Fields) -> Option<Entry> {
    Some(Entry {
        id: from.message_id("id")?,
        text: from.text("text")?,
        created: Millis(from.number("created")?),
        problem: from.object("problem").and_then(problem),
        tickets: Vec::new(),
        waits: 0,
    })
}
