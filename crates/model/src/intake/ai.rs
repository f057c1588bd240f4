//! Turns as the AI SDK's chat sends them: the whole history, of which the last message counts.

use super::{Incoming, check_text, idempotency_key, message_id, metadata, object, session_to_make, turn};
use crate::depth::is_deeper;
use crate::error::{Code, Problem};
use crate::fingerprint::{RequestKind, of_request};
use crate::id::{MessageId, SessionId, TurnId, digest};
use crate::json;
use crate::limits::JSON_DEPTH;
use crate::message::{Message, Role};
use crate::plan::{BeginTurn, TurnMode};
use crate::stream::Part;
use crate::wire::Raw;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    id: Option<String>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    trigger: Option<String>,
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct UiMessage {
    id: Option<String>,
    role: Role,
    parts: Option<Box<RawValue>>,
    /// Of versions before parts.
    content: Option<String>,
    metadata: Option<Box<RawValue>>,
}

/// A turn that the AI SDK asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct AiTurn {
    /// How it begins.
    pub begin: BeginTurn,
    /// The parts that its reply begins with: it goes on after the tools that an earlier reply called.
    pub before: Option<Raw>,
    /// It is known by what it replaces too: [`AiTurn::replacing`] has to be told.
    pub replaces: bool,
}

impl AiTurn {
    /// Makes an answer anew a turn of its own for each reply that it replaces: asked for twice at once it is one, asked for
    /// again after its reply it is another. Given is the newest message of the session.
    #[must_use]
    pub fn replacing(mut self, newest: &str) -> Self {
        if self.replaces {
            self.begin.turn = turn_of(&[self.begin.turn.as_str(), newest]);
            self.begin.reply_id = self.begin.turn.reply_id();
        }
        self
    }
}

/// A turn from `POST /v1/ai/chat`.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn ai_chat(incoming: Incoming) -> Result<AiTurn, Problem> {
    let request: Request = object(incoming.body)?;
    let key = incoming.key.map(idempotency_key).transpose()?;
    let session = session_to_make(request.id, incoming.key, incoming.fresh)?;
    let target = request.message_id.map(message_id).transpose()?;
    let last = request.message.or_else(|| request.messages.as_ref().and_then(|all| all.last().copied()));
    let last: Option<UiMessage> = last.map(|last| read_message(last.get())).transpose()?;
    let last = last.map(|last| UiMessage { parts: last.parts.map(json::stored), ..last });
    if request.trigger.as_deref() == Some("regenerate-message") {
        let last = last.and_then(|last| last.id).map(message_id).transpose()?;
        let missing = || Problem::new(Code::InvalidBody).detail("regenerate-message needs a message or a messageId");
        return regenerate(session, last.or(target).ok_or_else(missing)?, key, incoming);
    }
    let last = last.ok_or_else(|| Problem::new(Code::MessageEmpty))?;
    match last.role {
        Role::User => submit(session, last, target, key, incoming),
        Role::Assistant => go_on(session, last, key, incoming),
        Role::System => {
            Err(Problem::new(Code::InvalidBody).detail("the last message is the user's or the assistant's"))
        }
    }
}

/// The message that counts. How deep the earlier ones are is nobody's business: they are not read.
fn read_message(json: &str) -> Result<UiMessage, Problem> {
    if is_deeper(json, JSON_DEPTH) {
        return Err(
            Problem::new(Code::JsonTooDeep).detail(format!("the limit is {JSON_DEPTH} levels in the last message"))
        );
    }
    object(json)
}

fn regenerate(
    session: SessionId,
    target: MessageId,
    key: Option<TurnId>,
    incoming: Incoming,
) -> Result<AiTurn, Problem> {
    let replaces = key.is_none();
    let id = key.unwrap_or_else(|| turn_of(&["regenerate", target.as_str()]));
    Ok(AiTurn { begin: turn::answer(session, target, Some(id), incoming)?, before: None, replaces })
}

