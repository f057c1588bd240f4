//! What the session machine wants done.

use super::json::write_as_object;
use super::{Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};
use crate::wire::ChatResponse;

/// Something for the shell to do. The order of a list of effects matters: what must survive a reload is stored before
/// the request that depends on it goes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Keep this text across reloads in place of the one before; nothing to keep when there is none.
    Store(Option<String>),
    /// Ask the server; the answer is [`super::Event::Answered`] or [`super::Event::Unreachable`].
    Request {
        /// To be given back with the answer.
        token: Token,
        /// The HTTP method.
        method: &'static str,
        /// Path and query, from `/v1` on.
        path: String,
        /// A JSON body.
        body: Option<String>,
    },
    /// Say [`super::Event::Woke`] after a while.
    Wait {
        /// To be given back then.
        token: Token,
        /// How long, in milliseconds.
        ms: u32,
    },
    /// A caller has waited long enough.
    Done {
        /// Who.
        ticket: Ticket,
        /// What came of it.
        result: Result<Outcome, Problem>,
    },
}

/// What a caller waited for.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The answer to a message.
    Reply(Box<Reply>),
    /// Nothing but the end of the work; what changed is in the view.
    Finished,
}

/// The answer to a message, as the caller of a send gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What the responder says.
    pub response: String,
    /// The session.
    pub session_id: SessionId,
    /// The message that this answers.
    pub message_id: MessageId,
    /// The reply's own id.
    pub reply_id: MessageId,
    /// This turn opened the session.
    pub created: bool,
    /// The server had answered before; this is what it said then.
    pub replayed: bool,
}

write_as_object!(Reply:
    "response" = response, "sessionId" = session_id, "messageId" = message_id, "replyId" = reply_id,
    "created" = created, "replayed" = replayed);

impl Reply {
    pub(super) fn of(answer: &ChatResponse) -> Self {
        Self {
            response: answer.response.clone(),
            session_id: answer.session_id.clone(),
            message_id: answer.message_id.clone(),
            reply_id: answer.reply_id.clone(),
            created: answer.created,
            replayed: answer.replayed,
        }
    }
}
