//! `/v1/admin`: the directory of owners, and the rebuild of an owner's index.

use super::Call;
use super::answer::Answer;
use crate::{store, watch};
use chatkeep_model::limits::{LIST_PAGE, SESSIONS_PER_CALL};
use chatkeep_model::plan::directory::SHARDS;
use chatkeep_model::plan::{ReadIndex, ReadList, Reindex, ScanSessions};
use chatkeep_model::wire::{MovedHouse, OwnerBody, OwnerList, Rebuilt};
use chatkeep_model::{Code, Problem, SessionId};
use worker::Env;

/// The figures of the deployment. Those of this isolate are handed over first, so that it sees its own.
pub(super) async fn metrics(env: &Env) -> Result<Answer, Problem> {
    watch::hand_over_now(env).await;
    Ok(Answer::text(200, "text/plain; version=0.0.4; charset=utf-8", store::figures(env).await?))
}

/// A page of owners. The shards come one after another; the cursor is a shard and a rank in it.
pub(super) async fn owners(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(LIST_PAGE.0);
    let (mut shard, mut from) = cursor(call)?;
    let mut owners = Vec::new();
    while shard < SHARDS {
        let wanted = limit - owners.len() as u64;
        let page = call.store.owners(shard, from, wanted).await?;
        let read = page.len() as u64;
        owners.extend(
            page.into_iter().map(|noted| OwnerBody { owner: noted.owner, last_active_at: noted.seen.to_rfc3339() }),
        );
        if read == wanted {
            from += read;
            break;
        }
        (shard, from) = (shard + 1, 0);
    }
    let next_cursor = (shard < SHARDS).then(|| format!("{shard}.{from}"));
    Answer::json(&OwnerList { owners, next_cursor })
}

fn cursor(call: &Call<'_>) -> Result<(u64, u64), Problem> {
    let Some(text) = call.query.get("cursor") else { return Ok((0, 0)) };
    let parts = text.split_once('.').and_then(|(shard, from)| Some((shard.parse().ok()?, from.parse().ok()?)));
    parts.ok_or_else(|| Problem::new(Code::InvalidParameter).detail("cursor is one that a list gave"))
}

/// Moves the sessions of some owners from their vaults to Redis. Where there is none, nobody moves.
pub(super) async fn move_house(call: &Call<'_>) -> Result<Answer, Problem> {
    if call.config.upstash.is_none() {
        return Answer::json(&MovedHouse::default());
    }
    let limit = call.query.number("limit", 1..=LIST_PAGE.1)?.unwrap_or(20);
    Answer::json(&call.store.move_house(limit).await?)
}

/// Puts every session of the owner back into the index and the cards, and takes out what is no longer there.
pub(super) async fn rebuild(call: &Call<'_>) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    let store = call.store.whole();
    let mut cursor = Some("0".to_owned());
    while let Some(from) = cursor {
        let found = store.run(&ScanSessions { cursor: from }).await?;
        let ids: Vec<_> = found.keys.iter().filter_map(|key| call.store.session_of(key)).collect();
        for some in ids.chunks(SESSIONS_PER_CALL) {
            reindex(call, some).await?;
        }
        cursor = found.cursor;
    }
    let mut from = 0;
    loop {
        let some = store.run(&ReadIndex { from, limit: SESSIONS_PER_CALL as u64 }).await?;
        if some.is_empty() {
            break;
        }
        // Those that are gone leave the index, so that the next ones move up.
        from += reindex(call, &some).await?;
    }
    let listed = store.run(&ReadList { now, limit: 1, cursor: None }).await?;
    Answer::json(&Rebuilt { sessions: listed.count })
}

async fn reindex(call: &Call<'_>, sessions: &[SessionId]) -> Result<u64, Problem> {
    let (now, ttl) = (call.fresh.now, call.namespace.limits.ttl);
    Ok(call.store.whole().run(&Reindex { sessions: sessions.to_vec(), now, ttl }).await?)
}
