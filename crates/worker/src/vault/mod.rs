//! The vault: a Durable Object with SQLite that keeps one owner's sessions of one namespace.

// The macro's own methods have no docs.
#![allow(missing_docs)]

mod sqlite;

use crate::edge::{in_transaction, now};
use chatkeep_model::Millis;
use chatkeep_model::plan::apply_named;
use sqlite::Sqlite;
use std::cell::Cell;
use worker::wasm_bindgen::JsValue;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// The Durable Object class.
///
/// It is asked by `POST` with an operation's name, a line break and the operation in JSON, and answers with the outcome in
/// JSON. Only this Worker can reach it.
#[durable_object(alarm)]
pub struct Vault {
    state: State,
    records: Sqlite,
    /// When the alarm will wake this object, as far as it knows.
    wakes_at: Cell<Option<Millis>>,
}

impl DurableObject for Vault {
    fn new(state: State, _env: Env) -> Self {
        let records = Sqlite::new(state.storage().sql());
        Self { state, records, wakes_at: Cell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.text().await?;
        let Some((name, operation)) = body.split_once('\n') else { return Response::error("no operation", 400) };
        let mut records = self.records.clone();
        let storage = self.state.storage();
        let outcome = in_transaction(storage.as_raw(), || {
            records.prepare().map_err(Failed::Storage)?;
            apply_named(name, operation, &mut records).map_err(|error| error.map_or(Failed::Unknown, Failed::Storage))
        });
        match outcome {
            Ok(outcome) => {
                self.schedule().await?;
                Response::ok(outcome)
            }
            Err(Failed::Unknown) => Response::error("no such operation", 400),
            Err(Failed::Storage(error)) => Err(error),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        let mut records = self.records.clone();
        let storage = self.state.storage();
        in_transaction(storage.as_raw(), || {
            records.prepare()?;
            records.remove_ended(now())
        })?;
        self.wakes_at.set(None);
        self.schedule().await?;
        Response::ok("")
    }
}

/// Why an operation was not applied.
enum Failed {
    /// It isn't one.
    Unknown,
    /// The storage failed.
    Storage(worker::Error),
}

impl From<JsValue> for Failed {
    fn from(thrown: JsValue) -> Self {
        Failed::Storage(thrown.into())
    }
}

impl Vault {
    /// Sees to it that the alarm rings no later than the first session ends. Sliding only moves ends away, so an alarm that
    /// is there already stays, and a ring that comes too early sets the next.
    async fn schedule(&self) -> Result<()> {
        let Some(first) = self.records.first_end()? else { return Ok(()) };
        if self.wakes_at.get().is_some_and(|at| at <= first) {
            return Ok(());
        }
        // A date makes it absolute. An end that has passed is rung for at once.
        let date = js_sys::Date::new(&JsValue::from_f64(first.0 as f64));
        self.state.storage().set_alarm(worker::durable::ScheduledTime::new(date)).await?;
        self.wakes_at.set(Some(first));
        Ok(())
    }
}
