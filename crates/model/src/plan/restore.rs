//! Take a deleted session back, inside its undo window.

use super::{Operation, buried, listing, live, session_from};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::records::Records;
use crate::redis::script::RESTORE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// The session.
    pub session: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
}

/// What a restore comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restored {
    /// The session is back, by this operation.
    Back(Session),
    /// A session with its id is there.
    Exists,
    /// There is none to take back.
    Absent,
    /// The owner has as many sessions as one may have.
    Full,
}

impl Operation for Restore {
    const NAME: &'static str = "restore";
    type Outcome = Restored;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Restored::Back(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let record = TurnRecord::of_operation(&self.operation, "-");
        let mut arguments = vec![self.session.to_string(), self.operation.to_string(), record.to_string()];
        arguments.extend(listing(self.now, self.ttl, self.sessions_per_owner));
        Call::Script { script: &RESTORE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Restored, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "restored" => Restored::Back(session_from(&mut items)?),
            "exists" => Restored::Exists,
            "absent" => Restored::Absent,
            "full" => Restored::Full,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Restored) -> Vec<Change> {
        let Restored::Back(session) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, session, true, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Restored, R::Error> {
        let id = &self.session;
        if let Some(session) = live(records, id, self.now)? {
            let ours = records.turn(id, &self.operation)?.is_some();
            return Ok(if ours { Restored::Back(session) } else { Restored::Exists });
        }
        // What went to another owner doesn't come back.
        if buried(records, id, self.now)?.is_none_or(|session| session.flags.departing) {
            return Ok(Restored::Absent);
        }
        if records.count(self.now)? >= self.sessions_per_owner {
            return Ok(Restored::Full);
        }
        records.unbury(id)?;
        let Some(mut session) = records.session(id)? else { return Ok(Restored::Absent) };
        session.updated = self.now;
        session.expires = session.expires.max(self.now.after(self.ttl));
        session.revision += 1;
        records.put_session(id, &session)?;
        records.put_turn(id, &self.operation, &TurnRecord::of_operation(&self.operation, "-"))?;
        Ok(Restored::Back(session))
    }
}
