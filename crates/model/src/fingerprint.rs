//! Fingerprints of requests: what an idempotency key confirms. Each operation that is remembered under a key stores one, so that
//! the key confirms the same request alone, never another one.
//!
//! A fingerprint is a letter for the kind of operation, the id of the encryption key that it was made with, a dot, and 16 hex
//! digits: `tk1.0123456789abcdef`. Where sessions are not encrypted, the id is empty. `t*` stands for every request of its
//! kind. A request brings one for each key that is configured, with commas; the first is stored.

use crate::id::digest;

/// The kinds of operations that are remembered under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RequestKind {
    Append,
    Create,
    Delete,
    Fork,
    Patch,
    Restore,
    Truncate,
    Turn,
    WriteState,
}

impl RequestKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Append,
        Self::Create,
        Self::Delete,
        Self::Fork,
        Self::Patch,
        Self::Restore,
        Self::Truncate,
        Self::Turn,
        Self::WriteState,
    ];

    /// The letter that a fingerprint begins with.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Append => 'a',
            Self::Create => 'n',
            Self::Delete => 'd',
            Self::Fork => 'f',
            Self::Patch => 'p',
            Self::Restore => 'r',
            Self::Truncate => 'c',
            Self::Turn => 't',
            Self::WriteState => 's',
        }
    }
}

/// Returns the fingerprint of a request as the client sent it, before any key: its parts in a fixed order.
#[must_use]
pub fn of_request<'a>(kind: RequestKind, parts: impl IntoIterator<Item = &'a str>) -> String {
    format!("{}.{:016x}", kind.letter(), digest(parts.into_iter().map(str::as_bytes)))
}

/// Returns what stands for every request of a kind.
#[must_use]
pub fn of_every_request(kind: RequestKind) -> String {
    format!("{}*", kind.letter())
}

/// Returns the fingerprint that is stored of those that a request brings.
#[must_use]
pub fn stored(fingerprints: &str) -> &str {
    fingerprints.split(',').next().unwrap_or(fingerprints)
}

/// Returns a stored fingerprint as it goes to another owner or id, where nobody can compute it: it stands for every request of
/// its kind.
#[must_use]
pub fn widened(stored: &str) -> String {
    format!("{}*", stored.chars().next().unwrap_or('-'))
}

/// Returns whether a stored fingerprint is that of a request which brings these. One that was made with a key that is no longer
/// configured matches every request of its kind.
#[must_use]
pub fn is_same(stored: &str, fingerprints: &str) -> bool {
    let kind = stored.chars().next();
    if kind != fingerprints.chars().next() {
        return false;
    }
    if matches_all(stored) {
        return true;
    }
    let mut is_known = false;
    for one in fingerprints.split(',') {
        if one == stored || matches_all(one) {
            return true;
        }
        is_known |= key_id(one) == key_id(stored);
    }
    !is_known
}

fn matches_all(fingerprint: &str) -> bool {
    fingerprint.get(1..) == Some("*")
}

fn key_id(fingerprint: &str) -> Option<&str> {
    fingerprint.get(1..)?.split('.').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_when_its_kind_and_payload_are() {
        let one = of_request(RequestKind::Turn, ["text", ""]);
        assert!(is_same(&one, &one));
        assert!(!is_same(&one, &of_request(RequestKind::Turn, ["other", ""])));
        assert!(!is_same(&one, &of_request(RequestKind::Append, ["text", ""])));
        assert!(!is_same(&one, &of_every_request(RequestKind::Delete)));
    }

    #[test]
    fn parts_do_not_run_together() {
        let prints = [["ab", "c"], ["a", "bc"]].map(|parts| of_request(RequestKind::Patch, parts));
        assert_ne!(prints[0], prints[1]);
    }

    #[test]
    fn a_widened_fingerprint_matches_every_request_of_its_kind() {
        let wide = widened("tk1.0123456789abcdef");
        assert_eq!(wide, of_every_request(RequestKind::Turn));
        assert!(is_same(&wide, "t.00") && is_same(&wide, "tk2.00,tk1.11") && !is_same(&wide, "d.00"));
        assert!(is_same("t.00", &wide));
    }

    #[test]
    fn an_unknown_key_matches_every_request_of_the_kind() {
        for (stored, brought, same) in [
            ("tk1.00", "tk1.00", true),
            ("tk1.00", "tk1.01", false),
            ("tk1.00", "tk2.02,tk1.00", true),
            ("tk1.00", "tk2.02,tk1.01", false),
            ("tk1.00", "tk2.02", true),
            ("tk1.00", "dk2.02", false),
            ("tk1.00", "t.03", true),
            ("t.03", "tk1.00", true),
            ("t.03", "t.04", false),
        ] {
            assert_eq!(is_same(stored, brought), same, "{stored} {brought}");
        }
    }

    #[test]
    fn kinds_have_letters_of_their_own() {
        let letters: std::collections::BTreeSet<_> = RequestKind::ALL.map(RequestKind::letter).into();
        assert_eq!(letters.len(), RequestKind::ALL.len());
    }
}
