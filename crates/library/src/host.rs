//! What JavaScript brings along: the transport, the callers, the operator's log, a clock and randomness.

use chatkeep_model::Millis;
use js_sys::{JsString, RegExp};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Carries out what a store wants done. None of these may throw. */
export interface StoreHost {
  /** Send a call, a JSON array of strings, and give what comes of it to `answered` or `lost`. */
  send(token: number, call: string, milliseconds: number): void;
  /** A caller has its answer, JSON. */
  done(ticket: number, json: string): void;
  /** A caller's call failed: JSON of a problem. */
  failed(ticket: number, json: string): void;
  /** Call `woke` after a while. */
  wake(milliseconds: number): void;
  /** A line for the operator, JSON. */
  log(line: string): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// Carries out what a store wants done.
    #[wasm_bindgen(typescript_type = "StoreHost")]
    pub type Host;
    #[wasm_bindgen(method)]
    pub(crate) fn send(this: &Host, token: u32, call: &str, milliseconds: u32);
    #[wasm_bindgen(method)]
    pub(crate) fn done(this: &Host, ticket: u32, json: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn failed(this: &Host, ticket: u32, json: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn wake(this: &Host, milliseconds: u32);
    #[wasm_bindgen(method)]
    pub(crate) fn log(this: &Host, line: &str);

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Fills with random bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    get_random_values(bytes);
}

/// A text in NFKD, without diacritics, in lower case.
pub(crate) fn normalize(text: &str) -> String {
    let diacritics = RegExp::new(chatkeep_model::search::DIACRITICS, "gu");
    let text = JsString::from(text).normalize("NFKD").replace_by_pattern(&diacritics, "");
    String::from(text.to_lower_case())
}

/// Now.
pub(crate) fn now() -> Millis {
    // A whole number of milliseconds, far from where its precision ends.
    Millis(js_sys::Date::now() as u64)
}
