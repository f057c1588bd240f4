//! Sessions made, changed, cut, branched and taken back.

use super::{
    Incoming, cut_after, is_empty, message_id, metadata, object, operation, optional_object, session_to_make, title,
};
use crate::error::{Code, Problem};
use crate::id::SessionId;
use crate::limits::USER_ID_BYTES;
use crate::plan::{Create, Fork, Patch, Restore, Truncate};
use crate::session::Flags;
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
    let user = request.user_id.unwrap_or_default();
    if user.len() > USER_ID_BYTES {
        let detail = format!("user_id has at most {USER_ID_BYTES} bytes");
        return Err(Problem::new(Code::InvalidParameter).detail(detail));
    }
    let title = title(&request.title.unwrap_or_default(), limits)?;
    Ok(Create {
        session: session_to_make(request.session_id, key, fresh)?,
        operation: operation(key, fresh)?,
        flags: Flags { user, named: !title.is_empty(), ..Flags::default() },
        title,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
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
    Ok(Patch {
        session,
        operation: operation(key, fresh)?,
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
    Ok(Truncate {
        session,
        operation: operation(key, fresh)?,
        after: cut_after(request.after.ok_or_else(missing)?)?,
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
    Ok(Fork {
        source,
        target: session_to_make(request.session_id, key, fresh)?,
        operation: operation(key, fresh)?,
        at: request.at.map(message_id).transpose()?,
        title: title(&request.title.unwrap_or_default(), limits)?,
        seal: format!("{:032x}", fresh.seal),
        now: fresh.now,
        ttl: limits.ttl,
        sessions_per_owner: limits.sessions_per_owner,
    })
}

/// A `POST /v1/sessions/{id}/restore`.
///
/// # Errors
/// The problem with the `Idempotency-Key` header.
pub fn restore(session: SessionId, incoming: Incoming) -> Result<Restore, Problem> {
    let Incoming { key, limits, fresh, .. } = incoming;
    let operation = operation(key, fresh)?;
    Ok(Restore { session, operation, now: fresh.now, ttl: limits.ttl, sessions_per_owner: limits.sessions_per_owner })
}
