//! A Worker as the operations' executor: built with its feature `conformance`, in workerd, on whichever store it has.

use crate::RedisExecutor;
use crate::executor::Executor;
use chatkeep_model::{Millis, Operation, Owner};
use std::fmt;

/// Has operations carried out by a Worker.
pub struct ThroughWorker<'a> {
    agent: &'a ureq::Agent,
    url: &'a str,
    /// The Redis behind it, for the time that passes there.
    redis: Option<RedisExecutor>,
}

/// Why a Worker did not carry an operation out.
#[derive(Debug)]
pub struct Refused(pub String);

impl fmt::Debug for ThroughWorker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThroughWorker").field("url", &self.url).finish_non_exhaustive()
    }
}

impl<'a> ThroughWorker<'a> {
    /// The Worker at a URL, before the Redis that it uses, if any.
    #[must_use]
    pub fn new(agent: &'a ureq::Agent, url: &'a str, redis: Option<RedisExecutor>) -> Self {
        Self { agent, url, redis }
    }
}

impl Executor for ThroughWorker<'_> {
    type Error = Refused;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Refused> {
        let refused = |why: String| Refused(format!("{}: {why}", O::NAME));
        let json = serde_json::to_string(operation).map_err(|error| refused(error.to_string()))?;
        let answer = self
            .agent
            .post(format!("{}/conformance", self.url))
            .send(format!("{owner}\n{}\n{json}", O::NAME))
            .map_err(|error| refused(error.to_string()))?;
        let status = answer.status();
        let text = answer.into_body().with_config().limit(u64::MAX).read_to_string();
        let text = text.map_err(|error| refused(error.to_string()))?;
        if status != 200 {
            return Err(refused(text));
        }
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
    }

    fn pass(&mut self, duration: Millis) {
        if let Some(redis) = &mut self.redis {
            redis.pass(duration);
        }
    }
}
