//! A streamed answer of an API of the form of `OpenAI`'s `chat/completions`.

use super::{Failure, Finish, Piece, ReplyReader};
use crate::error::Code;
use crate::limits::MOST_MESSAGE_BYTES;
use crate::sse::{SseEvent, SseReader};
use crate::wire::Raw;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most bytes of one chunk: far more than any API sends, for what it makes of a whole reply must pass.
const CHUNK: usize = 2 * MOST_MESSAGE_BYTES;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Box<RawValue>>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    code: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: u64,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Annotation {
    url_citation: Option<Box<RawValue>>,
}

/// Reads its chunks.
#[derive(Debug)]
pub struct Completions {
    /// None when a whole event was too long.
    events: Option<SseReader>,
    finished: bool,
    done: bool,
}

impl Default for Completions {
    fn default() -> Self {
        Self { events: Some(SseReader::new(CHUNK)), finished: false, done: false }
    }
}

impl Completions {
    fn take(&mut self, event: &SseEvent, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let data = event.data.trim();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let malformed = |_| Failure::responder("the model's API sent a chunk that can't be read");
        let chunk: Chunk = serde_json::from_str(data).map_err(malformed)?;
        if let Some(error) = chunk.error {
            return Err(failed(&error));
        }
        if event.name == "error" {
            return Err(Failure::responder("the model's API reported an error"));
        }
        pieces.extend(chunk.usage.filter(|usage| usage.get() != "null").map(|usage| Piece::Usage(Raw(usage))));
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.choose(choice, pieces);
        }
        Ok(())
    }

    fn choose(&mut self, choice: Choice, pieces: &mut Vec<Piece>) {
        if let Some(delta) = choice.delta {
            for text in [delta.content, delta.refusal].into_iter().flatten().filter(|text| !text.is_empty()) {
                match pieces.last_mut() {
                    Some(Piece::Text(last)) => last.push_str(&text),
                    _ => pieces.push(Piece::Text(text)),
                }
            }
            for call in delta.tool_calls.into_iter().flatten() {
                let function = call.function.unwrap_or(FunctionDelta { name: None, arguments: None });
                let name = function.name.filter(|name| !name.is_empty());
                pieces.push(Piece::Tool {
                    call: call.index,
                    named: name.map(|name| (call.id.unwrap_or_else(|| format!("call-{}", call.index)), name)),
                    input: function.arguments.unwrap_or_default(),
                });
            }
            let cited = delta.annotations.into_iter().flatten().filter_map(|annotation| annotation.url_citation);
            pieces.extend(cited.map(|source| Piece::Source(Raw(source))));
        }
        if let Some(reason) = choice.finish_reason {
            self.finished = true;
            pieces.push(Piece::Finish(match reason.as_str() {
                "stop" => Finish::Stop,
                "length" => Finish::Length,
                "content_filter" => Finish::ContentFilter,
                "tool_calls" | "function_call" => Finish::ToolCalls,
                _ => Finish::Other,
            }));
        }
    }
}

impl ReplyReader for Completions {
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let too_long = |_| Failure::responder("the model's API sent a chunk that is too long");
        let events = self.events.as_mut().map_or(Ok(Vec::new()), |events| events.read(bytes).map_err(too_long))?;
        events.iter().try_for_each(|event| self.take(event, pieces))
    }

    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        if let Some(event) = self.events.take().and_then(SseReader::end) {
            self.take(&event, pieces)?;
        }
        // Some APIs leave out the last line, some the reason; without both, the answer was cut off.
        if self.done || self.finished { Ok(()) } else { Err(Failure::responder("the model's API broke off")) }
    }

    fn is_whole(&self) -> bool {
        self.done
    }
}

fn failed(error: &ApiError) -> Failure {
    let code = error.code.as_ref().map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
    match code.as_deref() {
        Some("429" | "503" | "529" | "rate_limit_exceeded" | "overloaded_error") => {
            Failure { code: Code::ResponderBusy, detail: "the model's API says that it is busy".to_owned() }
        }
        _ => Failure::responder("the model's API reported an error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> (Vec<Piece>, Result<(), Code>) {
        let mut reader = Completions::default();
        let mut pieces = Vec::new();
        let read = parts.iter().try_for_each(|part| reader.read(part.as_bytes(), &mut pieces));
        let ended = read.and_then(|()| reader.end(&mut pieces));
        (pieces, ended.map_err(|failure| failure.code))
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"He\"}}]}\n\n";

    #[test]
    fn texts_usage_and_the_end_are_read() {
        let (pieces, ended) = read(&[
            ": OPENROUTER PROCESSING\n\n",
            HELLO,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":null}],\"obfuscation\":\"x\"}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"!\"}}],\"usage\":null}\n\n",
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}},{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"total_tokens\": 3}}\n\ndata: [DONE]\n\n",
        ]);
        let usage = Piece::Usage(Raw::parse("{\"total_tokens\": 3}".into()).unwrap());
        assert_eq!(pieces, [text("Hello!"), Piece::Finish(Finish::Length), usage]);
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn tool_calls_pass_through() {
        let (pieces, ended) = read(&[
            "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
        ]);
        let named = Some(("c1".to_owned(), "f".to_owned()));
        let call = |named, input: &str| Piece::Tool { call: 0, named, input: input.into() };
        assert_eq!(pieces, [call(named, ""), call(None, "{}"), Piece::Finish(Finish::ToolCalls)]);
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn what_breaks_off_says_so_and_keeps_what_came() {
        let failed = Err(Code::ResponderFailed);
        for (then, expected) in [
            ("", failed),
            ("data: {\"choices\":[{\"del", failed),
            ("data: <html>\n\n", failed),
            ("data: {\"error\":{\"message\":\"secret words\",\"code\":500}}\n\n", failed),
            ("event: error\ndata: {\"message\":\"secret words\"}\n\n", failed),
            ("data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", Err(Code::ResponderBusy)),
            ("data: {\"error\":{\"code\":529}}\n\n", Err(Code::ResponderBusy)),
            ("data: [DONE]\n\ndata: nonsense after the end\n\n", Ok(())),
        ] {
            let (pieces, ended) = read(&[HELLO, then]);
            assert_eq!((pieces, ended), (vec![text("He")], expected), "{then}");
        }
        let endless = format!("data: {}", "x".repeat(CHUNK));
        assert_eq!(read(&[HELLO, &endless]), (vec![text("He")], failed));
    }
}
