//! `/_gateway/...`: what the gateway says about itself, and the knobs that tests turn.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::body::Body;
use crate::dialect::Dialect;
use crate::faults::FaultOrder;

/// No command begins like this.
pub(crate) const PREFIX: &str = "/_gateway/";

/// One order or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Orders {
    One(FaultOrder),
    Several(Vec<FaultOrder>),
}

const LONGEST_BODY: usize = 65_536;

/// Answers a request under the prefix. Only health is there without `GATEWAY_FAULTS=on`.
pub(crate) async fn respond(dialect: &Dialect, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    match (path, request.method()) {
        ("health", &Method::GET | &Method::HEAD) => health(dialect),
        ("health", _) => plain(StatusCode::METHOD_NOT_ALLOWED),
        _ if !dialect.faults_enabled() => plain(StatusCode::NOT_FOUND),
        ("faults", &Method::GET) => answer(StatusCode::OK, &json!(dialect.faults().list())),
        ("faults", &Method::POST) => order(dialect, request).await,
        ("faults", &Method::DELETE) => {
            dialect.faults().clear();
            plain(StatusCode::NO_CONTENT)
        }
        ("counters", &Method::GET) => answer(StatusCode::OK, &json!(dialect.counters().read())),
        ("counters/reset", &Method::POST) | ("counters", &Method::DELETE) => {
            dialect.counters().reset();
            plain(StatusCode::NO_CONTENT)
        }
        ("faults" | "counters" | "counters/reset", _) => plain(StatusCode::METHOD_NOT_ALLOWED),
        _ => plain(StatusCode::NOT_FOUND),
    }
}

fn health(dialect: &Dialect) -> Response<Body> {
    if dialect.link().is_up() {
        answer(StatusCode::OK, &json!({ "status": "ok", "redis": "connected" }))
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "degraded", "redis": "unreachable" }))
    }
}

async fn order(dialect: &Dialect, request: Request<Incoming>) -> Response<Body> {
    let Ok(body) = Limited::new(request.into_body(), LONGEST_BODY).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    match serde_json::from_slice(&body.to_bytes()) {
        Ok(Orders::One(order)) => dialect.faults().add(vec![order]),
        Ok(Orders::Several(orders)) => dialect.faults().add(orders),
        Err(_) => {
            let error = "not a fault order; an example: {\"fault\":\"delay\",\"ms\":400,\"count\":2}";
            return answer(StatusCode::BAD_REQUEST, &json!({ "error": error }));
        }
    }
    answer(StatusCode::OK, &json!(dialect.faults().list()))
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
