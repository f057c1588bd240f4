//! Exports and imports: NDJSON, one session or message a line.

use crate::Owner;
use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId};
use crate::intake::Fresh;
use crate::limits::{IMPORTED_PER_CALL, Limits, TOKENS, USER_ID_BYTES};
use crate::plan::{Details, Import, Page, Summary};
use crate::records::Notes;
use crate::session::Flags;
use crate::summary;
use crate::time::Millis;
use crate::wire::{ExportEnd, ExportLine, ExportedMessage, ExportedSession, ExportedSummary};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The line of a session; with its owner in an export of everyone's.
///
/// # Errors
/// A stored metadata or state is not JSON.
pub fn session_line(
    owner: Option<&Owner>,
    id: &SessionId,
    details: &Details,
    state: Option<String>,
) -> Result<String, serde_json::Error> {
    let session = &details.session;
    let notes = details.notes.clone().renumbered(session.first);
    let summary = Summary::parse(&notes.summary);
    line(&ExportLine::Session(Box::new(ExportedSession {
        owner: owner.cloned(),
        session_id: id.clone(),
        title: Some(session.title.clone()).filter(|title| !title.is_empty()),
        created_ms: session.created.0,
        updated_ms: session.updated.0,
        pinned: session.flags.pinned,
        archived: session.flags.archived,
        user_id: Some(session.flags.user.clone()).filter(|user| !user.is_empty()),
        metadata: details.metadata.clone().map(RawValue::from_string).transpose()?,
        state: state.map(RawValue::from_string).transpose()?,
        tokens_used: Some(notes.used).filter(|used| *used > 0),
        summary: summary.map(|Summary { until, last, text }| ExportedSummary { messages: until, last, text }),
    })))
}

/// The lines of a page of messages. Positions count from the oldest message kept when the export began, at `first`.
///
/// # Errors
/// A stored message is not JSON.
pub fn message_lines(
    owner: Option<&Owner>,
    id: &SessionId,
    first: u64,
    page: Page,
) -> Result<String, serde_json::Error> {
    let mut lines = String::new();
    for (position, message) in (page.from..).zip(page.messages) {
        lines += &line(&ExportLine::Message(ExportedMessage {
            owner: owner.cloned(),
            session_id: id.clone(),
            position: position.saturating_sub(first),
            message: RawValue::from_string(message)?,
        }))?;
    }
    Ok(lines)
}

/// The line that says where to go on.
///
/// # Errors
/// None in practice.
pub fn cursor_line(cursor: String) -> Result<String, serde_json::Error> {
    line(&ExportLine::Cursor(cursor))
}

/// The last line.
///
/// # Errors
/// None in practice.
pub fn end_line(end: ExportEnd) -> Result<String, serde_json::Error> {
    line(&ExportLine::End(end))
}

fn line(line: &ExportLine) -> Result<String, serde_json::Error> {
    serde_json::to_string(line).map(|text| text + "\n")
}

/// An import, and whose sessions the export says that they are.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Owned {
    pub owner: Option<Owner>,
    pub import: Import,
}

/// Reads an export into imports, in its order. Messages may come without their session's line, where that was sent before.
///
/// # Errors
/// [`Code::InvalidJson`] or [`Code::InvalidBody`] with the number of the line; nothing is imported then.
pub fn imports(body: &str, limits: &Limits, fresh: Fresh) -> Result<Vec<Owned>, Problem> {
    let mut imports: Vec<Owned> = Vec::new();
    let mut bytes = 0;
    for (number, text) in body.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |code: Code| Problem::new(code).detail(format!("in line {}", number + 1));
        let parsed: ExportLine = serde_json::from_str(text).map_err(|error| {
            let is_json = error.classify() == serde_json::error::Category::Data;
            wrong(if is_json { Code::InvalidBody } else { Code::InvalidJson })
        })?;
        match parsed {
            ExportLine::End(_) | ExportLine::Cursor(_) => {}
            ExportLine::Session(session) => {
                let owner = checked_owner(session.owner.clone()).map_err(wrong)?;
                imports.push(Owned { owner, import: of_session(*session, limits, fresh).map_err(wrong)? });
                bytes = 0;
            }
            ExportLine::Message(message) => {
                let owner = checked_owner(message.owner).map_err(wrong)?;
                let id = checked_message(&message.message, limits).map_err(wrong)?;
                let stored = message.message.get().to_owned();
                let follows = imports.last().is_some_and(|Owned { owner: its, import: last }| {
                    (its, &last.session) == (&owner, &message.session_id)
                        && last.messages.len() < IMPORTED_PER_CALL.0
                        && (bytes + stored.len() <= IMPORTED_PER_CALL.1 || last.messages.is_empty())
                        && (last.messages.is_empty() || last.position + last.messages.len() as u64 == message.position)
                });
                if !follows {
                    imports.push(Owned { owner, import: continued(message.session_id, limits, fresh) });
                    bytes = 0;
                }
                bytes += stored.len();
                if let Some(Owned { import: last, .. }) = imports.last_mut() {
                    if last.messages.is_empty() {
                        last.position = message.position;
                    }
                    last.messages.push((id, stored));
                }
            }
        }
    }
    Ok(imports)
}

