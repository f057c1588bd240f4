//! What a request waited for, as its answer's `Server-Timing` says it.

use chatkeep_model::Millis;
use std::cell::Cell;

/// Milliseconds of waiting, summed up.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    store: Cell<u64>,
    responder: Cell<u64>,
}

impl Timing {
    /// The store took so long.
    pub(crate) fn asked_store(&self, duration: Millis) {
        self.store.set(self.store.get() + duration.0);
    }

    /// The responder took so long.
    pub(crate) fn asked_responder(&self, duration: Millis) {
        self.responder.set(self.responder.get() + duration.0);
    }

    /// The header's value; `total` is the whole request.
    pub(crate) fn header(&self, total: Millis) -> String {
        format!("store;dur={}, responder;dur={}, total;dur={total}", self.store.get(), self.responder.get())
    }
}
