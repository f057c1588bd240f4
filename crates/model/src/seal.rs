//! Encryption at rest: which texts are sealed, what each is bound to, and the form in which a store has it. The cipher itself is
//! a shell's.
//!
//! A stored message begins with its id, role, time and parent, which the rules look at; then come [`MARK`] and the whole message,
//! encrypted. Titles, metadata and states are encrypted whole, after [`MARK`]. No client can write that mark: a title has no control
//! characters, and in a JSON text they are escaped.

use crate::error::StoreError;
use crate::id::{MessageId, SessionId};
pub use crate::message::MARK;
use crate::message::Role;
use crate::owner::Owner;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Message,
    Title,
    Metadata,
    State,
    Summary,
    /// A text in a row of the archive.
    Row,
    /// What tells a turn's payload from another's.
    Fingerprint,
}

impl Kind {
    /// Its name, which it is bound to.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Message => "message",
            Kind::Title => "title",
            Kind::Metadata => "metadata",
            Kind::State => "state",
            Kind::Summary => "summary",
            Kind::Row => "row",
            Kind::Fingerprint => "fingerprint",
        }
    }
}

/// Shows texts one by one, to be sealed or opened in their places.
pub type Visit<'a> = &'a mut dyn FnMut(Kind, &SessionId, &mut String) -> Result<(), Unreadable>;

/// Why a stored text can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is sealed with a key that isn't listed.
    UnknownKey,
    /// It was changed, or moved from where it was sealed, or its key is another one of that name.
    NotGenuine,
    /// It is not sealed, and only what is sealed is believed.
    NotSealed,
}

impl Unreadable {
    /// The cause, as `/health` and logs name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unreadable::UnknownKey => "encryption_key_unknown",
            Unreadable::NotGenuine => "value_not_genuine",
            Unreadable::NotSealed => "value_not_sealed",
        }
    }
}

impl From<Unreadable> for StoreError {
    fn from(error: Unreadable) -> Self {
        StoreError::Unreadable(error.as_str())
    }
}

/// An authenticated cipher with its keys. A sealed text is `KEY.DATA`: the key's id, and letters, digits, `-` and `_`.
pub trait Cipher: fmt::Debug {
    /// The id of the key that seals; nothing where new texts stay as they are.
    fn key(&self) -> Option<&str>;

    /// Seals a text, bound to another one; nothing where new texts stay as they are.
    fn seal(&self, bound: &str, text: &str) -> Option<String>;

    /// Opens a sealed text that was bound to this one.
    ///
    /// # Errors
    /// [`Unreadable`] where that can't be.
    fn open(&self, bound: &str, sealed: &str) -> Result<String, Unreadable>;

    /// Digests of a text, each of 16 hex digits that nobody can compute without the key, with the ids of their keys; that of
    /// the key that seals is the first.
    fn digests(&self, text: &str) -> Vec<(String, String)>;

    /// Whether only what is sealed is believed.
    fn is_strict(&self) -> bool;
}

/// Seals and opens the texts of one owner in one namespace.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// None where nothing is encrypted: then nothing sealed can be read.
    pub cipher: Option<&'a dyn Cipher>,
    /// What the namespace's keys begin with.
    pub prefix: &'a str,
    /// Whose texts they are.
    pub owner: &'a Owner,
}

/// The part of a message that stays as it is.
#[derive(Serialize, Deserialize)]
struct Head {
    id: MessageId,
    role: Role,
    #[serde(default)]
    content: Empty,
    created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<MessageId>,
}

/// What is said, left out.
#[derive(Default)]
struct Empty;

impl Serialize for Empty {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl<'de> Deserialize<'de> for Empty {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Empty)
    }
}

