//! What comes in, tried.

use super::*;
use crate::plan::{BeginTurn, Condition, Tag, TurnMode};
use std::sync::LazyLock;

const FRESH: Fresh = Fresh { now: Millis(1_795_253_400_000), session: 1, message: 2, attempt: 3, seal: 4 };

fn limits() -> &'static Limits {
    static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);
    &LIMITS
}

pub(super) fn keyed<'a>(body: &'a str, key: Option<&'a str>) -> Incoming<'a> {
    Incoming { body, key, limits: limits(), roles: WritableRoles::All, fresh: FRESH }
}

fn turn(body: &str) -> Result<BeginTurn, Code> {
    chat(keyed(body, None)).map(|(begin, _)| begin).map_err(|problem| problem.code)
}

#[test]
fn a_message_alone_opens_a_session() -> Result<(), Code> {
    let turn = turn(
        r#"{"message":"Ahoj\nsvěte","session_id":null,"message_id":null,"existing":null,"metadata":null,"stream":null}"#,
    )?;
    assert_eq!(turn.session.as_str(), "sess_00000000000000000000000000000001");
    assert_eq!((turn.turn.as_str(), turn.title.as_str()), ("00000000000000000000000000000002", "Ahoj"));
    assert_eq!(
        turn.message,
        r#"{"id":"00000000000000000000000000000002","role":"user","content":"Ahoj\nsvěte","created":"2026-11-21T09:30:00.000Z"}"#
    );
    Ok(())
}

