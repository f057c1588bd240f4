//! Redis as the plans' executor: their calls sent as they are, without HTTP between.

use crate::executor::Executor;
use ::redis::{Client, Cmd, Connection, ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use chatkeep_model::journal::{Entry, Settled, Step, replay};
use chatkeep_model::redis::script::stock_source;
use chatkeep_model::redis::{Call, Keys, Reply, Script, script};
use chatkeep_model::{Millis, Operation, Owner};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Instant;

/// Carries out plans on a Redis server.
pub struct RedisExecutor {
    connection: Connection,
    prefix: String,
    /// The scripts in the form that stock Redis takes, by the SHA-1 of the form that Upstash takes.
    scripts: HashMap<&'static str, StockScript>,
    sent: u64,
    passed_at: Instant,
}

struct StockScript {
    source: String,
    sha1: String,
}

/// Why an operation could not be carried out.
#[derive(Debug)]
pub enum Failure {
    /// Redis refused it or could not be reached.
    Redis(RedisError),
    /// Redis answered what the operation can't come to.
    Unexpected {
        /// The operation.
        operation: &'static str,
        /// The answer.
        reply: String,
    },
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Failure::Redis(error)
    }
}

impl fmt::Debug for RedisExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisExecutor").field("prefix", &self.prefix).field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl RedisExecutor {
    /// Connects to a server. All keys begin with `prefix`.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let connection = Client::open(url)?.get_connection()?;
        let scripts = script::ALL.iter().map(|(_, script)| (script.sha1, StockScript::of(script))).collect();
        Ok(Self { connection, prefix: prefix.to_owned(), scripts, sent: 0, passed_at: Instant::now() })
    }

    /// The calls sent by operations so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The names of an owner's keys.
    #[must_use]
    pub fn keys(&self, owner: &Owner) -> Keys {
        Keys::new(&self.prefix, owner)
    }

    /// What all key names begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sends a command of the test's own.
    ///
    /// # Panics
    /// Redis refuses it, or the answer isn't of the type asked for.
    pub fn command<T: ::redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        command.query(&mut self.connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Forgets everything.
    ///
    /// # Panics
    /// Redis refuses.
    pub fn flush(&mut self) {
        self.command::<()>(&["FLUSHALL"]);
    }

    /// Makes every script known to the server, as it is after a while in service.
    ///
    /// # Panics
    /// Redis refuses one.
    pub fn load_scripts(&mut self) {
        let sources: Vec<_> = self.scripts.values().map(|script| script.source.clone()).collect();
        for source in sources {
            self.command::<String>(&["SCRIPT", "LOAD", &source]);
        }
    }

    /// All fields of a hash.
    ///
    /// # Panics
    /// It is no hash.
    pub fn fields(&mut self, key: &str) -> BTreeMap<String, String> {
        self.command(&["HGETALL", key])
    }

    /// Replays an entry of an owner's journal, until it is settled.
    ///
    /// # Errors
    /// Redis refuses it, or answers what the entry can't come to.
    pub fn replay(&mut self, owner: &Owner, journal: &str, entry: &Entry) -> Result<Settled, Failure> {
        let unexpected = |reply: String| Failure::Unexpected { operation: "replay", reply };
        let mut step = Step::default();
        loop {
            let call = replay::call(entry, step, journal, &self.keys(owner));
            let value = self.call(&call.ok_or_else(|| unexpected(entry.operation.clone()))?)?;
            let reply = reply_of(value).map_err(unexpected)?;
            let settled = replay::settle(entry, step, reply.clone()).map_err(|_| unexpected(format!("{reply:?}")))?;
            let Settled::Again(next) = settled else { return Ok(settled) };
            step = next;
        }
    }

    /// Runs a call.
    ///
    /// # Errors
    /// Redis refuses it, or answers in shapes that plans don't know.
    pub fn answer(&mut self, call: &Call) -> Result<Reply, Failure> {
        let unexpected = |reply: String| Failure::Unexpected { operation: "call", reply };
        reply_of(self.call(call)?).map_err(unexpected)
    }

    fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        self.sent += 1;
        command.query(&mut self.connection)
    }

    fn call(&mut self, call: &Call) -> Result<Value, RedisError> {
        let (script, keys, arguments) = match call {
            Call::Command(words) => {
                let mut command = Cmd::new();
                command.arg(words);
                return self.send(&command);
            }
            Call::Script { script, keys, arguments } => (script, keys, arguments),
            Call::Source { source, keys, arguments } => {
                return self.send(&script_call("EVAL", &stock_source(source), keys, arguments));
            }
        };
        let stock = &self.scripts[script.sha1];
        let by_sha1 = script_call("EVALSHA", &stock.sha1, keys, arguments);
        let by_source = script_call("EVAL", &stock.source, keys, arguments);
        match self.send(&by_sha1) {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => self.send(&by_source),
            settled => settled,
        }
    }
}

fn script_call(command: &str, script: &str, keys: &[String], arguments: &[String]) -> Cmd {
    let mut call = cmd(command);
    call.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    call
}

impl Executor for RedisExecutor {
    type Error = Failure;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Failure> {
        let value = self.call(&operation.call(&self.keys(owner)))?;
        let unexpected = |reply: String| Failure::Unexpected { operation: O::NAME, reply };
        let reply = reply_of(value).map_err(unexpected)?;
        operation.decode(reply.clone()).map_err(|_| unexpected(format!("{reply:?}")))
    }

    /// Takes the passed time off every key's time to live and removes those that have none left, as the real time would
    /// have done. What is about to go stays half a minute of real time, so that how fast a test runs decides nothing.
    fn pass(&mut self, duration: Millis) {
        const PASS: &str = "
            for _, key in ipairs(redis.call('KEYS', '*')) do
              local left = redis.call('PTTL', key)
              if left >= 0 then
                left = left - ARGV[1] + ARGV[2]
                if left < -5000 then redis.call('DEL', key) else redis.call('PEXPIRE', key, math.max(left, 30000)) end
              end
            end";
        let real = self.passed_at.elapsed().as_millis().to_string();
        self.passed_at = Instant::now();
        self.command::<()>(&["EVAL", PASS, "0", &duration.to_string(), &real]);
    }
}

impl StockScript {
    fn of(script: &Script) -> Self {
        let source = script.stock_source();
        let sha1 = sha1_smol::Sha1::from(&source).hexdigest();
        Self { source, sha1 }
    }
}

/// The reply in the shapes that plans decode; or what is in it that they don't know.
fn reply_of(value: Value) -> Result<Reply, String> {
    Ok(match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Integer(number),
        Value::BulkString(bytes) => Reply::Text(String::from_utf8(bytes).map_err(|error| error.to_string())?),
        Value::SimpleString(text) => Reply::Text(text),
        Value::Okay => Reply::Text("OK".to_owned()),
        Value::Array(values) => Reply::Array(values.into_iter().map(reply_of).collect::<Result<_, _>>()?),
        other => return Err(format!("{other:?}")),
    })
}
