//! A server that speaks the protocol from memory, with turns that can take their time or fail.

use crate::client::Problem;
use crate::id::{MessageId, SessionId, TurnId};
use crate::message::{Message, Role};
use crate::time::Millis;
use crate::wire::{ChatRequest, ChatResponse, Deleted, History, SessionBody, SessionList};
use std::collections::{BTreeMap, BTreeSet};

/// How the responder takes a turn.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Responder {
    Answers,
    Fails,
    TakesItsTime,
}

#[derive(Default)]
pub(super) struct Session {
    pub(super) messages: Vec<Message>,
    /// Turns by message id; running while the responder works.
    running: BTreeSet<MessageId>,
    updated: u64,
}

pub(super) struct Server {
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) deleted: BTreeSet<SessionId>,
    pub(super) page: usize,
    clock: u64,
}

pub(super) type Answer = (u16, String);

impl Server {
    pub(super) fn new(page: usize) -> Self {
        Self { sessions: BTreeMap::new(), deleted: BTreeSet::new(), page, clock: 1_700_000_000_000 }
    }

    /// Takes a request; no answer yet when the responder takes its time.
    pub(super) fn take(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
        responder: Responder,
    ) -> Option<Answer> {
        self.clock += 1000;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        match (method, parts.as_slice()) {
            ("POST", ["chat"]) => self.turn(&serde_json::from_str(body.unwrap()).unwrap(), responder),
            ("GET", ["sessions"]) => Some(self.list()),
            ("GET", ["sessions", id, "history"]) => {
                Some(self.history(id, query.strip_prefix("before=").map(|at| at.parse().unwrap())))
            }
            ("POST", ["sessions", id, "truncate"]) => Some(self.truncate(id, body.unwrap())),
            ("DELETE", ["sessions", id]) => Some(self.delete(id)),
            _ => panic!("no such route: {method} {path}"),
        }
    }

    /// The responder is done with a turn that took its time.
    pub(super) fn finish(&mut self, body: &str) -> Answer {
        self.clock += 1000;
        let request: ChatRequest = serde_json::from_str(body).unwrap();
        let (session, id) = ids(&request);
        let runs = self.sessions.get_mut(&session).is_some_and(|found| found.running.remove(&id));
        if runs { self.reply(&session, &id, false) } else { problem(410, "session_deleted") }
    }

    fn turn(&mut self, request: &ChatRequest, responder: Responder) -> Option<Answer> {
        let (session, id) = ids(request);
        if self.deleted.contains(&session) {
            return Some(problem(410, "session_deleted"));
        }
        let created = !self.sessions.contains_key(&session);
        if created && request.existing == Some(true) {
            return Some(problem(404, "session_not_found"));
        }
        let now = self.now();
        let stored = self.sessions.entry(session.clone()).or_default();
        if stored.running.contains(&id) {
            return Some(problem(409, "turn_in_progress"));
        }
        if stored.messages.iter().any(|message| message.parent.as_ref() == Some(&id)) {
            return Some(self.reply(&session, &id, created));
        }
        if !stored.messages.iter().any(|message| message.id == id) {
            // What a message replaces is replaced by its reply: a failure changes nothing.
            if request.cut_after.is_some() && responder == Responder::Fails {
                return Some(problem(502, "responder_failed"));
            }
            if let Some(after) = request.cut_after.as_deref() {
                let at = stored.messages.iter().position(|message| message.id.as_str() == after);
                let keep = match at {
                    Some(at) => at + 1,
                    None if after == "-" => 0,
                    None => return Some(problem(404, "message_not_found")),
                };
                stored.messages.truncate(keep);
            }
            let content = request.message.clone().unwrap();
            stored.messages.push(Message::new(id.clone(), Role::User, content, now));
        }
        match responder {
            Responder::Answers => Some(self.reply(&session, &id, created)),
            Responder::Fails => Some(problem(502, "responder_failed")),
            Responder::TakesItsTime => {
                stored.running.insert(id);
                None
            }
        }
    }

