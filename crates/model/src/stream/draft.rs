//! A reply as it comes about: everything received so far, as events that readers follow and as the message that is stored.

use super::event::{Ending, Event, Opened, ToolCall};
use super::{Failure, Finish, Part, Piece};
use crate::json;
use crate::limits::{MOST_MESSAGE_BYTES, STORED_MESSAGE_BYTES};
use crate::message::{Message, Role, Status};
use crate::time::Millis;
use crate::turn::Turned;
use crate::wire::Raw;
use serde::Serialize;

/// Texts are shown in events of at most so many bytes, so that a frame stays small however its text is escaped.
const EVENT_TEXT: usize = 32 * 1024;

/// About how many bytes a part has beside what it says.
const PART_BYTES: usize = 128;

#[derive(Debug)]
enum Entry {
    /// Text up to this place.
    Text(usize),
    Source(Raw),
    Call(usize),
    /// Input of a call up to a place.
    Input(usize, usize),
    Ready(usize),
}

/// See the module.
#[derive(Debug)]
pub struct Draft {
    opened: Opened,
    text: String,
    entries: Vec<Entry>,
    calls: Vec<ToolCall>,
    /// It is more than its text.
    has_parts: bool,
    /// The bytes of the text as it is stored, once.
    text_bytes: usize,
    /// The bytes of what isn't text, as stored.
    other_bytes: usize,
    finish: Option<Finish>,
    usage: Option<Raw>,
    metadata: Option<Raw>,
    state: Option<Raw>,
    /// The parts that the reply begins with: a reply that goes on after its tools were called.
    before: Option<Raw>,
    ending: Option<Ending>,
    /// The events that some reader has been shown: these stay as they are.
    seen: usize,
}

impl Draft {
    /// An empty one.
    #[must_use]
    pub fn new(opened: Opened, before: Option<Raw>) -> Self {
        Self {
            opened,
            text: String::new(),
            entries: Vec::new(),
            calls: Vec::new(),
            has_parts: before.is_some(),
            text_bytes: 0,
            other_bytes: before.as_ref().map_or(0, |before| before.get().len()),
            finish: None,
            usage: None,
            metadata: None,
            state: None,
            before,
            ending: None,
            seen: 0,
        }
    }

    /// The stored reply of a turn that was finished before, as it would have come.
    #[must_use]
    pub fn replayed(turned: Turned) -> Self {
        let opened = Opened {
            session_id: Some(turned.session_id.clone()),
            message_id: turned.message_id.clone(),
            reply_id: turned.reply.id.clone(),
            created: false,
            degraded: false,
        };
        let mut draft = Self::new(opened, None);
        let parts = turned.reply.parts.as_ref().and_then(|parts| serde_json::from_str::<Vec<Part>>(parts.get()).ok());
        let said = parts.iter().flatten().any(|part| part.said().is_some());
        for (number, part) in (0..).zip(parts.unwrap_or_default()) {
            // It fitted before.
            let _ = part.into_piece(number).map_or(Ok(()), |piece| draft.take(piece));
        }
        if !said {
            draft.push_text(&turned.reply.content);
        }
        let _ = draft.complete();
        draft.finish = turned.finish;
        draft.end(Ending::Done(Box::new(turned.response())));
        draft
    }

    /// The turn that it belongs to.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The session's new state, when the responder sent one.
    #[must_use]
    pub fn state(&self) -> Option<&Raw> {
        self.state.as_ref()
    }

