//! The model's types in TypeScript, written from their schemas: what the npm package's machines answer, and what the API
//! speaks. Everything is readonly; a text with a pattern is a `string`.

use crate::schemas::{drop_nulls, plain};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::error::Error;

/// The bodies of the HTTP API, under the names that the OpenAPI document gives them.
///
/// # Errors
/// A schema that has no form in TypeScript.
pub fn wire(document: &Value) -> Result<String, Box<dyn Error>> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).ok_or("there are no schemas")?;
    let bodies = module("The bodies of the HTTP API, as `docs/protocol.md` has them.", schemas)?;
    let (name, value) = (chatkeep_model::version::HEADER, chatkeep_model::version::CURRENT);
    Ok(format!(
        "{bodies}\n/** What every request says: how far this client knows the API. */\nexport const CLIENT = {{ \"{name}\": \"{value}\" }};\n"
    ))
}

/// What the session machine of the browser shows and answers.
///
/// # Errors
/// A schema that has no form in TypeScript.
pub fn view() -> Result<String, Box<dyn Error>> {
    module("What the session machine shows and answers.", &definitions(chatkeep_model::client::schemas))
}

/// What the store machine of `chatkeep/server` answers.
///
/// # Errors
/// A schema that has no form in TypeScript.
pub fn answers() -> Result<String, Box<dyn Error>> {
    module("What the store machine answers.", &definitions(chatkeep_model::library::schemas))
}

fn definitions(note: fn(&mut SchemaGenerator)) -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    note(&mut generator);
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        let required = schema.get("required").cloned().unwrap_or_default();
        let required = required.as_array().map_or(&[][..], Vec::as_slice);
        for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            // What an answer may leave out is never null.
            if !required.iter().any(|other| other == name) {
                drop_nulls(property);
            }
        }
    }
    schemas
}

fn module(about: &str, schemas: &Map<String, Value>) -> Result<String, Box<dyn Error>> {
    let mut text = format!("/** {about} Written by `scripts/openapi` from the model: change it there. */\n");
    for (name, schema) in schemas {
        if is_text(schema) {
            continue;
        }
        let about = comment(schema, "");
        text += &match members(schema, schemas)? {
            Some(members) => format!("\n{about}export interface {name} {{\n{members}}}\n"),
            None => format!("\n{about}export type {name} = {};\n", type_of(schema, schemas)?),
        };
    }
    Ok(text)
}

/// The members of an object that has some.
fn members(schema: &Value, schemas: &Map<String, Value>) -> Result<Option<String>, Box<dyn Error>> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(None) };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text = String::new();
    for (name, property) in properties {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        text += &format!("{}  readonly {name}{mark}: {};\n", comment(property, "  "), type_of(property, schemas)?);
    }
    Ok(Some(text))
}

fn type_of(schema: &Value, schemas: &Map<String, Value>) -> Result<String, Box<dyn Error>> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next()) {
        return Ok(if schemas.get(name).is_some_and(is_text) { "string" } else { name }.to_owned());
    }
    if let Some(value) = schema.get("const") {
        return Ok(value.to_string());
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Ok(values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
    }
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return Ok(choices.iter().map(|choice| type_of(choice, schemas)).collect::<Result<Vec<_>, _>>()?.join(" | "));
    }
    let types = match schema.get("type") {
        None => return Ok("unknown".to_owned()),
        Some(Value::Array(types)) => types.clone(),
        Some(one) => vec![one.clone()],
    };
    let named = |kind: &Value| match kind.as_str() {
        Some("array") => {
            let item = schema.get("items").map_or_else(|| Ok("unknown".to_owned()), |items| type_of(items, schemas))?;
            Ok(if item.contains(' ') { format!("readonly ({item})[]") } else { format!("readonly {item}[]") })
        }
        Some("object") => Ok(match members(schema, schemas)? {
            Some(members) => format!("{{ {} }}", members.split_whitespace().collect::<Vec<_>>().join(" ")),
            None => "Readonly<Record<string, unknown>>".to_owned(),
        }),
        Some("integer" | "number") => Ok("number".to_owned()),
        Some(name @ ("string" | "boolean" | "null")) => Ok(name.to_owned()),
        _ => Err(Box::<dyn Error>::from(format!("no type in TypeScript for {schema}"))),
    };
    Ok(types.iter().map(named).collect::<Result<Vec<_>, _>>()?.join(" | "))
}

/// A text that is none of a list of texts.
fn is_text(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string")
        && schema.get("enum").is_none()
        && schema.get("const").is_none()
}

/// What a schema says of itself, and of its values where each says something.
fn comment(schema: &Value, indent: &str) -> String {
    let says = |schema: &Value| schema.get("description").and_then(Value::as_str).map(plain);
    let mut lines: Vec<String> = says(schema).iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    for choice in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(value), Some(about)) = (choice.get("const").and_then(Value::as_str), says(choice)) {
            lines.push(format!("- `{value}`: {about}"));
        }
    }
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let starred = |line: &String| format!("{}\n", format!("{indent} * {line}").trim_end());
            format!("{indent}/**\n{}{indent} */\n", lines.iter().map(starred).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_become_types() {
        let schemas = json!({
            "Id": { "type": "string", "pattern": "x" },
            "Kind": { "description": "A kind.", "oneOf": [
                { "const": "a", "type": "string", "description": "One." }, { "const": "b", "type": "string" },
            ]},
            "Thing": { "type": "object", "required": ["id", "kinds", "other"], "properties": {
                "id": { "$ref": "#/$defs/Id", "description": "Its\nid." },
                "kinds": { "type": "array", "items": { "$ref": "#/$defs/Kind" } },
                "other": { "anyOf": [{ "$ref": "#/$defs/Thing" }, { "type": "null" }] },
                "count": { "type": ["integer", "null"] },
                "any": {},
                "map": { "type": "object", "additionalProperties": true },
                "words": { "type": "array", "items": { "enum": ["x", "y"] } },
            }},
        });
        let text = module("Test.", schemas.as_object().unwrap()).unwrap();
        let expected = r#"/** Test. Written by `scripts/openapi` from the model: change it there. */

/**
 * A kind.
 * - `a`: One.
 */
export type Kind = "a" | "b";

export interface Thing {
  readonly any?: unknown;
  readonly count?: number | null;
  /**
   * Its
   * id.
   */
  readonly id: string;
  readonly kinds: readonly Kind[];
  readonly map?: Readonly<Record<string, unknown>>;
  readonly other: Thing | null;
  readonly words?: readonly ("x" | "y")[];
}
"#;
        assert_eq!(text, expected);
        assert!(type_of(&json!({ "type": "date" }), schemas.as_object().unwrap()).is_err());
    }
}
