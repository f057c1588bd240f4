//! A page of the browser around a machine: storage, requests on their way, callers who wait.

use super::server::{Answer, Responder, Server};
use crate::client::{Effect, Event, Machine, MessageView, Outcome, Problem, Status, Ticket, Token, View};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) token: Token,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<String>,
}

#[derive(Default)]
pub(super) struct Page {
    pub(super) machine: Machine,
    pub(super) storage: Option<String>,
    pub(super) flights: Vec<Flight>,
    pub(super) pauses: Vec<(Token, u32)>,
    pub(super) waiting: BTreeSet<Ticket>,
    pub(super) done: BTreeMap<Ticket, Result<Outcome, Problem>>,
    minted: u128,
    now: u64,
}

impl Page {
    pub(super) fn new() -> Self {
        let mut page = Self { now: 1_700_000_000_000, ..Self::default() };
        page.reload();
        page
    }

    /// A new page on the same storage. What was on its way is no longer listened to.
    pub(super) fn reload(&mut self) {
        self.machine = Machine::new();
        self.flights.clear();
        self.pauses.clear();
        self.waiting.clear();
        let stored = self.storage.clone();
        self.feed(Event::Restored { stored });
    }

    pub(super) fn feed(&mut self, event: Event) {
        self.now += 10;
        for effect in self.machine.handle(event, Millis(self.now)) {
            match effect {
                Effect::Store(text) => self.storage = text,
                Effect::Request { token, method, path, body } => {
                    if let Some(id) = body.as_deref().and_then(message_id) {
                        assert!(self.stored().contains(&id), "{id} goes out before it is stored");
                    }
                    self.flights.push(Flight { token, method, path, body });
                }
                Effect::Wait { token, ms } => self.pauses.push((token, ms)),
                Effect::Done { ticket, result } => {
                    assert!(self.waiting.remove(&ticket), "ticket {ticket} is given back twice or was never given");
                    self.done.insert(ticket, result);
                }
            }
        }
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.minted += 1;
        let ticket = Ticket::try_from(self.minted).unwrap();
        self.waiting.insert(ticket);
        ticket
    }

    /// Sends; returns the message's id and the ticket.
    pub(super) fn send(&mut self, text: &str) -> (String, Ticket) {
        let ticket = self.ticket();
        let message_id = MessageId::mint(u128::from(ticket));
        let new_session = SessionId::mint(u128::from(ticket));
        self.feed(Event::Send { ticket, text: text.into(), message_id: message_id.clone(), new_session });
        (message_id.as_str().into(), ticket)
    }

    pub(super) fn retry(&mut self, message_id: &str) -> Ticket {
        let ticket = self.ticket();
        let new_session = SessionId::mint(u128::from(ticket));
        self.feed(Event::Retry { ticket, message_id: message_id.into(), new_session });
        ticket
    }

    pub(super) fn open(&mut self, session_id: &str) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::Open { ticket, session_id: session_id.into() });
        ticket
    }

    pub(super) fn history(&mut self, older: bool) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::History { ticket, older });
        ticket
    }

    pub(super) fn list(&mut self) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::List { ticket });
        ticket
    }

    pub(super) fn delete(&mut self, session_id: &str) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::Delete { ticket, session_id: session_id.into() });
        ticket
    }

    /// Hands the oldest request to the server and its answer back.
    pub(super) fn exchange(&mut self, server: &mut Server) {
        let flight = self.flights.remove(0);
        let answer = server.take(flight.method, &flight.path, flight.body.as_deref(), Responder::Answers);
        self.answer(flight.token, answer.unwrap());
    }

    /// The same until nothing is on its way.
    pub(super) fn settle(&mut self, server: &mut Server) {
        while !self.flights.is_empty() || !self.pauses.is_empty() {
            for (token, _) in std::mem::take(&mut self.pauses) {
                self.feed(Event::Woke { token });
            }
            if !self.flights.is_empty() {
                self.exchange(server);
            }
        }
    }

    pub(super) fn answer(&mut self, token: Token, (status, body): Answer) {
        self.feed(Event::Answered { token, status, retry_after: None, body });
    }

    /// The oldest request gets no answer.
    pub(super) fn lose(&mut self) {
        let token = self.flights.remove(0).token;
        self.feed(Event::Unreachable { token });
    }

    pub(super) fn view(&self) -> View<'_> {
        self.machine.view()
    }

    pub(super) fn session(&self) -> Option<String> {
        self.view().session_id.map(|id| id.as_str().to_owned())
    }

    /// The open session's messages: text and standing.
    pub(super) fn lines(&self) -> Vec<(String, Status)> {
        let line = |message: &MessageView<'_>| (message.content.to_owned(), message.status);
        self.view().messages.iter().map(line).collect()
    }

    pub(super) fn code(&self, ticket: Ticket) -> Option<&str> {
        self.done.get(&ticket)?.as_ref().err().map(|problem| problem.code.as_str())
    }

    /// The messages that storage holds.
    pub(super) fn stored(&self) -> BTreeSet<String> {
        self.stored_tracks().into_iter().flat_map(|(_, ids)| ids).collect()
    }

    /// The sessions that storage holds, with their messages.
    pub(super) fn stored_tracks(&self) -> Vec<(String, Vec<String>)> {
        let stored: serde_json::Value = serde_json::from_str(self.storage.as_deref().unwrap_or("{}")).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        let ids = |track: &serde_json::Value| list(&track["outbox"]).iter().map(|entry| text(&entry["id"])).collect();
        list(&stored["tracks"]).iter().map(|track| (text(&track["id"]), ids(track))).collect()
    }
}

fn message_id(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["message_id"].as_str().map(str::to_owned)
}
