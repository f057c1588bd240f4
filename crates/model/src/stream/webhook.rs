//! The webhook responder: an agent of one's own, asked by `POST` with the session's messages, which answers with JSON or with
//! server-sent events.

use super::body::{AnswerBody, BodyEnd, BodyLimits};
use super::failure::{ErrorCause, is_error};
use super::{Failure, Piece, ReplyReader};
use crate::depth::is_deeper;
use crate::id::{MessageId, SessionId};
use crate::json::{self, TextJoiner};
use crate::limits::{JSON_DEPTH, MOST_MESSAGE_BYTES};
use crate::message::{Message, Role};
use crate::sse::SseEvent;
use crate::wire::Raw;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// The most bytes of an answer, or of one of its events. A reply, its state and its sources fit.
const ANSWER: usize = 4 * MOST_MESSAGE_BYTES;

/// Where the agent is, and the secret that our requests are signed with.
#[derive(Clone)]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// Requests are signed with this, where it is set.
    pub secret: Option<String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}

/// What the agent is asked.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    /// The session.
    pub session_id: &'a SessionId,
    /// The user message's id.
    pub message_id: &'a MessageId,
    /// Its text.
    pub message: &'a str,
    /// The messages before it, oldest first.
    pub history: Vec<Said<'a>>,
    /// What the client attached to the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<&'a RawValue>,
    /// The session's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'a RawValue>,
}

/// An earlier message.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Said<'a> {
    pub id: &'a MessageId,
    pub role: Role,
    pub content: &'a str,
}

/// The body of the request, from the window and the session's state.
#[must_use]
pub fn body(session_id: &SessionId, window: &[Message], state: Option<&Raw>) -> String {
    let Some((last, earlier)) = window.split_last() else { return String::new() };
    let history = earlier.iter().map(|said| Said { id: &said.id, role: said.role, content: &said.content });
    let request = Request {
        session_id,
        message_id: &last.id,
        message: &last.content,
        history: history.collect(),
        metadata: last.metadata.as_deref(),
        state: state.map(|state| &*state.0),
    };
    serde_json::to_string(&request).unwrap_or_default()
}

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "chatkeep-signature";

/// What is signed: the time in seconds, a dot, and the body.
#[must_use]
pub fn signed(seconds: u64, body: &str) -> String {
    format!("{seconds}.{body}")
}

/// The `chatkeep-signature` header, with the HMAC-SHA256 of what is signed in hex.
#[must_use]
pub fn signature_header(seconds: u64, hmac: &str) -> String {
    format!("t={seconds},v1={hmac}")
}

/// An answer, or one event of it: all members may be absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    sources: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads its answer.
#[derive(Debug)]
pub struct Reply {
    body: AnswerBody,
    joiner: TextJoiner,
    max_state_bytes: usize,
    is_begun: bool,
    spoken: bool,
    done: bool,
}

impl Reply {
    /// A reader of an answer that has not come yet. A state may have so many bytes.
    #[must_use]
    pub fn new(max_state_bytes: usize) -> Self {
        let body = AnswerBody::new(BodyLimits { json: ANSWER, event: ANSWER });
        let joiner = TextJoiner::default();
        Self { body, joiner, max_state_bytes, is_begun: false, spoken: false, done: false }
    }

