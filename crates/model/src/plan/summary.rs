//! Keep and read the summary of a session's earlier messages. Neither slides the TTL, nor changes the session for who looks at it.
//!
//! A summary names the last message that it is of. Once that is cut away, and where everything is, it is no summary of this session
//! any more; when the oldest messages drop, it stays.

use super::{Operation, live};
use crate::id::{MessageId, SessionId};
use crate::message::stored_prefix;
use crate::records::{Notes, Records};
use crate::redis::script::{READ_SUMMARY, SUMMARISE};
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// A summary of the messages before a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The position after the last of them.
    pub until: u64,
    /// The last of them.
    pub last: MessageId,
    /// What they say, in short.
    pub text: String,
}

impl Summary {
    /// The stored form: position, id and text.
    #[must_use]
    pub fn stored(&self) -> String {
        format!("{} {} {}", self.until, self.last, self.text)
    }

    /// Reads the stored form.
    #[must_use]
    pub fn parse(stored: &str) -> Option<Self> {
        let mut parts = stored.splitn(3, ' ');
        let until = parts.next()?.parse().ok()?;
        Some(Self { until, last: MessageId::parse(parts.next()?).ok()?, text: parts.next()?.to_owned() })
    }
}

/// Keeps a summary. Comes to whether it is kept: its last message has to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Summarise {
    pub session: SessionId,
    pub summary: Summary,
    pub now: Millis,
}

/// Reads the summary, where there is one that still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadSummary {
    pub session: SessionId,
    pub now: Millis,
}

/// Whether the message before a position is the one with an id.
fn ends_with<R: Records>(
    records: &mut R,
    session: &SessionId,
    Summary { until, last, .. }: &Summary,
) -> Result<bool, R::Error> {
    let found = records.messages(session, until.saturating_sub(1)..*until)?.pop();
    Ok(found.is_some_and(|message| message.starts_with(&stored_prefix(last))))
}

impl Operation for Summarise {
    const NAME: &'static str = "summarise";
    type Outcome = bool;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Summary, &self.session, &mut self.summary.text)
    }

    fn call(&self, keys: &Keys) -> Call {
        let Summary { until, last, text } = &self.summary;
        Call::Script {
            script: &SUMMARISE,
            keys: vec![keys.session(&self.session)],
            arguments: vec![self.now.to_string(), until.to_string(), last.to_string(), text.clone()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<bool, UnexpectedReply> {
        Ok(reply.number()? == 1)
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<bool, R::Error> {
        let id = &self.session;
        let Some(session) = live(records, id, self.now)? else { return Ok(false) };
        let until = self.summary.until;
        if until > session.next || until <= session.first || !ends_with(records, id, &self.summary)? {
            return Ok(false);
        }
        let notes = records.notes(id)?;
        records.put_notes(id, &Notes { summary: self.summary.stored(), ..notes })?;
        Ok(true)
    }
}

impl Operation for ReadSummary {
    const NAME: &'static str = "read_summary";
    type Outcome = Option<Summary>;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.as_mut().map_or(Ok(()), |summary| visit(Kind::Summary, &self.session, &mut summary.text))
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &READ_SUMMARY,
            keys: vec![keys.session(&self.session)],
            arguments: vec![self.now.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Option<Summary>, UnexpectedReply> {
        Ok(Summary::parse(&reply.text()?))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Summary>, R::Error> {
        let id = &self.session;
        let Some(session) = live(records, id, self.now)? else { return Ok(None) };
        let Some(summary) = Summary::parse(&records.notes(id)?.summary) else { return Ok(None) };
        let holds =
            summary.until <= session.next && (summary.until <= session.first || ends_with(records, id, &summary)?);
        Ok(Some(summary).filter(|_| holds))
    }
}
