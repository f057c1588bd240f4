//! Responders: what answers a turn. Here is what they are asked and what their answers mean; asking is the shell's.

mod said;

use crate::error::Code;
use crate::limits::MOST_MESSAGE_BYTES;
use crate::message::{Message, Role};
use crate::stream::webhook::Webhook;
use crate::stream::{Failure, Piece, ReplyReader};
use crate::summary::told;
use crate::wire::Raw;
use said::{Said, said};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// What answers.
#[derive(Debug, Clone)]
pub enum Responder {
    /// Says back what it remembers, so that memory can be seen.
    Echo,
    /// Any API of the form of `OpenAI`'s `chat/completions`.
    ChatCompletions(ChatCompletions),
    /// An agent of one's own.
    Webhook(Webhook),
}

impl Responder {
    /// What comes before the window.
    #[must_use]
    pub fn prompt(&self) -> &str {
        match self {
            Responder::Echo | Responder::Webhook(_) => "",
            Responder::ChatCompletions(api) => api.system_prompt.as_deref().unwrap_or_default(),
        }
    }
}

/// Where and how to ask such an API.
#[derive(Clone)]
pub struct ChatCompletions {
    /// The whole URL.
    pub url: String,
    /// Its key; local ones need none.
    pub key: Option<String>,
    /// The model's name.
    pub model: String,
    /// What comes before the window.
    pub system_prompt: Option<String>,
    /// More members of the request, such as `temperature`.
    pub parameters: Map<String, Value>,
}

impl fmt::Debug for ChatCompletions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatCompletions").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}

/// The earlier user messages that the echo quotes, and how many characters of each.
const QUOTED: (usize, usize) = (3, 80);

/// How much of a message the echo says back, in characters: its reply must fit where the longest message does.
const ECHOED: usize = 50_000;

/// The echo's answer to the last message of a window.
#[must_use]
pub fn echo(window: &[Message]) -> String {
    let Some((last, earlier)) = window.split_last() else { return String::new() };
    let said: Vec<_> = earlier.iter().filter(|message| message.role == Role::User).collect();
    let end = last.content.char_indices().nth(ECHOED).map(|(at, _)| at);
    let answer = match end.and_then(|end| last.content.get(..end)) {
        Some(beginning) => format!("You said: {beginning}…"),
        None => format!("You said: {}", last.content),
    };
    if said.is_empty() {
        return format!("{answer}\n\nThat is the first thing you have told me in this chat.");
    }
    let quotes: Vec<_> = said.iter().rev().take(QUOTED.0).rev().map(|message| quote(&message.content)).collect();
    let plural = if earlier.len() == 1 { "message" } else { "messages" };
    format!(
        "{answer}\n\nI remember {} earlier {plural}. Before this you said {}.",
        earlier.len(),
        quotes.join(", then ")
    )
}

fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(QUOTED.1).collect();
    if short.len() < line.len() { format!("“{}…”", short.trim_end()) } else { format!("“{line}”") }
}

/// The echo's answer as it would come from a model: word by word.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

impl ChatCompletions {
    /// The request's body: the system prompt with a summary of what came before, and the window. A stream shall also tell what was
    /// counted.
    #[must_use]
    pub fn body(&self, window: &[Message], summary: Option<&str>, stream: bool) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            model: &'a str,
            messages: Vec<Said<'a>>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            stream: bool,
            #[serde(flatten)]
            parameters: &'a Map<String, Value>,
        }
        let language = window.last().and_then(Message::language).map(|tag| format!("Answer in the language {tag}."));
        let summary = summary.map(told);
        let prompts = [self.system_prompt.as_deref(), language.as_deref(), summary.as_deref()];
        let prompt: Vec<&str> = prompts.into_iter().flatten().collect();
        let prompt = prompt.join("\n\n");
        let system = (!prompt.is_empty()).then(|| Said::text(Role::System, &prompt));
        let said = window.iter().flat_map(said);
        let mut parameters = self.parameters.clone();
        let model = parameters.remove("model");
        let model = model.as_ref().and_then(Value::as_str).unwrap_or(&self.model);
        if stream {
            parameters.entry("stream_options").or_insert_with(|| serde_json::json!({"include_usage": true}));
        }
        // An API that knows none is given none.
        parameters.retain(|name, value| name != "stream_options" || (stream && !value.is_null()));
        let body = Body { model, messages: system.into_iter().chain(said).collect(), stream, parameters: &parameters };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// Reads an answer of `chat/completions`: its text, and what was counted.
