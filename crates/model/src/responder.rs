//! Responders: what answers a turn. Here is what they are asked and what their answers mean; asking is the shell's.

mod conversation;

pub use conversation::Questions;

use crate::message::{Message, Role};
use crate::stream::webhook::Webhook;
use crate::summary::told;
use crate::wire::Raw;
use conversation::{RequestMessage, conversation};
use serde::{Deserialize, Serialize};
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
    pub fn body(&self, window: &[Message], questions: Questions, summary: Option<&str>, stream: bool) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            model: &'a str,
            messages: Vec<RequestMessage>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            stream: bool,
            #[serde(flatten)]
            parameters: &'a Map<String, Value>,
        }
        let language = window.last().and_then(Message::language).map(|tag| format!("Answer in the language {tag}."));
        let summary = summary.map(told);
        let prompts = [self.system_prompt.as_deref(), language.as_deref(), summary.as_deref()];
        let prompt: Vec<&str> = prompts.into_iter().flatten().collect();
        let messages = conversation(&prompt.join("\n\n"), window, questions);
        let mut parameters = self.parameters.clone();
        let model = parameters.remove("model");
        let model = model.as_ref().and_then(Value::as_str).unwrap_or(&self.model);
        if stream {
            parameters.entry("stream_options").or_insert_with(|| serde_json::json!({"include_usage": true}));
        }
        // An API that knows none is given none.
        parameters.retain(|name, value| name != "stream_options" || (stream && !value.is_null()));
        let body = Body { model, messages, stream, parameters: &parameters };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// Whether an API that refuses a window with this status may take it without the questions that nobody answered.
    #[must_use]
    pub fn can_be_shortened(status: u16, window: &[Message]) -> bool {
        matches!(status, 400 | 413 | 422) && conversation::has_unanswered(window)
    }
}

/// How many tokens a model's API counted for a turn: in all, or for what it was shown and what it said.
#[must_use]
pub fn tokens_used(usage: &Raw) -> u64 {
    #[derive(Deserialize)]
    struct Usage {
        total_tokens: Option<u64>,
        #[serde(alias = "input_tokens")]
        prompt_tokens: Option<u64>,
        #[serde(alias = "output_tokens")]
        completion_tokens: Option<u64>,
    }
    let sum = |usage: Usage| {
        let parts = usage.prompt_tokens.unwrap_or(0).saturating_add(usage.completion_tokens.unwrap_or(0));
        usage.total_tokens.unwrap_or(parts)
    };
    // Below what every store counts exactly.
    serde_json::from_str(usage.get()).map_or(0, sum).min(1 << 40)
}

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
            api.body(&[said(Role::User, "Hi")?], Questions::All, None, false),
            r#"{"model":"m","messages":[{"role":"system","content":"Be kind"},{"role":"user","content":"Hi"}],"temperature":0.2}"#
        );
        let told = api.body(&[said(Role::User, "Hi")?], Questions::All, Some("Ada came."), false);
        assert!(told.contains(r#""content":"Be kind\n\nWhat was said before, in short:\nAda came.""#), "{told}");
        Ok(())
    }

    #[test]
    fn tokens_are_counted_in_all_or_in_parts() {
        let used = |json: &str| Raw::parse(json.to_owned()).as_ref().map(tokens_used);
        assert_eq!(used(r#"{"total_tokens":7}"#), Some(7));
        assert_eq!(used(r#"{"input_tokens":3,"output_tokens":4}"#), Some(7));
        assert_eq!(used(r#"{"prompt_tokens":null,"completion_tokens":4}"#), Some(4));
        assert_eq!(used("[]"), Some(0));
    }
}
