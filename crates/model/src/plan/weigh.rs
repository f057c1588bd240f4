//! Read how many bytes the kept messages of some sessions have.

use super::Operation;
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::WEIGH;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to the bytes of each of the sessions, in their order; 0 for one that is absent, or that the first layout's
/// writers wrote last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Weigh {
    pub sessions: Vec<SessionId>,
    pub now: Millis,
}

impl Operation for Weigh {
    const NAME: &'static str = "weigh";
    type Outcome = Vec<u64>;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &WEIGH,
            keys: self.sessions.iter().map(|id| keys.session(id)).collect(),
            arguments: vec![self.now.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Vec<u64>, UnexpectedReply> {
        let mut items = reply.items()?;
        let mut sizes = Vec::new();
        while !items.is_empty() {
            sizes.push(items.number()?);
        }
        Ok(sizes)
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Vec<u64>, R::Error> {
        let mut sizes = Vec::new();
        for id in &self.sessions {
            let session = records.session(id)?.filter(|session| session.is_live(self.now));
            sizes.push(session.map_or(0, |session| session.bytes));
        }
        Ok(sizes)
    }
}
