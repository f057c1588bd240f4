//! Write a session's state, on a condition: what an agent keeps between its turns. Creates the session when it is absent.

use super::{Opened, Operation, Remembered, Tag, listing, live, may_grow, new_session, open, remembered, session_from};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::records::{Records, State};
use crate::redis::script::WRITE_STATE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteState {
    /// The session.
    pub session: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// When to write.
    pub condition: Condition,
    /// Any JSON.
    pub state: String,
    /// 32 random hex digits for a session that is created.
    pub seal: String,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
    /// The bytes of all of the owner's sessions; 0 for any number.
    #[serde(default)]
    pub owner_bytes: u64,
}

/// When a state is written (RFC 9110, section 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Always.
    Any,
    /// There is none: `If-None-Match: *`.
    None,
    /// There is one: `If-Match: *`.
    Present,
    /// It is this one: `If-Match: "tag"`.
    Match(Tag),
}

/// What a write comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// The state is stored, now or by an earlier application.
    Stored {
        /// This call created the session.
        created: bool,
        /// The state's tag.
        tag: Tag,
        /// The session.
        session: Session,
    },
    /// The condition doesn't hold.
    Stale,
    /// The session is deleted, inside its undo window.
    Deleted,
    /// The owner has as many sessions as one may have.
    Full,
    /// The operation's id was used for another request.
    Mismatch,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

impl Operation for WriteState {
    const NAME: &'static str = "write_state";
    type Outcome = Written;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::State, &self.session, &mut self.state)?;
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Written::Stored { session, .. } => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let condition = match self.condition {
            Condition::Any => "any".to_owned(),
            Condition::None => "none".to_owned(),
            Condition::Present => "present".to_owned(),
            Condition::Match(tag) => tag.to_text(),
        };
        let mut arguments = vec![
            self.session.to_string(),
            self.operation.to_string(),
            self.fingerprint.clone(),
            condition,
            self.state.clone(),
            self.seal.clone(),
        ];
        arguments.extend(listing(self.now, self.ttl, self.sessions_per_owner, self.owner_bytes));
        Call::Script { script: &WRITE_STATE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Written, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "written" => {
                let session = session_from(&mut items)?;
                let tag = Tag { created: session.created, revision: items.number()? };
                Written::Stored { created: items.number()? == 1, tag, session }
            }
            "stale" => Written::Stale,
            "deleted" => Written::Deleted,
            "full" => Written::Full,
            "mismatch" => Written::Mismatch,
            "storage" => Written::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Written) -> Vec<Change> {
        let Written::Stored { created, session, .. } = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, session, *created, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Written, R::Error> {
        let id = &self.session;
        let there = live(records, id, self.now)?;
        let state = if there.is_some() { records.state(id)? } else { None };
        if let Some(session) = &there {
            let revision = state.as_ref().map_or(0, |state| state.revision);
            let tag = Tag { created: session.created, revision };
            match remembered(records, id, &self.operation, &self.fingerprint)? {
                Remembered::Nothing => {}
                Remembered::Same => return Ok(Written::Stored { created: false, tag, session: session.clone() }),
                Remembered::Other => return Ok(Written::Mismatch),
            }
        }
        let current = there.as_ref().zip(state.as_ref());
        let current = current.map(|(session, state)| Tag { created: session.created, revision: state.revision });
        let holds = match self.condition {
            Condition::Any => true,
            Condition::None => current.is_none(),
            Condition::Present => current.is_some(),
            Condition::Match(tag) => current == Some(tag),
        };
        if !holds {
            return Ok(Written::Stale);
        }
        let (mut session, created) = match open(records, id, self.now, self.sessions_per_owner)? {
            Opened::Live(session) => (session, false),
            Opened::New => (new_session(self.now), true),
            Opened::Deleted => return Ok(Written::Deleted),
            Opened::Full => return Ok(Written::Full),
        };
        let growth =
            (self.state.len() as u64).saturating_sub(state.as_ref().map_or(0, |state| state.json.len() as u64));
        let there = Some(&session).filter(|_| !created);
        if !may_grow(records, id, there, growth, self.owner_bytes, self.now)? {
            return Ok(Written::StorageFull);
        }
        session.updated = self.now;
        session.expires = session.expires.max(self.now.after(self.ttl));
        session.revision += 1;
        records.put_session(id, &session)?;
        let revision = state.map_or(0, |state| state.revision) + 1;
        records.put_state(id, &State { revision, json: self.state.clone() })?;
        records.put_turn(id, &self.operation, &self.record())?;
        Ok(Written::Stored { created, tag: Tag { created: session.created, revision }, session })
    }
}

impl WriteState {
    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
