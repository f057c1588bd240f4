//! The keys that sessions are encrypted with at rest.

use super::{ConfigError, Read};
use std::fmt;

/// Whether and how sessions are encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Encryption {
    /// Ids and keys. The first seals, each of them opens.
    pub keys: Vec<(String, [u8; 32])>,
    /// What is new is sealed. Else it is only read what once was.
    pub seals: bool,
    /// What isn't sealed is not believed.
    pub strict: bool,
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encryption")
    }
}

/// `ENCRYPTION_KEYS`: `ID:KEY` with commas, keys in 64 hex digits; `off` in the first place leaves what is new unsealed.
pub(crate) fn encryption(read: Read) -> Result<Option<Encryption>, ConfigError> {
    let wrong = |reason| ConfigError { variable: "ENCRYPTION_KEYS", reason };
    let strict = match read("ENCRYPTION_STRICT").as_deref() {
        None | Some("off") => false,
        Some("on") => true,
        Some(_) => return Err(ConfigError { variable: "ENCRYPTION_STRICT", reason: "must be on or off" }),
    };
    let Some(text) = read("ENCRYPTION_KEYS") else {
        let alone = ConfigError { variable: "ENCRYPTION_STRICT", reason: "needs ENCRYPTION_KEYS" };
        return if strict { Err(alone) } else { Ok(None) };
    };
    let mut entries = text.split(',').map(str::trim).peekable();
    let seals = entries.next_if_eq(&"off").is_none();
    let mut keys: Vec<(String, [u8; 32])> = Vec::new();
    for entry in entries {
        let (id, digits) = entry.split_once(':').ok_or(wrong("must be ID:KEY, with commas"))?;
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if !(1..=32).contains(&id.len()) || !id.bytes().all(valid) {
            return Err(wrong("an id is 1 to 32 characters of a-z 0-9 _ -"));
        }
        if keys.iter().any(|(known, _)| known == id) {
            return Err(wrong("has an id twice"));
        }
        keys.push((
            id.to_owned(),
            key(digits).ok_or(wrong("a key is 64 hex digits, such as openssl rand -hex 32 gives"))?,
        ));
    }
    if keys.is_empty() {
        return Err(wrong("must be ID:KEY, with commas"));
    }
    Ok(Some(Encryption { keys, seals, strict }))
}

fn key(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (number, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(number * 2..number * 2 + 2)?, 16).ok()?;
    }
    // from_str_radix takes a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str, strict: &str) -> Result<Option<Encryption>, ConfigError> {
        encryption(&|name| {
            let value = if name == "ENCRYPTION_KEYS" { keys } else { strict };
            Some(value.to_owned()).filter(|value| !value.is_empty())
        })
    }

    #[test]
    fn the_first_key_seals() {
        let (one, two) = ("01".repeat(32), "Ff".repeat(32));
        let read_both = read(&format!("k2:{two}, k1:{one}"), "").ok().flatten();
        let keys = vec![("k2".to_owned(), [255; 32]), ("k1".to_owned(), [1; 32])];
        assert_eq!(read_both, Some(Encryption { keys: keys.clone(), seals: true, strict: false }));
        let off = read(&format!("off,k2:{two},k1:{one}"), "on").ok().flatten();
        assert_eq!(off, Some(Encryption { keys, seals: false, strict: true }));
        assert_eq!(read("", "off"), Ok(None));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let key = "01".repeat(32);
        for wrong in [
            "off".to_owned(),
            key.clone(),
            format!("K:{key}"),
            format!(":{key}"),
            format!("k1:{key},k1:{key}"),
            "k1:0101".to_owned(),
            format!("k1:{}", "+1".repeat(32)),
            format!("k1:{}", "ž".repeat(32)),
            format!("k1:{key},"),
        ] {
            assert_eq!(read(&wrong, "").err().map(|error| error.variable), Some("ENCRYPTION_KEYS"), "{wrong}");
        }
        assert_eq!(read("", "on").err().map(|error| error.variable), Some("ENCRYPTION_STRICT"));
    }
}
