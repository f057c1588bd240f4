//! AES-256-GCM (NIST SP 800-38D) as the model's cipher. Randomness comes from whoever uses it.

#![forbid(unsafe_code)]

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{BlockEncrypt, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use chatkeep_model::base64url;
use chatkeep_model::config::Encryption;
use chatkeep_model::seal::{Cipher, Unreadable};
use std::fmt;

/// How many bytes a nonce has. It is random: seal no more than 2^32 texts with one key.
const NONCE: usize = 12;

/// See the module.
pub struct Keys {
    keys: Vec<(String, Aes256Gcm)>,
    /// Digests are made with the key that is listed last, so that they hold while a new one comes before it.
    digests: Option<Aes256>,
    seals: bool,
    strict: bool,
    random: fn(&mut [u8]),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// The keys that are configured, and a source of randomness.
    #[must_use]
    pub fn new(encryption: &Encryption, random: fn(&mut [u8])) -> Self {
        let keys = encryption.keys.iter().map(|(id, key)| (id.clone(), Aes256Gcm::new(key.into()))).collect();
        let digests = encryption.keys.last().map(|(_, key)| Aes256::new(key.into()));
        Self { keys, digests, seals: encryption.seals, strict: encryption.strict, random }
    }
}

impl Cipher for Keys {
    fn key(&self) -> Option<&str> {
        self.keys.first().filter(|_| self.seals).map(|(id, _)| id.as_str())
    }

    fn seal(&self, bound: &str, text: &str) -> Option<String> {
        let (id, key) = self.keys.first().filter(|_| self.seals)?;
        let mut nonce = [0; NONCE];
        (self.random)(&mut nonce);
        let payload = Payload { msg: text.as_bytes(), aad: bound.as_bytes() };
        // It fails for texts of 64 GB only.
        let sealed = key.encrypt(Nonce::from_slice(&nonce), payload).ok()?;
        Some(format!("{id}.{}", base64url::encode(&[nonce.as_slice(), &sealed].concat())))
    }

    fn open(&self, bound: &str, sealed: &str) -> Result<String, Unreadable> {
        let (id, data) = sealed.split_once('.').ok_or(Unreadable::NotGenuine)?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id).ok_or(Unreadable::UnknownKey)?;
        let data = base64url::decode(data).ok_or(Unreadable::NotGenuine)?;
        let (nonce, sealed) = data.split_at_checked(NONCE).ok_or(Unreadable::NotGenuine)?;
        let payload = Payload { msg: sealed, aad: bound.as_bytes() };
        let opened = key.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| Unreadable::NotGenuine)?;
        String::from_utf8(opened).map_err(|_| Unreadable::NotGenuine)
    }

    fn digest(&self, digits: &str) -> String {
        let Some(cipher) = &self.digests else { return digits.to_owned() };
        // One block: a permutation of all 16 digits that nobody computes without the key.
        let mut block = [0; 16];
        block.iter_mut().zip(digits.bytes()).for_each(|(byte, digit)| *byte = digit);
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        block.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_strict(&self) -> bool {
        self.strict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(list: &[(&str, u8)], seals: bool) -> Keys {
        let keys = list.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32])).collect();
        Keys::new(&Encryption { keys, seals, strict: false }, |bytes| bytes.fill(7))
    }

    #[test]
    fn texts_come_back_where_they_were_sealed() {
        let cipher = keys(&[("k1", 1)], true);
        for text in ["", "Ahoj, světe", &"x".repeat(100_000)] {
            let sealed = cipher.seal("here", text).unwrap_or_default();
            assert!(sealed.starts_with("k1.") && (text.is_empty() || !sealed.contains(text)));
            assert_eq!(cipher.open("here", &sealed).as_deref(), Ok(text));
            assert_eq!(cipher.open("there", &sealed), Err(Unreadable::NotGenuine));
            let other = keys(&[("k1", 2)], true);
            assert_eq!(other.open("here", &sealed), Err(Unreadable::NotGenuine));
            assert_eq!(keys(&[("k2", 1)], true).open("here", &sealed), Err(Unreadable::UnknownKey));
            let mut changed = sealed.clone();
            changed.pop();
            assert_eq!(cipher.open("here", &changed), Err(Unreadable::NotGenuine));
        }
    }

    #[test]
    fn a_vector_of_the_standard_holds() {
        // Test case 16 of the GCM specification by McGrew and Viega, without its key's structure: the key is all zero here,
        // the nonce too (test case 13), so that the tag alone is left.
        let cipher =
            Keys::new(&Encryption { keys: vec![("k".to_owned(), [0; 32])], seals: true, strict: false }, |bytes| {
                bytes.fill(0)
            });
        let sealed = cipher.seal("", "").unwrap_or_default();
        let bytes = sealed.strip_prefix("k.").and_then(base64url::decode).unwrap_or_default();
        let hex: String = bytes.iter().skip(NONCE).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "530f8afbc74536b9a963b4f1c4cb738b");
    }

    #[test]
    fn keys_rotate() {
        let (old, both, off) =
            (keys(&[("k1", 1)], true), keys(&[("k2", 2), ("k1", 1)], true), keys(&[("k2", 2), ("k1", 1)], false));
        let sealed = old.seal("here", "text").unwrap_or_default();
        assert_eq!(both.open("here", &sealed).as_deref(), Ok("text"));
        assert!(both.seal("here", "text").is_some_and(|sealed| sealed.starts_with("k2.")));
        assert_eq!(off.seal("here", "text"), None);
        assert_eq!(off.open("here", &sealed).as_deref(), Ok("text"));
        assert_eq!(old.digest("0123456789abcdef"), both.digest("0123456789abcdef"));
        assert_ne!(old.digest("0123456789abcdef"), old.digest("0123456789abcdee"));
        assert_eq!(old.digest("0123456789abcdef").len(), 16);
    }
}
