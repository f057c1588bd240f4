//! One call to Redis, and its body in Upstash's REST form.

use crate::redis::Script;

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
}

impl Call {
    /// The body of `POST /`: a flat JSON array. A script is called by its SHA-1; see [`Call::body_with_source`].
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Call::Command(words) => array(words.iter().map(String::as_str)),
            Call::Script { script, .. } => self.script_body("EVALSHA", script.sha1),
        }
    }

    /// The body for a server that does not know the script yet: it carries the source. A plain command's is [`Call::body`].
    #[must_use]
    pub fn body_with_source(&self) -> String {
        match self {
            Call::Command(_) => self.body(),
            Call::Script { script, .. } => self.script_body("EVAL", script.source),
        }
    }

    fn script_body(&self, command: &str, script: &str) -> String {
        let Call::Script { keys, arguments, .. } = self else { return String::new() };
        let count = keys.len().to_string();
        array(
            [command, script, &count]
                .into_iter()
                .chain(keys.iter().map(String::as_str))
                .chain(arguments.iter().map(String::as_str)),
        )
    }
}

/// The body of the call that asks whether Redis is there.
#[must_use]
pub fn ping() -> String {
    array(["PING"].into_iter())
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
}
