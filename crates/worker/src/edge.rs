//! The boundary to JavaScript: `js/edge.js`, typed.

use chatkeep_model::client_address::{FORWARDED_FOR, TrustedProxies};
use chatkeep_model::search::{DIACRITICS, Normalizer};
use chatkeep_model::{Millis, json};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/edge.js")]
extern "C" {
    fn headers(request: &web_sys::Request, names: &str) -> String;

    #[wasm_bindgen(catch)]
    async fn body(request: &web_sys::Request, limit: f64) -> Result<JsValue, JsValue>;

    fn respond(status: u16, headers: &str, body: &[u8]) -> web_sys::Response;

    fn stream(status: u16, headers: &str, pull: JsValue) -> web_sys::Response;

    #[wasm_bindgen(catch)]
    async fn post(
        url: &str,
        token: &str,
        sync_token: &str,
        traceparent: &str,
        body: &[u8],
        milliseconds: f64,
    ) -> Result<JsValue, JsValue>;

    type Upstream;

    #[wasm_bindgen(constructor)]
    fn new() -> Upstream;

    #[wasm_bindgen(method, catch)]
    async fn open(this: &Upstream, url: &str, headers: &str, body: &[u8]) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn next(this: &Upstream) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn close(this: &Upstream);

    #[wasm_bindgen(method, getter)]
    fn status(this: &Upstream) -> u16;

    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    fn retry_after(this: &Upstream) -> u32;

    type BodyReader;

    #[wasm_bindgen(constructor)]
    fn new(request: &web_sys::Request) -> BodyReader;

    #[wasm_bindgen(method, catch)]
    async fn next(this: &BodyReader) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = normalize)]
    fn normalize_text(text: &str, pattern: &str) -> String;

    #[wasm_bindgen(catch)]
    async fn hmac(secret: &str, text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn get(url: &str, limit: f64, milliseconds: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn ask(stub: &JsValue, body: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = waitFor)]
    async fn wait_for_promise(promise: &JsValue, milliseconds: f64) -> Result<JsValue, JsValue>;

    async fn query(env: &JsValue, binding: &str, json: &str) -> JsValue;

    #[wasm_bindgen(js_name = queryStorage)]
    fn query_storage(storage: &JsValue, json: &str) -> JsValue;

    fn peer(request: &web_sys::Request) -> String;

    async fn request(method: &str, url: &str, token: &str, headers: &str, body: &str, milliseconds: f64) -> JsValue;

    #[wasm_bindgen(js_name = sha256)]
    async fn digest(text: &str) -> JsValue;

    #[wasm_bindgen(catch)]
    async fn relay(stub: &JsValue, body: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = socketHeaders)]
    fn socket_headers(request: &web_sys::Request) -> String;

    #[wasm_bindgen(catch)]
    async fn upgrade(stub: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = broadcast)]
    fn send_to_all(state: &JsValue, lines: &str, limit: f64) -> u32;

    #[wasm_bindgen(js_name = mediaType)]
    fn response_media_type(response: &web_sys::Response) -> String;

    #[wasm_bindgen(js_name = headOf)]
    fn response_head(response: &web_sys::Response) -> web_sys::Response;

    #[wasm_bindgen(js_name = dressed)]
    fn dress(response: &web_sys::Response, headers: &str) -> web_sys::Response;

    #[wasm_bindgen(catch)]
    fn transact(storage: &JsValue, run: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;
}

/// The headers that Chatkeep reads: declares [`Headers`], and reads them in one call.
macro_rules! headers {
    ($($field:ident $name:literal $($if_empty:ident)?),* $(,)?) => {
        /// A request's headers. An empty one is an absent one, unless its line says `kept_empty`.
        #[derive(Debug, Default)]
        pub(crate) struct Headers {
            $(pub(crate) $field: Option<String>,)*
        }

        /// Reads a request's headers.
        pub(crate) fn read_headers(request: &web_sys::Request) -> Headers {
            let text = headers(request, concat!($($name, " "),*).trim_end());
            let mut lines = text.split('\n');
            let mut next = |keeps_empty: bool| {
                let value = lines.next().filter(|value| *value != "\0" && (keeps_empty || !value.is_empty()));
                value.map(str::to_owned)
            };
            Headers { $($field: next(stringify!($($if_empty)?) == "kept_empty"),)* }
        }
    };
}

headers! {
    api_key "x-api-key",
    authorization "authorization",
    cookie "cookie",
    user "chatkeep-user" kept_empty,
    issuer "chatkeep-issuer" kept_empty,
    origin "origin",
    host "host",
    fetch_site "sec-fetch-site",
    mf_original_url "mf-original-url",
    x_original_url "x-original-url",
    x_rewrite_url "x-rewrite-url",
    requested_headers "access-control-request-headers",
    address "cf-connecting-ip",
    idempotency_key "idempotency-key",
    sync_token "upstash-sync-token",
    if_match "if-match",
    if_none_match "if-none-match",
    journal "chatkeep-journal",
    accept "accept",
    last_event_id "last-event-id",
    traceparent "traceparent",
    client "chatkeep-client",
    content_length "content-length",
}