fn of_session(session: ExportedSession, limits: &Limits, fresh: Fresh) -> Result<Import, Code> {
    let json = |value: Option<Box<RawValue>>| value.map(|value| value.get().to_owned()).unwrap_or_default();
    let user = session.user_id.unwrap_or_default();
    if user.len() > USER_ID_BYTES {
        return Err(Code::InvalidParameter);
    }
    let stored = |ExportedSummary { messages, last, text }| Summary { until: messages, last, text }.stored();
    let notes = Notes {
        used: session.tokens_used.unwrap_or_default().min(TOKENS),
        summary: session.summary.map(stored).unwrap_or_default(),
    };
    if notes.summary.chars().count() > 2 * summary::KEPT {
        return Err(Code::InvalidBody);
    }
    let import = Import {
        title: session.title.unwrap_or_default().replace(char::is_control, " "),
        created: Millis(session.created_ms.min(fresh.now.0)),
        updated: Millis(session.updated_ms.min(fresh.now.0)),
        flags: Flags { pinned: session.pinned, archived: session.archived, user, ..Flags::default() },
        metadata: json(session.metadata),
        state: json(session.state),
        notes,
        ..continued(session.session_id, limits, fresh)
    };
    if import.title.chars().count() > limits.title_characters {
        return Err(Code::TitleTooLong);
    }
    if import.metadata.len() > limits.metadata_bytes {
        return Err(Code::MetadataTooLarge);
    }
    if import.state.len() > limits.state_bytes {
        return Err(Code::StateTooLarge);
    }
    Ok(import)
}

fn continued(session: SessionId, limits: &Limits, fresh: Fresh) -> Import {
    Import {
        session,
        title: String::new(),
        created: fresh.now,
        updated: fresh.now,
        flags: Flags::default(),
        metadata: String::new(),
        state: String::new(),
        notes: Notes::default(),
        seal: format!("{:032x}", fresh.seal),
        position: 0,
        after: None,
        messages: Vec::new(),
        now: fresh.now,
        ttl: limits.ttl,
        messages_per_session: limits.messages_per_session,
        session_bytes: limits.session_bytes,
        sessions_per_owner: limits.sessions_per_owner,
    }
}

/// An owner from an export, if it can be one.
fn checked_owner(owner: Option<Owner>) -> Result<Option<Owner>, Code> {
    owner.map(|owner| Owner::parse(owner.as_str()).ok_or(Code::InvalidBody)).transpose()
}

