//! The dialect `storage-guide`: a session is created for a user before it is used, and a turn never creates one.

use super::{Answered, Memory, Question, Shape, Verb, json, sources, uuid_text};
use crate::error::{Code, Problem};
use crate::id::SessionId;
use crate::intake::{self, Incoming};
use crate::message::{Message, Role};
use crate::plan::Create;
use crate::route::{Query, Routes};
use crate::session::{Card, Session};
use crate::time::Millis;
use crate::wire::{ChatRequest, CreateRequest};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

pub(super) struct StorageGuide;

#[derive(Deserialize)]
struct SendMessage {
    message: Option<String>,
    metadata: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Created<'a> {
    session_id: &'a SessionId,
    created_at: String,
}

#[derive(Serialize)]
struct Exchange<'a> {
    session_id: Option<&'a SessionId>,
    user_message: &'a str,
    assistant_response: &'a str,
    sources: Vec<Box<RawValue>>,
    processing_time_ms: u64,
}

#[derive(Serialize)]
struct History<'a> {
    session_id: &'a SessionId,
    messages: Vec<Said<'a>>,
    total_messages: u64,
}

#[derive(Serialize)]
struct Said<'a> {
    role: Role,
    content: &'a str,
    timestamp: &'a str,
    metadata: &'a RawValue,
}

#[derive(Serialize)]
struct List<'a> {
    sessions: Vec<Created<'a>>,
    total: usize,
}

#[derive(Serialize)]
struct Deleted {
    message: String,
}

/// What is kept on a reply, beside what the responder attached.
#[derive(Deserialize)]
struct ReplyMetadata {
    #[serde(default)]
    processing_time_ms: u64,
}

impl Shape for StorageGuide {
    fn routes(&self) -> Routes<Verb> {
        &[
            ("POST", "/api/chat/sessions", Verb::Create),
            ("GET", "/api/chat/sessions", Verb::List),
            ("POST", "/api/chat/sessions/{id}/messages", Verb::Turn),
            ("GET", "/api/chat/sessions/{id}/history", Verb::History),
            ("DELETE", "/api/chat/sessions/{id}", Verb::Delete),
        ]
    }

    fn question(&self, id: String, incoming: Incoming) -> Result<Question, Problem> {
        let SendMessage { message, metadata } = intake::object(incoming.body)?;
        let text = message.clone().unwrap_or_default();
        let request =
            ChatRequest { message, metadata, session_id: Some(id), existing: Some(true), ..ChatRequest::default() };
        Ok(Question { begin: intake::begin(request, incoming)?, text, memory: Memory::Kept, stream: false })
    }

    fn answer(&self, answered: Answered) -> Result<String, Problem> {
        let stored = answered.reply.metadata.as_ref();
        let stored = stored.and_then(|metadata| serde_json::from_str::<ReplyMetadata>(metadata.get()).ok());
        json(&Exchange {
            session_id: answered.session_id,
            user_message: answered.question,
            assistant_response: &answered.reply.content,
            sources: sources(answered.reply),
            processing_time_ms: stored.map_or(0, |metadata| metadata.processing_time_ms),
        })
    }

    fn reply_metadata(&self, reply: &Message, took: Millis) -> Option<Box<RawValue>> {
        let attached = reply.metadata.as_ref().map_or("{}", |metadata| metadata.get());
        let mut metadata: BTreeMap<String, Box<RawValue>> = serde_json::from_str(attached).unwrap_or_default();
        metadata.insert("sources".to_owned(), to_raw_value(&sources(reply)).ok()?);
        metadata.insert("processing_time_ms".to_owned(), to_raw_value(&took.0).ok()?);
        to_raw_value(&metadata).ok()
    }

    fn create(&self, user: String, incoming: Incoming) -> Result<Create, Problem> {
        let session_id = Some(uuid_text(intake::minted(incoming.key, incoming.fresh)?));
        intake::create_of(CreateRequest { session_id, user_id: Some(user), ..CreateRequest::default() }, incoming)
    }

    fn created(&self, id: &SessionId, session: &Session) -> Result<String, Problem> {
        json(&Created { session_id: id, created_at: session.created.to_rfc3339() })
    }

    fn list(&self, cards: &[Card], user: Option<&str>) -> Result<String, Problem> {
        let of_user = cards.iter().filter(|card| user.is_none_or(|user| card.flags.user == user));
        let sessions = of_user.map(|card| Created { session_id: &card.id, created_at: card.created.to_rfc3339() });
        let sessions: Vec<_> = sessions.collect();
        let total = sessions.len();
        json(&List { sessions, total })
    }

    fn wanted(&self, query: Query) -> Result<u64, Problem> {
        Ok(query.number("max_messages", 1..=u64::MAX)?.unwrap_or(u64::MAX))
    }

    fn history(&self, id: &SessionId, session: &Session, messages: &[Message]) -> Result<String, Problem> {
        let none = to_raw_value(&serde_json::Map::new()).map_err(|_| Code::Internal)?;
        let said = messages.iter().map(|message| Said {
            role: message.role,
            content: &message.content,
            timestamp: &message.created,
            metadata: message.metadata.as_deref().unwrap_or(&none),
        });
        json(&History { session_id: id, messages: said.collect(), total_messages: session.total })
    }

    fn deleted(&self, id: &SessionId) -> Result<String, Problem> {
        json(&Deleted { message: format!("Session {id} deleted") })
    }

    fn problem(&self, problem: Problem) -> Problem {
        match problem.code {
            Code::SessionNotFound | Code::SessionDeleted | Code::InvalidSessionId => {
                Problem { detail: Some("Session not found".to_owned()), code: Code::SessionNotFound, ..problem }
            }
            _ => problem,
        }
    }
}
