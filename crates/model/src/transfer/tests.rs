use super::*;
use crate::error::Code;
use crate::id::SessionId;
use crate::intake::{Fresh, WritableRoles};
use crate::plan::{Details, Page};
use crate::records::Notes;
use crate::seal::{Kind, Seal, Unreadable};
use crate::session::{Flags, Session};
use crate::time::Millis;
use crate::wire::{ExportEnd, FailedLine};
use crate::{Limits, Owner};

const FRESH: Fresh = Fresh { now: Millis(9_000_000_000_000), session: 1, message: 2, attempt: 3, seal: 4 };

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn rules() -> ImportRules {
    ImportRules { limits: Limits::default(), fresh: FRESH, owner: None, roles: WritableRoles::All, dry_run: false }
}

/// What an import makes of a body that comes in pieces of so many bytes.
fn read(rules: ImportRules, body: &str, bytes: usize) -> Result<(Vec<Owned>, Vec<FailedLine>), crate::Problem> {
    let mut importer = Importer::new(rules);
    let mut imports = Vec::new();
    for piece in body.as_bytes().chunks(bytes) {
        importer.read(piece);
        imports.extend(std::iter::from_fn(|| importer.next_import()));
    }
    importer.end();
    imports.extend(std::iter::from_fn(|| importer.next_import()));
    importer.finish().map(|(failed, _)| (imports, failed))
}

fn imports(body: &str) -> Result<Vec<Owned>, String> {
    let (imports, failed) = read(rules(), body, 7).map_err(|problem| format!("{problem:?}"))?;
    if failed.is_empty() { Ok(imports) } else { Err(format!("{failed:?}")) }
}

fn failures(body: &str) -> Vec<(u64, String)> {
    let session = "{\"session\":{\"session_id\":\"first\",\"created_ms\":1,\"updated_ms\":1}}";
    let read = read(rules(), &format!("{session}\n{body}"), 64);
    read.map(|(_, failed)| failed.into_iter().map(|one| (one.line, one.code)).collect()).unwrap_or_default()
}

