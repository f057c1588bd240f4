//! From a request to its response: route, gate, body, handler.

mod chat;
mod health;
mod sessions;

use crate::edge::{self, Received, Unreadable};
use crate::settings::settings;
use crate::store::Store;
use chatkeep_model::auth::{Credentials, gate};
use chatkeep_model::config::Config;
use chatkeep_model::intake::Fresh;
use chatkeep_model::route::{Action, Matched, Query, route};
use chatkeep_model::{Code, Problem};
use serde::Serialize;
use uuid::Uuid;
use worker::Env;

/// A request inside the gate: what every handler gets.
struct Call<'a> {
    config: &'a Config,
    store: Store<'a>,
    received: Received,
    /// What stands in the path for `{id}`.
    id: String,
    query: Query<'a>,
    fresh: Fresh,
}

/// A handler's answer.
struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Answer {
    fn json(body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Self { status: 200, location: None, body })
    }
}

/// Serves one request.
pub(crate) async fn serve(request: web_sys::Request, env: &Env) -> web_sys::Response {
    let mut sync_token = String::new();
    match answer(&request, env, &mut sync_token).await {
        Ok(answer) => {
            let mut headers = vec![("content-type", "application/json"), ("cache-control", "no-store")];
            if let Some(location) = &answer.location {
                headers.push(("location", location));
            }
            if !sync_token.is_empty() {
                headers.push(("upstash-sync-token", &sync_token));
            }
            edge::response(answer.status, &headers, &answer.body)
        }
        Err(problem) => refuse(&problem),
    }
}

async fn answer(request: &web_sys::Request, env: &Env, sync_token: &mut String) -> Result<Answer, Problem> {
    let url = request.url();
    let (host, path, query) = url_parts(&url);
    let Matched { action, id } = route(&request.method(), path)?;
    let settings = settings(env);
    let config = match (action, settings.as_ref()) {
        (Action::Health, settings) => return health::health(settings).await,
        (_, Ok(config)) => config,
        (_, Err(error)) => return Err(Problem::new(Code::NotConfigured).detail(error.to_string())),
    };
    let received = edge::read(request, config.limits.body_bytes).await.map_err(|unreadable| match unreadable {
        Unreadable::TooLarge => {
            let detail = format!("the limit is {} bytes", config.limits.body_bytes);
            Problem::new(Code::BodyTooLarge).detail(detail)
        }
        Unreadable::Broken => Problem::new(Code::InvalidJson),
    })?;
    let owner = gate(config, Credentials { api_key: received.api_key.as_deref(), host })?;
    let store = Store::new(config, env, owner, received.sync_token.clone());
    let call = Call { config, store, received, id, query: Query(query), fresh: fresh() };
    let answer = match action {
        Action::Chat => chat::chat(&call).await,
        Action::CreateSession => sessions::create(&call).await,
        Action::ListSessions => sessions::list(&call).await,
        Action::SessionInfo => sessions::info(&call).await,
        Action::DeleteSession => sessions::delete(&call).await,
        Action::History => sessions::history(&call).await,
        Action::Health => health::health(settings.as_ref()).await,
    };
    *sync_token = call.store.sync_token();
    answer
}

/// A problem as a response.
fn refuse(problem: &Problem) -> web_sys::Response {
    let body = serde_json::to_string(&problem.body()).unwrap_or_default();
    let retry_after = problem.retry_after.map(|seconds| seconds.to_string());
    let mut headers = vec![("content-type", "application/problem+json"), ("cache-control", "no-store")];
    if let Some(seconds) = &retry_after {
        headers.push(("retry-after", seconds));
    }
    if let Some(methods) = &problem.allow {
        headers.push(("allow", methods));
    }
    if problem.code == Code::Unauthorized {
        headers.push(("www-authenticate", "ApiKey realm=\"chatkeep\""));
    }
    if problem.code.status() >= 500 {
        let detail = problem.detail.as_deref().unwrap_or_default();
        worker::console_error!(
            "{}",
            serde_json::json!({"level": "error", "code": problem.code.as_str(), "detail": detail})
        );
    }
    edge::response(problem.code.status(), &headers, &body)
}

/// Host, path and query of an absolute URL as the platform gives it.
fn url_parts(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    match rest.find('/') {
        Some(at) => {
            let (host, path) = rest.split_at(at);
            (host, path, query)
        }
        None => (rest, "/", query),
    }
}

fn fresh() -> Fresh {
    Fresh {
        now: edge::now(),
        session: Uuid::now_v7().as_u128(),
        message: Uuid::now_v7().as_u128(),
        attempt: Uuid::new_v4().as_u128(),
        seal: Uuid::new_v4().as_u128(),
    }
}
