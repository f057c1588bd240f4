//! What the session machine wants done.

use super::decode::Answer;
use super::json::write_as_object;
use super::{Json, Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};

/// Something for the shell to do. The order of a list of effects matters: what must survive a reload is stored before
/// the request that depends on it goes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Keep this text across reloads in place of the one before; nothing to keep when there is none.
    Store(Option<String>),
    /// Ask the server; the answer is [`super::Event::Answered`] or [`super::Event::Unreachable`]. Where it is an event
    /// stream: [`super::Event::Streamed`] for each event, and [`super::Event::Unreachable`] at its end.
    Request {
        /// To be given back with the answer.
        token: Token,
        /// The HTTP method.
        method: &'static str,
        /// Path and query, from `/v1` on.
        path: String,
        /// Headers besides the credentials and the content type.
        headers: Vec<(&'static str, String)>,
        /// A JSON body.
        body: Option<String>,
    },
    /// Give a request up; nobody waits for its answer.
    Abort {
        /// The request's.
        token: Token,
    },
    /// Say [`super::Event::Woke`] after a while.
    Wait {
        /// To be given back then.
        token: Token,
        /// How long, in milliseconds.
        ms: u32,
    },
    /// Tell the other tabs: [`super::Event::Heard`] there.
    Tell(String),
    /// A piece of a reply has come.
    Delta {
        /// Who waits for it.
        ticket: Ticket,
        /// The piece.
        text: String,
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
    /// What the server said, as it is.
    Value(Json),
    /// The id of the session that came of it.
    Session(SessionId),
    /// Nothing but the end of the work; what changed is in the view.
    Finished,
}

impl Outcome {
    /// Its JSON text; empty when there is nothing to say.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Outcome::Reply(reply) => super::json::text(&**reply),
            Outcome::Value(value) => super::json::text(value),
            Outcome::Session(id) => super::json::text(id),
            Outcome::Finished => String::new(),
        }
    }
}

/// The answer to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "camelCase"))]
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
    /// The user stopped it before its end.
    pub stopped: bool,
    /// Why the responder ended it, where it says so: `stop`, `length`, `content-filter`, `tool-calls` or `other`.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub finish: Option<String>,
}

write_as_object!(Reply:
    "response" = response, "sessionId" = session_id, "messageId" = message_id, "replyId" = reply_id,
    "created" = created, "replayed" = replayed, "stopped" = stopped; optional "finish" = finish);

impl Reply {
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            response: answer.response.clone(),
            session_id: answer.session_id.clone(),
            message_id: answer.message_id.clone(),
            reply_id: answer.reply_id.clone(),
            created: answer.created,
            replayed: answer.replayed,
            stopped: answer.stopped,
            finish: answer.finish.clone(),
        }
    }
}
