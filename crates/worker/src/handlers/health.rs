//! `GET /health`: open to everyone, and never with a secret in it.

use super::answer::Answer;
use crate::edge::now;
use crate::settings::Settings;
use crate::store::probe;
use chatkeep_model::Problem;
use chatkeep_model::wire::Health;

pub(super) async fn health(settings: &Settings) -> Result<Answer, Problem> {
    let began = now();
    let (store, authentication, cause) = match settings {
        Ok(config) => (
            if config.upstash.is_some() { "upstash" } else { "vault" },
            if config.access.is_configured() { "configured" } else { "not configured" },
            probe(config).await.err().map(|error| error.cause().to_owned()),
        ),
        Err(error) => ("none", "not configured", Some(error.to_string())),
    };
    let healthy = cause.is_none();
    let redis = healthy && store == "upstash";
    let body = Health {
        status: if healthy { "healthy" } else { "degraded" }.to_owned(),
        redis: if redis { "connected" } else { "disconnected" }.to_owned(),
        store: store.to_owned(),
        authentication: authentication.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        latency_ms: redis.then(|| now().since(began).0),
        cause,
    };
    Ok(Answer::json(&body)?.status(if healthy { 200 } else { 503 }))
}
