//! An answer of an API of the form of `OpenAI`'s `chat/completions`: one JSON text, or a stream of chunks.
//!
//! Servers of this form differ in all that a client need not know. Unknown members, nulls and other types than expected are skipped;
//! what is said is taken from wherever it stands. Reasoning is not kept.

use super::body::{AnswerBody, BodyEnd, BodyLimits};
use super::calls::ToolCalls;
use super::failure::{ErrorCause, is_error};
use super::{Failure, Finish, Piece, ReplyReader};
use crate::json::{self, TextJoiner};
use crate::limits::MOST_MESSAGE_BYTES;
use crate::sse::SseEvent;
use crate::wire::Raw;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The most bytes of a whole answer, and of one chunk: far more than any API sends, for what it makes of a whole reply must pass.
const LIMITS: BodyLimits = BodyLimits { json: 8 * MOST_MESSAGE_BYTES, event: 2 * MOST_MESSAGE_BYTES };

const WHO: &str = "the model's API";

/// A chunk, or a whole completion.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    /// In place of the delta: of a whole completion, and of some servers' last chunk.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    /// In place of both: the form of completions without a chat.
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
}

/// An element of a content that is a list.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContentPart<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotation<'a> {
    #[serde(borrow)]
    url_citation: Option<&'a RawValue>,
}

/// Reads the answer.
#[derive(Debug)]
pub struct Completions {
    body: AnswerBody,
    joiner: TextJoiner,
    calls: ToolCalls,
    finish: Option<Finish>,
    /// Something was read that is of this form.
    is_begun: bool,
    has_text: bool,
    has_reasoning: bool,
    is_done: bool,
}

impl Default for Completions {
    fn default() -> Self {
        Self {
            body: AnswerBody::new(LIMITS),
            joiner: TextJoiner::default(),
            calls: ToolCalls::default(),
            finish: None,
            is_begun: false,
            has_text: false,
            has_reasoning: false,
            is_done: false,
        }
    }
}

impl Completions {
    /// Takes an event; returns whether it says something.
    fn take_event(&mut self, event: &SseEvent, pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        let data = event.data.trim();
        if self.is_done || data.is_empty() {
            return Ok(false);
        }
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(true);
        }
        self.is_begun = true;
        let mended;
        let chunk = match json::object::<Chunk>(data) {
            Some(chunk) => chunk,
            // Half a character in the name of a member, or no object: that is nothing to fail about.
            None => {
                mended = json::without_halves(data);
                let malformed = |_| Failure::responder("the model's API sent a chunk that can't be read");
                serde_json::from_str::<IgnoredAny>(&mended).map_err(malformed)?;
                json::object(&mended).unwrap_or_default()
            }
        };
        let reports = chunk.error.is_some_and(is_error);
        if reports || event.name == "error" {
            return Err(Failure::of_error(WHO, &ErrorCause::of_body(data)));
        }
        self.take_usage(&chunk, pieces);
        for choice in choices(&chunk).filter(|choice| number(choice) == 0) {
            self.take_choice(&choice, pieces);
        }
        Ok(true)
    }

    /// Takes a whole completion.
    fn take_whole(&mut self, body: &str, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let mended = json::without_halves(body);
        let chunk = json::object::<Chunk>(body).or_else(|| json::object(&mended));
        let chunk = chunk.ok_or_else(nonsense)?;
        if chunk.error.is_some_and(is_error) {
            return Err(Failure::of_error(WHO, &ErrorCause::of_body(body)));
        }
        let choice = choices(&chunk).min_by_key(number).ok_or_else(nonsense)?;
        self.is_begun = true;
        self.is_done = true;
        self.take_choice(&choice, pieces);
        self.take_usage(&chunk, pieces);
        Ok(())
    }

    fn take_usage(&self, chunk: &Chunk, pieces: &mut Vec<Piece>) {
        let Some(usage) = chunk.usage.filter(|usage| usage.get().starts_with('{')) else { return };
        // Outputs never contain null.
        let counted = if usage.get().contains("null") { non_null(usage) } else { Raw::parse(usage.get().to_owned()) };
        pieces.extend(counted.map(Piece::Usage));
    }

    fn take_choice(&mut self, choice: &Choice, pieces: &mut Vec<Piece>) {
        let said = choice.delta.or(choice.message).and_then(|said| json::object::<Delta>(said.get()));
        if let Some(delta) = said {
            self.take_delta(&delta, pieces);
        }
        if let Some(text) = choice.text {
            self.take_text(text, pieces);
        }
        let reason = choice.finish_reason.and_then(json::string).filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            let finish = Finish::of_reason(&reason);
            self.finish = Some(finish);
            pieces.push(Piece::Finish(finish));
        }
    }

    fn take_delta(&mut self, delta: &Delta, pieces: &mut Vec<Piece>) {
        let thoughts = [delta.reasoning_content, delta.reasoning, delta.reasoning_details];
        self.has_reasoning |= thoughts.into_iter().flatten().any(|thought| !matches!(thought.get(), "\"\"" | "[]"));
        for said in [delta.content, delta.refusal].into_iter().flatten() {
            self.take_content(said, pieces);
        }
        for call in delta.tool_calls.map(json::elements).unwrap_or_default() {
            self.calls.push(call, pieces);
        }
        if let Some(call) = delta.function_call {
            self.calls.push_legacy(call, pieces);
        }
        for annotation in delta.annotations.map(json::elements).unwrap_or_default() {
            let cited = json::object::<Annotation>(annotation.get()).and_then(|annotation| annotation.url_citation);
            let cited = cited.filter(|cited| cited.get().starts_with('{'));
            pieces.extend(
                cited.and_then(|cited| Raw::parse(json::without_halves(cited.get()).into_owned())).map(Piece::Source),
            );
        }
    }

    /// Takes a content: a text, or a list of parts.
    fn take_content(&mut self, content: &RawValue, pieces: &mut Vec<Piece>) {
        if !content.get().starts_with('[') {
            return self.take_part(content, pieces);
        }
        for part in json::elements(content) {
            self.take_part(part, pieces);
        }
    }

    fn take_part(&mut self, part: &RawValue, pieces: &mut Vec<Piece>) {
        let Some(ContentPart { kind, text, refusal }) = json::object(part.get()) else {
            return self.take_text(part, pieces);
        };
        match kind.and_then(json::string).as_deref() {
            None | Some("text" | "output_text" | "refusal") => {
                for text in [text, refusal].into_iter().flatten() {
                    self.take_text(text, pieces);
                }
            }
            Some("thinking" | "reasoning" | "redacted_thinking") => self.has_reasoning = true,
            _ => {}
        }
    }

    fn take_text(&mut self, text: &RawValue, pieces: &mut Vec<Piece>) {
        push_text(pieces, self.joiner.push(text).unwrap_or_default());
        self.has_text |= matches!(pieces.last(), Some(Piece::Text(_)));
    }

    /// The reply is whole: what is left over, or why there is nothing of it.
    fn complete(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        push_text(pieces, self.joiner.end().map(String::from).unwrap_or_default());
        self.calls.end(pieces);
        let has_text = self.has_text || matches!(pieces.last(), Some(Piece::Text(_)));
        if has_text || !self.calls.is_empty() {
            return Ok(());
        }
        Err(Failure::responder(match (self.finish, self.has_reasoning) {
            (Some(Finish::Length), true) => {
                "the model reached its limit of tokens while it reasoned, and answered nothing"
            }
            (Some(Finish::Length), false) => "the model reached its limit of tokens before it answered",
            (Some(Finish::ContentFilter), _) => "the model's API filtered out the whole answer",
            (_, true) => "the model reasoned, and answered nothing",
            _ => "the model's API answered an empty completion",
        }))
    }
}

