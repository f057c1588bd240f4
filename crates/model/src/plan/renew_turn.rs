//! Keep a turn that runs: nobody else may take it over for another lease.

use super::{Operation, held};
use crate::id::{SessionId, TurnId};
use crate::records::Records;
use crate::redis::script::RENEW_TURN;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. Comes to whether this attempt still holds the turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RenewTurn {
    pub session: SessionId,
    pub turn: TurnId,
    pub attempt: String,
    pub now: Millis,
    pub lease: Millis,
}

impl Operation for RenewTurn {
    const NAME: &'static str = "renew_turn";
    type Outcome = bool;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &RENEW_TURN,
            keys: vec![keys.session(&self.session)],
            arguments: vec![
                self.turn.to_string(),
                self.attempt.clone(),
                self.now.to_string(),
                self.now.after(self.lease).to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<bool, UnexpectedReply> {
        match reply.items()?.text()?.as_str() {
            "renewed" => Ok(true),
            "lost" => Ok(false),
            _ => Err(UnexpectedReply),
        }
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<bool, R::Error> {
        let held = held(records, &self.session, &self.turn, &self.attempt, self.now)?;
        let Some(record) = held else { return Ok(false) };
        let lease_until = record.lease_until.max(self.now.after(self.lease));
        records.put_turn(&self.session, &self.turn, &TurnRecord { lease_until, ..record })?;
        Ok(true)
    }
}
