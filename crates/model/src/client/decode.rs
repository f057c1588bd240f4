//! Reads what comes from outside: the server's answers, the caller's wishes, the stored text, the other tabs.
//!
//! By hand and not by derived readers: one for each body made up a third of the module that browsers download. The
//! tests' server writes its answers with the wire types, so that the two can't drift apart.

use super::list::Card;
use super::outbox::{Entry, Track};
use super::transcript::Line;
use super::{Json, Problem};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::time::Millis;

/// A JSON object that is being taken apart.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, Json)>);

impl Fields {
    pub(super) fn of(value: Json) -> Option<Self> {
        match value {
            Json::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        let (_, value) = self.0.iter_mut().find(|(other, _)| other == name)?;
        Some(std::mem::replace(value, Json::Null)).filter(|value| *value != Json::Null)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Option<u64> {
        match self.take(name)? {
            Json::Count(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        matches!(self.take(name), Some(Json::Flag(true)))
    }

    pub(super) fn object(&mut self, name: &str) -> Option<Self> {
        self.take(name).and_then(Self::of)
    }

    /// A list of objects, each read by `read`; all or nothing.
    pub(super) fn list<T>(&mut self, name: &str, read: fn(Self) -> Option<T>) -> Option<Vec<T>> {
        let Json::List(items) = self.take(name)? else { return None };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(read(Self::of(item)?)?);
        }
        Some(list)
    }

    pub(super) fn session_id(&mut self, key: &str) -> Option<SessionId> {
        SessionId::parse(self.text(key)?).ok()
    }

    pub(super) fn message_id(&mut self, key: &str) -> Option<MessageId> {
        MessageId::parse(self.text(key)?).ok()
    }
}

/// The answer to a turn: `POST /v1/chat`, or the last event of its stream.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) response: String,
    pub(super) session_id: SessionId,
    pub(super) message_id: MessageId,
    pub(super) reply_id: MessageId,
    pub(super) created: bool,
    pub(super) replayed: bool,
    pub(super) stopped: bool,
    pub(super) finish: Option<String>,
    /// None for an incognito turn.
    pub(super) card: Option<Card>,
}

/// Reads it; the session is the one that was asked in, which an incognito turn's answer doesn't name.
pub(super) fn answer(mut from: Fields, session: &SessionId) -> Option<Answer> {
    Some(Answer {
        response: from.text("response")?,
        session_id: from.session_id("session_id").unwrap_or_else(|| session.clone()),
        message_id: from.message_id("message_id")?,
        reply_id: from.message_id("reply_id")?,
        created: from.flag("created"),
        replayed: from.flag("replayed"),
        stopped: from.flag("stopped"),
        finish: from.text("finish"),
        card: from.object("session").and_then(card),
    })
}

/// A page of the list.
pub(super) struct SessionPage {
    pub(super) cards: Vec<Card>,
    pub(super) count: u64,
    pub(super) next: Option<String>,
}

pub(super) fn session_page(mut from: Fields) -> Option<SessionPage> {
    let cards = from.list("sessions", card)?;
    Some(SessionPage { cards, count: from.number("count")?, next: from.text("next_cursor") })
}

/// A page of history.
pub(super) struct HistoryPage {
    pub(super) lines: Vec<Line>,
    pub(super) next: Option<String>,
}

pub(super) fn history_page(mut from: Fields) -> Option<HistoryPage> {
    Some(HistoryPage { lines: from.list("messages", line)?, next: from.text("next_before") })
}

/// A SESSION of the protocol.
pub(super) fn card(mut from: Fields) -> Option<Card> {
    Some(Card {
        id: from.session_id("session_id")?,
        title: from.text("title"),
        message_count: from.number("message_count")?,
        total_messages: from.number("total_messages")?,
        created_at: from.text("created_at")?,
        updated_at: from.text("updated_at")?,
        expires_at: from.text("expires_at")?,
        pinned: from.flag("pinned"),
        archived: from.flag("archived"),
        since: 0,
    })
}

pub(super) fn problem(mut from: Fields) -> Option<Problem> {
    Some(Problem {
        code: from.text("code")?,
        status: u16::try_from(from.number("status")?).ok()?,
        retryable: from.flag("retryable"),
        detail: from.text("detail"),
    })
}

fn line(mut from: Fields) -> Option<Line> {
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
        stopped: from.text("status").is_some(),
        since: 0,
    })
}

pub(super) fn track(mut from: Fields) -> Option<Track> {
    let mut track = Track::new(from.session_id("id")?, from.flag("known"));
    track.outbox = from.list("outbox", entry)?;
    Some(track)
}

pub(super) fn entry(mut from: Fields) -> Option<Entry> {
    let mut entry = Entry::new(from.message_id("id")?, from.text("text")?, Millis(from.number("created")?));
    entry.metadata = from.take("metadata");
    entry.cut_after = from.text("cutAfter");
    entry.stream = from.flag("stream");
    entry.problem = from.object("problem").and_then(problem);
    Some(entry)
}
