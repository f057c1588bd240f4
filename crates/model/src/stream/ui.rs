//! The AI SDK's UI message stream (version 1 of its protocol), with parts alone that both its majors 6 and 7 accept.

use super::Finish;
use super::event::{Event, Opened, RawSource, ToolCall};
use super::reader::Encode;
use crate::id::MessageId;
use crate::json;
use crate::message::{Message, Role, Status};
use crate::sse::write_event;
use crate::wire::{ChatResponse, Raw, SessionBody};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Chunk<'a> {
    Start { message_id: &'a str },
    StartStep,
    TextStart { id: &'a str },
    TextDelta { id: &'a str, delta: &'a str },
    TextEnd { id: &'a str },
    ToolInputStart { tool_call_id: &'a str, tool_name: &'a str },
    ToolInputDelta { tool_call_id: &'a str, input_text_delta: &'a str },
    ToolInputAvailable { tool_call_id: &'a str, tool_name: &'a str, input: Box<RawValue> },
    ToolInputError { tool_call_id: &'a str, tool_name: &'a str, input: &'a str, error_text: &'a str },
    DataSession { data: SessionData<'a>, transient: bool },
    FinishStep,
    Finish { finish_reason: Finish },
    Abort { reason: &'a str },
    Error { error_text: &'a str },
}

/// What only we know: sent beside the message, not kept in it.
#[derive(Serialize)]
struct SessionData<'a> {
    #[serde(flatten)]
    turn: Option<&'a Opened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a SessionBody>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<&'a str>,
}

/// Writes the stream, always from its start.
#[derive(Debug, Default)]
pub struct Encoder {
    texts: usize,
    text: Option<String>,
    sources: usize,
}

impl Encode for Encoder {
    fn event(&mut self, _: u64, event: Event, out: &mut String) {
        if !matches!(event, Event::Text(_)) {
            self.end_text(out);
        }
        match event {
            Event::Turn(opened) => {
                write(out, &Chunk::Start { message_id: opened.reply_id.as_str() });
                let data = SessionData { turn: Some(opened), session: None, degraded: false, journal: None };
                write(out, &Chunk::DataSession { data, transient: true });
                write(out, &Chunk::StartStep);
            }
            Event::Text(delta) => {
                if self.text.is_none() {
                    self.texts += 1;
                    let id = format!("text-{}", self.texts);
                    write(out, &Chunk::TextStart { id: &id });
                    self.text = Some(id);
                }
                let id = self.text.as_deref().unwrap_or_default();
                write(out, &Chunk::TextDelta { id, delta });
            }
            Event::Source(source) => {
                self.sources += 1;
                if let Some(part) = source_part(source, self.sources) {
                    write_event(out, None, "", &part);
                }
            }
            Event::Call(ToolCall { id, name, .. }) => {
                write(out, &Chunk::ToolInputStart { tool_call_id: id, tool_name: name });
            }
            Event::Input(call, text) => {
                write(out, &Chunk::ToolInputDelta { tool_call_id: &call.id, input_text_delta: text });
            }
            Event::Ready(call) => write(out, &ready(call)),
            Event::Done(response, finish) => {
                write(out, &Chunk::FinishStep);
                let ChatResponse { session, degraded, journal, .. } = response;
                let data = SessionData {
                    turn: None,
                    session: Some(session),
                    degraded: *degraded,
                    journal: journal.as_deref(),
                };
                write(out, &Chunk::DataSession { data, transient: true });
                if response.stopped {
                    write(out, &Chunk::Abort { reason: "stopped" });
                } else {
                    write(out, &Chunk::Finish { finish_reason: finish });
                }
                write_event(out, None, "", "[DONE]");
            }
            // Its requests come to a session, always.
            Event::Unkept(_) => write_event(out, None, "", "[DONE]"),
            Event::Failed(problem) => {
                // As an answer that isn't a stream: the client makes its body the error's message.
                let error_text = serde_json::to_string(problem).unwrap_or_default();
                write(out, &Chunk::Error { error_text: &error_text });
                write_event(out, None, "", "[DONE]");
            }
        }
    }
}

impl Encoder {
    fn end_text(&mut self, out: &mut String) {
        if let Some(id) = self.text.take() {
            write(out, &Chunk::TextEnd { id: &id });
        }
    }
}

fn ready(call: &ToolCall) -> Chunk<'_> {
    match call.json() {
        Some(input) => Chunk::ToolInputAvailable { tool_call_id: &call.id, tool_name: &call.name, input },
        None => Chunk::ToolInputError {
            tool_call_id: &call.id,
            tool_name: &call.name,
            input: &call.input,
            error_text: NOT_JSON,
        },
    }
}

fn write(out: &mut String, chunk: &Chunk) {
    // Raw JSON inside may have line breaks, between its tokens only: there a space means the same.
    let json = serde_json::to_string(chunk).unwrap_or_default().replace(['\n', '\r'], " ");
    write_event(out, None, "", &json);
}

/// A stored message as the AI SDK has it.
#[must_use]
pub fn message(message: &Message) -> Option<Raw> {
    #[derive(Serialize)]
    struct UiMessage<'a> {
        id: &'a MessageId,
        role: Role,
        metadata: Box<RawValue>,
        parts: Box<RawValue>,
    }
    let text = || serde_json::json!([{"type": "text", "text": message.content}]).to_string();
    let parts = match &message.parts {
        Some(parts) => parts.clone(),
        None => RawValue::from_string(text()).ok()?,
    };
    let metadata = RawValue::from_string(metadata_of(message)).ok()?;
    let message = UiMessage { id: &message.id, role: message.role, metadata, parts };
    Raw::parse(serde_json::to_string(&message).ok()?)
}

/// The metadata of a message as it is stored, with the members that it lacks.
fn metadata_of(message: &Message) -> String {
    let given = message.metadata.as_ref().map_or("{}", |metadata| metadata.get());
    // What was stored before half characters were refused may still have some.
    let given = json::without_halves(given);
    let names: BTreeMap<String, IgnoredAny> = serde_json::from_str(&given).unwrap_or_default();
    let status = message.status.map(Status::as_str);
    let mut text = given.trim().strip_suffix('}').unwrap_or("{").trim_end().to_owned();
    for (name, value) in [("createdAt", Some(message.created.as_str())), ("status", status)] {
        let Some(value) = value.filter(|_| !names.contains_key(name)) else { continue };
        if !text.ends_with('{') {
            text.push(',');
        }
        let value = serde_json::to_string(value).unwrap_or_default();
        text.push_str(&format!("\"{name}\":{value}"));
    }
    text.push('}');
    text
}

/// A source as a part of a message: with its address, or none of the AI SDK's parts fits.
pub(super) fn source_part(source: &RawSource, number: usize) -> Option<String> {
    #[derive(Deserialize)]
    struct Source {
        url: Option<String>,
        title: Option<String>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Part {
        r#type: &'static str,
        source_id: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    }
    let Source { url, title } = serde_json::from_str(source.get()).ok()?;
    let part = Part { r#type: "source-url", source_id: format!("source-{number}"), url: url?, title };
    serde_json::to_string(&part).ok()
}

/// A tool's call as a part of a message. An input that is not JSON is kept as it came, with what is wrong with it.
pub(super) fn call_part(call: &ToolCall) -> Option<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Part<'a> {
        r#type: String,
        tool_call_id: &'a str,
        state: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        raw_input: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_text: Option<&'a str>,
    }
    let input = call.json();
    let is_error = input.is_none();
    let part = Part {
        r#type: format!("tool-{}", call.name),
        tool_call_id: &call.id,
        state: if is_error { "output-error" } else { "input-available" },
        input,
        raw_input: is_error.then_some(call.input.as_str()),
        error_text: is_error.then_some(NOT_JSON),
    };
    serde_json::to_string(&part).ok()
}

const NOT_JSON: &str = "the input is not JSON";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_passed_on_as_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let of = |metadata: &str, status| -> Result<String, Box<dyn std::error::Error>> {
            let plain = Message::new(MessageId::parse("m")?, Role::User, "x".into(), "T".into());
            let metadata = Some(RawValue::from_string(metadata.to_owned())?);
            Ok(message(&Message { metadata, status, ..plain }).ok_or("a message")?.get().to_owned())
        };
        for (metadata, expected) in [
            ("{}", r#"{"createdAt":"T"}"#),
            (
                r#"{ "z":123456789012345678901,"a":0.10,"x":1e400 }"#,
                r#"{ "z":123456789012345678901,"a":0.10,"x":1e400,"createdAt":"T"}"#,
            ),
            (r#"{"half":"\ud83d"}"#, r#"{"half":"\ufffd","createdAt":"T"}"#),
            (r#"{"createdAt":"mine"}"#, r#"{"createdAt":"mine"}"#),
        ] {
            let text = of(metadata, None)?;
            assert!(text.contains(&format!("\"metadata\":{expected},\"parts\"")), "{text}");
        }
        assert!(of("{}", Some(Status::Stopped))?.contains(r#"{"createdAt":"T","status":"stopped"}"#));
        assert!(of(r#"{"status":1}"#, Some(Status::Stopped))?.contains(r#"{"status":1,"createdAt":"T"}"#));
        Ok(())
    }
}
