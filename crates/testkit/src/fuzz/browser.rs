//! The browser's session machine: what storage, other tabs, the page and the server tell it.

use super::text;
use chatkeep_model::client::{ECHOES, Effect, Event, Json, Machine, Minted, Wish};
use chatkeep_model::{MessageId, Millis, SessionId};
use serde_json::Value;

/// The most requests and pauses that are remembered to be answered.
const OPEN: usize = 16;

/// A line an event: its kind, a number where it has one, and JSON. The machine must stay one whose view and effects can be read.
pub(super) fn machine(input: &[u8]) {
    let text = &*text(input);
    let mut machine = Machine::new();
    let mut tokens = Vec::new();
    let mut kept = Json::Null;
    for (at, line) in text.lines().take(32).enumerate() {
        let Some(event) = event(line, at as u128, &tokens, &kept) else { continue };
        for effect in machine.handle(event, Millis(1_795_253_400_000 + at as u64)) {
            match effect {
                Effect::Store(Some(text)) => kept = read(&text),
                Effect::Tell(text) => drop(read(&text)),
                Effect::Request { token, path, body, .. } => {
                    assert!(path.starts_with("/v1/") && !path.contains(['\n', ' ', '#']), "{path}");
                    drop(body.map(|body| read(&body)));
                    tokens.push(token);
                }
                Effect::Wait { token, .. } => tokens.push(token),
                Effect::Done { result: Ok(outcome), .. } if !outcome.text().is_empty() => drop(read(&outcome.text())),
                _ => {}
            }
            let more = tokens.len().saturating_sub(OPEN);
            tokens.drain(..more);
        }
        read(&machine.view().text());
    }
    // What it kept is what another begins with.
    let _ = Machine::new().handle(Event::Restored { stored: kept, online: true, seed: 2 }, Millis(0));
}

/// Reads what the machine wrote.
fn read(text: &str) -> Json {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    json(value)
}

fn event(line: &str, number: u128, tokens: &[u32], kept: &Json) -> Option<Event> {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (count, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let count = count.parse::<u16>();
    let token = tokens.len().checked_sub(1 + usize::from(*count.as_ref().unwrap_or(&0))).and_then(|at| tokens.get(at));
    let of = |text: &str| serde_json::from_str(text).map_or_else(|_| Json::Text(text.to_owned()), json);
    Some(match kind {
        "restored" => Event::Restored { stored: of(rest), online: true, seed: 1 },
        "adopted" => Event::Adopted { stored: of(rest) },
        "own" => Event::Adopted { stored: kept.clone() },
        "heard" => Event::Heard { news: of(rest) },
        "wished" => {
            let (name, arguments) = rest.split_once(' ').unwrap_or((rest, "{}"));
            let wish = Wish::read(name, of(arguments)).ok()?;
            let minted = Minted { message: MessageId::mint(number), session: SessionId::mint(number) };
            Event::Wished { ticket: number as u32, wish, minted }
        }
        "answered" => Event::Answered {
            token: *tokens.last()?,
            status: count.ok()?,
            retry_after: None,
            echoes: [const { None }; ECHOES],
            body: of(after),
        },
        "streamed" => {
            let (name, data) = after.split_once(' ').unwrap_or((after, ""));
            Event::Streamed {
                token: *tokens.last()?,
                name: name.to_owned(),
                id: u64::from(count.ok()?),
                data: of(data),
            }
        }
        "unreachable" => Event::Unreachable { token: *token? },
        "woke" => Event::Woke { token: *token? },
        "network" => Event::Network { online: count == Ok(1) },
        _ => return None,
    })
}

/// JSON as the shell hands it over.
fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Flag(flag),
        Value::Number(number) => match number.as_u64() {
            Some(count) => Json::Count(count),
            None => Json::Number(number.to_string()),
        },
        Value::String(text) => Json::Text(text),
        Value::Array(items) => Json::List(items.into_iter().map(json).collect()),
        Value::Object(members) => Json::Object(members.into_iter().map(|(name, value)| (name, json(value))).collect()),
    }
}
