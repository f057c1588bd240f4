//! The stored messages as `chat/completions` is shown them. Many of these APIs and templates refuse a conversation that doesn't begin with
//! the user, two messages in a row of one role, and a message without content; what is made here is none of that.

use crate::message::{Message, Role};
use crate::stream::Part;
use serde::Serialize;

/// One message of a request.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct RequestMessage {
    role: &'static str,
    /// None where tools are called without a word.
    content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ToolCall {
    id: String,
    r#type: &'static str,
    function: Function,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Function {
    name: String,
    arguments: String,
}

const SYSTEM: &str = "system";
const USER: &str = "user";
const ASSISTANT: &str = "assistant";
const TOOL: &str = "tool";

/// Which messages of a window a model is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    /// All of them.
    All,
    /// Without those that nobody answered, but the last: one of them may be why the model's API refuses the whole.
    Answered,
}

impl RequestMessage {
    fn text(role: &'static str, content: String) -> Self {
        Self { role, content: Some(content), tool_calls: Vec::new(), tool_call_id: None }
    }

    /// Adds what the same role says next.
    fn join(&mut self, next: Self) {
        let content = match (self.content.take(), next.content) {
            (Some(one), Some(other)) if one == other => Some(one),
            (Some(one), Some(other)) => Some(format!("{one}\n\n{other}")),
            (one, other) => one.or(other),
        };
        self.content = content;
        self.tool_calls.extend(next.tool_calls);
    }

    fn takes(&self, next: &Self) -> bool {
        self.role == next.role && self.role != TOOL && self.tool_calls.is_empty()
    }
}

/// Whether a window has a question before its last message that nobody answered.
#[must_use]
pub(super) fn has_unanswered(window: &[Message]) -> bool {
    unanswered(window).any(|is_unanswered| is_unanswered)
}

/// Of each message, whether it is a question that the next question followed at once.
fn unanswered(window: &[Message]) -> impl Iterator<Item = bool> {
    let is_said = |message: &&Message| message.role != Role::System && !shown(message).is_empty();
    window.iter().enumerate().map(move |(at, message)| {
        let next = window.get(at + 1..).and_then(|rest| rest.iter().find(is_said));
        message.role == Role::User && next.is_some_and(|next| next.role == Role::User)
    })
}

/// The conversation of a window after a prompt: what is instructed first, then the user and the assistant by turns.
pub(super) fn conversation(prompt: &str, window: &[Message], questions: Questions) -> Vec<RequestMessage> {
    let mut instructions: Vec<String> =
        Some(prompt.to_owned()).filter(|prompt| !prompt.is_empty()).into_iter().collect();
    let mut messages: Vec<RequestMessage> = Vec::new();
    let mut is_begun = false;
    for (message, is_unanswered) in window.iter().zip(unanswered(window)) {
        is_begun |= message.role == Role::User;
        match message.role {
            Role::System => instructions.push(message.content.clone()),
            // A reply whose question is no longer in the window says nothing by itself. Who spoke first in a chat said something.
            Role::Assistant if !is_begun => {
                let begins = message.parent.is_none() && !message.content.is_empty();
                instructions
                    .extend(begins.then(|| format!("Before the user's first message you said:\n{}", message.content)));
            }
            Role::User if is_unanswered && questions == Questions::Answered => {}
            _ => {
                for next in shown(message) {
                    match messages.last_mut() {
                        Some(last) if last.takes(&next) => last.join(next),
                        _ => messages.push(next),
                    }
                }
            }
        }
    }
    if !instructions.is_empty() {
        messages.insert(0, RequestMessage::text(SYSTEM, instructions.join("\n\n")));
    }
    messages
}

/// A message, in several where tools were called: a call without an answer would be refused, and is left out. None for an empty one.
fn shown(message: &Message) -> Vec<RequestMessage> {
    let role = if message.role == Role::User { USER } else { ASSISTANT };
    let plain = || {
        let content = Some(&message.content).filter(|content| !content.is_empty());
        content.map(|content| RequestMessage::text(role, content.clone())).into_iter().collect()
    };
    let Some(parts) = message.parts.as_ref().filter(|_| message.role == Role::Assistant) else { return plain() };
    let Ok(parts) = serde_json::from_str::<Vec<Part>>(parts.get()) else { return plain() };
    if !parts.iter().any(|part| part.result().is_some()) {
        return plain();
    }
    parts.split(|part| part.kind == "step-start").flat_map(step).collect()
}

