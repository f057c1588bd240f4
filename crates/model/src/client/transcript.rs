//! The messages of the open session, put together from pages of history, answers and what the user has just sent.

use super::decode::Answer;
use super::outbox::{Entry, Track};
use super::{Json, Token};
use crate::id::MessageId;
use crate::message::Role;

/// A message as it is shown, and when it came to be known here, on the scale of the request tokens.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: MessageId,
    pub(super) role: Role,
    pub(super) content: String,
    pub(super) created: String,
    pub(super) parent: Option<MessageId>,
    pub(super) metadata: Option<Json>,
    /// A reply that the user stopped before its end.
    pub(super) stopped: bool,
    pub(super) since: Token,
}

/// The open session's messages in their order. Whether one is stored, waits or has failed is the outbox's knowledge.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    lines: Vec<Line>,
    /// What to ask as `before` for older ones.
    pub(super) cursor: Option<String>,
    /// A page has been read, so that no cursor means: there are no older ones.
    read: bool,
    /// A message was sent again and moved to the end, while the server may have had it at its old place all along.
    moved: bool,
    /// When messages were last cut off: what was read before that is out of date.
    cut: Token,
    /// The last attempt to read a page failed.
    pub(super) read_failed: bool,
}

impl Transcript {
    /// Begins anew with what waits in a session's outbox.
    pub(super) fn begin(&mut self, track: Option<&Track>) {
        self.lines.clear();
        self.cursor = None;
        self.read = false;
        self.moved = false;
        self.cut = 0;
        self.read_failed = false;
        for entry in track.map_or(&[][..], |track| &track.outbox) {
            self.say(entry);
        }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The server has said what there is.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Removes what comes after a message; `-`: all. What waits in the outbox stays.
    pub(super) fn cut(&mut self, after: &str, waiting: impl Fn(&MessageId) -> bool) {
        let keep = match self.lines.iter().position(|line| line.id.as_str() == after) {
            Some(at) => at + 1,
            None if after == "-" => 0,
            None => return,
        };
        let cut = self.lines.split_off(keep);
        self.lines.extend(cut.into_iter().filter(|line| waiting(&line.id)));
        if keep == 0 {
            self.cursor = None;
        }
    }

    /// The server has cut messages off, just now.
    pub(super) fn was_cut(&mut self, now: Token) {
        self.cut = now;
    }

    /// A page asked for at this moment is out of date.
    pub(super) fn outdates(&self, asked: Token) -> bool {
        asked < self.cut
    }

    /// The last message that the server has before this one; `-` where this is the first; none where that isn't known.
    pub(super) fn before(&self, id: &MessageId, waiting: impl Fn(&MessageId) -> bool) -> Option<String> {
        let at = self.lines.iter().position(|line| line.id == *id)?;
        let stored = self.lines.iter().take(at).rev().find(|line| !waiting(&line.id));
        match stored {
            Some(line) => Some(line.id.as_str().to_owned()),
            None => self.cursor.is_none().then(|| "-".to_owned()),
        }
    }

    /// Forgets a message that was taken back.
    pub(super) fn forget(&mut self, id: &MessageId) {
        self.lines.retain(|line| line.id != *id);
    }

    /// Shows a message that the user sends, at the end; one sent again moves there.
    pub(super) fn say(&mut self, entry: &Entry) {
        let lines = self.lines.len();
        self.lines.retain(|line| line.id != entry.id);
        self.moved |= self.lines.len() < lines;
        self.lines.push(Line {
            id: entry.id.clone(),
            role: Role::User,
            content: entry.text.clone(),
            created: entry.created.to_rfc3339(),
            parent: None,
            metadata: entry.metadata.clone(),
            stopped: false,
            since: 0,
        });
    }

    /// Takes in an answer. `entry` has just left the outbox; `waiting` says of an id whether it is still there.
    pub(super) fn answer(&mut self, entry: &Entry, answer: &Answer, now: Token, waiting: impl Fn(&MessageId) -> bool) {
        if !self.contains(&entry.id) {
            self.say(entry);
        }
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == entry.id) {
            line.since = now;
        }
        if self.contains(&answer.reply_id) {
            return;
        }
        // The server appends the reply to what it has stored, so it belongs before what still waits or has failed.
        let at = self.lines.iter().rposition(|line| !waiting(&line.id)).map_or(self.lines.len(), |at| at + 1);
        let created = answer.card.as_ref().map_or_else(|| entry.created.to_rfc3339(), |card| card.updated_at.clone());
        let line = Line {
            id: answer.reply_id.clone(),
            role: Role::Assistant,
            content: answer.response.clone(),
            created,
            parent: Some(entry.id.clone()),
            metadata: None,
            stopped: answer.stopped,
            since: now,
        };
        self.lines.insert(at, line);
    }

    /// Takes in the newest page, asked for at `asked`. The server's word holds, but for what it could not know yet and
    /// for what it was not asked: older pages stay while they join up with this one and nothing contradicts them.
    pub(super) fn newest(
        &mut self,
        page: Vec<Line>,
        next: Option<String>,
        asked: Token,
        waiting: impl Fn(&MessageId) -> bool,
    ) {
        let in_page = |line: &Line| page.iter().any(|read| read.id == line.id);
        let stored = |line: &Line| !waiting(&line.id);
        let mut older = std::mem::take(&mut self.lines);
        let mut newer = older.split_off(older.iter().position(|line| in_page(line) && stored(line)).unwrap_or(0));
        let unsent: Vec<Line> = older.extract_if(.., |line| !stored(line)).collect();
        newer.splice(0..0, unsent);
        newer.retain(|line| !in_page(line));
        let known = newer.len();
        newer.retain(|line| !stored(line) || line.since > asked);
        // A stored message that was here and isn't in the page has another place, or none.
        let contradicted = newer.len() < known || next.is_none();
        if contradicted || self.moved || !self.read {
            older.clear();
        }
        self.read = true;
        self.read_failed = false;
        if older.is_empty() {
            self.cursor = next;
        }
        self.lines = older;
        self.lines.extend(page.into_iter().map(|line| Line { since: asked, ..line }));
        self.lines.extend(newer);
    }

    /// Takes in the page before the oldest message, if it still is that.
    pub(super) fn older(&mut self, page: Vec<Line>, next: Option<String>, before: &str, asked: Token) {
        if self.cursor.as_deref() != Some(before) {
            return;
        }
        self.cursor = next;
        self.lines.retain(|line| !page.iter().any(|read| read.id == line.id));
        self.lines.splice(0..0, page.into_iter().map(|line| Line { since: asked, ..line }));
    }

    fn contains(&self, id: &MessageId) -> bool {
        self.lines.iter().any(|line| line.id == *id)
    }
}
