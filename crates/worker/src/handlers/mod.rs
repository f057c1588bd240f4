//! From a request to its response: route, gate, body, handler.

mod chat;
mod health;
mod sessions;

use crate::edge::{self, Received, Unreadable};
use crate::settings::settings;
use crate::store::Store;
use chatkeep_model::auth::{Credentials, gate};
use chatkeep_model::config::{Config, ConfigError};
use chatkeep_model::cors::{AllowedOrigins, preflight_headers};
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
    let settings = settings(env);
    let allowed = settings.as_ref().as_ref().map(|config| config.allowed_origins.clone()).unwrap_or_default();
    let mut headers = if allowed == AllowedOrigins::default() {
        Vec::new()
    } else {
        allowed.headers(edge::origin(&request).as_deref())
    };
    if request.method() == "OPTIONS" && !headers.is_empty() {
        headers.extend(preflight_headers());
        return respond(204, headers, "");
    }
    let mut sync_token = String::new();
    let (status, body) = match answer(&request, env, settings.as_ref(), &mut sync_token).await {
        Ok(answer) => {
            headers.push(("content-type", "application/json".to_owned()));
            headers.extend(answer.location.map(|location| ("location", location)));
            headers
                .extend(Some(sync_token).filter(|token| !token.is_empty()).map(|token| ("upstash-sync-token", token)));
            (answer.status, answer.body)
        }
        Err(problem) => {
            log(&problem);
            headers.push(("content-type", "application/problem+json".to_owned()));
            headers.extend(problem.retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            if problem.code == Code::Unauthorized {
                headers.push(("www-authenticate", "ApiKey realm=\"chatkeep\"".to_owned()));
            }
            let body = serde_json::to_string(&problem.body()).unwrap_or_default();
            headers.extend(problem.allow.map(|methods| ("allow", methods)));
            (problem.code.status(), body)
        }
    };
    headers.push(("cache-control", "no-store".to_owned()));
    respond(status, headers, &body)
}

fn respond(status: u16, headers: Vec<(&'static str, String)>, body: &str) -> web_sys::Response {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    edge::response(status, &headers, body)
}

async fn answer(
    request: &web_sys::Request,
    env: &Env,
    settings: &Result<Config, ConfigError>,
    sync_token: &mut String,
) -> Result<Answer, Problem> {
    let url = request.url();
    let (host, path, query) = url_parts(&url);
    let Matched { action, id } = route(&request.method(), path)?;
    let config = match (action, settings) {
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
        Action::Health => health::health(settings).await,
    };
    *sync_token = call.store.sync_token();
    answer
}

/// Tells the operator of what is not the caller's doing.
fn log(problem: &Problem) {
    if problem.code.status() >= 500 {
        let detail = problem.detail.as_deref().unwrap_or_default();
        worker::console_error!(
            "{}",
            serde_json::json!({"level": "error", "code": problem.code.as_str(), "detail": detail})
        );
    }
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
