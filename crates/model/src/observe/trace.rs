//! Traces: the `traceparent` header of W3C Trace Context (<https://www.w3.org/TR/trace-context/>).

use std::fmt;

/// The trace that a request belongs to, and the request's own place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: u128,
    /// This request's span: the parent of what it asks of others.
    pub span: u64,
    flags: u8,
}

impl Trace {
    /// Takes part in the trace that a header names. A header that isn't one is none, as the specification has it.
    #[must_use]
    pub fn follow(header: &str, span: u64) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let version = hex::<2>(parts.next()?)?;
        let id = hex::<32>(parts.next()?)?;
        let parent = hex::<16>(parts.next()?)?;
        let flags = hex::<2>(parts.next()?)?;
        let known = version != 0xff && (version > 0 || parts.next().is_none());
        // Of a version that we don't know only the flag for sampling means what it says.
        let flags = if version == 0 { flags } else { flags & 1 };
        (known && id != 0 && parent != 0).then_some(Self { id, span: span.max(1), flags: u8::try_from(flags).ok()? })
    }
}

/// As the header, for what is asked within the trace.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.span, self.flags)
    }
}

/// The number that so many hex digits in lower case are.
fn hex<const DIGITS: usize>(text: &str) -> Option<u128> {
    let digits = text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if digits { u128::from_str_radix(text, 16).ok() } else { None }
}

/// The id of a request: its number in its isolate, spread over 64 bits from where the isolate began, so that it looks like no other's.
#[must_use]
pub fn request_id(isolate: u64, number: u64) -> u64 {
    // SplitMix64, whose outputs are distinct for distinct inputs.
    let mut mixed = isolate.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_followed_with_a_span_of_ones_own() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::follow(header, 7).map(|trace| trace.to_string());
        assert_eq!(trace.as_deref(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01"));
        let later = Trace::follow("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more", 7);
        assert_eq!(later.map(|trace| trace.flags), Some(1));
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for header in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473ž-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::follow(header, 7), None, "{header}");
        }
    }

    #[test]
    fn request_ids_are_distinct() {
        let ids: std::collections::BTreeSet<u64> = (0..1000).map(|number| request_id(42, number)).collect();
        assert_eq!(ids.len(), 1000);
    }
}
