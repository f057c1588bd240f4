//! Where the service answers otherwise than Redis: what is changed in a command, and what is done with its reply.

use std::borrow::Cow;

use redis::{Cmd, Value};

use crate::command::Command;

/// What is done with the reply to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Adjustment {
    /// `SCRIPT LOAD`: the client gets the SHA1 of what it wrote.
    ScriptName(String),
    /// `COPY` of a key to itself: 0 instead of an error.
    CopyToItself,
    /// `SCAN ... WITHTYPE`: each key is followed by its type.
    AddTypes,
    /// `FCALL_RO`: a function that isn't flagged as reading runs as a script that may only read. Its arguments.
    ReadOnlyFunction(Vec<Vec<u8>>),
    /// `XREADGROUP ... NOACK` makes no consumer.
    ForgetReader {
        /// The consumer's group.
        group: Vec<u8>,
        /// Its name.
        consumer: Vec<u8>,
        /// The keys of the streams.
        streams: Vec<Vec<u8>>,
    },
}

/// Changes a command into what Redis understands, and says what its reply needs.
pub(crate) fn adjust(command: &mut Command<'_>) -> Option<Adjustment> {
    match command.name.as_str() {
        "copy" => copies_to_itself(command).then_some(Adjustment::CopyToItself),
        "scan" => remove_option(command, 1, b"withtype").then_some(Adjustment::AddTypes),
        "xtrim" => {
            // The service trims exactly. With LIMIT the trimming is meant to stop early.
            if command.arguments.len() == 4 && command.argument(2) == Some(b"~") {
                command.arguments.remove(2);
            }
            None
        }
        "xreadgroup" => read_group(command),
        "fcall_ro" => {
            Some(Adjustment::ReadOnlyFunction(command.arguments.iter().map(|argument| argument.to_vec()).collect()))
        }
        _ => None,
    }
}

fn copies_to_itself(command: &Command<'_>) -> bool {
    let is_elsewhere = command.arguments.iter().skip(2).any(|option| option.eq_ignore_ascii_case(b"db"));
    command.arguments.len() >= 2 && command.argument(0) == command.argument(1) && !is_elsewhere
}

/// Removes an option without a value from among options that have one; false where it isn't there.
fn remove_option(command: &mut Command<'_>, first: usize, name: &[u8]) -> bool {
    let found = (first..command.arguments.len()).step_by(2).find(|at| is(command, *at, name));
    found.map(|at| command.arguments.remove(at)).is_some()
}

/// Takes `BLOCK` away, because the connection is everybody's: a client that waits asks again.
fn read_group(command: &mut Command<'_>) -> Option<Adjustment> {
    let (mut at, mut acknowledges) = (3, true);
    while !is(command, at, b"streams") {
        if is(command, at, b"block") && at + 1 < command.arguments.len() {
            command.arguments.drain(at..at + 2);
        } else if is(command, at, b"noack") {
            acknowledges = false;
            at += 1;
        } else if is(command, at, b"count") {
            at += 2;
        } else {
            return None; // Redis has the words for what is wrong with it.
        }
    }
    let keys_and_ids = command.arguments.get(at + 1..)?;
    let streams = keys_and_ids.get(..keys_and_ids.len() / 2)?.iter().map(|key| key.to_vec()).collect();
    let (group, consumer) = (command.argument(1)?.to_vec(), command.argument(2)?.to_vec());
    (!acknowledges).then_some(Adjustment::ForgetReader { group, consumer, streams })
}

fn is(command: &Command<'_>, at: usize, word: &[u8]) -> bool {
    command.argument(at).is_some_and(|argument| argument.eq_ignore_ascii_case(word))
}

/// Whether Redis doesn't run a function by `FCALL_RO` because it isn't flagged as reading.
pub(crate) fn may_write(error: &str) -> bool {
    error.contains("with write flag using *_ro")
}

/// Asks for all functions and their code.
pub(crate) fn list_functions() -> Cmd {
    let mut list = redis::cmd("FUNCTION");
    list.arg("LIST").arg("WITHCODE");
    list
}

/// The script that runs a function of these libraries, and may only read. Nothing where there is no such function.
pub(crate) fn reading_script(libraries: &Value, arguments: &[Vec<u8>]) -> Option<Cmd> {
    let (name, rest) = arguments.split_first()?;
    let Value::Array(libraries) = libraries else { return None };
    let code = libraries.iter().find_map(|library| {
        let Value::Array(functions) = field(library, b"functions")? else { return None };
        let has_it = functions.iter().any(|function| field(function, b"name").and_then(bytes) == Some(name));
        field(library, b"library_code").filter(|_| has_it).and_then(bytes)
    })?;
    let (name, code) = (std::str::from_utf8(name).ok()?, String::from_utf8_lossy(code));
    // The first line names the library's engine; the others register its functions.
    let (_, code) = code.split_once('\n')?;
    let mut script = redis::cmd("EVAL_RO");
    script.arg(format!(
        "local called = {{}} local redis = setmetatable({{register_function = function(f, g) \
         if type(f) == 'table' then called[f.function_name] = f.callback else called[f] = g end end}}, \
         {{__index = redis}}) local server = redis local function load()\n{code}\nend load() \
         return called['{name}'](KEYS, ARGV)"
    ));
    for argument in rest {
        script.arg(argument.as_slice());
    }
    Some(script)
}

