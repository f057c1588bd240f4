//! Cut a session's tail.

use super::{CutAfter, Operation, Remembered, cut, index_ttl, live, numbers, remembered, session_from};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::limits::REMEMBERED_TURNS;
use crate::records::Records;
use crate::redis::script::TRUNCATE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncate {
    /// The session.
    pub session: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// What is kept.
    pub after: CutAfter,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
}

/// What a cut comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncated {
    /// The session without its tail.
    Cut(Session),
    /// The message to cut after isn't there.
    Unknown,
    /// The session is absent.
    Absent,
    /// The operation's id was used for another request.
    Mismatch,
}

impl Operation for Truncate {
    const NAME: &'static str = "truncate";
    type Outcome = Truncated;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Truncated::Cut(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.operation.to_string(),
            self.fingerprint.clone(),
            self.after.as_str().to_owned(),
        ];
        arguments.extend(numbers([self.now.0, self.ttl.0, index_ttl(self.ttl).0, REMEMBERED_TURNS]));
        Call::Script { script: &TRUNCATE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Truncated, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "truncated" => Truncated::Cut(session_from(&mut items)?),
            "unknown" => Truncated::Unknown,
            "absent" => Truncated::Absent,
            "mismatch" => Truncated::Mismatch,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Truncated) -> Vec<Change> {
        let Truncated::Cut(session) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, session, false, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Truncated, R::Error> {
        let id = &self.session;
        let Some(mut session) = live(records, id, self.now)? else { return Ok(Truncated::Absent) };
        match remembered(records, id, &self.operation, &self.fingerprint)? {
            Remembered::Nothing => {}
            Remembered::Same => return Ok(Truncated::Cut(session)),
            Remembered::Other => return Ok(Truncated::Mismatch),
        }
        let Some(position) = self.after.position(records, id, &session)? else { return Ok(Truncated::Unknown) };
        cut(records, id, &mut session, position)?;
        session.updated = self.now;
        session.expires = session.expires.max(self.now.after(self.ttl));
        session.revision += 1;
        records.put_session(id, &session)?;
        records.put_turn(id, &self.operation, &self.record())?;
        Ok(Truncated::Cut(session))
    }
}

impl Truncate {
    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
