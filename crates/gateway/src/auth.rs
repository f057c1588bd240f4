//! Who may come in: tokens in the header or the query, and what they open.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::config::Tokens;
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

/// Whether a page of another site sent the request, and only the well-known token stands in its way: any page that a
/// developer visits could reach a gateway on the same machine.
pub(crate) fn is_cross_site(tokens: &Tokens, headers: &HeaderMap) -> bool {
    tokens.is_default && headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
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
}
