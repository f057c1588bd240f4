//! What went through the gateway, counted: tests assert how many requests an operation takes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// The counters of one gateway; off, they cost nothing.
#[derive(Debug)]
pub(crate) struct Counters {
    enabled: bool,
    counts: Mutex<Counts>,
}

/// A reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Requests with at least one readable command.
    pub(crate) requests: u64,
    /// Commands in them, as Upstash bills them: what runs inside a script doesn't count.
    pub(crate) commands: u64,
    /// The same commands by name.
    pub(crate) by_name: BTreeMap<String, u64>,
}

impl Counters {
    /// Counters that stand at zero.
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled, counts: Mutex::default() }
    }

    /// Counts a request with these commands.
    pub(crate) fn count<'a>(&self, names: impl Iterator<Item = &'a str>) {
        if !self.enabled {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.requests += 1;
        for name in names {
            counts.commands += 1;
            *counts.by_name.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// The reading.
    pub(crate) fn read(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Back to zero.
    pub(crate) fn reset(&self) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Counts::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_resets() {
        let counters = Counters::new(true);
        counters.count(["get", "set", "get"].into_iter());
        let counts = counters.read();
        assert_eq!((counts.requests, counts.commands, counts.by_name.get("get")), (1, 3, Some(&2)));
        counters.reset();
        assert_eq!(counters.read(), Counts::default());
        let off = Counters::new(false);
        off.count(["get"].into_iter());
        assert_eq!(off.read(), Counts::default());
    }
}
