//! A session's tail that is cut away: after which message, and how.

use crate::id::{MessageId, SessionId};
use crate::records::{Notes, Records};
use crate::session::Session;
use serde::{Deserialize, Serialize};

/// Where a cut leaves the next position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutAfter {
    /// Nothing is kept.
    Nothing,
    /// This message is the last that is kept.
    Message(MessageId),
}

impl CutAfter {
    /// The form in arguments and on the wire: a message id, or `-`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            CutAfter::Nothing => "-",
            CutAfter::Message(id) => id.as_str(),
        }
    }

    /// Reads the form on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "-" { Some(CutAfter::Nothing) } else { MessageId::parse(text).ok().map(CutAfter::Message) }
    }

    /// The position that is the next one after the cut; none when the message isn't there.
    pub(super) fn position<R: Records>(
        &self,
        records: &mut R,
        id: &SessionId,
        session: &Session,
    ) -> Result<Option<u64>, R::Error> {
        match self {
            CutAfter::Nothing => Ok(Some(session.first)),
            CutAfter::Message(message) => {
                let found = records.find_message(id, message, session.first..session.next)?;
                Ok(found.map(|position| position + 1))
            }
        }
    }
}

/// Cuts the messages from a position on.
pub(super) fn cut<R: Records>(records: &mut R, id: &SessionId, session: &mut Session, to: u64) -> Result<(), R::Error> {
    if to == session.first && to < session.next {
        // A summary of what is cut away is none of what comes.
        let notes = records.notes(id)?;
        if !notes.summary.is_empty() {
            records.put_notes(id, &Notes { summary: String::new(), ..notes })?;
        }
    }
    let tail: u64 = records.message_sizes(id, to..session.next)?.into_iter().sum();
    records.remove_messages(id, to..session.next)?;
    session.next = to;
    session.bytes = session.bytes.saturating_sub(tail);
    Ok(())
}
