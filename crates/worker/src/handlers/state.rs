//! `/v1/sessions/{id}/state`: any JSON that an agent keeps, read with its `ETag` and written on a condition.

use super::answer::Answer;
use super::{Call, NO_TRANSFORM};
use chatkeep_model::intake::{self, Preconditions};
use chatkeep_model::plan::{ReadState, Stated, Tag, Written};
use chatkeep_model::{Code, Problem, SessionId};

pub(super) async fn read(call: &Call<'_>) -> Result<Answer, Problem> {
    let read = ReadState { sessions: vec![call.session()?], now: call.fresh.now };
    match call.store.run(&read).await?.pop() {
        Some(Stated::State(tag, json)) => {
            let known = call.headers.if_none_match.as_deref().is_some_and(|tags| lists(tags, tag));
            let (status, json) = if known { (304, String::new()) } else { (200, json) };
            let answer = Answer::text(status, "application/json", json).header("etag", quoted(tag));
            Ok(answer.header("cache-control", NO_TRANSFORM.to_owned()))
        }
        Some(Stated::None) => Err(Problem::new(Code::StateNotFound)),
        Some(Stated::Absent) | None => Err(Problem::new(Code::SessionNotFound)),
    }
}

pub(super) async fn write(call: &Call<'_>) -> Result<Answer, Problem> {
    let preconditions = Preconditions {
        if_match: call.headers.if_match.as_deref(),
        if_none_match: call.headers.if_none_match.as_deref(),
    };
    let id = call.session()?;
    call.recall(&id).await?;
    // Several tags are held against the state that is there; its tag, which never comes back, is then what is written on.
    let current = match preconditions.listed_tags().len() {
        0 | 1 => None,
        _ => current_tag(call, &id).await?,
    };
    match call.store.run(&intake::write_state(id.clone(), preconditions, current, call.incoming())?).await? {
        Written::Stored { created, tag, session } => {
            let answer = Answer::json(&session.body(&id, call.fresh.now))?;
            let answer = answer.status(if created { 201 } else { 200 }).header("etag", quoted(tag));
            Ok(answer.header("cache-control", NO_TRANSFORM.to_owned()))
        }
        Written::Stale => Err(Problem::new(Code::PreconditionFailed).detail(preconditions.mismatch_detail())),
        Written::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Written::Full => Err(Problem::new(Code::TooManySessions)),
        Written::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Written::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}

/// The tag of a session's state, where there is one.
async fn current_tag(call: &Call<'_>, session: &SessionId) -> Result<Option<Tag>, Problem> {
    let read = ReadState { sessions: vec![session.clone()], now: call.fresh.now };
    Ok(match call.store.run(&read).await?.pop() {
        Some(Stated::State(tag, _)) => Some(tag),
        _ => None,
    })
}

fn quoted(tag: Tag) -> String {
    format!("\"{}\"", tag.to_text())
}

/// Whether an `If-None-Match` names a tag (RFC 9110, section 13.1.2: by weak comparison).
fn lists(tags: &str, tag: Tag) -> bool {
    let wanted = quoted(tag);
    tags.split(',').map(|one| one.trim()).any(|one| one == "*" || one.trim_start_matches("W/") == wanted)
}
