//! Charge a turn that is not begun in a session: one that leaves no trace counts as any other.

use super::Operation;
use crate::rate::Charge;
use crate::records::Records;
use crate::redis::script::CHARGE_TURN;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. It comes to the turns charged in this window of time, this one among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeTurn {
    /// What it is charged to.
    pub charge: Charge,
    /// Now.
    pub now: Millis,
}

impl Operation for ChargeTurn {
    const NAME: &'static str = "charge_turn";
    type Outcome = u64;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &CHARGE_TURN,
            keys: vec![keys.charged(&self.charge.bucket)],
            arguments: vec![self.charge.lives.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<u64, UnexpectedReply> {
        reply.items()?.number()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<u64, R::Error> {
        records.charge(&self.charge.bucket, self.now, self.charge.lives)
    }
}
