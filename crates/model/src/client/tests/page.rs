//! A page of the browser around a machine: storage, requests on their way, callers who wait.

use super::server::{Answer, Responder, Server};
use crate::client::{
    Effect, Event, Json, Machine, MessageView, Minted, Outcome, Problem, Status, Ticket, Token, View, Wish,
};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) token: Token,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
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
    /// What it told the other tabs.
    pub(super) news: Vec<String>,
    /// Pieces of replies, by who waits for them.
    pub(super) pieces: BTreeMap<Ticket, String>,
    pub(super) aborted: Vec<Token>,
    pub(super) online: bool,
    /// Sets the ids of several pages apart.
    pub(super) first_id: u128,
    minted: u128,
    now: u64,
}

impl Page {
    pub(super) fn new() -> Self {
        let mut page = Self { now: 1_700_000_000_000, online: true, ..Self::default() };
        page.reload();
        page
    }

    /// A new page on the same storage. What was on its way is no longer listened to.
    pub(super) fn reload(&mut self) {
        self.machine = Machine::new();
        self.flights.clear();
        self.pauses.clear();
        self.waiting.clear();
        let stored = self.storage.as_deref().map_or(Json::Null, json);
        self.feed(Event::Restored { stored, online: self.online, seed: 1 });
    }

    pub(super) fn feed(&mut self, event: Event) {
        self.now += 10;
        for effect in self.machine.handle(event, Millis(self.now)) {
            match effect {
                Effect::Store(text) => self.storage = text,
                Effect::Request { token, method, path, headers, body } => {
                    let body_id = body.as_deref().filter(|_| path == "/v1/chat").and_then(message_id);
                    if let Some(id) = body_id.filter(|_| !self.view().incognito) {
                        assert!(self.stored().contains(&id), "{id} goes out before it is stored");
                    }
                    self.flights.push(Flight { token, method, path, headers, body });
                }
                Effect::Abort { token } => {
                    self.flights.retain(|flight| flight.token != token);
                    self.aborted.push(token);
                }
                Effect::Wait { token, ms } => self.pauses.push((token, ms)),
                Effect::Tell(news) => self.news.push(news),
                Effect::Delta { ticket, text } => {
                    assert!(self.waiting.contains(&ticket), "a piece for nobody");
                    self.pieces.entry(ticket).or_default().push_str(&text);
                }
                Effect::Done { ticket, result } => {
                    assert!(self.waiting.remove(&ticket), "ticket {ticket} is given back twice or was never given");
                    self.done.insert(ticket, result);
                }
            }
        }
    }

    /// Wishes for something; returns the ticket.
    pub(super) fn wish(&mut self, wish: Wish) -> Ticket {
        self.minted += 1;
        let ticket = Ticket::try_from(self.minted).unwrap();
        self.waiting.insert(ticket);
        let (message, session) = self.ids(ticket);
        self.feed(Event::Wished { ticket, wish, minted: Minted { message, session } });
        ticket
    }

    fn ids(&self, ticket: Ticket) -> (MessageId, SessionId) {
        let id = self.first_id + u128::from(ticket);
        (MessageId::mint(id), SessionId::mint(id))
    }

    /// Sends; returns the message's id and the ticket.
    pub(super) fn send(&mut self, text: &str) -> (String, Ticket) {
        let ticket = self.wish(Wish::Send { text: text.into(), metadata: None, stream: false, id: None });
        (self.ids(ticket).0.as_str().into(), ticket)
    }

    /// The same, for a reply in pieces.
    pub(super) fn stream(&mut self, text: &str) -> (String, Ticket) {
        let ticket = self.wish(Wish::Send { text: text.into(), metadata: None, stream: true, id: None });
        (self.ids(ticket).0.as_str().into(), ticket)
    }

    pub(super) fn new_chat(&mut self) {
        self.wish(Wish::NewChat { incognito: false });
    }

    pub(super) fn retry(&mut self, message: &str) -> Ticket {
        self.wish(Wish::Retry { message: MessageId::parse(message).unwrap() })
    }

    pub(super) fn discard(&mut self, message: &str) -> Ticket {
        self.wish(Wish::Discard { message: MessageId::parse(message).unwrap() })
    }

    pub(super) fn edit(&mut self, message: &str, text: &str) -> Ticket {
        self.wish(Wish::Edit { message: MessageId::parse(message).unwrap(), text: text.into(), stream: false })
    }

    pub(super) fn open(&mut self, session: &str) -> Ticket {
        self.wish(Wish::Open { session: SessionId::parse(session).unwrap() })
    }

    pub(super) fn history(&mut self, older: bool) -> Ticket {
        self.wish(Wish::History { older })
    }

    pub(super) fn list(&mut self) -> Ticket {
        self.wish(Wish::Sessions { more: false, search: None })
    }

    pub(super) fn delete(&mut self, session: &str) -> Ticket {
        self.wish(Wish::Delete { session: SessionId::parse(session).unwrap() })
    }

    pub(super) fn go(&mut self, online: bool) {
        self.online = online;
        self.feed(Event::Network { online });
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
            self.wake();
            if !self.flights.is_empty() {
                self.exchange(server);
            }
        }
    }

    /// All pauses are over.
    pub(super) fn wake(&mut self) {
        for (token, _) in std::mem::take(&mut self.pauses) {
            self.feed(Event::Woke { token });
        }
    }

    pub(super) fn answer(&mut self, token: Token, (status, body): Answer) {
        self.answered(token, status, None, &body);
    }

    pub(super) fn answered(&mut self, token: Token, status: u16, retry_after: Option<u32>, body: &str) {
        let body = serde_json::from_str(body).map_or_else(|_| Json::Text(body.to_owned()), |value| of(&value));
        self.feed(Event::Answered { token, status, retry_after, echoes: Default::default(), body });
    }

    /// An event of the stream that answers a request.
    pub(super) fn streamed(&mut self, token: Token, id: u64, name: &str, data: &str) {
        self.feed(Event::Streamed { token, name: name.into(), id, data: json(data) });
    }

    /// The oldest request gets no answer.
    pub(super) fn lose(&mut self) {
        let token = self.flights.remove(0).token;
        self.feed(Event::Unreachable { token });
    }

    /// The oldest request gets no answer, nor do the tries that follow by themselves.
    pub(super) fn lose_all(&mut self) {
        self.lose();
        while !self.pauses.is_empty() {
            self.wake();
            self.lose();
        }
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

/// Reads JSON as the browser's shell does; nothing where it is none.
pub(super) fn json(text: &str) -> Json {
    serde_json::from_str(text).map_or(Json::Null, |value| of(&value))
}

fn of(value: &serde_json::Value) -> Json {
    use serde_json::Value;
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Flag(*flag),
        Value::Number(number) => number.as_u64().map_or_else(|| Json::Number(number.to_string()), Json::Count),
        Value::String(text) => Json::Text(text.clone()),
        Value::Array(items) => Json::List(items.iter().map(of).collect()),
        Value::Object(members) => Json::Object(members.iter().map(|(name, value)| (name.clone(), of(value))).collect()),
    }
}

fn message_id(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["message_id"].as_str().map(str::to_owned)
}
