//! Who is let in, as the variables say: API keys, issuers of tokens, visitors.

use super::ambient::AllowedHosts;
use super::jwt::{Algorithm, AudienceClaim};
use super::visitor;
use crate::config::{ConfigError, Read, number, truth};
use crate::time::Millis;
use serde::Deserialize;
use std::fmt;

/// A secret. Its text is kept out of every debug output.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(super) String);

impl Secret {
    /// Its text, for a primitive.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What credentials allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To read one's own.
    Read,
    /// To change one's own too.
    Write,
    /// To read the deployment's figures.
    Figures,
    /// To run the whole.
    Admin,
}

/// A key that a server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What the operator calls it; keys without a name are numbered from 1.
    pub name: String,
    /// What it allows: to read only, or everything.
    pub scope: Scope,
    /// The key.
    pub key: Secret,
}

/// Whose tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// One of these must be in its tokens, in the claim below.
    pub audiences: Vec<String>,
    /// The claim that says for whom its tokens are.
    pub audience_claim: AudienceClaim,
    /// Keeps its users apart from those of other issuers.
    pub label: Option<String>,
    /// What its tokens are verified by.
    pub keys: IssuerKeys,
    /// How its tokens may be signed, whatever they say themselves.
    pub algorithms: Vec<Algorithm>,
}

/// What an issuer's tokens are verified by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKeys {
    /// One of these secrets, shared with the issuer.
    Secrets(Vec<Secret>),
    /// One of the keys that it publishes at this URL.
    Published(String),
}

/// Visitors: anonymous people with a signed token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitors {
    /// The first signs, each of them verifies.
    pub secrets: Vec<Secret>,
    /// How long a token lives.
    pub lives: Millis,
}

/// Who is let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The keys that servers show.
    pub api_keys: Vec<ApiKey>,
    /// Whose tokens are believed.
    pub issuers: Vec<Issuer>,
    /// Whether and how there are visitors.
    pub visitors: Option<Visitors>,
    /// How far the clock of an issuer may be off.
    pub skew: Millis,
    /// How long the keys that an issuer publishes are used without reading them again.
    pub keys_fresh: Millis,
    /// Whoever asks this machine itself, and shows nothing, is the application.
    pub open_localhost: bool,
    /// They may also run the whole.
    pub open_admin: bool,
    /// The hosts that count as this machine itself.
    pub allowed_hosts: AllowedHosts,
}

impl Access {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that can't be used.
    pub fn read(read: Read) -> Result<Self, ConfigError> {
        let api_keys = read("API_KEYS").map(|keys| api_keys(&keys)).transpose()?.unwrap_or_default();
        let issuers = issuers(read)?;
        let visitors = visitors(read)?;
        let asked = read("OPEN_LOCALHOST").map(|value| matches!(value.as_str(), "on" | "true" | "1"));
        let credentials = !api_keys.is_empty() || !issuers.is_empty();
        Ok(Self {
            open_localhost: !credentials && asked.unwrap_or(visitors.is_none()),
            open_admin: read("OPEN_ADMIN").map_or(Ok(false), |text| truth("OPEN_ADMIN", &text))?,
            allowed_hosts: allowed_hosts(read)?,
            skew: Millis::from_seconds(number(read, "JWT_SKEW_SECONDS", 60, 0..=600)?),
            keys_fresh: Millis::from_seconds(number(read, "JWT_JWKS_SECONDS", 600, 1..=86_400)?),
            api_keys,
            issuers,
            visitors,
        })
    }

    /// Whether anything is configured that lets in.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !self.api_keys.is_empty() || !self.issuers.is_empty() || self.visitors.is_some()
    }

    /// The `WWW-Authenticate` header of a refusal, with the error that a shown token met (RFC 6750, section 3).
    #[must_use]
    pub fn challenge(&self, error: Option<&str>) -> String {
        let error = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
        let api_key = (!self.api_keys.is_empty()).then(|| "ApiKey realm=\"chatkeep\"".to_owned());
        let bearer = self.is_configured().then(|| format!("Bearer realm=\"chatkeep\"{error}"));
        api_key.into_iter().chain(bearer).collect::<Vec<_>>().join(", ")
    }
}

