//! What comes in: bodies, headers and path ids become operations, or problems. Nothing is stored before all of it is checked.

use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId, TurnId, digest};
use crate::limits::Limits;
use crate::message::{Message, Role};
use crate::plan::{BeginTurn, Create};
use crate::session::derived_title;
use crate::time::Millis;
use crate::wire::{ChatRequest, CreateRequest};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// What a request needs that is neither in it nor decided here: the time, and fresh 128-bit values of UUIDs.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// Now.
    pub now: Millis,
    /// A UUIDv7, for a session id.
    pub session: u128,
    /// A UUIDv7, for a message id.
    pub message: u128,
    /// Random, for the attempt.
    pub attempt: u128,
    /// Random, for the seal of a session that is created.
    pub seal: u128,
}

/// A turn from `POST /v1/chat`.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn chat(body: &str, key: Option<&str>, limits: &Limits, fresh: Fresh) -> Result<BeginTurn, Problem> {
    let request: ChatRequest = object(body)?;
    for (asked, name) in [
        (request.stream == Some(true), "stream"),
        (request.incognito == Some(true), "incognito"),
        (request.context.is_some(), "context"),
    ] {
        if asked {
            return Err(Problem::new(Code::Unsupported).detail(name));
        }
    }
    let text = request.message.filter(|text| !text.trim().is_empty()).ok_or(Problem::new(Code::MessageEmpty))?;
    if text.len() > limits.message_bytes {
        let detail = format!("{} bytes; the limit is {}", text.len(), limits.message_bytes);
        return Err(Problem::new(Code::MessageTooLong).detail(detail));
    }
    let metadata = metadata(request.metadata, limits)?;
    let key = key.map(idempotency_key).transpose()?;
    let brought = request.message_id.map(message_id).transpose()?;
    let session = match request.session_id {
        Some(id) => session_id(id)?,
        // A key makes the whole request repeatable, so it must lead to the same session each time.
        None => key.as_ref().map_or_else(|| SessionId::mint(fresh.session), session_of_key),
    };
    let print = digest([
        text.as_bytes(),
        metadata.as_ref().map(|metadata| metadata.get()).unwrap_or_default().as_bytes(),
        brought.as_ref().map(MessageId::as_str).unwrap_or_default().as_bytes(),
    ]);
    let message_id = brought.unwrap_or_else(|| MessageId::mint(fresh.message));
    let title = derived_title(&text);
    let message = Message {
        id: message_id.clone(),
        role: Role::User,
        content: text,
        created: fresh.now.to_rfc3339(),
        parent: None,
        metadata,
    };
    Ok(BeginTurn {
        session,
        turn: key.unwrap_or_else(|| TurnId::of_message(&message_id)),
        attempt: format!("{:032x}", fresh.attempt),
        fingerprint: format!("{print:016x}"),
        message_id,
        message: message.to_json().map_err(|_| Problem::new(Code::Internal))?,
        title,
        existing: request.existing.unwrap_or(false),
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        lease: limits.lease,
        window: limits.window,
        messages_per_session: limits.messages_per_session,
        sessions_per_owner: limits.sessions_per_owner,
    })
}

/// A new session from `POST /v1/sessions`, whose body may be absent.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn create(body: &str, key: Option<&str>, limits: &Limits, fresh: Fresh) -> Result<Create, Problem> {
    let request: CreateRequest = if body.trim().is_empty() { CreateRequest::default() } else { object(body)? };
    let title = request.title.unwrap_or_default().trim().replace(char::is_control, " ");
    if title.chars().count() > limits.title_characters {
        let detail = format!("the limit is {} characters", limits.title_characters);
        return Err(Problem::new(Code::TitleTooLong).detail(detail));
    }
    let key = key.map(idempotency_key).transpose()?;
    let session = match request.session_id {
        Some(id) => session_id(id)?,
        None => key.as_ref().map_or_else(|| SessionId::mint(fresh.session), session_of_key),
    };
    Ok(Create {
        session,
        operation: key.unwrap_or_else(|| TurnId::of_message(&MessageId::mint(fresh.attempt))),
        title,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
    })
}

/// A session id from a path or a body.
///
/// # Errors
/// [`Code::InvalidSessionId`].
pub fn session_id(text: String) -> Result<SessionId, Problem> {
    SessionId::parse(text).map_err(|invalid| Problem::new(Code::InvalidSessionId).detail(invalid.to_string()))
}

