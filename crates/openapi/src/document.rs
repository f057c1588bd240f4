//! Puts the document together.

use crate::dialects::spoken;
use crate::operation::{Access, Answer, Body, Direction, Operation, Parameter};
use crate::operations::{TAGS, described};
use crate::schemas::Schemas;
use chatkeep_model::auth::cookie;
use chatkeep_model::route::ROUTES;
use chatkeep_model::wire::ProblemBody;
use chatkeep_model::{Code, Dialect, Problem};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

/// The session that examples are about.
const EXAMPLE_SESSION: &str = "sess_019aa5f3c1d27e10b3a4c5d6e7f80912";

/// What can go wrong with every operation inside the gate.
const EVERYWHERE: [Code; 12] = [
    Code::IdentityUnavailable,
    Code::Unauthorized,
    Code::Forbidden,
    Code::AddressTooLong,
    Code::ClientTooOld,
    Code::RateLimited,
    Code::TooManyReads,
    Code::Internal,
    Code::StoreUnavailable,
    Code::JournalFull,
    Code::StoreMisconfigured,
    Code::NotConfigured,
];

/// What can go wrong with every body.
const WITH_BODY: [Code; 4] = [Code::InvalidJson, Code::JsonTooDeep, Code::InvalidBody, Code::BodyTooLarge];

/// The OpenAPI document.
///
/// # Errors
/// What contradicts itself.
pub fn document() -> Result<Value, Box<dyn Error>> {
    let mut schemas = Schemas::new();
    let problem = schemas.of::<ProblemBody>(Direction::Out);
    let mut paths: Map<String, Value> = Map::new();
    for (method, path, action) in ROUTES {
        let name = identifier(&format!("{action:?}"));
        let operation = one(&name, path, described(*action), &mut schemas, &problem);
        let methods = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
        methods[method.to_lowercase()] = operation;
    }
    for dialect in Dialect::ALL {
        for (method, path, verb) in dialect.shape().routes() {
            let path = format!("/{}{path}", dialect.name());
            let name = identifier(&format!("{dialect:?}{verb:?}"));
            let operation = one(&name, &path, spoken(dialect, *verb, path.contains("{id}")), &mut schemas, &problem);
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            methods[method.to_lowercase()] = operation;
        }
    }
    let tags: Vec<Value> = TAGS
        .iter()
        .copied()
        .chain(Dialect::ALL.map(|dialect| (dialect.name(), "Another system's API, in a namespace of its own.")))
        .map(|(name, about)| json!({"name": name, "description": about}))
        .collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chatkeep",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "AI-chat sessions at the edge.",
            "description": "Sessions, turns, history and state. `docs/protocol.md` of the project is normative; this document is made from \
                the same code as the Worker. Where a field of a request may be absent it may also be null; answers never contain null. \
                Every error is a problem of RFC 9457 with a stable `code`. The limits shown are the defaults.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The Worker that serves this document."}],
        "tags": tags,
        "security": [{"apiKey": []}, {"bearer": []}, {"visitorCookie": []}, {}],
        "paths": paths,
        "components": {
            "examples": Code::ALL.iter().map(|code| (code.as_str().to_owned(), problem_example(*code))).collect::<Map<_, _>>(),
            "schemas": schemas.finish()?,
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey", "in": "header", "name": "X-API-Key",
                    "description": "One of the Worker's `API_KEYS`: a server's. With `Chatkeep-User` it acts for that user.",
                },
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "A JSON Web Token of a trusted issuer, or a visitor's token. On a Worker without credentials localhost needs none.",
                },
                "visitorCookie": {
                    "type": "apiKey", "in": "cookie", "name": cookie::NAME,
                    "description": "A visitor's token, for pages of this origin.",
                },
            },
        },
    }))
}

/// One operation of the document.
fn one(name: &str, path: &str, operation: Operation, schemas: &mut Schemas, problem: &Value) -> Value {
    let Operation { tag, summary, description, access, given, parameters, body, answers, mut codes } = operation;
    if access != Access::Open {
        codes.extend(EVERYWHERE);
    }
    if body.is_some() {
        codes.extend(WITH_BODY);
    }
    let mut made = json!({
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": path_parameters(path).chain(parameters.into_iter().map(parameter)).collect::<Vec<_>>(),
        "responses": responses(answers, &codes, schemas, problem),
        "x-given": given.as_str(),
    });
    if !description.is_empty() {
        made["description"] = json!(description);
    }
    match access {
        Access::Open => made["security"] = json!([]),
        Access::Admin => made["security"] = json!([{"apiKey": []}, {}]),
        Access::Owner => {}
    }
    if let Some(body) = body {
        made["requestBody"] = json!({"required": body.required, "content": content(&body, Direction::In, schemas)});
    }
    made
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    let session = json!({
        "name": "id", "in": "path", "required": true, "description": "The session.", "example": EXAMPLE_SESSION,
        "schema": {"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}|-[A-Za-z0-9_.:-]{1,127})$", "not": {"const": "new"}},
    });
    path.contains("{id}").then_some(session).into_iter()
}

fn parameter(parameter: Parameter) -> Value {
    let Parameter { place, name, description, schema, needed } = parameter;
    let mut made =
        json!({"name": name, "in": place, "required": needed.is_some(), "description": description, "schema": schema});
    if let Some(example) = needed {
        made["example"] = example;
    }
    made
}

fn content(body: &Body, direction: Direction, schemas: &mut Schemas) -> Value {
    let mut content = json!({"schema": (body.schema)(schemas, direction)});
    if let Some(example) = &body.example {
        content["example"] = example.clone();
    }
    json!({body.media_type: content})
}

/// The answers by status: the good ones, then one for each status of the codes, which lists them.
fn responses(answers: Vec<Answer>, codes: &[Code], schemas: &mut Schemas, problem: &Value) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for Answer { status, description, body, headers, streams } in answers {
        let mut response = json!({"description": description});
        if let Some(body) = body {
            response["content"] = content(&body, Direction::Out, schemas);
        }
        if streams {
            response["content"]["text/event-stream"] = json!({"schema": {}});
        }
        for (name, about) in headers {
            response["headers"][name] = json!({"description": about, "schema": {"type": "string"}});
        }
        responses.insert(status.to_string(), response);
    }
    let statuses: BTreeSet<u16> = codes.iter().map(|code| code.status()).collect();
    for status in statuses {
        let of_status: BTreeSet<&str> =
            codes.iter().filter(|code| code.status() == status).map(|code| code.as_str()).collect();
        responses.insert(status.to_string(), failure(status, &of_status, problem));
    }
    json!(responses)
}

fn failure(status: u16, codes: &BTreeSet<&str>, problem: &Value) -> Value {
    let known = |text: &&str| Code::ALL.iter().copied().find(|code| code.as_str() == *text);
    let titles: Vec<String> =
        codes.iter().filter_map(known).map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .filter_map(known)
        .map(|code| (code.as_str().to_owned(), json!({"$ref": format!("#/components/examples/{}", code.as_str())})))
        .collect();
    let schema = json!({"allOf": [problem, {"properties": {"status": {"const": status}, "code": {"enum": codes}}}]});
    let mut response = json!({
        "description": titles.join(" "),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    });
    if status == 401 {
        response["headers"] =
            json!({"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}});
    }
    response
}

fn problem_example(code: Code) -> Value {
    json!({"summary": code.title(), "value": Problem::new(code).body()})
}

/// `CreateSession` as `createSession`.
fn identifier(action: &str) -> String {
    let mut letters = action.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
