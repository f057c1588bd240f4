//! AES-256-GCM (NIST SP 800-38D) as the model's cipher. Randomness comes from whoever uses it.

#![forbid(unsafe_code)]

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use chatkeep_model::base64url;
use chatkeep_model::config::Encryption;
use chatkeep_model::seal::{Cipher, Unreadable};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// How many bytes a nonce has. It is random: seal no more than 2^32 texts with one key.
const NONCE: usize = 12;

/// What the key of digests is derived for, from a key that is configured.
const DIGESTS: &[u8] = b"chatkeep request fingerprints 1";

/// See the module.
pub struct Keys {
    keys: Vec<Key>,
    seals: bool,
    strict: bool,
    random: fn(&mut [u8]),
}

/// One that is configured.
struct Key {
    id: String,
    texts: Aes256Gcm,
    /// Keyed for digests, with a key of their own.
    digests: Hmac<Sha256>,
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
        let key = |(id, key): &(String, [u8; 32])| Key {
            id: id.clone(),
            texts: Aes256Gcm::new(key.into()),
            digests: keyed(&mac(&keyed(key), DIGESTS)),
        };
        let keys = encryption.keys.iter().map(key).collect();
        Self { keys, seals: encryption.seals, strict: encryption.strict, random }
    }
}

/// An HMAC-SHA-256 (RFC 2104) of this key.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(byte, of_key)| *byte = *of_key);
    // A key of a block's length is the one that is never refused, and zeros at its end change nothing.
    <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into())
}

fn mac(keyed: &Hmac<Sha256>, text: &[u8]) -> [u8; 32] {
    let mut mac = keyed.clone();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

impl Cipher for Keys {
    fn key(&self) -> Option<&str> {
        self.keys.first().filter(|_| self.seals).map(|key| key.id.as_str())
    }

    fn seal(&self, bound: &str, text: &str) -> Option<String> {
        let Key { id, texts: key, .. } = self.keys.first().filter(|_| self.seals)?;
        let mut nonce = [0; NONCE];
        (self.random)(&mut nonce);
        let payload = Payload { msg: text.as_bytes(), aad: bound.as_bytes() };
        // It fails for texts of 64 GB only.
        let sealed = key.encrypt(Nonce::from_slice(&nonce), payload).ok()?;
        Some(format!("{id}.{}", base64url::encode(&[nonce.as_slice(), &sealed].concat())))
    }

    fn open(&self, bound: &str, sealed: &str) -> Result<String, Unreadable> {
        let (id, data) = sealed.split_once('.').ok_or(Unreadable::NotGenuine)?;
        let key = &self.keys.iter().find(|key| key.id == id).ok_or(Unreadable::UnknownKey)?.texts;
        let data = base64url::decode(data).ok_or(Unreadable::NotGenuine)?;
        let (nonce, sealed) = data.split_at_checked(NONCE).ok_or(Unreadable::NotGenuine)?;
        let payload = Payload { msg: sealed, aad: bound.as_bytes() };
        let opened = key.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| Unreadable::NotGenuine)?;
        String::from_utf8(opened).map_err(|_| Unreadable::NotGenuine)
    }

    fn digests(&self, text: &str) -> Vec<(String, String)> {
        let digits =
            |key: &Key| mac(&key.digests, text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.keys.iter().map(|key| (key.id.clone(), digits(key))).collect()
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
        // Each key has a digest of its own: a request that was remembered under the old one is still known.
        let (before, now) = (old.digests("text"), both.digests("text"));
        assert_eq!(now.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["k2", "k1"]);
        assert_eq!(now.last(), before.first());
        assert_ne!(old.digests("texts"), before);
        assert!(before.iter().all(|(_, digits)| digits.len() == 16));
    }

    #[test]
    fn a_vector_of_hmac_sha_256_holds() {
        // RFC 4231, test case 2: the key is "Jefe".
        let mut key = [0; 32];
        key.iter_mut().zip(b"Jefe").for_each(|(byte, of_key)| *byte = *of_key);
        let hex: String =
            mac(&keyed(&key), b"what do ya want for nothing?").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739dec58b9ec964ec3843");
    }
}
