//! What the session machine shows. Its JSON is the snapshot of the npm package, plus the revision.

use super::json::{self, write_as_object};
use super::list::Card;
use super::outbox::{Entry, Track};
use super::transcript::{Line, Transcript};
use super::{Json, Problem};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::time::Millis;
use std::borrow::Cow;

/// How long a session that the server has not seen yet is said to live: the default TTL, until an answer says better.
const DEFAULT_TTL: Millis = Millis(7 * 86_400_000);

/// How much of its first message such a session shows as its title.
const TITLE_CHARS: usize = 60;

/// Everything there is to show, of one moment. Frozen; what hasn't changed keeps its identity from one to the next.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Snapshot", rename_all = "camelCase"))]
pub struct View<'a> {
    /// Another one: something may have changed. The same one: nothing did.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub revision: u64,
    /// The SDK is loaded and storage has been read.
    pub ready: bool,
    /// There is a network, as far as the browser knows. Without one messages wait, as `pending`, until there is.
    pub online: bool,
    /// The server answers, but can't reach its store at the moment: what is new is kept in its journal.
    pub degraded: bool,
    /// The open session; `null` in a new chat, until its first message is sent.
    pub session_id: Option<&'a SessionId>,
    /// The open session's line in the list, where that is known.
    pub session: Option<SessionView<'a>>,
    /// Nobody keeps the open chat: no server, no storage, no other tab.
    pub incognito: bool,
    /// The open session's messages, oldest first.
    pub messages: Vec<MessageView<'a>>,
    /// A message of it waits for its reply.
    pub sending: bool,
    /// Its history is being fetched.
    pub loading: bool,
    /// It has messages older than those here: `history({ older: true })`.
    pub has_older: bool,
    /// The sessions, newest activity first; only those found, while there is something in `search`.
    pub sessions: Vec<SessionView<'a>>,
    /// How many sessions there are in all.
    pub session_count: u64,
    /// There are more sessions than those here: `sessions({ more: true })`.
    pub has_more_sessions: bool,
    /// Only sessions whose title contains this are shown; empty: all.
    pub search: &'a str,
    /// Why the last thing that the user wanted did not work, or why the open session is gone.
    pub problem: Option<&'a Problem>,
}

/// A session's line in the list. Times are RFC 3339, UTC.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Session", rename_all = "camelCase"))]
pub struct SessionView<'a> {
    /// Its id.
    pub id: &'a SessionId,
    /// Its title, where it has one.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub title: Option<Cow<'a, str>>,
    /// The messages that are kept.
    pub message_count: u64,
    /// The messages that were ever stored.
    pub total_messages: u64,
    /// When it was made.
    pub created_at: Cow<'a, str>,
    /// The last change.
    pub updated_at: Cow<'a, str>,
    /// When it goes, unless it is used before.
    pub expires_at: Cow<'a, str>,
    /// The user marked it as important. It expires all the same.
    pub pinned: bool,
    /// The user put it away.
    pub archived: bool,
}

/// A message of the open session.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Message", rename_all = "camelCase"))]
pub struct MessageView<'a> {
    /// Unique in its session.
    pub id: &'a MessageId,
    /// Who speaks.
    pub role: Role,
    /// The plain text.
    pub content: &'a str,
    /// When it was made: RFC 3339, UTC.
    pub created: Cow<'a, str>,
    /// A reply names the message that it answers.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub parent: Option<&'a MessageId>,
    /// What a client attached.
    #[cfg_attr(
        feature = "schema",
        schemars(skip_serializing_if = "Option::is_none", with = "Option<serde_json::Value>")
    )]
    pub metadata: Option<&'a Json>,
    /// How it stands.
    pub status: Status,
    /// Why it failed.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub problem: Option<&'a Problem>,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "MessageStatus", rename_all = "camelCase")
)]
pub enum Status {
    /// The server has it.
    Stored,
    /// It waits for its reply, or for the network.
    Pending,
    /// A reply that is still coming.
    Streaming,
    /// A reply that the user stopped.
    Stopped,
    /// It got no reply. `retry` sends it again, `discard` takes it back; `problem` says why.
    Failed,
}

