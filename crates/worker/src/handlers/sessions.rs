//! `/v1/sessions`: create, list, info, patch, touch, delete, restore.

use super::answer::Answer;
use super::{Call, claim};
use crate::edge;
use chatkeep_model::limits::{LIST_PAGE, SEARCHED_SESSIONS, SESSIONS_PER_CALL, STATE_FIELDS};
use chatkeep_model::plan::{
    Created, Cursor, Details, Info, Patched, ReadList, ReadState, Restored, Stated, Summary, Touch,
};
use chatkeep_model::records::Notes;
use chatkeep_model::search::Search;
use chatkeep_model::wire::{
    Deleted, DeletedAll, ListedSession, SessionBody, SessionDetails, SessionList, StateFields, SummaryBody,
};
use chatkeep_model::{Code, Problem, SessionId, intake};
use serde_json::value::RawValue;

pub(super) async fn create(call: &Call<'_>) -> Result<Answer, Problem> {
    let create = intake::create(call.incoming())?;
    call.watch.about(&create.session);
    match call.create(&create).await? {
        Created::Created(session) => {
            let answer = Answer::json(&session.body(&create.session, call.fresh.now))?;
            Ok(answer.status(201).header("location", format!("/v1/sessions/{}", create.session)))
        }
        Created::Exists => Err(Problem::new(Code::SessionExists)),
        Created::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Created::Full => Err(Problem::new(Code::TooManySessions)),
        Created::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Created::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}

pub(super) async fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    let wrong = |detail: &str| Problem::new(Code::InvalidParameter).detail(detail);
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(LIST_PAGE.0);
    let cursor = call.query.get("cursor");
    let cursor = cursor.map(|text| Cursor::parse(&text).ok_or_else(|| wrong("cursor is one that a list gave")));
    let search = call.query.get("q").map(|text| Search::new(&text, edge::NORMALIZER));
    if cursor.is_some() && search.is_some() {
        return Err(wrong("cursor and q exclude each other"));
    }
    let fields: Vec<_> = call.query.get("fields").unwrap_or_default().split(',').map(str::to_owned).collect();
    if fields.len() > STATE_FIELDS {
        return Err(wrong("fields names too many members"));
    }
    let asked = if search.is_some() { SEARCHED_SESSIONS } else { limit };
    let mut listed = call.store.list(&ReadList { now, limit: asked, cursor: cursor.transpose()? }).await?;
    claim::leave_out(call, &mut listed).await?;
    let more = listed.next.is_some();
    let titles = || listed.cards.iter().map(|card| card.title.as_str());
    let found = search.as_ref().map(|search| search.matches(titles()));
    let found = found.unwrap_or_else(|| vec![true; listed.cards.len()]);
    let cards = listed.cards.iter().zip(found).filter(|(_, is_found)| *is_found);
    let sessions: Vec<_> = cards.map(|(card, _)| card.body(now)).take(limit as usize).collect();
    let next_cursor = listed.next.filter(|_| search.is_none()).map(Cursor::to_text);
    let (count, truncated) = (listed.count, more && search.is_some());
    if fields.iter().all(String::is_empty) {
        return Answer::json(&SessionList { sessions, count, next_cursor, truncated });
    }
    let sessions = with_state(call, sessions, &fields).await?;
    Answer::json(&SessionList { sessions, count, next_cursor, truncated })
}

/// Adds named members of the sessions' states. A call gives as many states as fit into a reply; the rest are asked for again.
async fn with_state(
    call: &Call<'_>,
    sessions: Vec<SessionBody>,
    fields: &[String],
) -> Result<Vec<ListedSession>, Problem> {
    let mut listed = Vec::with_capacity(sessions.len());
    let mut rest = sessions.into_iter().peekable();
    while rest.peek().is_some() {
        let asked: Vec<_> = rest.by_ref().take(SESSIONS_PER_CALL).collect();
        let mut waiting = asked.as_slice();
        while !waiting.is_empty() {
            let ids = waiting.iter().map(|session| session.session_id.clone()).collect();
            let found = call.store.run(&ReadState { sessions: ids, now: call.fresh.now }).await?;
            let (these, others) = waiting.split_at_checked(found.len()).unwrap_or((waiting, &[]));
            if these.is_empty() {
                return Err(Problem::new(Code::Internal));
            }
            for (session, stated) in these.iter().zip(found) {
                let state = if let Stated::State(_, json) = stated { Some(members(&json, fields)) } else { None };
                listed.push(ListedSession { session: session.clone(), state });
            }
            waiting = others;
        }
    }
    Ok(listed)
}

