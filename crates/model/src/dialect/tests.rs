//! The dialects, tried.

use super::*;
use crate::intake::{Fresh, WritableRoles};
use crate::limits::Limits;
use crate::route::{Action, route};
use crate::stream::{Draft, Ending, Opened, Piece, Read, Reader, Wire};
use crate::turn::Turned;
use crate::wire::Raw;

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
    let incoming = Incoming { body, key: None, limits: &limits, roles: WritableRoles::All, fresh };
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

/// A turn of a conversation as OpenTA's readers are shown it: pieces, and how it ends.
fn shown(session: Option<&str>, pieces: Vec<Piece>, ending: impl Fn(&Draft) -> Ending) -> String {
    let id = |text: &str| MessageId::parse(text).unwrap();
    let session_id = session.map(|id| SessionId::parse(id).unwrap());
    let opened = Opened { session_id, message_id: id("m"), reply_id: id("r-m"), created: false, degraded: false };
    let mut draft = Draft::new(opened, None);
    for piece in pieces {
        draft.take(piece).unwrap();
    }
    draft.complete().unwrap();
    draft.end(ending(&draft));
    match Reader::new(Wire::Dialect(Dialect::OpenTa), 7).read(&mut draft) {
        Read::Some(text) => text,
        _ => String::new(),
    }
}

fn raw(json: &str) -> Raw {
    Raw::parse(json.to_owned()).unwrap()
}

#[test]
fn a_streamed_answer_has_its_sources_and_ends_as_an_unstreamed_one() {
    let stored = |draft: &Draft| {
        let (session_id, message_id) = (SessionId::parse("c").unwrap(), draft.opened().message_id.clone());
        let (session, reply, at) = (Session::default(), draft.message(Millis(0), None), Millis(0));
        let turned = Turned {
            session_id,
            message_id,
            reply,
            session,
            created: false,
            replayed: false,
            at,
            usage: None,
            finish: None,
        };
        Ending::Done(Box::new(turned.response()))
    };
    let text = || Piece::Text("two\nlines".into());
    let source = "{\"url\":\n\"x\"}";
    assert_eq!(
        shown(Some("c"), vec![text(), Piece::Source(raw(source))], stored),
        "event: delta\ndata: {\"text\":\"two\\nlines\"}\n\nevent: source\ndata: {\"url\": \"x\"}\n\nevent: done\ndata: {\"answer\":\"two\\nlines\",\"sources\":[{\"url\": \"x\"}],\"conversation_id\":\"c\"}\n\n"
    );
    let metadata = Piece::Metadata(raw(r#"{"sources":["Paper_1"]}"#));
    assert!(shown(Some("c"), vec![text(), metadata], stored).ends_with(
        "event: source\ndata: \"Paper_1\"\n\nevent: done\ndata: {\"answer\":\"two\\nlines\",\"sources\":[\"Paper_1\"],\"conversation_id\":\"c\"}\n\n"
    ));
    let unkept = |draft: &Draft| Ending::Unkept(Box::new(draft.opened().unkept("x".into(), None)));
    assert!(shown(None, vec![text()], unkept).ends_with("event: done\ndata: {\"answer\":\"x\",\"sources\":[]}\n\n"));
    let failed = |_: &Draft| Ending::Failed(Box::new(Problem::new(Code::ResponderFailed).body()));
    assert!(
        shown(None, vec![text()], failed).contains("event: error\ndata: {\"type\":\"urn:chatkeep:problem:responder")
    );
}

#[test]
fn sources_are_those_of_the_metadata_or_else_of_the_parts() -> Result<(), Box<dyn std::error::Error>> {
    let of = |rest: &str| -> Result<Vec<String>, serde_json::Error> {
        let text = format!(r#"{{"id":"r-1","role":"assistant","content":"a","created":""{rest}}}"#);
        let message: Message = serde_json::from_str(&text)?;
        Ok(sources(&message).iter().map(|source| source.get().to_owned()).collect())
    };
    let parts = r#","parts":[{"type":"text","text":"a"},{"type":"source-url","sourceId":"1","url":"x","title":"X"}]"#;
    assert_eq!(of(parts)?, [r#"{"url":"x","title":"X"}"#]);
    assert_eq!(of(&format!(r#"{parts},"metadata":{{"sources":["Paper_1"]}}"#))?, [r#""Paper_1""#]);
    assert!(of("")?.is_empty());
    Ok(())
}

#[test]
fn the_guide_keeps_sources_and_time_beside_what_the_responder_attached() -> Result<(), Box<dyn std::error::Error>> {
    let reply: Message = serde_json::from_str(
        r#"{"id":"r-1","role":"assistant","content":"a","created":"","parts":[{"type":"source-url","url":"x"}],"metadata":{"n":1.0}}"#,
    )?;
    let kept = Dialect::StorageGuide.shape().reply_metadata(&reply, Millis(7)).map(|kept| kept.get().to_owned());
    assert_eq!(kept.as_deref(), Some(r#"{"n":1.0,"processing_time_ms":7,"sources":[{"url":"x"}]}"#));
    Ok(())
}

#[test]
fn uuids_have_their_dashes() {
    let text = uuid_text(0x550e_8400_e29b_41d4_a716_4466_5544_0000);
    assert_eq!(text, "550e8400-e29b-41d4-a716-446655440000");
}
