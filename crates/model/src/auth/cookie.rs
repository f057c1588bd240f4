//! The cookie that carries a visitor's token where a page shall not see it (RFC 6265): what it is, and when it counts.

use super::Credentials;
use crate::time::Millis;

/// Its name. The prefix lets browsers take it only over TLS (or from localhost), for this host alone and for all of it.
pub const NAME: &str = "__Host-chatkeep";

/// The `Set-Cookie` header that gives a token to a browser.
#[must_use]
pub fn set(token: &str, lives: Millis) -> String {
    format!("{NAME}={token}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict", lives.0 / 1000)
}

/// The `Set-Cookie` header that takes it back.
#[must_use]
pub fn clear() -> String {
    set("", Millis(0))
}

/// The token in the cookie, where it counts: browsers send a cookie whoever's page asks, so it counts for this origin's own
/// pages only. What may change something must say which page asks.
pub(super) fn token<'a>(shown: &Credentials<'a>) -> Option<&'a str> {
    if !is_own_page(shown) {
        return None;
    }
    let pairs = shown.cookie?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, token)| token).next()
}

/// Whether a page of this origin asks, as far as a browser tells.
#[must_use]
pub fn is_own_page(shown: &Credentials) -> bool {
    shown.origin.map_or(shown.safe, |origin| origin == shown.own_origin)
}
