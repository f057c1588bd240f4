//! One HTTP exchange, by `fetch`.

use crate::host::{self, NoCredentials};
use crate::json;
use crate::shell::Shell;
use chatkeep_model::client::{ECHOED, Event, Events, Json, Token};
use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{Promise, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

/// What the machine hears when there is nothing to ask with.
const NO_CREDENTIALS: &str =
    r#"{"code":"unauthorized","status":401,"retryable":true,"detail":"no usable credentials were given"}"#;

#[wasm_bindgen]
extern "C" {
    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;

    type Chunk;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Chunk) -> Option<Uint8Array>;
}

/// A request to make.
pub(crate) struct Asked {
    pub(crate) token: Token,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

/// Asks, and says what came of it.
pub(crate) async fn exchange(shell: &Rc<Shell>, asked: &Asked, signal: &AbortSignal) -> Event {
    let token = asked.token;
    match ask(shell, asked, signal, false).await {
        Ok(Some(event)) => event,
        Ok(None) => Event::Unreachable { token },
        Err(NoCredentials) => {
            let body = json::parse(NO_CREDENTIALS).unwrap_or(Json::Null);
            Event::Answered { token, status: 401, retry_after: None, echoes: Default::default(), body }
        }
    }
}

/// Asks with the credentials there are; where they are refused, once more with new ones.
async fn ask(
    shell: &Rc<Shell>,
    asked: &Asked,
    signal: &AbortSignal,
    refused: bool,
) -> Result<Option<Event>, NoCredentials> {
    let shown = host::credentials(&shell.host, refused).await?;
    let Ok(mut response) = fetch(shell, asked, signal, shown.as_ref()).await else { return Ok(None) };
    if response.status() == 401 && !refused {
        let renewed = host::credentials(&shell.host, true).await?;
        if renewed.is_some() && renewed != shown {
            let Ok(second) = fetch(shell, asked, signal, renewed.as_ref()).await else { return Ok(None) };
            response = second;
        }
    }
    Ok(read(shell, asked.token, response).await)
}

async fn fetch(
    shell: &Shell,
    asked: &Asked,
    signal: &AbortSignal,
    shown: Option<&(String, String)>,
) -> Result<Response, gloo_net::Error> {
    let url = [shell.url.as_str(), &asked.path].concat();
    let mut request = RequestBuilder::new(&url).abort_signal(Some(signal)).method(match asked.method {
        "GET" => Method::GET,
        "DELETE" => Method::DELETE,
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        _ => Method::POST,
    });
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    if let Some((name, value)) = shown {
        request = request.header(name, value);
    }
    let request = match &asked.body {
        Some(body) => request.header("content-type", "application/json").body(body)?,
        None => request.build()?,
    };
    request.send().await
}

/// Reads an answer: a body, or a stream's events one by one.
async fn read(shell: &Rc<Shell>, token: Token, response: Response) -> Option<Event> {
    let headers = response.headers();
    let kind = headers.get("content-type").unwrap_or_default();
    if response.ok() && kind.starts_with("text/event-stream") {
        let reader = response.body()?.get_reader().unchecked_into::<Reader>();
        let mut events = Events::default();
        while let Some(chunk) = JsFuture::from(reader.read()).await.ok()?.unchecked_into::<Chunk>().value() {
            for event in events.push(&chunk.to_vec()) {
                let id = event.id.and_then(|id| id.parse().ok()).unwrap_or(0);
                let data = json::parse(&event.data).unwrap_or(Json::Null);
                shell.feed(Event::Streamed { token, name: event.name, id, data });
            }
        }
        return None;
    }
    let retry_after = headers.get("retry-after").and_then(|seconds| seconds.parse().ok());
    let echoes = ECHOED.map(|name| headers.get(name));
    let text = response.text().await.ok()?;
    let body = json::parse(&text).filter(|_| !kind.contains("ndjson")).unwrap_or(Json::Text(text));
    Some(Event::Answered { token, status: response.status(), retry_after, echoes, body })
}
