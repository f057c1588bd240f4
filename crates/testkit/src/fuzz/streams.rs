//! Event streams, as the browser and the Worker read them, and what responders say in them. The bytes are cut anywhere.

use super::choice;
use chatkeep_model::MessageId;
use chatkeep_model::client::Events;
use chatkeep_model::sse::SseReader;
use chatkeep_model::stream::completions::Completions;
use chatkeep_model::stream::webhook::Reply;
use chatkeep_model::stream::{Draft, Failure, Opened, Piece, Read, Reader, ReplyReader, Wire};

/// The stream as the browser reads it, in pieces of as many bytes as the first byte says. It is the one that the Worker's reader
/// reads, where nothing is said that the two may take differently.
pub(super) fn server_events(input: &[u8]) {
    let (size, stream) = choice(input);
    let whole = Events::default().push(stream);
    let mut events = Events::default();
    let cut: Vec<_> = pieces(stream, size).flat_map(|piece| events.push(piece)).collect();
    assert_eq!(whole, cut, "it matters where the bytes are cut");
    let is_text = std::str::from_utf8(stream).is_ok_and(|text| !text.starts_with('\u{feff}'));
    if let (true, Ok(theirs)) = (is_text, SseReader::new(stream.len()).read(stream)) {
        let theirs: Vec<_> = theirs.into_iter().map(|event| (event.name, event.data)).collect();
        let ours: Vec<_> = whole.into_iter().map(|event| (event.name, event.data)).collect();
        assert_eq!(ours, theirs, "the two readers differ");
    }
}

/// The stream as the Worker reads it of a responder, with a limit that is reached, and cut likewise.
pub(super) fn upstream_events(input: &[u8]) {
    let (size, stream) = choice(input);
    for limit in [16, 256, 1 << 20] {
        let mut reader = SseReader::new(limit);
        let whole = reader.read(stream).map(|events| (events, reader.end()));
        let mut reader = SseReader::new(limit);
        let mut events = Vec::new();
        let cut = pieces(stream, size).try_for_each(|piece| reader.read(piece).map(|read| events.extend(read)));
        assert_eq!(whole.ok(), cut.ok().map(|()| (events, reader.end())), "it matters where the bytes are cut");
    }
}

/// A responder's answer in every form, up to what readers of the reply are shown. The first byte cuts it as before.
pub(super) fn responders(input: &[u8]) {
    let (size, answer) = choice(input);
    let forms: [fn() -> Box<dyn ReplyReader>; 2] =
        [|| Box::new(Completions::default()), || Box::new(Reply::new(1 << 20))];
    for form in forms {
        let whole = read_all(&mut *form(), std::iter::once(answer));
        let cut = read_all(&mut *form(), pieces(answer, size));
        assert_eq!(whole, cut, "it matters where the bytes are cut");
        show(whole.0);
    }
    let _ = Failure::of_status("the model's API", 400, 0, &super::text(answer));
}

fn pieces(stream: &[u8], size: u8) -> impl Iterator<Item = &[u8]> {
    stream.chunks(usize::from(size % 32) + 1)
}

/// What a reader gives, and whether it came to its end.
fn read_all<'a>(reader: &mut dyn ReplyReader, bytes: impl Iterator<Item = &'a [u8]>) -> (Vec<Piece>, bool) {
    let mut pieces = Vec::new();
    let mut bytes = bytes;
    let read = bytes.try_for_each(|piece| reader.read(piece, &mut pieces).map(drop));
    let ended = read.and_then(|()| reader.end(&mut pieces)).is_ok();
    (pieces, ended)
}

/// Drafts a reply of some pieces, and holds what its readers are shown against it.
fn show(pieces: Vec<Piece>) {
    let id = |text: &str| MessageId::parse(text).expect("it is one");
    let opened = Opened { session_id: None, message_id: id("m1"), reply_id: id("r1"), created: false, degraded: false };
    let mut draft = Draft::new(opened, None);
    let taken = pieces.into_iter().try_for_each(|piece| draft.take(piece));
    if taken.is_ok() {
        let _ = draft.complete();
    }
    for wire in [Wire::Own, Wire::UiMessages] {
        let (mut reader, mut shown) = (Reader::new(wire, 0), String::new());
        while let Read::Some(piece) = reader.read(&mut draft) {
            shown += &piece;
        }
        let mut said = String::new();
        for event in Events::default().push(shown.as_bytes()) {
            let Ok(data) = serde_json::from_str::<serde_json::Value>(&event.data) else {
                panic!("no JSON: {}", event.data);
            };
            if event.name == "delta" || data["type"] == "text-delta" {
                said += data["text"].as_str().or_else(|| data["delta"].as_str()).unwrap_or_default();
            }
        }
        assert_eq!(said, draft.text_after(0), "readers are shown another text than the one that is kept");
    }
    let message = draft.message(chatkeep_model::Millis(0), None);
    assert_eq!(message.content, draft.text_after(0));
    assert!(message.to_json().is_ok());
}
