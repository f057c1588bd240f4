//! What the session machine shows. Its JSON is the snapshot of the npm package, plus the revision.

use super::json::write_as_object;
use super::list::List;
use super::outbox::Track;
use super::transcript::{Line, Transcript};
use super::{Json, Problem};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::time::Millis;
use crate::wire::SessionBody;
use serde::Serialize;
use std::borrow::Cow;

/// How long a session that the server has not seen yet is said to live: the default TTL, until an answer says better.
const DEFAULT_TTL: Millis = Millis(7 * 86_400_000);

/// How much of its first message such a session shows as its title.
const TITLE_CHARS: usize = 60;

/// Everything there is to show, of one moment.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// Another one: something may have changed. The same one: nothing did.
    pub revision: u64,
    /// Storage has been read.
    pub ready: bool,
    /// The open session; none in a new chat.
    pub session_id: Option<&'a SessionId>,
    /// Its line in the list, where that is known.
    pub session: Option<SessionView<'a>>,
    /// Its messages, oldest first.
    pub messages: Vec<MessageView<'a>>,
    /// A message of it waits for its reply.
    pub sending: bool,
    /// Its history is being fetched.
    pub loading: bool,
    /// It has messages older than those here.
    pub has_older: bool,
    /// The sessions, newest activity first.
    pub sessions: Vec<SessionView<'a>>,
    /// How many there are in all.
    pub session_count: u64,
    /// Why the last thing that the user wanted did not work, or why the open session is gone.
    pub problem: Option<&'a Problem>,
}

/// A session's line in the list.
#[derive(Debug, Clone)]
pub struct SessionView<'a> {
    /// Its id.
    pub id: &'a SessionId,
    /// Its title, where it has one.
    pub title: Option<Cow<'a, str>>,
    /// The messages that are kept.
    pub message_count: u64,
    /// The messages that were ever stored.
    pub total_messages: u64,
    /// RFC 3339.
    pub created_at: Cow<'a, str>,
    /// RFC 3339: the last change.
    pub updated_at: Cow<'a, str>,
    /// RFC 3339: when it goes, unless it is used before.
    pub expires_at: Cow<'a, str>,
}

/// A message and how it stands.
#[derive(Debug, Clone)]
pub struct MessageView<'a> {
    /// Unique in its session.
    pub id: &'a MessageId,
    /// Who speaks.
    pub role: Role,
    /// The plain text.
    pub content: &'a str,
    /// RFC 3339.
    pub created: &'a str,
    /// A reply names the message that it answers.
    pub parent: Option<&'a MessageId>,
    /// What a client attached.
    pub metadata: Option<&'a Json>,
    /// How it stands.
    pub status: Status,
    /// Why it failed.
    pub problem: Option<&'a Problem>,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The server has it.
    Stored,
    /// It waits for its reply.
    Pending,
    /// It got none and can be sent again.
    Failed,
}

write_as_object!(View<'_>:
    "revision" = revision, "ready" = ready, "sessionId" = session_id, "session" = session, "messages" = messages,
    "sending" = sending, "loading" = loading, "hasOlder" = has_older, "sessions" = sessions,
    "sessionCount" = session_count, "problem" = problem);
write_as_object!(SessionView<'_>:
    "id" = id, "messageCount" = message_count, "totalMessages" = total_messages, "createdAt" = created_at,
    "updatedAt" = updated_at, "expiresAt" = expires_at; optional "title" = title);
write_as_object!(MessageView<'_>:
    "id" = id, "role" = role, "content" = content, "created" = created, "status" = status;
    optional "parent" = parent, "metadata" = metadata, "problem" = problem);

pub(super) fn messages<'a>(transcript: &'a Transcript, track: Option<&'a Track>) -> Vec<MessageView<'a>> {
    let view = |message: &'a Line| {
        let entry = track.and_then(|track| track.entry(&message.id));
        let problem = entry.and_then(|entry| entry.problem.as_ref());
        MessageView {
            id: &message.id,
            role: message.role,
            content: &message.content,
            created: &message.created,
            parent: message.parent.as_ref(),
            metadata: message.metadata.as_ref(),
            status: match (entry, problem) {
                (None, _) => Status::Stored,
                (Some(_), None) => Status::Pending,
                (Some(_), Some(_)) => Status::Failed,
            },
            problem,
        }
    };
    transcript.lines().map(view).collect()
}

/// The list, headed by the sessions that only this browser has yet: their messages must stay within reach.
pub(super) fn sessions<'a>(list: &'a List, tracks: &'a [Track]) -> Vec<SessionView<'a>> {
    let here = tracks.iter().rev().filter(|track| list.card(&track.id).is_none());
    let mut sessions: Vec<SessionView<'a>> = here.filter_map(of_track).collect();
    sessions.extend(list.cards().map(of_card));
    sessions
}

fn of_card(body: &SessionBody) -> SessionView<'_> {
    SessionView {
        id: &body.session_id,
        title: body.title.as_deref().map(Cow::Borrowed),
        message_count: body.message_count,
        total_messages: body.total_messages,
        created_at: Cow::Borrowed(&body.created_at),
        updated_at: Cow::Borrowed(&body.updated_at),
        expires_at: Cow::Borrowed(&body.expires_at),
    }
}

fn of_track(track: &Track) -> Option<SessionView<'_>> {
    let (first, last) = (track.outbox.first()?, track.outbox.last()?);
    if track.known {
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
    })
}
