//! A session's messages: read in pages, cut, branched.

use super::Call;
use super::answer::Answer;
use crate::branch;
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::plan::{Forked, ReadHistory, Truncated};
use chatkeep_model::wire::History;
use chatkeep_model::{Code, Problem, intake};
use serde_json::value::RawValue;

pub(super) async fn history(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query.number("limit", 1..=HISTORY_PAGE.1)?.unwrap_or(HISTORY_PAGE.0);
    let before = call.query.number("before", 0..=1 << 53)?;
    let read = ReadHistory { session: call.session()?, now: call.fresh.now, limit, before };
    let page = call.page(&read).await?.ok_or(Problem::new(Code::SessionNotFound))?;
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

pub(super) async fn truncate(call: &Call<'_>) -> Result<Answer, Problem> {
    let id = call.session()?;
    match call.store.run(&intake::truncate(id.clone(), call.incoming())?).await? {
        Truncated::Cut(session) => Answer::json(&session.body(&id, call.fresh.now)),
        Truncated::Unknown => Err(Problem::new(Code::MessageNotFound)),
        Truncated::Absent => Err(Problem::new(Code::SessionNotFound)),
        Truncated::Mismatch => Err(Problem::new(Code::TurnMismatch)),
    }
}

pub(super) async fn fork(call: &Call<'_>) -> Result<Answer, Problem> {
    let fork = intake::fork(call.session()?, call.incoming())?;
    let forked = if call.store.may_be_sealed() {
        branch::fork(&call.store.whole(), &fork).await?
    } else {
        call.store.run(&fork).await?
    };
    match forked {
        Forked::Created(session) => {
            let location = format!("/v1/sessions/{}", fork.target);
            let answer = Answer::json(&session.body(&fork.target, call.fresh.now))?;
            Ok(answer.status(201).header("location", location))
        }
        Forked::Exists => Err(Problem::new(Code::SessionExists)),
        Forked::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Forked::Absent => Err(Problem::new(Code::SessionNotFound)),
        Forked::Unknown => Err(Problem::new(Code::MessageNotFound)),
        Forked::Full => Err(Problem::new(Code::TooManySessions)),
        Forked::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Forked::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}
