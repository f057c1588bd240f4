//! Requests that nothing identifies but that they reach this machine: whether a foreign page or a foreign host could be
//! behind one.

use super::{Credentials, host_of, is_loopback, name_of};
use crate::error::{Code, Problem};

/// The hosts beside this machine's own names that open localhost answers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Parses names with commas: `preview.example`, or `*.preview.example` for all names below it. None when an entry is no
    /// name.
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parse_entry = |entry: &str| {
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            let is_label = |label: &str| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            name.split('.').all(is_label).then(|| entry.to_ascii_lowercase())
        };
        entries.map(parse_entry).collect::<Option<_>>().map(Self)
    }

    fn contains(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.0.iter().any(|entry| match entry.strip_prefix('*') {
            Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            None => *entry == name,
        })
    }
}

/// Returns whether both the URL and the `Host` header name this machine, or an allowed host.
pub(super) fn is_known_host(allowed: &AllowedHosts, shown: &Credentials) -> bool {
    let own_host = host_of(shown.own_origin);
    let is_known = |host: &str| is_loopback(host) || allowed.contains(name_of(host));
    is_known(own_host) && shown.host.is_none_or(is_known)
}

/// Refuses a request that only localhost identifies, where a foreign page or host could be behind it.
///
/// # Errors
/// [`Code::ForeignRequest`].
pub(super) fn check(allowed: &AllowedHosts, shown: &Credentials) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::ForeignRequest).detail(detail));
    if shown.rewrites_url {
        return refuse("a header names another URL than the request");
    }
    if !is_known_host(allowed, shown) {
        return refuse("the host is not localhost: list it in ALLOWED_HOSTS, or set OPEN_LOCALHOST to off");
    }
    match shown.origin {
        // A proxy in front speaks TLS, and this server doesn't see that.
        Some(origin) if shown.is_listed_origin || host_of(origin) == host_of(shown.own_origin) => Ok(()),
        Some(_) => refuse("a page of another origin: list it in CORS_ORIGINS"),
        None if shown.fetch_site == Some("cross-site") => refuse("a page of another site"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Credentials<'static> = Credentials {
        api_key: None,
        authorization: None,
        cookie: None,
        user: None,
        issuer: None,
        origin: None,
        is_listed_origin: false,
        host: Some("localhost:8787"),
        fetch_site: None,
        rewrites_url: false,
        own_origin: "http://localhost:8787",
        safe: false,
    };

    fn is_refused(allowed: &str, shown: Credentials) -> bool {
        let allowed = AllowedHosts::parse(allowed).unwrap();
        check(&allowed, &shown).is_err_and(|problem| problem.code == Code::ForeignRequest)
    }

    #[test]
    fn own_and_listed_pages_are_served_and_foreign_ones_refused() {
        for (origin, fetch_site, is_listed_origin, refused) in [
            (None, None, false, false),
            (None, Some("same-origin"), false, false),
            (None, Some("none"), false, false),
            (None, Some("same-site"), false, false),
            (None, Some("cross-site"), false, true),
            (Some("http://localhost:8787"), Some("same-origin"), false, false),
            (Some("http://localhost:5173"), Some("same-site"), false, true),
            (Some("http://localhost:5173"), Some("same-site"), true, false),
            (Some("http://127.0.0.1:5173"), Some("cross-site"), true, false),
            (Some("https://evil.example"), None, false, true),
            (Some("https://evil.example"), Some("cross-site"), false, true),
            (Some("http://localhost:8787.evil.example"), None, false, true),
            (Some("null"), None, false, true),
        ] {
            let shown = Credentials { origin, fetch_site, is_listed_origin, ..HERE };
            assert_eq!(is_refused("", shown), refused, "{origin:?} {fetch_site:?} {is_listed_origin}");
        }
        assert!(is_refused("", Credentials { rewrites_url: true, ..HERE }));
    }

    #[test]
    fn a_host_is_this_machine_or_listed() {
        let at = |allowed: &str, own_origin: &str, host: &str| {
            !is_refused(allowed, Credentials { own_origin, host: Some(host), ..HERE })
        };
        for host in ["localhost", "localhost:80", "app.localhost:1", "127.0.0.1:8787", "127.8.9.1", "[::1]:8787"] {
            assert!(at("", &format!("http://{host}"), host), "{host}");
        }
        for host in ["evil.test:8787", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "[::2]", ""] {
            assert!(!at("", &format!("http://{host}"), host), "{host}");
            assert!(!at("", HERE.own_origin, host), "only the header: {host}");
            assert!(!at("", &format!("http://{host}"), "localhost:8787"), "only the URL: {host}");
        }
        let list = "box.preview.example, *.proxy.example";
        for (host, known) in [
            ("box.preview.example", true),
            ("BOX.preview.example:443", true),
            ("a.box.preview.example", false),
            ("one.proxy.example", true),
            ("one.two.proxy.example", true),
            ("proxy.example", false),
            (".proxy.example", false),
            ("evilproxy.example", false),
        ] {
            assert_eq!(at(list, &format!("http://{host}"), host), known, "{host}");
        }
        for wrong in ["https://a.example", "a.example:80", "a.*.example", "*", "*.", "a..b", "a/b"] {
            assert_eq!(AllowedHosts::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_page_behind_a_proxy_with_tls_is_the_servers_own() {
        let host = "box.preview.example";
        let shown = Credentials { own_origin: "http://box.preview.example", host: Some(host), ..HERE };
        assert!(!is_refused(host, Credentials { origin: Some("https://box.preview.example"), ..shown }));
        assert!(is_refused(host, Credentials { origin: Some("https://other.preview.example"), ..shown }));
    }
}