    fn take(&mut self, text: &str, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let nonsense = |_| Failure::responder("the webhook answered something that can't be read");
        self.is_begun = true;
        let mended;
        let answer = match json::object::<Answer>(text) {
            Some(answer) => answer,
            None => {
                mended = json::without_halves(text);
                serde_json::from_str::<IgnoredAny>(&mended).map_err(nonsense)?;
                json::object(&mended).unwrap_or_default()
            }
        };
        if answer.error.is_some_and(is_error) {
            return Err(Failure::of_error("the webhook", &ErrorCause::of_body(text)));
        }
        let given = |value: Option<&RawValue>| value.map(ToOwned::to_owned);
        // The whole text counts where none came in pieces.
        let text = answer.delta.and_then(|delta| self.joiner.push(delta));
        let text = text.or_else(|| answer.response.filter(|_| !self.spoken).and_then(json::string));
        let text = text.filter(|text| !text.is_empty());
        self.spoken |= text.is_some();
        pieces.extend(text.map(Piece::Text));
        let sources = answer.sources.map(json::elements).unwrap_or_default();
        pieces.extend(answer.source.into_iter().chain(sources).filter_map(source));
        if let Some(metadata) = given(answer.metadata) {
            if !metadata.get().starts_with('{') {
                return Err(Failure::responder("the webhook's metadata is no object"));
            }
            pieces.push(Piece::Metadata(kept(metadata)?));
        }
        if let Some(state) = given(answer.state) {
            let state = kept(state)?;
            let (bytes, most) = (state.get().len(), self.max_state_bytes);
            if bytes > most {
                let detail = format!("the webhook's state has {bytes} bytes; the limit is {most}");
                return Err(Failure::responder(detail));
            }
            pieces.push(Piece::State(state));
        }
        Ok(())
    }

    /// Takes an event; returns whether it says something.
    fn take_event(&mut self, event: &SseEvent, pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        match event.data.trim() {
            "" => return Ok(false),
            _ if self.done => return Ok(false),
            "[DONE]" => self.done = true,
            data => self.take(data, pieces)?,
        }
        Ok(true)
    }
}

/// A value that is kept, in the form in which it is stored.
fn kept(value: Box<RawValue>) -> Result<Raw, Failure> {
    if is_deeper(value.get(), JSON_DEPTH) {
        return Err(Failure::responder("the webhook's metadata or state is nested too deeply"));
    }
    Ok(Raw(json::stored(value)))
}

/// A source may be an object, or nothing but an address.
fn source(source: &RawValue) -> Option<Piece> {
    let source = json::without_halves(source.get());
    match source.as_bytes().first()? {
        b'{' => Raw::parse(source.into_owned()).map(Piece::Source),
        b'"' => Raw::parse(format!("{{\"url\":{source}}}")).map(Piece::Source),
        _ => None,
    }
}

