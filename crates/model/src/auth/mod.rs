//! The gate: who asks, and what that allows. Every request goes through it before any route runs.
//!
//! It takes two steps, because signatures are verified elsewhere: [`present`] says what is shown and what must be verified,
//! [`Signed::settle`] what came of it, [`admit`] whether that suffices.

pub mod access;
pub mod ambient;
pub mod cookie;
pub mod jwks;
pub mod jwt;
pub mod socket;
#[cfg(test)]
mod tests;
pub mod visitor;

pub use access::{Access, Scope};

use crate::error::{Code, Problem};
use crate::owner::{self, Named, Owner};
use crate::percent::decode;
use crate::time::Millis;
use access::{ApiKey, Issuer, IssuerKeys, Secret};
use jwt::{Algorithm, Claims};
use visitor::Visitor;

/// The longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8192;

/// What a request shows of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The `X-API-Key` header.
    pub api_key: Option<&'a str>,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Cookie` header.
    pub cookie: Option<&'a str>,
    /// The `Chatkeep-User` header: for whom a server acts, percent-encoded.
    pub user: Option<&'a str>,
    /// The `Chatkeep-Issuer` header: the label of that user's issuer.
    pub issuer: Option<&'a str>,
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// `CORS_ORIGINS` lists that origin.
    pub is_listed_origin: bool,
    /// The `Host` header.
    pub host: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub fetch_site: Option<&'a str>,
    /// A header is there by which some servers and proxies let a client name another URL than the one it asks for.
    pub rewrites_url: bool,
    /// The scheme and host that the request is for: `https://chat.example.com`.
    pub own_origin: &'a str,
    /// Its method changes nothing.
    pub safe: bool,
}

/// What is shown.
#[derive(Debug, PartialEq)]
pub enum Presented<'a> {
    /// Nothing.
    Nothing,
    /// Something that speaks for itself.
    Known(Identity),
    /// A token, whose signature is to be verified.
    Signed(Signed<'a>),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose sessions these are.
    pub owner: Named,
    /// What is allowed.
    pub scope: Scope,
    /// A server acts for a user, by `Chatkeep-User`.
    pub acts_for_user: bool,
    /// How that is known.
    pub by: By,
}

impl Identity {
    fn of_key(key: &ApiKey, acts_for: Option<Named>) -> Self {
        Self {
            acts_for_user: acts_for.is_some(),
            owner: acts_for.unwrap_or(Named::Owner(Owner::app())),
            scope: key.scope,
            by: By::ApiKey(key.name.clone()),
        }
    }

    /// Returns whether this identity may do what needs a scope. Who acts for a user runs nothing but that user's sessions:
    /// a path with a user's text in it never reaches the administration.
    #[must_use]
    pub fn may(&self, needed: Scope) -> bool {
        let administers = !self.acts_for_user && self.scope == Scope::Admin;
        match needed {
            Scope::Read | Scope::Write => self.scope >= needed,
            Scope::Figures => administers || (!self.acts_for_user && matches!(self.by, By::ApiKey(_))),
            Scope::Admin => administers,
        }
    }
}

/// How it is known who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The request is for this machine itself, which is open.
    Localhost,
    /// An API key, by its name.
    ApiKey(String),
    /// A user's token.
    User,
    /// A visitor's token.
    Visitor(Visitor),
}

/// A token and what verifies it.
#[derive(Debug, PartialEq)]
pub struct Signed<'a> {
    /// What is signed.
    pub text: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
    /// What verifies it.
    pub verifier: Verifier<'a>,
    claims: Claimed<'a>,
    acts_for: Option<Named>,
    access: &'a Access,
}

/// What verifies a signature.
#[derive(Debug, PartialEq)]
pub enum Verifier<'a> {
    /// One of these secrets, by HMAC with SHA-256.
    Secrets(&'a [Secret]),
    /// A key that is published.
    Published {
        /// Where.
        url: &'a str,
        /// Which, as the token says.
        key_id: Option<String>,
        /// How it verifies.
        algorithm: Algorithm,
    },
}

#[derive(Debug, PartialEq)]
enum Claimed<'a> {
    Visitor(Visitor),
    User(&'a Issuer, Claims),
}

