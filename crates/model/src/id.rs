//! Identifiers: session ids, message ids and turn ids, all of one pattern.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// Says that a text is not an id: it does not match `[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}`, or it is reserved: `-`, and of sessions `new`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 1 to 128 characters of A-Z a-z 0-9 _ . : - and starts with none of . :; - alone is none")
    }
}

impl std::error::Error for InvalidId {}

fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    starts && text.len() <= MAX_ID_BYTES && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(
            #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^([A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}|-[A-Za-z0-9_.:-]{1,127})$")))] String,
        );

        impl $name {
            /// Takes a text as an id.
            ///
            /// # Errors
            /// [`InvalidId`] when the text does not match the pattern or is reserved.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if is_id(&text) && !$reserved.contains(&text.as_str()) { Ok(Self(text)) } else { Err(InvalidId) }
            }

            /// The id's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// It stands for none: in `cut_after`, and in what is stored of a turn.
const NONE: &str = "-";

id!(
    /// The id of a session. `new` is reserved, so that `/sessions/new` can't be one.
    SessionId,
    ["new", NONE]
);
id!(
    /// The id of a message, unique in its session.
    MessageId,
    [NONE]
);
id!(
    /// The id of a turn: its idempotency key.
    TurnId,
    [NONE]
);

impl SessionId {
    /// The minted form: `sess_` and the 32 hex digits of a UUIDv7, whose 128 bits the caller brings.
    #[must_use]
    pub fn mint(uuid: u128) -> Self {
        Self(["sess_", &hex(uuid)].concat())
    }
}

impl MessageId {
    /// The minted form: the 32 hex digits of a UUIDv7, whose 128 bits the caller brings.
    #[must_use]
    pub fn mint(uuid: u128) -> Self {
        Self(hex(uuid))
    }

    /// The id of the message with this number in a keyed request that brings no ids.
    #[must_use]
    pub fn of_key(key: &TurnId, number: usize) -> Self {
        Self(format!("k-{:016x}-{number}", digest([key.0.as_bytes()])))
    }
}

impl TurnId {
    /// The turn that a message id names when no idempotency key was given.
    #[must_use]
    pub fn of_message(id: &MessageId) -> Self {
        Self(id.0.clone())
    }

    /// The id of this turn's reply: `r-` and the turn id; where that would be too long, the end of the turn id is
    /// replaced by a digest of the whole.
    #[must_use]
    pub fn reply_id(&self) -> MessageId {
        if self.0.len() + 2 <= MAX_ID_BYTES {
            return MessageId(["r-", &self.0].concat());
        }
        let kept: String = self.0.chars().take(MAX_ID_BYTES - 19).collect();
        let digest = hex(digest([self.0.as_bytes()]).into());
        let short = digest.get(16..).unwrap_or_default();
        MessageId(["r-", &kept, "-", short].concat())
    }
}

/// The 32 hex digits of 128 bits. By hand: `format!` would bring its machinery into the module that browsers download.
fn hex(bits: u128) -> String {
    let digit = |place: u32| char::from_digit((bits >> (4 * place)) as u32 & 15, 16);
    (0..32).rev().filter_map(digit).collect()
}

/// A 64-bit FNV-1a digest of some parts, each followed by a separator byte that cannot occur in UTF-8, so that parts don't run together.
///
/// For telling payloads apart that one client sends; it resists no forger and guards no boundary.
#[must_use]
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(std::iter::once(&0xff)) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_pattern() {
        for good in [
            "a",
            "sess_0192",
            "user-123",
            "default",
            "a.b:c-d_e",
            "_V1StGXR8",
            "-IRFa-VaY2b",
            "--",
            "_",
            &"x".repeat(128),
        ] {
            assert!(SessionId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "new", "-", ".a", ":a", "a b", "a/b", "a\n", "ä", "{x}", &"x".repeat(129)] {
            assert_eq!(SessionId::parse(bad), Err(InvalidId), "{bad}");
        }
        assert!(MessageId::parse("new").is_ok() && MessageId::parse("-").is_err() && TurnId::parse("-").is_err());
    }

    #[test]
    fn minted_ids_have_their_form() {
        let id = SessionId::mint(0x0192_f3a4_5b6c_7d8e_9fa0_b1c2_d3e4_f506);
        assert_eq!(id.as_str(), "sess_0192f3a45b6c7d8e9fa0b1c2d3e4f506");
        assert!(SessionId::parse(id.as_str()).is_ok());
    }

    #[test]
    fn a_reply_id_is_an_id_and_tells_long_turns_apart() {
        assert_eq!(TurnId("m1".into()).reply_id().as_str(), "r-m1");
        let long = TurnId("x".repeat(128)).reply_id();
        let other = TurnId(format!("{}y", "x".repeat(127))).reply_id();
        assert!(MessageId::parse(long.as_str()).is_ok());
        assert_ne!(long, other);
    }

    #[test]
    fn digests_keep_parts_apart() {
        assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
        assert_eq!(digest([b"a".as_slice()]), digest([b"a".as_slice()]));
    }
}
