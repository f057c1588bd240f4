//! A Redis Cluster: which server runs a command, what follows a slot that moves, and a scan over all of them.

use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{
    Arg, Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisResult, RetryMethod, ServerError, ServerErrorKind,
    Value,
};
use tokio::time::sleep;

use crate::redis_link::Unreachable;
use crate::target::RedisTarget;

/// A connection to every server of a cluster; clones share it.
#[derive(Clone)]
pub(crate) struct Cluster(ClusterConnection);

/// How often a command follows a slot that moves, or waits for a cluster that settles.
const MOST_MOVES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(25);
/// How long an answer may take is the caller's business, as with one server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3600);

impl Cluster {
    /// Connects to the cluster that a target's servers belong to.
    pub(crate) async fn connect(target: &RedisTarget, patience: Duration) -> RedisResult<Self> {
        let client: ClusterClient = ClusterClientBuilder::new(target.connection_infos()?)
            // What was sent may have run, so that the library must not send it again. Moves are followed here.
            .retries(0)
            .use_protocol(ProtocolVersion::RESP2)
            .connection_timeout(patience)
            .response_timeout(ANSWER_TIMEOUT)
            .build()?;
        client.get_async_connection().await.map(Self)
    }

    /// Runs one command where its keys are; one without keys where it makes sense.
    pub(crate) async fn run(&mut self, command: &Cmd) -> Result<Value, Unreachable> {
        if word(command, 0).is_some_and(|name| name.eq_ignore_ascii_case(b"scan")) {
            return self.scan(command).await;
        }
        let place = differs(command).then_some(SingleNodeRoutingInfo::RandomPrimary);
        self.send(command, place).await
    }

