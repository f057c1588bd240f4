//! Cross-origin requests: which pages of other origins may call the API, and what their browsers are told (Fetch standard, CORS protocol).

use crate::route::ROUTES;

/// The request headers that the API reads.
const REQUEST_HEADERS: &str = "authorization, chatkeep-client, chatkeep-issuer, chatkeep-journal, chatkeep-user, content-type, idempotency-key, if-match, if-none-match, last-event-id, traceparent, upstash-sync-token, x-api-key";

/// The response headers that a page may read.
const RESPONSE_HEADERS: &str = "chatkeep-journal, etag, location, ratelimit, ratelimit-policy, retry-after, server-timing, upstash-sync-token, x-request-id";

/// The origins whose pages may call the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<OriginPattern>);

/// One entry of the list, in the form in which browsers send an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OriginPattern {
    /// `*`: every origin.
    Any,
    /// `https://chat.example.com`, `https://*.example.com`, `http://localhost:*`.
    Origins {
        /// `https://`
        scheme: String,
        /// The host, or what follows its first label.
        host: String,
        /// Any one label stands before the host.
        has_wildcard_label: bool,
        port: PortPattern,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// `:8080`; empty for the scheme's own.
    Exactly(String),
}

impl AllowedOrigins {
    /// Parses a list with commas; `*` allows every origin. Entries become what browsers send: lower case, without a default
    /// port, in punycode. None when an entry is no origin.
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(OriginPattern::parse).collect::<Option<_>>().map(Self)
    }

    /// Whether pages of an origin may call.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(origin))
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

    /// The headers of the answer to a preflight. A listed origin's page may send every header that it asks for: tracing agents
    /// and libraries add their own.
    #[must_use]
    pub fn preflight_headers(&self, origin: Option<&str>, requested: Option<&str>) -> Vec<(&'static str, String)> {
        let mut methods: Vec<_> = ROUTES.iter().map(|(method, ..)| *method).collect();
        methods.sort_unstable();
        methods.dedup();
        let is_listed = origin.is_some_and(|origin| self.allows(origin));
        let requested = requested.filter(|names| is_listed && is_header_list(names));
        let mut headers = self.headers(origin);
        for (name, value) in &mut headers {
            if *name == "vary" {
                value.push_str(", Access-Control-Request-Headers");
            }
        }
        headers.extend([
            ("access-control-allow-methods", methods.join(", ")),
            ("access-control-allow-headers", requested.unwrap_or(REQUEST_HEADERS).to_owned()),
            ("access-control-max-age", "86400".to_owned()),
        ]);
        headers
    }
}

impl OriginPattern {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::Any);
        }
        let (scheme, rest) = entry.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme_byte) {
            return None;
        }
        let is_web = matches!(scheme.as_str(), "http" | "https");
        let (host, port) = split_port(rest);
        let (has_wildcard_label, host) = match host.strip_prefix("*.") {
            // All names of a public domain are no origin of anybody's.
            Some(parent) if parent.contains('.') || parent.eq_ignore_ascii_case("localhost") => (true, parent),
            Some(_) => return None,
            None => (false, host),
        };
        // Of other schemes, as an app's own, browsers change nothing.
        let host = if is_web { web_host(host) } else { opaque_host(host) }?;
        let port = match port {
            None => PortPattern::Exactly(String::new()),
            Some("*") => PortPattern::Any,
            Some(number) => {
                let number: u16 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
                let is_default = matches!((scheme.as_str(), number), ("http", 80) | ("https", 443));
                PortPattern::Exactly(if is_default { String::new() } else { format!(":{number}") })
            }
        };
        Some(Self::Origins { scheme: format!("{scheme}://"), host, has_wildcard_label, port })
    }

    fn matches(&self, origin: &str) -> bool {
        let Self::Origins { scheme, host, has_wildcard_label, port } = self else { return true };
        let Some(rest) = origin.strip_prefix(scheme.as_str()) else { return false };
        let (its_host, its_port) = split_port(rest);
        let is_host = if *has_wildcard_label {
            its_host.split_once('.').is_some_and(|(label, parent)| !label.is_empty() && parent == host)
        } else {
            its_host == host
        };
        is_host
            && match (port, its_port) {
                (PortPattern::Any, None) => true,
                (PortPattern::Any, Some(number)) => number.parse::<u16>().is_ok(),
                (PortPattern::Exactly(port), None) => port.is_empty(),
                (PortPattern::Exactly(port), Some(number)) => port.strip_prefix(':') == Some(number),
            }
    }
}

/// Splits what follows a scheme into host and port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        // A colon inside of an IPv6 address.
        Some((_, after)) if after.ends_with(']') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

/// The host of a web origin as browsers send it (URL standard, host parsing); none where it isn't one.
fn web_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: std::net::Ipv6Addr = inner.parse().ok()?;
        return address.to_ipv4_mapped().is_none().then(|| format!("[{address}]"));
    }
    host.split('.').map(ascii_label).collect::<Option<Vec<_>>>().map(|labels| labels.join("."))
}

fn opaque_host(host: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_plain)).then(|| host.to_owned())
}

/// A label of a domain name in lower case and, with letters beyond ASCII, in punycode.
fn ascii_label(label: &str) -> Option<String> {
    // Compatibility forms, which a browser would write as other letters, are refused.
    let is_letter = |character: char| {
        character.is_alphanumeric() && !('\u{f900}'..='\u{ffff}').contains(&character) || "-_".contains(character)
    };
    let label: String = label.chars().flat_map(char::to_lowercase).collect();
    if label.is_empty() || !label.chars().all(is_letter) {
        return None;
    }
    if label.is_ascii() { Some(label) } else { Some(format!("xn--{}", punycode(&label)?)) }
}

