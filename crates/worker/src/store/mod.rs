//! The stores behind one interface: run an operation for an owner.

mod embedded;
mod upstash;

use chatkeep_model::config::Config;
use chatkeep_model::{Operation, Owner, StoreError};
use std::cell::RefCell;
use std::rc::Rc;
use worker::Env;

/// The store of one request: which it is, and whose sessions it may touch.
#[derive(Clone)]
pub(crate) struct Store {
    config: Rc<Config>,
    env: Env,
    owner: Owner,
    /// Upstash's token for reading one's own writes: the client's at first, then the newest answer's.
    sync_token: RefCell<String>,
}

impl Store {
    pub(crate) fn new(config: Rc<Config>, env: Env, owner: Owner, sync_token: Option<String>) -> Self {
        Self { config, env, owner, sync_token: RefCell::new(sync_token.unwrap_or_default()) }
    }

    /// Runs an operation.
    pub(crate) async fn run<O: Operation>(&self, operation: &O) -> Result<O::Outcome, StoreError> {
        match &self.config.upstash {
            Some(upstash) => {
                let keys = chatkeep_model::redis::Keys::new(&self.config.key_prefix, &self.owner);
                let reply = upstash::send(upstash, &self.sync_token, &operation.call(&keys)).await?;
                Ok(operation.decode(reply)?)
            }
            None => embedded::run(&self.env, &self.config.key_prefix, &self.owner, operation).await,
        }
    }

    /// The token that the client shall send with its next request; empty on the vault.
    pub(crate) fn sync_token(&self) -> String {
        self.sync_token.borrow().clone()
    }
}

/// Whether the configured Redis answers. On the vault there is nothing to ask.
pub(crate) async fn probe(config: &Config) -> Result<(), StoreError> {
    match &config.upstash {
        Some(upstash) => upstash::ping(upstash).await,
        None => Ok(()),
    }
}
