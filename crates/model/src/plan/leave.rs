//! Remove a session that has arrived at another owner. What is left of it keeps late sends out, for as long as a deleted one would.

use super::{Operation, readable};
use crate::change::Change;
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::LEAVE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to whether it was there, and departing: nothing else is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Leave {
    pub session: SessionId,
    pub now: Millis,
    /// How long late sends are kept out.
    pub undo: Millis,
}

impl Operation for Leave {
    const NAME: &'static str = "leave";
    type Outcome = bool;

    fn call(&self, keys: &Keys) -> Call {
        let arguments = vec![self.session.to_string(), self.now.to_string(), self.undo.to_string()];
        Call::Script { script: &LEAVE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<bool, UnexpectedReply> {
        Ok(reply.number()? == 1)
    }

    fn changes(&self, left: &bool) -> Vec<Change> {
        let gone = Change::SessionDeleted { session_id: self.session.clone() };
        Some(gone).filter(|_| *left).into_iter().collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<bool, R::Error> {
        let there = readable(records, &self.session, self.now)?;
        let leaves = there.is_some_and(|session| session.flags.departing);
        if leaves {
            records.bury(&self.session, self.now.after(self.undo))?;
        }
        Ok(leaves)
    }
}
