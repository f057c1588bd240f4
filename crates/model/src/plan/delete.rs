//! Delete sessions: they are set aside for their undo window, where they also keep late sends out.

use super::{Operation, live};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::limits::REMEMBERED_TURNS;
use crate::records::Records;
use crate::redis::script::DELETE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. Comes to those of the sessions that are now deleted: not those that there weren't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Delete {
    pub sessions: Vec<SessionId>,
    /// The id of this operation, where it has one: a session that it deleted and that was restored since stays.
    #[serde(default)]
    pub operation: Option<TurnId>,
    pub now: Millis,
    /// How long they can be restored.
    pub undo: Millis,
}

impl Operation for Delete {
    const NAME: &'static str = "delete";
    type Outcome = Vec<SessionId>;

    fn call(&self, keys: &Keys) -> Call {
        let of_each = self.sessions.iter().flat_map(|id| [keys.session(id), keys.deleted(id)]);
        Call::Script {
            script: &DELETE,
            keys: [keys.index(), keys.cards()].into_iter().chain(of_each).collect(),
            arguments: [self.now.to_string(), self.undo.to_string(), REMEMBERED_TURNS.to_string()]
                .into_iter()
                .chain(self.operation.as_ref().map_or_else(
                    || [String::new(), String::new()],
                    |operation| [operation.to_string(), TurnRecord::of_operation(operation, "-").to_string()],
                ))
                .chain(self.sessions.iter().map(SessionId::to_string))
                .collect(),
        }
    }

    fn decode(&self, reply: Reply) -> Result<Vec<SessionId>, UnexpectedReply> {
        reply.texts()?.into_iter().map(|id| SessionId::parse(id).map_err(|_| UnexpectedReply)).collect()
    }

    fn changes(&self, outcome: &Vec<SessionId>) -> Vec<Change> {
        outcome.iter().map(|id| Change::SessionDeleted { session_id: id.clone() }).collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Vec<SessionId>, R::Error> {
        let mut gone = Vec::new();
        for id in &self.sessions {
            if live(records, id, self.now)?.is_some() {
                if let Some(operation) = &self.operation {
                    if records.turn(id, operation)?.is_some() {
                        gone.push(id.clone());
                        continue;
                    }
                    records.put_turn(id, operation, &TurnRecord::of_operation(operation, "-"))?;
                }
                records.bury(id, self.now.after(self.undo))?;
                gone.push(id.clone());
            } else if records.buried_until(id)?.is_some_and(|until| until > self.now) {
                gone.push(id.clone());
            }
        }
        Ok(gone)
    }
}
