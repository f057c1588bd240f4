//! What other systems kept, as the lines of an export: the storage guide's backup file, JARVIS's JSON values, OpenTA's rows.
//!
//! The ids of messages follow from their session, place and content, so that an import that is repeated changes nothing.

use crate::import::{Found, Line};
use chatkeep_model::archive::rows::{Row, messages};
use chatkeep_model::id::digest;
use chatkeep_model::wire::{ExportLine, ExportedMessage, ExportedSession};
use chatkeep_model::{Message, MessageId, Millis, Role, SessionId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};
use std::collections::BTreeMap;

/// A session as the storage guide and JARVIS keep it, whichever of the names they have.
#[derive(Debug, Deserialize)]
struct Kept {
    #[serde(alias = "id")]
    session_id: Option<String>,
    user_id: Option<String>,
    created_at: Option<String>,
    #[serde(alias = "updated_at")]
    last_activity: Option<String>,
    #[serde(alias = "history")]
    messages: Vec<KeptMessage>,
}

#[derive(Debug, Deserialize)]
struct KeptMessage {
    role: Role,
    content: String,
    #[serde(alias = "created_at")]
    timestamp: Option<String>,
    metadata: Option<Box<RawValue>>,
}

/// The formats that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Chatkeep's export: a session or a message a line.
    Chatkeep,
    /// The storage guide's backup file.
    StorageGuide,
    /// JARVIS's JSON values, under their keys or with their ids.
    Jarvis,
    /// OpenTA's rows as JSON.
    Openta,
}

/// What people are told who bring something else.
const UNDERSTOOD: &str = "understood are Chatkeep's export, the storage guide's backup file (objects with session_id, last_activity and \
     messages), JARVIS's values (objects with a history, or under their keys) and OpenTA's rows (objects with question and answer). \
     --from names one of them where a file doesn't show it";

/// Members by which the exports of others are known, and whose they are.
const OTHERS: [(&str, &str); 5] = [
    ("mapping", "ChatGPT's export"),
    ("chat_messages", "Claude's export"),
    ("chat", "Open WebUI's export"),
    ("conversationId", "LibreChat's export"),
    ("model", "a request to a model's API"),
];

/// The format of a value that shows it.
fn recognise(members: &BTreeMap<String, &RawValue>, key: Option<&str>) -> Result<Format, String> {
    let has = |name: &str| members.contains_key(name);
    if has("question") && has("answer") {
        return Ok(Format::Openta);
    }
    if has("last_activity") {
        return Ok(Format::StorageGuide);
    }
    if has("history") || key.is_some_and(|key| key.starts_with("jarvis:")) {
        return Ok(Format::Jarvis);
    }
    let other = OTHERS.iter().find(|(name, _)| has(name));
    let looks = other.map_or("is of no known format".to_owned(), |(_, whose)| format!("looks like {whose}"));
    Err(format!("{looks}, which can't be imported: {UNDERSTOOD}"))
}

/// The lines of a text of JSON values, one after another, in arrays, or by the keys that they had.
///
/// # Errors
/// What is not understood, and the number of the value.
pub(crate) fn lines(text: &str, from: Option<Format>) -> Result<Found, String> {
    let mut sessions: Vec<(String, Kept)> = Vec::new();
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut system = None;
    let mut seen = |one: Format| match system.replace(one) {
        Some(other) if other != one => Err("it holds values of two systems".to_owned()),
        _ => Ok(()),
    };
    for (number, value) in Deserializer::from_str(text).into_iter::<&RawValue>().enumerate() {
        let value = value.map_err(|error| format!("it is not JSON: {error}; {UNDERSTOOD}"))?;
        for (key, value) in parts(value)? {
            let wrong = |error: serde_json::Error| format!("value {} is not understood: {error}", number + 1);
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).map_err(wrong)?;
            let format = match from {
                Some(from) => from,
                None => recognise(&members, key.as_deref()).map_err(|why| format!("value {} {why}", number + 1))?,
            };
            seen(format)?;
            if format == Format::Openta {
                let row: Row = serde_json::from_str(value.get()).map_err(wrong)?;
                rows.entry(row.conversation_id.clone()).or_default().push(row);
                continue;
            }
            let kept: Kept = serde_json::from_str(value.get()).map_err(wrong)?;
            let id = kept
                .session_id
                .clone()
                .or_else(|| key.as_deref().and_then(|key| key.rsplit(':').next()).map(str::to_owned));
            let id = id
                .ok_or_else(|| format!("value {} names no session: give its key, as {{\"KEY\": VALUE}}", number + 1))?;
            sessions.push((id, kept));
        }
    }
    let dialect = match system.ok_or("it holds nothing")? {
        Format::StorageGuide => "storage-guide",
        Format::Jarvis => "jarvis",
        Format::Openta => "openta",
        // Its lines are read elsewhere.
        Format::Chatkeep => return Err("it is no export of Chatkeep's".to_owned()),
    };
    let mut lines = Vec::new();
    for (id, kept) in sessions {
        of_session(&id, kept, &mut lines)?;
    }
    for (id, mut rows) in rows {
        // As the archive gives them: the newest first.
        rows.sort_by(|one, other| (&other.timestamp, &one.id).cmp(&(&one.timestamp, &other.id)));
        of_messages(&id, None, None, None, messages(rows), &mut lines)?;
    }
    let lines = lines.into_iter().map(|text| Line { number: None, text }).collect();
    Ok(Found { lines, dialect: Some(dialect) })
}

