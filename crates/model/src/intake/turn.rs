//! Turns and appends.

use super::{
    Fresh, Incoming, check_text, cut_after, idempotency_key, message_id, metadata, object, operation, optional_object,
    session_to_make,
};
use crate::error::{Code, Problem};
use crate::fingerprint::{RequestKind, of_request};
use crate::id::{MessageId, SessionId, TurnId};
use crate::limits::{APPENDED_MESSAGES, Limits};
use crate::message::{Message, Role};
use crate::plan::{Append, BeginTurn, TurnMode};
use crate::session::derived_title;
use crate::wire::{AppendRequest, ChatRequest, StopRequest};

/// A turn from `POST /v1/chat`, and whether its body asks for a stream, where it says so.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn chat(incoming: Incoming) -> Result<(BeginTurn, Option<bool>), Problem> {
    let request: ChatRequest = object(incoming.body)?;
    let streams = request.stream;
    Ok((begin(request, incoming)?, streams))
}

/// A turn from a request that is read already. The body of `incoming` is not looked at.
///
/// # Errors
/// The problem with the request or the `Idempotency-Key` header.
pub fn begin(request: ChatRequest, incoming: Incoming) -> Result<BeginTurn, Problem> {
    let Incoming { key, limits, fresh, .. } = incoming;
    if request.incognito == Some(true) {
        return Err(Problem::new(Code::Unsupported).detail("incognito"));
    }
    if request.context.is_some() {
        return Err(Problem::new(Code::InvalidBody).detail("context goes with incognito"));
    }
    if let Some(target) = request.regenerate {
        let session = session_to_make(request.session_id, key, fresh)?;
        return answer(session, message_id(target)?, key.map(idempotency_key).transpose()?, incoming);
    }
    let text = request.message.unwrap_or_default();
    check_text(&text, limits)?;
    let metadata = metadata(request.metadata, limits)?;
    let brought = request.message_id.map(message_id).transpose()?;
    let session = session_to_make(request.session_id, key, fresh)?;
    let key = key.map(idempotency_key).transpose()?;
    let fingerprint = of_request(
        RequestKind::Turn,
        [
            text.as_str(),
            metadata.as_ref().map(|metadata| metadata.get()).unwrap_or_default(),
            brought.as_ref().map(MessageId::as_str).unwrap_or_default(),
            request.cut_after.as_deref().unwrap_or_default(),
        ],
    );
    let message_id = brought.unwrap_or_else(|| MessageId::mint(fresh.message));
    let title = derived_title(&text);
    let message = Message::new(message_id.clone(), Role::User, text, fresh.now.to_rfc3339());
    let message = Message { metadata, ..message };
    let cut_after = request.cut_after.map(cut_after).transpose()?;
    let turn = key.unwrap_or_else(|| TurnId::of_message(&message_id));
    Ok(BeginTurn {
        message: message.to_json().map_err(|_| Problem::new(Code::Internal))?,
        mode: TurnMode::Append,
        title,
        existing: request.existing.unwrap_or(false),
        cut_after,
        ..without_message(session, turn, message_id, fingerprint, limits, fresh)
    })
}

/// A turn that brings no message: it answers one that is there.
fn without_message(
    session: SessionId,
    turn: TurnId,
    message_id: MessageId,
    fingerprint: String,
    limits: &Limits,
    fresh: Fresh,
) -> BeginTurn {
    BeginTurn {
        session,
        reply_id: turn.reply_id(),
        turn,
        // Half of it tells the attempts at one turn apart, and is kept with every turn.
        attempt: format!("{:016x}", fresh.attempt & u128::from(u64::MAX)),
        fingerprint,
        message_id,
        message: String::new(),
        mode: TurnMode::Answer,
        title: String::new(),
        existing: true,
        cut_after: None,
        charge: None,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        lease: limits.lease,
        window: limits.window,
        messages_per_session: limits.messages_per_session,
        session_bytes: limits.session_bytes,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    }
}

/// A turn from `POST /v1/sessions/{id}/messages`: as [`chat`], in the session of the path.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn chat_in(session: SessionId, incoming: Incoming) -> Result<(BeginTurn, Option<bool>), Problem> {
    let (begin, streams) = chat(incoming)?;
    Ok((BeginTurn { session, ..begin }, streams))
}