/// A step of a reply: what it says and calls, and what the tools gave.
fn step(parts: &[Part]) -> Vec<RequestMessage> {
    let text: String = parts.iter().filter_map(Part::said).collect();
    let (mut tool_calls, mut results) = (Vec::new(), Vec::new());
    for part in parts {
        let (Some(id), Some(tool), Some(result)) = (&part.tool_call_id, part.tool(), part.result()) else { continue };
        let arguments = part.input.as_ref().map_or("{}", |input| input.get()).to_owned();
        let function = Function { name: tool.to_owned(), arguments };
        tool_calls.push(ToolCall { id: id.clone(), r#type: "function", function });
        let result = if result.is_empty() { "the tool failed".to_owned() } else { result };
        results.push(RequestMessage { tool_call_id: Some(id.clone()), ..RequestMessage::text(TOOL, result) });
    }
    let content = Some(text).filter(|text| !text.is_empty());
    let is_said = content.is_some() || !tool_calls.is_empty();
    let said = is_said.then_some(RequestMessage { role: ASSISTANT, content, tool_calls, tool_call_id: None });
    said.into_iter().chain(results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;
    use serde_json::value::RawValue;

    fn message(role: Role, content: &str) -> Message {
        Message::new(MessageId::mint(1), role, content.into(), String::new())
    }

    fn reply(content: &str) -> Message {
        Message { parent: Some(MessageId::mint(2)), ..message(Role::Assistant, content) }
    }

    fn question(content: &str) -> Message {
        message(Role::User, content)
    }

    fn parts(content: &str, parts: &str) -> Message {
        Message { parts: RawValue::from_string(parts.into()).ok(), ..reply(content) }
    }

    /// Roles and contents of what a window is shown as.
    fn said(window: &[Message], questions: Questions) -> Vec<String> {
        let all = conversation("", window, questions);
        let content = |message: &RequestMessage| message.content.clone().unwrap_or_else(|| "calls".into());
        all.iter().map(|message| format!("{}: {}", message.role, content(message))).collect()
    }

    #[test]
    fn the_user_begins_and_roles_alternate() {
        let window = [reply("r0"), question("q1"), question("q2"), reply("r2"), reply("r3"), question("q4")];
        assert_eq!(said(&window, Questions::All), ["user: q1\n\nq2", "assistant: r2\n\nr3", "user: q4"]);
        assert_eq!(said(&window, Questions::Answered), ["user: q2", "assistant: r2\n\nr3", "user: q4"]);
        assert!(has_unanswered(&window) && !has_unanswered(&window[2..]));
        // The same said twice is said once.
        assert_eq!(said(&[question("q"), question("q")], Questions::All), ["user: q"]);
    }

    #[test]
    fn instructions_come_first_and_a_greeting_with_them() {
        let greeting = message(Role::Assistant, "Tea or coffee?");
        let window = [greeting, question("q1"), message(Role::System, "Be brief."), question("q2")];
        let all = conversation("Be kind.", &window, Questions::All);
        let system = "Be kind.\n\nBefore the user's first message you said:\nTea or coffee?\n\nBe brief.";
        assert_eq!(all, [RequestMessage::text(SYSTEM, system.into()), RequestMessage::text(USER, "q1\n\nq2".into())]);
    }

    #[test]
    fn a_reply_of_nothing_is_not_shown() {
        let called =
            r#"[{"type":"step-start"},{"type":"tool-open","toolCallId":"c3","state":"input-available","input":{}}]"#;
        for nothing in [reply(""), parts("", called)] {
            assert_eq!(said(&[question("q1"), nothing, question("q2")], Questions::All), ["user: q1\n\nq2"]);
        }
    }

    #[test]
    fn tools_are_shown_with_what_they_gave() {
        let given = r#"[{"type":"step-start"},{"type":"text","text":"Let me see."},
            {"type":"tool-weather","toolCallId":"c1","state":"output-available","input":{"city":"Brno"},"output":{"c":21.0}},
            {"type":"dynamic-tool","toolName":"news","toolCallId":"c2","state":"output-error","input":{},"errorText":""},
            {"type":"tool-open","toolCallId":"c3","state":"input-available","input":{}},
            {"type":"step-start"},{"type":"text","text":"Warm."}]"#;
        let message = parts("Let me see.Warm.", given);
        assert_eq!(
            serde_json::to_string(&shown(&message)).unwrap(),
            r#"[{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Brno\"}"}},{"id":"c2","type":"function","function":{"name":"news","arguments":"{}"}}]},{"role":"tool","content":"{\"c\":21.0}","tool_call_id":"c1"},{"role":"tool","content":"the tool failed","tool_call_id":"c2"},{"role":"assistant","content":"Warm."}]"#
        );
        let alone = r#"[{"type":"tool-w","toolCallId":"c","state":"output-available","input":{},"output":1}]"#;
        let all = said(&[question("q"), parts("", alone), reply("r")], Questions::All);
        assert_eq!(all, ["user: q", "assistant: calls", "tool: 1", "assistant: r"]);
    }
}
