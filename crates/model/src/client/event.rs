//! What can happen to the session machine: the user's wishes, and the answers to its effects.

use super::{Ticket, Token};
use crate::id::{MessageId, SessionId};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The first event of a machine's life: what storage held, if anything.
    Restored {
        /// The text of the last [`super::Effect::Store`].
        stored: Option<String>,
    },
    /// The user wants an empty chat.
    NewChat,
    /// The user says something.
    Send {
        /// Who waits for the reply.
        ticket: Ticket,
        /// What they say.
        text: String,
        /// An id never used before.
        message_id: MessageId,
        /// The session's id, should this open one.
        new_session: SessionId,
    },
    /// The user wants a failed message sent again, under its id.
    Retry {
        /// Who waits for the reply.
        ticket: Ticket,
        /// The failed message.
        message_id: String,
        /// The session's id, should this open one because the old one is gone.
        new_session: SessionId,
    },
    /// The user opens a session.
    Open {
        /// Who waits for its history.
        ticket: Ticket,
        /// Which one.
        session_id: String,
    },
    /// The user wants the open session's newest messages, or the page before the oldest one shown.
    History {
        /// Who waits for it.
        ticket: Ticket,
        /// The page before, instead of the newest.
        older: bool,
    },
    /// The user wants the list of sessions from the server.
    List {
        /// Who waits for it.
        ticket: Ticket,
    },
    /// The user deletes a session.
    Delete {
        /// Who waits for it.
        ticket: Ticket,
        /// Which one.
        session_id: String,
    },
    /// A request was answered, well or badly.
    Answered {
        /// The request's.
        token: Token,
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
        /// The body.
        body: String,
    },
    /// A request got no answer.
    Unreachable {
        /// The request's.
        token: Token,
    },
    /// A pause is over.
    Woke {
        /// The pause's.
        token: Token,
    },
}
