//! Create an empty session, listed at once.

use super::{Opened, Operation, Remembered, listing, may_grow, new_session, open, remembered, session_from};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::records::Records;
use crate::redis::script::CREATE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
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
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// Its title; empty for none.
    pub title: String,
    /// What it is marked with.
    pub flags: Flags,
    /// 32 random hex digits.
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
    /// The operation's id was used for another request.
    Mismatch,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

impl Operation for Create {
    const NAME: &'static str = "create";
    type Outcome = Created;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, &self.session, &mut self.title)?;
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Created::Created(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.operation.to_string(),
            self.title.clone(),
            self.seal.clone(),
            self.fingerprint.clone(),
        ];
        arguments.extend(listing(self.now, self.ttl, self.sessions_per_owner, self.owner_bytes));
        arguments.push(self.flags.stored());
        Call::Script { script: &CREATE, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Created, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "created" => Created::Created(session_from(&mut items)?),
            "exists" => Created::Exists,
            "deleted" => Created::Deleted,
            "full" => Created::Full,
            "mismatch" => Created::Mismatch,
            "storage" => Created::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Created) -> Vec<Change> {
        let Created::Created(session) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, session, true, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Created, R::Error> {
        let id = &self.session;
        let mut session = match open(records, id, self.now, self.sessions_per_owner)? {
            Opened::Live(session) => {
                return Ok(match remembered(records, id, &self.operation, &self.fingerprint)? {
                    Remembered::Nothing => Created::Exists,
                    Remembered::Same => Created::Created(session),
                    Remembered::Other => Created::Mismatch,
                });
            }
            Opened::Deleted => return Ok(Created::Deleted),
            Opened::Full => return Ok(Created::Full),
            Opened::New => new_session(self.now),
        };
        if !may_grow(records, id, None, 0, self.owner_bytes, self.now)? {
            return Ok(Created::StorageFull);
        }
        session.title.clone_from(&self.title);
        session.flags.clone_from(&self.flags);
        session.expires = self.now.after(self.ttl);
        records.put_session(id, &session)?;
        records.put_turn(id, &self.operation, &self.record())?;
        Ok(Created::Created(session))
    }
}

impl Create {
    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
