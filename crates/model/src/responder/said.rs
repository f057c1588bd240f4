//! A stored message as `chat/completions` is shown it: its text, and the tools that were called with what they gave.

use crate::message::{Message, Role};
use crate::stream::Part;
use serde::Serialize;

/// One message of a request.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    role: &'static str,
    content: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Of(&'a str),
    Own(String),
}

#[derive(Debug, Serialize)]
struct Call {
    id: String,
    r#type: &'static str,
    function: Function,
}

#[derive(Debug, Serialize)]
struct Function {
    name: String,
    arguments: String,
}

impl<'a> Said<'a> {
    pub(super) fn text(role: Role, content: &'a str) -> Self {
        Self { role: name(role), content: Text::Of(content), tool_calls: Vec::new(), tool_call_id: None }
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

/// A message, in several where tools were called: a call without an answer would be refused, and is left out.
pub(super) fn said(message: &Message) -> Vec<Said<'_>> {
    let plain = || vec![Said::text(message.role, &message.content)];
    let Some(parts) = message.parts.as_ref().filter(|_| message.role == Role::Assistant) else { return plain() };
    let Ok(parts) = serde_json::from_str::<Vec<Part>>(parts.get()) else { return plain() };
    if !parts.iter().any(|part| part.result().is_some()) {
        return plain();
    }
    let mut all = Vec::new();
    for step in parts.split(|part| part.kind == "step-start") {
        let text: String = step.iter().filter_map(Part::said).collect();
        let (mut calls, mut results) = (Vec::new(), Vec::new());
        for part in step {
            let (Some(id), Some(tool), Some(result)) = (&part.tool_call_id, part.tool(), part.result()) else {
                continue;
            };
            let arguments = part.input.as_ref().map_or("{}", |input| input.get()).to_owned();
            let function = Function { name: tool.to_owned(), arguments };
            calls.push(Call { id: id.clone(), r#type: "function", function });
            let (content, tool_call_id) = (Text::Own(result), Some(id.clone()));
            results.push(Said { role: "tool", content, tool_calls: Vec::new(), tool_call_id });
        }
        if !text.is_empty() || !calls.is_empty() {
            all.push(Said { role: "assistant", content: Text::Own(text), tool_calls: calls, tool_call_id: None });
        }
        all.extend(results);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;
    use serde_json::value::RawValue;

    #[test]
    fn tools_are_shown_with_what_they_gave() {
        let parts = r#"[{"type":"step-start"},{"type":"text","text":"Let me see."},
            {"type":"tool-weather","toolCallId":"c1","state":"output-available","input":{"city":"Brno"},"output":{"c":21.0}},
            {"type":"dynamic-tool","toolName":"news","toolCallId":"c2","state":"output-error","input":{},"errorText":"away"},
            {"type":"tool-open","toolCallId":"c3","state":"input-available","input":{}},
            {"type":"step-start"},{"type":"text","text":"Warm."}]"#;
        let id = MessageId::parse("m").unwrap();
        let mut message = Message::new(id, Role::Assistant, "Let me see.Warm.".into(), String::new());
        assert_eq!(said(&message).len(), 1);
        message.parts = RawValue::from_string(parts.into()).ok();
        assert_eq!(
            serde_json::to_string(&said(&message)).unwrap(),
            r#"[{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Brno\"}"}},{"id":"c2","type":"function","function":{"name":"news","arguments":"{}"}}]},{"role":"tool","content":"{\"c\":21.0}","tool_call_id":"c1"},{"role":"tool","content":"away","tool_call_id":"c2"},{"role":"assistant","content":"Warm."}]"#
        );
    }
}
