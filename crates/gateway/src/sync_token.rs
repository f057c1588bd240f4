//! The value of `upstash-sync-token`: opaque to clients, different after every write.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A counter that every write moves. It starts at the clock, so that it doesn't repeat itself after a restart.
#[derive(Debug)]
pub(crate) struct SyncToken(AtomicU64);

impl SyncToken {
    /// A token for a gateway that starts now.
    pub(crate) fn new() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(AtomicU64::new(u64::try_from(elapsed.as_micros()).unwrap_or_default()))
    }

    /// The token for a response.
    pub(crate) fn after(&self, wrote: bool) -> String {
        let count = self.0.fetch_add(u64::from(wrote), Ordering::Relaxed) + u64::from(wrote);
        base32(count)
    }
}

fn base32(mut number: u64) -> String {
    let mut digits = Vec::with_capacity(13);
    loop {
        digits.push(u32::try_from(number % 32).ok().and_then(|digit| char::from_digit(digit, 32)).unwrap_or('0'));
        number /= 32;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_with_writes_only() {
        let token = SyncToken::new();
        let first = token.after(false);
        assert_eq!(token.after(false), first);
        let second = token.after(true);
        assert_ne!(second, first);
        assert_eq!(token.after(false), second);
    }

    #[test]
    fn counts_in_base_32() {
        assert_eq!(base32(0), "0");
        assert_eq!(base32(31), "v");
        assert_eq!(base32(32), "10");
    }
}