/// A turn that answers a message anew. Without an id of its own it is one of its own.
pub(super) fn answer(
    session: SessionId,
    target: MessageId,
    turn: Option<TurnId>,
    Incoming { limits, fresh, .. }: Incoming,
) -> Result<BeginTurn, Problem> {
    let turn = turn.unwrap_or_else(|| TurnId::of_message(&MessageId::mint(fresh.message)));
    let fingerprint = of_request(RequestKind::Turn, ["answer", target.as_str()]);
    Ok(without_message(session, turn, target, fingerprint, limits, fresh))
}

/// The message or reply of the turn that a `POST .../stop` names, whose body may be absent.
///
/// # Errors
/// The problem with the body.
pub fn stop(body: &str) -> Result<Option<MessageId>, Problem> {
    let request: StopRequest = optional_object(body)?;
    request.message_id.or(request.active_stream_id).map(message_id).transpose()
}

/// Whether the body of `POST /v1/sessions/{id}/messages` appends, rather than runs a turn.
#[must_use]
pub fn appends(body: &str) -> bool {
    object::<AppendRequest>(body).is_ok_and(|request| request.messages.is_some())
}

/// An append from `POST /v1/sessions/{id}/messages`, with the ids of its messages.
///
/// Without an `Idempotency-Key`, an append whose first message brings its id is known by that id.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn append(session: SessionId, incoming: Incoming) -> Result<(Append, Vec<MessageId>), Problem> {
    append_of(session, object(incoming.body)?, incoming)
}

/// An append from a request that is read already. The body of `incoming` is not looked at.
///
/// # Errors
/// The problem with the request or the `Idempotency-Key` header.
pub fn append_of(
    session: SessionId,
    request: AppendRequest,
    incoming: Incoming,
) -> Result<(Append, Vec<MessageId>), Problem> {
    let Incoming { key, limits, roles, fresh, .. } = incoming;
    let said = request.messages.unwrap_or_default();
    if said.is_empty() || said.len() > APPENDED_MESSAGES {
        return Err(Problem::new(Code::InvalidBody).detail(format!("messages are 1 to {APPENDED_MESSAGES}")));
    }
    let brought = said.first().and_then(|first| first.id.clone()).map(message_id).transpose()?;
    let known_by = match (key, &brought) {
        (Some(key), _) => Some(idempotency_key(key)?),
        (None, first) => first.as_ref().map(TurnId::of_message),
    };
    let first_of_user = said.iter().find(|one| one.role == Role::User).map(|one| derived_title(&one.content));
    said.iter().try_for_each(|one| roles.check(one.role))?;
    let mut sent = Vec::new();
    let mut ids = Vec::new();
    let mut messages = Vec::new();
    for (number, one) in said.into_iter().enumerate() {
        check_text(&one.content, limits)?;
        let metadata = metadata(one.metadata, limits)?;
        sent.extend([
            one.id.clone(),
            Some(one.role.as_str().to_owned()),
            Some(one.content.clone()),
            one.parent.clone(),
        ]);
        sent.push(metadata.as_ref().map(|object| object.get().to_owned()));
        let id = match (one.id, &known_by) {
            (Some(id), _) => message_id(id)?,
            // The request is known by an id, so its repetition must name the same messages.
            (None, Some(known_by)) => MessageId::of_key(known_by, number),
            // Fresh ids in a row: the low half of a UUIDv7 is random, so that counting on from it stays unique.
            (None, None) => MessageId::mint(fresh.message.wrapping_add(number as u128)),
        };
        if ids.contains(&id) {
            return Err(Problem::new(Code::InvalidMessageId).detail("two messages have the same id"));
        }
        let message = Message {
            parent: one.parent.map(message_id).transpose()?,
            metadata,
            ..Message::new(id.clone(), one.role, one.content, fresh.now.to_rfc3339())
        };
        messages.push(message.to_json().map_err(|_| Problem::new(Code::Internal))?);
        ids.push(id);
    }
    let append = Append {
        session,
        operation: known_by.map_or_else(|| operation(None, fresh), Ok)?,
        fingerprint: of_request(RequestKind::Append, sent.iter().map(|sent| sent.as_deref().unwrap_or_default())),
        messages,
        title: first_of_user.unwrap_or_default(),
        existing: request.existing.unwrap_or(false),
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        window: limits.window,
        messages_per_session: limits.messages_per_session,
        session_bytes: limits.session_bytes,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    };
    Ok((append, ids))
}
