//! What the readers of a stream are shown, in order.

use super::Finish;
use crate::depth::is_deeper;
use crate::id::{MessageId, SessionId};
use crate::json;
use crate::limits::JSON_DEPTH;
use crate::wire::{ChatResponse, IncognitoResponse, ProblemBody, Raw};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How a stream begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The session; an incognito turn has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The user message that is answered.
    pub message_id: MessageId,
    /// The id that the reply will have.
    pub reply_id: MessageId,
    /// This turn opened the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
    /// Redis can't be reached, and has not got the message yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
}

impl Opened {
    /// The answer to a turn that is kept nowhere.
    #[must_use]
    pub fn unkept(&self, response: String, finish: Option<Finish>) -> IncognitoResponse {
        let (message_id, reply_id) = (self.message_id.clone(), self.reply_id.clone());
        IncognitoResponse { response, message_id, reply_id, incognito: true, finish }
    }
}

/// How a stream ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The reply is stored.
    Done(Box<ChatResponse>),
    /// It is whole, and kept nowhere.
    Unkept(Box<IncognitoResponse>),
    /// It failed.
    Failed(Box<ProblemBody>),
}

/// What readers are shown, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// The turn runs; always the first.
    Turn(&'a Opened),
    /// More text.
    Text(&'a str),
    /// A source, a JSON object.
    Source(&'a RawSource),
    /// A tool will be called.
    Call(&'a ToolCall),
    /// More of its input.
    Input(&'a ToolCall, &'a str),
    /// Its input is whole.
    Ready(&'a ToolCall),
    /// The reply is stored.
    Done(&'a ChatResponse, Finish),
    /// The reply is whole, and kept nowhere.
    Unkept(&'a IncognitoResponse),
    /// It failed.
    Failed(&'a ProblemBody),
}

/// A source as it came.
pub type RawSource = Raw;

/// A tool that shall be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    pub(super) number: u64,
    /// Its id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What has come of its input.
    pub input: String,
}

impl ToolCall {
    /// The input, when it is JSON. No input at all is an empty object.
    #[must_use]
    pub fn json(&self) -> Option<Box<RawValue>> {
        let text = if self.input.trim().is_empty() { "{}" } else { &self.input };
        if is_deeper(text, JSON_DEPTH) {
            return None;
        }
        RawValue::from_string(text.to_owned()).ok().map(json::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_of_a_tool_is_kept_compactly() {
        let json = |input: &str| ToolCall { input: input.to_owned(), ..ToolCall::default() }.json();
        let text = |input: &str| json(input).map(|json| json.get().to_owned());
        assert_eq!(text("{\n  \"city\": \"Brno \\ud83d\"\n}").as_deref(), Some(r#"{"city":"Brno \ufffd"}"#));
        assert_eq!(text(" ").as_deref(), Some("{}"));
        assert!(json("{\"city\":").is_none() && json(&format!("{}{}", "[".repeat(65), "]".repeat(65))).is_none());
    }
}