/// Reads what a request shows. Of several credentials the first counts: key, token, cookie.
///
/// # Errors
/// [`Code::Unauthorized`] for a credential that can't be right; [`Code::InvalidParameter`] for a malformed user.
pub fn present<'a>(access: &'a Access, shown: &Credentials<'a>) -> Result<Presented<'a>, Problem> {
    let acts_for = acts_for(access, shown)?;
    let is_known_host = ambient::is_known_host(&access.allowed_hosts, shown);
    let open = access.open_localhost && is_known_host;
    // A kind of credential that isn't configured is not held against those who need none.
    if let Some(key) = shown.api_key.filter(|_| !open) {
        let key = find(&access.api_keys, key).ok_or_else(|| refused(access, None))?;
        return Ok(Presented::Known(Identity::of_key(key, acts_for)));
    }
    let bearers = access.visitors.is_some() || !access.issuers.is_empty();
    let token = match shown.authorization.filter(|_| bearers || !open) {
        Some(header) => {
            let refused = || refused(access, Some("invalid_request")).detail("Authorization takes Bearer and a token");
            let token = bearer(header).ok_or_else(refused)?;
            // A key may come as a bearer's token, as scrapers and SDKs of model servers send it.
            let key = find(&access.api_keys, token).filter(|_| !visitor::is_visitors(token));
            if let Some(key) = key {
                return Ok(Presented::Known(Identity::of_key(key, acts_for)));
            }
            Some(token)
        }
        None => cookie::token(shown).filter(|_| bearers),
    };
    match token {
        Some(token) => {
            let signed = signed(access, token, acts_for);
            let refused = |reason: &str| refused(access, Some("invalid_token")).detail(reason);
            Ok(Presented::Signed(signed.map_err(refused)?))
        }
        // A deployment without any credential says what to set, whatever its host.
        None if !access.open_localhost || (!is_known_host && !access.is_configured()) => Ok(Presented::Nothing),
        None => {
            ambient::check(&access.allowed_hosts, shown)?;
            Ok(Presented::Known(Identity {
                acts_for_user: acts_for.is_some(),
                owner: acts_for.unwrap_or(Named::Owner(Owner::app())),
                scope: if access.open_admin { Scope::Admin } else { Scope::Write },
                by: By::Localhost,
            }))
        }
    }
}

impl Signed<'_> {
    /// Who it is, now that it is known whether the signature is right, or else why not.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] when it isn't, or what the token claims is not accepted; [`Code::Forbidden`] when it would act
    /// for somebody else.
    pub fn settle(self, verified: Result<(), &'static str>, now: Millis) -> Result<Identity, Problem> {
        let refused = |detail: &str| refused(self.access, Some("invalid_token")).detail(detail);
        verified.map_err(refused)?;
        let (owner, by) = match self.claims {
            Claimed::Visitor(visitor) if visitor.expires <= now => return Err(refused("the token has expired")),
            Claimed::Visitor(visitor) => (Named::Owner(visitor.owner()), By::Visitor(visitor)),
            Claimed::User(issuer, claims) => {
                claims.judge(issuer, now, self.access.skew).map_err(|reason| refused(reason.as_str()))?;
                let owner = owner::user(issuer.label.as_deref(), &claims.sub);
                (owner.ok_or_else(|| refused("the token names no user"))?, By::User)
            }
        };
        if self.acts_for.is_some_and(|user| user != owner) {
            return Err(Problem::new(Code::Forbidden).detail("only an API key acts for another user"));
        }
        Ok(Identity { owner, scope: Scope::Write, acts_for_user: false, by })
    }
}

/// Whether who asks may do what needs this scope. Without one it is open to all.
///
/// # Errors
/// [`Code::NotConfigured`] where nobody can be let in, [`Code::Unauthorized`] without credentials, [`Code::Forbidden`] when they
/// don't suffice.
pub fn admit(access: &Access, who: Option<Identity>, needs: Option<Scope>) -> Result<Option<Identity>, Problem> {
    let Some(needed) = needs else { return Ok(who) };
    match who {
        Some(who) if who.may(needed) => Ok(Some(who)),
        Some(Identity { by: By::Localhost, acts_for_user: false, .. }) => {
            Err(Problem::new(Code::Forbidden).detail("set OPEN_ADMIN to on to open the administration on localhost"))
        }
        Some(_) => Err(Problem::new(Code::Forbidden)),
        None if access.is_configured() => Err(refused(access, None)),
        None => {
            let detail =
                "set API_KEYS, VISITOR_SECRET or JWT_SECRET; without any of them this Worker serves localhost only";
            Err(Problem::new(Code::NotConfigured).detail(detail))
        }
    }
}

