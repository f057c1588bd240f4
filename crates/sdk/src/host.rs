//! What JavaScript brings along: somebody to tell, somebody who does what takes time, and storage.

use gloo_net::http::Headers;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Whom a client tells what becomes of things, and what it wants done. None of these may throw. */
export interface ClientHost {
  /** The view may have changed; `partly`: only in a piece of a reply, so there is no hurry. */
  changed(partly: boolean): void;
  /** A piece of the reply for which this ticket waits. */
  delta(ticket: number, text: string): void;
  /** A ticket's work is done: JSON of what came of it (or empty), or of a problem. */
  done(ticket: number, failed: boolean, json: string): void;
  /** The other tabs should hear this. */
  tell(news: string): void;
  /** Ask the server. What comes of it is `answered`, or `piece` by piece an event stream, and `unreachable` at its end. */
  ask(token: number, method: string, path: string, headers: Headers, body: string | undefined): void;
  /** Nobody waits for that answer any more. */
  abort(token: number): void;
  /** Say `woke` after so many milliseconds. */
  wait(token: number, ms: number): void;
}
/** Where a client keeps what survives a reload; `localStorage` is one. */
export interface ClientStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// Whom a client tells what becomes of things, and what it wants done.
    #[wasm_bindgen(typescript_type = "ClientHost")]
    pub type Host;
    #[wasm_bindgen(method)]
    pub(crate) fn changed(this: &Host, partly: bool);
    #[wasm_bindgen(method)]
    pub(crate) fn delta(this: &Host, ticket: u32, text: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn done(this: &Host, ticket: u32, failed: bool, json: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn tell(this: &Host, news: &str);
    #[wasm_bindgen(method, js_name = ask)]
    fn ask_raw(this: &Host, token: u32, method: &str, path: &str, headers: web_sys::Headers, body: Option<&str>);
    #[wasm_bindgen(method)]
    pub(crate) fn abort(this: &Host, token: u32);
    #[wasm_bindgen(method)]
    pub(crate) fn wait(this: &Host, token: u32, ms: u32);

    /// Where a client keeps what survives a reload.
    #[wasm_bindgen(typescript_type = "ClientStorage")]
    pub type Storage;
    #[wasm_bindgen(method, catch, js_name = getItem)]
    pub(crate) fn get(this: &Storage, key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setItem)]
    pub(crate) fn set(this: &Storage, key: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeItem)]
    pub(crate) fn remove(this: &Storage, key: &str) -> Result<(), JsValue>;
}

impl Host {
    pub(crate) fn ask(&self, token: u32, method: &str, path: &str, headers: Headers, body: Option<&str>) {
        self.ask_raw(token, method, path, headers.into_raw(), body);
    }
}
