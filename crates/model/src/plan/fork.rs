//! Branch a session at a message: a new session with the messages up to it, the state, the metadata, and what is noted of them.

use super::{
    CutAfter, Opened, Operation, Remembered, is_set_aside, listing, live, may_grow, new_session, open, remembered,
    session_from,
};
use crate::change::Change;
use crate::id::{MessageId, SessionId, TurnId};
use crate::records::{Records, State};
use crate::redis::script::FORK;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The session to branch.
    pub source: SessionId,
    /// The session to make.
    pub target: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// The last message to take; without it, all.
    pub at: Option<MessageId>,
    /// The new session's title; empty takes the old one's.
    pub title: String,
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

/// What a fork comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forked {
    /// The new session.
    Created(Session),
    /// A session with the new one's id was there before.
    Exists,
    /// One is deleted, inside its undo window.
    Deleted,
    /// The session to branch is absent.
    Absent,
    /// The message to branch at isn't there.
    Unknown,
    /// The owner has as many sessions as one may have.
    Full,
    /// The operation's id was used for another request.
    Mismatch,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

/// How many messages are copied at once.
const CHUNK: u64 = 500;

impl Operation for Fork {
    const NAME: &'static str = "fork";
    type Outcome = Forked;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, &self.target, &mut self.title)?;
        visit(Kind::Fingerprint, &self.target, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Forked::Created(session) => visit(Kind::Title, &self.target, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.target.to_string(),
            self.operation.to_string(),
            self.fingerprint.clone(),
            self.at.as_ref().map(MessageId::to_string).unwrap_or_default(),
            self.title.clone(),
            self.seal.clone(),
        ];
        arguments.extend(listing(self.now, self.ttl, self.sessions_per_owner, self.owner_bytes));
        let keys = [vec![keys.session(&self.source)], keys.of_session(&self.target)].concat();
        Call::Script { script: &FORK, keys, arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Forked, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "forked" => Forked::Created(session_from(&mut items)?),
            "exists" => Forked::Exists,
            "deleted" => Forked::Deleted,
            "absent" => Forked::Absent,
            "unknown" => Forked::Unknown,
            "full" => Forked::Full,
            "mismatch" => Forked::Mismatch,
            "storage" => Forked::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Forked) -> Vec<Change> {
        let Forked::Created(session) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.target, session, true, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Forked, R::Error> {
        if let Some(session) = live(records, &self.target, self.now)? {
            return Ok(match remembered(records, &self.target, &self.operation, &self.fingerprint)? {
                Remembered::Nothing => Forked::Exists,
                Remembered::Same => Forked::Created(session),
                Remembered::Other => Forked::Mismatch,
            });
        }
        if is_set_aside(records, &self.target, self.now)? {
            return Ok(Forked::Deleted);
        }
        let Some(source) = live(records, &self.source, self.now)? else { return Ok(Forked::Absent) };
        let to = match &self.at {
            None => source.next,
            Some(at) => match CutAfter::Message(at.clone()).position(records, &self.source, &source)? {
                Some(position) => position,
                None => return Ok(Forked::Unknown),
            },
        };
        if !matches!(open(records, &self.target, self.now, self.sessions_per_owner)?, Opened::New) {
            return Ok(Forked::Full);
        }
        let bytes = records.message_sizes(&self.source, source.first..to)?.into_iter().sum();
        let coming = records.extra_bytes(&self.source)? + bytes;
        if !may_grow(records, &self.target, None, coming, self.owner_bytes, self.now)? {
            return Ok(Forked::StorageFull);
        }
        let session = Session {
            title: if self.title.is_empty() { source.title.clone() } else { self.title.clone() },
            expires: self.now.after(self.ttl),
            first: source.first,
            next: to,
            total: to - source.first,
            flags: Flags { user: source.flags.user.clone(), ..Flags::default() },
            bytes,
            ..new_session(self.now)
        };
        records.put_session(&self.target, &session)?;
        let mut from = source.first;
        while from < to {
            let until = to.min(from + CHUNK);
            for (position, message) in (from..).zip(records.messages(&self.source, from..until)?) {
                records.put_message(&self.target, position, &message)?;
            }
            from = until;
        }
        if let Some(state) = records.state(&self.source)? {
            records.put_state(&self.target, &State { revision: 1, ..state })?;
        }
        if let Some(metadata) = records.metadata(&self.source)? {
            records.put_metadata(&self.target, &metadata)?;
        }
        let notes = records.notes(&self.source)?.of_branch(&source, to);
        records.put_notes(&self.target, &notes)?;
        records.put_turn(&self.target, &self.operation, &self.record())?;
        Ok(Forked::Created(session))
    }
}

impl Fork {
    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