/// Removes a consumer that has nothing pending.
const FORGET_READER: &str = "for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do \
     if consumer[2] == ARGV[2] and consumer[4] == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end end";

/// Removes a reader that acknowledges nothing from the group of a stream.
pub(crate) fn forget_reader(stream: &[u8], group: &[u8], consumer: &[u8]) -> Cmd {
    let mut script = redis::cmd("EVAL");
    script.arg(FORGET_READER).arg(1).arg(stream).arg(group).arg(consumer);
    script
}

/// The keys in a page of `SCAN`.
pub(crate) fn scanned_keys(page: &Value) -> Vec<Vec<u8>> {
    let Value::Array(parts) = page else { return Vec::new() };
    let Some(Value::Array(keys)) = parts.get(1) else { return Vec::new() };
    keys.iter().filter_map(bytes).map(<[u8]>::to_vec).collect()
}

/// A page of `SCAN` in which each key is followed by its type.
pub(crate) fn with_types(page: Value, types: Vec<Value>) -> Value {
    match page {
        Value::Array(mut parts) => {
            if let Some(Value::Array(keys)) = parts.get_mut(1) {
                *keys = std::mem::take(keys).into_iter().zip(types).flat_map(|(key, kind)| [key, kind]).collect();
            }
            Value::Array(parts)
        }
        other => other,
    }
}

/// The value behind a name, where RESP2 has a map as a list.
fn field<'a>(map: &'a Value, name: &[u8]) -> Option<&'a Value> {
    let Value::Array(entries) = map else { return None };
    entries.chunks_exact(2).find_map(|pair| match pair {
        [key, value] if bytes(key) == Some(name) => Some(value),
        _ => None,
    })
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// `XREAD` with `BLOCK`, which can only stand before `STREAMS`; and what is left of one in `XREADGROUP`.
pub(crate) fn reads_blocking(command: &Command<'_>) -> bool {
    // XREADGROUP begins with GROUP and two names, which may be anything.
    let names = match command.name.as_str() {
        "xread" => 0,
        "xreadgroup" => 3,
        _ => return false,
    };
    let mut options =
        command.arguments.iter().skip(names).map(Cow::as_ref).take_while(|word| !word.eq_ignore_ascii_case(b"streams"));
    options.any(|word| word.eq_ignore_ascii_case(b"block"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adjusted(words: &[&'static str]) -> (String, Option<Adjustment>) {
        let words = words.iter().map(|word| Cow::Borrowed(word.as_bytes()));
        let mut command = Command::from_words(words).unwrap();
        let adjustment = adjust(&mut command);
        let left: Vec<_> = command.arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        (left.join(" "), adjustment)
    }

    #[test]
    fn a_copy_to_itself_is_told_from_others() {
        assert_eq!(adjusted(&["COPY", "k", "k", "REPLACE"]).1, Some(Adjustment::CopyToItself));
        assert_eq!(adjusted(&["COPY", "k", "other"]).1, None);
        assert_eq!(adjusted(&["COPY", "k", "k", "DB", "1"]).1, None);
        assert_eq!(adjusted(&["COPY", "k"]).1, None);
    }

    #[test]
    fn options_that_redis_does_not_know_are_taken_away() {
        let scan = adjusted(&["SCAN", "0", "MATCH", "withtype", "withType", "COUNT", "5"]);
        assert_eq!(scan, ("0 MATCH withtype COUNT 5".to_owned(), Some(Adjustment::AddTypes)));
        assert_eq!(adjusted(&["SCAN", "0", "MATCH", "withtype"]).1, None);
        assert_eq!(adjusted(&["XTRIM", "s", "MAXLEN", "~", "30"]).0, "s MAXLEN 30");
        assert_eq!(adjusted(&["XTRIM", "s", "MAXLEN", "~", "30", "LIMIT", "9"]).0, "s MAXLEN ~ 30 LIMIT 9");
    }

    #[test]
    fn a_group_is_read_without_waiting() {
        let read = ["XREADGROUP", "GROUP", "block", "c", "COUNT", "1", "BLOCK", "5000", "STREAMS", "block", ">"];
        assert_eq!(adjusted(&read), ("GROUP block c COUNT 1 STREAMS block >".to_owned(), None));
        let (left, adjustment) = adjusted(&["XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "a", "b", ">", ">"]);
        assert_eq!(left, "GROUP g c NOACK STREAMS a b > >");
        let streams = vec![b"a".to_vec(), b"b".to_vec()];
        assert_eq!(
            adjustment,
            Some(Adjustment::ForgetReader { group: b"g".to_vec(), consumer: b"c".to_vec(), streams })
        );
        for wrong in [&["XREADGROUP"][..], &["XREADGROUP", "GROUP", "g", "c", "BLOCK"], &["XREADGROUP", "x", "STREAMS"]]
        {
            assert_eq!(adjusted(wrong).1, None);
        }
    }
}