    /// Whether nothing of the reply has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.calls.is_empty()
    }

    /// The text that has come after so many bytes of it.
    #[must_use]
    pub fn text_after(&self, bytes: usize) -> &str {
        self.text.get(bytes..).unwrap_or_default()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// The reply is longer than a message may be: what fits is kept.
    pub fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        match piece {
            Piece::Text(text) => return self.take_text(&text),
            Piece::Source(source) => {
                self.take_bytes(source.get().len() + PART_BYTES)?;
                self.has_parts = true;
                self.entries.push(Entry::Source(source));
            }
            Piece::Tool { call, named, input } => {
                let begin =
                    |(id, name): &(String, String)| json::string_bytes(id) + json::string_bytes(name) + PART_BYTES;
                let name = named.as_ref().map_or(0, begin);
                self.take_bytes(name + json::string_bytes(&input))?;
                self.push_call(call, named, &input)?;
            }
            Piece::Finish(finish) => self.finish = Some(finish),
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Metadata(metadata) => {
                self.take_bytes(metadata.get().len())?;
                self.metadata = Some(metadata);
            }
            Piece::State(state) => self.state = Some(state),
        }
        Ok(())
    }

    /// Takes more text: as a text, and as JSON as it is stored, it has a limit of its own.
    fn take_text(&mut self, text: &str) -> Result<(), Failure> {
        // Where there is more than text, it is stored as the content and as parts.
        let times = if self.has_parts { 2 } else { 1 };
        let room = STORED_MESSAGE_BYTES.saturating_sub(self.other_bytes) / times;
        let stored = json::beginning(text, room.saturating_sub(self.text_bytes));
        let room = MOST_MESSAGE_BYTES.saturating_sub(self.text.len());
        let kept = stored.get(..stored.floor_char_boundary(room)).unwrap_or_default();
        self.text_bytes += json::string_bytes(kept);
        self.push_text(kept);
        if kept.len() < text.len() { Err(too_long()) } else { Ok(()) }
    }

    /// Makes room for what isn't text.
    fn take_bytes(&mut self, bytes: usize) -> Result<(), Failure> {
        let other_bytes = self.other_bytes + bytes;
        if other_bytes + 2 * self.text_bytes > STORED_MESSAGE_BYTES {
            return Err(too_long());
        }
        self.other_bytes = other_bytes;
        Ok(())
    }

    fn push_text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let unseen = self.entries.len() + 1 > self.seen;
            let begins = self.last_text_begins().filter(|_| unseen);
            let room = begins.map_or(EVENT_TEXT, |begin| EVENT_TEXT.saturating_sub(self.text.len() - begin));
            let (piece, after) = rest.split_at(rest.floor_char_boundary(room));
            // Less than a character is left of the last event: the next one begins.
            if piece.is_empty() {
                self.entries.push(Entry::Text(self.text.len()));
                continue;
            }
            self.text.push_str(piece);
            let end = self.text.len();
            match self.entries.last_mut() {
                Some(Entry::Text(last)) if begins.is_some() => *last = end,
                _ => self.entries.push(Entry::Text(end)),
            }
            rest = after;
        }
    }

    /// Where the last event begins, when it is text.
    fn last_text_begins(&self) -> Option<usize> {
        let (Entry::Text(_), earlier) = self.entries.split_last()? else { return None };
        Some(text_before(earlier))
    }

    fn push_call(&mut self, number: u64, named: Option<(String, String)>, input: &str) -> Result<(), Failure> {
        let at = match self.calls.iter().position(|call| call.number == number) {
            Some(at) => at,
            None => {
                let unnamed = || Failure::responder("the model's API called a tool without a name");
                let (id, name) = named.ok_or_else(unnamed)?;
                self.calls.push(ToolCall { number, id, name, input: String::new() });
                self.has_parts = true;
                self.entries.push(Entry::Call(self.calls.len() - 1));
                self.calls.len() - 1
            }
        };
        let unseen = self.entries.len() + 1 > self.seen;
        let Some(call) = self.calls.get_mut(at).filter(|_| !input.is_empty()) else { return Ok(()) };
        call.input.push_str(input);
        match self.entries.last_mut() {
            Some(Entry::Input(last, end)) if *last == at && unseen => *end = call.input.len(),
            _ => self.entries.push(Entry::Input(at, call.input.len())),
        }
        Ok(())
    }

    /// The responder has sent everything: the inputs of the tools are whole.
    ///
    /// # Errors
    /// It has sent nothing.
    pub fn complete(&mut self) -> Result<(), Failure> {
        self.entries.extend((0..self.calls.len()).map(Entry::Ready));
        if self.is_empty() { Err(Failure::responder("the responder answered nothing")) } else { Ok(()) }
    }

    /// The reply as it is stored.
    #[must_use]
    pub fn message(&self, created: Millis, status: Option<Status>) -> Message {
        Message {
            parent: Some(self.opened.message_id.clone()),
            parts: self.parts().map(|parts| parts.0),
            status,
            metadata: self.metadata.clone().map(|metadata| metadata.0),
            ..Message::new(self.opened.reply_id.clone(), Role::Assistant, self.text.clone(), created.to_rfc3339())
        }
    }

    /// The counts of the model's API.
    #[must_use]
    pub fn usage(&self) -> Option<&Raw> {
        self.usage.as_ref()
    }

    /// Why the reply ends, as the responder says it.
    #[must_use]
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// The AI SDK's parts, where the reply is more than its text.
    fn parts(&self) -> Option<Raw> {
        if !self.has_parts {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        let earlier = self.before.as_ref().map_or("", |before| before.get().trim());
        let earlier = earlier.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default().trim();
        parts.extend(Some(earlier.to_owned()).filter(|earlier| !earlier.is_empty()));
        parts.push(r#"{"type":"step-start"}"#.to_owned());
        let (mut begin, mut end) = (0, 0);
        for entry in &self.entries {
            if let Entry::Text(to) = entry {
                end = *to;
                continue;
            }
            parts.extend(text_part(self.text.get(begin..end).unwrap_or_default()));
            begin = end;
            match entry {
                Entry::Source(source) => parts.extend(super::ui::source_part(source, parts.len())),
                Entry::Call(call) => parts.extend(self.calls.get(*call).and_then(super::ui::call_part)),
                _ => {}
            }
        }
        parts.extend(text_part(self.text.get(begin..end).unwrap_or_default()));
        Raw::parse(format!("[{}]", parts.join(",")))
    }

    /// The end of the stream.
    pub fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> usize {
        1 + self.entries.len() + usize::from(self.ending.is_some())
    }

    /// The event with a number from 0, and the number after it: texts that follow each other are shown as one, up to a
    /// size. It will be shown in the same way again.
    pub(super) fn show(&mut self, number: usize) -> Option<(Event<'_>, usize)> {
        let next = self.shown_until(number)?;
        self.seen = self.seen.max(next);
        Some((self.event(number, next)?, next))
    }

    fn shown_until(&self, number: usize) -> Option<usize> {
        if number >= self.events() {
            return None;
        }
        let mut next = number + 1;
        let Some(at) = number.checked_sub(1) else { return Some(next) };
        if let Some(Entry::Text(_)) = self.entries.get(at) {
            let begin = text_before(self.entries.get(..at).unwrap_or_default());
            while let Some(Entry::Text(end)) = self.entries.get(next - 1)
                && end - begin <= EVENT_TEXT
            {
                next += 1;
            }
        }
        Some(next)
    }

    fn event(&self, number: usize, next: usize) -> Option<Event<'_>> {
        let Some(at) = number.checked_sub(1) else { return Some(Event::Turn(&self.opened)) };
        let Some(entry) = self.entries.get(at) else {
            return self.ending.as_ref().map(|ending| match ending {
                Ending::Done(response) => Event::Done(response, self.finish.unwrap_or(Finish::Stop)),
                Ending::Unkept(response) => Event::Unkept(response),
                Ending::Failed(problem) => Event::Failed(problem),
            });
        };
        let earlier = self.entries.get(..at)?;
        Some(match entry {
            Entry::Text(_) => {
                let Entry::Text(end) = self.entries.get(next - 2)? else { return None };
                Event::Text(self.text.get(text_before(earlier)..*end)?)
            }
            Entry::Source(source) => Event::Source(source),
            Entry::Call(call) => Event::Call(self.calls.get(*call)?),
            Entry::Input(call, end) => {
                let before = earlier.iter().rev().find_map(|entry| match entry {
                    Entry::Input(other, end) if other == call => Some(*end),
                    _ => None,
                });
                let call = self.calls.get(*call)?;
                Event::Input(call, call.input.get(before.unwrap_or(0)..*end)?)
            }
            Entry::Ready(call) => Event::Ready(self.calls.get(*call)?),
        })
    }
}

fn too_long() -> Failure {
    Failure::responder("the reply is longer than a message may be")
}

/// Where the text of some entries ends.
fn text_before(entries: &[Entry]) -> usize {
    let end = |entry: &Entry| if let Entry::Text(end) = entry { Some(*end) } else { None };
    entries.iter().rev().find_map(end).unwrap_or(0)
}

fn text_part(text: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Part<'a> {
        r#type: &'a str,
        text: &'a str,
    }
    (!text.is_empty()).then(|| serde_json::to_string(&Part { r#type: "text", text }).unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests;
