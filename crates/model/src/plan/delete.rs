//! Delete sessions: they are set aside for their undo window, where they also keep late sends out.

use super::{Operation, Remembered, live, remembered};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::limits::REMEMBERED_TURNS;
use crate::records::Records;
use crate::redis::script::DELETE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Delete {
    pub sessions: Vec<SessionId>,
    /// The id of this operation, where it has one: a session that it deleted and that was restored since stays.
    #[serde(default)]
    pub operation: Option<TurnId>,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`]. Without an operation it says nothing.
    #[serde(default)]
    pub fingerprint: String,
    pub now: Millis,
    /// How long they can be restored.
    pub undo: Millis,
}

/// What a deletion comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletion {
    /// Those of the sessions that are deleted, now or by an earlier application: not those that there weren't.
    Gone(Vec<SessionId>),
    /// The operation's id was used for another request in one of the sessions: none was deleted.
    Mismatch,
}

impl Deletion {
    /// The sessions that are deleted.
    #[must_use]
    pub fn gone(self) -> Vec<SessionId> {
        match self {
            Deletion::Gone(gone) => gone,
            Deletion::Mismatch => Vec::new(),
        }
    }
}

impl Operation for Delete {
    const NAME: &'static str = "delete";
    type Outcome = Deletion;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        // One with an operation is of one session, to which its fingerprint is bound.
        match (&self.operation, self.sessions.first()) {
            (Some(_), Some(session)) => visit(Kind::Fingerprint, session, &mut self.fingerprint),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let of_each = self.sessions.iter().flat_map(|id| [keys.session(id), keys.deleted(id)]);
        Call::Script {
            script: &DELETE,
            keys: [keys.index(), keys.cards()].into_iter().chain(of_each).collect(),
            arguments: [self.now.to_string(), self.undo.to_string(), REMEMBERED_TURNS.to_string()]
                .into_iter()
                .chain(self.operation.as_ref().map_or_else(
                    || [String::new(), String::new()],
                    |operation| [operation.to_string(), self.fingerprint.clone()],
                ))
                .chain(self.sessions.iter().map(SessionId::to_string))
                .collect(),
        }
    }

    fn decode(&self, reply: Reply) -> Result<Deletion, UnexpectedReply> {
        let mut items = reply.items()?;
        match items.text()?.as_str() {
            "gone" => {
                let gone = items.take()?.texts()?.into_iter().map(SessionId::parse).collect::<Result<_, _>>();
                gone.map(Deletion::Gone).map_err(|_| UnexpectedReply)
            }
            "mismatch" => Ok(Deletion::Mismatch),
            _ => Err(UnexpectedReply),
        }
    }

    fn changes(&self, outcome: &Deletion) -> Vec<Change> {
        let Deletion::Gone(gone) = outcome else { return Vec::new() };
        gone.iter().map(|id| Change::SessionDeleted { session_id: id.clone() }).collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Deletion, R::Error> {
        if let Some(operation) = &self.operation {
            for id in &self.sessions {
                if live(records, id, self.now)?.is_some()
                    && matches!(remembered(records, id, operation, &self.fingerprint)?, Remembered::Other)
                {
                    return Ok(Deletion::Mismatch);
                }
            }
        }
        let mut gone = Vec::new();
        for id in &self.sessions {
            if live(records, id, self.now)?.is_some() {
                if let Some(operation) = &self.operation {
                    if records.turn(id, operation)?.is_some() {
                        gone.push(id.clone());
                        continue;
                    }
                    records.put_turn(id, operation, &TurnRecord::of_operation(operation, &self.fingerprint))?;
                }
                records.bury(id, self.now.after(self.undo))?;
                gone.push(id.clone());
            } else if records.buried_until(id)?.is_some_and(|until| until > self.now) {
                gone.push(id.clone());
            }
        }
        Ok(Deletion::Gone(gone))
    }
}
