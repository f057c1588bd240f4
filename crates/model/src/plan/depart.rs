//! Let a session go to another owner: from here on it can only be read, until it has arrived there and leaves. Gives what it is,
//! with its newest messages; the others are read as a history. Repeating gives the same.

use super::{Operation, index_ttl, newest_that_fit, numbers, readable, session_from, show_messages};
use crate::id::{SessionId, TurnId};
use crate::limits::{IMPORTED_PER_CALL, REMEMBERED_TURNS};
use crate::records::{Notes, Records};
use crate::redis::script::DEPART;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Depart {
    pub session: SessionId,
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
}

/// A session on its way, without its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Its fields.
    pub session: Session,
    /// Its metadata; empty for none.
    pub metadata: String,
    /// The revision and the text of its state; 0 and empty for none.
    pub state: (u64, String),
    /// What is noted of it.
    #[serde(default)]
    pub notes: Notes,
    /// What it remembers of turns and other operations, the oldest first: their ids, and their records as
    /// [`TurnRecord`] writes them, with fingerprints that any request of their kind has.
    pub turns: Vec<(TurnId, String)>,
}

impl Carried {
    /// Shows its texts.
    pub(super) fn texts(&mut self, id: &SessionId, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, id, &mut self.session.title)?;
        visit(Kind::Metadata, id, &mut self.metadata)?;
        visit(Kind::State, id, &mut self.state.1)?;
        self.notes.texts(id, visit)
    }
}

/// What a departure comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Departed {
    /// It goes.
    Leaving {
        /// What it is.
        carried: Box<Carried>,
        /// The position of the first of these messages.
        from: u64,
        /// Its newest messages, oldest first.
        messages: Vec<String>,
    },
    /// A turn runs in it, protected until then. It stays.
    Running {
        /// The lease's end.
        until: Millis,
    },
    /// There is none.
    Absent,
}

impl Operation for Depart {
    const NAME: &'static str = "depart";
    type Outcome = Departed;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Departed::Leaving { carried, messages, .. } => {
                carried.texts(&self.session, visit)?;
                show_messages(messages, &self.session, visit)
            }
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![self.session.to_string()];
        arguments.extend(numbers([
            self.now.0,
            index_ttl(self.ttl).0,
            REMEMBERED_TURNS,
            IMPORTED_PER_CALL.0 as u64,
            IMPORTED_PER_CALL.1 as u64,
        ]));
        Call::Script { script: &DEPART, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Departed, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "leaving" => {
                let session = session_from(&mut items)?;
                let metadata = items.text()?;
                let state = (items.number()?, items.text()?);
                let notes = Notes { used: items.number()?, summary: items.text()? };
                let mut remembered = items.take()?.items()?;
                let mut turns = Vec::new();
                while !remembered.is_empty() {
                    let turn = TurnId::parse(remembered.text()?).map_err(|_| UnexpectedReply)?;
                    let record = TurnRecord::parse_short(&turn, &remembered.text()?).ok_or(UnexpectedReply)?;
                    turns.push((turn, record.widened().to_string()));
                }
                let carried = Box::new(Carried { session, metadata, state, notes, turns });
                Departed::Leaving { carried, from: items.number()?, messages: items.take()?.texts()? }
            }
            "running" => Departed::Running { until: Millis(items.number()?) },
            "absent" => Departed::Absent,
            _ => return Err(UnexpectedReply),
        })
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Departed, R::Error> {
        let id = &self.session;
        let Some(mut session) = readable(records, id, self.now)? else { return Ok(Departed::Absent) };
        let turns = records.turns(id)?;
        if !session.flags.departing {
            let running = turns.iter().filter(|(_, record)| !record.done && record.lease_until > self.now);
            if let Some(until) = running.map(|(_, record)| record.lease_until).max() {
                return Ok(Departed::Running { until });
            }
            session.flags.departing = true;
            session.revision += 1;
            records.put_session(id, &session)?;
        }
        let from = session.first.max(session.next.saturating_sub(IMPORTED_PER_CALL.0 as u64));
        let messages = newest_that_fit(records.messages(id, from..session.next)?, IMPORTED_PER_CALL.1, false);
        let from = session.next - messages.len() as u64;
        let carried = Carried {
            session,
            metadata: records.metadata(id)?.unwrap_or_default(),
            state: records.state(id)?.map(|state| (state.revision, state.json)).unwrap_or_default(),
            notes: records.notes(id)?,
            turns: turns.into_iter().map(|(turn, record)| (turn, record.widened().to_string())).collect(),
        };
        Ok(Departed::Leaving { carried: Box::new(carried), from, messages })
    }
}
