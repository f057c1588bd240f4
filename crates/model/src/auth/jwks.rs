//! The keys that an issuer publishes (RFC 7517): which of them a token needs, and when to read them anew.

use super::jwt::Algorithm;
use crate::time::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How long lies between two reads because a token names a key that isn't published: who invents key ids can't make us hammer the
/// issuer. Also between two tries to read anew what is old.
pub const FLOOR: Millis = Millis(30_000);

/// How long an issuer is left alone that could not be read, while there are no keys of it.
pub const PAUSE: Millis = Millis(1_000);

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

impl KeySet {
    /// Why a token finds no key, for people.
    #[must_use]
    pub fn missing_detail(&self, key_id: Option<&str>, algorithm: Algorithm) -> &'static str {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm).peekable();
        match key_id {
            _ if fitting.peek().is_none() => "the issuer publishes no key for the token's alg",
            None => "the token names no key (kid), and the issuer publishes several",
            Some(_) if fitting.all(|key| key.id.is_none()) => {
                "the token names a key (kid), and the keys that the issuer publishes have no names"
            }
            Some(_) => "the issuer publishes no key by the token's kid",
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
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return None,
        };
        let fits = key.alg.is_none_or(|name| Algorithm::parse(&name) == Some(algorithm))
            && key.purpose.is_none_or(|one| one == "sig");
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
    /// There are none, and the issuer is not to be asked again just yet.
    Wait,
}

/// When an issuer's keys were read, and when that was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// When reading those at hand began; none where there are none.
    read: Option<Millis>,
    /// When reading was last begun because those at hand are old.
    renewed: Option<Millis>,
    /// When it was last begun because they lack a key.
    missed: Option<Millis>,
    /// When it last failed.
    failed: Option<Millis>,
}

impl Reads {
    /// Decides whether to read keys anew for a token whose key was found or not, and notes that: whoever comes before they are read uses
    /// what there is. Keys are old when they were read so long ago as `fresh`.
    pub fn step(&mut self, now: Millis, fresh: Millis, found: bool) -> Step {
        let within = |at: Option<Millis>, span: Millis| at.is_some_and(|at| now.since(at) < span);
        let Some(read) = self.read else {
            // The first to come all read: there is nothing to wait with.
            return if within(self.failed, PAUSE) { Step::Wait } else { Step::Read };
        };
        let (wanted, last) =
            if found { (now.since(read) >= fresh, &mut self.renewed) } else { (true, &mut self.missed) };
        if !wanted || within(*last, Millis(FLOOR.0.min(fresh.0))) {
            return Step::Use;
        }
        *last = Some(now);
        Step::Read
    }

    /// Reading that began at this time gave keys.
    pub fn succeeded(&mut self, began: Millis) {
        (self.read, self.failed) = (Some(began), None);
    }

    /// Reading failed.
    pub fn failed(&mut self, now: Millis) {
        self.failed = Some(now);
    }
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
        let named = r#"{"keys":[{"kty":"OKP","kid":"o1","crv":"Ed25519","x":"AA","alg":"Ed25519"},{"kty":"OKP","crv":"X25519","x":"AA"}]}"#;
        let named = KeySet::read(named).unwrap_or_default();
        assert!(named.find(Some("o1"), Algorithm::EdDsa).is_some() && named.find(None, Algorithm::EdDsa).is_some());
        let unnamed = KeySet::read(r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}"#).unwrap_or_default();
        let why = |set: &KeySet, key_id, algorithm| set.missing_detail(key_id, algorithm).to_owned();
        assert!(why(&unnamed, Some("o1"), Algorithm::EdDsa).contains("have no names"));
        assert!(why(&unnamed, Some("o1"), Algorithm::Es256).contains("no key for the token's alg"));
        assert!(why(&set, Some("other"), Algorithm::Rs256).contains("no key by the token's kid"));
        let two = KeySet::read(&SET.replace("\"use\":\"enc\"", "\"use\":\"sig\"")).unwrap_or_default();
        assert_eq!(two.find(None, Algorithm::Rs256), None);
        assert!(why(&two, None, Algorithm::Rs256).contains("several"));
        assert!(KeySet::read("[]").is_none() && KeySet::read(r#"{"keys":[1,{}]}"#).is_some());
    }

    const FRESH: Millis = Millis(600_000);

    #[test]
    fn keys_are_read_anew_when_they_are_old() {
        let mut reads = Reads::default();
        let at = |reads: &mut Reads, now| reads.step(Millis(now), FRESH, true);
        assert_eq!((at(&mut reads, 0), at(&mut reads, 0)), (Step::Read, Step::Read));
        reads.succeeded(Millis(0));
        assert_eq!((at(&mut reads, 1), at(&mut reads, 599_999)), (Step::Use, Step::Use));
        // Those who come while one reads, or after that failed, go on with the old ones for a while.
        assert_eq!((at(&mut reads, 600_000), at(&mut reads, 600_001)), (Step::Read, Step::Use));
        reads.failed(Millis(603_000));
        assert_eq!((at(&mut reads, 629_999), at(&mut reads, 630_000)), (Step::Use, Step::Read));
        reads.succeeded(Millis(630_000));
        assert_eq!(at(&mut reads, 1_229_999), Step::Use);
    }

    #[test]
    fn a_key_that_is_not_known_is_looked_for_at_once_but_not_over_and_over() {
        let mut reads = Reads::default();
        let at = |reads: &mut Reads, now| reads.step(Millis(now), FRESH, false);
        assert_eq!(at(&mut reads, 0), Step::Read);
        reads.succeeded(Millis(0));
        assert_eq!(at(&mut reads, 5), Step::Read);
        reads.succeeded(Millis(5));
        assert!((6..30_005).step_by(100).all(|now| at(&mut reads, now) == Step::Use));
        assert_eq!(at(&mut reads, 30_005), Step::Read);
    }

    #[test]
    fn an_issuer_that_fails_is_left_alone_for_a_moment() {
        let mut reads = Reads::default();
        assert_eq!(reads.step(Millis(0), FRESH, false), Step::Read);
        reads.failed(Millis(3_000));
        assert_eq!(reads.step(Millis(3_999), FRESH, false), Step::Wait);
        assert_eq!(reads.step(Millis(4_000), FRESH, false), Step::Read);
    }

    #[test]
    fn keys_that_are_soon_old_are_read_as_often() {
        let mut reads = Reads::default();
        reads.succeeded(Millis(0));
        let steps = [1_000, 1_500, 2_000].map(|now| reads.step(Millis(now), Millis(1_000), true));
        assert_eq!(steps, [Step::Read, Step::Use, Step::Read]);
    }
}