/// The address of the client at the other end of a request's connection, or of the trusted proxy there. None where the platform
/// doesn't tell.
pub(crate) fn client_address(request: &web_sys::Request, trusted: &TrustedProxies) -> Option<String> {
    trusted.client_address(&peer(request), || headers(request, FORWARDED_FOR))
}

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is over the limit.
    TooLarge,
    /// Its body isn't UTF-8, or the client went away.
    Broken,
}

/// Reads a request's body up to a limit in bytes.
pub(crate) async fn read_body(request: &web_sys::Request, limit: usize) -> Result<String, Unreadable> {
    // A body of gigabytes has no exact f64, and needs none.
    let bytes = body(request, limit as f64).await.map_err(|_| Unreadable::Broken)?;
    let bytes = bytes.dyn_into::<Uint8Array>().map_err(|_| Unreadable::TooLarge)?;
    // Replacing what isn't UTF-8 would change the text.
    String::from_utf8(bytes.to_vec()).map(json::mend).map_err(|_| Unreadable::Broken)
}

/// The body of a request that is read piece by piece.
pub(crate) struct RequestBody(BodyReader);

impl RequestBody {
    /// The body of a request of which nothing was read.
    pub(crate) fn of(request: &web_sys::Request) -> Self {
        Self(BodyReader::new(request))
    }

    /// Reads the next piece.
    pub(crate) async fn next(&self) -> Next {
        next_bytes(self.0.next().await)
    }
}

/// Makes a response.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> web_sys::Response {
    respond(status, &lines(headers), body.as_bytes())
}

/// Makes a response whose body is pulled piece by piece. What pulls is dropped when the reader leaves.
pub(crate) fn streamed<F, P>(status: u16, headers: &[(&str, &str)], pull: F) -> web_sys::Response
where
    F: FnMut() -> P + 'static,
    P: Future<Output = Result<Option<String>, String>> + 'static,
{
    let mut pull = Some(pull);
    let next = move |has_left: Option<bool>| {
        pull.take_if(|_| has_left == Some(true));
        let piece = pull.as_mut().map(|pull| pull());
        wasm_bindgen_futures::future_to_promise(async move {
            let Some(piece) = piece else { return Ok(JsValue::UNDEFINED) };
            match piece.await {
                Ok(Some(text)) => Ok(JsValue::from_str(&text)),
                Ok(None) => Ok(JsValue::UNDEFINED),
                Err(cause) => Err(js_sys::Error::new(&cause).into()),
            }
        })
    };
    // The stream owns it: it is freed when the stream is collected.
    let pull = Closure::<dyn FnMut(Option<bool>) -> js_sys::Promise>::new(next).into_js_value();
    stream(status, &lines(headers), pull)
}

/// Headers as they cross the boundary: names and values by turns, one a line.
fn lines(headers: &[(&str, &str)]) -> String {
    let mut lines = String::with_capacity(128);
    for (name, value) in headers {
        for part in [name, value] {
            lines.push_str(part);
            lines.push('\n');
        }
    }
    lines
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

/// What a POST says in its headers; each may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told<'a> {
    /// The bearer token.
    pub(crate) token: &'a str,
    pub(crate) sync_token: &'a str,
    pub(crate) traceparent: &'a str,
}

/// Posts JSON.
pub(crate) async fn post_json(url: &str, told: Told<'_>, body: &str, limit: Millis) -> Posted {
    let Told { token, sync_token, traceparent } = told;
    let Ok(answer) = post(url, token, sync_token, traceparent, body.as_bytes(), limit.0 as f64).await else {
        return Posted::Unreachable;
    };
    let answer = Array::from(&answer);
    match answer.get(0).as_f64().unwrap_or_default() as u16 {
        0 => Posted::Unreachable,
        1 => Posted::TimedOut,
        status => Posted::Answer {
            status,
            sync_token: answer.get(1).as_string().unwrap_or_default(),
            body: answer.get(2).dyn_into::<Uint8Array>().map(|bytes| lossy(bytes.to_vec())).unwrap_or_default(),
        },
    }
}

/// Text, with a sign in place of what isn't UTF-8.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads a URL of JSON; gives its status and body. None of it without an answer in time, or with one over the limit in bytes.
pub(crate) async fn get_json(url: &str, limit: usize, time: Millis) -> Option<(u16, String)> {
    let answer = get(url, limit as f64, time.0 as f64).await.ok()?.as_string()?;
    let (status, body) = answer.split_once('\n')?;
    Some((status.parse().ok().filter(|status| *status != 0)?, body.to_owned()))
}

/// A request whose answer is read piece by piece. Dropped, it is given up.
pub(crate) struct Sent(Upstream);

/// The next piece of a body.
pub(crate) enum Next {
    Bytes(Vec<u8>),
    /// It was whole.
    End,
    /// The connection broke.
    Broken,
}

impl Sent {
    /// Posts JSON; none when there is no connection.
    pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Option<Self> {
        // Made first: should nobody wait for the answer any more, it is given up.
        let sent = Self(Upstream::new());
        let opened = sent.0.open(url, &lines(headers), body.as_bytes()).await;
        opened.is_ok_and(|opened| opened.is_truthy()).then_some(sent)
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status()
    }