/// Encodes a label (RFC 3492, section 6.3).
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    // a to z, then 0 to 9.
    let digit = |value: u32| char::from_u32(if value < 26 { 97 + value } else { 22 + value });
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let total = u32::try_from(label.chars().count()).ok()?;
    let (mut least, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < total {
        let next = label.chars().map(u32::from).filter(|code| *code >= least).min()?;
        delta = delta.checked_add((next - least).checked_mul(handled + 1)?)?;
        least = next;
        for code in label.chars().map(u32::from) {
            if code < least {
                delta = delta.checked_add(1)?;
            }
            if code != least {
                continue;
            }
            let (mut rest, mut step) = (delta, BASE);
            loop {
                let threshold = step.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < threshold {
                    break;
                }
                out.push(digit(threshold + (rest - threshold) % (BASE - threshold))?);
                rest = (rest - threshold) / (BASE - threshold);
                step += BASE;
            }
            out.push(digit(rest)?);
            // The bias adapts to the distances seen so far (section 6.1).
            let mut scaled = if handled == basic { delta / 700 } else { delta / 2 };
            scaled += scaled / (handled + 1);
            let mut steps = 0;
            while scaled > (BASE - T_MIN) * T_MAX / 2 {
                scaled /= BASE - T_MIN;
                steps += BASE;
            }
            bias = steps + (BASE - T_MIN + 1) * scaled / (scaled + 38);
            delta = 0;
            handled += 1;
        }
        delta = delta.checked_add(1)?;
        least = least.checked_add(1)?;
    }
    Some(out)
}

/// Whether a text is a list of header names (RFC 9110, section 5.6.2) of a length that is worth repeating.
fn is_header_list(names: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    names.len() <= 4096
        && names.split(',').all(|name| !name.trim().is_empty() && name.trim().bytes().all(is_token_byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &str) -> AllowedOrigins {
        AllowedOrigins::parse(list).unwrap()
    }

    #[test]
    fn only_listed_origins_are_let_in() {
        let allowed = allowed("https://a.example, http://localhost:5173");
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
    fn an_origin_is_listed_in_any_spelling_that_a_browser_would_change() {
        for (entry, origin) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("HTTPS://app.example.com:443", "https://app.example.com"),
            ("http://app.example.com:80", "http://app.example.com"),
            ("https://app.example.com:8443", "https://app.example.com:8443"),
            ("http://app.example.com:443", "http://app.example.com:443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
            ("https://例え.テスト", "https://xn--r8jz45g.xn--zckzah"),
            ("https://пример.испытание:444", "https://xn--e1afmkfd.xn--80akhbyknj4f:444"),
            ("https://faß.example", "https://xn--fa-hia.example"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://[0:0::1]:3000", "http://[::1]:3000"),
            ("app://x", "app://x"),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert!(allowed(entry).allows(origin), "{entry} {origin}");
        }
    }

    #[test]
    fn a_wildcard_is_one_label_or_any_port() {
        let previews = allowed("https://*.preview.pages.dev, http://localhost:*, http://[::1]:*, http://*.localhost:*");
        for origin in [
            "https://one.preview.pages.dev",
            "http://localhost",
            "http://localhost:5173",
            "http://[::1]:5173",
            "http://app.localhost:1",
        ] {
            assert!(previews.allows(origin), "{origin}");
        }
        for origin in [
            "https://preview.pages.dev",
            "https://.preview.pages.dev",
            "https://one.two.preview.pages.dev",
            "https://evilpreview.pages.dev",
            "http://one.preview.pages.dev",
            "https://one.preview.pages.dev:8443",
            "https://localhost:5173",
            "http://localhost:5173.evil.example",
            "http://localhost:evil",
            "http://localhost.evil.example:1",
            "null",
        ] {
            assert!(!previews.allows(origin), "{origin}");
        }
    }

    #[test]
    fn a_list_with_something_else_is_refused() {
        for wrong in [
            "a.example",
            "null",
            "https://a.example/",
            "https://",
            "https://a.example,x",
            "https://a.example https://b.example",
            "https://a.example:",
            "https://a.example:+80",
            "https://a.example:65536",
            "https://user@a.example",
            "https://a..example",
            "https://*",
            "https://*.com",
            "https://a.*.example",
            "https://*a.example.com",
            "https://*.*.example.com",
            "https://ａ.example",
            "http://[::ffff:1.2.3.4]",
            "http://[::1",
            "*://a.example",
        ] {
            assert_eq!(AllowedOrigins::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_preflight_allows_what_a_listed_page_asks_for() {
        let allowed = allowed("https://a.example");
        let of = |origin, requested, wanted: &str| {
            let headers = allowed.preflight_headers(origin, requested);
            headers.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
        };
        let (listed, asked) = (Some("https://a.example"), Some("content-type,traceparent, X-Datadog-Origin"));
        let names = "access-control-allow-headers";
        assert_eq!(of(listed, asked, names).as_deref(), asked);
        for (origin, requested) in [
            (Some("https://b.example"), asked),
            (None, asked),
            (listed, None),
            (listed, Some("")),
            (listed, Some("a,,b")),
            (listed, Some("a b")),
            (listed, Some("x\u{e9}")),
        ] {
            assert_eq!(of(origin, requested, names).as_deref(), Some(REQUEST_HEADERS), "{origin:?} {requested:?}");
        }
        assert_eq!(of(listed, asked, "vary").as_deref(), Some("Origin, Access-Control-Request-Headers"));
        assert!(of(listed, asked, "access-control-expose-headers").is_some_and(|list| list.contains("x-request-id")));
        assert_eq!(of(None, None, "access-control-allow-methods").as_deref(), Some("DELETE, GET, PATCH, POST, PUT"));
    }
}
