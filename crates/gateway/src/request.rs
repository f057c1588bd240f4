//! From an HTTP request's path, query and body to commands. Nothing here knows what a command means.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::command::Command;
use crate::texts;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// `POST /` or the path form.
    Single(Command<'a>),
    /// `POST /pipeline`.
    Pipeline(Vec<Command<'a>>),
    /// `POST /multi-exec`.
    Transaction(Vec<Command<'a>>),
    /// `/subscribe/a/b` and `/psubscribe/a*`: a stream of events.
    Subscribe {
        /// Whether the names are patterns.
        patterns: bool,
        /// Channels or patterns.
        names: Vec<String>,
    },
    /// `/monitor`: every command that Redis gets, as a stream of events.
    Monitor,
}

/// How a path addresses the gateway; also what the access log calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The command is the body.
    Body,
    /// Several commands are the body.
    Pipeline,
    /// Several commands are the body and run as one.
    Transaction,
    /// The stream of one or more channels.
    Subscribe,
    /// The stream of one or more patterns.
    PatternSubscribe,
    /// The stream of all commands.
    Monitor,
    /// The command is the path.
    Path,
}

impl Form {
    /// The form that `path` has.
    pub(crate) fn of(path: &str) -> Self {
        match path.trim_end_matches('/') {
            "" => Self::Body,
            "/pipeline" => Self::Pipeline,
            "/multi-exec" => Self::Transaction,
            "/monitor" => Self::Monitor,
            path if path.starts_with("/subscribe/") => Self::Subscribe,
            path if path.starts_with("/psubscribe/") => Self::PatternSubscribe,
            _ => Self::Path,
        }
    }

    /// The name in the access log: never a part of the path, which can hold keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Body => "/",
            Self::Pipeline => "/pipeline",
            Self::Transaction => "/multi-exec",
            Self::Subscribe => "/subscribe",
            Self::PatternSubscribe => "/psubscribe",
            Self::Monitor => "/monitor",
            Self::Path => "path",
        }
    }
}

impl<'a> Request<'a> {
    /// The commands in it.
    pub(crate) fn commands(&self) -> &[Command<'a>] {
        match self {
            Self::Single(command) => std::slice::from_ref(command),
            Self::Pipeline(commands) | Self::Transaction(commands) => commands,
            Self::Subscribe { .. } | Self::Monitor => &[],
        }
    }
}

/// Reads a request. The error is the text for the client, with status 400.
pub(crate) fn parse<'a>(path: &'a str, query: Option<&'a str>, body: &'a [u8]) -> Result<Request<'a>, String> {
    match Form::of(path) {
        Form::Body => parse_command(text(body, texts::BAD_COMMAND)?, texts::EMPTY_COMMAND).map(Request::Single),
        Form::Pipeline => parse_commands(body).map(Request::Pipeline),
        Form::Transaction => parse_commands(body).map(Request::Transaction),
        Form::Subscribe => Ok(Request::Subscribe { patterns: false, names: stream_names(path) }),
        Form::PatternSubscribe => Ok(Request::Subscribe { patterns: true, names: stream_names(path) }),
        Form::Monitor => Ok(Request::Monitor),
        Form::Path => parse_path(path, query, body),
    }
}

/// The path form, whose body may be any bytes.
fn parse_path<'a>(path: &'a str, query: Option<&'a str>, body: &'a [u8]) -> Result<Request<'a>, String> {
    let mut words: Vec<Cow<'a, [u8]>> = segments(path).map(|segment| percent_decode_str(segment).into()).collect();
    if !body.is_empty() {
        words.push(Cow::Borrowed(body));
    }
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value)));
        let key = decode_query(key);
        if key.as_ref() == b"_token" {
            continue;
        }
        words.push(key);
        words.extend(value.map(decode_query));
    }
    Command::from_words(words).map(Request::Single).ok_or_else(|| texts::EMPTY_COMMAND.to_owned())
}

