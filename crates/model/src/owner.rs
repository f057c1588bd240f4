//! The owner: whom a session belongs to. Part of every key, so that another owner's session does not exist for you.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest owner that stands for itself, in bytes. A longer one is replaced by its digest.
pub const MAX_OWNER_BYTES: usize = 96;

/// An owner: `app` for the application itself, `v-` visitors, `u-` users, `h-` whoever's text would be too long.
///
/// Its alphabet is `[A-Za-z0-9_.%-]`, so that it can stand in a Redis hash tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// The application itself: calls with an API key, and everyone on a Worker that serves localhost without any.
    #[must_use]
    pub fn app() -> Self {
        Self("app".to_owned())
    }

    /// An anonymous visitor, by 128 random bits.
    #[must_use]
    pub fn visitor(visitor: u128) -> Self {
        Self(format!("v-{visitor:032x}"))
    }

    /// An owner that somebody names, if it can be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.%-".contains(&byte);
        let is_one = !text.is_empty() && text.len() <= MAX_OWNER_BYTES && text.bytes().all(fits);
        is_one.then(|| Self(text.to_owned()))
    }

    /// Whether it is a signed-in user.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.0.starts_with("u-") || self.0.starts_with("h-")
    }

    /// Whether it is an anonymous visitor.
    #[must_use]
    pub fn is_visitor(&self) -> bool {
        self.0.starts_with("v-")
    }

    /// An owner as a store holds it.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The owner's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An owner, or what must be digested to get it: no primitive is computed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// It stands for itself.
    Owner(Owner),
    /// Its text is too long.
    Long(LongName),
}

/// The text of an owner over [`MAX_OWNER_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongName(String);

impl LongName {
    /// What is to be digested by SHA-256.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The owner, by the digest in hex.
    #[must_use]
    pub fn digested(self, sha256: &str) -> Owner {
        Owner(format!("h-{sha256}"))
    }
}

/// A signed-in user, with the label of the issuer where that has one. None of it for an empty name.
///
/// Whatever is not a letter, a digit, `_` or `-` is percent-encoded, the dot too: a dot only ever follows a label. So no name
/// can become `app`, split a hash tag, or be another issuer's.
#[must_use]
pub fn user(label: Option<&str>, name: &str) -> Option<Named> {
    if name.is_empty() {
        return None;
    }
    let mut text = "u-".to_owned();
    if let Some(label) = label {
        text.push_str(label);
        text.push('.');
    }
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(if text.len() > MAX_OWNER_BYTES { Named::Long(LongName(text)) } else { Named::Owner(Owner(text)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(label: Option<&str>, name: &str) -> Option<String> {
        match user(label, name)? {
            Named::Owner(owner) => Some(owner.0),
            Named::Long(long) => Some(long.digested("0123").0),
        }
    }

    #[test]
    fn users_are_encoded_and_cannot_be_anyone_else() {
        for (name, owner) in [
            ("ada", "u-ada"),
            ("app", "u-app"),
            ("ada@example.com", "u-ada%40example%2Ecom"),
            ("a}b{c:d", "u-a%7Db%7Bc%3Ad"),
            ("a\0\n", "u-a%00%0A"),
            ("аda", "u-%D0%B0da"),
            ("u-%41", "u-u-%2541"),
        ] {
            assert_eq!(text(None, name).as_deref(), Some(owner));
        }
        assert_eq!(text(None, ""), None);
        assert_eq!(text(Some("acme"), "ada").as_deref(), Some("u-acme.ada"));
        assert_ne!(text(Some("acme"), "ada"), text(None, "acme.ada"));
    }

    #[test]
    fn a_long_name_is_replaced_by_its_digest() {
        assert_eq!(text(None, &"x".repeat(94)).map(|owner| owner.len()), Some(MAX_OWNER_BYTES));
        assert_eq!(text(None, &"x".repeat(95)).as_deref(), Some("h-0123"));
        assert_eq!(text(None, &"ž".repeat(16)).as_deref(), Some("h-0123"));
    }
}
