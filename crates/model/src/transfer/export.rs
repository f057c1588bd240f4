//! The lines of an export, from what a store holds. A text that can't be read is left out and named; the rest is written.

use crate::Owner;
use crate::error::Code;
use crate::id::SessionId;
use crate::json;
use crate::plan::{Details, Page, Summary};
use crate::seal::{Kind, Seal, Unreadable};
use crate::wire::{ExportEnd, ExportLine, ExportedMessage, ExportedSession, ExportedSummary, LeftOut};
use serde_json::value::RawValue;

/// Whose lines these are, and how their texts are read.
#[derive(Debug, Clone, Copy)]
pub struct LineWriter<'a> {
    /// The owner whom each line names, in an export of everyone's.
    pub owner: Option<&'a Owner>,
    /// The session.
    pub session: &'a SessionId,
    /// Decrypts the stored texts.
    pub seal: Seal<'a>,
}

/// Some lines of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines, each with its line break.
    pub text: String,
    /// How many sessions or messages they hold.
    pub count: u64,
    /// Why texts were left out: one entry each.
    pub unreadable: Vec<Unreadable>,
}

impl LineWriter<'_> {
    /// Writes the line of a session, from its stored texts.
    ///
    /// # Errors
    /// None in practice.
    pub fn session(&self, details: &Details, state: Option<String>) -> Result<Lines, serde_json::Error> {
        let session = &details.session;
        let notes = details.notes.clone().renumbered(session.first);
        let mut lines = Lines::default();
        let mut left_out = Vec::new();
        let mut read = |kind: Kind, stored: String| {
            let read = self.read(kind, stored);
            read.map_err(|cause| left_out.push((kind, cause))).ok().filter(|text| !text.is_empty())
        };
        let title = read(Kind::Title, session.title.clone());
        let metadata = details.metadata.clone().and_then(|stored| read(Kind::Metadata, stored));
        let state = state.and_then(|stored| read(Kind::State, stored));
        let summary = Summary::parse(&notes.summary)
            .and_then(|summary| Some(Summary { text: read(Kind::Summary, summary.text.clone())?, ..summary }));
        let raw = |text: Option<String>| text.map(RawValue::from_string).transpose();
        lines.push(&ExportLine::Session(Box::new(ExportedSession {
            owner: self.owner.cloned(),
            session_id: self.session.clone(),
            title,
            created_ms: session.created.0,
            updated_ms: session.updated.0,
            pinned: session.flags.pinned,
            archived: session.flags.archived,
            user_id: Some(session.flags.user.clone()).filter(|user| !user.is_empty()),
            metadata: raw(metadata)?,
            state: raw(state)?,
            tokens_used: Some(notes.used).filter(|used| *used > 0),
            summary: summary.map(|Summary { until, last, text }| ExportedSummary { messages: until, last, text }),
        })))?;
        lines.count = 1;
        for (kind, cause) in left_out {
            self.leave_out(&mut lines, kind, None, cause)?;
        }
        Ok(lines)
    }

    /// Writes the lines of a page of messages, from their stored texts. Their places count on from `next`.
    ///
    /// # Errors
    /// None in practice.
    pub fn messages(&self, page: Page, next: u64) -> Result<Lines, serde_json::Error> {
        let mut lines = Lines::default();
        for stored in page.messages {
            let position = next + lines.count;
            match self.read(Kind::Message, stored) {
                Ok(message) => {
                    lines.push(&ExportLine::Message(ExportedMessage {
                        owner: self.owner.cloned(),
                        session_id: self.session.clone(),
                        position,
                        message: RawValue::from_string(message)?,
                    }))?;
                    lines.count += 1;
                }
                Err(cause) => self.leave_out(&mut lines, Kind::Message, Some(position), cause)?,
            }
        }
        Ok(lines)
    }

    /// Decrypts a stored text; one of JSON is checked, and written in one line.
    fn read(&self, kind: Kind, mut stored: String) -> Result<String, Unreadable> {
        self.seal.open(kind, self.session, &mut stored)?;
        if !matches!(kind, Kind::Message | Kind::Metadata | Kind::State) || stored.is_empty() {
            return Ok(stored);
        }
        let raw = RawValue::from_string(stored).map_err(|_| Unreadable::NotGenuine)?;
        Ok(json::stored(raw).get().to_owned())
    }

    fn leave_out(
        &self,
        lines: &mut Lines,
        kind: Kind,
        position: Option<u64>,
        cause: Unreadable,
    ) -> Result<(), serde_json::Error> {
        lines.unreadable.push(cause);
        lines.push(&ExportLine::LeftOut(LeftOut {
            owner: self.owner.cloned(),
            session_id: self.session.clone(),
            text: kind.as_str().to_owned(),
            position,
            code: Code::ValueUnreadable.as_str().to_owned(),
            detail: cause.as_str().to_owned(),
        }))
    }
}

impl Lines {
    fn push(&mut self, line: &ExportLine) -> Result<(), serde_json::Error> {
        self.text += &write_line(line)?;
        Ok(())
    }
}

/// The line that says where to go on.
///
/// # Errors
/// None in practice.
pub fn cursor_line(cursor: String) -> Result<String, serde_json::Error> {
    write_line(&ExportLine::Cursor(cursor))
}

/// The last line.
///
/// # Errors
/// None in practice.
pub fn end_line(end: ExportEnd) -> Result<String, serde_json::Error> {
    write_line(&ExportLine::End(end))
}

fn write_line(line: &ExportLine) -> Result<String, serde_json::Error> {
    serde_json::to_string(line).map(|text| text + "\n")
}
