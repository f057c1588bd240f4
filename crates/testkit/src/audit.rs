//! The audit of a Redis database: whether it holds what the layout allows and nothing else.

use crate::executor::Executor;
use crate::redis::{Failure, RedisExecutor};
use chatkeep_model::limits::REMEMBERED_TURNS;
use chatkeep_model::{Millis, Operation, Owner};

/// What is wrong with the database at `now`, in words; nothing when all keys are known ones of the right type with a time
/// to live, every live session is listed once at its expiry, and no session keeps a stray message or turn.
///
/// # Panics
/// Redis can't be reached.
pub fn problems(redis: &mut RedisExecutor, now: Millis) -> Vec<String> {
    let prefix = redis.prefix().to_owned();
    let (now, remembered) = (now.to_string(), REMEMBERED_TURNS.to_string());
    redis.command(&["EVAL", include_str!("audit.lua"), "0", &prefix, &now, &remembered])
}

/// Redis with an audit after every operation.
#[derive(Debug)]
pub struct Audited {
    redis: RedisExecutor,
}

impl Audited {
    /// Audits what this executor does.
    #[must_use]
    pub fn new(redis: RedisExecutor) -> Self {
        Self { redis }
    }
}

impl Executor for Audited {
    type Error = Failure;

    /// # Panics
    /// The audit finds a problem.
    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Failure> {
        let outcome = self.redis.run(owner, operation)?;
        let now = serde_json::to_value(operation).ok().and_then(|fields| fields.get("now")?.as_u64());
        let problems = problems(&mut self.redis, Millis(now.unwrap_or(u64::MAX)));
        assert!(problems.is_empty(), "after {}: {problems:#?}", O::NAME);
        Ok(outcome)
    }

    fn pass(&mut self, duration: Millis) {
        self.redis.pass(duration);
    }
}
