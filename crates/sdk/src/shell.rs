//! The loop: an event into the machine, its effects out into the world, their answers back in as events.

use crate::host::{self, Host, Storage};
use crate::http;
use chatkeep_model::Millis;
use chatkeep_model::client::{Effect, Event, Machine, Outcome, Problem, Ticket};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// A machine and the world around it.
pub(crate) struct Shell {
    machine: RefCell<Machine>,
    closed: Cell<bool>,
    host: Host,
    url: String,
    storage: Option<Storage>,
    storage_key: String,
}

impl Shell {
    pub(crate) fn start(host: Host, url: String, storage: Option<Storage>, storage_key: String) -> Rc<Self> {
        let machine = RefCell::new(Machine::new());
        // Storage that can't be read is storage with nothing in it.
        let stored = storage.as_ref().and_then(|storage| storage.get(&storage_key).ok().flatten());
        let shell = Rc::new(Self { machine, closed: Cell::new(false), host, url, storage, storage_key });
        shell.feed(Event::Restored { stored });
        shell
    }

    pub(crate) fn feed(self: &Rc<Self>, event: Event) {
        if self.closed.get() {
            return;
        }
        let effects = self.machine.borrow_mut().handle(event, now());
        let mut done = Vec::new();
        for effect in effects {
            match effect {
                Effect::Store(text) => self.store(text.as_deref()),
                Effect::Request { token, method, path, body } => {
                    let shell = Rc::clone(self);
                    spawn_local(async move {
                        let url = [shell.url.as_str(), &path].concat();
                        let event = http::exchange(&shell.host, token, method, &url, body).await;
                        shell.feed(event);
                    });
                }
                Effect::Wait { token, ms } => {
                    let shell = Rc::clone(self);
                    spawn_local(async move {
                        host::pause(ms).await;
                        shell.feed(Event::Woke { token });
                    });
                }
                Effect::Done { ticket, result } => done.push((ticket, result)),
            }
        }
        // The world is told last, and the view's watchers first: who gets an answer finds it in the view already, and
        // either may come back with the next event at once.
        self.host.changed();
        for (ticket, result) in done {
            self.tell(ticket, &result);
        }
    }

    pub(crate) fn view(&self) -> String {
        serde_json::to_string(&self.machine.borrow().view()).unwrap_or_default()
    }

    pub(crate) fn close(&self) {
        self.closed.set(true);
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
            Ok(Outcome::Reply(reply)) => serde_json::to_string(reply),
            Ok(Outcome::Finished) => Ok(String::new()),
            Err(problem) => serde_json::to_string(problem),
        };
        self.host.done(ticket, result.is_err(), &json.unwrap_or_default());
    }
}

pub(crate) fn now() -> Millis {
    // A whole number of milliseconds, far from where its precision ends.
    Millis(js_sys::Date::now() as u64)
}
