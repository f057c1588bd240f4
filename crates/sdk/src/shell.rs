//! The loop: an event into the machine, its effects out into the world, their answers back in as events.

use crate::host::{self, Host, Storage};
use crate::http::{self, Asked};
use crate::json;
use chatkeep_model::Millis;
use chatkeep_model::client::{Effect, Event, Json, Machine, Outcome, Problem, Ticket, Token};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

/// A machine and the world around it.
pub(crate) struct Shell {
    machine: RefCell<Machine>,
    closed: Cell<bool>,
    pub(crate) host: Host,
    pub(crate) url: String,
    storage: Option<Storage>,
    storage_key: String,
    /// The requests under way.
    asked: RefCell<Vec<(Token, AbortController)>>,
}

impl Shell {
    pub(crate) fn start(
        host: Host,
        url: String,
        storage: Option<Storage>,
        storage_key: String,
        online: bool,
        seed: u32,
    ) -> Rc<Self> {
        // Storage that can't be read is storage with nothing in it.
        let stored = storage.as_ref().and_then(|storage| storage.get(&storage_key).ok().flatten());
        let stored = stored.and_then(|text| json::parse(&text)).unwrap_or(Json::Null);
        let shell = Rc::new(Self {
            machine: RefCell::default(),
            closed: Cell::new(false),
            host,
            url,
            storage,
            storage_key,
            asked: RefCell::default(),
        });
        shell.feed(Event::Restored { stored, online, seed });
        shell
    }

    pub(crate) fn feed(self: &Rc<Self>, event: Event) {
        if self.closed.get() {
            return;
        }
        let partly = matches!(event, Event::Streamed { .. });
        let effects = self.machine.borrow_mut().handle(event, now());
        let mut done = Vec::new();
        let mut deltas = Vec::new();
        for effect in effects {
            match effect {
                Effect::Store(text) => self.store(text.as_deref()),
                Effect::Request { token, method, path, headers, body } => {
                    self.ask(Asked { token, method, path, headers, body });
                }
                Effect::Abort { token } => {
                    for (_, controller) in self.asked.borrow_mut().extract_if(.., |(other, _)| *other == token) {
                        controller.abort();
                    }
                }
                Effect::Wait { token, ms } => {
                    let shell = Rc::clone(self);
                    spawn_local(async move {
                        host::pause(ms).await;
                        shell.feed(Event::Woke { token });
                    });
                }
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

    pub(crate) fn view(&self) -> String {
        self.machine.borrow().view().text()
    }

    pub(crate) fn close(&self) {
        self.closed.set(true);
        for (_, controller) in self.asked.borrow_mut().drain(..) {
            controller.abort();
        }
    }

    /// A caller's wish could not be read.
    pub(crate) fn refuse(&self, ticket: Ticket, problem: Problem) {
        self.tell(ticket, &Err(problem));
    }

    fn ask(self: &Rc<Self>, asked: Asked) {
        let Ok(controller) = AbortController::new() else { return };
        let (token, signal) = (asked.token, controller.signal());
        self.asked.borrow_mut().push((token, controller));
        let shell = Rc::clone(self);
        spawn_local(async move {
            let event = http::exchange(&shell, &asked, &signal).await;
            shell.asked.borrow_mut().retain(|(other, _)| *other != token);
            shell.feed(event);
        });
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
