//! Which owners have a journal, as far as this isolate knows, and what their clients are told of it.

use chatkeep_model::Owner;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The most owners that an isolate remembers to have a journal. The others' clients have a marker.
const REMEMBERED: usize = 10_000;

/// The most owners whose vaults are asked at once.
const ASKED: usize = 20;

/// What a client sends when nothing of it is in a journal.
const CLEARED: &str = "-";

/// A namespace's prefix and an owner.
type Whose = (String, Owner);

thread_local! {
    static DEPTHS: RefCell<BTreeMap<Whose, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Notes how many entries an owner's journal has.
pub(crate) fn note(prefix: &str, owner: &Owner, depth: u64) {
    DEPTHS.with_borrow_mut(|depths| {
        if depth == 0 {
            // On a healthy store there is nothing to remove, and nothing to allocate for it.
            if !depths.is_empty() {
                depths.remove(&(prefix.to_owned(), owner.clone()));
            }
        } else if depths.len() < REMEMBERED {
            depths.insert((prefix.to_owned(), owner.clone()), depth);
        }
    });
}

/// Whether an owner has a journal.
pub(crate) fn has(prefix: &str, owner: &Owner) -> bool {
    DEPTHS.with_borrow(|depths| !depths.is_empty() && depths.contains_key(&(prefix.to_owned(), owner.clone())))
}

/// Some of those who have one, as many as one request may ask.
pub(crate) fn some() -> Vec<Whose> {
    DEPTHS.with_borrow(|depths| depths.keys().take(ASKED).cloned().collect())
}

/// How many entries they have.
pub(crate) fn depth() -> u64 {
    DEPTHS.with_borrow(|depths| depths.values().sum())
}

/// What one request and its client know of the journal.
#[derive(Debug, Default)]
pub(crate) struct Marker {
    /// The client, or an operation of this request, came by the journal.
    marked: bool,
    /// What the client shall send from now on.
    newest: Option<String>,
    /// An operation of this request did not reach Redis.
    degraded: bool,
}

impl Marker {
    /// The marker that a request came with.
    pub(crate) fn of_request(header: Option<&str>) -> Self {
        Self { marked: header.is_some_and(|value| value != CLEARED), ..Self::default() }
    }

    pub(crate) fn is_marked(&self) -> bool {
        self.marked
    }

    pub(crate) fn is_degraded(&self) -> bool {
        self.degraded
    }

    /// An operation went into the journal.
    pub(crate) fn taken(&mut self, marker: String) {
        *self = Self { marked: true, newest: Some(marker), degraded: true };
    }

    /// The journal is empty.
    pub(crate) fn drained(&mut self) {
        if std::mem::take(&mut self.marked) {
            self.newest = Some(CLEARED.to_owned());
        }
    }

    /// The header's new value.
    pub(crate) fn header(&self) -> Option<String> {
        self.newest.clone()
    }
}