impl Seal<'_> {
    /// Whether there is anything to seal or open with.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.cipher.is_some()
    }

    /// Seals a text.
    ///
    /// # Errors
    /// [`Unreadable::NotGenuine`] for a message that is none.
    pub fn close(&self, kind: Kind, session: &SessionId, text: &mut String) -> Result<(), Unreadable> {
        let Some(cipher) = self.cipher else { return Ok(()) };
        if text.is_empty() {
            return Ok(());
        }
        match kind {
            Kind::Fingerprint => *text = self.keyed(cipher, session, text),
            Kind::Message => {
                let head: Head = serde_json::from_str(text).map_err(|_| Unreadable::NotGenuine)?;
                let head = serde_json::to_string(&head).map_err(|_| Unreadable::NotGenuine)?;
                if let Some(sealed) = cipher.seal(&self.bound(kind, session, &head), text) {
                    *text = format!("{head}{MARK}{sealed}");
                }
            }
            _ => close_bound(self.cipher, &self.bound(kind, session, ""), text),
        }
        Ok(())
    }

    /// The fingerprints of a request, from the one before any key: bound to the owner and the session that it is about.
    fn keyed(&self, cipher: &dyn Cipher, session: &SessionId, plain: &str) -> String {
        let Some((kind, _)) = plain.split_once('.') else { return plain.to_owned() };
        let digests = cipher.digests(&self.bound(Kind::Fingerprint, session, plain));
        let keyed = digests.into_iter().map(|(key, digits)| format!("{kind}{key}.{digits}"));
        let first = Some(plain.to_owned()).filter(|_| cipher.key().is_none());
        first.into_iter().chain(keyed).collect::<Vec<_>>().join(",")
    }

    /// Opens a stored text. One that was never sealed stays as it is, unless only sealed ones are believed.
    ///
    /// # Errors
    /// [`Unreadable`] where it can't be read.
    pub fn open(&self, kind: Kind, session: &SessionId, text: &mut String) -> Result<(), Unreadable> {
        match kind {
            Kind::Fingerprint => Ok(()),
            Kind::Message => {
                if let Some((head, sealed)) = parts(text) {
                    let bound = self.bound(kind, session, head);
                    *text = self.cipher.ok_or(Unreadable::UnknownKey)?.open(&bound, sealed)?;
                    return Ok(());
                }
                let believed = text.is_empty() || !self.cipher.is_some_and(Cipher::is_strict);
                if believed { Ok(()) } else { Err(Unreadable::NotSealed) }
            }
            // What was never sealed needs no binding.
            _ if self.cipher.is_none() && !text.starts_with(MARK) => Ok(()),
            _ => open_bound(self.cipher, &self.bound(kind, session, ""), text),
        }
    }

    /// The stored text sealed anew; nothing where it is as it would be sealed now. Where new texts stay as they are, it is opened.
    ///
    /// # Errors
    /// [`Unreadable`] where it can't be read.
    pub fn anew(&self, kind: Kind, session: &SessionId, stored: &str) -> Result<Option<String>, Unreadable> {
        let mut text = stored.to_owned();
        self.open(kind, session, &mut text)?;
        if text.is_empty() || key_of(kind, stored) == self.cipher.and_then(Cipher::key) {
            return Ok(None);
        }
        self.close(kind, session, &mut text)?;
        Ok(Some(text))
    }

    /// What a text is bound to: its place, so that it can't be read in another.
    fn bound(&self, kind: Kind, session: &SessionId, head: &str) -> String {
        format!("{}\n{}\n{session}\n{}\n{head}", self.prefix, self.owner, kind.as_str())
    }
}

/// Seals a text that is bound to whatever the caller names.
pub fn close_bound(cipher: Option<&dyn Cipher>, bound: &str, text: &mut String) {
    if let Some(sealed) = cipher.and_then(|cipher| cipher.seal(bound, text)) {
        *text = format!("{MARK}{sealed}");
    }
}

/// Opens such a text. One that was never sealed stays as it is, unless only sealed ones are believed.
///
/// # Errors
/// [`Unreadable`] where it can't be read.
pub fn open_bound(cipher: Option<&dyn Cipher>, bound: &str, text: &mut String) -> Result<(), Unreadable> {
    let Some(sealed) = text.strip_prefix(MARK) else {
        let believed = text.is_empty() || !cipher.is_some_and(Cipher::is_strict);
        return if believed { Ok(()) } else { Err(Unreadable::NotSealed) };
    };
    *text = cipher.ok_or(Unreadable::UnknownKey)?.open(bound, sealed)?;
    Ok(())
}

/// The id of the key that a stored text is sealed with; none where it isn't sealed.
#[must_use]
pub fn key_of(kind: Kind, text: &str) -> Option<&str> {
    let sealed = match kind {
        Kind::Message => parts(text)?.1,
        _ => text.strip_prefix(MARK)?,
    };
    sealed.split('.').next()
}

