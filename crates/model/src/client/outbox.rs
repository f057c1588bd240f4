//! What the browser keeps across reloads: the open session, and per session the messages without an answer.

use super::decode::{self, Fields};
use super::json::write_as_object;
use super::{Problem, Ticket};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;

/// The version of the stored form; another one is not read.
const VERSION: u64 = 1;

/// Failed messages that nobody came back for are dropped after this long, so that storage does not fill up.
const FORGET_AFTER: Millis = Millis(30 * 86_400_000);

/// A message without an answer: waiting, on its way or failed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: MessageId,
    pub(super) text: String,
    pub(super) created: Millis,
    /// It failed for this; otherwise it waits for its turn or is on its way.
    pub(super) problem: Option<Problem>,
    /// Who waits for the answer.
    pub(super) tickets: Vec<Ticket>,
    /// How often the server said that the turn still runs.
    pub(super) waits: u32,
}

/// A session that has to do with this browser: the open one, or one with messages in the outbox.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) id: SessionId,
    /// The server has it: turns say so, and are refused once it has expired, instead of quietly opening an empty one.
    pub(super) known: bool,
    /// In the order of sending.
    pub(super) outbox: Vec<Entry>,
    /// One of its messages is on its way or pauses.
    pub(super) busy: bool,
    /// The server has it no more, and said so like this.
    pub(super) gone: Option<Problem>,
}

impl Track {
    pub(super) fn new(id: SessionId, known: bool) -> Self {
        Self { id, known, outbox: Vec::new(), busy: false, gone: None }
    }

    pub(super) fn entry(&self, id: &MessageId) -> Option<&Entry> {
        self.outbox.iter().find(|entry| entry.id == *id)
    }

    pub(super) fn entry_mut(&mut self, id: &MessageId) -> Option<&mut Entry> {
        self.outbox.iter_mut().find(|entry| entry.id == *id)
    }

    pub(super) fn take(&mut self, id: &MessageId) -> Option<Entry> {
        let at = self.outbox.iter().position(|entry| entry.id == *id)?;
        Some(self.outbox.remove(at))
    }

    /// The message whose turn it is.
    pub(super) fn next(&self) -> Option<&Entry> {
        self.outbox.iter().find(|entry| entry.problem.is_none())
    }
}

struct Kept<'a> {
    v: u64,
    open: Option<&'a SessionId>,
    tracks: &'a [Track],
}

write_as_object!(Kept<'_>: "v" = v, "tracks" = tracks; optional "open" = open);
write_as_object!(Track: "id" = id, "known" = known, "outbox" = outbox);
write_as_object!(Entry: "id" = id, "text" = text, "created" = created; optional "problem" = problem);

/// The same, read back. Nothing says who wrote it, so nothing about it is taken for granted.
#[derive(Default)]
pub(super) struct Restored {
    pub(super) open: Option<SessionId>,
    pub(super) tracks: Vec<Track>,
}

/// The text to keep; none when there is nothing worth keeping.
pub(super) fn keep(open: Option<&SessionId>, tracks: &[Track]) -> Option<String> {
    if open.is_none() && tracks.is_empty() {
        return None;
    }
    serde_json::to_string(&Kept { v: VERSION, open, tracks }).ok()
}

/// Reads what was kept. What can't be read counts as nothing: a broken store must not break the chat.
pub(super) fn restore(stored: Option<&str>, now: Millis) -> Restored {
    let (version, mut restored) = stored.and_then(Fields::parse).and_then(decode::restored).unwrap_or_default();
    if version != VERSION {
        return Restored::default();
    }
    for track in &mut restored.tracks {
        track.outbox.retain(|entry| entry.problem.is_none() || now.since(entry.created) < FORGET_AFTER);
    }
    restored
}
