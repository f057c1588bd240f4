//! The journal of an outage: the changes that Redis doesn't know yet, in their order, bounded.
//!
//! Every entry carries its operation's id, so that it changes nothing when it had reached Redis before, or reaches it twice.

use super::operation::Asked;
use crate::id::SessionId;
use std::collections::{BTreeMap, VecDeque};

/// How many changes, and about how many bytes of them.
const MOST_ENTRIES: usize = 10_000;
const MOST_BYTES: usize = 32 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<Asked>,
    bytes: usize,
    /// How many entries were confirmed before the oldest one: its number.
    number: u64,
    /// How many entries are about each session.
    sessions: BTreeMap<SessionId, usize>,
}

impl Journal {
    /// Whether it takes one more.
    pub(super) fn has_room(&self, entry: &Asked) -> bool {
        self.entries.len() < MOST_ENTRIES && self.bytes + entry.bytes() <= MOST_BYTES
    }

    pub(super) fn add(&mut self, entry: Asked) {
        self.bytes += entry.bytes();
        for id in entry.sessions() {
            *self.sessions.entry(id.clone()).or_default() += 1;
        }
        self.entries.push_back(entry);
    }

    /// The oldest entry and its number.
    pub(super) fn first(&self) -> Option<(u64, &Asked)> {
        self.entries.front().map(|entry| (self.number, entry))
    }

    /// Takes out the oldest entry, once Redis has it; when it is the one of that number.
    pub(super) fn confirm(&mut self, number: u64) -> Option<Asked> {
        if number != self.number {
            return None;
        }
        let entry = self.entries.pop_front()?;
        self.number += 1;
        self.bytes -= entry.bytes().min(self.bytes);
        for id in entry.sessions() {
            if let Some(count) = self.sessions.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    self.sessions.remove(id);
                }
            }
        }
        Some(entry)
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

    #[test]
    fn entries_go_in_order_and_are_counted_by_session() {
        let touch =
            |id: &str| Asked::Touch(Touch { session: SessionId::parse(id).unwrap(), now: Millis(1), ttl: Millis(1) });
        let [a, b] = ["a", "b"].map(|id| SessionId::parse(id).unwrap());
        let mut journal = Journal::default();
        for id in ["a", "b", "a"] {
            journal.add(touch(id));
        }
        assert!(journal.changes(&a) && journal.changes(&b) && journal.len() == 3);
        assert_eq!(journal.first(), Some((0, &touch("a"))));
        let confirmed = [0, 0, 1].map(|number| journal.confirm(number));
        assert_eq!(confirmed, [Some(touch("a")), None, Some(touch("b"))]);
        assert!(journal.changes(&a) && !journal.changes(&b));
        journal.confirm(2);
        assert!(!journal.changes(&a) && journal.first().is_none() && journal.bytes == 0);
    }

    #[test]
    fn it_is_bounded() {
        let touch = Asked::Touch(Touch { session: SessionId::parse("a").unwrap(), now: Millis(1), ttl: Millis(1) });
        let mut journal = Journal::default();
        for _ in 0..MOST_ENTRIES {
            assert!(journal.has_room(&touch));
            journal.add(touch.clone());
        }
        assert!(!journal.has_room(&touch));
    }
}
