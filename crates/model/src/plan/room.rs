//! The room that a session's caps leave, made by letting its oldest messages go.

use crate::id::SessionId;
use crate::limits::TRIM_PER_CALL;
use crate::records::Records;
use crate::session::Session;

/// What a session may keep when messages come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// The most messages that go at once; where there are far too many, the rest goes another time.
    pub(super) trim: u64,
}

impl Room {
    /// The room that these messages leave to the earlier ones under a session's caps.
    pub(super) fn beside<'a>(coming: impl ExactSizeIterator<Item = &'a str>, messages: u64, bytes: u64) -> Self {
        let count = coming.len() as u64;
        let coming: u64 = coming.map(|text| text.len() as u64).sum();
        Self {
            messages: messages.saturating_sub(count),
            bytes: bytes.saturating_sub(coming),
            trim: TRIM_PER_CALL.max(count),
        }
    }

    /// How many of the oldest messages may have to go: where there are too many bytes, twice as many as their average
    /// size says. A script reads so many sizes.
    pub(super) fn excess(self, session: &Session) -> u64 {
        let kept = session.kept();
        let mut over = kept.saturating_sub(self.messages);
        if session.bytes > self.bytes {
            over = over.max(2 + 2 * (session.bytes - self.bytes) * kept / session.bytes);
        }
        over.min(kept).min(self.trim)
    }

    /// Removes the oldest messages that have to go.
    pub(super) fn make<R: Records>(
        self,
        records: &mut R,
        id: &SessionId,
        session: &mut Session,
    ) -> Result<(), R::Error> {
        let first = session.first;
        let over = self.excess(session);
        if over == 0 {
            return Ok(());
        }
        for size in records.message_sizes(id, first..first + over)? {
            if session.kept() <= self.messages && session.bytes <= self.bytes {
                break;
            }
            session.first += 1;
            session.bytes = session.bytes.saturating_sub(size);
        }
        records.remove_messages(id, first..session.first)
    }
}
