//! `/v1/sessions`: create, list, info, delete, history.

use super::{Answer, Call};
use chatkeep_model::limits::{HISTORY_PAGE, LIST_PAGE};
use chatkeep_model::plan::{Create, Created, Cursor, Delete, Info, ReadHistory, ReadList};
use chatkeep_model::wire::{Deleted, History, SessionList};
use chatkeep_model::{Code, Problem, intake};
use serde_json::value::RawValue;

pub(super) async fn create(call: &Call<'_>) -> Result<Answer, Problem> {
    let key = call.received.idempotency_key.as_deref();
    let create: Create = intake::create(&call.received.body, key, &call.config.limits, call.fresh)?;
    match call.store.run(&create).await? {
        Created::Created(session) => Ok(Answer {
            status: 201,
            location: Some(format!("/v1/sessions/{}", create.session)),
            ..Answer::json(&session.body(&create.session, call.fresh.now))?
        }),
        Created::Exists => Err(Problem::new(Code::SessionExists)),
        Created::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Created::Full => Err(Problem::new(Code::TooManySessions)),
    }
}

pub(super) async fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(LIST_PAGE.0);
    let malformed = || Problem::new(Code::InvalidParameter).detail("cursor is one that a list gave");
    let cursor = call.query.get("cursor").map(|text| Cursor::parse(&text).ok_or_else(malformed)).transpose()?;
    let listed = call.store.run(&ReadList { now, limit, cursor }).await?;
    Answer::json(&SessionList {
        sessions: listed.cards.iter().map(|card| card.body(now)).collect(),
        count: listed.count,
        next_cursor: listed.next.map(Cursor::to_text),
    })
}

pub(super) async fn info(call: &Call<'_>) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    let session = intake::session_id(call.id.clone())?;
    let found = call.store.run(&Info { session: session.clone(), now }).await?;
    Answer::json(&found.ok_or(Problem::new(Code::SessionNotFound))?.body(&session, now))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    let session = intake::session_id(call.id.clone())?;
    let delete = Delete { session, now: call.fresh.now, undo: call.config.limits.undo };
    if call.store.run(&delete).await? {
        Answer::json(&Deleted { session_id: delete.session, deleted: true })
    } else {
        Err(Problem::new(Code::SessionNotFound))
    }
}

pub(super) async fn history(call: &Call<'_>) -> Result<Answer, Problem> {
    let session = intake::session_id(call.id.clone())?;
    let limit = call.query.number("limit", 1..=HISTORY_PAGE.1)?.unwrap_or(HISTORY_PAGE.0);
    let before = call.query.number("before", 0..=1 << 53)?;
    let read = ReadHistory { session, now: call.fresh.now, limit, before };
    let page = call.store.run(&read).await?.ok_or(Problem::new(Code::SessionNotFound))?;
    let next_before = page.next_before().map(|position| position.to_string());
    let messages: Result<Vec<_>, _> = page.messages.into_iter().map(RawValue::from_string).collect();
    Answer::json(&History {
        session_id: read.session,
        messages: messages.map_err(|_| Problem::new(Code::Internal))?,
        message_count: page.session.kept(),
        total_messages: page.session.total,
        next_before,
    })
}