    /// Runs commands in one go on the server where the keys of all of them are.
    pub(crate) async fn run_on_one_server(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Unreachable> {
        let mut moves = 0;
        loop {
            match self.0.req_packed_commands(commands, 0, commands.len()).await {
                // Nothing of it ran: a command that is refused while it is queued discards all.
                Err(error) if may_come_again(&error) && moves < MOST_MOVES => {
                    moves += 1;
                    sleep(PAUSE * moves).await;
                }
                Err(error) => return Ok(vec![reply_of(error)?]),
                Ok(replies) => return Ok(replies),
            }
        }
    }

    /// Sends a command to a place; without one, where the library finds its keys, or to all servers if it concerns all.
    async fn send(&mut self, command: &Cmd, place: Option<SingleNodeRoutingInfo>) -> Result<Value, Unreachable> {
        let mut moves = 0;
        loop {
            let sent = match &place {
                Some(place) => self.0.route_command(command.clone(), RoutingInfo::SingleNode(place.clone())).await,
                None => self.0.req_packed_command(command).await,
            };
            match sent {
                Err(error) if may_come_again(&error) && moves < MOST_MOVES => {
                    moves += 1;
                    if let Some(settled) = self.ask(command, &error).await {
                        return settled.or_else(reply_of);
                    }
                    sleep(PAUSE * moves).await;
                }
                Err(error) => return reply_of(error),
                Ok(reply) => return Ok(flat(reply)),
            }
        }
    }

    /// Follows `ASK`: this once to the server that a slot is moving to. Nothing when that isn't asked.
    async fn ask(&mut self, command: &Cmd, error: &RedisError) -> Option<RedisResult<Value>> {
        if !matches!(error.retry_method(), RetryMethod::AskRedirect) {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let place = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? };
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(redis::cmd("ASKING")).add_command(command.clone());
        match self.0.route_pipeline(pipeline, 0, 2, place).await {
            Ok(mut replies) => replies.pop().map(Ok),
            Err(error) if may_come_again(&error) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// `SCAN`. A pattern with a hash tag has all its keys on one server; else one server after another is scanned, and the
    /// cursor also tells which: its remainder by their number.
    async fn scan(&mut self, command: &Cmd) -> Result<Value, Unreachable> {
        let pattern = (1..).map_while(|at| word(command, at).zip(word(command, at + 1)));
        let pattern = pattern.skip(1).find(|(name, _)| name.eq_ignore_ascii_case(b"match")).map(|(_, pattern)| pattern);
        if let Some(tagged) = pattern.and_then(tagged) {
            let place = SingleNodeRoutingInfo::SpecificNode(Route::with_key(tagged, SlotAddr::Master));
            return self.send(command, Some(place)).await;
        }
        let cursor = word(command, 1).and_then(|cursor| std::str::from_utf8(cursor).ok()?.parse::<u128>().ok());
        let servers = self.servers().await?;
        let count = servers.len() as u128;
        let (Some(cursor), Some(at)) = (cursor, cursor.and_then(|cursor| cursor.checked_rem(count))) else {
            // Redis has the words for what is wrong with it.
            return self.send(command, Some(SingleNodeRoutingInfo::RandomPrimary)).await;
        };
        let mut there = Cmd::new();
        there.arg("SCAN").arg((cursor / count).to_string());
        for option in (2..).map_while(|at| word(command, at)) {
            there.arg(option);
        }
        let Some((host, port)) = servers.into_iter().nth(usize::try_from(at).unwrap_or(usize::MAX)) else {
            return Err(Unreachable);
        };
        let place = SingleNodeRoutingInfo::ByAddress { host, port };
        let reply = self.send(&there, Some(place)).await?;
        let Value::Array(mut parts) = reply else { return Ok(reply) };
        if let Some(Value::BulkString(text)) = parts.first_mut() {
            let reached =
                std::str::from_utf8(text).ok().and_then(|text| text.parse::<u128>().ok()).ok_or(Unreachable)?;
            let next = match (reached, at + 1 < count) {
                (0, false) => 0,
                (0, true) => at + 1,
                _ => reached * count + at,
            };
            *text = next.to_string().into_bytes();
        }
        Ok(Value::Array(parts))
    }

    /// The servers that hold slots, in a fixed order.
    async fn servers(&mut self) -> Result<Vec<(String, u16)>, Unreachable> {
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        let reply = self.send(&slots, Some(SingleNodeRoutingInfo::RandomPrimary)).await?;
        let Value::Array(ranges) = reply else { return Err(Unreachable) };
        let mut servers: Vec<_> = ranges.iter().filter_map(primary_of).collect();
        servers.sort();
        servers.dedup();
        if servers.is_empty() { Err(Unreachable) } else { Ok(servers) }
    }
}

/// The primary in a range of `CLUSTER SLOTS`: from, to, primary, replicas.
fn primary_of(range: &Value) -> Option<(String, u16)> {
    let Value::Array(parts) = range else { return None };
    let Value::Array(primary) = parts.get(2)? else { return None };
    let (Value::BulkString(host), Value::Int(port)) = (primary.first()?, primary.get(1)?) else { return None };
    Some((String::from_utf8(host.clone()).ok()?, u16::try_from(*port).ok()?))
}

fn word(command: &Cmd, at: usize) -> Option<&[u8]> {
    command.args_iter().nth(at).and_then(|word| match word {
        Arg::Simple(bytes) => Some(bytes),
        _ => None,
    })
}

/// Whether each server has an answer of its own to it, of which one has to do.
fn differs(command: &Cmd) -> bool {
    let is = |at: usize, names: &[&str]| {
        word(command, at).is_some_and(|word| names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word)))
    };
    is(0, &["info"])
        || (is(0, &["memory"]) && is(1, &["doctor", "stats", "malloc-stats"]))
        || (is(0, &["function"]) && is(1, &["stats"]))
}

/// What of a pattern decides about the slot: up to the end of its hash tag, where nothing before can match otherwise.
fn tagged(pattern: &[u8]) -> Option<&[u8]> {
    let close = pattern.iter().position(|byte| *byte == b'}')?;
    let head = pattern.get(..=close)?;
    let open = head.iter().position(|byte| *byte == b'{')?;
    let is_plain = !head.iter().any(|byte| b"*?[]\\^".contains(byte));
    (is_plain && open + 1 < close).then_some(head)
}

/// Whether the command did not run and may run elsewhere, or here after a while.
fn may_come_again(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_))
        && matches!(
            error.retry_method(),
            RetryMethod::MovedRedirect
                | RetryMethod::AskRedirect
                | RetryMethod::RefreshSlotsAndRetry
                | RetryMethod::WaitAndRetry
        )
}

/// What a client is told: Redis' words where there are some.
fn reply_of(error: RedisError) -> Result<Value, Unreachable> {
    if error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot) {
        // The library found it out itself, and only Redis' own errors have words.
        let text = b"-CROSSSLOT Keys in request don't hash to the same slot\r\n";
        return redis::parse_redis_value(text).map_err(|_| Unreachable);
    }
    ServerError::try_from(error).map(Value::ServerError).map_err(|_| Unreachable)
}

/// The shapes of RESP2: what the library put together from several servers may be a map.
fn flat(reply: Value) -> Value {
    match reply {
        Value::Map(pairs) => Value::Array(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()),
        reply => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_hash_tag_decides_about_a_pattern() {
        assert_eq!(tagged(b"chatkeep:{u-ada}:s:*"), Some(&b"chatkeep:{u-ada}"[..]));
        for pattern in ["*", "a*{u}:*", "{}:*", "{u*}:x", "a}b{c}", "{u"] {
            assert_eq!(tagged(pattern.as_bytes()), None, "{pattern}");
        }
    }
}