/// The named members of a state. One that is no object has none.
fn members(json: &str, fields: &[String]) -> StateFields {
    let members: StateFields = serde_json::from_str(json).unwrap_or_default();
    members.into_iter().filter(|(name, _)| fields.contains(name)).collect()
}

pub(super) async fn info(call: &Call<'_>) -> Result<Answer, Problem> {
    let session = call.session()?;
    let mut found = call.store.run(&Info { session: session.clone(), now: call.fresh.now }).await?;
    if let Some(there) = &found
        && claim::has_left(call, &session, &there.session).await?
    {
        found = None;
    }
    details(call, &session, found)
}

pub(super) async fn patch(call: &Call<'_>) -> Result<Answer, Problem> {
    let session = call.session()?;
    let found = match call.store.run(&intake::patch(session.clone(), call.incoming())?).await? {
        Patched::Done(details) => Some(details),
        Patched::Absent => None,
        Patched::Mismatch => return Err(Problem::new(Code::TurnMismatch)),
    };
    details(call, &session, found)
}

fn details(call: &Call<'_>, id: &SessionId, found: Option<Details>) -> Result<Answer, Problem> {
    let found = found.ok_or(Problem::new(Code::SessionNotFound))?;
    let metadata = found.metadata.map(RawValue::from_string).transpose().map_err(|_| Problem::new(Code::Internal))?;
    let Notes { used, summary } = found.notes;
    let summary = Summary::parse(&summary);
    let summary =
        summary.map(|kept| SummaryBody { messages: kept.until, characters: kept.text.chars().count() as u64 });
    let tokens_used = Some(used).filter(|used| *used > 0);
    Answer::json(&SessionDetails { session: found.session.body(id, call.fresh.now), metadata, tokens_used, summary })
}

pub(super) async fn touch(call: &Call<'_>) -> Result<Answer, Problem> {
    let touch = Touch { session: call.session()?, now: call.fresh.now, ttl: call.namespace.limits.ttl };
    let touched = call.store.run(&touch).await?.ok_or(Problem::new(Code::SessionNotFound))?;
    Answer::json(&touched.body(&touch.session, call.fresh.now))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.delete_one(call.session()?).await? {
        Some(session_id) => Answer::json(&Deleted { session_id, deleted: true }),
        None => Err(Problem::new(Code::SessionNotFound)),
    }
}

/// Deletes all sessions that there were when it began. A list that no longer shrinks ends it.
pub(super) async fn delete_all(call: &Call<'_>) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    let mut deleted = 0;
    loop {
        // In an outage nobody knows which there are.
        let listed = call.store.whole().list(&ReadList { now, limit: SESSIONS_PER_CALL as u64, cursor: None }).await?;
        let sessions: Vec<_> = listed.cards.into_iter().map(|card| card.id).collect();
        if sessions.is_empty() {
            deleted += call.delete_archived(&call.store, call.archive.as_ref()).await?;
            return Answer::json(&DeletedAll { deleted });
        }
        let gone = call.delete(sessions).await?;
        if gone.is_empty() {
            return Err(Problem::new(Code::Internal).detail("listed sessions could not be deleted"));
        }
        deleted += gone.len() as u64;
    }
}

pub(super) async fn restore(call: &Call<'_>) -> Result<Answer, Problem> {
    let session = call.session()?;
    match call.store.run(&intake::restore(session.clone(), call.incoming())?).await? {
        Restored::Back(restored) => {
            if let Some(archive) = &call.archive {
                archive.spare(&session).await?;
            }
            Answer::json(&restored.body(&session, call.fresh.now))
        }
        Restored::Exists => Err(Problem::new(Code::SessionExists)),
        Restored::Absent => Err(Problem::new(Code::SessionNotFound)),
        Restored::Full => Err(Problem::new(Code::TooManySessions)),
        Restored::Mismatch => Err(Problem::new(Code::TurnMismatch)),
    }
}