    /// The seconds of its `Retry-After`; 0 without one.
    pub(crate) fn retry_after(&self) -> u64 {
        u64::from(self.0.retry_after())
    }

    pub(crate) async fn next(&self) -> Next {
        next_bytes(self.0.next().await)
    }
}

fn next_bytes(read: Result<JsValue, JsValue>) -> Next {
    match read {
        Ok(end) if end.is_undefined() => Next::End,
        Ok(bytes) => bytes.dyn_into::<Uint8Array>().map_or(Next::Broken, |bytes| Next::Bytes(bytes.to_vec())),
        Err(_) => Next::Broken,
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How texts are compared in a search.
pub(crate) const NORMALIZER: Normalizer = Normalizer(|text| normalize_text(text, DIACRITICS));

/// The HMAC-SHA256 of a text, in hex.
pub(crate) async fn hmac_hex(secret: &str, text: &str) -> Option<String> {
    hmac(secret, text).await.ok()?.as_string()
}

/// Asks a Durable Object; gives its status and body.
pub(crate) async fn ask_object(stub: &JsValue, body: &str) -> Option<(u16, String)> {
    let answer = ask(stub, body).await.ok()?.as_string()?;
    let (status, body) = answer.split_once('\n')?;
    Some((status.parse().ok()?, body.to_owned()))
}

/// Waits for a promise, but no longer than this.
pub(crate) async fn wait_for(promise: &js_sys::Promise, limit: Millis) -> Result<(), worker::Error> {
    wait_for_promise(promise, limit.0 as f64).await.map(drop).map_err(worker::Error::from)
}

/// Runs statements on the archive's database, all or none: a JSON array of queries with their parameters. Gives the rows of each.
pub(crate) async fn query_database(env: &worker::Env, binding: &str, statements: &str) -> Option<String> {
    query(env, binding, statements).await.as_string()
}

/// Runs the same on a Durable Object's own database.
pub(crate) fn query_object(storage: &JsValue, statements: &str) -> Option<String> {
    query_storage(storage, statements).as_string()
}

/// Sends a request with a bearer token; gives the answer's status and body.
pub(crate) async fn request_json(
    method: &str,
    url: &str,
    token: &str,
    headers: &[(&str, &str)],
    body: &str,
    limit: Millis,
) -> Option<(u16, String)> {
    let answer = request(method, url, token, &lines(headers), body, limit.0 as f64).await.as_string()?;
    let (status, body) = answer.split_once('\n')?;
    Some((status.parse().ok()?, body.to_owned()))
}

/// The SHA-256 of a text, in hex.
pub(crate) async fn sha256(text: &str) -> String {
    digest(text).await.as_string().unwrap_or_default()
}

/// 128 random bits in hex.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0; 16];
    fill_random(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Asks a Durable Object; gives its response, of which nothing was read.
pub(crate) async fn relay_object(stub: &JsValue, body: &str) -> Option<web_sys::Response> {
    relay(stub, body).await.ok()?.dyn_into().ok()
}

/// The headers with which a WebSocket is asked for.
pub(crate) struct SocketHeaders {
    /// The request is to become one.
    pub(crate) upgrades: bool,
    /// The subprotocols that are offered.
    pub(crate) protocols: String,
}

/// Reads them.
pub(crate) fn read_socket_headers(request: &web_sys::Request) -> SocketHeaders {
    let read = socket_headers(request);
    let (upgrade, protocols) = read.split_once('\n').unwrap_or_default();
    SocketHeaders { upgrades: upgrade.eq_ignore_ascii_case("websocket"), protocols: protocols.to_owned() }
}

/// Opens a WebSocket to a Durable Object.
pub(crate) async fn upgrade_object(stub: &JsValue) -> Option<web_sys::Response> {
    upgrade(stub).await.ok()?.dyn_into().ok()
}

/// Sends texts, one a line, to every WebSocket of a Durable Object, and gives how many there are. One that was sent more bytes
/// than the limit since it said `ping` is closed.
pub(crate) fn broadcast(state: &JsValue, lines: &str, limit: usize) -> usize {
    send_to_all(state, lines, limit as f64) as usize
}

/// The media type of a response; empty without one.
pub(crate) fn media_type(response: &web_sys::Response) -> String {
    response_media_type(response)
}

/// A response without its body, whose sender is told that nobody reads it.
pub(crate) fn head_of(response: &web_sys::Response) -> web_sys::Response {
    response_head(response)
}

/// A response with further headers.
pub(crate) fn dressed(response: &web_sys::Response, headers: &[(&str, &str)]) -> web_sys::Response {
    dress(response, &lines(headers))
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

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Fills with random bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    get_random_values(bytes);
}

/// Any number: for what need not be unguessable.
pub(crate) fn any_number() -> u64 {
    (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64
}

/// Now.
pub(crate) fn now() -> Millis {
    // Whole milliseconds since 1970, which an f64 holds exactly until long after 2100.
    Millis(js_sys::Date::now() as u64)
}