///
/// # Errors
/// The code of the problem and what to say of it, which never quotes the answer.
pub fn read_completion(status: u16, body: &str) -> Result<(String, Option<Raw>), (Code, String)> {
    #[derive(Deserialize)]
    struct Body {
        choices: Vec<Choice>,
        #[serde(default)]
        usage: Option<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Choice {
        message: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        content: Option<String>,
        #[serde(default)]
        refusal: Option<String>,
    }
    match status {
        200..=299 => {}
        429 | 503 | 529 => return Err((Code::ResponderBusy, format!("the model's API answered {status}"))),
        401 | 403 => return Err((Code::ResponderFailed, format!("the model's API refuses the key ({status})"))),
        408 | 504 => return Err((Code::ResponderTimeout, format!("the model's API answered {status}"))),
        _ => return Err((Code::ResponderFailed, format!("the model's API answered {status}"))),
    }
    let nonsense = || (Code::ResponderFailed, "the model's API answered something else than a completion".to_owned());
    let body: Body = serde_json::from_str(body).map_err(|_| nonsense())?;
    let usage = body.usage.filter(|usage| usage.get() != "null").map(Raw);
    let said = body.choices.into_iter().next().ok_or_else(nonsense)?.message;
    let text = said.content.filter(|text| !text.is_empty()).or(said.refusal).filter(|text| !text.is_empty());
    text.map(|text| (text, usage))
        .ok_or_else(|| (Code::ResponderFailed, "the model's API answered an empty completion".to_owned()))
}

/// How many tokens a model's API counted for a turn: in all, or for what it was shown and what it said.
#[must_use]
pub fn tokens_used(usage: &Raw) -> u64 {
    #[derive(Deserialize)]
    struct Usage {
        total_tokens: Option<u64>,
        #[serde(default, alias = "input_tokens")]
        prompt_tokens: u64,
        #[serde(default, alias = "output_tokens")]
        completion_tokens: u64,
    }
    let sum = |usage: Usage| usage.total_tokens.unwrap_or(usage.prompt_tokens.saturating_add(usage.completion_tokens));
    // Below what every store counts exactly.
    serde_json::from_str(usage.get()).map_or(0, sum).min(1 << 40)
}

/// Reads a whole answer of `chat/completions`, for who asked for a stream and got none.
#[derive(Debug)]
pub struct WholeCompletion {
    status: u16,
    held: Vec<u8>,
}

impl WholeCompletion {
    /// Of an answer with this status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, held: Vec::new() }
    }
}

impl ReplyReader for WholeCompletion {
    fn read(&mut self, bytes: &[u8], _: &mut Vec<Piece>) -> Result<(), Failure> {
        if self.held.len() + bytes.len() > WHOLE_COMPLETION {
            return Err(Failure::responder("the model's API answered too much"));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let (text, usage) = read_completion(self.status, &String::from_utf8_lossy(&self.held))?;
        pieces.push(Piece::Text(text));
        pieces.extend(usage.map(Piece::Usage));
        Ok(())
    }

    fn is_whole(&self) -> bool {
        false
    }
}

/// The most bytes of a whole completion: a reply of the most bytes, escaped, and as much beside it.
const WHOLE_COMPLETION: usize = 8 * MOST_MESSAGE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{InvalidId, MessageId};

    fn said(role: Role, content: &str) -> Result<Message, InvalidId> {
        let id = MessageId::parse("m")?;
        Ok(Message::new(id, role, content.into(), String::new()))
    }

    #[test]
    fn the_echo_shows_its_memory() -> Result<(), InvalidId> {
        let mut window = vec![said(Role::User, "Ahoj")?];
        assert_eq!(echo(&window), "You said: Ahoj\n\nThat is the first thing you have told me in this chat.");
        window.extend([said(Role::Assistant, "x")?, said(Role::User, "Ještě  něco")?]);
        assert_eq!(
            echo(&window),
            "You said: Ještě  něco\n\nI remember 2 earlier messages. Before this you said “Ahoj”."
        );
        assert_eq!(echo(&[]), "");
        let wall = echo(&[said(Role::User, &"ž".repeat(ECHOED + 1))?]);
        assert!(wall.starts_with(&format!("You said: {}…\n", "ž".repeat(ECHOED))));
        Ok(())
    }

    #[test]
    fn a_completion_request_has_prompt_window_and_parameters() -> Result<(), Box<dyn std::error::Error>> {
        let api = ChatCompletions {
            url: String::new(),
            key: None,
            model: "m".into(),
            system_prompt: Some("Be kind".into()),
            parameters: serde_json::from_str(r#"{"temperature":0.2}"#)?,
        };
        assert_eq!(
            api.body(&[said(Role::User, "Hi")?], None, false),
            r#"{"model":"m","messages":[{"role":"system","content":"Be kind"},{"role":"user","content":"Hi"}],"temperature":0.2}"#
        );
        let told = api.body(&[said(Role::User, "Hi")?], Some("Ada came."), false);
        assert!(told.contains(r#""content":"Be kind\n\nWhat was said before, in short:\nAda came.""#), "{told}");
        Ok(())
    }

    #[test]
    fn completions_are_read_and_failures_told_apart() {
        let text = |status, body| read_completion(status, body).map(|(text, _)| text).map_err(|(code, _)| code);
        assert_eq!(text(200, r#"{"choices":[{"message":{"role":"assistant","content":"Hi"}}]}"#), Ok("Hi".into()));
        let counted = r#"{"choices":[{"message":{"content":"Hi"}}],"usage":{"total_tokens":7}}"#;
        let usage = read_completion(200, counted).ok().and_then(|(_, usage)| usage);
        assert_eq!(usage.as_ref().map(tokens_used), Some(7));
        let parts = Raw::parse(r#"{"input_tokens":3,"output_tokens":4}"#.to_owned());
        assert_eq!(
            (parts.as_ref().map(tokens_used), Raw::parse("[]".to_owned()).as_ref().map(tokens_used)),
            (Some(7), Some(0))
        );
        assert_eq!(text(200, r#"{"choices":[]}"#), Err(Code::ResponderFailed));
        assert_eq!(text(200, r#"{"choices":[{"message":{"content":null}}]}"#), Err(Code::ResponderFailed));
        assert_eq!(text(200, "<html>"), Err(Code::ResponderFailed));
        assert_eq!(text(429, ""), Err(Code::ResponderBusy));
        assert_eq!(text(500, ""), Err(Code::ResponderFailed));
        assert_eq!(text(504, ""), Err(Code::ResponderTimeout));
    }
}