impl ReplyReader for Completions {
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        let too_long = |_| Failure::responder("the model's API answered too much at once");
        let events = self.body.read(bytes).map_err(too_long)?;
        let mut is_heard = false;
        for event in &events {
            is_heard |= self.take_event(event, pieces)?;
        }
        Ok(is_heard)
    }

    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        match self.body.end() {
            BodyEnd::Json(text) => self.take_whole(&text, pieces)?,
            BodyEnd::Event(event) => drop(self.take_event(&event, pieces)?),
            BodyEnd::Nothing => {}
        }
        if !self.is_begun && !self.is_done {
            return Err(nonsense());
        }
        // Some APIs leave out the last line, some the reason; without both, the answer was cut off.
        if self.is_done || self.finish.is_some() {
            self.complete(pieces)
        } else {
            self.calls.end(pieces);
            Err(Failure::responder("the model's API broke off"))
        }
    }

    fn is_whole(&self) -> bool {
        self.is_done
    }

    fn is_finished(&self) -> bool {
        self.finish.is_some()
    }
}

impl Finish {
    fn of_reason(reason: &str) -> Self {
        match reason {
            "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" => Finish::Stop,
            "length" | "max_tokens" | "max_output_tokens" | "model_length" => Finish::Length,
            "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
            reason if reason.starts_with("content_filter") => Finish::ContentFilter,
            _ => Finish::Other,
        }
    }
}

fn nonsense() -> Failure {
    Failure::responder("the model's API answered something else than a completion")
}

fn choices<'a>(chunk: &Chunk<'a>) -> impl Iterator<Item = Choice<'a>> {
    let choices = chunk.choices.map(json::elements).unwrap_or_default();
    choices.into_iter().filter_map(|choice| json::object(choice.get()))
}

fn number(choice: &Choice) -> u64 {
    choice.index.and_then(|index| index.get().parse().ok()).unwrap_or(0)
}

/// Adds a text to the last piece, where that is text.
fn push_text(pieces: &mut Vec<Piece>, text: String) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(&text),
        _ => pieces.push(Piece::Text(text)),
    }
}

fn non_null(usage: &RawValue) -> Option<Raw> {
    let mut usage = json::object(&json::without_halves(usage.get()))?;
    remove_nulls(&mut usage);
    Raw::parse(serde_json::to_string(&usage).ok()?)
}

fn remove_nulls(object: &mut Map<String, Value>) {
    object.retain(|_, value| !value.is_null());
    object.values_mut().filter_map(Value::as_object_mut).for_each(remove_nulls);
}

#[cfg(test)]
mod tests;
