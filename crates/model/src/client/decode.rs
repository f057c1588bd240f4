//! Reads what comes from outside: the server's answers and the stored text.
//!
//! By hand and not by derived readers: one for each body made up a third of the module that browsers download. The
//! tests' server writes its answers with the wire types, so that the two can't drift apart.

use super::outbox::{Entry, Restored, Track};
use super::transcript::Line;
use super::{Json, Problem};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::time::Millis;
use crate::wire::{ChatResponse, History, SessionBody, SessionList};

/// A JSON object that is being taken apart.
pub(super) struct Fields(Vec<(String, Json)>);

impl Fields {
    /// Reads a text that should be an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::of(serde_json::from_str(text).ok()?)
    }

    fn of(value: Json) -> Option<Self> {
        match value {
            Json::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let (_, value) = self.0.iter_mut().find(|(other, _)| other == name)?;
        Some(std::mem::replace(value, Json::Null)).filter(|value| *value != Json::Null)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&mut self, name: &str) -> Option<u64> {
        match self.take(name)? {
            Json::Count(number) => Some(number),
            _ => None,
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        matches!(self.take(name), Some(Json::Flag(true)))
    }

    fn object(&mut self, name: &str) -> Option<Self> {
        self.take(name).and_then(Self::of)
    }

    /// A list of objects, each read by `read`; all or nothing.
    fn list<T>(&mut self, name: &str, read: fn(Self) -> Option<T>) -> Option<Vec<T>> {
        match self.take(name)? {
            Json::List(items) => items.into_iter().map(|item| read(Self::of(item)?)).collect(),
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
        truncated: false,
    })
}

pub(super) fn history(mut from: Fields) -> Option<History<Line>> {
    Some(History {
        session_id: from.session_id("session_id")?,
        messages: from.list("messages", message)?,
        message_count: from.number("message_count")?,
        total_messages: from.number("total_messages")?,
        next_before: from.text("next_before"),
    })
}

/// Whether a session was deleted.
pub(super) fn deleted(mut from: Fields) -> Option<()> {
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
    let version = from.number("v")?;
    let restored = Restored { open: from.session_id("open"), tracks: from.list("tracks", track)? };
    Some((version, restored))
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
        // The view doesn't show marks, nor whether a search was cut short.
        pinned: false,
        archived: false,
        user_id: None,
    })
}

fn message(mut from: Fields) -> Option<Line> {
    Some(Line {
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
        metadata: from.take("metadata"),
        since: 0,
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
