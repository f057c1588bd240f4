//! The keys that an issuer publishes (RFC 7517): which of them a token needs, and when to read them anew.

use super::jwt::Algorithm;
use crate::time::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How long published keys are used without reading them again.
pub const FRESH: Millis = Millis(600_000);

/// How long lies between two reads, whatever tokens name: who invents key ids can't make us hammer the issuer.
pub const FLOOR: Millis = Millis(30_000);

/// The bytes of keys that are read.
pub const MAX_BYTES: usize = 262_144;

/// A published set of keys.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    /// As published, for a primitive.
    jwk: String,
}

impl KeySet {
    /// Reads a set. Keys that verify none of our algorithms are left out. None of it when it is no set.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Box<RawValue>>,
        }
        let set: Set = serde_json::from_str(json).ok()?;
        Some(Self(set.keys.iter().filter_map(|jwk| Key::read(jwk.get())).collect()))
    }

    /// The key for a token: the one that it names, or the only one where it names none.
    #[must_use]
    pub fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<&str> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm);
        match key_id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)).map(|key| key.jwk.as_str()),
            None => match (fitting.next(), fitting.next()) {
                (Some(only), None) => Some(&only.jwk),
                _ => None,
            },
        }
    }
}

impl Key {
    fn read(jwk: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Jwk {
            kty: String,
            #[serde(default)]
            kid: Option<String>,
            #[serde(default)]
            alg: Option<String>,
            #[serde(default, rename = "use")]
            purpose: Option<String>,
            #[serde(default)]
            crv: Option<String>,
        }
        let key: Jwk = serde_json::from_str(jwk).ok()?;
        // The kind of key decides what it verifies: a public key is never taken for a secret.
        let algorithm = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", None) => Algorithm::Rs256,
            ("EC", Some("P-256")) => Algorithm::Es256,
            _ => return None,
        };
        let fits = key.alg.is_none_or(|name| name == algorithm.as_str()) && key.purpose.is_none_or(|one| one == "sig");
        fits.then(|| Self { id: key.kid, algorithm, jwk: jwk.to_owned() })
    }
}

/// What to do to get a token's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Use what was read.
    Use,
    /// Read the keys anew.
    Read,
}

/// Decides whether to read keys anew: when they are old, or have not the key that a token needs, but not more often than [`FLOOR`]
/// allows. `read_at` is when the keys at hand were read, `tried_at` when reading was last begun.
#[must_use]
pub fn step(now: Millis, read_at: Option<Millis>, tried_at: Option<Millis>, found: bool) -> Step {
    let floor = tried_at.is_some_and(|tried| now.since(tried) < FLOOR);
    let wanted = match read_at {
        // The first to come all read: there is nothing to wait with.
        None => return Step::Read,
        Some(read) => !found || now.since(read) >= FRESH,
    };
    if wanted && !floor { Step::Read } else { Step::Use }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"keys":[
        {"kty":"RSA","kid":"r1","n":"AQAB","e":"AQAB","use":"sig","alg":"RS256"},
        {"kty":"RSA","kid":"enc","n":"AQAB","e":"AQAB","use":"enc"},
        {"kty":"EC","kid":"e1","crv":"P-256","x":"AA","y":"AA"},
        {"kty":"EC","kid":"e2","crv":"P-384","x":"AA","y":"AA"},
        {"kty":"oct","kid":"o1","k":"AA"},
        {"kty":"RSA","kid":"ps","n":"AQAB","e":"AQAB","alg":"PS256"}]}"#;

    #[test]
    fn a_token_finds_its_key_and_no_other() {
        let set = KeySet::read(SET).unwrap_or_default();
        assert!(set.find(Some("r1"), Algorithm::Rs256).is_some_and(|jwk| jwk.contains("\"r1\"")));
        assert!(set.find(Some("e1"), Algorithm::Es256).is_some());
        assert!(set.find(None, Algorithm::Rs256).is_some());
        for (id, algorithm) in [
            ("r1", Algorithm::Es256),
            ("r1", Algorithm::Hs256),
            ("enc", Algorithm::Rs256),
            ("e2", Algorithm::Es256),
            ("o1", Algorithm::Hs256),
            ("ps", Algorithm::Rs256),
            ("unknown", Algorithm::Rs256),
        ] {
            assert_eq!(set.find(Some(id), algorithm), None, "{id}");
        }
        let two = KeySet::read(&SET.replace("\"use\":\"enc\"", "\"use\":\"sig\"")).unwrap_or_default();
        assert_eq!(two.find(None, Algorithm::Rs256), None);
        assert!(KeySet::read("[]").is_none() && KeySet::read(r#"{"keys":[1,{}]}"#).is_some());
    }

    #[test]
    fn keys_are_read_anew_when_old_or_unknown_but_not_too_often() {
        let at = |now: u64, read: Option<u64>, tried: Option<u64>, found| {
            step(Millis(now), read.map(Millis), tried.map(Millis), found)
        };
        assert_eq!(at(0, None, Some(0), false), Step::Read);
        assert_eq!(at(40_000, Some(0), Some(0), true), Step::Use);
        assert_eq!(at(40_000, Some(0), Some(0), false), Step::Read);
        assert_eq!(at(40_000, Some(0), Some(20_000), false), Step::Use);
        assert_eq!(at(600_000, Some(0), Some(0), true), Step::Read);
        assert_eq!(at(600_000, Some(0), Some(599_000), true), Step::Use);
    }
}
