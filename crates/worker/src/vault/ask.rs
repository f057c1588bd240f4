//! What the Worker asks of an owner's vault about streamed turns. Each question is its name, a line break and its JSON.

use chatkeep_model::plan::BeginTurn;
use chatkeep_model::stream::Wire;
use chatkeep_model::wire::Raw;
use chatkeep_model::{MessageId, Owner, SessionId};
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

impl Ask for RunTurn {
    const NAME: &'static str = "turn";
}

impl Ask for FollowTurn {
    const NAME: &'static str = "follow";
}

impl Ask for StopTurn {
    const NAME: &'static str = "stop";
}
