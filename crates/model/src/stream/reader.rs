//! A reader of a draft: what it has been shown, and the bytes that come next.

use super::Draft;
use super::event::Event;
use super::{own, ui};
use crate::dialect::Dialect;
use serde::{Deserialize, Serialize};

/// The bytes that a reader is handed at once; far below the most that a frame may have, 256 KiB.
const FRAME: usize = 64 * 1024;

/// The form in which a reader is shown a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Our own events.
    Own,
    /// The AI SDK's UI message stream.
    UiMessages,
    /// The events of a dialect.
    Dialect(Dialect),
}

impl Wire {
    /// The headers that an answer of this form has, beside `content-type`.
    #[must_use]
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Wire::Own | Wire::Dialect(_) => &[],
            Wire::UiMessages => &[("x-vercel-ai-ui-message-stream", "v1")],
        }
    }
}

/// Writes events in one of the forms. A reader from the start gets every event; only the own form begins elsewhere.
pub trait Encode {
    /// Adds an event to what is sent. `id` counts the events up to it.
    fn event(&mut self, id: u64, event: Event, out: &mut String);
}

/// See the module.
pub struct Reader {
    encoder: Box<dyn Encode>,
    /// The number of the next event, from 0.
    next: usize,
    pending: String,
    sent: usize,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("next", &self.next).finish_non_exhaustive()
    }
}

/// What there is for a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// These bytes.
    Some(String),
    /// Nothing yet.
    Nothing,
    /// Nothing more, ever.
    Over,
}

impl Reader {
    /// A reader that has been shown the first events of a draft already; none of them in a form that can't begin later.
    #[must_use]
    pub fn new(wire: Wire, shown: u64) -> Self {
        let shown = usize::try_from(shown).unwrap_or(usize::MAX);
        let (encoder, next): (Box<dyn Encode>, _) = match wire {
            Wire::Own => (Box::new(own::Encoder), shown),
            Wire::UiMessages => (Box::<ui::Encoder>::default(), 0),
            Wire::Dialect(dialect) => (dialect.shape().encoder(), 0),
        };
        Self { encoder, next, pending: String::new(), sent: 0 }
    }

