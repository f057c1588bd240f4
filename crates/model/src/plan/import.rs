//! Bring a session and messages back from an export. Repeating changes nothing: a message's position and id are its identity.

use super::{
    Opened, Operation, Remembered, Room, index_ttl, may_grow, new_session, numbers, open, remembered, session_from,
};
use crate::change::Change;
use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::{PRUNE_PER_CALL, REMEMBERED_TURNS, TRIM_PER_CALL};
use crate::message::stored_prefix;
use crate::records::{Notes, Records, State};
use crate::redis::script::IMPORT;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. A long session comes in several of these, in order of their positions; its fields count in the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The session, existing or to be created.
    pub session: SessionId,
    /// Its title; empty for none.
    pub title: String,
    /// When it was made.
    pub created: Millis,
    /// When it last changed.
    pub updated: Millis,
    /// What it is marked with.
    pub flags: Flags,
    /// Its metadata; empty for none.
    pub metadata: String,
    /// Its state; empty for none.
    pub state: String,
    /// What is noted of it.
    #[serde(default)]
    pub notes: Notes,
    /// 32 random hex digits for a session that is created.
    pub seal: String,
    /// Where the first of the messages goes, counted from 0 in the export.
    pub position: u64,
    /// From the archive: a session that is created begins at that position, after so many messages that it once had.
    pub after: Option<u64>,
    /// Ids and stored texts, oldest first.
    pub messages: Vec<(MessageId, String)>,
    /// Nothing is stored: it only comes to what it would come to.
    #[serde(default)]
    pub dry_run: bool,
    /// The operation that makes the session, and the fingerprint of its request, or several: then a session that another one
    /// made is left as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<(TurnId, String)>,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL, which begins anew.
    pub ttl: Millis,
    /// The messages that a session keeps.
    pub messages_per_session: u64,
    /// And their bytes.
    pub session_bytes: u64,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
    /// The bytes of all of the owner's sessions; 0 for any number.
    #[serde(default)]
    pub owner_bytes: u64,
}

/// What an import comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Imported {
    /// The session and the messages are there, now or from before.
    Stored(Session),
    /// The session has another message in the place of one of these: nothing was changed.
    Conflict,
    /// The session has no message yet before the first of these: nothing was changed.
    Gap,
    /// The session is deleted, inside its undo window.
    Deleted,
    /// The owner has as many sessions as one may have.
    Full,
    /// A session of that id was there before the operation.
    Exists,
    /// The operation's id was used for another request.
    Mismatch,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

