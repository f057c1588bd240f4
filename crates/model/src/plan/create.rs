//! Create an empty session, listed at once.

use super::{Operation, index_ttl, session_from};
use crate::id::{SessionId, TurnId};
use crate::limits::PRUNE_PER_CALL;
use crate::records::Records;
use crate::redis::script::CREATE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// The session.
    pub session: SessionId,
    /// The id of this operation, kept by its retries: a second application changes nothing.
    pub operation: TurnId,
    /// Its title; empty for none.
    pub title: String,
    /// 32 random hex digits.
    pub seal: String,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
}

/// What a create comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Created {
    /// The session is there, made by this operation.
    Created(Session),
    /// It was there before.
    Exists,
    /// It is deleted, inside its undo window.
    Deleted,
    /// The owner has as many sessions as one may have.
    Full,
}

impl Operation for Create {
    const NAME: &'static str = "create";
    type Outcome = Created;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &CREATE,
            keys: keys.of_session(&self.session),
            arguments: vec![
                self.session.to_string(),
                self.operation.to_string(),
                self.title.clone(),
                self.seal.clone(),
                self.now.to_string(),
                self.ttl.to_string(),
                self.sessions_per_owner.to_string(),
                index_ttl(self.ttl).to_string(),
                PRUNE_PER_CALL.to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Created, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "created" => Created::Created(session_from(&mut items)?),
            "exists" => Created::Exists,
            "deleted" => Created::Deleted,
            "full" => Created::Full,
            _ => return Err(UnexpectedReply),
        })
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Created, R::Error> {
        let id = &self.session;
        let stored = records.session(id)?;
        if let Some(session) = stored.clone().filter(|session| session.is_live(self.now)) {
            let ours = records.turn(id, &self.operation)?.is_some();
            return Ok(if ours { Created::Created(session) } else { Created::Exists });
        }
        if records.buried_until(id)?.is_some_and(|until| until > self.now) {
            return Ok(Created::Deleted);
        }
        if records.count(self.now)? >= self.sessions_per_owner {
            return Ok(Created::Full);
        }
        if stored.is_some() {
            records.remove_session(id)?;
        }
        let session = Session {
            title: self.title.clone(),
            created: self.now,
            updated: self.now,
            expires: self.now.after(self.ttl),
            ..Session::default()
        };
        records.put_session(id, &session)?;
        records.put_turn(id, &self.operation, &TurnRecord::of_operation(&self.operation))?;
        Ok(Created::Created(session))
    }
}