fn submit(
    session: SessionId,
    last: UiMessage,
    target: Option<MessageId>,
    key: Option<TurnId>,
    incoming: Incoming,
) -> Result<AiTurn, Problem> {
    let Incoming { limits, fresh, .. } = incoming;
    let parts = parts(&last)?;
    if parts.iter().any(|part| part.kind == "file") {
        let detail = "a model is not shown files yet: send the message without them, with their links in its text";
        return Err(Problem::new(Code::Unsupported).detail(detail));
    }
    let text = text(&last, &parts);
    if text.trim().is_empty() && !parts.is_empty() {
        return Err(Problem::new(Code::MessageEmpty).detail("the parts of the message have no text"));
    }
    check_text(&text, limits)?;
    let is_plain = matches!(parts.as_slice(), [] | [Part { text: Some(_), .. }]);
    let raw = last.parts.filter(|_| !is_plain);
    let bytes = text.len() + raw.as_ref().map_or(0, |raw| raw.get().len());
    if bytes > 2 * limits.message_bytes {
        let detail = format!("{bytes} bytes with its parts; the limit is {}", 2 * limits.message_bytes);
        return Err(Problem::new(Code::MessageTooLong).detail(detail));
    }
    let metadata = metadata(last.metadata, limits)?;
    let brought = last.id.clone().unwrap_or_default();
    let id = last.id.map(message_id).transpose()?.unwrap_or_else(|| MessageId::mint(fresh.message));
    let mode = if target.as_ref() == Some(&id) { TurnMode::Edit } else { TurnMode::Append };
    let attached = metadata.as_ref().map(|metadata| metadata.get()).unwrap_or_default();
    let content = [text.as_str(), raw.as_ref().map(|raw| raw.get()).unwrap_or_default(), attached];
    let turn = key.unwrap_or_else(|| turn_of(&["submit", id.as_str(), content[0], content[1], content[2]]));
    let edited = if mode == TurnMode::Edit { "edit" } else { "submit" };
    let fingerprint = of_request(RequestKind::Turn, [edited, &brought, content[0], content[1], content[2]]);
    let title = crate::session::derived_title(&text);
    let message =
        Message { parts: raw, metadata, ..Message::new(id.clone(), Role::User, text, fresh.now.to_rfc3339()) };
    let begin = BeginTurn {
        reply_id: turn.reply_id(),
        turn,
        message_id: id,
        message: message.to_json().map_err(|_| Problem::new(Code::Internal))?,
        mode,
        title,
        existing: false,
        fingerprint,
        ..turn::answer(session, message.id, None, incoming)?
    };
    Ok(AiTurn { begin, before: None, replaces: false })
}

/// The reply whose tools were called goes on, under its id: it is made anew, and begins with what it has.
fn go_on(session: SessionId, last: UiMessage, key: Option<TurnId>, incoming: Incoming) -> Result<AiTurn, Problem> {
    let missing = || Problem::new(Code::InvalidBody).detail("the assistant's message has an id and outputs of tools");
    let called = parts(&last)?;
    if called.iter().any(Part::is_approval) {
        let detail = "approvals of tool calls are not taken yet: answer with the tool's output, or with output-denied";
        return Err(Problem::new(Code::Unsupported).detail(detail));
    }
    let given = called.iter().any(|part| part.result().is_some());
    let (Some(id), Some(parts), true) = (last.id, last.parts, given) else { return Err(missing()) };
    if parts.get().len() > incoming.limits.body_bytes {
        let (bytes, most) = (parts.get().len(), incoming.limits.body_bytes);
        let detail = format!("{bytes} bytes with the outputs of its tools; the limit is {most}: shorten the outputs");
        return Err(Problem::new(Code::MessageTooLong).detail(detail));
    }
    let id = message_id(id)?;
    let turn = key.unwrap_or_else(|| turn_of(&["tools", id.as_str(), parts.get()]));
    let fingerprint = of_request(RequestKind::Turn, ["tools", id.as_str(), parts.get()]);
    let begin = BeginTurn { reply_id: id.clone(), fingerprint, ..turn::answer(session, id, Some(turn), incoming)? };
    Ok(AiTurn { begin, before: Some(Raw(parts)), replaces: false })
}

fn parts(message: &UiMessage) -> Result<Vec<Part>, Problem> {
    let Some(parts) = &message.parts else { return Ok(Vec::new()) };
    serde_json::from_str(parts.get()).map_err(|_| Problem::new(Code::InvalidBody).detail("parts"))
}

fn text(message: &UiMessage, parts: &[Part]) -> String {
    let said: Vec<_> = parts.iter().filter_map(Part::said).collect();
    if said.is_empty() { message.content.clone().unwrap_or_default() } else { said.join("\n") }
}