/// Keys with commas: `KEY`, `NAME:KEY`, or `NAME:read:KEY` for one that may only read.
fn api_keys(text: &str) -> Result<Vec<ApiKey>, ConfigError> {
    let wrong = |reason| Err(ConfigError { variable: "API_KEYS", reason });
    let mut keys: Vec<ApiKey> = Vec::new();
    for (number, entry) in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).enumerate() {
        let (name, rest) = match entry.split_once(':') {
            Some((name, rest)) if is_label(name) => (name.to_owned(), rest),
            Some(_) => return wrong("a name before : is 1 to 32 characters of a-z 0-9 _ -"),
            None => ((number + 1).to_string(), entry),
        };
        let (scope, key) = match rest.strip_prefix("read:") {
            Some(key) => (Scope::Read, key),
            None => (Scope::Admin, rest),
        };
        if key.len() < 8 {
            return wrong("must be keys of at least 8 characters, with commas");
        }
        if visitor::is_visitors(key) || key.matches('.').count() >= 2 {
            return wrong("must be keys that don't look like a token: none begins with ckv1. or has two dots");
        }
        keys.push(ApiKey { name, scope, key: Secret(key.to_owned()) });
    }
    if keys.is_empty() { wrong("must be keys of at least 8 characters, with commas") } else { Ok(keys) }
}

fn allowed_hosts(read: Read) -> Result<AllowedHosts, ConfigError> {
    let reason = "must be names of hosts without ports, such as box.example.com or *.example.com, with commas";
    AllowedHosts::parse(&read("ALLOWED_HOSTS").unwrap_or_default())
        .ok_or(ConfigError { variable: "ALLOWED_HOSTS", reason })
}

fn is_label(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=32).contains(&text.len()) && text.bytes().all(valid)
}

fn visitors(read: Read) -> Result<Option<Visitors>, ConfigError> {
    let lives = Millis::from_seconds(number(read, "VISITOR_TTL_SECONDS", 2_592_000, 60..=31_536_000)?);
    let Some(text) = read("VISITOR_SECRET") else { return Ok(None) };
    let secrets: Vec<_> = text.split(',').map(|secret| Secret(secret.trim().to_owned())).collect();
    if secrets.iter().any(|secret| secret.0.len() < 32) || secrets.len() > 4 {
        let reason = "must be up to 4 secrets of at least 32 characters, with commas; the first one signs";
        return Err(ConfigError { variable: "VISITOR_SECRET", reason });
    }
    Ok(Some(Visitors { secrets, lives }))
}

