//! The schemas of the wire's types, collected under their names.

use crate::operation::Direction;
use chatkeep_model::limits::{APPENDED_MESSAGES, Limits};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Where the document keeps schemas.
const PLACE: &str = "/components/schemas";

/// What requests call ids, and the patterns that those have.
const ID: &str = "^([A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}|-[A-Za-z0-9_.:-]{1,127})$";
const CUT: &str = "^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$";
const IDS: [(&str, &str); 7] = [
    ("session_id", ID),
    ("message_id", ID),
    ("id", ID),
    ("parent", ID),
    ("at", ID),
    ("cut_after", CUT),
    ("after", CUT),
];

/// See the module.
pub(crate) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = PLACE.into());
        Self {
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// A reference to the schema of a type.
    pub(crate) fn of<T: JsonSchema>(&mut self, direction: Direction) -> Value {
        let schema: Schema = match direction {
            Direction::In => self.requests.subschema_for::<T>(),
            Direction::Out => self.answers.subschema_for::<T>(),
        };
        schema.to_value()
    }

    /// The name of a type's schema, which is kept.
    pub(crate) fn hold<T: JsonSchema>(&mut self, direction: Direction) -> String {
        self.of::<T>(direction);
        T::schema_name().into_owned()
    }

    /// All schemas by name.
    ///
    /// # Errors
    /// A type that is a request in one place and an answer in another has two schemas.
    pub(crate) fn finish(mut self) -> Result<Map<String, Value>, String> {
        let mut all: Map<String, Value> = self.requests.take_definitions(true);
        for (name, schema) in &mut all {
            narrow(name, schema);
        }
        for (name, mut schema) in self.answers.take_definitions(true) {
            drop_nulls(&mut schema);
            let mut request = all.get(&name).cloned();
            request.as_mut().map(drop_nulls);
            if request.is_some_and(|request| request != schema) {
                return Err(format!("{name} is a request and an answer, and not the same in both"));
            }
            all.insert(name, schema);
        }
        all.values_mut().for_each(tidy);
        Ok(all)
    }
}

/// Says of a request what its type leaves to the intake: which texts are ids, and how long the others may be by default.
fn narrow(name: &str, schema: &mut Value) {
    let limits = Limits::default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (property, pattern) in IDS {
        if let Some(Value::Object(found)) = properties.get_mut(property).filter(|found| found.get("$ref").is_none()) {
            found.insert("pattern".into(), json!(pattern));
        }
    }
    let mut set = |property: &str, key: &str, value: Value| {
        if let Some(Value::Object(found)) = properties.get_mut(property) {
            found.insert(key.into(), value);
        }
    };
    set("title", "maxLength", json!(limits.title_characters));
    set("content", "pattern", json!("\\S"));
    if name == "ChatRequest" {
        set("message", "pattern", json!("\\S"));
        // A character has at most four bytes.
        set("message", "maxLength", json!(limits.message_bytes / 4));
    }
    if name == "AppendRequest" {
        set("messages", "minItems", json!(1));
        set("messages", "maxItems", json!(APPENDED_MESSAGES));
    }
    for (property, kind) in [("metadata", "object"), ("context", "array")] {
        if let Some(found) = properties.get_mut(property) {
            let about = found.get("description").cloned().unwrap_or_default();
            *found = json!({"type": [kind, "null"], "description": about});
        }
    }
}

/// Answers leave out what is absent: they have no nulls.
pub(crate) fn drop_nulls(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(any)) = object.get_mut("anyOf") {
                any.retain(|one| one != &json!({"type": "null"}));
                if let [Value::Object(only)] = any.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only);
                }
            }
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Takes out what only Rust needs to know: the widths of its numbers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                object.remove("format");
                object.remove("maximum");
            }
            if object.get("default").is_some_and(|default| default.is_null() || default == &json!(false)) {
                object.remove("default");
            }
            if let Some(Value::String(description)) = object.get_mut("description") {
                *description = plain(description);
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A doc comment without its links to Rust names.
pub(crate) fn plain(description: &str) -> String {
    let text = description.replace("[`crate::limits::", "[`").replace("[`crate::", "[`");
    text.replace("[`", "`").replace("`]", "`")
}
