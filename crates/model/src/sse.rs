//! Server-sent events (WHATWG HTML, section 9.2): read from bytes as they come, and written.

/// One event as it was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its data, lines joined by line breaks.
    pub data: String,
}

/// A line or an event is longer than the reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Reads events from bytes, cut anywhere. It holds one event at most, and of that no more bytes than its limit.
#[derive(Debug)]
pub struct SseReader {
    limit: usize,
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    after_return: bool,
    at_start: bool,
}

impl SseReader {
    /// A reader of events of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let event = SseEvent::default();
        Self { limit, line: Vec::new(), event, has_data: false, after_return: false, at_start: true }
    }

    /// Takes more bytes, and gives the events that they complete.
    ///
    /// # Errors
    /// [`TooLong`]; what came before it is lost with it, and the reader is of no more use.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, ending) = rest.split_at(end);
            self.hold(line)?;
            events.extend(self.end_line());
            rest = match ending {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
        }
        self.hold(rest)?;
        Ok(events)
    }

    /// The end of the bytes: gives the event that lacks nothing but its last empty line. The standard drops it; servers
    /// that close at once mean it.
    #[must_use]
    pub fn end(mut self) -> Option<SseEvent> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.take_event()
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.event.data.len() + bytes.len() > self.limit {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.take_event();
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"event" => self.event.name = value.into_owned(),
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(&value);
            }
            // Comments, ids and retry times are nothing to a reader that doesn't come back.
            _ => {}
        }
        None
    }

    fn take_event(&mut self) -> Option<SseEvent> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

/// Writes an event. The data has no line breaks, as JSON on one line has none.
pub fn write_event(out: &mut String, id: Option<u64>, name: &str, data: &str) {
    if let Some(id) = id {
        out.push_str("id: ");
        out.push_str(&id.to_string());
        out.push('\n');
    }
    if !name.is_empty() {
        out.push_str("event: ");
        out.push_str(name);
        out.push('\n');
    }
    out.push_str("data: ");
    out.push_str(data);
    out.push_str("\n\n");
}

/// A comment, which readers skip: it keeps a silent connection open.
pub const KEEP_ALIVE: &str = ": keep-alive\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> SseEvent {
        SseEvent { name: name.into(), data: data.into() }
    }

    #[test]
    fn events_come_out_whole_wherever_the_bytes_are_cut() {
        let text = "\u{feff}: hi\r\nevent: a\r\ndata: 1\rdata:2\n\ndata: {\"ž\":\"\u{1f600}\"}\n\nid: 4\nretry: 9\n\ndata\n\nevent: lost\n\n";
        let expected = vec![event("a", "1\n2"), event("", "{\"ž\":\"\u{1f600}\"}"), event("", "")];
        for size in 1..text.len() {
            let mut reader = SseReader::new(1000);
            let read = |piece| reader.read(piece).unwrap_or_default();
            let events: Vec<_> = text.as_bytes().chunks(size).flat_map(read).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_end_without_the_last_line_counts() {
        let mut reader = SseReader::new(1000);
        assert_eq!(reader.read(b"data: [DONE]"), Ok(vec![]));
        assert_eq!(reader.end(), Some(event("", "[DONE]")));
        let mut reader = SseReader::new(1000);
        assert_eq!(reader.read(b"data: x\n: more"), Ok(vec![]));
        assert_eq!(reader.end(), Some(event("", "x")));
        assert_eq!(SseReader::new(9).end(), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_too_many_refused() {
        let mut reader = SseReader::new(1000);
        assert_eq!(reader.read(b"data: \xff!\n\n"), Ok(vec![event("", "\u{fffd}!")]));
        let mut reader = SseReader::new(16);
        assert_eq!(reader.read(b"data: 123456789").and(reader.read(b"0123")), Err(TooLong));
        let mut reader = SseReader::new(16);
        assert_eq!(reader.read(b"data: 12345\ndata: 12345\ndata: 1234\n"), Err(TooLong));
        let mut reader = SseReader::new(16);
        for _ in 0..9 {
            assert_eq!(reader.read(b"data: 12345678\n\n").map(|events| events.len()), Ok(1));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut text = String::from(KEEP_ALIVE);
        write_event(&mut text, Some(7), "delta", "{\"text\":\"a\\nb\"}");
        write_event(&mut text, None, "", "[DONE]");
        assert_eq!(text.matches("id: 7\nevent: delta\n").count(), 1);
        let events = SseReader::new(1000).read(text.as_bytes());
        assert_eq!(events, Ok(vec![event("delta", "{\"text\":\"a\\nb\"}"), event("", "[DONE]")]));
    }
}
