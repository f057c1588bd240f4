//! Delete a session: it is set aside for its undo window, where it also keeps late sends out.

use super::Operation;
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::DELETE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to whether the session is now deleted: false when there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Delete {
    pub session: SessionId,
    pub now: Millis,
    /// How long it can be restored.
    pub undo: Millis,
}

impl Operation for Delete {
    const NAME: &'static str = "delete";
    type Outcome = bool;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &DELETE,
            keys: keys.of_session(&self.session),
            arguments: vec![self.session.to_string(), self.now.to_string(), self.undo.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<bool, UnexpectedReply> {
        match reply.items()?.text()?.as_str() {
            "deleted" => Ok(true),
            "absent" => Ok(false),
            _ => Err(UnexpectedReply),
        }
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<bool, R::Error> {
        if records.session(&self.session)?.is_some_and(|session| session.is_live(self.now)) {
            records.bury(&self.session, self.now.after(self.undo))?;
            return Ok(true);
        }
        Ok(records.buried_until(&self.session)?.is_some_and(|until| until > self.now))
    }
}
