//! Sessions made, changed, cut, branched and taken back.

use super::{
    Incoming, cut_after, idempotency_key, is_empty, message_id, metadata, object, operation, optional_object,
    session_to_make, title,
};
use crate::error::{Code, Problem};
use crate::fingerprint::{RequestKind, of_request};
use crate::id::SessionId;
use crate::limits::USER_ID_BYTES;
use crate::plan::{Create, Delete, Fork, Patch, Restore, Truncate};
use crate::session::Flags;
use crate::time::Millis;
use crate::wire::{CreateRequest, ForkRequest, PatchRequest, TruncateRequest};

/// A new session from `POST /v1/sessions`, whose body may be absent.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn create(incoming: Incoming) -> Result<Create, Problem> {
    create_of(optional_object(incoming.body)?, incoming)
}

/// A new session from a request that is read already. The body of `incoming` is not looked at.
///
/// # Errors
/// The problem with the request or the `Idempotency-Key` header.
pub fn create_of(request: CreateRequest, incoming: Incoming) -> Result<Create, Problem> {
    let Incoming { key, limits, fresh, .. } = incoming;
    let fingerprint = of_request(
        RequestKind::Create,
        [&request.session_id, &request.title, &request.user_id].map(|sent| sent.as_deref().unwrap_or_default()),
    );
    let user = request.user_id.unwrap_or_default();
    if user.len() > USER_ID_BYTES {
        let detail = format!("user_id has at most {USER_ID_BYTES} bytes");
        return Err(Problem::new(Code::InvalidParameter).detail(detail));
    }
    let title = title(&request.title.unwrap_or_default(), limits)?;
    Ok(Create {
        session: session_to_make(request.session_id, key, fresh)?,
        operation: operation(key, fresh)?,
        fingerprint,
        flags: Flags { user, named: !title.is_empty(), ..Flags::default() },
        title,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    })
}

/// A `PATCH /v1/sessions/{id}`.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn patch(session: SessionId, incoming: Incoming) -> Result<Patch, Problem> {
    let Incoming { body, key, limits, fresh, .. } = incoming;
    let request: PatchRequest = object(body)?;
    let metadata = metadata(request.metadata, limits)?;
    let flag = |flag: Option<bool>| flag.map_or("", |set| if set { "1" } else { "0" });
    let fingerprint = of_request(
        RequestKind::Patch,
        [
            if request.title.is_some() { "1" } else { "" },
            request.title.as_deref().unwrap_or_default(),
            flag(request.pinned),
            flag(request.archived),
            metadata.as_ref().map(|object| object.get()).unwrap_or_default(),
        ],
    );
    Ok(Patch {
        session,
        operation: operation(key, fresh)?,
        fingerprint,
        title: request.title.map(|text| title(&text, limits)).transpose()?,
        automatic: false,
        pinned: request.pinned,
        archived: request.archived,
        metadata: metadata.map(|object| if is_empty(&object) { String::new() } else { object.get().to_owned() }),
        now: fresh.now,
        ttl: limits.ttl,
    })
}

/// A `POST /v1/sessions/{id}/truncate`.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn truncate(session: SessionId, incoming: Incoming) -> Result<Truncate, Problem> {
    let Incoming { body, key, limits, fresh, .. } = incoming;
    let request: TruncateRequest = object(body)?;
    let missing = || Problem::new(Code::InvalidBody).detail("after is a message id, or - to keep nothing");
    let after = cut_after(request.after.ok_or_else(missing)?)?;
    Ok(Truncate {
        session,
        operation: operation(key, fresh)?,
        fingerprint: of_request(RequestKind::Truncate, [after.as_str()]),
        after,
        now: fresh.now,
        ttl: limits.ttl,
    })
}

/// A `POST /v1/sessions/{id}/fork`, whose body may be absent.
///
/// # Errors
/// The problem with the body or the `Idempotency-Key` header.
pub fn fork(source: SessionId, incoming: Incoming) -> Result<Fork, Problem> {
    let Incoming { body, key, limits, fresh, .. } = incoming;
    let request: ForkRequest = optional_object(body)?;
    let sent = |sent: &Option<String>| sent.clone().unwrap_or_default();
    let sent = [source.to_string(), sent(&request.session_id), sent(&request.at), sent(&request.title)];
    Ok(Fork {
        fingerprint: of_request(RequestKind::Fork, sent.iter().map(String::as_str)),
        source,
        target: session_to_make(request.session_id, key, fresh)?,
        operation: operation(key, fresh)?,
        at: request.at.map(message_id).transpose()?,
        title: title(&request.title.unwrap_or_default(), limits)?,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    })
}

/// A `DELETE /v1/sessions/{id}`: a deletion of one session, which a key makes repeatable.
///
/// # Errors
/// The problem with the `Idempotency-Key` header.
pub fn delete(session: SessionId, key: Option<&str>, now: Millis, undo: Millis) -> Result<Delete, Problem> {
    let operation = key.map(idempotency_key).transpose()?;
    Ok(Delete { sessions: vec![session], operation, fingerprint: of_request(RequestKind::Delete, []), now, undo })
}

/// A `POST /v1/sessions/{id}/restore`.
///
/// # Errors
/// The problem with the `Idempotency-Key` header.
pub fn restore(session: SessionId, incoming: Incoming) -> Result<Restore, Problem> {
    let Incoming { key, limits, fresh, .. } = incoming;
    let operation = operation(key, fresh)?;
    let fingerprint = of_request(RequestKind::Restore, []);
    Ok(Restore {
        session,
        operation,
        fingerprint,
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
    })
}