/// A message from an export, if it has the stored form: its id comes first.
fn checked_message(message: &RawValue, limits: &Limits) -> Result<MessageId, Code> {
    #[derive(Deserialize)]
    struct Head {
        id: MessageId,
        #[allow(dead_code)]
        role: crate::Role,
        content: String,
        #[allow(dead_code)]
        created: String,
    }
    let head: Head = serde_json::from_str(message.get()).map_err(|_| Code::InvalidBody)?;
    if !message.get().starts_with(&crate::message::stored_prefix(&head.id)) {
        return Err(Code::InvalidBody);
    }
    if head.content.len() > limits.message_bytes
        || message.get().len() > limits.message_bytes + limits.metadata_bytes + 1024
    {
        return Err(Code::MessageTooLong);
    }
    Ok(head.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Notes;
    use crate::session::Session;

    const FRESH: Fresh = Fresh { now: Millis(9_000), session: 1, message: 2, attempt: 3, seal: 4 };

    fn message(id: &str) -> String {
        format!(r#"{{"id":"{id}","role":"user","content":"Ahoj","created":"2026-11-21T09:30:00.000Z"}}"#)
    }

    fn notes(summary: &str) -> Notes {
        Notes { used: 7, summary: summary.to_owned() }
    }

    #[test]
    fn what_was_exported_is_imported() -> Result<(), Box<dyn std::error::Error>> {
        let id = SessionId::parse("s1")?;
        let session = Session {
            title: "Plán".into(),
            created: Millis(5),
            updated: Millis(6),
            first: 10,
            next: 12,
            flags: Flags { pinned: true, user: "user 1".into(), ..Flags::default() },
            ..Session::default()
        };
        let details =
            Details { session: session.clone(), metadata: Some(r#"{"a":1}"#.into()), notes: notes("11 m1 short") };
        let mut text = session_line(None, &id, &details, Some("[1]".into()))?;
        text +=
            &message_lines(None, &id, 10, Page { session, from: 10, messages: vec![message("m1"), message("m2")] })?;
        text += &end_line(ExportEnd { sessions: 1, messages: 2 })?;
        assert_eq!(text.lines().count(), 4);
        let imports = imports(&text, &Limits::default(), FRESH).map_err(|problem| format!("{problem:?}"))?;
        let [Owned { owner: None, import }] = imports.as_slice() else { return Err("one import".into()) };
        assert_eq!((import.title.as_str(), import.created, import.updated), ("Plán", Millis(5), Millis(6)));
        assert_eq!((import.metadata.as_str(), import.state.as_str(), import.flags.pinned), (r#"{"a":1}"#, "[1]", true));
        assert_eq!(import.notes, notes("1 m1 short"), "positions count from the oldest message");
        assert_eq!((import.position, import.messages.len()), (0, 2));
        assert_eq!(import.messages.last().map(|(_, stored)| stored.clone()), Some(message("m2")));
        Ok(())
    }

    #[test]
    fn long_sessions_come_in_several_calls() -> Result<(), Box<dyn std::error::Error>> {
        let id = SessionId::parse("s1")?;
        let messages = (0..450).map(|number| message(&format!("m{number}"))).collect();
        let lines = message_lines(None, &id, 0, Page { session: Session::default(), from: 0, messages })?;
        let imports = imports(&lines, &Limits::default(), FRESH).map_err(|problem| format!("{problem:?}"))?;
        let parts: Vec<_> = imports.iter().map(|one| (one.import.position, one.import.messages.len())).collect();
        assert_eq!(parts, [(0, 200), (200, 200), (400, 50)]);
        Ok(())
    }

    #[test]
    fn sessions_of_two_owners_stay_apart() -> Result<(), Box<dyn std::error::Error>> {
        let id = SessionId::parse("s1")?;
        let (ada, bob) = (Owner::stored("u-ada".into()), Owner::stored("v-bob".into()));
        let page = || Page { session: Session::default(), from: 0, messages: vec![message("m1")] };
        let mut text = message_lines(Some(&ada), &id, 0, page())?;
        text += &cursor_line("1~2~u-ada".into())?;
        text += &message_lines(Some(&bob), &id, 1, page())?;
        let imports = imports(&text, &Limits::default(), FRESH).map_err(|problem| format!("{problem:?}"))?;
        let owners: Vec<_> = imports.iter().map(|one| (one.owner.clone(), one.import.messages.len())).collect();
        assert_eq!(owners, [(Some(ada), 1), (Some(bob), 1)]);
        Ok(())
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (body, code) in [
            (
                "\n{\"session\":{\"owner\":\"a}b\",\"session_id\":\"s\",\"created_ms\":1,\"updated_ms\":1}}",
                Code::InvalidBody,
            ),
            ("\n{", Code::InvalidJson),
            ("\n{\"session\":{}}", Code::InvalidBody),
            (
                "\n{\"message\":{\"session_id\":\"s\",\"position\":0,\"message\":{\"role\":\"user\"}}}",
                Code::InvalidBody,
            ),
        ] {
            let problem = imports(body, &Limits::default(), FRESH).err();
            assert_eq!(problem.as_ref().map(|problem| problem.code), Some(code), "{body}");
            assert_eq!(problem.and_then(|problem| problem.detail).as_deref(), Some("in line 2"));
        }
    }
}