/// One issuer by variables of its own, or several as JSON.
fn issuers(read: Read) -> Result<Vec<Issuer>, ConfigError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        issuer: String,
        audience: Vec<String>,
        #[serde(default)]
        label: Option<String>,
        #[serde(default)]
        secrets: Vec<Secret>,
        #[serde(default)]
        jwks_url: Option<String>,
        #[serde(default)]
        algorithms: Option<Vec<Algorithm>>,
        #[serde(default)]
        audience_claim: AudienceClaim,
    }
    let (entries, variable): (Vec<Entry>, _) = match read("JWT_ISSUERS") {
        Some(json) => {
            if ["JWT_ISSUER", "JWT_SECRET", "JWT_JWKS_URL"].iter().any(|name| read(name).is_some()) {
                let reason = "excludes JWT_ISSUER, JWT_SECRET and JWT_JWKS_URL";
                return Err(ConfigError { variable: "JWT_ISSUERS", reason });
            }
            let reason = "must be a JSON array of {issuer, audience: [...], audience_claim?, label?, secrets?, jwks_url?, algorithms?}";
            let wrong = |_| ConfigError { variable: "JWT_ISSUERS", reason };
            (serde_json::from_str(&json).map_err(wrong)?, "JWT_ISSUERS")
        }
        None => {
            let (secret, jwks_url) = (read("JWT_SECRET"), read("JWT_JWKS_URL"));
            if secret.is_none() && jwks_url.is_none() {
                return Ok(Vec::new());
            }
            let needed = |variable| read(variable).ok_or(ConfigError { variable, reason: "must be set for tokens" });
            let audience = needed("JWT_AUDIENCE")?.split(',').map(|one| one.trim().to_owned()).collect();
            let secrets = secret.into_iter().map(Secret).collect();
            let algorithms = read("JWT_ALGORITHMS").map(|list| algorithms(&list)).transpose()?;
            let issuer = needed("JWT_ISSUER")?;
            let audience_claim = audience_claim(read)?;
            (vec![Entry { issuer, audience, label: None, secrets, jwks_url, algorithms, audience_claim }], "JWT_SECRET")
        }
    };
    let wrong = |reason| Err(ConfigError { variable, reason });
    let mut issuers: Vec<Issuer> = Vec::new();
    for entry in entries {
        let keys = match (entry.secrets.is_empty(), entry.jwks_url) {
            (false, None) => IssuerKeys::Secrets(entry.secrets),
            (true, Some(url)) => IssuerKeys::Published(url),
            _ => return wrong("each issuer has either a secret or a JWKS URL"),
        };
        let can = match &keys {
            IssuerKeys::Secrets(secrets) if secrets.iter().any(|secret| secret.0.len() < 32) => {
                return wrong("secrets have at least 32 characters");
            }
            IssuerKeys::Published(url) if !is_trustworthy(url) => {
                return wrong("a JWKS URL begins with https://, or names localhost");
            }
            IssuerKeys::Secrets(_) => vec![Algorithm::Hs256],
            IssuerKeys::Published(_) => vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
        };
        let algorithms = entry.algorithms.unwrap_or_else(|| can.clone());
        if algorithms.is_empty() || algorithms.iter().any(|algorithm| !can.contains(algorithm)) {
            return wrong("a secret goes with HS256, a JWKS URL with RS256, ES256 and EdDSA");
        }
        if entry.issuer.is_empty() || entry.audience.is_empty() || entry.audience.iter().any(String::is_empty) {
            return wrong("an issuer and its audience are not empty");
        }
        if !entry.label.as_deref().is_none_or(is_label) {
            return wrong("a label is 1 to 32 characters of a-z 0-9 _ -");
        }
        if issuers.iter().any(|other| other.issuer == entry.issuer || other.label == entry.label) {
            return wrong("issuers differ in their names and in their labels");
        }
        issuers.push(Issuer {
            issuer: entry.issuer,
            audiences: entry.audience,
            audience_claim: entry.audience_claim,
            label: entry.label,
            keys,
            algorithms,
        });
    }
    Ok(issuers)
}

fn audience_claim(read: Read) -> Result<AudienceClaim, ConfigError> {
    let wrong = ConfigError { variable: "JWT_AUDIENCE_CLAIM", reason: "must be aud, azp or client_id" };
    read("JWT_AUDIENCE_CLAIM").map_or(Ok(AudienceClaim::default()), |name| AudienceClaim::parse(&name).ok_or(wrong))
}

fn algorithms(list: &str) -> Result<Vec<Algorithm>, ConfigError> {
    let wrong =
        ConfigError { variable: "JWT_ALGORITHMS", reason: "must be of HS256, RS256, ES256 and EdDSA, with commas" };
    list.split(',').map(|name| Algorithm::parse(name.trim()).ok_or(wrong.clone())).collect()
}

