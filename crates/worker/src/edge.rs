//! The boundary to JavaScript: `js/edge.js`, typed.

use chatkeep_model::Millis;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/edge.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn receive(request: &web_sys::Request, names: &str, limit: f64) -> Result<JsValue, JsValue>;

    fn respond(status: u16, headers: &str, body: &str) -> web_sys::Response;

    fn header(request: &web_sys::Request, name: &str) -> Option<String>;

    #[wasm_bindgen(catch)]
    async fn post(url: &str, token: &str, sync_token: &str, body: &str, milliseconds: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn ask(stub: &JsValue, body: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    fn transact(storage: &JsValue, run: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;
}

/// The headers that Chatkeep reads, in the order of [`Received`].
const HEADERS: &str = "x-api-key idempotency-key upstash-sync-token";

/// A request, read.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) api_key: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) sync_token: Option<String>,
    pub(crate) body: String,
}

/// Why a request could not be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Its body is over the limit.
    TooLarge,
    /// Its body isn't UTF-8, or the client went away.
    Broken,
}

/// Reads a request's headers and its body up to a limit in bytes.
pub(crate) async fn read(request: &web_sys::Request, limit: usize) -> Result<Received, Unreadable> {
    // A body of gigabytes has no exact f64, and needs none.
    let text = receive(request, HEADERS, limit as f64).await.map_err(|_| Unreadable::Broken)?;
    let text = text.as_string().ok_or(Unreadable::TooLarge)?;
    let mut parts = text.splitn(4, '\n');
    let mut header = || parts.next().filter(|value| !value.is_empty()).map(str::to_owned);
    let (api_key, idempotency_key, sync_token) = (header(), header(), header());
    Ok(Received { api_key, idempotency_key, sync_token, body: parts.next().unwrap_or_default().to_owned() })
}

/// The origin of the page that a request comes from, where a browser names it.
pub(crate) fn origin(request: &web_sys::Request) -> Option<String> {
    header(request, "origin")
}

/// Makes a response.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> web_sys::Response {
    let mut lines = String::with_capacity(128);
    for (name, value) in headers {
        for part in [name, value] {
            lines.push_str(part);
            lines.push('\n');
        }
    }
    respond(status, &lines, body)
}

/// What a POST came to.
#[derive(Debug)]
pub(crate) enum Posted {
    /// An HTTP answer.
    Answer { status: u16, sync_token: String, body: String },
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
}

/// Posts JSON with a bearer token; either token may be empty.
pub(crate) async fn post_json(url: &str, token: &str, sync_token: &str, body: &str, limit: Millis) -> Posted {
    let answer = post(url, token, sync_token, body, limit.0 as f64).await.ok().and_then(|answer| answer.as_string());
    let Some(answer) = answer else { return Posted::Unreachable };
    let mut parts = answer.splitn(3, '\n');
    let status = parts.next().and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut text = || parts.next().unwrap_or_default().to_owned();
    match status {
        0 => Posted::Unreachable,
        1 => Posted::TimedOut,
        status => Posted::Answer { status, sync_token: text(), body: text() },
    }
}

/// Asks a Durable Object; gives its status and body.
pub(crate) async fn ask_object(stub: &JsValue, body: &str) -> Option<(u16, String)> {
    let answer = ask(stub, body).await.ok()?.as_string()?;
    let (status, body) = answer.split_once('\n')?;
    Some((status.parse().ok()?, body.to_owned()))
}

/// Runs a function in one transaction of a Durable Object's storage: its error rolls everything back.
pub(crate) fn in_transaction<T, E: From<JsValue>>(
    storage: &JsValue,
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let mut run = Some(run);
    let mut outcome = None;
    let transacted = transact(storage, &mut || {
        outcome = run.take().map(|run| run());
        matches!(outcome, Some(Ok(_)))
    });
    match (outcome, transacted) {
        (Some(Err(error)), _) => Err(error),
        (Some(Ok(value)), Ok(())) => Ok(value),
        (_, Err(thrown)) => Err(E::from(thrown)),
        (None, Ok(())) => Err(E::from(JsValue::UNDEFINED)),
    }
}

/// Now.
pub(crate) fn now() -> Millis {
    // Whole milliseconds since 1970, which an f64 holds exactly until long after 2100.
    Millis(js_sys::Date::now() as u64)
}
