//! What the Worker asks of an owner's vault about streamed turns, and for those who watch. Each question is its name, a line break and its JSON.

use chatkeep_model::change::Told;
use chatkeep_model::plan::BeginTurn;
use chatkeep_model::stream::Wire;
use chatkeep_model::wire::Raw;
use chatkeep_model::{MessageId, Millis, Owner, SessionId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A question by its name.
pub(crate) trait Ask: Serialize + DeserializeOwned {
    const NAME: &'static str;

    /// As it is sent.
    fn question(&self) -> serde_json::Result<String> {
        Ok(format!("{}\n{}", Self::NAME, serde_json::to_string(self)?))
    }
}

/// Run a turn, or follow it where it runs; answered with its stream.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunTurn {
    pub(crate) owner: Owner,
    /// The prefix of the namespace.
    pub(crate) prefix: String,
    pub(crate) sync_token: Option<String>,
    /// The journal marker that the client sent.
    pub(crate) journal: Option<String>,
    pub(crate) begin: BeginTurn,
    /// The parts that the reply begins with.
    pub(crate) before: Option<Raw>,
    pub(crate) wire: Wire,
    /// The events that the reader has seen.
    pub(crate) shown: u64,
    /// The request's id, for its refusal and for the error that ends its stream.
    pub(crate) request_id: String,
}

/// Follow the turn that runs in a session; answered with its stream, or 204.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FollowTurn {
    pub(crate) session: SessionId,
    /// The turn's message or reply; without it, the newest turn.
    pub(crate) message: Option<MessageId>,
    pub(crate) wire: Wire,
    pub(crate) shown: u64,
}

/// Stop turns; answered with how many when they have ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StopTurn {
    pub(crate) session: SessionId,
    /// The turn's message or reply; without it, all of the session.
    pub(crate) message: Option<MessageId>,
}

/// Watch what changes, as an event stream; answered with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// Where the reader was.
    pub(crate) cursor: Option<String>,
    /// How long the stream lives.
    pub(crate) lives: Millis,
}

/// Tell those who watch what changed outside of the vault.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tell {
    pub(crate) changes: Vec<Told>,
}

/// The status of an outcome that those who watch are to be told of; else it is 200.
pub(crate) const HEARD: u16 = 202;

impl Ask for Watch {
    const NAME: &'static str = "watch";
}

impl Ask for Tell {
    const NAME: &'static str = "tell";
}

impl Ask for RunTurn {
    const NAME: &'static str = "turn";
}

impl Ask for FollowTurn {
    const NAME: &'static str = "follow";
}

impl Ask for StopTurn {
    const NAME: &'static str = "stop";
}
