//! Reads server-sent events from the chunks in which a body arrives: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

/// One event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its data, the lines joined.
    pub data: String,
}

/// Puts events together. A chunk may end anywhere, in the middle of a character too.
#[derive(Debug, Default)]
pub struct Events {
    /// The bytes after the last line's end.
    rest: Vec<u8>,
    event: ServerEvent,
    has_data: bool,
    /// The last byte was a carriage return: a line feed right after it ends no second line.
    returned: bool,
}

impl Events {
    /// Takes the next bytes; gives the events that they complete.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\r' | b'\n' => events.extend(self.line()),
                _ => self.rest.push(byte),
            }
        }
        events
    }

    /// A line is complete; an empty one completes an event.
    fn line(&mut self) -> Option<ServerEvent> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        // What isn't UTF-8 is no field.
        let line = String::from_utf8(bytes).unwrap_or_default();
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event.name = value.to_owned(),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            // Comments, which keep the line open, and fields of later versions.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: delta\nid: 2\ndata: {\"text\":\"é😀\"}\n\ndata:a\rdata: b\r\n\r\nid: 9\n\nevent: done\ndata\n\nrest";

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let event = |name: &str, id: Option<&str>, data: &str| ServerEvent {
            name: name.into(),
            id: id.map(str::to_owned),
            data: data.into(),
        };
        let expected =
            [event("delta", Some("2"), "{\"text\":\"é😀\"}"), event("", None, "a\nb"), event("done", None, "")];
        for size in 1..=STREAM.len() {
            let mut events = Events::default();
            let read: Vec<_> = STREAM.as_bytes().chunks(size).flat_map(|chunk| events.push(chunk)).collect();
            assert_eq!(read, expected, "in chunks of {size}");
        }
    }
}
