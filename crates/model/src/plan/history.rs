//! Read a page of a session's messages. Reading does not slide the TTL.

use super::{Operation, newest_that_fit, readable, session_from, show_messages};
use crate::id::SessionId;
use crate::large_reads::ReadSize;
use crate::limits::{MOST_STORED_MESSAGE_BYTES, REPLY_BYTES};
use crate::records::Records;
use crate::redis::script::HISTORY;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to nothing when the session is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadHistory {
    pub session: SessionId,
    pub now: Millis,
    /// The most messages to give, at least 1. Fewer come when they would be more than [`REPLY_BYTES`].
    pub limit: u64,
    /// Give those before this position; without it, the newest.
    pub before: Option<u64>,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The session that they are from.
    pub session: Session,
    /// The position of the first of them.
    pub from: u64,
    /// As stored, oldest first.
    pub messages: Vec<String>,
}

impl Page {
    /// What to ask as `before` for the page of older ones.
    #[must_use]
    pub fn next_before(&self) -> Option<u64> {
        (self.from > self.session.first).then_some(self.from)
    }
}

impl Operation for ReadHistory {
    const NAME: &'static str = "history";
    type Outcome = Option<Page>;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.as_mut().map_or(Ok(()), |page| {
            visit(Kind::Title, &self.session, &mut page.session.title)?;
            show_messages(&mut page.messages, &self.session, visit)
        })
    }

    fn read_size(&self) -> ReadSize {
        let messages = usize::try_from(self.limit).unwrap_or(usize::MAX);
        ReadSize::Page(messages.saturating_mul(MOST_STORED_MESSAGE_BYTES).min(REPLY_BYTES))
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &HISTORY,
            keys: vec![keys.session(&self.session)],
            arguments: vec![
                self.now.to_string(),
                self.limit.to_string(),
                self.before.map(|position| position.to_string()).unwrap_or_default(),
                REPLY_BYTES.to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Option<Page>, UnexpectedReply> {
        let mut items = reply.items()?;
        match items.text()?.as_str() {
            "absent" => Ok(None),
            "page" => Ok(Some(Page {
                session: session_from(&mut items)?,
                from: items.number()?,
                messages: items.take()?.texts()?,
            })),
            _ => Err(UnexpectedReply),
        }
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Page>, R::Error> {
        let Some(session) = readable(records, &self.session, self.now)? else { return Ok(None) };
        let to = self.before.unwrap_or(session.next).min(session.next).max(session.first);
        let from = session.first.max(to.saturating_sub(self.limit));
        let messages = newest_that_fit(records.messages(&self.session, from..to)?, REPLY_BYTES, true);
        let from = to - messages.len() as u64;
        Ok(Some(Page { session, from, messages }))
    }
}
