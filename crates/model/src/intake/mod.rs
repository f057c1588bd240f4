//! What comes in: bodies, headers and path ids become operations, or problems. Nothing is stored before all of it is checked.

mod ai;
mod incognito;
mod roles;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod turn;
mod visitor;

pub use ai::{AiTurn, ai_chat};
pub use incognito::{Incognito, incognito};
pub use roles::WritableRoles;
pub use session::{create, create_of, delete, fork, patch, restore, truncate};
pub use state::{Preconditions, write_state};
pub use turn::{append, append_of, appends, begin, chat, chat_in, stop};
pub use visitor::{claim, visitor};

use crate::error::{Code, Problem};
use crate::id::{InvalidId, MessageId, SessionId, TurnId, digest};
use crate::json;
use crate::limits::{Limits, STORED_MESSAGE_BYTES};
use crate::plan::CutAfter;
use crate::session::is_visible;
use crate::time::Millis;
use serde::Deserialize;
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

impl Fresh {
    /// From one draught of randomness: each costs a shell a call of JavaScript. `uuid7` makes a UUIDv7 of milliseconds and
    /// random bytes.
    #[must_use]
    pub fn of(now: Millis, random: &[u8; 52], uuid7: impl Fn(u64, &[u8; 10]) -> u128) -> Self {
        let mut rest = random.as_slice();
        let [session, message] = [take(&mut rest), take(&mut rest)].map(|bytes| uuid7(now.0, &bytes));
        let [attempt, seal] = [take(&mut rest), take(&mut rest)].map(u128::from_be_bytes);
        Self { now, session, message, attempt, seal }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (first, others) = rest.split_first_chunk().unwrap_or((&[0; N], &[]));
    *rest = others;
    *first
}

/// A request that is inside the gate.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its body.
    pub body: &'a str,
    /// Its `Idempotency-Key` header.
    pub key: Option<&'a str>,
    /// The limits that it must keep.
    pub limits: &'a Limits,
    /// The roles that messages of its caller may have.
    pub roles: WritableRoles,
    /// What it needs of the world.
    pub fresh: Fresh,
}

/// A session id from a path or a body.
///
/// # Errors
/// [`Code::InvalidSessionId`].
pub fn session_id(text: String) -> Result<SessionId, Problem> {
    SessionId::parse(text).map_err(|invalid| Problem::new(Code::InvalidSessionId).detail(invalid.to_string()))
}

/// The id of an operation that isn't a turn: the key, or a minted one.
fn operation(key: Option<&str>, fresh: Fresh) -> Result<TurnId, Problem> {
    key.map_or_else(|| Ok(TurnId::of_message(&MessageId::mint(fresh.attempt))), idempotency_key)
}

/// The id of a session to be made: the brought one, or one that follows from the key, or a minted one.
fn session_to_make(brought: Option<String>, key: Option<&str>, fresh: Fresh) -> Result<SessionId, Problem> {
    match (brought, key) {
        (Some(id), _) => session_id(id),
        (None, _) => Ok(SessionId::mint(minted(key, fresh)?)),
    }
}

/// The 128 bits of a session id to be minted. A key makes the whole request repeatable, so it leads to the same ones each time.
///
/// # Errors
/// [`Code::InvalidIdempotencyKey`].
pub fn minted(key: Option<&str>, fresh: Fresh) -> Result<u128, Problem> {
    let Some(key) = key.map(idempotency_key).transpose()? else { return Ok(fresh.session) };
    let [high, low] = [b"high".as_slice(), b"low"].map(|half| digest([half, key.as_str().as_bytes()]));
    Ok(u128::from(high) << 64 | u128::from(low))
}

fn cut_after(text: String) -> Result<CutAfter, Problem> {
    CutAfter::parse(&text).ok_or_else(|| Problem::new(Code::InvalidMessageId).detail(InvalidId.to_string()))
}

fn check_text(text: &str, limits: &Limits) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new(Code::MessageEmpty));
    }
    if text.len() > limits.message_bytes {
        let detail = format!("{} bytes; the limit is {}", text.len(), limits.message_bytes);
        return Err(Problem::new(Code::MessageTooLong).detail(detail));
    }
    let stored = json::string_bytes(text);
    if stored > STORED_MESSAGE_BYTES {
        let detail = format!("{stored} bytes as JSON; the limit is {STORED_MESSAGE_BYTES}");
        return Err(Problem::new(Code::MessageTooLong).detail(detail));
    }
    Ok(())
}

fn title(text: &str, limits: &Limits) -> Result<String, Problem> {
    let title = text.trim().replace(char::is_control, " ");
    if !is_visible(&title) {
        return Ok(String::new());
    }
    if title.chars().count() > limits.title_characters {
        let detail = format!("the limit is {} characters", limits.title_characters);
        return Err(Problem::new(Code::TitleTooLong).detail(detail));
    }
    Ok(title)
}

fn is_empty(object: &RawValue) -> bool {
    object.get().chars().filter(|character| !character.is_whitespace()).eq("{}".chars())
}

fn message_id(text: String) -> Result<MessageId, Problem> {
    MessageId::parse(text).map_err(|invalid| Problem::new(Code::InvalidMessageId).detail(invalid.to_string()))
}

/// The header's value: a structured-field string in quotes (draft-ietf-httpapi-idempotency-key-header), or bare.
///
/// # Errors
/// [`Code::InvalidIdempotencyKey`].
pub fn idempotency_key(value: &str) -> Result<TurnId, Problem> {
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    TurnId::parse(bare).map_err(|invalid| Problem::new(Code::InvalidIdempotencyKey).detail(invalid.to_string()))
}

fn metadata(metadata: Option<Box<RawValue>>, limits: &Limits) -> Result<Option<Box<RawValue>>, Problem> {
    let Some(metadata) = metadata.filter(|value| value.get() != "null").map(json::stored) else { return Ok(None) };
    if !metadata.get().starts_with('{') {
        return Err(Problem::new(Code::InvalidBody).detail("metadata is an object"));
    }
    if metadata.get().len() > limits.metadata_bytes {
        let detail = format!("{} bytes; the limit is {}", metadata.get().len(), limits.metadata_bytes);
        return Err(Problem::new(Code::MetadataTooLarge).detail(detail));
    }
    Ok(Some(metadata))
}

fn optional_object<T: DeserializeOwned + Default>(body: &str) -> Result<T, Problem> {
    if body.trim().is_empty() { Ok(T::default()) } else { object(body) }
}

/// Reads a JSON object. Unknown members are ignored.
pub(crate) fn object<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Problem> {
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
