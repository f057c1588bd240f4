//! What the dialect lets through: refusals in its own words, and the changes a command needs before Redis sees it.

use std::borrow::Cow;

use hyper::StatusCode;

use crate::command::Command;
use crate::command_table::{CommandTable, Kind};
use crate::compatibility::{self, Adjustment};
use crate::script::ScriptAliases;
use crate::texts;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every command.
    Full,
    /// Commands that only read, without those that walk the whole database.
    ReadOnly,
}

/// The rules that hold for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// The commands of the Redis at hand.
    pub(crate) table: &'a CommandTable,
    /// Known script aliases.
    pub(crate) aliases: &'a ScriptAliases,
    /// What the token opens.
    pub(crate) access: Access,
    /// Bytes that a command may have.
    pub(crate) max_size: usize,
}

/// A command that may go to Redis.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// What is sent.
    pub(crate) packed: redis::Cmd,
    /// What is done with the reply, where the service would give another one.
    pub(crate) adjustment: Option<Adjustment>,
    /// Whether it may change data.
    pub(crate) writes: bool,
    /// Whether it would hold up every other client on a shared connection.
    pub(crate) waits: bool,
}

/// Why a command may not go to Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The text for the client.
    pub(crate) text: String,
    /// The status if the command is the whole request.
    pub(crate) status: StatusCode,
}

/// Commands about the connection itself, and those that block it.
const NOT_IN_REST: &[&str] = &[
    "auth",
    "multi",
    "exec",
    "discard",
    "watch",
    "unwatch",
    "hello",
    "reset",
    "quit",
    "select",
    "client",
    "monitor",
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "blpop",
    "brpop",
    "brpoplpush",
    "blmove",
    "blmpop",
    "bzpopmin",
    "bzpopmax",
    "bzmpop",
];

/// Commands that Redis has and the service doesn't list, among them all that manage the server.
const NOT_OFFERED: &[&str] = &[
    "acl",
    "asking",
    "bgrewriteaof",
    "bgsave",
    "cluster",
    "commandlog",
    "config",
    "debug",
    "failover",
    "lastsave",
    "latency",
    "lcs",
    "migrate",
    "module",
    "move",
    "object",
    "pfdebug",
    "pfselftest",
    "psync",
    "readonly",
    "readwrite",
    "replconf",
    "replicaof",
    "restore-asking",
    "role",
    "save",
    "shutdown",
    "slaveof",
    "slowlog",
    "sort",
    "sort_ro",
    "swapdb",
    "sync",
];

impl Rules<'_> {
    /// Decides about one command.
    pub(crate) fn admit(&self, mut command: Command<'_>) -> Result<Admitted, Refusal> {
        let name = command.name.as_str();
        if NOT_IN_REST.contains(&name) {
            return Err(Refusal::bad_request(texts::not_allowed_in_rest(&command.display_name())));
        }
        let adjustment = compatibility::adjust(&mut command);
        let name = command.name.as_str();
        if compatibility::reads_blocking(&command) {
            return Err(Refusal::bad_request(texts::not_allowed_in_rest(&command.display_name())));
        }
        if NOT_OFFERED.contains(&name) || self.table.manages(name) || !self.table.knows(name) || manages(&command) {
            return Err(Refusal::bad_request(texts::not_available(&command.display_name())));
        }
        let kind = self.table.kind(name);
        if self.access == Access::ReadOnly && !open_to_readers(name, kind) {
            return Err(Refusal::bad_request(texts::no_permission(&command.display_name().to_ascii_lowercase())));
        }
        let size = command.size();
        if size > self.max_size {
            let text = texts::too_large(self.max_size, size);
            return Err(Refusal { text, status: StatusCode::PAYLOAD_TOO_LARGE });
        }
        let waits = matches!(name, "wait" | "waitaof");
        let adjustment = self.replace_script(&mut command).map(Adjustment::ScriptName).or(adjustment);
        Ok(Admitted { packed: command.pack(), adjustment, writes: kind == Kind::Write, waits })
    }

    /// Takes the Upstash flag out of a script, and names scripts as Redis knows them.
    fn replace_script(&self, command: &mut Command<'_>) -> Option<String> {
        match command.name.as_str() {
            "eval" | "eval_ro" => {
                let body = command.arguments.first_mut()?;
                if let Some(stripped) = self.aliases.strip(body) {
                    *body = Cow::Owned(stripped.body);
                }
                None
            }
            "evalsha" | "evalsha_ro" => {
                self.resolve_sha(command.arguments.first_mut()?);
                None
            }
            "script" if command.has_subcommand("load") => {
                let body = command.arguments.get_mut(1)?;
                let stripped = self.aliases.strip(body)?;
                *body = Cow::Owned(stripped.body);
                Some(stripped.original_sha)
            }
            "script" if command.has_subcommand("exists") => {
                command.arguments.iter_mut().skip(1).for_each(|sha| self.resolve_sha(sha));
                None
            }
            _ => None,
        }
    }

    fn resolve_sha(&self, sha: &mut Cow<'_, [u8]>) {
        if let Some(known) = self.aliases.resolve(sha) {
            *sha = Cow::Owned(known.to_vec());
        }
    }
}

impl Refusal {
    /// Redis discarded the transaction, with this text.
    pub(crate) fn discarded(text: Option<String>) -> Self {
        Self::bad_request(text.unwrap_or_else(|| "EXECABORT Transaction discarded".to_owned()))
    }

    fn bad_request(text: String) -> Self {
        Self { text, status: StatusCode::BAD_REQUEST }
    }
}

/// Whether a subcommand is about the server, where others of its command are about data.
fn manages(command: &Command<'_>) -> bool {
    match command.name.as_str() {
        "memory" => !command.has_subcommand("usage"),
        "script" => command.has_subcommand("debug"),
        _ => false,
    }
}

