//! Take in a session that comes from another owner, in one call or several. It is not there before the last of them, and then
//! all of it is. Repeating changes nothing.

use super::{Carried, Operation, buried, index_ttl, numbers, session_from, show_messages};
use crate::change::Change;
use crate::id::SessionId;
use crate::limits::REMEMBERED_TURNS;
use crate::records::{Records, State};
use crate::redis::script::ARRIVE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrive {
    /// The id that it has here.
    pub session: SessionId,
    /// When it was made, which tells it from another one of its id.
    pub created: Millis,
    /// What it is; needed in the first call.
    pub carried: Option<Box<Carried>>,
    /// The position of the first of these messages.
    pub position: u64,
    /// Messages as stored, oldest first.
    pub messages: Vec<String>,
    /// These are the last that were missing.
    pub last: bool,
    /// 32 random hex digits.
    pub seal: String,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
}

/// What an arrival comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrived {
    /// It is there, now or from before.
    Here(Session),
    /// More of it is to come.
    Waiting,
    /// It had arrived, and was deleted since.
    Deleted,
    /// Another session has its id.
    Taken,
    /// What had come of it is no longer here, or its time is over: it begins anew, if at all.
    Lost,
}

impl Operation for Arrive {
    const NAME: &'static str = "arrive";
    type Outcome = Arrived;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        if let Some(carried) = &mut self.carried {
            carried.texts(&self.session, visit)?;
        }
        show_messages(&mut self.messages, &self.session, visit)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Arrived::Here(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![self.session.to_string(), self.seal.clone()];
        arguments.extend(numbers([
            self.created.0,
            self.now.0,
            index_ttl(self.ttl).0,
            self.position,
            u64::from(self.last),
            self.carried.as_ref().map_or(0, |carried| carried.turns.len() as u64 + 1),
        ]));
        if let Some(carried) = &self.carried {
            let session = &carried.session;
            let flags = crate::session::Flags { departing: false, incoming: false, ..session.flags.clone() };
            arguments.extend([session.title.clone(), flags.stored(), carried.metadata.clone()]);
            arguments.push(carried.state.1.clone());
            arguments.extend(numbers([
                carried.state.0,
                session.updated.0,
                session.expires.0,
                session.first,
                session.next,
                session.total,
                session.bytes,
                session.revision,
                carried.notes.used,
            ]));
            arguments.push(carried.notes.summary.clone());
            for (turn, record) in &carried.turns {
                let record = TurnRecord::parse(record).map(|record| record.in_short(turn));
                arguments.extend([turn.to_string(), record.unwrap_or_default()]);
            }
        }
        arguments.extend(self.messages.iter().cloned());
        Call::Script { script: &ARRIVE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Arrived, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "here" => Arrived::Here(session_from(&mut items)?),
            "waiting" => Arrived::Waiting,
            "deleted" => Arrived::Deleted,
            "taken" => Arrived::Taken,
            "lost" => Arrived::Lost,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Arrived) -> Vec<Change> {
        let Arrived::Here(session) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, session, true, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Arrived, R::Error> {
        let id = &self.session;
        let same = |session: &Session| session.created == self.created;
        let there = records.session(id)?;
        let waiting = match there.clone().filter(|session| session.is_live(self.now)) {
            Some(session) if session.flags.incoming => Some(session).filter(same),
            Some(session) if session.flags.claimed && !session.flags.departing && same(&session) => {
                return Ok(Arrived::Here(session));
            }
            Some(_) => return Ok(Arrived::Taken),
            None => match buried(records, id, self.now)? {
                Some(session) if session.flags.claimed && same(&session) => return Ok(Arrived::Deleted),
                Some(_) => return Ok(Arrived::Taken),
                None => None,
            },
        };
        let mut session = match (waiting, &self.carried) {
            (waiting, Some(carried)) if carried.session.is_live(self.now) => {
                if waiting.is_none() && there.is_some() {
                    records.remove_session(id)?;
                }
                self.unpack(records, carried)?
            }
            (Some(waiting), None) => waiting,
            _ => return Ok(Arrived::Lost),
        };
        for (position, message) in (self.position..).zip(&self.messages) {
            records.put_message(id, position, message)?;
        }
        if !self.last {
            return Ok(Arrived::Waiting);
        }
        session.flags.incoming = false;
        session.flags.claimed = true;
        session.revision += 1;
        records.put_session(id, &session)?;
        Ok(Arrived::Here(session))
    }
}

impl Arrive {
    /// Writes all but the messages.
    fn unpack<R: Records>(&self, records: &mut R, carried: &Carried) -> Result<Session, R::Error> {
        let id = &self.session;
        let mut session = Session { created: self.created, ..carried.session.clone() };
        session.flags.departing = false;
        session.flags.incoming = true;
        records.put_session(id, &session)?;
        records.put_metadata(id, &carried.metadata)?;
        let (revision, json) = carried.state.clone();
        if revision > 0 {
            records.put_state(id, &State { revision, json })?;
        }
        records.put_notes(id, &carried.notes)?;
        debug_assert!(carried.turns.len() as u64 <= REMEMBERED_TURNS, "a store remembers no more");
        for (turn, record) in &carried.turns {
            if let Some(record) = TurnRecord::parse(record) {
                records.put_turn(id, turn, &record)?;
            }
        }
        Ok(session)
    }
}
