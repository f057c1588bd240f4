//! What a request is made of: its path and query, its body, the ids and cursors in it.

use super::text;
use chatkeep_model::census;
use chatkeep_model::depth::is_deeper;
use chatkeep_model::dialect::Dialect;
use chatkeep_model::intake::{self, Fresh, Incoming, Preconditions, WritableRoles};
use chatkeep_model::plan::{Cursor, CutAfter, Tag};
use chatkeep_model::route::{Query, route};
use chatkeep_model::transfer::{ImportRules, Importer};
use chatkeep_model::{Limits, Millis, Owner, SessionId, message, owner, percent};

fn incoming<'a>(body: &'a str, key: Option<&'a str>, limits: &'a Limits) -> Incoming<'a> {
    let fresh = Fresh { now: Millis(1_795_253_400_000), session: 1, message: 2, attempt: 3, seal: 4 };
    Incoming { body, key, limits, roles: WritableRoles::All, fresh }
}

fn session() -> SessionId {
    SessionId::parse("s").expect("it is one")
}

/// Bodies of the canonical API, each read as every kind of body.
pub(super) fn bodies(input: &[u8]) {
    let text = &*text(input);
    let limits = Limits::default();
    if is_deeper(text, 64) {
        return;
    }
    for key in [None, Some("key"), Some(text)] {
        let incoming = incoming(text, key, &limits);
        if let Ok((begin, _)) = intake::chat(incoming) {
            // The scripts know a message by how its text begins.
            assert!(begin.message.starts_with(&message::stored_prefix(&begin.message_id)));
            assert!(!begin.title.contains(char::is_control));
        }
        if let Ok(turn) = intake::ai_chat(incoming) {
            assert!(!turn.begin.title.contains(char::is_control));
            assert_eq!(turn.clone().replacing("m1"), turn.replacing("m1"));
        }
        if intake::appends(text)
            && let Ok((append, ids)) = intake::append(session(), incoming)
        {
            assert_eq!(append.messages.len(), ids.len());
        }
        let _ = intake::create(incoming);
        let _ = intake::truncate(session(), incoming);
        let _ = intake::fork(session(), incoming);
    }
    let incoming = incoming(text, None, &limits);
    let _ = intake::incognito(incoming);
    let _ = intake::patch(session(), incoming);
    let _ = intake::stop(text);
    let _ = intake::visitor(text);
    let _ = intake::claim(text);
    for tags in [
        Preconditions { if_match: Some(text), if_none_match: None },
        Preconditions { if_match: None, if_none_match: Some(text) },
    ] {
        let _ = intake::write_state(session(), tags, None, incoming);
    }
}

/// Bodies of the dialects.
pub(super) fn dialects(input: &[u8]) {
    let text = &*text(input);
    let limits = Limits::default();
    if is_deeper(text, 64) {
        return;
    }
    // The first line is what stands in the path.
    let (id, body) = text.split_once('\n').unwrap_or(("s", text));
    for dialect in Dialect::ALL {
        let shape = dialect.shape();
        if let Ok(question) = shape.question(id.to_owned(), incoming(body, None, &limits)) {
            let begin = question.begin;
            assert!(begin.message.starts_with(&message::stored_prefix(&begin.message_id)));
        }
        let _ = shape.create(id.to_owned(), incoming(body, None, &limits));
        if let Ok((append, ids)) = shape.append(session(), incoming(body, None, &limits)) {
            assert_eq!(append.messages.len(), ids.len());
        }
        let _ = shape.wanted(Query(id));
    }
}

/// Ids, and users' names, which must not become each other's or break out of a key.
pub(super) fn ids(input: &[u8]) {
    let text = &*text(input);
    for label in [None, Some("acme")] {
        let Some(named) = owner::user(label, text) else { continue };
        let told = match named {
            owner::Named::Owner(owner) => owner.to_string(),
            owner::Named::Long(long) => long.text().to_owned(),
        };
        assert!(told.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.%-".contains(&byte)));
        let prefix = label.map_or("u-".to_owned(), |label| format!("u-{label}."));
        let name = told.strip_prefix(&prefix).expect("whose user it is stands before the name");
        assert_eq!(percent::decode(name), text, "two users would be one");
    }
    if let Ok(id) = SessionId::parse(text) {
        assert!(!id.as_str().contains(['{', '}', '\0', '\n']));
    }
    if let Some(owner) = Owner::parse(text) {
        assert!(!owner.as_str().contains(['{', '}', ':', '\0', '\n']));
        assert_eq!(owner.as_str(), text);
    }
    assert_eq!(percent::decode(&percent::encode(text)), text);
}

/// Cursors, tags and times: what is given to clients and comes back.
pub(super) fn cursors(input: &[u8]) {
    let text = &*text(input);
    if let Some(cursor) = Cursor::parse(text) {
        assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
    }
    if let Some(cursor) = census::Cursor::parse(text) {
        assert_eq!(census::Cursor::parse(&cursor.to_text()), Some(cursor));
    }
    if let Some(tag) = Tag::parse(text) {
        assert_eq!(Tag::parse(&tag.to_text()), Some(tag));
    }
    if let Some(cut) = CutAfter::parse(text) {
        assert_eq!(cut.as_str(), text);
    }
    if let Some(time) = Millis::parse_rfc3339(text) {
        assert_eq!(Millis::parse_rfc3339(&time.to_rfc3339()), Some(time));
    }
}

/// The lines of an import.
pub(super) fn import(input: &[u8]) {
    let text = &*text(input);
    let limits = Limits::default();
    let rules = || ImportRules {
        limits: limits.clone(),
        fresh: incoming(text, None, &limits).fresh,
        owner: None,
        roles: WritableRoles::All,
        dry_run: false,
    };
    let read = |bytes: usize| {
        let mut importer = Importer::new(rules());
        text.as_bytes().chunks(bytes).for_each(|piece| importer.read(piece));
        importer.end();
        let imports: Vec<_> = std::iter::from_fn(|| importer.next_import()).collect();
        for (_, stored) in imports.iter().flat_map(|one| &one.import.messages) {
            assert!(message::stored_id(stored).is_some() && !stored.contains(['\n', message::MARK]), "{stored}");
        }
        format!("{imports:?} {:?}", importer.finish())
    };
    assert_eq!(read(3), read(text.len().max(1)));
}

/// Paths and queries.
pub(super) fn routes(input: &[u8]) {
    let text = &*text(input);
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    for root in [None, Some(Dialect::Jarvis), Some(Dialect::StorageGuide), Some(Dialect::OpenTa)] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", text] {
            let _ = route(method, path, root);
        }
    }
    let query = Query(query);
    for name in ["limit", "cursor", "q", "fields", "before", ""] {
        let _ = query.get(name);
        if let Ok(Some(number)) = query.number(name, 1..=100) {
            assert!((1..=100).contains(&number));
        }
    }
}
