//! What can happen to a store, and what it wants done.

use super::log::Line;
use crate::error::Outage;
use crate::redis::Call;
use crate::time::Millis;

/// Names a call to Redis, so that its answer finds back.
pub type Token = u32;

/// Names a caller who waits. The shell makes them up; the machine gives each back once.
pub type Ticket = u32;

/// What came of a call to Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer of the REST API, or a reply over TCP in the same form.
    Body {
        /// The HTTP status.
        status: u16,
        /// The body: JSON with `result` or `error`.
        text: String,
    },
    /// No answer, or none in time.
    Lost(Outage),
}

/// Something for the shell to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a call; what comes of it goes to [`super::Machine::answered`].
    Send {
        /// To be given back with the answer.
        token: Token,
        /// What to send.
        call: Call,
        /// With the script's source instead of its digest.
        with_source: bool,
        /// How long to wait for the answer.
        limit: Millis,
    },
    /// A caller has its answer, JSON.
    Done {
        /// Who.
        ticket: Ticket,
        /// The answer.
        json: String,
    },
    /// A caller's call failed.
    Failed {
        /// Who.
        ticket: Ticket,
        /// A problem's body, JSON.
        json: String,
    },
    /// Call [`super::Machine::woke`] after a while, where there are timers.
    Wake {
        /// How long.
        after: Millis,
    },
    /// Tell the operator.
    Log(Line),
}