/// The turn that follows from what makes a request the same one.
fn turn_of(what: &[&str]) -> TurnId {
    let half = |name: &str| digest(std::iter::once(name.as_bytes()).chain(what.iter().map(|part| part.as_bytes())));
    TurnId::of_message(&MessageId::mint(u128::from(half("high")) << 64 | u128::from(half("low"))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::keyed;
    use super::*;

    fn read(body: &str) -> Result<AiTurn, Code> {
        ai_chat(keyed(body, None)).map_err(|problem| problem.code)
    }

    fn chat(trigger: &str, message_id: &str, messages: &str) -> String {
        let target = if message_id.is_empty() { String::new() } else { format!(",\"messageId\":\"{message_id}\"") };
        format!("{{\"id\":\"s\",\"trigger\":\"{trigger}\",\"messages\":[{messages}]{target}}}")
    }

    const OLD: &str = r#"{"id":"m1","role":"user","parts":["anything"]},{"broken":1},"#;
    const HI: &str = r#"{"id":"m2","role":"user","parts":[{"type":"text","text":"Hi"}],"metadata":{"n":1.0}}"#;

    #[test]
    fn the_last_message_alone_is_sent() {
        let turn = read(&chat("submit-message", "", &format!("{OLD}{HI}"))).unwrap();
        let BeginTurn { mode, session, message_id, message, title, existing, .. } = &turn.begin;
        assert_eq!((mode, session.as_str(), message_id.as_str()), (&TurnMode::Append, "s", "m2"));
        assert!(message.starts_with(r#"{"id":"m2","role":"user","content":"Hi","created":"#), "{message}");
        assert!(message.ends_with(r#""metadata":{"n":1.0}}"#), "{message}");
        assert_eq!((title.as_str(), *existing, turn.replaces), ("Hi", false, false));
        let same = read(&format!("{{\"id\":\"s\",\"message\":{HI}}}")).unwrap();
        assert_eq!(turn.begin.turn, same.begin.turn);
        assert_eq!(turn.clone().replacing("m1"), turn);
    }

    #[test]
    fn an_edit_and_other_words_are_other_turns() {
        let first = read(&chat("submit-message", "", HI)).unwrap();
        let edit = read(&chat("submit-message", "m2", &HI.replace("Hi", "Hello"))).unwrap();
        assert_eq!(edit.begin.mode, TurnMode::Edit);
        assert_ne!(first.begin.turn, edit.begin.turn);
        assert_eq!(first.begin.message_id, edit.begin.message_id);
    }

    #[test]
    fn a_key_tells_what_is_asked_apart() {
        let print = |body: &str| ai_chat(keyed(body, Some("k"))).map(|turn| turn.begin.fingerprint).unwrap();
        let first = print(&chat("submit-message", "", HI));
        assert_eq!(first, print(&chat("submit-message", "", &format!("{OLD}{HI}"))));
        for other in [
            chat("submit-message", "", &HI.replace("Hi", "Hello")),
            chat("submit-message", "m2", HI),
            chat("regenerate-message", "m2", HI),
        ] {
            assert_ne!(first, print(&other), "{other}");
        }
        let tools = |output: u8| {
            let tool = format!(
                "{{\"type\":\"tool-x\",\"toolCallId\":\"c\",\"state\":\"output-available\",\"input\":{{}},\"output\":{output}}}"
            );
            print(&chat(
                "submit-message",
                "r-1",
                &format!("{{\"id\":\"r-1\",\"role\":\"assistant\",\"parts\":[{tool}]}}"),
            ))
        };
        assert_ne!(tools(1), tools(2));
    }

    #[test]
    fn an_answer_anew_is_known_by_what_it_replaces() {
        for (message_id, messages) in [("", HI), ("r-1", HI), ("m2", "")] {
            let turn = read(&chat("regenerate-message", message_id, messages)).unwrap();
            assert_eq!((turn.begin.mode, turn.begin.message_id.as_str()), (TurnMode::Answer, "m2"));
            assert!(turn.begin.message.is_empty() && turn.replaces);
            let (one, other) = (turn.clone().replacing("r-1"), turn.clone().replacing("r-2"));
            assert_eq!(one, turn.replacing("r-1"));
            assert_ne!(one.begin.turn, other.begin.turn);
            assert_eq!(one.begin.reply_id, one.begin.turn.reply_id());
        }
        assert_eq!(read(&chat("regenerate-message", "", "")).err(), Some(Code::InvalidBody));
    }

    #[test]
    fn outputs_of_tools_go_on_with_their_reply() {
        let tool = r#"{"type":"tool-x","toolCallId":"c","state":"output-available","input":{},"output":1}"#;
        let message = format!("{{\"id\":\"r-1\",\"role\":\"assistant\",\"parts\":[{tool}]}}");
        let turn = read(&chat("submit-message", "r-1", &format!("{HI},{message}"))).unwrap();
        assert_eq!((turn.begin.mode, turn.begin.message_id.as_str()), (TurnMode::Answer, "r-1"));
        assert_eq!(turn.begin.reply_id.as_str(), "r-1");
        assert_eq!(turn.before.map(|parts| parts.get().to_owned()), Some(format!("[{tool}]")));
        let other = read(&chat("submit-message", "r-1", &message.replace("\"output\":1", "\"output\":2"))).unwrap();
        assert_ne!(other.begin.turn, turn.begin.turn);
        let without = message.replace("output-available", "input-available");
        assert_eq!(read(&chat("submit-message", "", &without)).err(), Some(Code::InvalidBody));
    }

    #[test]
    fn parts_are_kept_where_they_say_more() {
        let parts =
            r#"[{"type":"data-place","data":{"lat":49.2}},{"type":"text","text":"a"},{"type":"text","text":"b"}]"#;
        let message = format!("{{\"id\":\"m\",\"role\":\"user\",\"parts\":{parts}}}");
        let stored = read(&chat("submit-message", "", &message)).unwrap().begin.message;
        assert!(stored.contains(r#""content":"a\nb""#) && stored.contains(parts), "{stored}");
        let old = r#"{"role":"user","content":"Hi"}"#;
        assert!(read(&chat("submit-message", "", old)).unwrap().begin.message.contains(r#""content":"Hi""#));
    }

    /// The code and the words of a refusal.
    fn refusal(messages: &str) -> (Code, String) {
        let problem = ai_chat(keyed(&chat("submit-message", "", messages), None)).unwrap_err();
        (problem.code, problem.detail.unwrap_or_default())
    }

    #[test]
    fn files_are_refused_in_their_own_words_and_an_assistants_hurt_nobody() {
        for url in ["https://a.example/x.png", "data:image/png;base64,AAAA", "blob:https://a.example/1"] {
            let file = format!(r#"{{"type":"file","url":"{url}","mediaType":"image/png"}}"#);
            let with_text = format!(r#"{file},{{"type":"text","text":"What is this?"}}"#);
            for parts in [&file, &with_text] {
                let (code, detail) = refusal(&format!(r#"{{"id":"m","role":"user","parts":[{parts}]}}"#));
                assert!(code == Code::Unsupported && detail.contains("links in its text"), "{detail}");
            }
            let tool = r#"{"type":"tool-x","toolCallId":"c","state":"output-available","input":{},"output":1}"#;
            let reply = format!(r#"{{"id":"r-1","role":"assistant","parts":[{file},{tool}]}}"#);
            assert!(read(&chat("submit-message", "", &reply)).is_ok());
        }
        let (code, detail) = refusal(r#"{"id":"m","role":"user","parts":[{"type":"data-x","data":1}]}"#);
        assert!(code == Code::MessageEmpty && detail.contains("no text"), "{detail}");
    }

    #[test]
    fn approvals_are_refused_in_their_own_words() {
        let tool = |state: &str| {
            let approval = r#""approval":{"id":"a1","approved":false,"reason":"no"}"#;
            format!(r#"{{"type":"tool-x","toolCallId":"c","state":"{state}","input":{{}},{approval}}}"#)
        };
        let reply = |state: &str| format!(r#"{{"id":"r-1","role":"assistant","parts":[{}]}}"#, tool(state));
        let (code, detail) = refusal(&reply("approval-responded"));
        assert!(code == Code::Unsupported && detail.contains("approvals"), "{detail}");
        assert!(read(&chat("submit-message", "", &reply("output-denied"))).is_ok());
        let part: Part = serde_json::from_str(&tool("output-denied")).unwrap();
        assert_eq!(part.result().as_deref(), Some("the person denied it: no"));
    }

    #[test]
    fn earlier_messages_never_decide_over_a_request() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let part = |levels| format!(r#"[{{"type":"data-x","data":{}}},{{"type":"text","text":"a"}}]"#, deep(levels));
        let message = |levels| format!(r#"{{"id":"m0","role":"user","parts":{}}}"#, part(levels));
        assert!(read(&chat("submit-message", "", &format!("{},{HI}", message(10_000)))).is_ok());
        assert_eq!(read(&chat("submit-message", "", &message(70))).err(), Some(Code::JsonTooDeep));
        let output = format!(
            r#"{{"type":"tool-x","toolCallId":"c","state":"output-available","input":{{}},"output":"{}"}}"#,
            "x".repeat(1_100_000)
        );
        let (code, detail) = refusal(&format!(r#"{{"id":"r-1","role":"assistant","parts":[{output}]}}"#));
        assert!(code == Code::MessageTooLong && detail.contains("outputs of its tools"), "{detail}");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (body, code) in [
            ("[]".to_owned(), Code::InvalidJson),
            ("{}".to_owned(), Code::MessageEmpty),
            (chat("submit-message", "", "{\"id\":\"m\",\"role\":\"user\",\"parts\":[]}"), Code::MessageEmpty),
            (chat("submit-message", "", "{\"id\":\"m\",\"role\":\"tool\",\"parts\":[]}"), Code::InvalidBody),
            (
                chat("submit-message", "", "{\"id\":\"m m\",\"role\":\"user\",\"content\":\"x\"}"),
                Code::InvalidMessageId,
            ),
            (chat("submit-message", "-", HI), Code::InvalidMessageId),
            (chat("submit-message", "", HI).replace("\"s\"", "\"new\""), Code::InvalidSessionId),
        ] {
            assert_eq!(read(&body).err(), Some(code), "{body}");
        }
    }
}
