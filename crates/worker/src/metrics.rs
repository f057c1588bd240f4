//! The figures of the whole deployment: one Durable Object adds up what the isolates hand over.

// The macro's own methods have no docs.
#![allow(missing_docs)]

use chatkeep_model::observe::Snapshot;
use std::cell::RefCell;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object};

/// The Durable Object class.
///
/// It is asked by `POST`: with figures in JSON, which it adds to its own, or with nothing, which it answers with all of them in
/// Prometheus' text format.
#[durable_object(fetch)]
pub struct Metrics {
    sql: SqlStorage,
    all: RefCell<Option<Snapshot>>,
}

impl DurableObject for Metrics {
    fn new(state: State, _env: Env) -> Self {
        Self { sql: state.storage().sql(), all: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.text().await?;
        let mut all = match self.all.take() {
            Some(all) => all,
            None => self.stored()?,
        };
        let answer = if body.is_empty() {
            Response::ok(all.to_prometheus())
        } else {
            all.add(serde_json::from_str(&body)?);
            // One row, whatever is counted: a write of it costs as much as a write of one series.
            let query =
                "INSERT INTO figures (id, json) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json";
            self.sql.exec(query, vec![serde_json::to_string(&all)?.into()])?;
            Response::ok("")
        };
        *self.all.borrow_mut() = Some(all);
        answer
    }
}

impl Metrics {
    fn stored(&self) -> Result<Snapshot> {
        self.sql.exec("CREATE TABLE IF NOT EXISTS figures (id INTEGER PRIMARY KEY, json TEXT NOT NULL)", None)?;
        let rows = self.sql.exec("SELECT json FROM figures WHERE id = 0", None)?;
        match rows.raw().next().transpose()?.as_deref() {
            Some([SqlStorageValue::String(json)]) => Ok(serde_json::from_str(json)?),
            _ => Ok(Snapshot::default()),
        }
    }
}
