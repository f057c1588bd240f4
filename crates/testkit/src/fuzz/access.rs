//! What says who asks: variables, headers, tokens, published keys.

use super::text;
use chatkeep_model::auth::jwt::Algorithm;
use chatkeep_model::auth::{
    Access, Credentials, Presented, Signed, jwks, jwt, present, socket, visitor, visitor_beside,
};
use chatkeep_model::config::Config;
use chatkeep_model::cors::AllowedOrigins;
use chatkeep_model::{Millis, base64url, owner};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Variables, one a line.
pub(super) fn config(input: &[u8]) {
    let text = &*text(input);
    let variables: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let _ = Config::read(variable);
    if let Some(origins) = AllowedOrigins::parse(text) {
        assert!(text.contains('*') || !origins.allows("null"), "a page without an origin");
        let _ = origins.preflight_headers(Some(text), Some(text));
    }
}

/// Headers, one a line: `Authorization`, `Cookie`, `Chatkeep-User`, `Origin`, `X-API-Key`, `Sec-WebSocket-Protocol`.
pub(super) fn credentials(input: &[u8]) {
    let text = &*text(input);
    let variable = |name: &str| match name {
        "API_KEYS" => Some("first-key,reports:read:second-key".to_owned()),
        "VISITOR_SECRET" | "JWT_SECRET" => Some(SECRET.to_owned()),
        "JWT_ISSUER" | "JWT_AUDIENCE" => Some("i".to_owned()),
        _ => None,
    };
    let access = Config::read(variable).map(|config| config.access).unwrap_or_else(|_| Access::default());
    let mut lines = text.split('\n');
    let mut next = || lines.next().filter(|line| !line.is_empty());
    let (authorization, cookie, user, origin, api_key, protocols) = (next(), next(), next(), next(), next(), next());
    let protocol = protocols.and_then(socket::authorization);
    let authorization = authorization.or(protocol.as_deref());
    let own_origin = "https://chat.example.com";
    let shown = Credentials { api_key, authorization, cookie, user, origin, own_origin, ..Credentials::default() };
    for (genuine, now) in [(true, Millis(0)), (true, Millis(1_795_253_400_000)), (false, Millis(0))] {
        match present(&access, &shown) {
            Ok(Presented::Signed(signed)) => settle(signed, genuine, now),
            Ok(Presented::Known(_)) => {
                let is_key = |text: &str| matches!(text, "first-key" | "second-key");
                let bearer = authorization.and_then(|header| header.split_once(' '));
                assert!(api_key.is_some_and(is_key) || bearer.is_some_and(|(_, token)| is_key(token.trim())));
            }
            Ok(Presented::Nothing) | Err(_) => {}
        }
        if let Ok(signed) = visitor_beside(&access, &shown, None) {
            settle(signed, genuine, now);
        }
    }
}

/// What is not genuine is nobody; what is, is somebody whose name breaks out of no key.
fn settle(signed: Signed<'_>, genuine: bool, now: Millis) {
    let verified = if genuine { Ok(()) } else { Err("the signature is wrong") };
    let Ok(identity) = signed.settle(verified, now) else { return };
    assert!(genuine);
    let told = match identity.owner {
        owner::Named::Owner(owner) => owner.to_string(),
        owner::Named::Long(long) => long.text().to_owned(),
    };
    assert!(told.starts_with("u-") || told.starts_with("v-"));
    assert!(!told.contains(['{', '}', ':', '\0', '\n']));
}

/// Tokens of every kind, and the encoding of their parts.
pub(super) fn tokens(input: &[u8]) {
    let text = &*text(input);
    if let Ok(read) = jwt::read(text) {
        assert_eq!(format!("{}.{}", read.signed, read.signature), text);
    }
    if let Some(read) = visitor::read(text) {
        assert_eq!(read.visitor.token(read.signature), text);
    }
    if let Some(bytes) = base64url::decode(text) {
        assert_eq!(base64url::encode(&bytes), text);
    }
    assert_eq!(base64url::decode(&base64url::encode(input)).as_deref(), Some(input));
}

/// What an issuer publishes.
pub(super) fn key_sets(input: &[u8]) {
    let text = &*text(input);
    let Some(set) = jwks::KeySet::read(text) else { return };
    for key in [None, Some("r1"), Some("e1"), Some("")] {
        assert_eq!(set.find(key, Algorithm::Hs256), None, "a published key is no secret");
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            let _ = (set.find(key, algorithm), set.missing_detail(key, algorithm));
        }
    }
}
