//! WebSockets that pages open: they can't send headers, so a token may come as a subprotocol (RFC 6455, section 4.1), and no
//! browser asks before it lets another origin's page open one.

use super::Credentials;
use crate::cors::AllowedOrigins;
use crate::error::{Code, Problem};

/// The subprotocol that is spoken. A page that offers a token offers this too, and is answered with it.
pub const PROTOCOL: &str = "chatkeep";

/// What stands before a token that is offered as a subprotocol.
const BEARER: &str = "bearer.";

/// The token among the subprotocols that are offered, as an `Authorization` header says it.
#[must_use]
pub fn authorization(protocols: &str) -> Option<String> {
    let token = offered(protocols).find_map(|protocol| protocol.strip_prefix(BEARER))?;
    Some(format!("Bearer {token}"))
}

/// Whether our subprotocol is offered.
#[must_use]
pub fn is_offered(protocols: &str) -> bool {
    offered(protocols).any(|protocol| protocol == PROTOCOL)
}

fn offered(protocols: &str) -> impl Iterator<Item = &str> {
    protocols.split(',').map(str::trim)
}

/// Refuses a WebSocket that a page of an origin opens whose pages may not call the API.
///
/// # Errors
/// [`Code::Forbidden`].
pub fn check_origin(shown: &Credentials, allowed: &AllowedOrigins) -> Result<(), Problem> {
    match shown.origin {
        Some(origin) if origin != shown.own_origin && !allowed.allows(origin) => {
            Err(Problem::new(Code::Forbidden).detail("a page of another origin"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_a_subprotocol() {
        assert_eq!(authorization("chatkeep, bearer.ab.c-d_e").as_deref(), Some("Bearer ab.c-d_e"));
        assert_eq!((authorization("chatkeep"), authorization("")), (None, None));
        assert!(is_offered("bearer.x,chatkeep") && !is_offered("bearer.chatkeep") && !is_offered(""));
    }

    #[test]
    fn pages_of_other_origins_open_none_unless_they_are_allowed() {
        let shown = |origin| Credentials { origin, own_origin: "https://chat.example", ..Credentials::default() };
        let allowed = AllowedOrigins::parse("https://shop.example").unwrap();
        for (origin, is_allowed) in [
            (None, true),
            (Some("https://chat.example"), true),
            (Some("https://shop.example"), true),
            (Some("https://evil.example"), false),
            (Some("null"), false),
        ] {
            assert_eq!(check_origin(&shown(origin), &allowed).is_ok(), is_allowed, "{origin:?}");
        }
    }
}
