//! `chatkeep stats`: what everybody's sessions come to.

use crate::client::{Client, Failure, given};
use crate::progress::bar;
use chatkeep_model::wire::{AdminStats, RedisFigures};

/// The figures: the answers' sums.
pub(crate) fn figures(client: &Client, owner: Option<&str>) -> Result<AdminStats, Failure> {
    let counted = bar(None, "sessions counted");
    let mut all: Option<AdminStats> = None;
    client.ask_all("GET", "/v1/admin/stats", &given(&[("owner", owner)]), |part: AdminStats| {
        let next = part.next_cursor.clone();
        match &mut all {
            None => all = Some(part),
            Some(all) => add(all, &part),
        }
        counted.set_position(all.as_ref().map_or(0, |all| all.sessions));
        Ok(next)
    })?;
    counted.finish_and_clear();
    let mut all = all.unwrap_or_default();
    all.next_cursor = None;
    Ok(all)
}

fn add(all: &mut AdminStats, part: &AdminStats) {
    all.owners += part.owners;
    all.sessions += part.sessions;
    all.messages += part.messages;
    all.bytes += part.bytes;
    all.expiring_soon += part.expiring_soon;
    for (sum, more) in all.ttl_left.iter_mut().zip(&part.ttl_left) {
        *sum += more;
    }
}

pub(crate) fn print(client: &Client, owner: Option<&str>, json: bool) -> Result<(), Failure> {
    let all = figures(client, owner)?;
    if json {
        println!("{}", serde_json::to_string(&all).unwrap_or_default());
        return Ok(());
    }
    let row = |name: &str, value: String| println!("{name:<16}{value}");
    row("namespace", all.namespace.clone());
    row("store", all.store.clone());
    row("owners", all.owners.to_string());
    row("sessions", all.sessions.to_string());
    row("messages", all.messages.to_string());
    row("bytes", bytes(all.bytes));
    row("expiring soon", format!("{} within {}", all.expiring_soon, time(all.soon_seconds)));
    let most = all.ttl_left.iter().max().copied().unwrap_or(0).max(1);
    let parts = all.ttl_left.len().max(1) as u64;
    for (at, count) in (0u64..).zip(&all.ttl_left) {
        let until = time(all.ttl_seconds * (at + 1) / parts);
        row(&format!("  under {until}"), format!("{count:>8} {}", "#".repeat((count * 40 / most) as usize)));
    }
    if let Some(redis) = &all.redis {
        print_redis(redis, row);
    }
    let (requests, turns) = all.activity.iter().fold((0, 0), |(r, t), at| (r + at.requests, t + at.turns));
    row("last hour", format!("{requests} requests, {turns} turns"));
    Ok(())
}

fn print_redis(redis: &RedisFigures, row: impl Fn(&str, String)) {
    let limit = redis.memory_limit_bytes.map_or("no limit".to_owned(), bytes);
    let known = |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
    row("redis", redis.version.clone().unwrap_or_default());
    row("  memory", format!("{} of {limit}", redis.memory_bytes.map_or("?".to_owned(), bytes)));
    row(
        "  eviction",
        format!("{}, {} keys so far", redis.eviction_policy.as_deref().unwrap_or("?"), known(redis.evicted_keys)),
    );
    row("  hits, misses", format!("{}, {}", known(redis.hits), known(redis.misses)));
    row("  latency", format!("{} ms", known(redis.latency_ms)));
}

/// Bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A time for people.
pub(crate) fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
