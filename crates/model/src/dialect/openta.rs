//! The dialect `openta`: questions and answers in conversations. A question without a conversation is answered all the same.

use super::{Answered, Memory, Question, Shape, Verb, json, sources, sources_told};
use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId};
use crate::intake::{self, Incoming};
use crate::limits::HISTORY_PAGE;
use crate::message::{Message, Role, is_language};
use crate::plan::Append;
use crate::route::{Query, Routes};
use crate::session::Session;
use crate::sse::write_event;
use crate::stream::event::Event;
use crate::stream::reader::Encode;
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

#[derive(Default, Serialize)]
struct Reply<'a> {
    answer: &'a str,
    sources: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<&'a SessionId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<&'a str>,
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

/// Writes an answer as it comes: `delta` with its text, `source` for each source, and at the end `done` with what an answer
/// has that isn't a stream, or `error` with a problem.
#[derive(Default)]
struct Events {
    conversation: Option<SessionId>,
    sources: Vec<Box<RawValue>>,
}

impl Events {
    fn source(&mut self, source: Box<RawValue>, out: &mut String) {
        write(out, "source", &source);
        self.sources.push(source);
    }

    fn done(&mut self, reply: Reply, out: &mut String) {
        let (sources, conversation_id) = (std::mem::take(&mut self.sources), self.conversation.as_ref());
        write(out, "done", &Reply { sources, conversation_id, ..reply });
    }
}

impl Encode for Events {
    fn event(&mut self, _: u64, event: Event, out: &mut String) {
        match event {
            Event::Turn(opened) => self.conversation.clone_from(&opened.session_id),
            Event::Text(text) => write(out, "delta", &Delta { text }),
            Event::Source(source) => self.source(source.0.clone(), out),
            // The dialect knows no tools.
            Event::Call(_) | Event::Input(..) | Event::Ready(_) => {}
            Event::Done(response, _) => {
                // As in a reply that is stored, what the metadata says counts.
                let told = sources_told(response.metadata.as_ref().map(|metadata| &*metadata.0));
                if !told.is_empty() {
                    self.sources.clear();
                    told.into_iter().for_each(|source| self.source(source, out));
                }
                let (degraded, journal) = (response.degraded, response.journal.as_deref());
                self.done(Reply { answer: &response.response, degraded, journal, ..Reply::default() }, out);
            }
            Event::Unkept(response) => self.done(Reply { answer: &response.response, ..Reply::default() }, out),
            Event::Failed(problem) => write(out, "error", problem),
        }
    }
}

fn write(out: &mut String, name: &str, data: &impl Serialize) {
    // Raw JSON inside may have line breaks, between its tokens only: there a space means the same.
    let json = serde_json::to_string(data).unwrap_or_default().replace(['\n', '\r'], " ");
    write_event(out, None, name, &json);
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
            ..Reply::default()
        })
    }

    fn encoder(&self) -> Box<dyn Encode> {
        Box::new(Events::default())
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
