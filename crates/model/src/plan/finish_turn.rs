//! Finish a turn: append the reply and mark the turn done. It never creates: a turn whose message is gone stays unfinished.

use super::{Operation, Room, cut, index_ttl, live, session_from};
use crate::change::Change;
use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::{TRIM_PER_CALL, slide_grain};
use crate::message::{Message, stored_id, stored_prefix};
use crate::records::{Notes, Records};
use crate::redis::script::FINISH_TURN;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. The names are those of [`super::BeginTurn`], and `message_id` and `position` what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FinishTurn {
    pub session: SessionId,
    pub turn: TurnId,
    pub attempt: String,
    pub message_id: MessageId,
    /// Where the message probably is: the turn's record says where it is.
    pub position: u64,
    /// The stored text of the user message of a turn that replaces messages; empty where it was stored at the begin.
    #[serde(default)]
    pub message: String,
    /// The reply's stored text, which begins with the turn's reply id.
    pub reply: String,
    pub now: Millis,
    pub ttl: Millis,
    pub messages_per_session: u64,
    /// The tokens that the model's API counted; 0 where it did not.
    #[serde(default)]
    pub used: u64,
}

/// What a finish comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finished {
    /// The reply is stored. Also when this attempt had stored it before.
    Stored(Session),
    /// Another attempt took the turn over.
    Superseded,
    /// The user message is no longer kept.
    Gone,
    /// The session is.
    Absent,
}

impl Operation for FinishTurn {
    const NAME: &'static str = "finish_turn";
    type Outcome = Finished;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Message, &self.session, &mut self.message)?;
        visit(Kind::Message, &self.session, &mut self.reply)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Finished::Stored(session) => visit(Kind::Title, &self.session, &mut session.title),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &FINISH_TURN,
            keys: keys.of_session(&self.session),
            arguments: vec![
                self.session.to_string(),
                self.turn.to_string(),
                self.attempt.clone(),
                self.reply.clone(),
                self.message_id.to_string(),
                self.position.to_string(),
                self.now.to_string(),
                self.ttl.to_string(),
                slide_grain(self.ttl).to_string(),
                self.messages_per_session.to_string(),
                TRIM_PER_CALL.to_string(),
                index_ttl(self.ttl).to_string(),
                self.used.to_string(),
                self.message.clone(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Finished, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "finished" => Finished::Stored(session_from(&mut items)?),
            "superseded" => Finished::Superseded,
            "gone" => Finished::Gone,
            "absent" => Finished::Absent,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Finished) -> Vec<Change> {
        let Finished::Stored(session) = outcome else { return Vec::new() };
        let id = stored_id(&self.reply).and_then(|id| MessageId::parse(id).ok());
        let Some(reply_id) = id else { return Vec::new() };
        let finished = Change::TurnFinished {
            session_id: self.session.clone(),
            message_id: self.message_id.clone(),
            reply_id,
            status: serde_json::from_str(&self.reply).ok().and_then(|reply: Message| reply.status),
        };
        let question = Change::of_message(&self.session, &self.message);
        let added = Change::of_message(&self.session, &self.reply);
        let session = Change::of_session(&self.session, session, false, self.now);
        [question, added, Some(finished), Some(session)].into_iter().flatten().collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Finished, R::Error> {
        let id = &self.session;
        let Some(mut session) = live(records, id, self.now)? else {
            return Ok(Finished::Absent);
        };
        let record = records.turn(id, &self.turn)?;
        let Some(record) = record.filter(|record| record.attempt == self.attempt) else {
            return Ok(Finished::Superseded);
        };
        if record.done {
            return Ok(Finished::Stored(session));
        }
        let brings = record.cut.is_some() && record.message_position.is_none();
        let asked = if brings {
            Some(self.message.clone()).filter(|_| record.message_id.as_ref() == Some(&self.message_id))
        } else {
            let at = record.message_position.filter(|at| *at >= session.first && *at < session.next);
            at.map(|at| records.messages(id, at..at + 1)).transpose()?.and_then(|mut found| found.pop())
        };
        if !asked.is_some_and(|message| message.starts_with(&stored_prefix(&self.message_id))) {
            return Ok(Finished::Gone);
        }
        // What others have said since the begin is not removed.
        if let Some(planned) = record.cut.filter(|planned| planned.total == session.total && planned.to < session.next)
        {
            cut(records, id, &mut session, planned.to)?;
        }
        let messages = self.messages_per_session.saturating_sub(1 + u64::from(brings));
        let question = session.next;
        let at = question + u64::from(brings);
        Room { messages, bytes: u64::MAX, trim: TRIM_PER_CALL }.make(records, id, &mut session)?;
        let slid = self.now.after(self.ttl);
        if slid.0 >= session.expires.0 + slide_grain(self.ttl).0 {
            session.expires = slid;
        }
        session.updated = self.now;
        session.next = at + 1;
        session.total += 1 + u64::from(brings);
        session.bytes += self.reply.len() as u64;
        if brings {
            session.bytes += self.message.len() as u64;
            records.put_message(id, question, &self.message)?;
        }
        session.revision += 1;
        records.put_session(id, &session)?;
        records.put_message(id, at, &self.reply)?;
        if self.used > 0 {
            let notes = records.notes(id)?;
            records.put_notes(id, &Notes { used: notes.used + self.used, ..notes })?;
        }
        let message_position = if brings { Some(question) } else { record.message_position };
        let reply_position = Some(at);
        let done =
            TurnRecord { done: true, lease_until: Millis(0), message_position, reply_position, cut: None, ..record };
        records.put_turn(id, &self.turn, &done)?;
        Ok(Finished::Stored(session))
    }
}
