//! The shell of `chatkeep/server` around the store machine: strings in, strings out, and the host carries out the rest.

mod host;
mod scripts;

use chatkeep_model::error::Outage;
use chatkeep_model::intake::Fresh;
use chatkeep_model::library::{Answer, Connection, Effect, Machine, Request, Settings};
use chatkeep_model::seal::Cipher;
use chatkeep_model::search::Normalizer;
use chatkeep_seal::Keys;
use host::{Host, fill_random, now};
use scripts::Form;
use serde_json::json;
use std::cell::RefCell;
use uuid::Builder;
use wasm_bindgen::prelude::wasm_bindgen;

/// The names of the variables that a store reads, one a line.
#[wasm_bindgen]
#[must_use]
pub fn variables() -> String {
    chatkeep_model::library::variables().collect::<Vec<_>>().join("\n")
}

/// One store.
#[wasm_bindgen]
#[allow(missing_debug_implementations)] // It would drag the formatting of everything inside into the module.
pub struct Store {
    machine: RefCell<Machine>,
    form: RefCell<Form>,
    host: Host,
}

#[wasm_bindgen]
impl Store {
    /// Opens a store by its options, JSON, and variables: names and values by turns, one a line.
    ///
    /// # Errors
    /// What is wrong with one of them: its name and a reason, without its value.
    #[wasm_bindgen(constructor)]
    pub fn new(host: Host, options: &str, variables: &str) -> Result<Store, String> {
        let lines: Vec<_> = variables.split('\n').collect();
        let value = |name: &str| {
            let pair = lines.chunks_exact(2).find(|pair| pair.first() == Some(&name))?;
            pair.last().map(|value| (*value).to_owned())
        };
        let mut settings = Settings::read(options, value).map_err(|error| error.to_string())?;
        settings.normalizer = Normalizer(host::normalize);
        let form = if matches!(settings.connection, Connection::Tcp(_)) {
            Form::Stock(Default::default())
        } else {
            Form::Rest
        };
        let keys = settings.encryption.as_ref().map(|encryption| Keys::new(encryption, fill_random));
        let (machine, effects) = Machine::new(settings, keys.map(|keys| Box::new(keys) as Box<dyn Cipher>));
        let store = Store { machine: RefCell::new(machine), form: RefCell::new(form), host };
        store.carry_out(effects);
        Ok(store)
    }

    /// Where the store's Redis is, as JSON: `url` and `token`, or `host` and what else an address has; `{}` for none.
    #[must_use]
    pub fn connection(&self) -> String {
        match self.machine.borrow().connection() {
            Connection::Memory => json!({}),
            Connection::Rest(upstash) => json!({ "url": upstash.url, "token": upstash.token }),
            Connection::Tcp(address) => json!({
                "tls": address.tls, "host": address.host, "port": address.port, "username": address.username,
                "password": address.password, "db": address.db,
            }),
        }
        .to_string()
    }

    /// Calls a method. What comes of it goes to the host, under the ticket.
    pub fn call(&self, ticket: u32, method: &str, id: &str, body: &str, options: &str) {
        let effects = self.machine.borrow_mut().call(ticket, Request { method, id, body, options }, fresh());
        self.carry_out(effects);
    }

    /// A call that was sent got an answer, over HTTP or in its form.
    pub fn answered(&self, token: u32, status: u16, text: String) {
        self.settle(token, Answer::Body { status, text });
    }

    /// A call that was sent got no answer: there is no connection, or it took too long.
    pub fn lost(&self, token: u32, timed_out: bool) {
        self.settle(token, Answer::Lost(if timed_out { Outage::Timeout } else { Outage::Network }));
    }

    /// A while is over.
    pub fn woke(&self) {
        let effects = self.machine.borrow_mut().woke(now());
        self.carry_out(effects);
    }
}

impl Store {
    fn settle(&self, token: u32, answer: Answer) {
        let effects = self.machine.borrow_mut().answered(token, answer, now());
        self.carry_out(effects);
    }

    fn carry_out(&self, effects: Vec<Effect>) {
        let milliseconds = |time: chatkeep_model::Millis| u32::try_from(time.0).unwrap_or(u32::MAX);
        for effect in effects {
            match effect {
                Effect::Send { token, call, with_source, limit } => {
                    let call = self.form.borrow_mut().write(&call, with_source);
                    self.host.send(token, &call, milliseconds(limit));
                }
                Effect::Done { ticket, json } => self.host.done(ticket, &json),
                Effect::Failed { ticket, json } => self.host.failed(ticket, &json),
                Effect::Wake { after } => self.host.wake(milliseconds(after)),
                Effect::Log(line) => self.host.log(&line.to_json(now())),
            }
        }
    }
}

/// The time, and randomness in one draught: each costs a call of JavaScript.
fn fresh() -> Fresh {
    let now = now();
    let mut random = [0; 52];
    fill_random(&mut random);
    Fresh::of(now, &random, |millis, random| Builder::from_unix_timestamp_millis(millis, random).into_uuid().as_u128())
}
