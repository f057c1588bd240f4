//! The dialect `openta`: questions and answers in conversations. A question without a conversation is answered all the same.

use super::{Answered, Memory, Question, Shape, Verb, json, sources};
use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId};
use crate::intake::{self, Incoming};
use crate::limits::HISTORY_PAGE;
use crate::message::{Message, Role, is_language};
use crate::plan::Append;
use crate::route::{Query, Routes};
use crate::session::Session;
use crate::wire::{AppendRequest, AppendedMessage, ChatRequest, SessionBody};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

pub(super) struct OpenTa;

/// The pairs of a history, unless told otherwise.
const PAIRS: u64 = 10;

#[derive(Deserialize)]
struct Chat {
    query: Option<String>,
    meta_params: Option<MetaParams>,
}

#[derive(Default, Deserialize)]
struct MetaParams {
    conversation_id: Option<String>,
    stream: Option<bool>,
    is_incognito: Option<bool>,
    language: Option<String>,
}

/// What is kept on a question.
#[derive(Serialize)]
struct QuestionMetadata<'a> {
    language: &'a str,
}

#[derive(Serialize)]
struct Reply<'a> {
    answer: &'a str,
    sources: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<&'a SessionId>,
}

#[derive(Serialize)]
struct Delta<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct AddMessage {
    question: Option<String>,
    answer: Option<String>,
    sources: Option<Vec<Box<RawValue>>>,
}

#[derive(Serialize)]
struct AnswerMetadata {
    sources: Vec<Box<RawValue>>,
}

#[derive(Serialize)]
struct History<'a> {
    conversation_id: &'a SessionId,
    history: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct Pair<'a> {
    question: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    sources: Vec<Box<RawValue>>,
    timestamp: &'a str,
}

#[derive(Serialize)]
struct Added<'a> {
    conversation_id: &'a SessionId,
    /// The pairs ever stored.
    total: u64,
}

/// A server-sent event. JSON has line breaks between its parts only, which may as well be spaces.
fn event(name: &str, json: &str) -> String {
    format!("event: {name}\ndata: {}\n\n", json.replace(['\n', '\r'], " "))
}

impl Shape for OpenTa {
    fn routes(&self) -> Routes<Verb> {
        &[
            ("POST", "/chat/basic", Verb::Turn),
            ("GET", "/chat/history/{id}", Verb::History),
            ("POST", "/chat/history/{id}", Verb::Append),
        ]
    }

    fn question(&self, _id: String, incoming: Incoming) -> Result<Question, Problem> {
        let Chat { query, meta_params } = intake::object(incoming.body)?;
        let MetaParams { conversation_id, stream, is_incognito, language } = meta_params.unwrap_or_default();
        if language.as_deref().is_some_and(|tag| !is_language(tag)) {
            return Err(Problem::new(Code::InvalidBody).detail("language is a BCP 47 tag, such as id-ID"));
        }
        let metadata = language.map(|language| to_raw_value(&QuestionMetadata { language: &language }));
        let metadata = metadata.transpose().map_err(|_| Code::Internal)?;
        let memory = match (&conversation_id, is_incognito) {
            (None, _) => Memory::None,
            (Some(_), Some(true)) => Memory::ReadOnly,
            (Some(_), _) => Memory::Kept,
        };
        let text = query.clone().unwrap_or_default();
        let request = ChatRequest { message: query, session_id: conversation_id, metadata, ..ChatRequest::default() };
        Ok(Question { begin: intake::begin(request, incoming)?, text, memory, stream: stream.unwrap_or(false) })
    }

    fn answer(&self, answered: Answered) -> Result<String, Problem> {
        json(&Reply {
            answer: &answered.reply.content,
            sources: sources(answered.reply),
            conversation_id: answered.session_id,
        })
    }

    /// The text, each source, and at the end what [`Shape::answer`] gives.
    fn events(&self, answered: Answered) -> Result<String, Problem> {
        let mut events = event("delta", &json(&Delta { text: &answered.reply.content })?);
        for source in sources(answered.reply) {
            events += &event("source", source.get());
        }
        Ok(events + &event("done", &self.answer(answered)?))
    }

    fn wanted(&self, query: Query) -> Result<u64, Problem> {
        Ok(query.number("limit", 1..=HISTORY_PAGE.1 / 2)?.unwrap_or(PAIRS) * 2)
    }

    fn history(&self, id: &SessionId, _session: &Session, messages: &[Message]) -> Result<String, Problem> {
        let mut history: Vec<Pair> = Vec::new();
        for message in messages {
            match (message.role, history.last_mut()) {
                (Role::Assistant, Some(pair)) if pair.answer.is_none() => {
                    pair.answer = Some(&message.content);
                    pair.sources = sources(message);
                }
                (Role::User, _) => history.push(Pair {
                    question: &message.content,
                    answer: None,
                    sources: Vec::new(),
                    timestamp: &message.created,
                }),
                _ => {}
            }
        }
        json(&History { conversation_id: id, history })
    }

    fn append(&self, id: SessionId, incoming: Incoming) -> Result<(Append, Vec<MessageId>), Problem> {
        let AddMessage { question, answer, sources } = intake::object(incoming.body)?;
        let said = |role, content: Option<String>, metadata| AppendedMessage {
            id: None,
            role,
            content: content.unwrap_or_default(),
            parent: None,
            metadata,
        };
        let metadata = sources.filter(|sources| !sources.is_empty()).map(|sources| AnswerMetadata { sources });
        let metadata = metadata.map(|metadata| to_raw_value(&metadata)).transpose().map_err(|_| Code::Internal)?;
        let pair = vec![said(Role::User, question, None), said(Role::Assistant, answer, metadata)];
        intake::append_of(id, AppendRequest { messages: Some(pair), existing: None }, incoming)
    }

    fn appended(&self, session: &SessionBody) -> Result<String, Problem> {
        json(&Added { conversation_id: &session.session_id, total: session.total_messages / 2 })
    }
}