/// A value, and the key of Redis that it stood under.
type Keyed = (Option<String>, Box<RawValue>);

/// The objects of a value: itself, the items of an array, or those that stand under keys of Redis.
fn parts(value: &RawValue) -> Result<Vec<Keyed>, String> {
    let wrong = |error: serde_json::Error| format!("it is not understood: {error}");
    let text = value.get();
    if text.starts_with('[') {
        let items: Vec<Box<RawValue>> = serde_json::from_str(text).map_err(wrong)?;
        return Ok(items.into_iter().map(|item| (None, item)).collect());
    }
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).map_err(wrong)?;
    if members.is_empty() || !members.keys().all(|key| key.contains(':')) {
        return Ok(vec![(None, value.to_owned())]);
    }
    let by_key = members.into_iter().map(|(key, value)| match serde_json::from_str(value.get()) {
        // The value as Redis has it: a text of JSON.
        Ok(Value::String(text)) => Ok((Some(key), RawValue::from_string(text).map_err(wrong)?)),
        _ => Ok((Some(key), value)),
    });
    by_key.collect()
}

fn of_session(id: &str, kept: Kept, lines: &mut Vec<String>) -> Result<(), String> {
    let created = kept.created_at.as_deref().and_then(Millis::parse_rfc3339);
    let updated = kept.last_activity.as_deref().and_then(Millis::parse_rfc3339);
    let mut messages = Vec::new();
    for (place, message) in kept.messages.into_iter().enumerate() {
        let at = message.timestamp.as_deref().and_then(Millis::parse_rfc3339).or(updated).or(created);
        let parts = [id.as_bytes(), &place.to_be_bytes(), message.content.as_bytes()];
        let name = MessageId::parse(format!("i-{:016x}", digest(parts))).map_err(|error| error.to_string())?;
        let made = Message::new(name, message.role, message.content, at.unwrap_or_default().to_rfc3339());
        let metadata = message.metadata.filter(|metadata| !matches!(metadata.get().trim(), "null" | "{}"));
        messages.push(Message { metadata, ..made });
    }
    of_messages(id, kept.user_id, created, updated, messages, lines)
}

