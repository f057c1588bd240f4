//! The dialects, tried.

use super::*;
use crate::intake::Fresh;
use crate::limits::Limits;
use crate::route::{Action, route};

#[test]
fn each_is_mounted_under_its_name_and_one_at_the_root() {
    let found = |path, root| route("POST", path, root).map(|found| (found.action, found.dialect)).ok();
    let chat = Some((Action::Dialect(Dialect::Jarvis, Verb::Turn), Some(Dialect::Jarvis)));
    assert_eq!(found("/jarvis/api/chat", None), chat);
    assert_eq!(found("/api/chat", Some(Dialect::Jarvis)), chat);
    for lost in ["/api/chat", "/jarvis", "/jarvisx/api/chat", "/jarvis/openta/chat/basic"] {
        assert_eq!(found(lost, Some(Dialect::OpenTa)), None, "{lost}");
    }
    // The canonical API never moves, and is in the dialect's namespace under its name.
    for root in [None, Some(Dialect::Jarvis)] {
        assert_eq!(found("/v1/chat", root), Some((Action::Chat, None)));
        assert_eq!(found("/openta/v1/chat", root), Some((Action::Chat, Some(Dialect::OpenTa))));
    }
}

#[test]
fn a_route_of_a_dialect_tells_its_methods() {
    let problem = route("PUT", "/jarvis/api/sessions/s1", None).err();
    assert_eq!(problem.and_then(|problem| problem.instead).as_deref(), Some("GET, HEAD, DELETE"));
}

#[test]
fn a_verb_that_changes_something_is_no_get() {
    for dialect in Dialect::ALL {
        for (method, path, verb) in dialect.shape().routes() {
            assert_eq!(verb.writes(), *method != "GET", "{method} {path}");
        }
    }
}

fn asked(dialect: Dialect, id: &str, body: &str) -> Result<Question, Code> {
    let fresh = Fresh { now: Millis(1_795_253_400_000), session: 1, message: 2, attempt: 3, seal: 4 };
    let limits = Limits::default();
    let incoming = Incoming { body, key: None, limits: &limits, fresh };
    dialect.shape().question(id.to_owned(), incoming).map_err(|problem| problem.code)
}

#[test]
fn questions_say_what_they_do_with_their_session() -> Result<(), Code> {
    let memory = |body| asked(Dialect::OpenTa, "", body).map(|question| (question.memory, question.stream));
    assert_eq!(memory(r#"{"query":"q"}"#)?, (Memory::None, false));
    assert_eq!(memory(r#"{"query":"q","meta_params":{"is_incognito":true}}"#)?, (Memory::None, false));
    let known = r#"{"query":"q","meta_params":{"conversation_id":"c","stream":true,"is_incognito":null}}"#;
    assert_eq!(memory(known)?, (Memory::Kept, true));
    let incognito = r#"{"query":"q","meta_params":{"conversation_id":"c","is_incognito":true}}"#;
    assert_eq!(memory(incognito)?, (Memory::ReadOnly, false));
    Ok(())
}

#[test]
fn a_turn_of_the_guide_never_creates() -> Result<(), Code> {
    let question = asked(Dialect::StorageGuide, "s1", r#"{"message":"m","metadata":{"a":1}}"#)?;
    assert!(question.begin.existing && question.begin.message.contains(r#""metadata":{"a":1}"#));
    assert_eq!(question.begin.session.as_str(), "s1");
    Ok(())
}

#[test]
fn events_are_of_one_line_each() -> Result<(), Box<dyn std::error::Error>> {
    let reply: Message = serde_json::from_str(
        r#"{"id":"r-1","role":"assistant","content":"two\nlines","created":"","metadata":{"sources":["Paper_1",{"url":
"x"}]}}"#,
    )?;
    let answered = Answered { session_id: None, question: "q", reply: &reply };
    let events = Dialect::OpenTa.shape().events(answered).map_err(|problem| problem.code.as_str())?;
    assert_eq!(
        events,
        "event: delta\ndata: {\"text\":\"two\\nlines\"}\n\nevent: source\ndata: \"Paper_1\"\n\nevent: source\ndata: {\"url\": \"x\"}\n\nevent: done\ndata: {\"answer\":\"two\\nlines\",\"sources\":[\"Paper_1\",{\"url\": \"x\"}]}\n\n"
    );
    Ok(())
}

#[test]
fn uuids_have_their_dashes() {
    let text = uuid_text(0x550e_8400_e29b_41d4_a716_4466_5544_0000);
    assert_eq!(text, "550e8400-e29b-41d4-a716-446655440000");
}
