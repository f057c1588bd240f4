//! Keep and read the summary of a session's earlier messages. Neither slides the TTL, nor changes the session for who looks at it.
//!
//! A summary names the last message that it is of. Once that is cut away, and where everything is, it is no summary of this session
//! any more; when the oldest messages drop, it stays.

use super::{Operation, live, readable};
use crate::id::{MessageId, SessionId};
use crate::message::stored_prefix;
use crate::records::{Notes, Records};
use crate::redis::script::{READ_SUMMARY, SUMMARISE};
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
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

impl Notes {
    /// Shows the text of the summary.
    ///
    /// # Errors
    /// What `visit` refuses.
    pub fn texts(&mut self, id: &SessionId, visit: Visit) -> Result<(), Unreadable> {
        if let Some(mut summary) = Summary::parse(&self.summary) {
            visit(Kind::Summary, id, &mut summary.text)?;
            self.summary = summary.stored();
        }
        Ok(())
    }

    /// What a branch of a session takes along that has its messages up to a position: of the tokens the share of the messages, and
    /// the summary where all that it is of is before the cut.
    #[must_use]
    pub fn of_branch(&self, session: &Session, to: u64) -> Self {
        let taken = to.saturating_sub(session.first);
        let used = u128::from(self.used) * u128::from(taken) / u128::from(session.kept().max(1));
        let summary = Summary::parse(&self.summary).filter(|summary| taken > 0 && summary.until <= to);
        Self {
            used: u64::try_from(used).unwrap_or(self.used),
            summary: summary.map(|_| self.summary.clone()).unwrap_or_default(),
        }
    }

    /// The same of a session whose positions begin so much later: it begins at 0 elsewhere.
    #[must_use]
    pub fn renumbered(self, first: u64) -> Self {
        let summary = Summary::parse(&self.summary);
        let summary = summary.map(|summary| Summary { until: summary.until.saturating_sub(first), ..summary }.stored());
        Self { summary: summary.unwrap_or_default(), ..self }
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
        let Some(session) = readable(records, id, self.now)? else { return Ok(None) };
        let Some(summary) = Summary::parse(&records.notes(id)?.summary) else { return Ok(None) };
        let holds =
            summary.until <= session.next && (summary.until <= session.first || ends_with(records, id, &summary)?);
        Ok(Some(summary).filter(|_| holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_takes_its_share() {
        let notes = Notes { used: 100, summary: "14 r-t2 in short".into() };
        let session = Session { first: 10, next: 20, ..Session::default() };
        let of = |to| notes.of_branch(&session, to);
        assert_eq!(of(20), notes);
        assert_eq!((of(14).used, of(14).summary.as_str()), (40, "14 r-t2 in short"));
        assert_eq!((of(13).used, of(13).summary.as_str()), (30, ""));
        assert_eq!(of(10), Notes::default());
        assert_eq!(notes.of_branch(&Session::default(), 0), Notes::default());
        // What a summary is of can have been dropped: then it holds for whatever is kept.
        let dropped = Notes { used: 1, summary: "7 r-t1 in short".into() };
        assert_eq!(dropped.of_branch(&session, 11).summary, dropped.summary);
        assert_eq!(dropped.renumbered(10).summary, "0 r-t1 in short");
        assert_eq!(notes.clone().renumbered(10).summary, "4 r-t2 in short");
        assert_eq!(Notes::default().renumbered(10), Notes::default());
    }
}
