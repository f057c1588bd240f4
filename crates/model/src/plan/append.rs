//! Append messages without a responder, all of them or none.

use super::{
    Opened, Operation, Room, asked, have_id, index_ttl, is_set_aside, live, may_grow, new_session, newest_that_fit,
    numbers, open, session_from, show_messages,
};
use crate::change::Change;
use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::{PRUNE_PER_CALL, REMEMBERED_TURNS, REPLY_BYTES, TRIM_PER_CALL};
use crate::message::stored_id;
use crate::records::Records;
use crate::redis::script::APPEND;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. The names are those of [`super::BeginTurn`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Append {
    pub session: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// The stored texts, oldest first, each beginning with its id.
    pub messages: Vec<String>,
    pub title: String,
    pub existing: bool,
    pub seal: String,
    pub now: Millis,
    pub ttl: Millis,
    /// So many of the last messages are looked at for the ids of these.
    pub window: u64,
    pub messages_per_session: u64,
    pub session_bytes: u64,
    pub sessions_per_owner: u64,
    /// The bytes of all of the owner's sessions; 0 for any number.
    #[serde(default)]
    pub owner_bytes: u64,
}

/// What an append comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Appended {
    /// The messages are stored, now or by an earlier application.
    Stored {
        /// This call created the session.
        created: bool,
        /// The session with them.
        session: Session,
    },
    /// The operation's id was used with another payload.
    Mismatch,
    /// Another message that is kept has the id of one of these.
    Repeated,
    /// The session is deleted, inside its undo window.
    Deleted,
    /// The session is absent and may not be created.
    Absent,
    /// The owner has as many sessions as one may have.
    Full,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

impl Operation for Append {
    const NAME: &'static str = "append";
    type Outcome = Appended;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        show_messages(&mut self.messages, &self.session, visit)?;
        visit(Kind::Title, &self.session, &mut self.title)?;
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Appended::Stored { session, .. } => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.operation.to_string(),
            self.fingerprint.clone(),
            self.title.clone(),
            u8::from(self.existing).to_string(),
            self.seal.clone(),
        ];
        arguments.extend(numbers([
            self.now.0,
            self.ttl.0,
            self.window,
            self.messages_per_session,
            self.session_bytes,
            self.sessions_per_owner,
            index_ttl(self.ttl).0,
            REMEMBERED_TURNS,
            REPLY_BYTES as u64,
            TRIM_PER_CALL,
            PRUNE_PER_CALL,
            self.owner_bytes,
        ]));
        arguments.extend(self.messages.iter().cloned());
        Call::Script { script: &APPEND, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Appended, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "appended" => Appended::Stored { session: session_from(&mut items)?, created: items.number()? == 1 },
            "mismatch" => Appended::Mismatch,
            "repeated" => Appended::Repeated,
            "deleted" => Appended::Deleted,
            "absent" => Appended::Absent,
            "full" => Appended::Full,
            "storage" => Appended::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Appended) -> Vec<Change> {
        let Appended::Stored { created, session } = outcome else { return Vec::new() };
        let added = self.messages.iter().filter_map(|message| Change::of_message(&self.session, message));
        std::iter::once(Change::of_session(&self.session, session, *created, self.now)).chain(added).collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Appended, R::Error> {
        let id = &self.session;
        if self.existing && live(records, id, self.now)?.is_none() && !is_set_aside(records, id, self.now)? {
            return Ok(Appended::Absent);
        }
        let (mut session, created) = match open(records, id, self.now, self.sessions_per_owner)? {
            Opened::Live(session) => match records.turn(id, &self.operation)? {
                Some(record) if record.is_of(&self.fingerprint) => {
                    return Ok(Appended::Stored { created: false, session });
                }
                Some(_) => return Ok(Appended::Mismatch),
                None => (session, false),
            },
            Opened::New => (new_session(self.now), true),
            Opened::Deleted => return Ok(Appended::Deleted),
            Opened::Full => return Ok(Appended::Full),
        };
        if !created && self.repeats(records, &session)? {
            return Ok(Appended::Repeated);
        }
        let coming = self.messages.len() as u64;
        let texts = self.messages.iter().map(String::as_str);
        let coming_bytes = texts.clone().map(|text| text.len() as u64).sum::<u64>();
        let there = Some(&session).filter(|_| !created);
        if !may_grow(records, id, there, coming_bytes, self.owner_bytes, self.now)? {
            return Ok(Appended::StorageFull);
        }
        Room::beside(texts.clone(), self.messages_per_session, self.session_bytes).make(records, id, &mut session)?;
        if session.title.is_empty() {
            session.title.clone_from(&self.title);
        }
        let first = session.next;
        session.updated = self.now;
        session.expires = session.expires.max(self.now.after(self.ttl));
        session.next += coming;
        session.total += coming;
        session.bytes += coming_bytes;
        session.revision += 1;
        records.put_session(id, &session)?;
        for (position, message) in (first..).zip(&self.messages) {
            records.put_message(id, position, message)?;
        }
        records.put_turn(id, &self.operation, &self.record())?;
        Ok(Appended::Stored { created, session })
    }
}

impl Append {
    fn repeats<R: Records>(&self, records: &mut R, session: &Session) -> Result<bool, R::Error> {
        let kept = session.first..session.next;
        let from = session.first.max(session.next.saturating_sub(self.window));
        let last = newest_that_fit(records.messages(&self.session, from..session.next)?, REPLY_BYTES, false);
        for message in &self.messages {
            let Some(id) = stored_id(message).and_then(|id| MessageId::parse(id).ok()) else { continue };
            if have_id(&last, &id) || asked(records, &self.session, &id, kept.clone())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
