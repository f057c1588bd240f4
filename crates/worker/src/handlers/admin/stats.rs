//! `GET /v1/admin/stats` and `GET /metrics`: figures.

use super::super::Call;
use super::super::answer::Answer;
use super::{next_cursor, walk};
use crate::{edge, store, watch};
use chatkeep_model::Problem;
use chatkeep_model::census::{count, nothing_counted};
use chatkeep_model::observe::activity::MINUTES;
use chatkeep_model::plan::Weigh;
use worker::Env;

/// How many pages of sessions are looked at by default, and at most.
const PAGES: (u64, u64) = (100, 300);

/// The figures of the deployment. Those of this isolate are handed over first, so that it sees its own.
pub(in super::super) async fn metrics(env: &Env) -> Result<Answer, Problem> {
    watch::hand_over_now(env).await;
    Ok(Answer::text(200, "text/plain; version=0.0.4; charset=utf-8", store::figures(env).await?))
}

pub(in super::super) async fn stats(call: &Call<'_>, env: &Env) -> Result<Answer, Problem> {
    let pages = call.query.number("limit", 1..=PAGES.1)?.unwrap_or(PAGES.0);
    let minutes = call.query.number("minutes", 0..=MINUTES)?.unwrap_or(60);
    let is_first = call.query.get("cursor").is_none();
    let mut walk = walk(call)?;
    let mut stats = nothing_counted(&call.namespace);
    stats.store = if call.config.upstash.is_some() { "upstash" } else { "vault" }.to_owned();
    stats.texts = call.config.admin_texts;
    for _ in 0..pages {
        let Some(page) = walk.next().await? else { break };
        if page.sessions.is_empty() {
            continue;
        }
        stats.owners += u64::from(page.is_first);
        let now = edge::now();
        let sessions = page.sessions.iter().map(|(place, _)| place.id.clone()).collect();
        let bytes = page.store.run(&Weigh { sessions, now }).await?;
        for ((place, card), bytes) in page.sessions.iter().zip(bytes) {
            count(&mut stats, place.expires, card.as_ref(), bytes, now);
        }
    }
    stats.next_cursor = next_cursor(&walk);
    if is_first {
        watch::hand_over_now(env).await;
        stats.redis = store::redis_figures(&call.config).await;
        stats.activity = store::activity(env, minutes).await?;
    }
    Answer::json(&stats)
}
