//! Requests and answers in the browser's own types. The waiting in between is the host's.

use crate::json;
use chatkeep_model::client::{ECHOED, Event, Json, Token};
use gloo_net::http::{Headers, Response};

/// The headers of a request, but for those that say who is asking.
pub(crate) fn headers(asked: &[(&'static str, String)], has_body: bool) -> Headers {
    let headers = Headers::new();
    for (name, value) in asked {
        headers.set(name, value);
    }
    if has_body {
        headers.set("content-type", "application/json");
    }
    headers
}

/// What an answer means to the machine.
pub(crate) fn answered(token: Token, response: &Response, text: String) -> Event {
    let headers = response.headers();
    let retry_after = headers.get("retry-after").and_then(|seconds| seconds.parse().ok());
    let echoes = ECHOED.map(|name| headers.get(name));
    let lines = headers.get("content-type").is_some_and(|kind| kind.contains("ndjson"));
    let body = json::parse(&text).filter(|_| !lines).unwrap_or(Json::Text(text));
    Event::Answered { token, status: response.status(), retry_after, echoes, body }
}