/// The value of the query parameter `_token`.
pub(crate) fn query_token(query: Option<&str>) -> Option<String> {
    let pairs = query?.split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == "_token")?.1;
    Some(String::from_utf8_lossy(&decode_query(value)).into_owned()).filter(|token| !token.is_empty())
}

/// The segments of a path, without the empty ones at its end: `/get/k/` is `/get/k`.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').trim_end_matches('/').split('/')
}

fn stream_names(path: &str) -> Vec<String> {
    segments(path).skip(1).map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

/// In a query, unlike in a path, `+` is a space.
fn decode_query(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        Cow::Owned(percent_decode_str(&text.replace('+', " ")).collect())
    } else {
        percent_decode_str(text).into()
    }
}

fn text<'a>(body: &'a [u8], malformed: &str) -> Result<&'a str, String> {
    std::str::from_utf8(body).map_err(|_| malformed.to_owned())
}

fn parse_commands(body: &[u8]) -> Result<Vec<Command<'_>>, String> {
    let items = parse_array(text(body, texts::BAD_PIPELINE)?, texts::BAD_PIPELINE)?;
    if items.is_empty() {
        return Err(texts::EMPTY_PIPELINE.to_owned());
    }
    items.into_iter().map(|item| parse_command(item.get(), texts::EMPTY_PIPELINE_COMMAND)).collect()
}

fn parse_command<'a>(json: &'a str, empty: &str) -> Result<Command<'a>, String> {
    let items = parse_array(json, texts::BAD_COMMAND)?;
    let words = items.into_iter().map(|item| parse_word(item.get())).collect::<Result<Vec<_>, _>>()?;
    Command::from_words(words).ok_or_else(|| empty.to_owned())
}

fn parse_array<'a>(json: &'a str, malformed: &str) -> Result<Vec<&'a RawValue>, String> {
    let json = json.trim_ascii();
    if json.is_empty() {
        return Err(texts::EMPTY_BODY.to_owned());
    }
    if !json.starts_with('[') {
        return Err(texts::NOT_AN_ARRAY.to_owned());
    }
    serde_json::from_str(json).map_err(|_| malformed.to_owned())
}

/// One argument. Numbers keep the characters they came with: a 64-bit integer doesn't survive a float.
fn parse_word(raw: &str) -> Result<Cow<'_, [u8]>, String> {
    match raw.as_bytes().first() {
        Some(b'"') => Ok(parse_string(raw)),
        Some(b'n') => Err(texts::NULL_ARGUMENT.to_owned()),
        Some(b'[') => Err(texts::unsupported_argument('[')),
        Some(b'{') => Err(texts::unsupported_argument('{')),
        _ => Ok(Cow::Borrowed(raw.as_bytes())),
    }
}

fn parse_string(raw: &str) -> Cow<'_, [u8]> {
    let inside = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    if !inside.contains('\\') {
        return Cow::Borrowed(inside.as_bytes());
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        // Only half of a surrogate pair gets here; JavaScript's JSON.stringify writes those as escapes.
        Err(_) => serde_json::from_str::<LooseString>(raw).map_or_else(|_| Cow::default(), |text| Cow::Owned(text.0)),
    }
}

/// A JSON string in which half a surrogate pair becomes U+FFFD instead of an error.
struct LooseString(Vec<u8>);

