//! Runs calls on an Upstash REST database, inside their time budget, and watches over how that goes.

use crate::edge::{Posted, Told, any_number, now, post_json};
use crate::wait::sleep;
use crate::watch;
use chatkeep_model::breaker::{Breaker, Transition, next_try};
use chatkeep_model::config::Upstash;
use chatkeep_model::error::Outage;
use chatkeep_model::observe::Level;
use chatkeep_model::redis::reply::{Answer, read};
use chatkeep_model::redis::{Call, Reply, call};
use chatkeep_model::{Millis, StoreError};
use std::cell::{Cell, RefCell};

thread_local! {
    static BREAKER: RefCell<Breaker> = RefCell::default();
    static RECOVERED: Cell<bool> = const { Cell::new(false) };
}

/// Whether Redis may be asked now.
///
/// # Errors
/// How it failed last: it is not to be asked for a while.
pub(crate) fn may_be_asked() -> Result<(), StoreError> {
    BREAKER.with_borrow_mut(|breaker| {
        if breaker.lets_through(now()) {
            return Ok(());
        }
        Err(breaker.last().cloned().unwrap_or(StoreError::Unavailable(Outage::Network)))
    })
}

/// The breaker's state, and how Redis failed last where it isn't well.
pub(crate) fn condition() -> (&'static str, Option<StoreError>) {
    BREAKER.with_borrow(|breaker| (breaker.as_str(), breaker.last().cloned()))
}

/// Whether Redis became well again since this was asked last.
pub(crate) fn recovered() -> bool {
    RECOVERED.take()
}

/// What the calls of one request have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    /// Upstash's token for reading one's own writes: the client's at first, then the newest answer's.
    pub(crate) sync_token: RefCell<String>,
    /// The trace that they belong to, if any.
    pub(crate) traceparent: String,
    /// The bytes of the newest reply.
    pub(crate) reply_bytes: Cell<usize>,
}

/// Sends a call, by its script's digest first, whose reply is small. A try that gets no answer is repeated once: every call may be.
pub(crate) async fn send(upstash: &Upstash, link: &Link, call: &Call) -> Result<Reply, StoreError> {
    send_expecting(upstash, link, call, 0).await
}

/// Sends a call whose reply may have so many bytes.
pub(crate) async fn send_expecting(
    upstash: &Upstash,
    link: &Link,
    call: &Call,
    expected_bytes: usize,
) -> Result<Reply, StoreError> {
    let body = call.body();
    let settled = match tries(upstash, link, &body, expected_bytes).await {
        Answer::Reply(reply) => Ok(reply),
        Answer::Failed(error) => Err(error),
        Answer::ScriptUnknown => match tries(upstash, link, &call.body_with_source(), expected_bytes).await {
            Answer::Reply(reply) => Ok(reply),
            Answer::Failed(error) => Err(error),
            Answer::ScriptUnknown => Err(StoreError::UnexpectedReply),
        },
    };
    observe(settled.as_ref().err(), call.writes(), body.len() + expected_bytes);
    settled
}

/// Sends a call that a server may well refuse, and that says nothing of how it is.
pub(crate) async fn ask(upstash: &Upstash, call: &Call) -> Option<Reply> {
    match tries(upstash, &Link::default(), &call.body(), 0).await {
        Answer::Reply(reply) => Some(reply),
        _ => None,
    }
}

/// Asks whether it is there and lets us in.
pub(crate) async fn ping(upstash: &Upstash) -> Result<(), StoreError> {
    let body = call::ping();
    let settled = match tries(upstash, &Link::default(), &body, 0).await {
        Answer::Reply(_) => Ok(()),
        Answer::Failed(error) => Err(error),
        Answer::ScriptUnknown => Err(StoreError::UnexpectedReply),
    };
    observe(settled.as_ref().err(), false, body.len());
    settled
}

/// Tells the breaker how a call went that somebody else sent.
pub(crate) fn observe(error: Option<&StoreError>, wrote: bool, bytes: usize) {
    let transition = BREAKER.with_borrow_mut(|breaker| match error {
        None => breaker.succeeded(wrote),
        Some(error) => breaker.failed(error, bytes, now(), any_number()),
    });
    match transition {
        Some(Transition::Failing(cause)) => {
            watch::of_store(Level::Warn, "store_failing", "The store is not asked for a while", Some(cause));
        }
        Some(Transition::Recovered) => {
            RECOVERED.set(true);
            watch::of_store(Level::Info, "store_recovered", "The store answers again", None);
        }
        None => {}
    }
}

async fn tries(upstash: &Upstash, link: &Link, body: &str, expected_bytes: usize) -> Answer {
    let mut outage = Outage::Network;
    let mut tried = 0;
    let mut began = Millis(0);
    loop {
        // The clock is asked, and randomness drawn, only when the first try failed.
        let (elapsed, random) = if tried == 0 { (Millis(0), 0) } else { (now().since(began), any_number()) };
        let Some(next) = next_try(tried, elapsed, body.len() + expected_bytes, random) else {
            return Answer::Failed(StoreError::Unavailable(outage));
        };
        if next.pause > Millis(0) {
            sleep(next.pause).await;
        }
        if tried == 0 {
            began = now();
        }
        tried += 1;
        let newest = link.sync_token.borrow().clone();
        let told = Told { token: &upstash.token, sync_token: &newest, traceparent: &link.traceparent };
        match post_json(&upstash.url, told, body, next.limit).await {
            Posted::Answer { status, sync_token: token, body } => {
                if !token.is_empty() {
                    *link.sync_token.borrow_mut() = token;
                }
                link.reply_bytes.set(body.len());
                return read(status, &body);
            }
            Posted::Unreachable => outage = Outage::Network,
            Posted::TimedOut => outage = Outage::Timeout,
        }
    }
}
