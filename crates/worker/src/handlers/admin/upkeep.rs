//! The directory of owners, the rebuild of lists, the move from the vaults to Redis.

use super::super::Call;
use super::super::answer::Answer;
use super::{cursor, owner};
use crate::store::Store;
use chatkeep_model::census::Cursor;
use chatkeep_model::limits::{LIST_PAGE, SESSIONS_PER_CALL};
use chatkeep_model::plan::directory::SHARDS;
use chatkeep_model::plan::{ReadIndex, ReadList, Reindex, ScanSessions};
use chatkeep_model::redis::Keys;
use chatkeep_model::wire::{MovedHouse, OwnerBody, OwnerList, Rebuilt};
use chatkeep_model::{Code, Owner, Problem, SessionId};
use std::collections::BTreeMap;

/// How many scans of a rebuild of everyone's one request makes.
const SCANS: u64 = 20;

/// A page of owners. The shards come one after another.
pub(in super::super) async fn owners(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(LIST_PAGE.0);
    let mut place = cursor(call)?.unwrap_or_else(|| Cursor::of_shard(0));
    let mut owners = Vec::new();
    while place.shard < SHARDS {
        let wanted = limit - owners.len() as u64;
        let page = call.store.owners(place.shard, &place.owner, wanted).await?;
        let is_whole = (page.len() as u64) < wanted;
        for noted in page {
            owners.push(OwnerBody { owner: noted.owner.clone(), last_active_at: noted.seen.to_rfc3339() });
            place.owner = noted;
        }
        if !is_whole {
            break;
        }
        place = Cursor::of_shard(place.shard + 1);
    }
    let next_cursor = (place.shard < SHARDS).then(|| place.to_text());
    Answer::json(&OwnerList { owners, next_cursor })
}

/// Moves the sessions of some owners from their vaults to Redis. Where there is none, nobody moves.
pub(in super::super) async fn move_house(call: &Call<'_>) -> Result<Answer, Problem> {
    if call.config.upstash.is_none() {
        return Answer::json(&MovedHouse::default());
    }
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(20);
    Answer::json(&call.store.move_house(limit).await?)
}

/// Puts every session of the owner back into the index and the cards, and takes out what is no longer there. With `everyone`, of
/// all owners that have a session where those are stored, who come back into the directory too.
pub(in super::super) async fn rebuild(call: &Call<'_>) -> Result<Answer, Problem> {
    if call.query.get("everyone").is_some() {
        return everyones(call).await;
    }
    let now = call.fresh.now;
    let store = call.store.of(owner(call)?.unwrap_or_else(|| call.store.owner().clone()));
    let mut cursor = Some("0".to_owned());
    while let Some(from) = cursor {
        let found = store.run(&ScanSessions { cursor: from, everyones: None }).await?;
        let ids: Vec<_> = found.keys.iter().filter_map(|key| store.session_of(key)).collect();
        reindex(call, &store, &ids).await?;
        cursor = found.cursor;
    }
    let mut from = 0;
    loop {
        let some = store.run(&ReadIndex { from, limit: SESSIONS_PER_CALL as u64 }).await?;
        if some.is_empty() {
            break;
        }
        // Those that are gone leave the index, so that the next ones move up.
        from += reindex(call, &store, &some).await?;
    }
    let listed = store.list(&ReadList { now, limit: 1, cursor: None }).await?;
    store.note(now).await;
    Answer::json(&Rebuilt { sessions: listed.count, next_cursor: None })
}

async fn everyones(call: &Call<'_>) -> Result<Answer, Problem> {
    let is_number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || Problem::new(Code::InvalidParameter).detail("cursor is one that an answer gave");
    let given = call.query.get("cursor").map(|text| Some(text).filter(is_number).ok_or_else(wrong)).transpose()?;
    let prefix = &call.namespace.prefix;
    let anyone = call.store.whole();
    let mut cursor = Some(given.unwrap_or_else(|| "0".to_owned()));
    let mut sessions = 0;
    for _ in 0..SCANS {
        let Some(from) = cursor else { break };
        let found = anyone.run(&ScanSessions { cursor: from, everyones: Some(prefix.clone()) }).await?;
        let mut owned: BTreeMap<Owner, Vec<SessionId>> = BTreeMap::new();
        for (owner, session) in found.keys.iter().filter_map(|key| Keys::owned(prefix, key)) {
            owned.entry(owner).or_default().push(session);
        }
        for (owner, ids) in owned {
            let store = call.store.of(owner);
            sessions += reindex(call, &store, &ids).await?;
            store.note(call.fresh.now).await;
        }
        cursor = found.cursor;
    }
    Answer::json(&Rebuilt { sessions, next_cursor: cursor })
}

async fn reindex(call: &Call<'_>, store: &Store, sessions: &[SessionId]) -> Result<u64, Problem> {
    let (now, ttl) = (call.fresh.now, call.namespace.limits.ttl);
    let mut there = 0;
    for some in sessions.chunks(SESSIONS_PER_CALL) {
        there += store.run(&Reindex { sessions: some.to_vec(), now, ttl }).await?;
    }
    Ok(there)
}
