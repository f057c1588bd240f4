//! An agent's state, written on a condition.

use super::{Incoming, operation};
use crate::error::{Code, Problem};
use crate::id::SessionId;
use crate::json;
use crate::plan::{Condition, Tag, WriteState};
use crate::time::Millis;
use serde_json::value::RawValue;

/// The headers that make a `PUT .../state` conditional.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Preconditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
}

/// A `PUT /v1/sessions/{id}/state`, whose body is any JSON but null.
///
/// # Errors
/// The problem with the body or a header.
pub fn write_state(
    session: SessionId,
    preconditions: Preconditions,
    incoming: Incoming,
) -> Result<WriteState, Problem> {
    let Incoming { body, key, limits, fresh, .. } = incoming;
    let state: Box<RawValue> = serde_json::from_str(body).map_err(|_| Problem::new(Code::InvalidJson))?;
    let state = json::stored(state);
    if state.get().len() > limits.state_bytes {
        let detail = format!("{} bytes; the limit is {}", state.get().len(), limits.state_bytes);
        return Err(Problem::new(Code::StateTooLarge).detail(detail));
    }
    if state.get() == "null" {
        return Err(Problem::new(Code::InvalidBody).detail("a state is a value: any JSON that says something"));
    }
    Ok(WriteState {
        session,
        operation: operation(key, fresh)?,
        condition: condition(preconditions)?,
        state: state.get().to_owned(),
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
    })
}

/// What the headers ask for (RFC 9110, sections 13.1.1 and 13.1.2). A weak tag matches nothing.
fn condition(preconditions: Preconditions) -> Result<Condition, Problem> {
    let wrong = |detail: &str| Problem::new(Code::InvalidPrecondition).detail(detail);
    match (preconditions.if_match.map(str::trim), preconditions.if_none_match.map(str::trim)) {
        (None, None) => Ok(Condition::Any),
        (None, Some("*")) => Ok(Condition::None),
        (None, Some(_)) => Err(wrong("If-None-Match takes * only")),
        (Some(_), Some(_)) => Err(wrong("If-Match and If-None-Match exclude each other")),
        (Some("*"), None) => Ok(Condition::Present),
        (Some(tag), None) => {
            let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let inner = inner.or_else(|| tag.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"')).map(|_| ""));
            let inner = inner.ok_or_else(|| wrong("If-Match takes one tag in quotes, or *"))?;
            // A tag of another form is one that no state of ours has: it doesn't match.
            Ok(Condition::Match(Tag::parse(inner).unwrap_or(Tag { created: Millis(0), revision: 0 })))
        }
    }
}
