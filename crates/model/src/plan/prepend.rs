//! Put a session's earlier messages before those that it has: what the archive knew of it when it was made anew.
//!
//! Such a session begins as many positions further up as it may keep messages, so that there is room below its first one.

use super::{Operation, index_ttl, live, numbers, session_from};
use crate::change::Change;
use crate::id::{MessageId, SessionId};
use crate::message::stored_prefix;
use crate::records::{Records, State};
use crate::redis::script::PREPEND;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::{Flags, Session};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Many messages come in several of these, the newest first; repeating one changes nothing. Comes to the session,
/// or to nothing where it isn't that one any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepend {
    /// The session.
    pub session: SessionId,
    /// When it was made.
    pub created: Millis,
    /// The title that it takes where nobody gave it one; empty for none.
    pub title: String,
    /// What it is marked with where it is marked with nothing.
    pub flags: Flags,
    /// The metadata that it takes where it has none; empty for none.
    pub metadata: String,
    /// The state that it takes where it has none; empty for none.
    pub state: String,
    /// The messages that it had before these.
    pub earlier: u64,
    /// The tokens that were counted for it.
    pub used: u64,
    /// Ids and stored texts, oldest first: of them as many of the newest stay as there is room for.
    pub messages: Vec<(MessageId, String)>,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
    /// The messages that a session keeps.
    pub messages_per_session: u64,
    /// And their bytes.
    pub session_bytes: u64,
}

impl Operation for Prepend {
    const NAME: &'static str = "prepend";
    type Outcome = Option<Session>;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, &self.session, &mut self.title)?;
        visit(Kind::Metadata, &self.session, &mut self.metadata)?;
        visit(Kind::State, &self.session, &mut self.state)?;
        self.messages.iter_mut().try_for_each(|(_, message)| visit(Kind::Message, &self.session, message))
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.as_mut().map_or(Ok(()), |session| visit(Kind::Title, &self.session, &mut session.title))
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.created.to_string(),
            self.title.clone(),
            self.flags.stored(),
            self.metadata.clone(),
            self.state.clone(),
        ];
        arguments.extend(numbers([
            self.now.0,
            self.messages_per_session,
            self.session_bytes,
            index_ttl(self.ttl).0,
            self.earlier,
            self.used,
        ]));
        arguments.extend(self.messages.iter().flat_map(|(id, message)| [id.to_string(), message.clone()]));
        Call::Script { script: &PREPEND, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Option<Session>, UnexpectedReply> {
        let mut items = reply.items()?;
        match items.text()?.as_str() {
            "prepended" => session_from(&mut items).map(Some),
            "absent" => Ok(None),
            _ => Err(UnexpectedReply),
        }
    }

    fn changes(&self, outcome: &Option<Session>) -> Vec<Change> {
        outcome.iter().map(|session| Change::of_session(&self.session, session, false, self.now)).collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Session>, R::Error> {
        let id = &self.session;
        let Some(mut session) = live(records, id, self.now)?.filter(|session| session.created == self.created) else {
            return Ok(None);
        };
        let oldest = records.messages(id, session.first..session.first + 1)?.pop().unwrap_or_default();
        if self.messages.iter().any(|(message_id, _)| oldest.starts_with(&stored_prefix(message_id))) {
            return Ok(Some(session));
        }
        let mut room = session.first.min(self.messages_per_session.saturating_sub(session.kept()));
        for (_, message) in self.messages.iter().rev() {
            let bytes = session.bytes + message.len() as u64;
            if room == 0 || bytes > self.session_bytes {
                break;
            }
            (room, session.first, session.bytes) = (room - 1, session.first - 1, bytes);
            records.put_message(id, session.first, message)?;
        }
        session.total += self.messages.len() as u64 + self.earlier;
        session.revision += 1;
        if !self.title.is_empty() && !session.flags.named {
            session.title.clone_from(&self.title);
        }
        if session.flags == Flags::default() {
            session.flags.clone_from(&self.flags);
        }
        records.put_session(id, &session)?;
        if !self.metadata.is_empty() && records.metadata(id)?.is_none_or(|metadata| metadata.is_empty()) {
            records.put_metadata(id, &self.metadata)?;
        }
        if !self.state.is_empty() && records.state(id)?.is_none() {
            records.put_state(id, &State { revision: 1, json: self.state.clone() })?;
        }
        if self.used > 0 {
            let mut notes = records.notes(id)?;
            notes.used += self.used;
            records.put_notes(id, &notes)?;
        }
        Ok(Some(session))
    }
}