/// What a visitor shows beside who asks: this token, or without one the cookie. Its signature is to be verified.
///
/// # Errors
/// [`Code::InvalidBody`] where nothing is shown, [`Code::Unauthorized`] for what can't be a visitor's.
pub fn visitor_beside<'a>(
    access: &'a Access,
    shown: &Credentials<'a>,
    token: Option<&'a str>,
) -> Result<Signed<'a>, Problem> {
    let missing = || Problem::new(Code::InvalidBody).detail("visitor is the visitor's token");
    let token = token.or_else(|| cookie::token(shown)).ok_or_else(missing)?;
    let signed = match signed(access, token, None) {
        Ok(signed) if !matches!(signed.claims, Claimed::Visitor(_)) => Err("the token is not a visitor's"),
        signed => signed,
    };
    signed.map_err(|reason| refused(access, Some("invalid_token")).detail(reason))
}

/// Reads a token and finds what verifies it; else why it can't be right, for people.
fn signed<'a>(access: &'a Access, token: &'a str, acts_for: Option<Named>) -> Result<Signed<'a>, &'static str> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err("the token is too long");
    }
    if visitor::is_visitors(token) {
        let read = visitor::read(token).ok_or("the visitor's token is malformed")?;
        let visitors = access.visitors.as_ref().ok_or("there are no visitors here")?;
        let verifier = Verifier::Secrets(&visitors.secrets);
        let claims = Claimed::Visitor(read.visitor);
        return Ok(Signed { text: read.signed, signature: read.signature, verifier, claims, acts_for, access });
    }
    if access.issuers.is_empty() {
        return Err("the token is no API key, and no issuer of other tokens is configured");
    }
    let read = jwt::read(token).map_err(jwt::Refused::as_str)?;
    let issuer = access.issuers.iter().find(|issuer| issuer.issuer == read.claims.iss);
    let issuer = issuer.ok_or("the token's iss is no configured issuer")?;
    // What the token says of its algorithm is held against what is configured, and never decides by itself.
    if !issuer.algorithms.contains(&read.algorithm) {
        return Err("the token's alg is none that is taken of its issuer");
    }
    let verifier = match &issuer.keys {
        IssuerKeys::Secrets(secrets) => Verifier::Secrets(secrets),
        IssuerKeys::Published(url) => Verifier::Published { url, key_id: read.key_id, algorithm: read.algorithm },
    };
    let claims = Claimed::User(issuer, read.claims);
    Ok(Signed { text: read.signed, signature: read.signature, verifier, claims, acts_for, access })
}

/// The user that the headers name.
fn acts_for(access: &Access, shown: &Credentials) -> Result<Option<Named>, Problem> {
    let wrong = |detail: &str| Problem::new(Code::InvalidParameter).detail(detail);
    let Some(user) = shown.user else { return Ok(None) };
    let label = shown.issuer;
    let known = access.issuers.iter().any(|issuer| issuer.label.as_deref() == label);
    if !known && (label.is_some() || !access.issuers.is_empty()) {
        return Err(wrong("Chatkeep-Issuer is the label of a configured issuer"));
    }
    let name = decode(user);
    let name = owner::user(label, &name).filter(|_| !name.contains('\u{fffd}'));
    name.map(Some).ok_or_else(|| wrong("Chatkeep-User is a user, percent-encoded"))
}

fn refused(access: &Access, error: Option<&str>) -> Problem {
    Problem { instead: Some(access.challenge(error)), ..Problem::new(Code::Unauthorized) }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The key that is shown. All keys are compared, and each to its end, so that the time taken tells nothing of them.
fn find<'a>(keys: &'a [ApiKey], shown: &str) -> Option<&'a ApiKey> {
    keys.iter().fold(None, |found, key| if same(key.key.expose(), shown) { Some(key) } else { found })
}

fn same(key: &str, shown: &str) -> bool {
    let padded = shown.bytes().chain(std::iter::repeat(0));
    let differ = key.bytes().zip(padded).fold(0, |differ, (ours, theirs)| differ | (ours ^ theirs));
    (differ == 0) & (key.len() == shown.len())
}

fn host_of(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

/// The name or address of a host, without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host, with or without a port, is this machine itself.
fn is_loopback(host: &str) -> bool {
    let name = name_of(host);
    let v4 = name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    v4 || matches!(name, "localhost" | "::1") || name.ends_with(".localhost")
}
