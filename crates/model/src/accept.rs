//! The `Accept` header (RFC 9110, section 12.5.1): whether a client would rather have an event stream than JSON.

/// The type of an event stream.
pub const EVENT_STREAM: &str = "text/event-stream";

/// A media range and how much it is wanted, in thousandths.
struct MediaRange<'a> {
    kind: &'a str,
    quality: u16,
}

/// How well a header names a type: by itself, by its group, or by `*/*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    All,
    Group,
    Exact,
}

/// Returns whether an event stream is wanted more than JSON. Where both are wanted as much, JSON is the answer, unless only the
/// stream is named.
#[must_use]
pub fn prefers_event_stream(accept: &str) -> bool {
    let find = |wanted: &str| {
        let ranges = accept.split(',').filter_map(MediaRange::parse);
        let precise = ranges.filter_map(|range| Some((range.precision(wanted)?, range.quality)));
        // The most precise range counts; of equals the first.
        precise.reduce(|best, other| if other.0 > best.0 { other } else { best })
    };
    let Some((stream_precision, stream)) = find(EVENT_STREAM).filter(|(_, quality)| *quality > 0) else { return false };
    match find("application/json") {
        Some((json_precision, json)) if json == stream => stream_precision > json_precision,
        Some((_, json)) => stream > json,
        None => true,
    }
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| kind.contains('/'))?;
        let weight =
            parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let quality = match weight {
            None => 1000,
            // A range whose weight can't be read doesn't count.
            Some((_, value)) => thousandths(value.trim())?,
        };
        Some(Self { kind, quality })
    }

    fn precision(&self, wanted: &str) -> Option<Precision> {
        if self.kind.eq_ignore_ascii_case(wanted) {
            return Some(Precision::Exact);
        }
        let (group, rest) = self.kind.split_once('/')?;
        match (group, rest) {
            ("*", "*") => Some(Precision::All),
            (group, "*") => {
                wanted.split_once('/').filter(|(its, _)| its.eq_ignore_ascii_case(group)).map(|_| Precision::Group)
            }
            _ => None,
        }
    }
}

/// Reads a weight of at most three decimals (RFC 9110, section 12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let all: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (all <= 1000).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_preferred_where_it_is_wanted_more() {
        for (accept, streams) in [
            ("text/event-stream", true),
            ("TEXT/EVENT-STREAM", true),
            ("text/event-stream; charset=utf-8", true),
            ("text/event-stream, application/json;q=0.9", true),
            ("application/json;q=0, text/event-stream;q=0.1", true),
            ("text/event-stream, */*", true),
            ("text/event-stream, */*;q=0.1", true),
            ("text/*, application/json;q=0.5", true),
            ("application/json, text/event-stream", false),
            ("text/event-stream, application/json", false),
            ("text/event-stream;q=0", false),
            ("text/event-stream;q=0.0, */*", false),
            ("text/event-stream; Q=0.1, application/json", false),
            ("application/json, text/event-stream;q=0", false),
            ("application/json", false),
            ("*/*", false),
            ("text/*", true),
            ("text/html, */*;q=0.8", false),
            ("text/event-streams", false),
            ("application/json; note=text/event-stream", false),
            ("text/event-stream;q=x", false),
            ("text/event-stream;q=2", false),
            ("", false),
            (",;,q=1", false),
        ] {
            assert_eq!(prefers_event_stream(accept), streams, "{accept}");
        }
    }
}
