//! What JavaScript brings along: somebody to tell, storage, credentials and a timer.

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Whom a client tells what becomes of things. None of these may throw, but for `credentials`. */
export interface ClientHost {
  /** The view may have changed; `partly`: only in a piece of a reply, so there is no hurry. */
  changed(partly: boolean): void;
  /** A piece of the reply for which this ticket waits. */
  delta(ticket: number, text: string): void;
  /** A ticket's work is done: JSON of what came of it (or empty), or of a problem. */
  done(ticket: number, failed: boolean, json: string): void;
  /** The other tabs should hear this. */
  tell(news: string): void;
  /** Name and value of the header to ask with; `refused`: the one before was not good enough. */
  credentials(refused: boolean): Credentials | Promise<Credentials>;
}
export type Credentials = readonly [name: string, value: string] | undefined;
/** Where a client keeps what survives a reload; `localStorage` is one. */
export interface ClientStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// Whom a client tells what becomes of things.
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
    #[wasm_bindgen(method, catch)]
    fn credentials(this: &Host, refused: bool) -> Result<JsValue, JsValue>;

    /// Where a client keeps what survives a reload.
    #[wasm_bindgen(typescript_type = "ClientStorage")]
    pub type Storage;
    #[wasm_bindgen(method, catch, js_name = getItem)]
    pub(crate) fn get(this: &Storage, key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setItem)]
    pub(crate) fn set(this: &Storage, key: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeItem)]
    pub(crate) fn remove(this: &Storage, key: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: u32) -> JsValue;
}

/// There is nothing to ask with: whoever should have given it failed, or gave what no header can carry.
pub(crate) struct NoCredentials;

/// The header to show the next request's sender by, if there is one.
pub(crate) async fn credentials(host: &Host, refused: bool) -> Result<Option<(String, String)>, NoCredentials> {
    let given = host.credentials(refused).map_err(|_| NoCredentials)?;
    let given = JsFuture::from(Promise::resolve(&given)).await.map_err(|_| NoCredentials)?;
    if given.is_undefined() {
        return Ok(None);
    }
    let given = js_sys::Array::from(&given);
    match (given.get(0).as_string(), given.get(1).as_string()) {
        (Some(name), Some(value)) if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(Some((name, value))),
        _ => Err(NoCredentials),
    }
}

/// A pause.
pub(crate) async fn pause(ms: u32) {
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A timer's promise has nothing to say and no way to fail.
    let _ = JsFuture::from(promise).await;
}
