//! The webhook responder: an agent of one's own, asked by `POST` with the session's messages, which answers with JSON or with
//! server-sent events.

use super::{Failure, Piece, ReplyReader};
use crate::error::Code;
use crate::id::{MessageId, SessionId};
use crate::limits::MOST_MESSAGE_BYTES;
use crate::message::{Message, Role};
use crate::sse::{SseEvent, SseReader};
use crate::wire::Raw;
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

/// Refuses an answer by its status.
///
/// # Errors
/// It is none of success.
pub fn check_status(status: u16) -> Result<(), Failure> {
    let detail = format!("the webhook answered {status}");
    match status {
        200..=299 => Ok(()),
        429 | 503 => Err(Failure { code: Code::ResponderBusy, detail }),
        408 | 504 => Err(Failure { code: Code::ResponderTimeout, detail }),
        _ => Err(Failure { code: Code::ResponderFailed, detail }),
    }
}

/// An answer, or one event of it: all members may be absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    delta: Option<String>,
    response: Option<String>,
    source: Option<Box<RawValue>>,
    sources: Option<Vec<Box<RawValue>>>,
    metadata: Option<Box<RawValue>>,
    state: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
}

/// Reads its answer.
#[derive(Debug)]
pub struct Reply {
    form: Form,
    spoken: bool,
    done: bool,
}

#[derive(Debug)]
enum Form {
    Whole(Vec<u8>),
    Events(SseReader),
    Over,
}

impl Reply {
    /// Of an answer with this `content-type`.
    #[must_use]
    pub fn of_type(content_type: &str) -> Self {
        let streams = content_type.trim_start().to_ascii_lowercase().starts_with("text/event-stream");
        let form = if streams { Form::Events(SseReader::new(ANSWER)) } else { Form::Whole(Vec::new()) };
        Self { form, spoken: false, done: false }
    }

    fn take(&mut self, json: &str, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let nonsense = || Failure::responder("the webhook answered something that can't be read");
        // Serde would take an array for a struct.
        let answer = Some(json).filter(|json| json.trim_start().starts_with('{')).map(serde_json::from_str::<Answer>);
        let answer = answer.and_then(Result::ok).ok_or_else(nonsense)?;
        #[allow(clippy::borrowed_box, reason = "filters hand over what they hold")]
        let given = |value: &Box<RawValue>| value.get() != "null";
        if answer.error.is_some_and(|error| given(&error)) {
            return Err(Failure::responder("the webhook reported an error"));
        }
        // The whole text counts where none came in pieces.
        let text = answer.delta.or(answer.response.filter(|_| !self.spoken)).filter(|text| !text.is_empty());
        self.spoken |= text.is_some();
        pieces.extend(text.map(Piece::Text));
        let sources = answer.source.into_iter().chain(answer.sources.into_iter().flatten()).filter(given);
        pieces.extend(sources.map(source));
        if let Some(metadata) = answer.metadata.filter(given) {
            if !metadata.get().starts_with('{') {
                return Err(Failure::responder("the webhook's metadata is no object"));
            }
            pieces.push(Piece::Metadata(Raw(metadata)));
        }
        pieces.extend(answer.state.filter(given).map(|state| Piece::State(Raw(state))));
        Ok(())
    }

    fn event(&mut self, event: &SseEvent, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        match event.data.trim() {
            _ if self.done => Ok(()),
            "[DONE]" => {
                self.done = true;
                Ok(())
            }
            "" => Ok(()),
            data => self.take(data, pieces),
        }
    }
}

/// A source may be an object, or nothing but an address.
fn source(source: Box<RawValue>) -> Piece {
    let address = source.get().starts_with('"').then(|| Raw::parse(format!("{{\"url\":{}}}", source.get())));
    Piece::Source(address.flatten().unwrap_or(Raw(source)))
}

impl ReplyReader for Reply {
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let too_long = || Failure::responder("the webhook's answer is too long");
        match &mut self.form {
            Form::Whole(held) if held.len() + bytes.len() > ANSWER => Err(too_long()),
            Form::Whole(held) => {
                held.extend_from_slice(bytes);
                Ok(())
            }
            Form::Events(events) => {
                let events = events.read(bytes).map_err(|_| too_long())?;
                events.iter().try_for_each(|event| self.event(event, pieces))
            }
            Form::Over => Ok(()),
        }
    }

    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        match std::mem::replace(&mut self.form, Form::Over) {
            Form::Whole(held) => self.take(&String::from_utf8_lossy(&held), pieces),
            Form::Events(events) => events.end().map_or(Ok(()), |event| self.event(&event, pieces)),
            Form::Over => Ok(()),
        }
    }

    fn is_whole(&self) -> bool {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, parts: &[&str]) -> (Vec<Piece>, bool) {
        let mut reader = Reply::of_type(content_type);
        let mut pieces = Vec::new();
        let read = parts.iter().try_for_each(|part| reader.read(part.as_bytes(), &mut pieces));
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
        assert_eq!(read("application/json", &[begin, end]), (expected, true));
    }

    #[test]
    fn a_streamed_answer_is_read() {
        let (pieces, ended) = read(
            "Text/Event-Stream; charset=utf-8",
            &[
                "data: {\"delta\":\"H\"}\n\nevent: x\ndata: {\"delta\":\"i\",\"source\":{\"url\":\"u\"}}\n\n",
                "data: {\"response\":\"Hi\",\"state\":null}\n\ndata: [DONE]\n\ndata: {\"delta\":\"no\"}\n\n",
            ],
        );
        let expected = [Piece::Text("H".into()), Piece::Text("i".into()), Piece::Source(raw("{\"url\":\"u\"}"))];
        assert_eq!((pieces.as_slice(), ended), (expected.as_slice(), true));
    }

    #[test]
    fn what_is_no_answer_fails() {
        for json in ["", "Hi", "[]", r#"{"error":"no"}"#, r#"{"response":1}"#, r#"{"response":"x","metadata":[]}"#] {
            assert!(!read("application/json", &[json]).1, "{json}");
        }
        assert!(!read("application/json", &[&" ".repeat(ANSWER + 1)]).1);
        assert_eq!(
            read("text/event-stream", &["data: {\"delta\":\"H\"}\n\ndata: x"]),
            (vec![Piece::Text("H".into())], false)
        );
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
