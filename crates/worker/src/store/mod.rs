//! The stores behind one interface: run an operation for an owner.

mod embedded;
mod upstash;

use crate::directory::is_due;
use chatkeep_model::config::Config;
use chatkeep_model::plan::directory::{self, Noted};
use chatkeep_model::redis::{Call, Keys, Reply};
use chatkeep_model::{Millis, Namespace, Operation, Owner, SessionId, StoreError};
use std::cell::RefCell;
use std::rc::Rc;
use worker::Env;

/// What a store is asked: Redis a call, the vault an operation's name and JSON.
enum Question {
    Call(Call),
    Operation(String),
}

/// What it answers.
enum Answer {
    Reply(Reply),
    Outcome(String),
}

/// The store of one request: which it is, and whose sessions of which namespace it may touch.
#[derive(Clone)]
pub(crate) struct Store {
    config: Rc<Config>,
    namespace: Rc<Namespace>,
    env: Env,
    owner: Owner,
    /// Upstash's token for reading one's own writes: the client's at first, then the newest answer's.
    sync_token: RefCell<String>,
}

impl Store {
    pub(crate) fn new(
        config: Rc<Config>,
        namespace: Rc<Namespace>,
        env: Env,
        owner: Owner,
        sync_token: Option<String>,
    ) -> Self {
        Self { config, namespace, env, owner, sync_token: RefCell::new(sync_token.unwrap_or_default()) }
    }

    /// Runs an operation. Little of this is generic: each operation has its own copy of what is.
    pub(crate) async fn run<O: Operation>(&self, operation: &O) -> Result<O::Outcome, StoreError> {
        let question = if self.config.upstash.is_some() {
            Question::Call(operation.call(&Keys::new(&self.namespace.prefix, &self.owner)))
        } else {
            let json = serde_json::to_string(operation).map_err(|_| StoreError::UnexpectedReply)?;
            Question::Operation(format!("{}\n{json}", O::NAME))
        };
        match self.ask(question).await? {
            Answer::Reply(reply) => Ok(operation.decode(reply)?),
            Answer::Outcome(json) => serde_json::from_str(&json).map_err(|_| StoreError::UnexpectedReply),
        }
    }

    async fn ask(&self, question: Question) -> Result<Answer, StoreError> {
        match (question, &self.config.upstash) {
            (Question::Call(call), Some(upstash)) => {
                upstash::send(upstash, &self.sync_token, &call).await.map(Answer::Reply)
            }
            (Question::Operation(question), _) => {
                embedded::ask(&self.env, &self.namespace.prefix, &self.owner, &question).await.map(Answer::Outcome)
            }
            (Question::Call(_), None) => Err(StoreError::Misconfigured("no_upstash")),
        }
    }

    /// Whose sessions it may touch.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whether the owner is due to be noted in the directory; asked once, for it then counts as noted.
    pub(crate) fn note_is_due(&self, now: Millis) -> bool {
        is_due(&self.namespace.prefix, &self.owner, now, directory::noted_for(self.namespace.limits.ttl))
    }

    /// Notes in the directory that the owner is active. A failure is the next note's to mend.
    pub(crate) async fn note(&self, now: Millis) {
        let ttl = self.namespace.limits.ttl;
        let prefix = &self.namespace.prefix;
        let _ = match &self.config.upstash {
            Some(upstash) => {
                let call = directory::note(prefix, &self.owner, now, ttl);
                upstash::send(upstash, &RefCell::default(), &call).await.map(drop)
            }
            None => {
                let shard = directory::shard(&self.owner);
                let question = format!("note\n{}\n{now}\n{}", self.owner, now.since(directory::lives(ttl)));
                embedded::ask_directory(&self.env, prefix, shard, &question).await.map(drop)
            }
        };
    }

    /// Reads a page of a shard of the directory.
    pub(crate) async fn owners(&self, shard: u64, from: u64, limit: u64) -> Result<Vec<Noted>, StoreError> {
        let prefix = &self.namespace.prefix;
        match &self.config.upstash {
            Some(upstash) => {
                let call = directory::read(prefix, shard, from, limit);
                Ok(directory::decode(upstash::send(upstash, &self.sync_token, &call).await?)?)
            }
            None => {
                let question = format!("read\n{from}\n{limit}");
                let json = embedded::ask_directory(&self.env, prefix, shard, &question).await?;
                serde_json::from_str(&json).map_err(|_| StoreError::UnexpectedReply)
            }
        }
    }

    /// The session that one of the owner's keys holds.
    pub(crate) fn session_of(&self, key: &str) -> Option<SessionId> {
        Keys::new(&self.namespace.prefix, &self.owner).session_of(key)
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