fn open_to_readers(name: &str, kind: Kind) -> bool {
    match name {
        "scan" | "keys" => false,
        "ping" | "echo" | "time" => true,
        _ => kind == Kind::Read,
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn table() -> CommandTable {
        let entry = |(name, flag): &(&str, &str)| {
            let flags = Value::Array(vec![Value::SimpleString((*flag).into())]);
            Value::Array(vec![Value::BulkString(name.as_bytes().into()), Value::Int(1), flags])
        };
        let commands = [
            ("get", "readonly"),
            ("set", "write"),
            ("eval", "noscript"),
            ("evalsha", "noscript"),
            ("keys", "readonly"),
            ("script", "noscript"),
            ("ping", "fast"),
            ("xread", "readonly"),
            ("object", "readonly"),
            ("wait", "blocking"),
            ("config", "loading"),
            ("acl", "loading"),
            ("memory", "readonly"),
            ("newly-managing", "admin"),
        ];
        CommandTable::from_reply(&Value::Array(commands.iter().map(entry).collect()))
    }

    fn admit(access: Access, aliases: &ScriptAliases, words: &[&str]) -> Result<Admitted, Refusal> {
        let table = table();
        let rules = Rules { table: &table, aliases, access, max_size: 64 };
        rules.admit(Command::from_words(words.iter().map(|word| Cow::Owned(word.as_bytes().to_vec()))).unwrap())
    }

    fn refused(access: Access, words: &[&str]) -> Refusal {
        admit(access, &ScriptAliases::default(), words).unwrap_err()
    }

    #[test]
    fn refuses_in_the_dialects_words() {
        assert_eq!(
            refused(Access::Full, &["multi"]).text,
            "ERR Command \"MULTI\" is not allowed in REST or it has a special context path"
        );
        assert_eq!(
            refused(Access::Full, &["NotACmd"]).text,
            "ERR Command is not available: 'NOTACMD'. See \
             https://upstash.com/docs/redis/overall/rediscompatibility for details"
        );
        assert!(refused(Access::Full, &["OBJECT", "ENCODING", "k"]).text.contains("not available"));
        for words in [
            &["CONFIG", "GET", "*"][..],
            &["ACL", "LIST"],
            &["MEMORY", "STATS"],
            &["SCRIPT", "DEBUG", "YES"],
            &["NEWLY-MANAGING"],
        ] {
            assert!(refused(Access::Full, words).text.contains("not available"), "{words:?}");
        }
        for words in [&["MEMORY", "USAGE", "k"][..], &["SCRIPT", "FLUSH"]] {
            assert!(admit(Access::Full, &ScriptAliases::default(), words).is_ok(), "{words:?}");
        }
        assert!(
            refused(Access::Full, &["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]).text.contains("not allowed in REST")
        );
        assert!(admit(Access::Full, &ScriptAliases::default(), &["XREAD", "STREAMS", "block", "0"]).is_ok());
    }

    #[test]
    fn the_read_only_token_reads() {
        let aliases = ScriptAliases::default();
        assert!(admit(Access::ReadOnly, &aliases, &["get", "k"]).is_ok());
        assert!(admit(Access::ReadOnly, &aliases, &["PING"]).is_ok());
        for words in [&["SET", "k", "v"][..], &["KEYS", "*"], &["SCRIPT", "FLUSH"]] {
            assert!(refused(Access::ReadOnly, words).text.starts_with("NOPERM"), "{words:?}");
        }
        assert_eq!(
            refused(Access::ReadOnly, &["EVAL", "return 1", "0"]).text,
            "NOPERM this user has no permissions to run the 'eval' command or its subcommand"
        );
    }

    #[test]
    fn refuses_an_oversize_command() {
        let refusal = refused(Access::Full, &["SET", "k", &"v".repeat(64)]);
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(refusal.text.starts_with("ERR max request size exceeded. Limit: 64 bytes, Actual: 68 bytes."));
        assert!(admit(Access::Full, &ScriptAliases::default(), &["SET", "k", &"v".repeat(60)]).is_ok());
    }

    #[test]
    fn replaces_scripts_and_their_names() {
        let aliases = ScriptAliases::default();
        let body = "#!lua flags=allow-key-locking\nreturn 1";
        let sha = sha1_smol::Sha1::from(body).digest().to_string();
        let stripped_sha = sha1_smol::Sha1::from("\nreturn 1").digest().to_string();
        let sent = |words: &[&str]| {
            let admitted = admit(Access::Full, &aliases, words).unwrap();
            (String::from_utf8(admitted.packed.get_packed_command()).unwrap(), admitted.adjustment)
        };
        assert!(sent(&["EVALSHA", &sha, "0"]).0.contains(&sha));
        let (packed, adjustment) = sent(&["SCRIPT", "LOAD", body]);
        assert!(packed.ends_with("$9\r\n\nreturn 1\r\n"), "{packed}");
        assert_eq!(adjustment, Some(Adjustment::ScriptName(sha.clone())));
        assert!(sent(&["EVALSHA", &sha, "0"]).0.contains(&stripped_sha));
        assert!(sent(&["SCRIPT", "EXISTS", &sha]).0.contains(&stripped_sha));
        assert!(!sent(&["EVAL", body, "0"]).0.contains("allow-key-locking"));
    }

    #[test]
    fn tells_what_writes_and_what_waits() {
        let aliases = ScriptAliases::default();
        let set = admit(Access::Full, &aliases, &["set", "k", "v"]).unwrap();
        assert!(set.writes && !set.waits);
        assert!(!admit(Access::Full, &aliases, &["get", "k"]).unwrap().writes);
        assert!(admit(Access::Full, &aliases, &["wait", "1", "0"]).unwrap().waits);
    }
}
