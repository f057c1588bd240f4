//! The journal of an outage, in memory: the changes that Redis doesn't know yet, in their order, bounded. How an entry is
//! replayed is [`crate::journal::replay`]'s to say, as for the vault.

use super::operation::{Asked, Told};
use crate::id::SessionId;
use crate::journal::replay::{Settled, Step, is_applied};
use crate::plan::Delete;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use std::collections::{BTreeMap, VecDeque};

/// How many changes, and about how many bytes of them.
const MOST_ENTRIES: usize = 10_000;
const MOST_BYTES: usize = 32 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Its name, which no other journal has.
    pub(super) name: String,
    /// The changes by their places.
    entries: VecDeque<(u64, Asked)>,
    /// How the oldest entry is to be sent.
    step: Step,
    /// The place of the newest entry there ever was.
    last: u64,
    bytes: usize,
    /// How many entries are about each session.
    sessions: BTreeMap<SessionId, usize>,
}

impl Journal {
    /// Whether it takes one more.
    pub(super) fn has_room(&self, change: &Asked) -> bool {
        self.entries.len() < MOST_ENTRIES && self.bytes + change.bytes() <= MOST_BYTES
    }

    /// Adds a change behind the others.
    pub(super) fn add(&mut self, change: &Asked) {
        if let Asked::Delete(delete) = change {
            // Each is confirmed by itself.
            for id in &delete.sessions {
                self.push(Delete { sessions: vec![id.clone()], ..delete.clone() }.into());
            }
        } else {
            self.push(change.clone());
        }
    }

    fn push(&mut self, change: Asked) {
        self.last += 1;
        self.bytes += change.bytes();
        for id in change.sessions() {
            *self.sessions.entry(id.clone()).or_default() += 1;
        }
        self.entries.push_back((self.last, change));
    }

    /// The oldest entry's place, and the call that replays it. None when there is no entry.
    pub(super) fn first(&self, keys: &Keys) -> Option<(u64, Call)> {
        let (position, change) = self.entries.front()?;
        Some((*position, change.replay(*position, self.step, &self.name, keys)))
    }

    /// What the reply to that call means, and what it says besides.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is none that the call can have.
    pub(super) fn settle(&mut self, reply: Reply) -> Result<(Settled, Option<Told>), UnexpectedReply> {
        let (_, change) = self.entries.front().ok_or(UnexpectedReply)?;
        if is_applied(&reply) {
            return Ok((Settled::Done, None));
        }
        let told = change.decode(reply)?;
        let settled = change.settle(&told, self.step);
        if let Settled::Again(step) = settled {
            self.step = step;
        }
        Ok((settled, Some(told)))
    }

    /// Whether the oldest entry is the one of this place.
    pub(super) fn begins_at(&self, position: u64) -> bool {
        self.entries.front().is_some_and(|(first, _)| *first == position)
    }

    /// Takes out the oldest entry, once Redis has it or will never have it.
    pub(super) fn confirm(&mut self) -> Option<Asked> {
        let (_, change) = self.entries.pop_front()?;
        self.step = Step::default();
        self.bytes = self.bytes.saturating_sub(change.bytes());
        for id in change.sessions() {
            if let Some(count) = self.sessions.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    self.sessions.remove(id);
                }
            }
        }
        Some(change)
    }

    /// Whether it holds changes of a session.
    pub(super) fn changes(&self, id: &SessionId) -> bool {
        self.sessions.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Touch;
    use crate::time::Millis;

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    fn touch(session: &str) -> Asked {
        Asked::Touch(Touch { session: id(session), now: Millis(1), ttl: Millis(1) })
    }

    #[test]
    fn entries_go_in_order_and_are_counted_by_session() {
        let mut journal = Journal::default();
        for id in ["a", "b", "a"] {
            journal.add(&touch(id));
        }
        assert!(journal.changes(&id("a")) && journal.changes(&id("b")) && journal.len() == 3);
        assert!(journal.begins_at(1) && !journal.begins_at(2));
        assert_eq!([journal.confirm(), journal.confirm()], [Some(touch("a")), Some(touch("b"))]);
        assert!(journal.changes(&id("a")) && !journal.changes(&id("b")) && journal.begins_at(3));
        journal.confirm();
        assert!(!journal.changes(&id("a")) && journal.len() == 0 && journal.bytes == 0);
    }

    #[test]
    fn a_deletion_of_many_is_an_entry_for_each() {
        let mut journal = Journal::default();
        journal.add(
            &Delete {
                sessions: vec![id("a"), id("b")],
                operation: None,
                fingerprint: String::new(),
                now: Millis(1),
                undo: Millis(0),
            }
            .into(),
        );
        assert_eq!(journal.len(), 2);
        assert!(matches!(journal.confirm(), Some(Asked::Delete(delete)) if delete.sessions == [id("a")]));
    }

    #[test]
    fn it_is_bounded() {
        let mut journal = Journal::default();
        for _ in 0..MOST_ENTRIES {
            assert!(journal.has_room(&touch("a")));
            journal.add(&touch("a"));
        }
        assert!(!journal.has_room(&touch("a")));
    }
}
