//! One call to Redis, and its body in Upstash's REST form.

use crate::redis::Script;
use crate::redis::script::stock_source;

/// A command or a script call. Every call in Chatkeep may be repeated: writes carry the id of their turn or operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A plain command with its arguments.
    Command(Vec<String>),
    /// A script with its keys and arguments.
    Script {
        /// Which.
        script: &'static Script,
        /// `KEYS`.
        keys: Vec<String>,
        /// `ARGV`.
        arguments: Vec<String>,
    },
    /// A script that is always sent with its source: one too rare to be kept by its SHA-1.
    Source {
        /// Its Lua source.
        source: String,
        /// `KEYS`.
        keys: Vec<String>,
        /// `ARGV`.
        arguments: Vec<String>,
    },
}

/// How a script runs as an entry of a journal.
const JOURNAL: &str = include_str!("lua/journal.lua");

impl Call {
    /// The body of `POST /`: a flat JSON array. A script is called by its SHA-1; see [`Call::body_with_source`].
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Call::Script { script, keys, arguments } => script_body("EVALSHA", script.sha1, keys, arguments),
            _ => self.body_with_source(),
        }
    }

    /// The body for a server that does not know the script yet: it carries the source. A plain command's is [`Call::body`].
    #[must_use]
    pub fn body_with_source(&self) -> String {
        match self {
            Call::Command(words) => array(words.iter().map(String::as_str)),
            Call::Script { script, keys, arguments } => script_body("EVAL", script.source, keys, arguments),
            Call::Source { source, keys, arguments } => script_body("EVAL", source, keys, arguments),
        }
    }

    /// The call of a script as an entry of a journal; `place` are the last arguments of `lua/journal.lua`.
    #[must_use]
    pub fn journaled(self, place: [String; 4]) -> Self {
        let Call::Script { script, keys, mut arguments } = self else { return self };
        let (flags, rest) = script.source.split_once('\n').unwrap_or(("", script.source));
        let source = format!("{flags}\nlocal function operation(KEYS, ARGV)\n{rest}\nend\n{JOURNAL}");
        arguments.extend(place);
        Call::Source { source, keys, arguments }
    }

    /// The body for a server that doesn't know the flag `allow-key-locking`; `sha1` is the digest of a script's
    /// [`Script::stock_source`].
    #[must_use]
    pub fn stock_body(&self, sha1: impl FnOnce(&'static Script) -> String) -> String {
        match self {
            Call::Script { script, keys, arguments } => script_body("EVALSHA", &sha1(script), keys, arguments),
            _ => self.stock_body_with_source(),
        }
    }

    /// The same with the source.
    #[must_use]
    pub fn stock_body_with_source(&self) -> String {
        match self {
            Call::Command(words) => array(words.iter().map(String::as_str)),
            Call::Script { script, keys, arguments } => {
                script_body("EVAL", &stock_source(script.source), keys, arguments)
            }
            Call::Source { source, keys, arguments } => script_body("EVAL", &stock_source(source), keys, arguments),
        }
    }

    /// The bytes that its arguments have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let words = match self {
            Call::Command(words) => words,
            Call::Script { arguments, .. } | Call::Source { arguments, .. } => arguments,
        };
        words.iter().map(|word| word.len() as u64).sum()
    }

    /// Whether it may change something.
    #[must_use]
    pub fn writes(&self) -> bool {
        let source = match self {
            Call::Command(_) => return false,
            Call::Script { script, .. } => script.source,
            Call::Source { source, .. } => source,
        };
        !source.starts_with("#!lua flags=no-writes")
    }
}

fn script_body(command: &str, script: &str, keys: &[String], arguments: &[String]) -> String {
    let count = keys.len().to_string();
    let words = [command, script, &count].into_iter();
    array(words.chain(keys.iter().map(String::as_str)).chain(arguments.iter().map(String::as_str)))
}

/// The command that asks whether Redis is there.
pub const PING: &str = "PING";

/// The body of that call.
#[must_use]
pub fn ping() -> String {
    array([PING].into_iter())
}

fn array<'a>(words: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut body = String::with_capacity(words.clone().map(|word| word.len() + 16).sum());
    body.push('[');
    for (number, word) in words.enumerate() {
        if number > 0 {
            body.push(',');
        }
        // Serialising a str can't fail; were it to, the missing word would make Redis refuse the call.
        body.push_str(&serde_json::to_string(word).unwrap_or_default());
    }
    body.push(']');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: Script = Script { source: "return 1", sha1: "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" };

    #[test]
    fn calls_have_golden_bodies() {
        assert_eq!(Call::Command(vec!["GET".into(), "k\"ž".into()]).body(), r#"["GET","k\"ž"]"#);
        let call = Call::Script { script: &SCRIPT, keys: vec!["k".into()], arguments: vec!["a".into(), "1".into()] };
        assert_eq!(call.body(), r#"["EVALSHA","e0e1f9fabfc9d4800c877a703b823ac0578ff8db","1","k","a","1"]"#);
        assert_eq!(call.body_with_source(), r#"["EVAL","return 1","1","k","a","1"]"#);
        assert_eq!(ping(), r#"["PING"]"#);
    }

    #[test]
    fn a_journaled_script_runs_inside_a_function() {
        static WRITES: Script = Script { source: "#!lua flags=allow-key-locking\nreturn 1", sha1: "" };
        let call = Call::Script { script: &WRITES, keys: vec!["k".into()], arguments: vec!["a".into()] };
        assert!(call.writes());
        let Call::Source { source, arguments, .. } = call.journaled(["1", "0", "j", "7"].map(str::to_owned)) else {
            unreachable!("a script stays one");
        };
        let begin = "#!lua flags=allow-key-locking\nlocal function operation(KEYS, ARGV)\nreturn 1\nend\n";
        assert_eq!(source, format!("{begin}{JOURNAL}"));
        assert_eq!(arguments, ["a", "1", "0", "j", "7"]);
    }
}
