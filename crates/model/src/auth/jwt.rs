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
    /// EdDSA on Ed25519 (RFC 8037), also by the name `Ed25519` (RFC 9864).
    #[serde(rename = "EdDSA", alias = "Ed25519")]
    EdDsa,
}

impl Algorithm {
    /// Reads the registered name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
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
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// The user.
    pub sub: String,
    exp: f64,
    nbf: Option<f64>,
    audiences: Box<AudienceClaims>,
}

/// The claims that may say for whom a token is. Some issuers leave `aud` out of access tokens.
#[derive(Debug, Clone, PartialEq)]
struct AudienceClaims {
    aud: Option<Value>,
    azp: Option<Value>,
    client_id: Option<Value>,
}

/// The claim that says for whom an issuer's tokens are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceClaim {
    /// The audience (RFC 7519).
    #[default]
    Aud,
    /// The authorized party (OpenID Connect).
    Azp,
    /// The client (RFC 8693).
    ClientId,
}

impl AudienceClaim {
    /// Parses a claim's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "aud" => Some(Self::Aud),
            "azp" => Some(Self::Azp),
            "client_id" => Some(Self::ClientId),
            _ => None,
        }
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has another form.
    Form,
    /// Its header needs an extension (RFC 7515, section 4.1.11): we know none.
    Extension,
    /// Its algorithm is none of ours.
    Algorithm,
    /// It lacks a claim.
    NoIssuer,
    /// It lacks a claim.
    NoSubject,
    /// It lacks a claim.
    NoExpiry,
    /// It lacks the claim that says for whom it is.
    NoAudience(AudienceClaim),
    /// A claim has another type.
    ClaimType,
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
            Refused::Form => "the token is not a JSON Web Token",
            Refused::Extension => "the token's header has crit, and no extension is known here",
            Refused::Algorithm => "the token's alg is none that is taken here",
            Refused::NoIssuer => "the token has no iss",
            Refused::NoSubject => "the token has no sub",
            Refused::NoExpiry => "the token has no exp",
            Refused::NoAudience(AudienceClaim::Aud) => "the token has no aud",
            Refused::NoAudience(AudienceClaim::Azp) => "the token has no azp",
            Refused::NoAudience(AudienceClaim::ClientId) => "the token has no client_id",
            Refused::ClaimType => "a claim of the token has the wrong type",
            Refused::Expired => "the token has expired",
            Refused::NotYet => "the token is not valid yet",
            Refused::Audience => "the token is for another audience",
        }
    }
}

/// Parses a token of which nothing is verified yet.
///
/// # Errors
/// [`Refused`] when its form is not that of a token with an algorithm of ours.
pub fn read(token: &str) -> Result<Unverified<'_>, Refused> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        #[serde(default)]
        kid: Option<String>,
        // An extension that must be understood (RFC 7515, section 4.1.11): we understand none.
        #[serde(default)]
        crit: Option<Value>,
    }
    let decoded = |part: &str| base64url::decode(part).ok_or(Refused::Form);
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Form)?;
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Refused::Form)?;
    if header.crit.is_some() {
        return Err(Refused::Extension);
    }
    let algorithm = Algorithm::parse(&header.alg).ok_or(Refused::Algorithm)?;
    if decoded(signature)?.is_empty() {
        return Err(Refused::Form);
    }
    let claims = Claims::read(&decoded(claims)?)?;
    Ok(Unverified { algorithm, key_id: header.kid, signed, signature, claims })
}