impl<'de> Deserialize<'de> for LooseString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = LooseString;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<LooseString, E> {
                Ok(LooseString(replace_surrogates(bytes)))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Replaces each encoded surrogate (`ED A0..BF xx`) by U+FFFD, which takes three bytes as well.
fn replace_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        if let [0xED, 0xA0..=0xBF, _, after @ ..] = rest {
            clean.extend_from_slice("\u{FFFD}".as_bytes());
            rest = after;
        } else {
            clean.push(first);
            rest = after;
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(request: Result<Request<'_>, String>) -> Vec<String> {
        match request.unwrap() {
            Request::Single(command) => std::iter::once(&command.typed_name)
                .chain(&command.arguments)
                .map(|word| String::from_utf8(word.to_vec()).unwrap())
                .collect(),
            other => panic!("not a single command: {other:?}"),
        }
    }

    #[test]
    fn body_form_keeps_numbers_as_they_are_written() {
        let body = r#"["SET","k",9007199254740993,9223372036854775807,1e3,-0.10,true,"EX","100"]"#;
        assert_eq!(
            words(parse("/", None, body.as_bytes())),
            ["SET", "k", "9007199254740993", "9223372036854775807", "1e3", "-0.10", "true", "EX", "100"]
        );
    }

    #[test]
    fn body_form_unescapes_strings() {
        assert_eq!(words(parse("/", None, r#" ["a\"b","\u00e9\ud83d\ude00","ж"] "#.as_bytes())), ["a\"b", "é😀", "ж"]);
        assert_eq!(words(parse("/", None, r#"["x\ud83dy","\ude00\\"]"#.as_bytes())), ["x\u{FFFD}y", "\u{FFFD}\\"]);
    }

    #[test]
    fn body_form_refuses_in_the_dialects_words() {
        let refused = |body: &str| parse("/", None, body.as_bytes()).unwrap_err();
        assert_eq!(refused(""), "EOF");
        assert_eq!(refused(" \n"), "EOF");
        assert_eq!(refused("{}"), "expected JSON array");
        assert_eq!(refused("nope"), "expected JSON array");
        assert_eq!(refused("[]"), "ERR empty command");
        assert_eq!(refused("[\"GET\","), "ERR failed to parse command");
        assert_eq!(refused(r#"["GET",null]"#), "ERR null args are not supported");
        assert_eq!(refused(r#"[["GET","k"]]"#), "ERR unsupported arg type: \"[\": json.Delim");
        assert_eq!(refused(r#"["GET",{}]"#), "ERR unsupported arg type: \"{\": json.Delim");
    }

    #[test]
    fn batches_hold_commands() {
        let body = r#"[["SET","a",1],["GET","a"]]"#;
        match parse("/pipeline", None, body.as_bytes()).unwrap() {
            Request::Pipeline(commands) => assert_eq!(commands.len(), 2),
            other => panic!("{other:?}"),
        }
        assert!(matches!(parse("/multi-exec/", None, body.as_bytes()), Ok(Request::Transaction(_))));
        assert_eq!(parse("/pipeline", None, b"[]").unwrap_err(), "ERR empty pipeline request");
        assert_eq!(parse("/pipeline", None, b"[[]]").unwrap_err(), "ERR empty pipeline command");
        assert_eq!(parse("/pipeline", None, b"[1]").unwrap_err(), "expected JSON array");
        assert_eq!(parse("/pipeline", None, b"[[").unwrap_err(), "ERR failed to parse pipeline request");
    }

    #[test]
    fn path_form_decodes_and_orders_words() {
        assert_eq!(
            words(parse("/set/a%2Fb/c+d", Some("EX=10&_token=t&NX"), b"")),
            ["set", "a/b", "c+d", "EX", "10", "NX"]
        );
        assert_eq!(words(parse("/set/k", Some("EX=10"), b"body")), ["set", "k", "body", "EX", "10"]);
        assert_eq!(words(parse("/echo", Some("a+b="), b"")), ["echo", "a b", ""]);
        assert_eq!(words(parse("/set/k//", None, b"")), ["set", "k"]);
    }

    #[test]
    fn path_form_takes_any_bytes_as_its_body() {
        match parse("/set/k", None, b"\xff\x00").unwrap() {
            Request::Single(command) => assert_eq!(command.argument(1), Some(&b"\xff\x00"[..])),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn streams_name_channels() {
        assert_eq!(
            parse("/psubscribe/a*/b%20c", None, b""),
            Ok(Request::Subscribe { patterns: true, names: vec!["a*".into(), "b c".into()] })
        );
    }

    #[test]
    fn query_tokens() {
        assert_eq!(query_token(Some("EX=1&_token=a%2Bb")).as_deref(), Some("a+b"));
        assert_eq!(query_token(Some("_token=")), None);
        assert_eq!(query_token(None), None);
    }
}
