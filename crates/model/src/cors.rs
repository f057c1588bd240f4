//! Cross-origin requests: which pages of other origins may call the API, and what their browsers are told (Fetch standard, CORS protocol).

use crate::route::ROUTES;

/// The request headers that the API reads.
const REQUEST_HEADERS: &str = "authorization, chatkeep-client, chatkeep-issuer, chatkeep-journal, chatkeep-user, content-type, idempotency-key, if-match, if-none-match, upstash-sync-token, x-api-key";

/// The response headers that a page may read.
const RESPONSE_HEADERS: &str =
    "chatkeep-journal, etag, location, ratelimit, ratelimit-policy, retry-after, server-timing, upstash-sync-token";

/// The origins whose pages may call the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Reads a list with commas; `*` allows every origin. None of it when an entry is no origin.
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        let origins: Vec<_> = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
        let is_origin = |origin: &str| match origin.split_once("://") {
            Some((scheme, host)) => !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@']),
            None => origin == "*",
        };
        origins.iter().all(|origin| is_origin(origin)).then(|| Self(origins.into_iter().map(str::to_owned).collect()))
    }

    /// Whether pages of an origin may call.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == "*" || allowed == origin)
    }

    /// The headers for an answer to a request from an origin. Where any origin is allowed the answer varies by it, for
    /// caches, even when this one is not.
    #[must_use]
    pub fn headers(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut headers = vec![("vary", "Origin".to_owned())];
        if let Some(origin) = origin.filter(|origin| self.allows(origin)) {
            headers.push(("access-control-allow-origin", origin.to_owned()));
            headers.push(("access-control-expose-headers", RESPONSE_HEADERS.to_owned()));
        }
        headers
    }
}

/// The further headers of the answer to a preflight.
#[must_use]
pub fn preflight_headers() -> Vec<(&'static str, String)> {
    let mut methods: Vec<_> = ROUTES.iter().map(|(method, ..)| *method).collect();
    methods.sort_unstable();
    methods.dedup();
    vec![
        ("access-control-allow-methods", methods.join(", ")),
        ("access-control-allow-headers", REQUEST_HEADERS.to_owned()),
        ("access-control-max-age", "86400".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_are_let_in() {
        let allowed = AllowedOrigins::parse("https://a.example, http://localhost:5173").unwrap_or_default();
        let names = |origin| allowed.headers(origin).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let let_in = ["vary", "access-control-allow-origin", "access-control-expose-headers"];
        assert_eq!(names(Some("https://a.example")), let_in);
        assert_eq!(names(Some("http://localhost:5173")), let_in);
        for other in [None, Some("https://a.example.evil"), Some("http://a.example"), Some("null"), Some("*")] {
            assert_eq!(names(other), ["vary"], "{other:?}");
        }
        assert!(AllowedOrigins::default().headers(Some("https://a.example")).is_empty());
        assert!(AllowedOrigins::parse("*").is_some_and(|all| all.headers(Some("https://b.example")).len() == 3));
    }

    #[test]
    fn a_list_with_something_else_is_refused() {
        for wrong in ["a.example", "https://a.example/", "https://", "https://a.example,x"] {
            assert_eq!(AllowedOrigins::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_preflight_names_every_method_once() {
        assert_eq!(
            preflight_headers().first().map(|(_, methods)| methods.as_str()),
            Some("DELETE, GET, PATCH, POST, PUT")
        );
    }
}