impl Operation for Import {
    const NAME: &'static str = "import";
    type Outcome = Imported;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, &self.session, &mut self.title)?;
        visit(Kind::Metadata, &self.session, &mut self.metadata)?;
        visit(Kind::State, &self.session, &mut self.state)?;
        self.notes.texts(&self.session, visit)?;
        if let Some((_, fingerprint)) = &mut self.operation {
            visit(Kind::Fingerprint, &self.session, fingerprint)?;
        }
        self.messages.iter_mut().try_for_each(|(_, message)| visit(Kind::Message, &self.session, message))
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Imported::Stored(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.title.clone(),
            self.created.to_string(),
            self.updated.to_string(),
            self.flags.stored(),
            self.metadata.clone(),
            self.state.clone(),
            self.seal.clone(),
        ];
        arguments.extend(numbers([
            self.now.0,
            self.ttl.0,
            self.messages_per_session,
            self.session_bytes,
            self.sessions_per_owner,
            index_ttl(self.ttl).0,
            TRIM_PER_CALL,
            PRUNE_PER_CALL,
            self.position,
        ]));
        arguments.push(self.after.map(|total| total.to_string()).unwrap_or_default());
        arguments.extend([self.notes.used.to_string(), self.notes.summary.clone(), REMEMBERED_TURNS.to_string()]);
        arguments.push(self.owner_bytes.to_string());
        arguments.push(u8::from(self.dry_run).to_string());
        let operation = self.operation.as_ref();
        arguments.extend(operation.map_or_else(<[String; 2]>::default, |(id, print)| [id.to_string(), print.clone()]));
        arguments.extend(self.messages.iter().flat_map(|(id, message)| [id.to_string(), message.clone()]));
        Call::Script { script: &IMPORT, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Imported, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "imported" => Imported::Stored(session_from(&mut items)?),
            "conflict" => Imported::Conflict,
            "gap" => Imported::Gap,
            "deleted" => Imported::Deleted,
            "full" => Imported::Full,
            "exists" => Imported::Exists,
            "mismatch" => Imported::Mismatch,
            "storage" => Imported::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Imported) -> Vec<Change> {
        let Imported::Stored(session) = outcome else { return Vec::new() };
        if self.dry_run {
            return Vec::new();
        }
        vec![Change::of_session(&self.session, session, false, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Imported, R::Error> {
        let id = &self.session;
        let opened = open(records, id, self.now, self.sessions_per_owner)?;
        let (mut session, created) = match opened {
            Opened::Live(session) => {
                if let Some((operation, fingerprint)) = &self.operation {
                    match remembered(records, id, operation, fingerprint)? {
                        Remembered::Same => {}
                        Remembered::Nothing => return Ok(Imported::Exists),
                        Remembered::Other => return Ok(Imported::Mismatch),
                    }
                }
                (session, false)
            }
            Opened::New => (new_session(self.created), true),
            Opened::Deleted => return Ok(Imported::Deleted),
            Opened::Full => return Ok(Imported::Full),
        };
        if created {
            session.title.clone_from(&self.title);
            session.updated = self.updated;
            session.flags.clone_from(&self.flags);
            if let Some(total) = self.after {
                (session.first, session.next, session.total) = (self.position, self.position, total);
            }
        }
        let mut coming = Vec::new();
        for (position, (message_id, message)) in (self.position..).zip(&self.messages) {
            if position < session.next {
                let stored = records.messages(id, position..position + 1)?.pop();
                let same = stored.is_some_and(|stored| stored.starts_with(&stored_prefix(message_id)));
                if position >= session.first && !same {
                    return Ok(Imported::Conflict);
                }
            } else if position == session.next + coming.len() as u64 {
                coming.push(message.as_str());
            } else {
                return Ok(Imported::Gap);
            }
        }
        if !created && coming.is_empty() {
            return Ok(Imported::Stored(session));
        }
        let texts = coming.iter().copied();
        let coming_bytes = texts.clone().map(|text| text.len() as u64).sum::<u64>();
        let extra = if created { (self.metadata.len() + self.state.len()) as u64 } else { 0 };
        let there = Some(&session).filter(|_| !created);
        if !may_grow(records, id, there, coming_bytes + extra, self.owner_bytes, self.now)? {
            return Ok(Imported::StorageFull);
        }
        if self.dry_run {
            return Ok(Imported::Stored(session));
        }
        Room::beside(texts.clone(), self.messages_per_session, self.session_bytes).make(records, id, &mut session)?;
        let first = session.next;
        session.next += coming.len() as u64;
        session.total += coming.len() as u64;
        session.bytes += coming_bytes;
        session.expires = session.expires.max(self.now.after(self.ttl));
        session.revision += 1;
        records.put_session(id, &session)?;
        for (position, message) in (first..).zip(coming) {
            records.put_message(id, position, message)?;
        }
        if created {
            records.put_metadata(id, &self.metadata)?;
            if !self.state.is_empty() {
                records.put_state(id, &State { revision: 1, json: self.state.clone() })?;
            }
            records.put_notes(id, &self.notes)?;
            if let Some((operation, fingerprint)) = &self.operation {
                records.put_turn(id, operation, &TurnRecord::of_operation(operation, fingerprint))?;
            }
        }
        Ok(Imported::Stored(session))
    }
}
