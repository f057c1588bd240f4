//! The operations of the dialects. What they take and give is other systems' and described by those; here they are named.

use crate::operation::{Body, Given, Operation, operation};
use chatkeep_model::Code;
use chatkeep_model::dialect::{Dialect, Verb};
use serde_json::{Value, json};

/// What the operation of a dialect is for.
pub(crate) fn spoken(dialect: Dialect, verb: Verb, has_id: bool) -> Operation {
    let example = match (dialect, verb) {
        (Dialect::OpenTa, Verb::Turn) => json!({"query": "Hello", "meta_params": {"conversation_id": "talk"}}),
        (Dialect::OpenTa, Verb::Append) => json!({"question": "Where were we?", "answer": "At the beginning."}),
        _ => json!({"message": "Hello"}),
    };
    let (summary, takes) = match verb {
        Verb::Turn => ("Run one turn", true),
        Verb::Create => ("Open a new session", false),
        Verb::List => ("The sessions", false),
        Verb::Info => ("A session", false),
        Verb::History => ("A session's messages", false),
        Verb::Append => ("Append a question and its answer", true),
        Verb::Delete => ("Delete a session", false),
    };
    let mut spoken = operation(dialect.name(), summary)
        .given(if has_id { Given::Session } else { Given::Nothing })
        .answers(crate::operation::Answer {
            status: 200,
            description: "As the dialect has it.",
            body: Some(object(None)),
            headers: Vec::new(),
            streams: verb == Verb::Turn,
        })
        .fails(&[Code::InvalidParameter, Code::InvalidSessionId, Code::SessionNotFound, Code::SessionDeleted]);
    if takes {
        spoken = spoken.body(object(Some(example)));
    }
    if verb.writes() {
        spoken = spoken.fails(&FAILS);
    }
    spoken
}

const FAILS: [Code; 17] = [
    Code::MessageExists,
    Code::TooManyTurns,
    Code::InvalidIdempotencyKey,
    Code::MessageEmpty,
    Code::MessageTooLong,
    Code::MetadataTooLarge,
    Code::Unsupported,
    Code::MessageNotFound,
    Code::MessageGone,
    Code::SessionExists,
    Code::TurnInProgress,
    Code::TurnMismatch,
    Code::TooManySessions,
    Code::StorageFull,
    Code::ResponderFailed,
    Code::ResponderBusy,
    Code::ResponderTimeout,
];

fn object(example: Option<Value>) -> Body {
    Body { media_type: "application/json", schema: |_, _| json!({"type": "object"}), example, required: true }
}