impl Claims {
    /// A missing claim and one that is null are the same.
    fn read(json: &[u8]) -> Result<Self, Refused> {
        #[derive(Deserialize)]
        struct RawClaims {
            iss: Option<Value>,
            sub: Option<Value>,
            exp: Option<Value>,
            nbf: Option<Value>,
            aud: Option<Value>,
            azp: Option<Value>,
            client_id: Option<Value>,
        }
        let raw: RawClaims = serde_json::from_slice(json).map_err(|_| Refused::Form)?;
        let text = |value: Option<Value>, missing| match value {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Refused::ClaimType),
            None => Err(missing),
        };
        let date = |value: &Value| value.as_f64().ok_or(Refused::ClaimType);
        Ok(Self {
            iss: text(raw.iss, Refused::NoIssuer)?,
            sub: text(raw.sub, Refused::NoSubject)?,
            exp: date(&raw.exp.ok_or(Refused::NoExpiry)?)?,
            nbf: raw.nbf.as_ref().map(date).transpose()?,
            audiences: Box::new(AudienceClaims { aud: raw.aud, azp: raw.azp, client_id: raw.client_id }),
        })
    }

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
        let claim = match issuer.audience_claim {
            AudienceClaim::Aud => &self.audiences.aud,
            AudienceClaim::Azp => &self.audiences.azp,
            AudienceClaim::ClientId => &self.audiences.client_id,
        };
        let ours = |audience: &str| issuer.audiences.iter().any(|one| one == audience);
        let for_us = match claim {
            None => return Err(Refused::NoAudience(issuer.audience_claim)),
            Some(Value::String(audience)) => ours(audience),
            // Several are a list of texts; of a list with something else none counts.
            Some(Value::Array(audiences)) if issuer.audience_claim == AudienceClaim::Aud => {
                let texts: Option<Vec<&str>> = audiences.iter().map(Value::as_str).collect();
                texts.ok_or(Refused::ClaimType)?.into_iter().any(ours)
            }
            Some(_) => return Err(Refused::ClaimType),
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

    fn judged(claims: &str, audience_claim: AudienceClaim, now: u64) -> Result<(), Refused> {
        let issuer = Issuer {
            issuer: "i".into(),
            audiences: vec!["us".into(), "us-too".into()],
            label: None,
            keys: IssuerKeys::Secrets(Vec::new()),
            algorithms: vec![Algorithm::Hs256],
            audience_claim,
        };
        let token = token(r#"{"alg":"HS256"}"#, claims);
        read(&token)?.claims.judge(&issuer, Millis(now), Millis(1000))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, r#"{"iss":"i","sub":"ada","aud":"us","exp":9}"#);
        let read = read(&text);
        assert_eq!(
            read.as_ref().map(|token| (token.algorithm, token.key_id.as_deref())),
            Ok((Algorithm::Rs256, Some("k1")))
        );
        assert!(read.is_ok_and(|token| text.starts_with(token.signed) && token.signature == "c2ln"));
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
            assert!(read(&token(header, claims)).is_err(), "{header}");
        }
        for claims in [
            "{}",
            "[]",
            "1",
            r#"{"iss":"i","sub":"a","aud":"us"}"#,
            r#"{"iss":"i","sub":"a","aud":"us","exp":9,"exp":10}"#,
            r#"{"iss":"i","sub":1,"aud":"us","exp":9}"#,
            r#"{"iss":"i","sub":"a","aud":"us","exp":"9"}"#,
        ] {
            assert!(read(&token(r#"{"alg":"HS256"}"#, claims)).is_err(), "{claims}");
        }
        for text in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d"] {
            assert_eq!(read(text), Err(Refused::Form), "{text}");
        }
        let unsigned = token(r#"{"alg":"HS256"}"#, claims).replace("c2ln", "");
        assert_eq!(read(&unsigned), Err(Refused::Form));
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
            assert_eq!(judged(&claims(more), AudienceClaim::Aud, now), verdict, "{more} at {now}");
        }
    }

    #[test]
    fn the_audience_stands_in_the_claim_that_is_configured() {
        let with = |more: &str| format!(r#"{{"iss":"i","sub":"ada","exp":10{more}}}"#);
        for (more, claim, verdict) in [
            (r#","azp":"us","aud":"them""#, AudienceClaim::Azp, Ok(())),
            (r#","client_id":"us""#, AudienceClaim::ClientId, Ok(())),
            (r#","client_id":"them","aud":"us""#, AudienceClaim::ClientId, Err(Refused::Audience)),
            (r#","client_id":["us"]"#, AudienceClaim::ClientId, Err(Refused::ClaimType)),
            (r#","aud":"us""#, AudienceClaim::Azp, Err(Refused::NoAudience(AudienceClaim::Azp))),
            (r#","azp":"us""#, AudienceClaim::Aud, Err(Refused::NoAudience(AudienceClaim::Aud))),
            (r#","aud":null"#, AudienceClaim::Aud, Err(Refused::NoAudience(AudienceClaim::Aud))),
            (r#","aud":["us",1]"#, AudienceClaim::Aud, Err(Refused::ClaimType)),
        ] {
            assert_eq!(judged(&with(more), claim, 0), verdict, "{more}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let claims = r#"{"iss":"i","sub":"ada","aud":"us","exp":9}"#;
        for (header, claims, reason) in [
            (r#"{"alg":"HS512"}"#, claims, Refused::Algorithm),
            (r#"{"alg":"HS256","crit":["b64"]}"#, claims, Refused::Extension),
            ("{}", claims, Refused::Form),
            (r#"{"alg":"HS256"}"#, r#"{"sub":"ada","aud":"us","exp":9}"#, Refused::NoIssuer),
            (r#"{"alg":"HS256"}"#, r#"{"iss":"i","aud":"us","exp":9}"#, Refused::NoSubject),
            (r#"{"alg":"HS256"}"#, r#"{"iss":"i","sub":"ada","aud":"us"}"#, Refused::NoExpiry),
            (r#"{"alg":"HS256"}"#, r#"{"iss":"i","sub":7,"aud":"us","exp":9}"#, Refused::ClaimType),
            (r#"{"alg":"HS256"}"#, "[]", Refused::Form),
        ] {
            assert_eq!(read(&token(header, claims)), Err(reason), "{header} {claims}");
        }
        for name in ["EdDSA", "Ed25519"] {
            let text = token(&format!(r#"{{"alg":"{name}"}}"#), claims);
            assert_eq!(read(&text).map(|token| token.algorithm), Ok(Algorithm::EdDsa));
        }
    }
}
