//! The archive's database where there is no D1: one Durable Object with SQLite.

// The macro's own methods have no docs.
#![allow(missing_docs)]

use crate::edge::query_object;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// The Durable Object class.
///
/// It is asked by `POST` with statements as JSON, as D1 is, runs all of them or none, and answers with the rows of each. Only this
/// Worker can reach it.
#[durable_object(fetch)]
pub struct Archive {
    state: State,
}

impl DurableObject for Archive {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let statements = request.text().await?;
        match query_object(self.state.storage().as_raw(), &statements) {
            Some(rows) => Response::ok(rows),
            None => Response::error("a statement failed", 500),
        }
    }
}
