//! The dialect `jarvis`: sessions are opened by their first message; its sentences are Czech.

use super::{Answered, Memory, Question, Shape, Verb, json};
use crate::error::Problem;
use crate::id::SessionId;
use crate::intake::{self, Incoming};
use crate::message::{Message, Role};
use crate::plan::Create;
use crate::route::Routes;
use crate::session::{Card, Session};
use crate::wire::{ChatRequest, CreateRequest, SessionBody};
use serde::Serialize;

pub(super) struct Jarvis;

#[derive(Serialize)]
struct Chat<'a> {
    response: &'a str,
    session_id: Option<&'a SessionId>,
}

#[derive(Serialize)]
struct New<'a> {
    session_id: &'a SessionId,
    message: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    sessions: Vec<&'a SessionId>,
    count: usize,
}

#[derive(Serialize)]
struct Info<'a> {
    session_id: &'a SessionId,
    message_count: u64,
    updated_at: &'a str,
    expires_in_seconds: u64,
}

#[derive(Serialize)]
struct History<'a> {
    session_id: &'a SessionId,
    history: Vec<Said<'a>>,
    message_count: u64,
}

#[derive(Serialize)]
struct Said<'a> {
    role: Role,
    content: &'a str,
}

#[derive(Serialize)]
struct Deleted {
    message: String,
}

impl Shape for Jarvis {
    fn routes(&self) -> Routes<Verb> {
        &[
            ("POST", "/api/chat", Verb::Turn),
            ("POST", "/api/sessions/new", Verb::Create),
            ("GET", "/api/sessions", Verb::List),
            ("GET", "/api/sessions/{id}", Verb::Info),
            ("GET", "/api/sessions/{id}/history", Verb::History),
            ("DELETE", "/api/sessions/{id}", Verb::Delete),
        ]
    }

    fn question(&self, _id: String, incoming: Incoming) -> Result<Question, Problem> {
        let ChatRequest { message, session_id, .. } = intake::object(incoming.body)?;
        let text = message.clone().unwrap_or_default();
        let begin = intake::begin(ChatRequest { message, session_id, ..ChatRequest::default() }, incoming)?;
        Ok(Question { begin, text, memory: Memory::Kept, stream: false })
    }

    fn answer(&self, answered: Answered) -> Result<String, Problem> {
        json(&Chat { response: &answered.reply.content, session_id: answered.session_id })
    }

    fn create(&self, _user: String, incoming: Incoming) -> Result<Create, Problem> {
        intake::create_of(CreateRequest::default(), incoming)
    }

    fn created(&self, id: &SessionId, _session: &Session) -> Result<String, Problem> {
        json(&New { session_id: id, message: "Nová session vytvořena" })
    }

    fn list(&self, cards: &[Card], _user: Option<&str>) -> Result<String, Problem> {
        json(&List { sessions: cards.iter().map(|card| &card.id).collect(), count: cards.len() })
    }

    fn info(&self, session: &SessionBody) -> Result<String, Problem> {
        json(&Info {
            session_id: &session.session_id,
            message_count: session.message_count,
            updated_at: &session.updated_at,
            expires_in_seconds: session.expires_in_seconds,
        })
    }

    fn history(&self, id: &SessionId, session: &Session, messages: &[Message]) -> Result<String, Problem> {
        let history = messages.iter().map(|message| Said { role: message.role, content: &message.content });
        json(&History { session_id: id, history: history.collect(), message_count: session.kept() })
    }

    fn deleted(&self, id: &SessionId) -> Result<String, Problem> {
        json(&Deleted { message: format!("Session {id} byla smazána") })
    }
}