impl ReplyReader for Reply {
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        let too_long = |_| Failure::responder("the webhook's answer is too long");
        let events = self.body.read(bytes).map_err(too_long)?;
        let mut is_heard = false;
        for event in &events {
            is_heard |= self.take_event(event, pieces)?;
        }
        Ok(is_heard)
    }

    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        match self.body.end() {
            BodyEnd::Json(text) => self.take(&text, pieces)?,
            BodyEnd::Event(event) => drop(self.take_event(&event, pieces)?),
            BodyEnd::Nothing => {}
        }
        pieces.extend(self.joiner.end().map(|half| Piece::Text(half.into())));
        let nonsense = || Failure::responder("the webhook answered something that can't be read");
        if self.is_begun || self.done { Ok(()) } else { Err(nonsense()) }
    }

    fn is_whole(&self) -> bool {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> (Vec<Piece>, bool) {
        let mut reader = Reply::new(10);
        let mut pieces = Vec::new();
        let read = parts.iter().try_for_each(|part| reader.read(part.as_bytes(), &mut pieces).map(drop));
        let ended = read.and_then(|()| reader.end(&mut pieces));
        (pieces, ended.is_ok())
    }

    fn raw(json: &str) -> Raw {
        Raw::parse(json.into()).unwrap()
    }

    #[test]
    fn a_whole_answer_is_read() {
        let json =
            r#"{"response":"Hi","sources":["https://a.example",{"title":"B"},null],"metadata":{"n":1.0},"state":[1]}"#;
        let expected = vec![
            Piece::Text("Hi".into()),
            Piece::Source(raw(r#"{"url":"https://a.example"}"#)),
            Piece::Source(raw(r#"{"title":"B"}"#)),
            Piece::Metadata(raw(r#"{"n":1.0}"#)),
            Piece::State(raw("[1]")),
        ];
        let (begin, end) = json.split_at(30);
        assert_eq!(read(&[begin, end]), (expected, true));
    }

    #[test]
    fn metadata_and_state_are_kept_compactly_and_not_too_deep() {
        let json = "{\n \"response\": \"Hi\",\n \"metadata\": {\n  \"n\": \"\\ud83d\" },\n \"state\": [\n 1.0 ]\n}";
        let expected =
            vec![Piece::Text("Hi".into()), Piece::Metadata(raw(r#"{"n":"\ufffd"}"#)), Piece::State(raw("[1.0]"))];
        assert_eq!(read(&[json]), (expected, true));
        let deep = format!("{{\"response\":\"x\",\"metadata\":{{\"a\":{}{}}}}}", "[".repeat(64), "]".repeat(64));
        assert!(!read(&[&deep]).1);
    }

    #[test]
    fn a_streamed_answer_is_read() {
        let (pieces, ended) = read(&[
            "data: {\"delta\":\"H\"}\n\nevent: x\ndata: {\"delta\":\"i\",\"source\":{\"url\":\"u\"}}\n\n",
            "data: {\"response\":\"Hi\",\"state\":null}\n\ndata: [DONE]\n\ndata: {\"delta\":\"no\"}\n\n",
        ]);
        let expected = [Piece::Text("H".into()), Piece::Text("i".into()), Piece::Source(raw("{\"url\":\"u\"}"))];
        assert_eq!((pieces.as_slice(), ended), (expected.as_slice(), true));
    }

    #[test]
    fn what_is_no_answer_fails() {
        for json in ["", "Hi", "{", r#"{"error":"no"}"#, r#"{"error":{}}"#, r#"{"response":"x","metadata":[]}"#] {
            assert!(!read(&[json]).1, "{json}");
        }
        assert!(!read(&[&" ".repeat(ANSWER + 1)]).1);
        assert_eq!(read(&["data: {\"delta\":\"H\"}\n\ndata: x"]), (vec![Piece::Text("H".into())], false));
    }

    #[test]
    fn odd_members_and_half_characters_end_no_answer() {
        let odd = [
            "data: null\n\ndata: []\n\ndata: \"x\"\n\ndata: {\"delta\":7,\"error\":false,\"sources\":{},\"source\":[]}\n\n",
            "data: {\"delta\":\"A \\ud83d\"}\n\ndata: {\"delta\":\"\\ude00\"}\n\ndata: {\"\\ud83d\":1}\n\n",
            "data: {\"metadata\":{\"a\":\"\\ud83d\"}}\n\n",
        ];
        let metadata = Piece::Metadata(raw("{\"a\":\"\\ufffd\"}"));
        let expected = vec![Piece::Text("A ".into()), Piece::Text("😀".into()), metadata];
        assert_eq!(read(&odd), (expected, true));
        assert_eq!(read(&["\u{feff}{\"response\":\"a\\ud83d\"}"]), (vec![Piece::Text("a\u{fffd}".into())], true));
    }

    #[test]
    fn a_state_over_the_limit_is_refused() {
        let state = |json: &str| read(&[&format!("{{\"response\":\"x\",\"state\":{json}}}")]);
        assert_eq!(state("[1,2,3,45]").0.last(), Some(&Piece::State(raw("[1,2,3,45]"))));
        let (pieces, ended) = state("[1,2,3,456]");
        assert_eq!((pieces, ended), (vec![Piece::Text("x".into())], false));
    }

    #[test]
    fn the_request_has_history_state_and_metadata() {
        let message =
            |id: &str, role, text: &str| Message::new(MessageId::parse(id).unwrap(), role, text.into(), String::new());
        let mut last = message("m2", Role::User, "Now?");
        last.metadata = RawValue::from_string("{\"n\":1.0}".into()).ok();
        let window = [message("m1", Role::Assistant, "Hi"), last];
        let session = SessionId::parse("s").unwrap();
        assert_eq!(
            body(&session, &window, Some(&raw("{}"))),
            r#"{"session_id":"s","message_id":"m2","message":"Now?","history":[{"id":"m1","role":"assistant","content":"Hi"}],"metadata":{"n":1.0},"state":{}}"#
        );
        assert_eq!(signed(7, "{}"), "7.{}");
        assert_eq!(signature_header(7, "ab"), "t=7,v1=ab");
    }
}
