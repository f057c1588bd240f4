//! Runs calls on an Upstash REST database.

use crate::edge::{Posted, post_json};
use chatkeep_model::config::Upstash;
use chatkeep_model::error::Outage;
use chatkeep_model::redis::reply::{Answer, read};
use chatkeep_model::redis::{Call, Reply, call};
use chatkeep_model::{Millis, StoreError};
use std::cell::RefCell;

/// How long the first try and its repetition may take, each; and how much more per 256 KiB that are sent.
const TRIES: [Millis; 2] = [Millis(300), Millis(200)];
const PER_256_KIB: u64 = 100;

/// Sends a call, by its script's digest first. A try that gets no answer is repeated once: every call may be.
pub(crate) async fn send(upstash: &Upstash, sync_token: &RefCell<String>, call: &Call) -> Result<Reply, StoreError> {
    match tries(upstash, sync_token, &call.body()).await {
        Answer::Reply(reply) => Ok(reply),
        Answer::Failed(error) => Err(error),
        Answer::ScriptUnknown => match tries(upstash, sync_token, &call.body_with_source()).await {
            Answer::Reply(reply) => Ok(reply),
            Answer::Failed(error) => Err(error),
            Answer::ScriptUnknown => Err(StoreError::UnexpectedReply),
        },
    }
}

/// Asks whether it is there and lets us in.
pub(crate) async fn ping(upstash: &Upstash) -> Result<(), StoreError> {
    match tries(upstash, &RefCell::default(), &call::ping()).await {
        Answer::Reply(_) => Ok(()),
        Answer::Failed(error) => Err(error),
        Answer::ScriptUnknown => Err(StoreError::UnexpectedReply),
    }
}

async fn tries(upstash: &Upstash, sync_token: &RefCell<String>, body: &str) -> Answer {
    let more = body.len() as u64 / (256 * 1024) * PER_256_KIB;
    let mut outage = Outage::Network;
    for limit in TRIES {
        let newest = sync_token.borrow().clone();
        match post_json(&upstash.url, &upstash.token, &newest, body, Millis(limit.0 + more)).await {
            Posted::Answer { status, sync_token: token, body } => {
                if !token.is_empty() {
                    *sync_token.borrow_mut() = token;
                }
                return read(status, &body);
            }
            Posted::Unreachable => outage = Outage::Network,
            Posted::TimedOut => outage = Outage::Timeout,
        }
    }
    Answer::Failed(StoreError::Unavailable(outage))
}
