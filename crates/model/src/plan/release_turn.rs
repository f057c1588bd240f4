//! Give a turn up: its responder failed. The user message stays, and the next attempt need not wait for the lease.

use super::{Operation, held};
use crate::id::{SessionId, TurnId};
use crate::records::Records;
use crate::redis::script::RELEASE_TURN;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. Comes to whether this attempt still held the turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReleaseTurn {
    pub session: SessionId,
    pub turn: TurnId,
    pub attempt: String,
    pub now: Millis,
}

impl Operation for ReleaseTurn {
    const NAME: &'static str = "release_turn";
    type Outcome = bool;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &RELEASE_TURN,
            keys: vec![keys.session(&self.session)],
            arguments: vec![self.turn.to_string(), self.attempt.clone(), self.now.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<bool, UnexpectedReply> {
        match reply.items()?.text()?.as_str() {
            "released" => Ok(true),
            "unchanged" => Ok(false),
            _ => Err(UnexpectedReply),
        }
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<bool, R::Error> {
        let held = held(records, &self.session, &self.turn, &self.attempt, self.now)?;
        let Some(record) = held else { return Ok(false) };
        records.put_turn(&self.session, &self.turn, &TurnRecord { lease_until: Millis(0), ..record })?;
        Ok(true)
    }
}