    /// Stores the reply to a message, or finds it, and answers with it.
    fn reply(&mut self, session: &SessionId, id: &MessageId, created: bool) -> Answer {
        let now = self.now();
        let clock = self.clock;
        let stored = self.sessions.get_mut(session).unwrap();
        let reply_id = TurnId::of_message(id).reply_id();
        let replayed = stored.messages.iter().any(|message| message.id == reply_id);
        let asked = stored.messages.iter().find(|message| message.id == *id).unwrap().content.clone();
        let response = format!("You said: {asked}");
        if !replayed {
            stored.updated = clock;
            let reply = Message::new(reply_id.clone(), Role::Assistant, response.clone(), now);
            stored.messages.push(Message { parent: Some(id.clone()), ..reply });
        }
        let session_body = self.card(session);
        json(&ChatResponse {
            response,
            session_id: session.clone(),
            message_id: id.clone(),
            reply_id,
            created: created && !replayed,
            replayed,
            stopped: false,
            interrupted: false,
            parts: None,
            metadata: None,
            usage: None,
            finish: None,
            degraded: false,
            journal: None,
            session: session_body,
        })
    }

    fn list(&self) -> Answer {
        let mut ids: Vec<&SessionId> = self.sessions.keys().collect();
        ids.sort_by_key(|id| std::cmp::Reverse(self.sessions[*id].updated));
        let sessions = ids.iter().map(|id| self.card(id)).collect();
        json(&SessionList { sessions, count: ids.len() as u64, next_cursor: None, truncated: false })
    }

    fn history(&self, id: &str, before: Option<usize>) -> Answer {
        let id = SessionId::parse(id).unwrap();
        let Some(found) = self.sessions.get(&id) else { return problem(404, "session_not_found") };
        let end = before.unwrap_or(found.messages.len());
        let start = end.saturating_sub(self.page);
        let count = found.messages.len() as u64;
        json(&History {
            session_id: id,
            messages: found.messages[start..end].to_vec(),
            message_count: count,
            total_messages: count,
            next_before: (start > 0).then(|| start.to_string()),
        })
    }

    fn truncate(&mut self, id: &str, body: &str) -> Answer {
        let id = SessionId::parse(id).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let after = body["after"].as_str().unwrap();
        let messages = &mut self.sessions.get_mut(&id).unwrap().messages;
        let at = messages.iter().position(|message| message.id.as_str() == after);
        assert!(at.is_some() || after == "-", "no such message: {after}");
        messages.truncate(at.map_or(0, |at| at + 1));
        json(&self.card(&id))
    }

    fn delete(&mut self, id: &str) -> Answer {
        let id = SessionId::parse(id).unwrap();
        if self.sessions.remove(&id).is_none() && !self.deleted.contains(&id) {
            return problem(404, "session_not_found");
        }
        self.deleted.insert(id.clone());
        json(&Deleted { session_id: id, deleted: true })
    }

    fn card(&self, id: &SessionId) -> SessionBody {
        let count = self.sessions[id].messages.len() as u64;
        SessionBody {
            session_id: id.clone(),
            title: self.sessions[id].messages.first().map(|message| message.content.clone()),
            message_count: count,
            total_messages: count,
            created_at: Millis(1_700_000_000_000).to_rfc3339(),
            updated_at: self.now(),
            expires_at: Millis(self.clock + 604_800_000).to_rfc3339(),
            expires_in_seconds: 604_800,
            bytes: None,
            revision: None,
            pinned: false,
            archived: false,
            user_id: None,
        }
    }

    fn now(&self) -> String {
        Millis(self.clock).to_rfc3339()
    }
}

fn ids(request: &ChatRequest) -> (SessionId, MessageId) {
    let session = SessionId::parse(request.session_id.clone().unwrap()).unwrap();
    (session, MessageId::parse(request.message_id.clone().unwrap()).unwrap())
}

fn json(body: &impl serde::Serialize) -> Answer {
    (200, serde_json::to_string(body).unwrap())
}

pub(super) fn problem(status: u16, code: &str) -> Answer {
    let problem =
        Problem { code: code.into(), status, retryable: status == 409 || status == 429 || status >= 500, detail: None };
    (status, problem.text())
}
