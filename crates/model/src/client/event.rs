//! What can happen to the session machine: the user's wishes, and the answers to its effects.

use super::{Json, Ticket, Token, Wish};
use crate::id::{MessageId, SessionId};

/// Ids never used before, made up by the shell for whoever needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// For a message.
    pub message: MessageId,
    /// For a session.
    pub session: SessionId,
}

/// How many answer headers are sent back with the requests that follow.
pub const ECHOES: usize = 2;

/// The headers that a client sends back as it last got them; `-` ends that. The first is the journal's marker: while
/// there is one, answers come from the journal.
pub const ECHOED: [&str; ECHOES] = ["chatkeep-journal", "upstash-sync-token"];

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The first event of a machine's life: what storage held, if anything.
    Restored {
        /// The text of the last [`super::Effect::Store`]; null when there is none, or none that can be read.
        stored: Json,
        /// Whether there is a network.
        online: bool,
        /// Random, so that the pauses of many machines differ.
        seed: u32,
    },
    /// A tab that is gone left this in storage; from now on it is this one's to keep and to send.
    Adopted {
        /// The text of that tab's last [`super::Effect::Store`].
        stored: Json,
    },
    /// The user, or the program, wants something.
    Wished {
        /// Who waits for it.
        ticket: Ticket,
        /// What.
        wish: Wish,
        /// Ids to use for it.
        minted: Minted,
    },
    /// A request was answered, well or badly, by something else than an event stream.
    Answered {
        /// The request's.
        token: Token,
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
        /// The headers of [`ECHOED`].
        echoes: [Option<String>; ECHOES],
        /// The body; a text where it isn't JSON.
        body: Json,
    },
    /// An event of the stream that answers a request.
    Streamed {
        /// The request's.
        token: Token,
        /// The event's name.
        name: String,
        /// The event's id; 0 when it has none.
        id: u64,
        /// The event's data.
        data: Json,
    },
    /// A request got no answer, or its answer broke off, or its event stream is at its end: one that said all it had to
    /// say is not waited for any more.
    Unreachable {
        /// The request's.
        token: Token,
    },
    /// A pause is over.
    Woke {
        /// The pause's.
        token: Token,
    },
    /// The network came or went.
    Network {
        /// Whether there is one.
        online: bool,
    },
    /// Another tab told something.
    Heard {
        /// The text of its [`super::Effect::Tell`].
        news: Json,
    },
}