write_as_object!(View<'_>:
    "revision" = revision, "ready" = ready, "online" = online, "degraded" = degraded, "sessionId" = session_id,
    "session" = session, "incognito" = incognito, "messages" = messages, "sending" = sending, "loading" = loading,
    "hasOlder" = has_older, "sessions" = sessions, "sessionCount" = session_count,
    "hasMoreSessions" = has_more_sessions, "search" = search, "problem" = problem);
write_as_object!(SessionView<'_>:
    "id" = id, "messageCount" = message_count, "totalMessages" = total_messages, "createdAt" = created_at,
    "updatedAt" = updated_at, "expiresAt" = expires_at, "pinned" = pinned, "archived" = archived;
    optional "title" = title);
write_as_object!(MessageView<'_>:
    "id" = id, "role" = role, "content" = content, "created" = created, "status" = status;
    optional "parent" = parent, "metadata" = metadata, "problem" = problem);

impl View<'_> {
    /// Its JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        json::text(self)
    }
}

impl json::Write for Status {
    fn write(&self, to: &mut String) {
        let name = match self {
            Status::Stored => "stored",
            Status::Pending => "pending",
            Status::Streaming => "streaming",
            Status::Stopped => "stopped",
            Status::Failed => "failed",
        };
        name.write(to);
    }
}

pub(super) fn messages<'a>(transcript: &'a Transcript, track: Option<&'a Track>) -> Vec<MessageView<'a>> {
    let mut messages = Vec::new();
    for line in transcript.lines() {
        let entry = track.and_then(|track| track.entry(&line.id));
        messages.push(of_line(line, entry));
        if let Some(entry) = entry.filter(|entry| entry.pending())
            && let Some(partial) = &entry.partial
        {
            messages.push(MessageView {
                id: &partial.id,
                role: Role::Assistant,
                content: &partial.text,
                created: Cow::Owned(entry.created.to_rfc3339()),
                parent: Some(&entry.id),
                metadata: None,
                status: Status::Streaming,
                problem: None,
            });
        }
    }
    messages
}

fn of_line<'a>(line: &'a Line, entry: Option<&'a Entry>) -> MessageView<'a> {
    let problem = entry.and_then(|entry| entry.problem.as_ref());
    MessageView {
        id: &line.id,
        role: line.role,
        content: &line.content,
        created: Cow::Borrowed(&line.created),
        parent: line.parent.as_ref(),
        metadata: line.metadata.as_ref(),
        status: match (entry, problem) {
            (None, _) if line.stopped => Status::Stopped,
            (None, _) => Status::Stored,
            (Some(_), None) => Status::Pending,
            (Some(_), Some(_)) => Status::Failed,
        },
        problem,
    }
}

/// The list, headed by the sessions that only this browser has yet: their messages must stay within reach.
pub(super) fn sessions<'a>(cards: &'a [Card], unlisted: impl Iterator<Item = &'a Track>) -> Vec<SessionView<'a>> {
    let mut sessions: Vec<SessionView<'a>> = unlisted.filter_map(of_track).collect();
    sessions.extend(cards.iter().map(of_card));
    sessions
}

pub(super) fn of_card(card: &Card) -> SessionView<'_> {
    SessionView {
        id: &card.id,
        title: card.title.as_deref().map(Cow::Borrowed),
        message_count: card.message_count,
        total_messages: card.total_messages,
        created_at: Cow::Borrowed(&card.created_at),
        updated_at: Cow::Borrowed(&card.updated_at),
        expires_at: Cow::Borrowed(&card.expires_at),
        pinned: card.pinned,
        archived: card.archived,
    }
}

pub(super) fn of_track(track: &Track) -> Option<SessionView<'_>> {
    let (first, last) = (track.outbox.first()?, track.outbox.last()?);
    if track.known || track.incognito {
        return None;
    }
    let words: Vec<&str> = first.text.split_whitespace().collect();
    let count = track.outbox.len() as u64;
    Some(SessionView {
        id: &track.id,
        title: Some(Cow::Owned(words.join(" ").chars().take(TITLE_CHARS).collect())),
        message_count: count,
        total_messages: count,
        created_at: Cow::Owned(first.created.to_rfc3339()),
        updated_at: Cow::Owned(last.created.to_rfc3339()),
        expires_at: Cow::Owned(last.created.after(DEFAULT_TTL).to_rfc3339()),
        pinned: false,
        archived: false,
    })
}
