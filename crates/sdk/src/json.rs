//! The browser's JSON parser, and what it reads as the machine wants it.

use chatkeep_model::client::Json;
use js_sys::{Array, JSON, Object};
use wasm_bindgen::{JsCast, JsValue};

/// How deep values may nest: deeper than anybody's, and less than the stack.
const DEPTH: u32 = 200;

/// Reads a JSON text; none when it is none.
pub(crate) fn parse(text: &str) -> Option<Json> {
    value(&JSON::parse(text).ok()?, DEPTH)
}

/// Reads a value that JSON could have been.
pub(crate) fn of(from: &JsValue) -> Option<Json> {
    value(from, DEPTH)
}

fn value(from: &JsValue, depth: u32) -> Option<Json> {
    let depth = depth.checked_sub(1)?;
    Some(if from.is_null() || from.is_undefined() {
        Json::Null
    } else if let Some(text) = from.as_string() {
        Json::Text(text)
    } else if let Some(flag) = from.as_bool() {
        Json::Flag(flag)
    } else if let Some(number) = from.as_f64() {
        let count = number as u64;
        // Small enough for JavaScript to count exactly.
        if count as f64 == number && count < 1 << 53 {
            Json::Count(count)
        } else {
            Json::Number(JSON::stringify(from).ok()?.into())
        }
    } else if Array::is_array(from) {
        let mut items = Vec::new();
        for item in from.unchecked_ref::<Array>().iter() {
            items.push(value(&item, depth)?);
        }
        Json::List(items)
    } else {
        let mut members = Vec::new();
        for entry in Object::entries(from.unchecked_ref()).iter() {
            let entry = entry.unchecked_into::<Array>();
            members.push((entry.get(0).as_string()?, value(&entry.get(1), depth)?));
        }
        Json::Object(members)
    })
}
