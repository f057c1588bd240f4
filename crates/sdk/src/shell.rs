//! The loop: an event into the machine, its effects out into the world. Their answers are events again.

use crate::host::{Host, Storage};
use crate::{http, json};
use chatkeep_model::Millis;
use chatkeep_model::client::{Effect, Event, Events, Json, Machine, Outcome, Problem, Ticket, Token};
use std::cell::RefCell;

/// A machine and the world around it.
pub(crate) struct Shell {
    machine: RefCell<Machine>,
    host: Host,
    storage: Option<Storage>,
    storage_key: String,
    /// The event streams that are being read.
    streams: RefCell<Vec<(Token, Events)>>,
}

impl Shell {
    pub(crate) fn start(host: Host, storage: Option<Storage>, storage_key: String, online: bool, seed: u32) -> Self {
        // Storage that can't be read is storage with nothing in it.
        let stored = storage.as_ref().and_then(|storage| storage.get(&storage_key).ok().flatten());
        let stored = stored.and_then(|text| json::parse(&text)).unwrap_or(Json::Null);
        let (machine, streams) = Default::default();
        let shell = Self { machine, host, storage, storage_key, streams };
        shell.feed(Event::Restored { stored, online, seed });
        shell
    }

    pub(crate) fn feed(&self, event: Event) {
        let partly = matches!(event, Event::Streamed { .. } | Event::Heard { .. });
        let effects = self.machine.borrow_mut().handle(event, now());
        let mut done = Vec::new();
        let mut deltas = Vec::new();
        for effect in effects {
            match effect {
                Effect::Store(text) => self.store(text.as_deref()),
                Effect::Request { token, method, path, headers, body } => {
                    let headers = http::headers(&headers, body.is_some());
                    self.host.ask(token, method, &path, headers, body.as_deref());
                }
                Effect::Abort { token } => self.host.abort(token),
                Effect::Wait { token, ms } => self.host.wait(token, ms),
                Effect::Tell(news) => self.host.tell(&news),
                Effect::Delta { ticket, text } => deltas.push((ticket, text)),
                Effect::Done { ticket, result } => done.push((ticket, result)),
            }
        }
        // The world is told last, and the view's watchers first: who gets an answer finds it in the view already, and
        // either may come back with the next event at once.
        self.host.changed(partly && done.is_empty());
        for (ticket, text) in deltas {
            self.host.delta(ticket, &text);
        }
        for (ticket, result) in done {
            self.tell(ticket, &result);
        }
    }

    /// More of an event stream.
    pub(crate) fn piece(&self, token: Token, text: &str) {
        let mut stream = self.stream(token);
        let events = stream.push(text.as_bytes());
        self.streams.borrow_mut().push((token, stream));
        for event in events {
            let id = event.id.and_then(|id| id.parse().ok()).unwrap_or(0);
            let data = json::parse(&event.data).unwrap_or(Json::Null);
            self.feed(Event::Streamed { token, name: event.name, id, data });
        }
    }

    /// No answer came, or no more of it comes.
    pub(crate) fn unreachable(&self, token: Token) {
        self.stream(token);
        self.feed(Event::Unreachable { token });
    }

    pub(crate) fn view(&self) -> String {
        self.machine.borrow().view().text()
    }

    /// A caller's wish could not be read.
    pub(crate) fn refuse(&self, ticket: Ticket, problem: Problem) {
        self.tell(ticket, &Err(problem));
    }

    /// Takes out what has been read of an event stream.
    fn stream(&self, token: Token) -> Events {
        let mut streams = self.streams.borrow_mut();
        let at = streams.iter().position(|(other, _)| *other == token);
        at.map(|at| streams.swap_remove(at).1).unwrap_or_default()
    }

    fn store(&self, text: Option<&str>) {
        if let Some(storage) = &self.storage {
            // Storage can be full or forbidden. Then a reload forgets, but the chat goes on.
            let _ = match text {
                Some(text) => storage.set(&self.storage_key, text),
                None => storage.remove(&self.storage_key),
            };
        }
    }

    fn tell(&self, ticket: Ticket, result: &Result<Outcome, Problem>) {
        let json = match result {
            Ok(outcome) => outcome.text(),
            Err(problem) => problem.text(),
        };
        self.host.done(ticket, result.is_err(), &json);
    }
}

pub(crate) fn now() -> Millis {
    // A whole number of milliseconds, far from where its precision ends.
    Millis(js_sys::Date::now() as u64)
}