    /// The next bytes of a draft.
    pub fn read(&mut self, draft: &mut Draft) -> Read {
        // Someone may claim to have seen more than there is.
        self.next = self.next.min(draft.events());
        while self.pending.len() - self.sent < FRAME {
            let Some((event, next)) = draft.show(self.next) else { break };
            self.next = next;
            self.encoder.event(next as u64, event, &mut self.pending);
        }
        let rest = self.pending.get(self.sent..).unwrap_or_default();
        if rest.is_empty() {
            return if draft.is_over() { Read::Over } else { Read::Nothing };
        }
        let piece = rest.get(..rest.floor_char_boundary(FRAME)).unwrap_or(rest).to_owned();
        self.sent += piece.len();
        if self.sent == self.pending.len() {
            self.pending.clear();
            self.sent = 0;
        }
        Read::Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::tests::{draft, ended};
    use super::super::{Finish, Piece};
    use super::*;
    use crate::wire::Raw;

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    fn all(reader: &mut Reader, draft: &mut Draft) -> String {
        let mut all = String::new();
        while let Read::Some(piece) = reader.read(draft) {
            assert!(piece.len() <= FRAME);
            all += &piece;
        }
        all
    }

    #[test]
    fn a_fast_reader_sees_each_piece_and_a_slow_one_the_same_text_at_once() {
        let mut draft = draft();
        let (mut fast, mut slow) = (Reader::new(Wire::Own, 0), Reader::new(Wire::Own, 0));
        let first = fast.read(&mut draft);
        assert_eq!(
            first,
            Read::Some(
                "id: 1\nevent: turn\ndata: {\"session_id\":\"s\",\"message_id\":\"m\",\"reply_id\":\"r-m\"}\n\n".into()
            )
        );
        assert_eq!(fast.read(&mut draft), Read::Nothing);
        for (number, word) in ["Ahoj ", "„světe“", "\n"].iter().enumerate() {
            draft.take(text(word)).unwrap();
            let json = serde_json::to_string(word).unwrap();
            let frame = format!("id: {}\nevent: delta\ndata: {{\"text\":{json}}}\n\n", number + 2);
            assert_eq!(fast.read(&mut draft), Read::Some(frame));
        }
        ended(&mut draft);
        let rest = all(&mut slow, &mut draft);
        assert!(rest.contains("id: 4\nevent: delta\ndata: {\"text\":\"Ahoj „světe“\\n\"}\n\n"), "{rest}");
        assert!(all(&mut fast, &mut draft).starts_with("id: 5\nevent: done\ndata: {\"response\":\"Ahoj „světe“\\n\""));
        assert_eq!((fast.read(&mut draft), slow.read(&mut draft)), (Read::Over, Read::Over));
        let again = all(&mut Reader::new(Wire::Own, 3), &mut draft);
        assert!(again.starts_with("id: 4\nevent: delta\ndata: {\"text\":\"\\n\"}\n\nid: 5\nevent: done\n"), "{again}");
        assert_eq!(Reader::new(Wire::Own, 99).read(&mut draft), Read::Over);
    }

    #[test]
    fn text_that_nobody_has_seen_takes_no_room_per_piece() {
        let mut draft = draft();
        for _ in 0..100_000 {
            draft.take(text("ž")).unwrap();
        }
        assert!(draft.events() < 12, "{}", draft.events());
        let mut read = all(&mut Reader::new(Wire::Own, 0), &mut draft);
        read.retain(|character| character == 'ž');
        assert_eq!(read.chars().count(), 100_000);
    }

    #[test]
    fn frames_stay_small_whatever_is_in_them() {
        let mut draft = draft();
        draft.take(text(&"\u{1}".repeat(90_000))).unwrap();
        draft.take(Piece::Source(Raw::parse(format!("{{\"url\":\"{}\"}}", "s".repeat(300_000))).unwrap())).unwrap();
        ended(&mut draft);
        for wire in [Wire::Own, Wire::UiMessages] {
            assert!(all(&mut Reader::new(wire, 0), &mut draft).len() > 840_000);
        }
    }

    #[test]
    fn what_is_too_long_is_kept_as_far_as_it_fits() {
        let mut draft = draft();
        draft.take(text(&"x".repeat(899_999))).unwrap();
        assert!(draft.take(text("ž")).is_err());
        assert_eq!(draft.message(crate::Millis(0), None).content.len(), 899_999);
        assert!(draft.take(Piece::Source(Raw::parse("[1]".into()).unwrap())).is_err());
    }

    #[test]
    fn tools_and_sources_are_shown_and_stored_in_their_order() {
        let mut draft = draft();
        let mut reader = Reader::new(Wire::UiMessages, 0);
        let named = Some(("c1".to_owned(), "weather".to_owned()));
        for piece in [
            text("Let me look. "),
            Piece::Source(Raw::parse(r#"{"url":"https://a.example","title":"A"}"#.into()).unwrap()),
            Piece::Tool { call: 0, named, input: "{\"ci".into() },
            Piece::Tool { call: 0, named: None, input: "ty\":1.0}".into() },
            Piece::Finish(Finish::ToolCalls),
        ] {
            draft.take(piece).unwrap();
        }
        draft.complete().unwrap();
        let message = draft.message(crate::Millis(0), None);
        assert_eq!(
            message.parts.unwrap().get(),
            r#"[{"type":"step-start"},{"type":"text","text":"Let me look. "},{"type":"source-url","sourceId":"source-2","url":"https://a.example","title":"A"},{"type":"tool-weather","toolCallId":"c1","state":"input-available","input":{"city":1.0}}]"#
        );
        ended(&mut draft);
        let shown = all(&mut reader, &mut draft);
        let kinds: Vec<_> = shown
            .split("\n\n")
            .filter_map(|frame| frame.strip_prefix("data: {\"type\":\""))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(
            kinds,
            [
                "start",
                "data-session",
                "start-step",
                "text-start",
                "text-delta",
                "text-end",
                "source-url",
                "tool-input-start",
                "tool-input-delta",
                "tool-input-available",
                "finish-step",
                "data-session",
                "finish"
            ]
        );
        assert!(shown.contains(r#""inputTextDelta":"{\"city\":1.0}""#) && shown.contains(r#""input":{"city":1.0}"#));
        assert!(shown.contains(r#"{"type":"finish","finishReason":"tool-calls"}"#));
        assert!(shown.ends_with("data: [DONE]\n\n"));
    }
}
