//! What an operation is for and takes and gives: what [`crate::operations`] says of each route.

use crate::schemas::Schemas;
use chatkeep_model::Code;
use schemars::JsonSchema;
use serde_json::{Value, json};

/// What has to be there before an operation's example can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing.
    Nothing,
    /// A session with the id of the example and a turn whose message has the id `m1`.
    Session,
    /// The same, with a state.
    State,
    /// The same session, deleted.
    Deleted,
    /// A visitor, whose token the body names in place of the example's.
    Visitor,
}

impl Given {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Given::Nothing => "nothing",
            Given::Session => "session",
            Given::State => "state",
            Given::Deleted => "deleted",
            Given::Visitor => "visitor",
        }
    }
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone.
    Open,
    /// Whoever has sessions of their own.
    Owner,
    /// Operators.
    Admin,
}

/// A body: its media type, its schema, an example.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) media_type: &'static str,
    pub(crate) schema: fn(&mut Schemas, Direction) -> Value,
    pub(crate) example: Option<Value>,
    pub(crate) required: bool,
}

/// Which way a body goes: what comes in may have null where it may be absent, what goes out never has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) body: Option<Body>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// It can come as server-sent events instead.
    pub(crate) streams: bool,
}

/// A parameter of the query or a header.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) place: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: Value,
    /// What a test gives, where it has to be there.
    pub(crate) needed: Option<Value>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) access: Access,
    pub(crate) given: Given,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) codes: Vec<Code>,
}

/// An operation that needs a session to be there.
pub(crate) fn on_session(tag: &'static str, summary: &'static str) -> Operation {
    Operation { given: Given::Session, ..operation(tag, summary) }
        .fails(&[Code::InvalidSessionId, Code::SessionNotFound])
}

/// An operation.
pub(crate) fn operation(tag: &'static str, summary: &'static str) -> Operation {
    Operation {
        tag,
        summary,
        description: "",
        access: Access::Owner,
        given: Given::Nothing,
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        codes: Vec::new(),
    }
}

impl Operation {
    /// More about it, in Markdown.
    pub(crate) fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(crate) fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(crate) fn given(self, given: Given) -> Self {
        Self { given, ..self }
    }

    /// Takes a JSON body, with an example that tests send.
    pub(crate) fn takes<T: JsonSchema>(self, example: Value) -> Self {
        let required = true;
        self.body(Body { media_type: "application/json", schema: Schemas::of::<T>, example: Some(example), required })
    }

    /// Takes a JSON body, or none.
    pub(crate) fn may_take<T: JsonSchema>(self, example: Value) -> Self {
        let mut taking = self.takes::<T>(example);
        if let Some(body) = &mut taking.body {
            body.required = false;
        }
        taking
    }

    /// Takes a body of some kind.
    pub(crate) fn body(self, body: Body) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Answers with JSON.
    pub(crate) fn gives<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        let body = Body { media_type: "application/json", schema: Schemas::of::<T>, example: None, required: true };
        self.answers(Answer { status, description, body: Some(body), headers: Vec::new(), streams: false })
    }

    /// Answers in some way.
    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// The last answer can come as server-sent events instead.
    pub(crate) fn or_streams(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.streams = true;
        }
        self
    }

    /// The last answer has a header.
    pub(crate) fn header(mut self, name: &'static str, description: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, description));
        }
        self
    }

    /// Reads a parameter of the query.
    pub(crate) fn query(mut self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.parameters.push(Parameter { place: "query", name, description, schema, needed: None });
        self
    }

    /// Needs a parameter of the query, such as this text.
    pub(crate) fn needs(mut self, name: &'static str, example: &'static str, description: &'static str) -> Self {
        let (schema, needed) = (json!({"type": "string"}), Some(json!(example)));
        self.parameters.push(Parameter { place: "query", name, description, schema, needed });
        self
    }

    /// Reads a header.
    pub(crate) fn reads(mut self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.parameters.push(Parameter { place: "header", name, description, schema, needed: None });
        self
    }

    /// Can fail with these codes, beside those that every operation has.
    pub(crate) fn fails(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Known by its `Idempotency-Key`.
    pub(crate) fn keyed(self) -> Self {
        self.fails(&[Code::InvalidIdempotencyKey]).reads(
            "Idempotency-Key",
            json!({"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}|-[A-Za-z0-9_.:-]{1,127})$"}),
            "Repeated under the same key, the request is done once.",
        )
    }
}

/// NDJSON, whose lines have the schema of a type.
pub(crate) fn lines<T: JsonSchema>(example: Option<&str>) -> Body {
    Body {
        media_type: "application/x-ndjson",
        schema: |schemas, _| {
            let line = schemas.hold::<T>(Direction::Out);
            json!({"type": "string", "description": format!("One object a line, each a {line}.")})
        },
        example: example.map(|text| json!(text)),
        required: true,
    }
}

/// Text of a media type.
pub(crate) fn text(media_type: &'static str) -> Body {
    Body { media_type, schema: |_, _| json!({"type": "string"}), example: None, required: true }
}

/// Any JSON value.
pub(crate) fn any_json(example: Option<Value>) -> Body {
    Body { media_type: "application/json", schema: |_, _| json!({"not": {"type": "null"}}), example, required: true }
}

/// A whole number in a range.
pub(crate) fn whole(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}