fn message(id: &str) -> String {
    format!(r#"{{"id":"{id}","role":"user","content":"Ahoj","created":"2026-11-21T09:30:00.000Z"}}"#)
}

fn line(session: &str, position: u64, message: &str) -> String {
    format!("{{\"message\":{{\"session_id\":\"{session}\",\"position\":{position},\"message\":{message}}}}}\n")
}

fn notes(summary: &str) -> Notes {
    Notes { used: 7, summary: summary.to_owned() }
}

fn writer<'a>(owner: &'a Owner, named: bool, session: &'a SessionId) -> LineWriter<'a> {
    let seal = Seal { cipher: None, prefix: "chatkeep:", owner };
    LineWriter { owner: Some(owner).filter(|_| named), session, seal }
}

fn page(messages: Vec<String>) -> Page {
    Page { session: Session::default(), from: 0, messages }
}

fn messages_of(imports: &[Owned]) -> Vec<(u64, Vec<&str>)> {
    imports
        .iter()
        .map(|one| (one.import.position, one.import.messages.iter().map(|(id, _)| id.as_str()).collect()))
        .collect()
}

#[test]
fn what_was_exported_is_imported() -> Outcome {
    let (owner, id) = (Owner::app(), SessionId::parse("s1")?);
    let session = Session {
        title: "Plán".into(),
        created: Millis(5),
        updated: Millis(6),
        first: 10,
        next: 12,
        flags: Flags { pinned: true, user: "user 1".into(), ..Flags::default() },
        ..Session::default()
    };
    let metadata = Some("{ \"a\":\n1 }".to_owned());
    let details = Details { session, metadata, notes: notes("11 m1 short") };
    let writer = writer(&owner, false, &id);
    let mut text = writer.session(&details, Some("[\n 1.0]".into()))?.text;
    text += &writer.messages(page(vec![message("m1"), message("m2")]), 0)?.text;
    text += &end_line(ExportEnd { sessions: 1, messages: 2 })?;
    assert_eq!(text.lines().count(), 4, "one line each, whatever was stored");
    let imports = imports(&text)?;
    let [Owned { owner: None, import, line: 1 }] = imports.as_slice() else { return Err("one import".into()) };
    assert_eq!((import.title.as_str(), import.created, import.updated), ("Plán", Millis(5), Millis(6)));
    assert_eq!((import.metadata.as_str(), import.state.as_str(), import.flags.pinned), (r#"{"a":1}"#, "[1.0]", true));
    assert_eq!(import.notes, notes("1 m1 short"), "positions count from the oldest message");
    assert_eq!((import.position, import.messages.len()), (0, 2));
    assert_eq!(import.messages.last().map(|(_, stored)| stored.clone()), Some(message("m2")));
    Ok(())
}

#[test]
fn long_sessions_come_in_several_calls() -> Outcome {
    let (owner, id) = (Owner::app(), SessionId::parse("s1")?);
    let messages = (0..450).map(|number| message(&format!("m{number}"))).collect();
    let imports = imports(&writer(&owner, false, &id).messages(page(messages), 0)?.text)?;
    let parts: Vec<_> = imports.iter().map(|one| (one.import.position, one.import.messages.len())).collect();
    assert_eq!(parts, [(0, 200), (200, 200), (400, 50)]);
    Ok(())
}

#[test]
fn sessions_of_two_owners_stay_apart() -> Outcome {
    let id = SessionId::parse("s1")?;
    let (ada, bob) = (Owner::stored("u-ada".into()), Owner::stored("v-bob".into()));
    let mut text = writer(&ada, true, &id).messages(page(vec![message("m1")]), 0)?.text;
    text += &cursor_line("1~2~u-ada".into())?;
    text += &writer(&bob, true, &id).messages(page(vec![message("m1")]), 1)?.text;
    let owners: Vec<_> = imports(&text)?.iter().map(|one| (one.owner.clone(), one.import.messages.len())).collect();
    assert_eq!(owners, [(Some(ada.clone()), 1), (Some(bob), 1)]);
    // And an import of one's own takes no other's.
    let mine = ImportRules { owner: Some(ada), ..rules() };
    let (taken, failed) = read(mine, &text, 1000).map_err(|problem| format!("{problem:?}"))?;
    assert_eq!((taken.len(), failed.len()), (1, 1));
    assert_eq!(
        failed.first().and_then(|failed| failed.detail.clone()).as_deref(),
        Some("it is another owner's: see /v1/admin/import")
    );
    Ok(())
}

#[test]
fn a_wrong_line_is_named_and_the_rest_comes_in() -> Outcome {
    for (wrong, code) in [
        ("{\"session\":{\"owner\":\"a}b\",\"session_id\":\"s\",\"created_ms\":1,\"updated_ms\":1}}", Code::InvalidBody),
        ("{", Code::InvalidJson),
        ("[1]", Code::InvalidJson),
        ("{\"session\":{}}", Code::InvalidBody),
        ("{\"file\":{}}", Code::InvalidBody),
        (&line("s1", 1, "{\"role\":\"user\"}"), Code::InvalidBody),
        (&line("s1", 1, &message("m m")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("user", "tool")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("2026-11-21T09:30:00.000Z", "yesterday")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("{", "{\"status\":\"weird\",")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("{", "{\"metadata\":[],")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("{", "{\"parts\":{},")), Code::InvalidBody),
        (&line("s1", 1, &message("m").replace("Ahoj", "")), Code::MessageEmpty),
        (&line("s1", 1, &message("m").replace("Ahoj", &"x".repeat(900_001))), Code::MessageTooLong),
        (&"[".repeat(1000), Code::JsonTooDeep),
        (&"x".repeat(8_388_609), Code::BodyTooLarge),
    ] {
        let wrong = wrong.trim_end();
        let body = format!("{}\n{wrong}\n{}", line("s1", 0, &message("m0")), line("s1", 2, &message("m2")));
        let (imports, failed) = read(rules(), &body, 10_000).map_err(|problem| format!("{problem:?}"))?;
        let named: Vec<_> = failed.iter().map(|failed| (failed.line, failed.code.as_str())).collect();
        let short = wrong.get(..80).unwrap_or(wrong);
        assert_eq!(named, [(3, code.as_str())], "{short}");
        assert_eq!(messages_of(&imports), [(0, vec!["m0", "m2"])], "{short}");
        // Alone it is refused.
        let problem = read(rules(), wrong, 10_000).err();
        assert_eq!(problem.as_ref().map(|problem| problem.code), Some(code), "{short}");
        assert!(problem.and_then(|problem| problem.detail).is_some_and(|detail| detail.starts_with("in line 1")));
    }
    Ok(())
}

#[test]
fn lines_that_failed_leave_no_gap_and_others_do() -> Outcome {
    let whole = |position| line("s", position, &message(&format!("m{position}")));
    let gap = format!("{}{}", whole(0), whole(2));
    assert_eq!(messages_of(&imports(&gap)?), [(0, vec!["m0"]), (2, vec!["m2"])]);
    let closed = format!("x\n{}x\nx\n{}{}", whole(1), whole(4), whole(6));
    let (imports, failed) = read(rules(), &closed, 5).map_err(|problem| format!("{problem:?}"))?;
    assert_eq!(failed.iter().map(|failed| failed.line).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(messages_of(&imports), [(1, vec!["m1", "m4"]), (6, vec!["m6"])]);
    Ok(())
}

#[test]
fn what_a_client_brings_is_written_anew() -> Outcome {
    // Members that no message has, among them those that the stored form once had, are dropped.
    let sealed = r#"{"created":"2026-01-01T01:00:00+01:00", "sealed":"k1.AAAA", "content":"x","role":"user", "id": "e", "parent":null, "metadata": { "n": 0.10,
 "big": 1e400 } , "parts":null,"status":null}"#.replace('\n', " ");
    let text = format!("\u{feff}{}\r\n\r\n", line("s", 0, &sealed).trim_end());
    let imports = imports(&text)?;
    let stored = imports.first().and_then(|one| one.import.messages.first()).map(|(_, stored)| stored.as_str());
    let expected = r#"{"id":"e","role":"user","content":"x","created":"2026-01-01T00:00:00.000Z","metadata":{"n":0.10,"big":1e400}}"#;
    assert_eq!(stored, Some(expected));
    // An empty one that only looks encrypted is refused.
    assert_eq!(failures(&line("s", 0, &sealed.replace("\"x\"", "\"\""))), [(2, "message_empty".to_owned())]);
    Ok(())
}

#[test]
fn what_other_programs_write_is_read() -> Outcome {
    let session = r#"{ "session" : { "archived": null, "created_ms": 1, "metadata": null, "pinned": null, "session_id": "s", "state": {"half": "\ud83d"}, "summary": null, "title": "half \ude00", "tokens_used": null, "updated_ms": 2, "user_id": null } }"#;
    let sorted = r#"{"message": {"message": {"content": "half \ud83d", "created": "2026-01-01T00:00:00.000Z", "id": "m", "role": "user"}, "position": 0, "session_id": "s"}}"#;
    let imports = imports(&format!("\u{feff}{session}\r\n\r\n {sorted} \r\n"))?;
    let [Owned { import, .. }] = imports.as_slice() else { return Err("one import".into()) };
    assert_eq!((import.title.as_str(), import.state.as_str()), ("half \u{fffd}", r#"{"half":"\ufffd"}"#));
    let stored = import.messages.first().map(|(_, stored)| stored.as_str());
    assert_eq!(
        stored,
        Some("{\"id\":\"m\",\"role\":\"user\",\"content\":\"half \u{fffd}\",\"created\":\"2026-01-01T00:00:00.000Z\"}")
    );
    Ok(())
}

#[test]
fn whatever_may_be_stored_may_be_imported() -> Outcome {
    let state = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    let session =
        format!("{{\"session\":{{\"session_id\":\"s\",\"created_ms\":1,\"updated_ms\":1,\"state\":{state}}}}}\n");
    let bodies = [
        message("m").replace("Ahoj", &"x".repeat(900_000)),
        message("m").replace("Ahoj", &"\\n".repeat(200_000)),
        message("m").replace("Ahoj", &"\\\"".repeat(150_000)),
        message("m")
            .replace('}', &format!(",\"parts\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}", "x".repeat(400_000))),
        message("m").replace("Ahoj", &"\\u017e".repeat(450_000)),
        message("m")
            .replace("user", "assistant")
            .replace('}', &format!(",\"metadata\":{{\"a\":\"{}\"}}}}", "x".repeat(100_000))),
    ];
    for body in bodies {
        let imports = imports(&format!("{session}{}", line("s", 0, &body)))?;
        let [Owned { import, .. }] = imports.as_slice() else { return Err("one import".into()) };
        assert_eq!((import.state.as_str(), import.messages.len()), (state.as_str(), 1));
    }
    let deeper = session.replace(&state, &format!("[{state}]"));
    assert_eq!(failures(&deeper), [(2, "json_too_deep".to_owned())]);
    Ok(())
}

#[test]
fn an_unreadable_text_is_named_and_the_rest_is_exported() -> Outcome {
    let (owner, id) = (Owner::stored("u-ada".into()), SessionId::parse("s")?);
    let writer = writer(&owner, true, &id);
    let lost = format!("{}\u{1}k1.AAAA", message("m1").replace("Ahoj", ""));
    let details = Details {
        session: Session { title: "\u{1}k1.AAAA".into(), ..Session::default() },
        metadata: Some("\u{1}k1.AAAA".into()),
        notes: Notes::default(),
    };
    let session = writer.session(&details, Some("[1]".into()))?;
    let messages = writer.messages(page(vec![message("m0"), lost, message("m2")]), 5)?;
    assert_eq!((session.count, session.unreadable), (1, vec![Unreadable::UnknownKey; 2]));
    assert_eq!((messages.count, messages.unreadable), (2, vec![Unreadable::UnknownKey]));
    let text = session.text + &messages.text;
    let named = r#"{"left_out":{"owner":"u-ada","session_id":"s","text":"message","position":6,"code":"value_unreadable","detail":"encryption_key_unknown"}}"#;
    assert!(text.lines().any(|line| line == named), "{text}");
    for kind in [Kind::Title, Kind::Metadata] {
        assert!(text.contains(&format!("\"text\":\"{}\"", kind.as_str())), "{text}");
    }
    // And what is left is an export.
    let imports = imports(&text)?;
    let parts = messages_of(&imports);
    assert_eq!(parts, [(5, vec!["m0", "m2"])]);
    assert_eq!(imports.first().map(|one| one.import.state.as_str()), Some("[1]"));
    Ok(())
}

#[test]
fn a_caller_whose_roles_are_limited_brings_no_others() {
    let rules = ImportRules { roles: WritableRoles::User, ..rules() };
    let body = line("s", 0, &message("m0")) + &line("s", 1, &message("m1").replace("user", "system"));
    let failed = read(rules, &body, 100).map(|(imports, failed)| (messages_of(&imports).len(), failed));
    let Ok((1, failed)) = failed else { panic!("{failed:?}") };
    assert_eq!(failed.first().map(|failed| (failed.line, failed.code.as_str())), Some((2, "forbidden")));
}

#[test]
fn named_lines_are_limited_and_all_are_counted() {
    let mut importer = Importer::new(rules());
    importer.read(line("s", 0, &message("m")).as_bytes());
    importer.read("x\n".repeat(250).as_bytes());
    importer.end();
    let (failed, count) = importer.finish().unwrap_or_default();
    assert_eq!((failed.len(), count), (100, 250));
}

#[test]
fn pieces_of_any_size_make_the_same_imports() {
    let session = |number: u64| if number % 7 < 4 { "a" } else { "b" };
    let body: String = (0..30).map(|number| line(session(number), number, &message(&format!("m{number}")))).collect();
    let made = |bytes| read(rules(), &body, bytes).map(|(imports, _)| format!("{imports:?}"));
    let whole = made(body.len());
    assert!(whole.is_ok());
    for bytes in [1, 2, 3, 17, 64, 101, 1000] {
        assert_eq!(made(bytes), whole, "{bytes}");
    }
}
