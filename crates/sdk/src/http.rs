//! One HTTP exchange, by `fetch`.

use crate::host::{self, Host};
use chatkeep_model::client::{Event, Token};
use gloo_net::http::{Method, RequestBuilder};

/// What the machine hears when there is no key to ask with.
const NO_KEY: &str = r#"{"code":"unauthorized","status":401,"retryable":true,"detail":"no usable API key was given"}"#;

/// Asks, and says what came of it.
pub(crate) async fn exchange(
    host: &Host,
    token: Token,
    method: &'static str,
    url: &str,
    body: Option<String>,
) -> Event {
    let Ok(key) = host::api_key(host).await else {
        return Event::Answered { token, status: 401, retry_after: None, body: NO_KEY.to_owned() };
    };
    ask(token, method, url, body, key).await.unwrap_or(Event::Unreachable { token })
}

async fn ask(
    token: Token,
    method: &'static str,
    url: &str,
    body: Option<String>,
    key: Option<String>,
) -> Result<Event, gloo_net::Error> {
    let mut request = RequestBuilder::new(url).method(match method {
        "GET" => Method::GET,
        "DELETE" => Method::DELETE,
        _ => Method::POST,
    });
    if let Some(key) = key {
        request = request.header("x-api-key", &key);
    }
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body)?,
        None => request.build()?,
    };
    let response = request.send().await?;
    let retry_after = response.headers().get("retry-after").and_then(|seconds| seconds.parse().ok());
    Ok(Event::Answered { token, status: response.status(), retry_after, body: response.text().await? })
}
