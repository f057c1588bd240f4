//! What a Redis says of itself.

use crate::redis::Call;
use crate::wire::RedisFigures;

/// The call that asks for it. A server may refuse it.
#[must_use]
pub fn info() -> Call {
    Call::Command(vec!["INFO".to_owned()])
}

/// Reads its answer: lines of a name, a colon and a value (<https://redis.io/docs/latest/commands/info/>). What it doesn't say stays absent.
#[must_use]
pub fn figures(text: &str) -> RedisFigures {
    let value = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
    let number = |name: &str| value(name)?.parse().ok();
    let keys = |line: &str| line.split_once(":keys=")?.1.split(',').next()?.parse::<u64>().ok();
    let databases: Vec<u64> = text.lines().filter(|line| line.starts_with("db")).filter_map(keys).collect();
    RedisFigures {
        version: value("redis_version").map(str::to_owned),
        memory_bytes: number("used_memory"),
        // Redis has 0 for no limit.
        memory_limit_bytes: number("maxmemory").filter(|bytes| *bytes > 0),
        eviction_policy: value("maxmemory_policy").map(str::to_owned),
        evicted_keys: number("evicted_keys"),
        expired_keys: number("expired_keys"),
        hits: number("keyspace_hits"),
        misses: number("keyspace_misses"),
        keys: (!databases.is_empty()).then(|| databases.iter().sum()),
        latency_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_where_they_are_there() {
        let text = "# Server\r\nredis_version:7.2.4\r\n# Memory\r\nused_memory:1000\r\nused_memory_human:1K\r\nmaxmemory:0\r\n\
            maxmemory_policy:volatile-ttl\r\nkeyspace_hits:5\r\n# Keyspace\r\ndb0:keys=3,expires=3,avg_ttl=1\r\ndb1:keys=4,expires=0\r\n";
        let figures = figures(text);
        assert_eq!((figures.version.as_deref(), figures.memory_bytes), (Some("7.2.4"), Some(1000)));
        assert_eq!((figures.memory_limit_bytes, figures.eviction_policy.as_deref()), (None, Some("volatile-ttl")));
        assert_eq!((figures.hits, figures.misses, figures.keys), (Some(5), None, Some(7)));
        assert_eq!(super::figures("nonsense"), RedisFigures::default());
    }
}