fn message_id(text: String) -> Result<MessageId, Problem> {
    MessageId::parse(text).map_err(|invalid| Problem::new(Code::InvalidMessageId).detail(invalid.to_string()))
}

/// The header's value: a structured-field string in quotes (draft-ietf-httpapi-idempotency-key-header), or bare.
fn idempotency_key(value: &str) -> Result<TurnId, Problem> {
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    TurnId::parse(bare).map_err(|invalid| Problem::new(Code::InvalidIdempotencyKey).detail(invalid.to_string()))
}

/// The session that a request with a key but no session id opens, the same at every repetition.
fn session_of_key(key: &TurnId) -> SessionId {
    let [high, low] = [b"high".as_slice(), b"low"].map(|half| digest([half, key.as_str().as_bytes()]));
    SessionId::mint(u128::from(high) << 64 | u128::from(low))
}

fn metadata(metadata: Option<Box<RawValue>>, limits: &Limits) -> Result<Option<Box<RawValue>>, Problem> {
    let Some(metadata) = metadata.filter(|value| value.get() != "null") else { return Ok(None) };
    if !metadata.get().starts_with('{') {
        return Err(Problem::new(Code::InvalidBody).detail("metadata is an object"));
    }
    if metadata.get().len() > limits.metadata_bytes {
        let detail = format!("{} bytes; the limit is {}", metadata.get().len(), limits.metadata_bytes);
        return Err(Problem::new(Code::MetadataTooLarge).detail(detail));
    }
    Ok(Some(metadata))
}

/// Reads a JSON object. Unknown members are ignored.
fn object<T: DeserializeOwned>(body: &str) -> Result<T, Problem> {
    if !body.trim_start().starts_with('{') {
        return Err(Problem::new(Code::InvalidJson));
    }
    serde_json::from_str(body).map_err(|error| match error.classify() {
        // The text of a data error can quote the value, so only the place is told.
        serde_json::error::Category::Data => {
            Problem::new(Code::InvalidBody).detail(format!("at line {} column {}", error.line(), error.column()))
        }
        _ => Problem::new(Code::InvalidJson).detail(format!("at line {} column {}", error.line(), error.column())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Fresh = Fresh { now: Millis(1_795_253_400_000), session: 1, message: 2, attempt: 3, seal: 4 };

    fn turn(body: &str) -> Result<BeginTurn, Code> {
        chat(body, None, &Limits::default(), FRESH).map_err(|problem| problem.code)
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
            (r#"{"message":"a","stream":true}"#, Code::Unsupported),
            (r#"{"message":"a","incognito":true}"#, Code::Unsupported),
            (r#"{"message":"a","context":[]}"#, Code::Unsupported),
            (&long, Code::MessageTooLong),
        ] {
            assert_eq!(turn(body).err(), Some(code), "{}", body.get(..40).unwrap_or(body));
        }
        assert!(turn(&long.replacen('x', "", 1)).is_ok());
    }

    #[test]
    fn a_key_names_the_turn_and_the_session_that_it_opens() -> Result<(), Problem> {
        let with = |key| chat(r#"{"message":"a"}"#, Some(key), &Limits::default(), FRESH);
        assert_eq!(with("\"k-1\"")?.turn.as_str(), "k-1");
        assert_eq!(with("\"k-1\"")?.session, with("k-1")?.session);
        assert_ne!(with("k-1")?.session, with("k-2")?.session);
        assert_eq!(with("\"a b\"").map_err(|problem| problem.code).err(), Some(Code::InvalidIdempotencyKey));
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
    fn a_session_may_be_created_without_a_body() -> Result<(), Problem> {
        assert_eq!(create("", None, &Limits::default(), FRESH)?.title, "");
        let named = create(r#"{"session_id":"user-123","title":" Plán\n"}"#, None, &Limits::default(), FRESH)?;
        assert_eq!((named.session.as_str(), named.title.as_str()), ("user-123", "Plán"));
        let long = format!(r#"{{"title":"{}"}}"#, "ž".repeat(201));
        let refused = create(&long, None, &Limits::default(), FRESH).map_err(|problem| problem.code);
        assert_eq!(refused.err(), Some(Code::TitleTooLong));
        Ok(())
    }
}
