//! What JavaScript brings along: somebody to tell, storage, and a timer.

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Whom a client tells what becomes of things. None of these may throw, but for `key`. */
export interface ClientHost {
  /** The view may have changed. */
  changed(): void;
  /** A ticket's work is done: JSON of a reply (or empty), or of a problem. */
  done(ticket: number, failed: boolean, json: string): void;
  /** The API key for the next request. */
  key(): string | undefined | Promise<string | undefined>;
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
    /// Whom a client tells what becomes of things.
    #[wasm_bindgen(typescript_type = "ClientHost")]
    pub type Host;
    #[wasm_bindgen(method)]
    pub(crate) fn changed(this: &Host);
    #[wasm_bindgen(method)]
    pub(crate) fn done(this: &Host, ticket: u32, failed: bool, json: &str);
    #[wasm_bindgen(method, catch)]
    fn key(this: &Host) -> Result<JsValue, JsValue>;

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

/// There is no key to send: whoever should have given one failed, or gave what no header can carry.
pub(crate) struct NoKey;

/// The API key for the next request, if there is one.
pub(crate) async fn api_key(host: &Host) -> Result<Option<String>, NoKey> {
    let given = host.key().map_err(|_| NoKey)?;
    let given = JsFuture::from(Promise::resolve(&given)).await.map_err(|_| NoKey)?;
    let key = given.as_string().filter(|key| !key.is_empty());
    if key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(NoKey);
    }
    Ok(key)
}

/// A pause.
pub(crate) async fn pause(ms: u32) {
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A timer's promise has nothing to say and no way to fail.
    let _ = JsFuture::from(promise).await;
}
