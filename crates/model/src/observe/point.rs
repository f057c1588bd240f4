//! A request as a data point of Workers Analytics Engine, which keeps them for weeks and answers SQL
//! (<https://developers.cloudflare.com/analytics/analytics-engine/>). No text of anybody's is in it, and the owner is a digest.

use super::Line;

/// A data point. Its columns have their names from their places: `index1`, `blob1`, `double1` and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint<'a> {
    /// By which points are sampled when there are very many: the owner's digest, empty where nobody was let in.
    pub index: String,
    /// The route, the class of the status (`2xx`), where the sessions are (`upstash`, `vault`, `journal`), what happened, and the
    /// error's code; empty for none.
    pub blobs: [&'a str; 5],
    /// In milliseconds the whole request, the store and the responder; and the messages that the session keeps.
    pub doubles: [f64; 4],
}

impl<'a> DataPoint<'a> {
    /// The data point of an answered request.
    #[must_use]
    pub fn of(line: &'a Line, store: &'a str) -> Self {
        let class = match line.status.unwrap_or_default() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        #[allow(clippy::cast_precision_loss)] // None of them comes near 2^53.
        let number = |value: Option<u64>| value.unwrap_or_default() as f64;
        Self {
            index: line.owner.map(|owner| owner.to_string()).unwrap_or_default(),
            blobs: [line.route.unwrap_or_default(), class, store, line.event_type, line.code.unwrap_or_default()],
            doubles: [line.duration_ms, line.store_ms, line.responder_ms, line.messages].map(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::of_owner;
    use super::super::{Level, Line};
    use super::*;
    use crate::Owner;

    #[test]
    fn a_point_says_what_a_line_says_and_no_names() {
        let session = crate::SessionId::parse("secret-session");
        let line = Line {
            owner: Some(of_owner(&Owner::app())),
            session_id: session.as_ref().ok(),
            route: Some("POST /v1/chat"),
            status: Some(409),
            code: Some("turn_in_progress"),
            detail: Some("secret detail"),
            messages: Some(4),
            duration_ms: Some(12),
            store_ms: Some(3),
            ..Line::new(String::new(), Level::Info, "worker", "refused", "A request was refused")
        };
        let point = DataPoint::of(&line, "vault");
        assert_eq!(point.index, of_owner(&Owner::app()).to_string());
        assert_eq!(point.blobs, ["POST /v1/chat", "4xx", "vault", "refused", "turn_in_progress"]);
        assert_eq!(point.doubles, [12.0, 3.0, 0.0, 4.0]);
        let bare = Line::new(String::new(), Level::Info, "worker", "request", "");
        assert_eq!(DataPoint::of(&bare, "").index, "");
        assert!(!format!("{point:?}").contains("secret"));
    }
}