/// Whether keys from a URL can be believed: by TLS, or from this machine.
fn is_trustworthy(url: &str) -> bool {
    let host = |rest: &str| rest.split('/').next().map(super::is_loopback).unwrap_or_default();
    url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) || url.strip_prefix("http://").is_some_and(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(pairs: &[(&str, &str)]) -> Result<Access, ConfigError> {
        Access::read(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn keys_have_names_and_scopes() -> Result<(), ConfigError> {
        let access =
            access(&[("API_KEYS", "plain-key, backend:long-key-1,reports:read:long-key-2, backend:long-key-3")])?;
        let told: Vec<_> = access.api_keys.iter().map(|key| (key.name.as_str(), key.scope, key.key.expose())).collect();
        assert_eq!(
            told,
            [
                ("1", Scope::Admin, "plain-key"),
                ("backend", Scope::Admin, "long-key-1"),
                ("reports", Scope::Read, "long-key-2"),
                ("backend", Scope::Admin, "long-key-3"),
            ]
        );
        assert!(!format!("{access:?}").contains("long-key"));
        Ok(())
    }

    #[test]
    fn localhost_is_open_where_nothing_is_configured_or_where_only_visitors_are_and_it_is_asked_for() {
        let open = |pairs: &[(&str, &str)]| access(pairs).is_ok_and(|access| access.open_localhost);
        assert!(open(&[]));
        assert!(open(&[("VISITOR_SECRET", LONG), ("OPEN_LOCALHOST", "on")]));
        assert!(!open(&[("VISITOR_SECRET", LONG)]));
        assert!(!open(&[("OPEN_LOCALHOST", "off")]));
        assert!(!open(&[("API_KEYS", LONG), ("OPEN_LOCALHOST", "on")]));
        assert!(!open(&[("JWT_SECRET", LONG), ("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a"), ("OPEN_LOCALHOST", "on")]));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let one = |more: &str| format!(r#"[{{"issuer":"i","audience":["a"]{more}}}]"#);
        let (jwks, secret) = (one(r#","jwks_url":"https://i/keys""#), one(r#","secrets":["short"]"#));
        let (none, open) = (one(""), one(r#","jwks_url":"http://i/keys""#));
        let swapped = one(r#","jwks_url":"https://i/keys","algorithms":["HS256"]"#);
        let twice = format!("[{0},{0}]", jwks.trim_matches(['[', ']']).replace("[\"a\"", "[\"a\"]"));
        for (pairs, variable) in [
            (&[("API_KEYS", "short")][..], "API_KEYS"),
            (&[("API_KEYS", "Name:long-enough")], "API_KEYS"),
            (&[("API_KEYS", "name:read:short")], "API_KEYS"),
            (&[("API_KEYS", "ckv1.long-enough")], "API_KEYS"),
            (&[("API_KEYS", "good-key-1,name:read:long.enough.key")], "API_KEYS"),
            (
                &[("JWT_SECRET", LONG), ("JWT_AUDIENCE", "a"), ("JWT_ISSUER", "i"), ("JWT_AUDIENCE_CLAIM", "scope")],
                "JWT_AUDIENCE_CLAIM",
            ),
            (&[("VISITOR_SECRET", "too-short")], "VISITOR_SECRET"),
            (&[("VISITOR_TTL_SECONDS", "1")], "VISITOR_TTL_SECONDS"),
            (&[("JWT_SECRET", LONG)], "JWT_AUDIENCE"),
            (&[("JWT_SECRET", LONG), ("JWT_AUDIENCE", "a")], "JWT_ISSUER"),
            (&[("JWT_SECRET", "short"), ("JWT_AUDIENCE", "a"), ("JWT_ISSUER", "i")], "JWT_SECRET"),
            (
                &[("JWT_SECRET", LONG), ("JWT_JWKS_URL", "https://i"), ("JWT_AUDIENCE", "a"), ("JWT_ISSUER", "i")],
                "JWT_SECRET",
            ),
            (
                &[("JWT_SECRET", LONG), ("JWT_AUDIENCE", "a"), ("JWT_ISSUER", "i"), ("JWT_ALGORITHMS", "none")],
                "JWT_ALGORITHMS",
            ),
            (&[("JWT_ISSUERS", "{}")], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &jwks), ("JWT_SECRET", LONG)], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &secret)], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &none)], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &open)], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &swapped)], "JWT_ISSUERS"),
            (&[("JWT_ISSUERS", &twice)], "JWT_ISSUERS"),
        ] {
            assert_eq!(access(pairs).err().map(|error| error.variable), Some(variable), "{pairs:?}");
        }
        assert!(access(&[("JWT_ISSUERS", &jwks)]).is_ok());
    }
}