/// The head of an encrypted message, and what is encrypted; nothing for a message that isn't.
fn parts(text: &str) -> Option<(&str, &str)> {
    text.split_once(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not a cipher: it shows what it is given, and holds it against what it opens.
    #[derive(Debug)]
    struct FakeCipher {
        strict: bool,
    }

    impl Cipher for FakeCipher {
        fn key(&self) -> Option<&str> {
            Some("k1")
        }

        fn seal(&self, bound: &str, text: &str) -> Option<String> {
            Some(format!(
                "k1.{}.{}",
                crate::base64url::encode(bound.as_bytes()),
                crate::base64url::encode(text.as_bytes())
            ))
        }

        fn open(&self, bound: &str, sealed: &str) -> Result<String, Unreadable> {
            let rest = sealed.strip_prefix("k1.").ok_or(Unreadable::UnknownKey)?;
            let (its, text) = rest.split_once('.').ok_or(Unreadable::NotGenuine)?;
            let genuine = crate::base64url::encode(bound.as_bytes()) == its;
            let text = crate::base64url::decode(text).and_then(|bytes| String::from_utf8(bytes).ok());
            text.filter(|_| genuine).ok_or(Unreadable::NotGenuine)
        }

        fn digests(&self, text: &str) -> Vec<(String, String)> {
            vec![("k1".to_owned(), format!("{:016x}", crate::id::digest([text.as_bytes()])))]
        }

        fn is_strict(&self) -> bool {
            self.strict
        }
    }

    const MESSAGE: &str = r#"{"id":"m1","role":"assistant","content":"Ahoj \"světe\"","created":"2026-11-21T09:30:00.000Z","parent":"m0","parts":[{"sealed":"x"}],"metadata":{"a":1,"sealed":"x"}}"#;

    #[test]
    fn what_is_sealed_is_opened_in_its_place_alone() -> Result<(), Box<dyn std::error::Error>> {
        let (ada, bob, cipher) = (Owner::visitor(1), Owner::visitor(2), FakeCipher { strict: false });
        let (one, other) = (SessionId::parse("s1")?, SessionId::parse("s2")?);
        let seal = Seal { cipher: Some(&cipher), prefix: "chatkeep:", owner: &ada };
        for (kind, text) in
            [(Kind::Message, MESSAGE), (Kind::Title, "Plán"), (Kind::Metadata, r#"{"a":1}"#), (Kind::State, "[1]")]
        {
            let mut stored = text.to_owned();
            seal.close(kind, &one, &mut stored).map_err(|_| "sealing")?;
            assert!(!stored.contains(text) && !stored.contains("Ahoj"), "{stored}");
            assert_eq!(key_of(kind, &stored), Some("k1"));
            for (seal, session, fits) in [
                (seal, &one, true),
                (seal, &other, false),
                (Seal { owner: &bob, ..seal }, &one, false),
                (Seal { prefix: "jarvis:", ..seal }, &one, false),
            ] {
                let mut opened = stored.clone();
                let result = seal.open(kind, session, &mut opened);
                assert_eq!(result, if fits { Ok(()) } else { Err(Unreadable::NotGenuine) });
                assert_eq!(opened == text, fits);
            }
            let off = Seal { cipher: None, ..seal };
            assert_eq!(off.open(kind, &one, &mut stored.clone()), Err(Unreadable::UnknownKey));
        }
        Ok(())
    }

    #[test]
    fn a_fingerprint_is_bound_to_owner_session_kind_and_prefix() -> Result<(), Box<dyn std::error::Error>> {
        let (ada, bob, cipher) = (Owner::visitor(1), Owner::visitor(2), FakeCipher { strict: false });
        let (one, other) = (SessionId::parse("s1")?, SessionId::parse("s2")?);
        let seal = Seal { cipher: Some(&cipher), prefix: "chatkeep:", owner: &ada };
        let print = |seal: Seal<'_>, session, plain: &str| {
            let mut text = plain.to_owned();
            seal.close(Kind::Fingerprint, session, &mut text).map(|()| text).map_err(|_| "sealing")
        };
        let here = print(seal, &one, "t.0123456789abcdef")?;
        assert!(here.starts_with("tk1.") && here.len() == 20, "{here}");
        assert_eq!(print(seal, &one, "t.0123456789abcdef")?, here);
        for elsewhere in [
            print(seal, &other, "t.0123456789abcdef")?,
            print(seal, &one, "t.0123456789abcdee")?,
            print(seal, &one, "a.0123456789abcdef")?,
            print(Seal { owner: &bob, ..seal }, &one, "t.0123456789abcdef")?,
            print(Seal { prefix: "jarvis:", ..seal }, &one, "t.0123456789abcdef")?,
        ] {
            assert_ne!(elsewhere.get(1..), here.get(1..));
        }
        assert_eq!(print(seal, &one, "t*")?, "t*");
        assert_eq!(print(Seal { cipher: None, ..seal }, &one, "t.00")?, "t.00");
        Ok(())
    }

    #[test]
    fn a_sealed_message_is_a_message_to_the_rules() -> Result<(), Box<dyn std::error::Error>> {
        let (owner, cipher) = (Owner::app(), FakeCipher { strict: false });
        let seal = Seal { cipher: Some(&cipher), prefix: "chatkeep:", owner: &owner };
        let mut stored = MESSAGE.to_owned();
        seal.close(Kind::Message, &SessionId::parse("s1")?, &mut stored).map_err(|_| "sealing")?;
        let message = crate::Message::of_stored(&stored).ok_or("a head")?;
        assert_eq!((message.id.as_str(), message.role, message.content.as_str()), ("m1", Role::Assistant, ""));
        assert_eq!(message.parent.map(|parent| parent.to_string()).as_deref(), Some("m0"));
        let begins =
            r#"{"id":"m1","role":"assistant","content":"","created":"2026-11-21T09:30:00.000Z","parent":"m0"}"#;
        assert!(stored.starts_with(&format!("{begins}{MARK}k1.")), "{stored}");
        // Its head is bound too.
        let forged = stored.replacen("assistant", "user", 1);
        let opened = seal.open(Kind::Message, &SessionId::parse("s1")?, &mut forged.clone());
        assert_eq!(opened, Err(Unreadable::NotGenuine));
        Ok(())
    }

    #[test]
    fn what_a_client_can_write_never_looks_encrypted() -> Result<(), Box<dyn std::error::Error>> {
        let (owner, session, cipher) = (Owner::app(), SessionId::parse("s1")?, FakeCipher { strict: false });
        let head = r#"{"id":"e","role":"user","content":"","created":"2026-01-01T00:00:00.000Z""#;
        for text in [
            format!(r#"{head},"sealed":"k1.AAAA"}}"#),
            format!(r#"{head},"metadata":{{"a":"\u0001k1.AAAA"}}}}"#),
            format!(r#"{head},"status":"\u0001k1.AAAA"}}"#),
        ] {
            assert_eq!(key_of(Kind::Message, &text), None);
            for cipher in [None, Some(&cipher as &dyn Cipher)] {
                let seal = Seal { cipher, prefix: "chatkeep:", owner: &owner };
                assert_eq!(seal.open(Kind::Message, &session, &mut text.clone()), Ok(()));
            }
        }
        Ok(())
    }

    #[test]
    fn what_was_never_sealed_is_read_unless_it_is_not_believed() -> Result<(), crate::id::InvalidId> {
        let (owner, session) = (Owner::app(), SessionId::parse("s1")?);
        let nothing_said = MESSAGE.replacen(r#"Ahoj \"světe\""#, "", 1);
        for (kind, text) in
            [(Kind::Message, MESSAGE), (Kind::Message, &nothing_said), (Kind::Title, "k1.x"), (Kind::State, "1")]
        {
            let mut stored = text.to_owned();
            for cipher in [None, Some(FakeCipher { strict: false })] {
                let cipher = cipher.as_ref().map(|cipher| cipher as &dyn Cipher);
                let seal = Seal { cipher, prefix: "chatkeep:", owner: &owner };
                assert_eq!(seal.open(kind, &session, &mut stored), Ok(()));
                assert_eq!(stored, text);
            }
            let strict = FakeCipher { strict: true };
            let seal = Seal { cipher: Some(&strict), prefix: "chatkeep:", owner: &owner };
            assert_eq!(seal.open(kind, &session, &mut stored), Err(Unreadable::NotSealed));
            assert_eq!(seal.open(kind, &session, &mut String::new()), Ok(()));
        }
        Ok(())
    }
}
