//! `GET /health`: open to everyone, and never with a secret in it.

use super::answer::Answer;
use crate::archive;
use crate::edge::now;
use crate::seal;
use crate::settings::Settings;
use crate::store::{journaled, replay_after_recovery, upstash};
use chatkeep_model::config::{Config, Upstash};
use chatkeep_model::wire::{ArchiveHealth, Health, Probe};
use chatkeep_model::{Code, Millis, Problem, StoreError};
use std::cell::Cell;
use worker::Env;

/// For how long Redis is not asked again.
const CACHED: Millis = Millis(5_000);

/// How long a journal is waited for that could be replayed now.
const PATIENCE: Millis = Millis(100);

/// When Redis was asked last, and how long it took to answer, if it did.
#[derive(Clone, Copy)]
struct Asked {
    at: Millis,
    latency: Option<Millis>,
}

thread_local! {
    static ASKED: Cell<Option<Asked>> = const { Cell::new(None) };
}

pub(super) async fn health(settings: &Settings, env: Env) -> Result<Answer, Problem> {
    let mut health = Health {
        status: String::new(),
        redis: "disconnected".to_owned(),
        store: "none".to_owned(),
        authentication: "not configured".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        latency_ms: None,
        cause: None,
        using_fallback: false,
        journal_depth: None,
        breaker: None,
        encryption: None,
        unreadable: seal::unreadable(),
        archive: None,
    };
    match settings {
        Ok(config) => {
            health.authentication =
                if config.access.is_configured() { "configured" } else { "not configured" }.to_owned();
            health.store = if config.upstash.is_some() { "upstash" } else { "vault" }.to_owned();
            health.encryption = config.encryption.as_ref().map(|encryption| {
                let first = encryption.keys.first().filter(|_| encryption.seals);
                first.map_or("off", |(id, _)| id).to_owned()
            });
            health.archive = archive(config, &env).await;
            ask(config, env, &mut health).await;
        }
        Err(error) => health.cause = Some(error.to_string()),
    }
    let healthy = health.cause.is_none();
    health.status = if healthy { "healthy" } else { "degraded" }.to_owned();
    Ok(Answer::json(&health)?.status(if healthy { 200 } else { 503 }))
}

/// `GET /live`: this process answers.
pub(super) fn live() -> Result<Answer, Problem> {
    Answer::json(&Probe { status: "live".to_owned(), cause: None })
}

/// `GET /ready`: turns can be accepted, be it into the journal. What only its operator can mend keeps a deployment from it.
pub(super) async fn ready(settings: &Settings, env: Env) -> Result<Answer, Problem> {
    let cause = match settings {
        Err(error) => Some(error.to_string()),
        // Nobody could be let in.
        Ok(config) if !config.access.is_configured() && !config.access.open_localhost => {
            Some(Code::NotConfigured.as_str().to_owned())
        }
        Ok(config) => match &config.upstash {
            None => None,
            Some(upstash) => {
                latency(upstash, env).await;
                let failing = upstash::condition().1;
                let failing = failing.filter(|error| matches!(error, StoreError::Misconfigured(_)));
                failing.map(|error| error.cause().to_owned())
            }
        },
    };
    let (status, code) = if cause.is_none() { ("ready", 200) } else { ("not_ready", 503) };
    Ok(Answer::json(&Probe { status: status.to_owned(), cause })?.status(code))
}

async fn ask(config: &Config, env: Env, health: &mut Health) {
    let Some(upstash) = &config.upstash else { return };
    let latency = latency(upstash, env).await;
    let (breaker, failing) = upstash::condition();
    health.breaker = Some(breaker.to_owned());
    health.cause = failing.as_ref().map(|error| error.cause().to_owned());
    health.using_fallback = matches!(failing, Some(StoreError::Unavailable(_)));
    health.journal_depth = Some(journaled::depth());
    // What was heard since counts more than the answer that is kept.
    let refuses_writes = matches!(failing, Some(StoreError::Unavailable(outage)) if outage.refuses_writes_only());
    if failing.is_none() || refuses_writes {
        health.redis = "connected".to_owned();
        health.latency_ms = latency.map(|latency| latency.0);
    }
}

/// How long Redis took to answer, if it did; asked now and then.
async fn latency(upstash: &Upstash, env: Env) -> Option<Millis> {
    let now_at = now();
    let asked = match ASKED.get().filter(|asked| now_at.since(asked.at) < CACHED) {
        Some(asked) => asked,
        None => {
            let there = upstash::ping(upstash).await.is_ok();
            let asked = Asked { at: now(), latency: there.then(|| now().since(now_at)) };
            ASKED.set(Some(asked));
            // The alarms of other objects don't tell this isolate what they replayed.
            if there && journaled::depth() > 0 {
                replay_after_recovery(env, PATIENCE).await;
            }
            asked
        }
    };
    asked.latency
}

async fn archive(config: &Config, env: &Env) -> Option<ArchiveHealth> {
    let archive = config.archive.as_ref()?;
    let lag = archive::lag(env, config).await;
    Some(ArchiveHealth {
        mode: archive.mode.as_str().to_owned(),
        target: archive.target.as_str().to_owned(),
        lag_seconds: lag.map(|lag| lag.0 / 1000),
        refused: archive::refusals(env).await,
    })
}
