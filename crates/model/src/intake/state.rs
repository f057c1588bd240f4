//! An agent's state, written on a condition.

use super::{Incoming, operation};
use crate::error::{Code, Problem};
use crate::fingerprint::{RequestKind, of_request};
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

/// An entity tag of a list (RFC 9110, section 8.8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntityTag<'a> {
    is_weak: bool,
    /// What stands in the quotes.
    opaque: &'a str,
}

impl Preconditions<'_> {
    /// The tags that `If-Match` lists and that a state of ours can have, in their order. A weak tag matches nothing.
    #[must_use]
    pub fn listed_tags(&self) -> Vec<Tag> {
        let listed = self.if_match.and_then(parse_tags).unwrap_or_default();
        listed.iter().filter(|tag| !tag.is_weak).filter_map(|tag| Tag::parse(tag.opaque)).collect()
    }

    /// Why the condition doesn't hold, for people.
    #[must_use]
    pub fn mismatch_detail(&self) -> &'static str {
        let listed = self.if_match.and_then(parse_tags).unwrap_or_default();
        if listed.iter().any(|tag| tag.is_weak) {
            return "a weak tag (W/) matches nothing: a proxy on the way has changed the ETag";
        }
        match self.if_match {
            Some(_) => "the state is there with another tag, or not at all",
            None => "there is a state",
        }
    }
}

/// A `PUT /v1/sessions/{id}/state`, whose body is any JSON but null. `current` is the tag of the state that is there, where
/// `If-Match` lists several: the write is conditional on that one, if it is among them.
///
/// # Errors
/// The problem with the body or a header.
pub fn write_state(
    session: SessionId,
    preconditions: Preconditions,
    current: Option<Tag>,
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
    let sent = [preconditions.if_match, preconditions.if_none_match].map(Option::unwrap_or_default);
    Ok(WriteState {
        session,
        operation: operation(key, fresh)?,
        fingerprint: of_request(RequestKind::WriteState, sent.into_iter().chain([state.get()])),
        condition: condition(preconditions, current)?,
        state: state.get().to_owned(),
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    })
}

/// What the headers ask for (RFC 9110, sections 13.1.1 and 13.1.2).
fn condition(preconditions: Preconditions, current: Option<Tag>) -> Result<Condition, Problem> {
    let wrong = |detail: &str| Problem::new(Code::InvalidPrecondition).detail(detail);
    match (preconditions.if_match.map(str::trim), preconditions.if_none_match.map(str::trim)) {
        (None, None) => Ok(Condition::Any),
        (None, Some("*")) => Ok(Condition::None),
        (None, Some(_)) => Err(wrong("If-None-Match takes * only")),
        (Some(_), Some(_)) => Err(wrong("If-Match and If-None-Match exclude each other")),
        (Some("*"), None) => Ok(Condition::Present),
        (Some(tags), None) => {
            parse_tags(tags).ok_or_else(|| wrong("If-Match takes tags in quotes, with commas, or *"))?;
            let listed = preconditions.listed_tags();
            let tag = current.filter(|tag| listed.contains(tag)).or(listed.first().copied());
            // A tag of another form is one that no state of ours has: it doesn't match.
            Ok(Condition::Match(tag.unwrap_or(Tag { created: Millis(0), revision: 0 })))
        }
    }
}

/// Parses a list of tags; none when it is no list. A comma may stand in a tag's quotes.
fn parse_tags(text: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    loop {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(EntityTag { is_weak, opaque });
        let after = after.trim_start();
        if after.is_empty() {
            return Some(tags);
        }
        // An empty element counts for nothing (section 5.6.1.2).
        rest = after.strip_prefix(',')?.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Some(tags);
        }
    }
}
