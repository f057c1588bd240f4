//! The body of a responder's answer: one JSON text, or server-sent events. It is told by how it begins, for many servers send the wrong
//! content type or none.

use crate::sse::{SseEvent, SseReader, TooLong};

/// Reads the body.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// Nothing but white space has come.
    Undecided(Vec<u8>, BodyLimits),
    /// One JSON text.
    Json(Vec<u8>, BodyLimits),
    /// Events.
    Events(SseReader),
    /// It has ended.
    Over,
}

/// How many bytes are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// Of a JSON text.
    pub(super) json: usize,
    /// Of one event.
    pub(super) event: usize,
}

/// What the end of the body completes.
pub(super) enum BodyEnd {
    /// The JSON text.
    Json(String),
    /// The last event, which lacked its empty line.
    Event(SseEvent),
    /// Nothing.
    Nothing,
}

impl AnswerBody {
    pub(super) fn new(limits: BodyLimits) -> Self {
        Self::Undecided(Vec::new(), limits)
    }

    /// Takes more bytes, and gives the events that they complete.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        if let Self::Undecided(held, limits) = self {
            held.extend_from_slice(bytes);
            let limits = *limits;
            let begins = match without_mark(held) {
                None if held.len() > limits.json => return Err(TooLong),
                None => return Ok(Vec::new()),
                Some(begins) => begins,
            };
            let held = std::mem::take(held);
            if begins == b'{' || begins == b'[' {
                *self = Self::Json(Vec::new(), limits);
            } else {
                *self = Self::Events(SseReader::new(limits.event));
            }
            return self.read(&held);
        }
        match self {
            Self::Json(held, limits) if held.len() + bytes.len() > limits.json => Err(TooLong),
            Self::Json(held, _) => {
                held.extend_from_slice(bytes);
                Ok(Vec::new())
            }
            Self::Events(events) => events.read(bytes),
            Self::Undecided(..) | Self::Over => Ok(Vec::new()),
        }
    }

    /// The end of the bytes.
    pub(super) fn end(&mut self) -> BodyEnd {
        match std::mem::replace(self, Self::Over) {
            Self::Json(held, _) => {
                let text = String::from_utf8_lossy(&held);
                BodyEnd::Json(text.trim_start_matches('\u{feff}').to_owned())
            }
            Self::Events(events) => events.end().map_or(BodyEnd::Nothing, BodyEnd::Event),
            Self::Undecided(..) | Self::Over => BodyEnd::Nothing,
        }
    }
}

/// The first byte after a byte order mark and white space; none while that may still come.
fn without_mark(held: &[u8]) -> Option<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let rest = held.trim_ascii_start();
    if rest.len() < MARK.len() && MARK.starts_with(rest) {
        return None;
    }
    rest.strip_prefix(MARK).unwrap_or(rest).trim_ascii_start().first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, size: usize) -> (usize, Option<String>) {
        let mut body = AnswerBody::new(BodyLimits { json: 100, event: 100 });
        let events: usize = text.as_bytes().chunks(size).filter_map(|part| body.read(part).ok()).map(|e| e.len()).sum();
        match body.end() {
            BodyEnd::Json(text) => (events, Some(text)),
            BodyEnd::Event(_) => (events + 1, None),
            BodyEnd::Nothing => (events, None),
        }
    }

    #[test]
    fn json_and_events_are_told_apart_by_how_they_begin() {
        for size in [1, 2, 100] {
            assert_eq!(read(" \n{\"a\":1}", size), (0, Some(" \n{\"a\":1}".to_owned())));
            assert_eq!(read("\u{feff}{}", size), (0, Some("{}".to_owned())));
            assert_eq!(read("\u{feff}\n\ndata: {}\n\n: x\n\ndata: {}", size), (2, None));
            assert_eq!(read("<html>", size), (0, None));
            assert_eq!(read("", size), (0, None));
        }
        let mut body = AnswerBody::new(BodyLimits { json: 10, event: 100 });
        assert!(body.read(b"{\"a\":1}").is_ok() && body.read(b"    ").is_err());
        let mut body = AnswerBody::new(BodyLimits { json: 10, event: 100 });
        assert!(body.read(&[b' '; 10]).is_ok() && body.read(b" ").is_err());
    }
}
