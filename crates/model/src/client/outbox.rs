//! What the browser keeps across reloads: the open session, and per session the messages without an answer.

use super::decode::{self, Fields};
use super::json::{self, write_as_object};
use super::{Json, Problem, Ticket, Token};
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
    pub(super) metadata: Option<Json>,
    /// An edit: what comes after this message goes; `-`: all.
    pub(super) cut_after: Option<String>,
    /// The reply is wanted in pieces.
    pub(super) stream: bool,
    /// It failed for this; otherwise it waits for its turn or is on its way.
    pub(super) problem: Option<Problem>,
    /// Another tab's: that one sends it.
    pub(super) foreign: bool,
    /// Who waits for the answer.
    pub(super) tickets: Vec<Ticket>,
    /// How often it was tried in vain since the user last wanted it sent.
    pub(super) tries: u32,
    /// Its turn runs on the server: follow it instead of sending again.
    pub(super) follow: bool,
    /// As much of the reply as has come.
    pub(super) partial: Option<Partial>,
    /// The bytes of the reply that the callers have got as pieces. A stream that begins anew repeats them.
    pub(super) delivered: usize,
}

/// The beginning of a reply.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    pub(super) id: MessageId,
    pub(super) text: String,
    /// The id of the last event that is in it.
    pub(super) event: u64,
}

impl Entry {
    pub(super) fn new(id: MessageId, text: String, created: Millis) -> Self {
        Self {
            id,
            text,
            created,
            metadata: None,
            cut_after: None,
            stream: false,
            problem: None,
            foreign: false,
            tickets: Vec::new(),
            tries: 0,
            follow: false,
            partial: None,
            delivered: 0,
        }
    }

    /// It waits or is on its way.
    pub(super) fn pending(&self) -> bool {
        self.problem.is_none()
    }
}

/// A session that has to do with this browser: the open one, or one with messages in the outbox.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) id: SessionId,
    /// The server has it: turns say so, and are refused once it has expired, instead of quietly opening an empty one.
    pub(super) known: bool,
    /// In the order of sending.
    pub(super) outbox: Vec<Entry>,
    /// One of its messages is on its way or pauses, under this token.
    pub(super) busy: Option<Token>,
    /// The server has it no more, and said so like this.
    pub(super) gone: Option<Problem>,
    /// Nobody keeps it: no server, no storage, no other tab.
    pub(super) incognito: bool,
    /// Failed messages that the user discarded and the server may have stored.
    pub(super) discarded: Vec<MessageId>,
}

impl Track {
    pub(super) fn new(id: SessionId, known: bool) -> Self {
        Self { id, known, outbox: Vec::new(), busy: None, gone: None, incognito: false, discarded: Vec::new() }
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
        self.outbox.iter().find(|entry| entry.pending() && !entry.foreign)
    }

    /// A reply is being waited for: not when there is nothing to do but to wait for the network.
    pub(super) fn waits(&self) -> bool {
        self.busy.is_some() || self.outbox.iter().any(|entry| entry.foreign && entry.pending())
    }
}

struct Kept<'a> {
    v: u64,
    open: Option<&'a SessionId>,
    journal: Option<&'a String>,
    tracks: Vec<KeptTrack<'a>>,
}

struct KeptTrack<'a> {
    id: &'a SessionId,
    known: bool,
    outbox: Vec<&'a Entry>,
}

write_as_object!(Kept<'_>: "v" = v, "tracks" = tracks; optional "open" = open, "journal" = journal);
write_as_object!(KeptTrack<'_>: "id" = id, "known" = known, "outbox" = outbox);
write_as_object!(Entry:
    "id" = id, "text" = text, "created" = created, "stream" = stream;
    optional "metadata" = metadata, "cutAfter" = cut_after, "problem" = problem);

impl json::Write for Millis {
    fn write(&self, to: &mut String) {
        self.0.write(to);
    }
}

/// The same, read back. Nothing says who wrote it, so nothing about it is taken for granted.
#[derive(Default)]
pub(super) struct Restored {
    pub(super) open: Option<SessionId>,
    pub(super) journal: Option<String>,
    pub(super) tracks: Vec<Track>,
}

/// The text to keep; none when there is nothing worth keeping.
pub(super) fn keep(open: Option<&SessionId>, journal: Option<&String>, tracks: &[Track]) -> Option<String> {
    let open = open.filter(|open| !tracks.iter().any(|track| track.incognito && track.id == **open));
    let mut kept = Vec::new();
    for track in tracks.iter().filter(|track| !track.incognito) {
        let outbox: Vec<&Entry> = track.outbox.iter().filter(|entry| !entry.foreign).collect();
        if !outbox.is_empty() || Some(&track.id) == open {
            kept.push(KeptTrack { id: &track.id, known: track.known, outbox });
        }
    }
    if open.is_none() && journal.is_none() && kept.is_empty() {
        return None;
    }
    Some(json::text(&Kept { v: VERSION, open, journal, tracks: kept }))
}

/// Reads what was kept. What can't be read counts as nothing: a broken store must not break the chat.
pub(super) fn restore(stored: Json, now: Millis) -> Restored {
    let mut restored = Fields::of(stored).and_then(read).unwrap_or_default();
    for track in &mut restored.tracks {
        track.outbox.retain(|entry| entry.pending() || now.since(entry.created) < FORGET_AFTER);
    }
    restored
}

fn read(mut from: Fields) -> Option<Restored> {
    if from.number("v")? != VERSION {
        return None;
    }
    let tracks = from.list("tracks", decode::track)?;
    Some(Restored { open: from.session_id("open"), journal: from.text("journal"), tracks })
}
