//! `/v1/admin/sessions`: everybody's sessions, listed and deleted.

use super::super::Call;
use super::super::answer::Answer;
use super::{next_cursor, owner, walk};
use crate::archive::Archive;
use crate::edge;
use crate::store::Store;
use chatkeep_model::census::Cursor;
use chatkeep_model::limits::{LIST_PAGE, SESSIONS_PER_CALL};
use chatkeep_model::plan::directory::SHARDS;
use chatkeep_model::plan::{Info, Weigh};
use chatkeep_model::search::Search;
use chatkeep_model::session::Card;
use chatkeep_model::wire::{AdminDeleted, AdminSession, AdminSessionList};
use chatkeep_model::{Code, Problem, SessionId, intake};
use worker::Env;

/// How many pages one request looks at, most of which a search may pass over.
const PAGES: u64 = 100;

/// Whole pages until there are enough: what one holds is not parted, because the cursor goes from page to page.
pub(in super::super) async fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(LIST_PAGE.0);
    let search = call.query.get("q").map(|text| Search::new(&text, edge::NORMALIZER));
    let mut walk = walk(call)?;
    let mut sessions: Vec<AdminSession> = Vec::new();
    for _ in 0..PAGES {
        if sessions.len() as u64 >= limit {
            break;
        }
        let Some(page) = walk.next().await? else { break };
        let now = edge::now();
        let its = page.store.owner();
        let mut cards = Vec::new();
        for (place, card) in page.sessions {
            let card = match card {
                Some(card) => Some(card),
                // Its card was evicted.
                None => {
                    let found = page.store.run(&Info { session: place.id.clone(), now }).await?;
                    found.map(|details| Card::of(place.id, &details.session))
                }
            };
            cards.extend(card.filter(|card| is_found(call, search.as_ref(), its.as_str(), card)));
        }
        if cards.is_empty() {
            continue;
        }
        let ids = cards.iter().map(|card| card.id.clone()).collect();
        let sizes = page.store.run(&Weigh { sessions: ids, now }).await?;
        sessions.extend(cards.iter().zip(sizes).map(|(card, bytes)| {
            let mut session = card.body(now);
            session.bytes = Some(bytes);
            session.title = session.title.filter(|_| call.config.admin_texts);
            AdminSession { owner: its.clone(), session }
        }));
    }
    Answer::json(&AdminSessionList { sessions, next_cursor: next_cursor(&walk) })
}

/// Whether a session is one that is looked for: by its id, its owner, the user it is kept for, or its title where those may be read.
fn is_found(call: &Call<'_>, search: Option<&Search>, owner: &str, card: &Card) -> bool {
    let Some(search) = search else { return true };
    let title = if call.config.admin_texts { card.title.as_str() } else { "" };
    search.matches([owner, card.id.as_str(), &card.flags.user, title].into_iter()).contains(&true)
}

/// Deletes everybody's sessions, those of an owner, or one of them. Each can be restored for a while.
pub(in super::super) async fn delete(call: &Call<'_>, env: &Env) -> Result<Answer, Problem> {
    if call.query.get("confirm").as_deref() != Some(call.namespace.prefix.as_str()) {
        let detail = format!("confirm has to be the prefix of the namespace: {}", call.namespace.prefix);
        return Err(Problem::new(Code::InvalidParameter).detail(detail));
    }
    let mut answer = AdminDeleted::default();
    if let Some(session) = call.query.get("session_id") {
        let wrong = || Problem::new(Code::InvalidParameter).detail("session_id goes with its owner");
        let store = call.store.of(owner(call)?.ok_or_else(wrong)?);
        answer.deleted = delete_some(call, env, &store, vec![intake::session_id(session)?]).await?;
        return Answer::json(&answer);
    }
    let mut walk = walk(call)?;
    for _ in 0..PAGES / 4 {
        let Some(page) = walk.next().await? else { break };
        let sessions: Vec<_> = page.sessions.into_iter().map(|(place, _)| place.id).collect();
        for some in sessions.chunks(SESSIONS_PER_CALL) {
            answer.deleted += delete_some(call, env, &page.store, some.to_vec()).await?;
        }
        if page.is_first {
            let archive = Archive::of(env, &call.config, &call.namespace, &page.store);
            answer.deleted += call.delete_archived(&page.store, archive.as_ref()).await?;
        }
    }
    answer.next_cursor = next_cursor(&walk);
    if answer.next_cursor.is_none() && owner(call)?.is_none() {
        let (deleted, are_all) = delete_forgotten(call).await?;
        answer.deleted += deleted;
        answer.next_cursor = (!are_all).then(|| Cursor::of_shard(SHARDS - 1).to_text());
    }
    Answer::json(&answer)
}

/// Deletes what the archive has of those whom the directory doesn't know any more; says how many, and whether that was all.
async fn delete_forgotten(call: &Call<'_>) -> Result<(u64, bool), Problem> {
    let Some(archive) = &call.archive else { return Ok((0, true)) };
    let mut deleted = 0;
    let owners = archive.owners().await?;
    for owner in &owners {
        let store = call.store.of(owner.clone());
        let its = archive.with_store(store.clone());
        deleted += call.delete_archived(&store, Some(&its)).await?;
    }
    // What can't be deleted must not be asked for without end.
    Ok((deleted, owners.is_empty() || deleted == 0))
}

async fn delete_some(call: &Call<'_>, env: &Env, store: &Store, sessions: Vec<SessionId>) -> Result<u64, Problem> {
    let archive = Archive::of(env, &call.config, &call.namespace, store);
    Ok(call.delete_of(store, archive.as_ref(), call.deletion(sessions)).await?.len() as u64)
}
