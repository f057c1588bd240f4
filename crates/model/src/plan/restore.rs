//! Take a deleted session back, inside its undo window.

use super::{Operation, Remembered, buried, listing, live, remembered, session_from};
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
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
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
    /// The operation's id was used for another request.
    Mismatch,
}

impl Operation for Restore {
    const NAME: &'static str = "restore";
    type Outcome = Restored;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Restored::Back(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![self.session.to_string(), self.operation.to_string(), self.fingerprint.clone()];
        arguments.extend(listing(self.now, self.ttl, self.sessions_per_owner, 0));
        Call::Script { script: &RESTORE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Restored, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "restored" => Restored::Back(session_from(&mut items)?),
            "exists" => Restored::Exists,
            "absent" => Restored::Absent,
            "full" => Restored::Full,
            "mismatch" => Restored::Mismatch,
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
            return Ok(match remembered(records, id, &self.operation, &self.fingerprint)? {
                Remembered::Nothing => Restored::Exists,
                Remembered::Same => Restored::Back(session),
                Remembered::Other => Restored::Mismatch,
            });
        }
        // What went to another owner doesn't come back.
        if buried(records, id, self.now)?.is_none_or(|session| session.flags.departing) {
            return Ok(Restored::Absent);
        }
        let Some(until) = records.buried_until(id)? else { return Ok(Restored::Absent) };
        records.unbury(id)?;
        let remembered = remembered(records, id, &self.operation, &self.fingerprint)?;
        records.bury(id, until)?;
        if matches!(remembered, Remembered::Other) {
            return Ok(Restored::Mismatch);
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
        records.put_turn(id, &self.operation, &TurnRecord::of_operation(&self.operation, &self.fingerprint))?;
        Ok(Restored::Back(session))
    }
}