fn of_messages(
    id: &str,
    user_id: Option<String>,
    created: Option<Millis>,
    updated: Option<Millis>,
    messages: Vec<Message>,
    lines: &mut Vec<String>,
) -> Result<(), String> {
    let session_id = SessionId::parse(id).map_err(|error| format!("{id}: {error}"))?;
    let time = |message: Option<&Message>| message.and_then(|message| Millis::parse_rfc3339(&message.created));
    let created = created.or_else(|| time(messages.first())).unwrap_or_default();
    let updated = updated.or_else(|| time(messages.last())).unwrap_or(created);
    let title = messages.iter().find(|message| message.role == Role::User);
    let title = title.map(|message| chatkeep_model::session::derived_title(&message.content));
    let session = ExportedSession {
        owner: None,
        session_id: session_id.clone(),
        title: title.filter(|title| !title.is_empty()),
        created_ms: created.0,
        updated_ms: updated.0,
        pinned: false,
        archived: false,
        user_id,
        metadata: None,
        state: None,
        tokens_used: None,
        summary: None,
    };
    let mut push = |line: ExportLine| {
        lines.push(serde_json::to_string(&line).map_err(|error| error.to_string())?);
        Ok::<(), String>(())
    };
    push(ExportLine::Session(Box::new(session)))?;
    for (position, message) in (0..).zip(messages) {
        let message = message.to_json().and_then(RawValue::from_string).map_err(|error| error.to_string())?;
        push(ExportLine::Message(ExportedMessage { owner: None, session_id: session_id.clone(), position, message }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = r#"{"session_id":"550e8400-e29b-41d4-a716-446655440000","user_id":"user123","created_at":"2025-11-14T10:30:00Z",
        "last_activity":"2025-11-14T10:35:00Z","messages":[{"role":"user","content":"Điều kiện?","timestamp":"2025-11-14T10:30:00Z","metadata":{}},
        {"role":"assistant","content":"Theo Luật...","timestamp":"2025-11-14T10:30:05Z","metadata":{"sources":["doc1"],"processing_time_ms":3500}}]}"#;

    #[test]
    fn a_backup_of_the_storage_guide_is_read() -> Result<(), String> {
        // As the guide's shell loop writes it: a value, then an empty line.
        let found = lines(&format!("{GUIDE}\n\n{}\n\n", GUIDE.replace("550e", "660e")), None)?;
        assert_eq!((found.dialect, found.lines.len()), (Some("storage-guide"), 6));
        assert!(
            found.lines[0]
                .text
                .contains(r#""created_ms":1763116200000,"updated_ms":1763116500000,"user_id":"user123""#)
        );
        assert!(found.lines[2].text.contains(r#""created":"2025-11-14T10:30:05.000Z","metadata":{"sources":["doc1"]"#));
        assert_eq!(found.lines, lines(&format!("[{GUIDE},{}]", GUIDE.replace("550e", "660e")), None)?.lines);
        Ok(())
    }

    #[test]
    fn values_of_jarvis_come_by_their_keys_or_with_their_ids() -> Result<(), String> {
        let value = r#"{"history":[{"role":"user","content":"Ahoj"}],"updated_at":"2025-10-27T14:30:00"}"#;
        let by_key = lines(&format!(r#"{{"jarvis:session:sess_abc123":{value}}}"#), None)?;
        assert_eq!((by_key.dialect, by_key.lines.len()), (Some("jarvis"), 2));
        assert!(
            by_key.lines[0].text.contains("sess_abc123") && by_key.lines[1].text.contains("2025-10-27T14:30:00.000Z")
        );
        let as_text = format!(r#"{{"jarvis:session:sess_abc123":{}}}"#, serde_json::json!(value));
        assert_eq!(lines(&as_text, None)?.lines, by_key.lines);
        let named = value.replacen('{', r#"{"session_id":"sess_abc123","#, 1);
        assert_eq!(lines(&named, None)?.lines, by_key.lines);
        assert!(lines(value, None).err().is_some_and(|why| why.contains("names no session")));
        Ok(())
    }

    #[test]
    fn rows_of_openta_become_conversations() -> Result<(), String> {
        let row = |id: &str, at: &str| {
            format!(
                r#"{{"id":"{id}","conversation_id":"c1","question":"Q {id}","answer":"A","sources":["Paper_001"],"timestamp":"{at}"}}"#
            )
        };
        let text = format!("[{},{}]", row("r2", "2026-01-01T00:00:01.5"), row("r1", "2026-01-01T00:00:00"));
        let found = lines(&text, None)?;
        assert_eq!((found.dialect, found.lines.len()), (Some("openta"), 5));
        assert!(found.lines[1].text.contains("Q r1") && found.lines[3].text.contains("Q r2"));
        assert!(found.lines[4].text.contains("2026-01-01T00:00:01.500Z") && found.lines[4].text.contains("Paper_001"));
        Ok(())
    }

    #[test]
    fn what_other_products_export_is_named_and_refused() -> Result<(), String> {
        for (text, whose) in [
            (r#"[{"title":"t","mapping":{},"current_node":"x"}]"#, "ChatGPT's export"),
            (r#"[{"uuid":"u","chat_messages":[]}]"#, "Claude's export"),
            (r#"[{"id":"u","chat":{"history":{}}}]"#, "Open WebUI's export"),
            (r#"{"conversationId":"c","messages":[]}"#, "LibreChat's export"),
            (
                r#"{"id":"x","model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#,
                "a request to a model's API",
            ),
            (r#"{"id":"x","messages":[{"role":"user","content":"hi"}]}"#, "no known format"),
        ] {
            let said = lines(text, None).err().unwrap_or_default();
            assert!(said.starts_with("value 1 ") && said.contains(whose) && said.contains(UNDERSTOOD), "{said}");
        }
        // Unless somebody says what it is.
        let said = lines(r#"{"id":"x","messages":[{"role":"user","content":"hi"}]}"#, Some(Format::Jarvis))?;
        assert_eq!((said.dialect, said.lines.len()), (Some("jarvis"), 2));
        Ok(())
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, why) in [
            ("", "nothing"),
            ("{", "not JSON"),
            (r#"{"a":1}"#, "value 1"),
            (
                &format!(
                    "{GUIDE}{{\"question\":\"q\",\"answer\":\"a\",\"id\":\"1\",\"conversation_id\":\"c\",\"timestamp\":\"t\"}}"
                ),
                "two systems",
            ),
        ] {
            let said = lines(text, None).err().unwrap_or_default();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
