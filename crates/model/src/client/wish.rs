//! What a user of the SDK can wish for, and how the shell says it.

use super::Json;
use super::decode::Fields;
use super::problem::Problem;
use crate::id::{MessageId, SessionId};

/// A wish. Where a session may be left out, the open one is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// An empty chat.
    NewChat {
        /// One that nobody keeps.
        incognito: bool,
    },
    /// To say something in the open session, or in a new one.
    Send {
        /// What.
        text: String,
        /// To be kept with the message.
        metadata: Option<Json>,
        /// To have the reply in pieces.
        stream: bool,
        /// The message's id; none: a new one.
        id: Option<MessageId>,
    },
    /// To send a failed message again, under its id.
    Retry {
        /// Which.
        message: MessageId,
    },
    /// To take back a message that failed or waits.
    Discard {
        /// Which.
        message: MessageId,
    },
    /// To say a message of the user's differently. It and all that came after it goes.
    Edit {
        /// Which.
        message: MessageId,
        /// What to say instead.
        text: String,
        /// To have the reply in pieces.
        stream: bool,
    },
    /// To have another reply.
    Regenerate {
        /// The reply, or the message that it answers; none: the last one.
        message: Option<MessageId>,
        /// To have it in pieces.
        stream: bool,
    },
    /// That the reply under way ends here.
    Stop,
    /// To keep the open incognito chat after all.
    Keep,
    /// To see a session.
    Open {
        /// Which.
        session: SessionId,
    },
    /// The open session's newest messages, or the page before the oldest.
    History {
        /// The page before.
        older: bool,
    },
    /// The list of sessions from the server.
    Sessions {
        /// The page after those here.
        more: bool,
        /// Only those whose title contains this; empty: all. None: as before.
        search: Option<String>,
    },
    /// To change what the list shows of a session.
    Patch {
        /// Which.
        session: SessionId,
        /// The members to change: `title`, `pinned`, `archived`, `metadata`.
        changes: Json,
    },
    /// To delete a session.
    Delete {
        /// Which.
        session: SessionId,
    },
    /// To have a deleted session back.
    Restore {
        /// Which.
        session: SessionId,
    },
    /// A copy of a session, up to a message.
    Fork {
        /// Which.
        session: Option<SessionId>,
        /// The last message to copy; none: all.
        at: Option<MessageId>,
        /// The copy's title.
        title: Option<String>,
    },
    /// Everything of a session, or of all, as NDJSON.
    Export {
        /// Which; none: all.
        session: Option<SessionId>,
    },
    /// The agent's state.
    State {
        /// Of which session.
        session: Option<SessionId>,
    },
    /// To write the agent's state.
    SetState {
        /// Of which session.
        session: Option<SessionId>,
        /// Any JSON but null.
        state: Json,
    },
}

impl Wish {
    /// Reads a wish: its name and an object with what belongs to it.
    ///
    /// # Errors
    /// `invalid_session_id` or `invalid_message_id` where that is what's wrong, `message_not_found` for an id that no message
    /// has, else `invalid_call`.
    pub fn read(name: &str, arguments: Json) -> Result<Self, Problem> {
        let mut from = Fields::of(arguments).unwrap_or_default();
        let stream = from.flag("stream");
        let session = from.text("session");
        let session = match session.map(SessionId::parse) {
            Some(Err(_)) => return Err(Problem::invalid_session_id()),
            Some(Ok(id)) => Some(id),
            None => None,
        };
        let message = from.text("message");
        let message = match message.map(MessageId::parse) {
            Some(Err(_)) if name == "send" => return Err(Problem::invalid_message_id()),
            Some(Err(_)) => return Err(Problem::message_not_found()),
            Some(Ok(id)) => Some(id),
            None => None,
        };
        Self::of(name, from, session, message, stream).ok_or_else(Problem::invalid_call)
    }

    fn of(
        name: &str,
        mut from: Fields,
        session: Option<SessionId>,
        message: Option<MessageId>,
        stream: bool,
    ) -> Option<Self> {
        Some(match name {
            "newChat" => Self::NewChat { incognito: from.flag("incognito") },
            "send" => Self::Send { text: from.text("text")?, metadata: from.take("metadata"), stream, id: message },
            "retry" => Self::Retry { message: message? },
            "discard" => Self::Discard { message: message? },
            "edit" => Self::Edit { message: message?, text: from.text("text")?, stream },
            "regenerate" => Self::Regenerate { message, stream },
            "stop" => Self::Stop,
            "keep" => Self::Keep,
            "open" => Self::Open { session: session? },
            "history" => Self::History { older: from.flag("older") },
            "sessions" => Self::Sessions { more: from.flag("more"), search: from.text("search") },
            "patch" => Self::Patch { session: session?, changes: from.take("changes")? },
            "delete" => Self::Delete { session: session? },
            "restore" => Self::Restore { session: session? },
            "fork" => Self::Fork { session, at: message, title: from.text("title") },
            "export" => Self::Export { session },
            "state" => Self::State { session },
            "setState" => Self::SetState { session, state: from.take("state")? },
            _ => return None,
        })
    }
}
