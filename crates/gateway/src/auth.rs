//! Who may come in: tokens in the header or the query, and what they open.

use hyper::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Uri};

use crate::config::{Tokens, is_loopback};
use crate::request::query_token;
use crate::rules::Access;

/// What the token of a request opens; none if it opens nothing. A token in the query wins over the header.
pub(crate) fn access(tokens: &Tokens, headers: &HeaderMap, query: Option<&str>) -> Option<Access> {
    let from_query = query_token(query);
    let token = match &from_query {
        Some(token) => token.as_str(),
        None => header_token(headers)?,
    };
    if equal(token, &tokens.standard) {
        return Some(Access::Full);
    }
    let read_only = tokens.read_only.as_ref()?;
    equal(token, read_only).then_some(Access::ReadOnly)
}

/// Returns whether a foreign page could have sent the request while only the well-known token stands in its way: by its
/// origin, or under a name of its own that leads to this machine (DNS rebinding).
pub(crate) fn is_foreign(tokens: &Tokens, headers: &HeaderMap, uri: &Uri) -> bool {
    if !tokens.is_default {
        return false;
    }
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let is_foreign_page = text(ORIGIN).is_some_and(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        !host.is_some_and(is_local)
    });
    let is_foreign_host = !text(HOST).is_some_and(is_local) || uri.host().is_some_and(|host| !is_local(host));
    is_cross_site || is_foreign_page || is_foreign_host
}

/// Whether a host, with or without a port, is this machine itself.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    is_loopback(&name) || name.ends_with(".localhost")
}

/// The token with or without the word `Bearer`, in any case.
fn header_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    };
    Some(token).filter(|token| !token.is_empty())
}

/// Takes the same time wherever the texts differ.
fn equal(given: &str, expected: &str) -> bool {
    let differences = given.bytes().zip(expected.bytes()).fold(0, |sum, (left, right)| sum | (left ^ right));
    given.len() == expected.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens { standard: "full".into(), read_only: Some("ro".into()), is_default: false }
    }

    fn by_header(value: &'static str) -> Option<Access> {
        let headers = [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
        access(&tokens(), &headers, None)
    }

    #[test]
    fn takes_tokens_from_the_header() {
        assert_eq!(by_header("Bearer full"), Some(Access::Full));
        assert_eq!(by_header("bearer  full "), Some(Access::Full));
        assert_eq!(by_header("full"), Some(Access::Full));
        assert_eq!(by_header("Bearer ro"), Some(Access::ReadOnly));
        for wrong in ["Bearer", "Bearer ", "Bearer ful", "Bearer fulll", "Bearer FULL", ""] {
            assert_eq!(by_header(wrong), None, "{wrong:?}");
        }
        assert_eq!(access(&tokens(), &HeaderMap::new(), None), None);
    }

    #[test]
    fn the_query_wins() {
        let headers = [(AUTHORIZATION, "Bearer full".parse().unwrap())].into_iter().collect();
        assert_eq!(access(&tokens(), &headers, Some("_token=ro")), Some(Access::ReadOnly));
        assert_eq!(access(&tokens(), &headers, Some("_token=wrong")), None);
        assert_eq!(access(&tokens(), &headers, Some("EX=1")), Some(Access::Full));
    }

    #[test]
    fn without_a_read_only_token_there_is_none() {
        let tokens = Tokens { read_only: None, ..tokens() };
        assert_eq!(access(&tokens, &HeaderMap::new(), Some("_token=ro")), None);
    }

    #[test]
    fn foreign_pages_and_hosts_may_not_use_the_default_token() {
        let is_refused = |is_default, pairs: &[(&'static str, &str)], uri: &str| {
            let tokens = Tokens { is_default, ..tokens() };
            let headers = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            is_foreign(&tokens, &headers.collect(), &uri.parse().unwrap())
        };
        let here = ("host", "localhost:8079");
        for own in [
            &[here][..],
            &[("host", "127.0.0.1:8079")],
            &[("host", "[::1]:8079")],
            &[("host", "redis.localhost")],
            &[here, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")],
            &[here, ("origin", "http://127.0.0.1")],
        ] {
            assert!(!is_refused(true, own, "/"), "{own:?}");
        }
        for foreign in [
            &[][..],
            &[("host", "rebind.evil.test:8079")],
            &[("host", "127.0.0.1.evil.test")],
            &[("host", "10.0.0.1:8079")],
            &[here, ("sec-fetch-site", "cross-site")],
            &[here, ("origin", "https://evil.test")],
            &[here, ("origin", "http://localhost.evil.test")],
            &[here, ("origin", "null")],
        ] {
            assert!(is_refused(true, foreign, "/"), "{foreign:?}");
            assert!(!is_refused(false, foreign, "/"), "a token of one's own suffices: {foreign:?}");
        }
        assert!(is_refused(true, &[here], "http://evil.test/"));
    }
}