#[test]
fn what_is_wrong_is_told_by_its_code() {
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(262_145));
    for (body, code) in [
        ("", Code::InvalidJson),
        ("[]", Code::InvalidJson),
        ("{\"message\":", Code::InvalidJson),
        ("{}", Code::MessageEmpty),
        (r#"{"message":null}"#, Code::MessageEmpty),
        (r#"{"message":" \n"}"#, Code::MessageEmpty),
        (r#"{"message":5}"#, Code::InvalidBody),
        (r#"{"message":"a","session_id":5}"#, Code::InvalidBody),
        (r#"{"message":"a","session_id":"new"}"#, Code::InvalidSessionId),
        (r#"{"message":"a","session_id":""}"#, Code::InvalidSessionId),
        (r#"{"message":"a","message_id":"a b"}"#, Code::InvalidMessageId),
        (r#"{"message":"a","metadata":[]}"#, Code::InvalidBody),
        (r#"{"regenerate":"a b"}"#, Code::InvalidMessageId),
        (r#"{"message":"a","incognito":true}"#, Code::Unsupported),
        (r#"{"message":"a","context":[]}"#, Code::InvalidBody),
        (&long, Code::MessageTooLong),
    ] {
        assert_eq!(turn(body).err(), Some(code), "{}", body.get(..40).unwrap_or(body));
    }
    assert!(turn(&long.replacen('x', "", 1)).is_ok());
}

#[test]
fn a_key_names_the_turn_and_the_session_that_it_opens() -> Result<(), Problem> {
    let with = |key| chat(keyed(r#"{"message":"a"}"#, Some(key))).map(|(begin, _)| begin);
    assert_eq!(with("\"k-1\"")?.turn.as_str(), "k-1");
    assert_eq!(with("\"k-1\"")?.session, with("k-1")?.session);
    assert_ne!(with("k-1")?.session, with("k-2")?.session);
    assert_eq!(with("\"a b\"").map_err(|problem| problem.code).err(), Some(Code::InvalidIdempotencyKey));
    Ok(())
}

#[test]
fn an_edit_names_where_it_cuts() -> Result<(), Code> {
    let cut = |after: &str| turn(&format!(r#"{{"message":"a","message_id":"m","cut_after":{after}}}"#));
    assert_eq!(cut("null")?.cut_after, None);
    assert_eq!(cut(r#""-""#)?.cut_after, Some(CutAfter::Nothing));
    assert_eq!(cut(r#""m1""#)?.cut_after.map(|cut| cut.as_str().to_owned()).as_deref(), Some("m1"));
    assert_eq!(cut(r#""a b""#).err(), Some(Code::InvalidMessageId));
    assert_ne!(cut(r#""m1""#)?.fingerprint, cut("null")?.fingerprint);
    Ok(())
}

#[test]
fn a_patch_tells_absent_from_empty() -> Result<(), Box<dyn std::error::Error>> {
    let id = SessionId::parse("s")?;
    let read = |body| patch(id.clone(), keyed(body, None)).map_err(|problem| problem.code);
    let nothing = read(r#"{"title":null,"metadata":null}"#).map_err(|code| code.as_str())?;
    assert_eq!((nothing.title, nothing.metadata, nothing.pinned), (None, None, None));
    let emptied = read(r#"{"title":" ","metadata":{ },"pinned":false}"#).map_err(|code| code.as_str())?;
    assert_eq!(
        (emptied.title.as_deref(), emptied.metadata.as_deref(), emptied.pinned),
        (Some(""), Some(""), Some(false))
    );
    assert_eq!(read(r#"{"pinned":"yes"}"#).err(), Some(Code::InvalidBody));
    assert_eq!(read("").err(), Some(Code::InvalidJson));
    Ok(())
}

#[test]
fn an_append_is_all_good_or_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let id = SessionId::parse("s")?;
    let read = |body: &str| append(id.clone(), keyed(body, None)).map_err(|problem| problem.code);
    let pair = r#"{"messages":[{"role":"user","content":"Kdo?"},{"id":"r1","role":"assistant","content":"Já"}]}"#;
    let (append, ids) = read(pair).map_err(|code| code.as_str())?;
    assert_eq!((append.title.as_str(), append.messages.len()), ("Kdo?", 2));
    assert_eq!(ids.last().map(MessageId::as_str), Some("r1"));
    let named = read(r#"{"messages":[{"id":"m1","role":"user","content":"a"}]}"#).map_err(|code| code.as_str())?;
    assert_eq!(named.0.operation.as_str(), "m1");
    for (body, code) in [
        (r#"{"messages":[]}"#, Code::InvalidBody),
        (r#"{"messages":[{"role":"robot","content":"a"}]}"#, Code::InvalidBody),
        (r#"{"messages":[{"role":"user","content":" "}]}"#, Code::MessageEmpty),
        (
            r#"{"messages":[{"id":"m","role":"user","content":"a"},{"id":"m","role":"user","content":"b"}]}"#,
            Code::InvalidMessageId,
        ),
    ] {
        assert_eq!(read(body).err(), Some(code), "{body}");
    }
    assert!(appends(pair) && !appends(r#"{"message":"a"}"#) && !appends("x"));
    Ok(())
}

#[test]
fn a_states_conditions_are_read() -> Result<(), Box<dyn std::error::Error>> {
    let id = SessionId::parse("s")?;
    let read = |if_match, if_none_match| {
        let preconditions = Preconditions { if_match, if_none_match };
        write_state(id.clone(), preconditions, None, keyed("[1]", None))
            .map(|write| write.condition)
            .map_err(|problem| problem.code)
    };
    let tag = Tag { created: Millis(7), revision: 3 };
    assert_eq!(read(None, None), Ok(Condition::Any));
    assert_eq!(read(None, Some("*")), Ok(Condition::None));
    assert_eq!(read(Some("*"), None), Ok(Condition::Present));
    assert_eq!(read(Some("\"7-3\""), None), Ok(Condition::Match(tag)));
    let never = Condition::Match(Tag { created: Millis(0), revision: 0 });
    assert_eq!(read(Some("W/\"7-3\""), None), Ok(never));
    assert_eq!(read(Some("\"other\""), None), Ok(never));
    let listed = |if_match, current| {
        let preconditions = Preconditions { if_match: Some(if_match), if_none_match: None };
        write_state(id.clone(), preconditions, current, keyed("[1]", None)).map(|write| write.condition)
    };
    let other = Tag { created: Millis(9), revision: 1 };
    for (if_match, current, condition) in [
        ("\"x\", \"7-3\"", None, Condition::Match(tag)),
        ("\"9-1\",\"7-3\"", Some(tag), Condition::Match(tag)),
        ("\"9-1\" , W/\"7-3\" ,,", Some(tag), Condition::Match(other)),
        ("\"a,b\", \"7-3\"", Some(tag), Condition::Match(tag)),
        ("W/\"7-3\", \"x\"", Some(tag), never),
    ] {
        assert_eq!(listed(if_match, current), Ok(condition), "{if_match}");
    }
    for wrong in ["\"7-3", "\"7-3\" \"9-1\"", "w/\"7-3\"", "7-3, \"7-3\"", "\"7-3\", *", ""] {
        assert_eq!(listed(wrong, None).map_err(|problem| problem.code), Err(Code::InvalidPrecondition), "{wrong}");
    }
    for wrong in [(Some("7-3"), None), (None, Some("\"7-3\"")), (Some("*"), Some("*"))] {
        assert_eq!(read(wrong.0, wrong.1), Err(Code::InvalidPrecondition));
    }
    for (body, code) in [("", Code::InvalidJson), ("{", Code::InvalidJson), ("null", Code::InvalidBody)] {
        let refused = write_state(id.clone(), Preconditions::default(), None, keyed(body, None));
        assert_eq!(refused.map_err(|problem| problem.code).err(), Some(code), "{body}");
    }
    Ok(())
}

#[test]
fn fingerprints_tell_payloads_apart() -> Result<(), Code> {
    let print = |body| turn(body).map(|turn| turn.fingerprint);
    let plain = print(r#"{"message":"a","message_id":"m"}"#)?;
    assert_eq!(plain, print(r#"{"message_id":"m","message":"a","existing":true,"session_id":"s"}"#)?);
    assert_ne!(plain, print(r#"{"message":"b","message_id":"m"}"#)?);
    assert_ne!(plain, print(r#"{"message":"a","message_id":"m","metadata":{}}"#)?);
    Ok(())
}

#[test]
fn the_fingerprint_of_an_append_tells_roles_ids_and_parents_apart() -> Result<(), Code> {
    let id = SessionId::parse("s").map_err(|_| Code::InvalidSessionId)?;
    let print = |message: &str| {
        let body = format!("{{\"messages\":[{message}]}}");
        append(id.clone(), keyed(&body, Some("k")))
            .map(|(append, _)| append.fingerprint)
            .map_err(|problem| problem.code)
    };
    let messages = [
        r#"{"role":"user","content":"a"}"#,
        r#"{"role":"system","content":"a"}"#,
        r#"{"id":"m","role":"user","content":"a"}"#,
        r#"{"role":"user","content":"a","parent":"m"}"#,
        r#"{"role":"user","content":"a","metadata":{"b":1}}"#,
    ];
    let prints: Result<std::collections::BTreeSet<_>, _> = messages.into_iter().map(print).collect();
    assert_eq!(prints?.len(), messages.len());
    Ok(())
}

#[test]
fn a_session_may_be_created_without_a_body() -> Result<(), Problem> {
    assert_eq!(create(keyed("", None))?.title, "");
    let named = create(keyed(r#"{"session_id":"user-123","title":" Plán\n"}"#, None))?;
    assert_eq!((named.session.as_str(), named.title.as_str()), ("user-123", "Plán"));
    let long = format!(r#"{{"title":"{}"}}"#, "ž".repeat(201));
    let refused = create(keyed(&long, None)).map_err(|problem| problem.code);
    assert_eq!(refused.err(), Some(Code::TitleTooLong));
    Ok(())
}

#[test]
fn an_incognito_turn_brings_what_came_before() {
    let window = |body| {
        let found = incognito(keyed(body, None)).map_err(|problem| problem.code)?;
        Ok(found.map(|turn| turn.window.into_iter().map(|one| (one.role, one.content)).collect::<Vec<_>>()))
    };
    let said = |role, content: &str| (role, content.to_owned());
    let streams =
        |body| incognito(keyed(body, None)).is_ok_and(|turn| turn.is_some_and(|turn| turn.streams == Some(true)));
    assert!(
        streams(r#"{"message":"a","incognito":true,"stream":true}"#) && !streams(r#"{"message":"a","incognito":true}"#)
    );
    assert_eq!(window(r#"{"message":"incognito"}"#), Ok(None));
    assert_eq!(window(r#"{"message":"a","incognito":false}"#), Ok(None));
    assert_eq!(
        window(r#"{"message":"a","incognito":true,"context":null}"#),
        Ok(Some(vec![said(crate::Role::User, "a")]))
    );
    assert_eq!(
        window(
            r#"{"message":"b","incognito":true,"context":[{"role":"user","content":"a"},{"role":"assistant","content":"A","id":"x"}]}"#
        ),
        Ok(Some(vec![said(crate::Role::User, "a"), said(crate::Role::Assistant, "A"), said(crate::Role::User, "b")]))
    );
    let many = format!(
        r#"{{"message":"last","incognito":true,"context":[{}]}}"#,
        vec![r#"{"role":"user","content":"x"}"#; 100].join(",")
    );
    assert_eq!(
        window(&many).map(|window| window.map(|window| (window.len(), window.last().cloned()))),
        Ok(Some((20, Some(said(crate::Role::User, "last")))))
    );
    for (body, code) in [
        (r#"{"incognito":true}"#, Code::MessageEmpty),
        (r#"{"message":"a","incognito":true,"session_id":"s"}"#, Code::InvalidBody),
        (r#"{"message":"a","incognito":true,"context":{}}"#, Code::InvalidBody),
        (r#"{"message":"a","incognito":true,"context":[{"role":"tool","content":"x"}]}"#, Code::InvalidBody),
        (r#"{"message":"a","incognito":true,"context":[{"role":"user","content":" "}]}"#, Code::MessageEmpty),
        (&many.replacen("[{", r#"[{"role":"user","content":"x"},{"#, 1), Code::InvalidBody),
    ] {
        assert_eq!(window(body), Err(code), "{body:.80}");
    }
}

#[test]
fn a_body_can_ask_for_a_stream_and_for_another_answer() -> Result<(), Problem> {
    assert_eq!(chat(keyed(r#"{"message":"a","stream":true}"#, None))?.1, Some(true));
    assert_eq!(chat(keyed(r#"{"message":"a","stream":false}"#, None))?.1, Some(false));
    let (again, _) = chat(keyed(r#"{"regenerate":"m1","session_id":"s"}"#, Some("k")))?;
    assert_eq!((again.mode, again.message_id.as_str(), again.turn.as_str()), (TurnMode::Answer, "m1", "k"));
    let (other, _) = chat(keyed(r#"{"regenerate":"m1","session_id":"s"}"#, None))?;
    assert_eq!(other.turn.as_str(), "00000000000000000000000000000002");
    Ok(())
}

#[test]
fn a_text_whose_json_fits_no_row_is_refused() {
    let code = |count: usize| {
        let body = format!("{{\"message\":\"{}\"}}", "\\u001b".repeat(count));
        chat(keyed(&body, None)).err().map(|problem| problem.code)
    };
    assert_eq!((code(230_000), code(240_000)), (None, Some(Code::MessageTooLong)));
}
