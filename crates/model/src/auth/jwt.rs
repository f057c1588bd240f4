//! Tokens of signed-in users: JSON Web Tokens (RFC 7519) with a compact signature (RFC 7515). Read and judged here; whether
//! the signature is right is a primitive's to say.

use super::access::Issuer;
use crate::base64url;
use crate::time::Millis;
use serde::Deserialize;
use serde_json::Value;

/// How a token may be signed (RFC 7518, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// Reads the registered name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Rs256, Self::Es256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// A token as it came: nothing in it is to be believed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unverified<'a> {
    /// How it says that it is signed.
    pub algorithm: Algorithm,
    /// The key that it says it is signed with.
    pub key_id: Option<String>,
    /// What is signed.
    pub signed: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
    /// What it claims.
    pub claims: Claims,
}

/// What a token claims (RFC 7519, section 4.1).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// The user.
    pub sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Why a genuine token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It is for somebody else.
    Audience,
}

impl Refused {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Refused::Expired => "the token has expired",
            Refused::NotYet => "the token is not valid yet",
            Refused::Audience => "the token is for another audience",
        }
    }
}

/// Reads a token. None of it when its form is not that of a token with an algorithm of ours.
#[must_use]
pub fn read(token: &str) -> Option<Unverified<'_>> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        #[serde(default)]
        kid: Option<String>,
        // An extension that must be understood (RFC 7515, section 4.1.11): we understand none.
        #[serde(default)]
        crit: Option<Value>,
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&base64url::decode(header)?).ok()?;
    let claims = serde_json::from_slice(&base64url::decode(claims)?).ok()?;
    base64url::decode(signature)?;
    if header.crit.is_some() || signature.is_empty() {
        return None;
    }
    Some(Unverified { algorithm: Algorithm::parse(&header.alg)?, key_id: header.kid, signed, signature, claims })
}

impl Claims {
    /// Judges the claims of a token whose signature is right.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn judge(&self, issuer: &Issuer, now: Millis, skew: Millis) -> Result<(), Refused> {
        if millis(self.exp).after(skew) <= now {
            return Err(Refused::Expired);
        }
        if self.nbf.is_some_and(|nbf| millis(nbf) > now.after(skew)) {
            return Err(Refused::NotYet);
        }
        let ours = |audience: &String| issuer.audiences.contains(audience);
        let for_us = match &self.aud {
            Audience::One(audience) => ours(audience),
            Audience::Several(audiences) => audiences.iter().any(ours),
        };
        if for_us { Ok(()) } else { Err(Refused::Audience) }
    }
}

/// A date in seconds, perhaps with a fraction (RFC 7519, section 2). What is out of range becomes the nearest end.
fn millis(seconds: f64) -> Millis {
    Millis((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::access::IssuerKeys;
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()))
    }

    fn judged(claims: &str, now: u64) -> Option<Result<(), Refused>> {
        let issuer = Issuer {
            issuer: "i".into(),
            audiences: vec!["us".into(), "us-too".into()],
            label: None,
            keys: IssuerKeys::Secrets(Vec::new()),
            algorithms: vec![Algorithm::Hs256],
        };
        let token = token(r#"{"alg":"HS256"}"#, claims);
        Some(read(&token)?.claims.judge(&issuer, Millis(now), Millis(1000)))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, r#"{"iss":"i","sub":"ada","aud":"us","exp":9}"#);
        let read = read(&text);
        assert_eq!(
            read.as_ref().map(|token| (token.algorithm, token.key_id.as_deref())),
            Some((Algorithm::Rs256, Some("k1")))
        );
        assert!(read.is_some_and(|token| text.starts_with(token.signed) && token.signature == "c2ln"));
    }

    #[test]
    fn what_is_no_token_of_ours_is_not_read() {
        let claims = r#"{"iss":"i","sub":"ada","aud":"us","exp":9}"#;
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"hs256"}"#,
            "{}",
            "[]",
            r#"{"alg":"HS256","crit":["b64"]}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
        ] {
            assert_eq!(read(&token(header, claims)), None, "{header}");
        }
        for claims in [
            "{}",
            "[]",
            "1",
            r#"{"iss":"i","sub":"a","aud":"us"}"#,
            r#"{"iss":"i","sub":1,"aud":"us","exp":9}"#,
            r#"{"iss":"i","sub":"a","aud":"us","exp":"9"}"#,
        ] {
            assert_eq!(read(&token(r#"{"alg":"HS256"}"#, claims)), None, "{claims}");
        }
        for text in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d"] {
            assert_eq!(read(text), None, "{text}");
        }
        let unsigned = token(r#"{"alg":"HS256"}"#, claims).replace("c2ln", "");
        assert_eq!(read(&unsigned), None);
    }

    #[test]
    fn claims_are_judged_by_time_and_audience() {
        let claims = |more: &str| format!(r#"{{"iss":"i","sub":"ada",{more}}}"#);
        for (more, now, verdict) in [
            (r#""aud":"us","exp":10"#, 9_999, Ok(())),
            (r#""aud":["them","us-too"],"exp":10.5"#, 9_999, Ok(())),
            (r#""aud":"us","exp":10"#, 10_999, Ok(())),
            (r#""aud":"us","exp":10"#, 11_000, Err(Refused::Expired)),
            (r#""aud":"us","exp":-1e300"#, 5_000, Err(Refused::Expired)),
            (r#""aud":"us","exp":100,"nbf":10"#, 9_000, Ok(())),
            (r#""aud":"us","exp":100,"nbf":10"#, 8_999, Err(Refused::NotYet)),
            (r#""aud":"them","exp":10"#, 0, Err(Refused::Audience)),
            (r#""aud":[],"exp":10"#, 0, Err(Refused::Audience)),
        ] {
            assert_eq!(judged(&claims(more), now), Some(verdict), "{more} at {now}");
        }
    }
}
