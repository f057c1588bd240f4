//! What is known of the deployment as a whole: its figures, its log, its Redis.

use super::{embedded, upstash};
use crate::edge::now;
use crate::metrics;
use chatkeep_model::StoreError;
use chatkeep_model::config::Config;
use chatkeep_model::observe::Snapshot;
use chatkeep_model::redis::server;
use chatkeep_model::wire::{ActivityMinute, RedisFigures};
use worker::Env;

/// Adds figures to those of the deployment, and lines of the log to what operators may follow; says whether somebody does.
pub(crate) async fn hand_over(env: &Env, figures: &Snapshot, lines: &[String]) -> Result<bool, StoreError> {
    let json = serde_json::to_string(figures).map_err(|_| StoreError::UnexpectedReply)?;
    let answer = embedded::ask_metrics(env, &format!("add\n{json}\n{}", lines.join("\n"))).await?;
    Ok(answer == metrics::FOLLOWED)
}

/// The figures of the deployment, in Prometheus' text format.
pub(crate) async fn figures(env: &Env) -> Result<String, StoreError> {
    embedded::ask_metrics(env, "figures\n").await
}

/// What happened in the deployment's last minutes.
pub(crate) async fn activity(env: &Env, minutes: u64) -> Result<Vec<ActivityMinute>, StoreError> {
    let json = embedded::ask_metrics(env, &format!("activity\n{minutes}")).await?;
    serde_json::from_str(&json).map_err(|_| StoreError::UnexpectedReply)
}

/// The lines of the deployment's log as they come, as server-sent events.
pub(crate) async fn lines(env: &Env) -> Result<web_sys::Response, StoreError> {
    embedded::relay_metrics(env, "follow\n").await
}

/// What Redis says of itself; nothing where there is none, or where it says nothing.
pub(crate) async fn redis_figures(config: &Config) -> Option<RedisFigures> {
    let began = now();
    let reply = upstash::ask(config.upstash.as_ref()?, &server::info()).await?;
    let latency_ms = Some(now().since(began).0);
    Some(RedisFigures { latency_ms, ..server::figures(&reply.text().ok()?) })
}
