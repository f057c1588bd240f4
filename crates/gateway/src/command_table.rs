//! Which commands exist and which of them write: asked of the Redis at hand, so that its version and modules count.

use std::collections::{HashMap, HashSet};

use redis::Value;

/// The commands of one Redis.
#[derive(Debug, Default)]
pub(crate) struct CommandTable {
    /// Empty if Redis doesn't tell, for instance because the login may not ask.
    kinds: HashMap<String, Kind>,
    /// Those that Redis itself says manage it.
    managing: HashSet<String>,
}

/// What a command does to data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only reads.
    Read,
    /// May write; scripts and functions count as writing.
    Write,
    /// Touches no data.
    Other,
}

impl CommandTable {
    /// Reads the reply of `COMMAND`; anything else gives the empty table.
    pub(crate) fn from_reply(reply: &Value) -> Self {
        let Value::Array(entries) = reply else { return Self::default() };
        let managing = entries.iter().filter(|entry| has_flag(entry, "admin")).filter_map(name_of).collect();
        Self { kinds: entries.iter().filter_map(read_entry).collect(), managing }
    }

    /// Whether the command exists, as far as is known.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains_key(name)
    }

    /// Whether the command manages the server.
    pub(crate) fn manages(&self, name: &str) -> bool {
        self.managing.contains(name)
    }

    /// Whether Redis listed the command.
    pub(crate) fn lists(&self, name: &str) -> bool {
        self.kinds.contains_key(name)
    }

    /// What the command does. A command that nothing is known about may write.
    pub(crate) fn kind(&self, name: &str) -> Kind {
        self.kinds.get(name).copied().unwrap_or(Kind::Write)
    }
}

fn read_entry(entry: &Value) -> Option<(String, Kind)> {
    let name = name_of(entry)?;
    let has = |flag: &str| has_flag(entry, flag);
    let kind = match name.as_str() {
        "eval" | "evalsha" | "fcall" | "function" => Kind::Write,
        _ if has("write") => Kind::Write,
        _ if has("readonly") => Kind::Read,
        _ => Kind::Other,
    };
    Some((name, kind))
}

fn name_of(entry: &Value) -> Option<String> {
    let Value::Array(fields) = entry else { return None };
    Some(text(fields.first()?)?.to_ascii_lowercase())
}

fn has_flag(entry: &Value, flag: &str) -> bool {
    let Value::Array(fields) = entry else { return false };
    let Some(Value::Array(flags)) = fields.get(2) else { return false };
    flags.iter().any(|value| text(value) == Some(flag))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, flags: &[&str]) -> Value {
        let flags = flags.iter().map(|flag| Value::SimpleString((*flag).into())).collect();
        Value::Array(vec![Value::BulkString(name.into()), Value::Int(2), Value::Array(flags)])
    }

    #[test]
    fn reads_what_redis_tells() {
        let table = CommandTable::from_reply(&Value::Array(vec![
            entry("get", &["readonly", "fast"]),
            entry("SET", &["write", "denyoom"]),
            entry("eval", &["noscript"]),
            entry("ping", &["fast"]),
            Value::Nil,
        ]));
        assert_eq!(table.kind("get"), Kind::Read);
        assert_eq!(table.kind("set"), Kind::Write);
        assert_eq!(table.kind("eval"), Kind::Write);
        assert_eq!(table.kind("ping"), Kind::Other);
        assert!(table.knows("get") && !table.knows("json.get"));
    }

    #[test]
    fn an_untold_table_knows_everything_and_trusts_nothing() {
        let table = CommandTable::from_reply(&Value::Nil);
        assert!(table.knows("anything"));
        assert_eq!(table.kind("get"), Kind::Write);
    }
}
