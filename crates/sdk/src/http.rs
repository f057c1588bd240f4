//! One HTTP exchange, by `fetch`.

use crate::host;
use crate::json;
use crate::shell::Shell;
use chatkeep_model::client::{ECHOED, Event, Events, Json, Token};
use gloo_net::http::{Request, Response};
use js_sys::{Promise, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit};

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
    let mut refused = false;
    let response = loop {
        let Ok(shown) = host::credentials(&shell.host, refused).await else {
            let body = json::parse(NO_CREDENTIALS).unwrap_or(Json::Null);
            return Event::Answered { token, status: 401, retry_after: None, echoes: Default::default(), body };
        };
        let Ok(request) = request(shell, asked, signal, shown) else { return Event::Unreachable { token } };
        match request.send().await {
            // Where they are refused, once more with new ones.
            Ok(response) if response.status() == 401 && !refused => refused = true,
            Ok(response) => break response,
            Err(_) => return Event::Unreachable { token },
        }
    };
    read(shell, token, response).await.unwrap_or(Event::Unreachable { token })
}

/// Built without the library's own builder, which brings a parser of addresses along.
fn request(
    shell: &Shell,
    asked: &Asked,
    signal: &AbortSignal,
    shown: Option<(String, String)>,
) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &asked.headers {
        headers.set(name, value)?;
    }
    if let Some((name, value)) = shown {
        headers.set(&name, &value)?;
    }
    let init = RequestInit::new();
    init.set_method(asked.method);
    init.set_signal(Some(signal));
    if let Some(body) = &asked.body {
        headers.set("content-type", "application/json")?;
        init.set_body(&JsValue::from_str(body));
    }
    init.set_headers(&headers);
    let url = [shell.url.as_str(), &asked.path].concat();
    Ok(web_sys::Request::new_with_str_and_init(&url, &init)?.into())
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
