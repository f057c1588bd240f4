//! From Redis replies to response bodies: JSON, JSON with base64 strings, or RESP2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use redis::Value;

use crate::nesting::is_cut;
use crate::texts;

/// How a client wants its replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// JSON strings; what isn't UTF-8 is replaced.
    Json,
    /// JSON with every string in base64, except the status OK.
    Base64,
    /// The bytes that a Redis connection would have carried.
    Resp2,
}

impl Encoding {
    /// The content type of a body in this encoding.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Base64 => "application/json; charset=utf-8",
            Self::Resp2 => "application/octet-stream",
        }
    }
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It ran.
    Reply(Value),
    /// It didn't run, or failed; the text is for the client.
    Error(String),
    /// It ran, but its reply is over the limit. The service says so with status 200.
    OversizeReply(String),
}

impl Outcome {
    /// The outcome that a reply stands for. A reply over `limit` bytes is refused as the service refuses it.
    pub(crate) fn of(reply: Value, limit: usize) -> Self {
        if let Value::ServerError(error) = &reply {
            return Self::Error(error_text(error));
        }
        if is_cut(&reply) {
            return Self::Error(texts::TOO_DEEP.to_owned());
        }
        match reply_size(&reply) {
            size if size > limit => Self::OversizeReply(texts::too_large(limit, size)),
            _ => Self::Reply(reply),
        }
    }
}

/// The body for one outcome.
pub(crate) fn encode_one(outcome: &Outcome, encoding: Encoding) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    write_outcome(&mut body, outcome, encoding);
    body
}

/// The body for the outcomes of a batch.
pub(crate) fn encode_all(outcomes: &[Outcome], encoding: Encoding) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 * outcomes.len() + 2);
    if encoding == Encoding::Resp2 {
        outcomes.iter().for_each(|outcome| write_outcome(&mut body, outcome, encoding));
    } else {
        write_list(&mut body, outcomes, |body, outcome| write_outcome(body, outcome, encoding));
    }
    body
}

/// The body `{"error": text}`.
pub(crate) fn encode_error(text: &str) -> Vec<u8> {
    encode_one(&Outcome::Error(text.to_owned()), Encoding::Json)
}

/// The text of an error as Redis wrote it.
pub(crate) fn error_text(error: &redis::ServerError) -> String {
    match error.details() {
        _ if error.code() == "NOSCRIPT" => texts::NO_SCRIPT.to_owned(),
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}

fn write_outcome(body: &mut Vec<u8>, outcome: &Outcome, encoding: Encoding) {
    match (outcome, encoding) {
        (Outcome::Reply(value), Encoding::Resp2) => write_resp2(body, value),
        (Outcome::Error(text) | Outcome::OversizeReply(text), Encoding::Resp2) => write_line(body, b'-', text),
        (Outcome::Reply(value), _) => {
            body.extend_from_slice(b"{\"result\":");
            write_json(body, value, encoding);
            body.push(b'}');
        }
        (Outcome::Error(text) | Outcome::OversizeReply(text), _) => {
            body.extend_from_slice(b"{\"error\":");
            write_json_text(body, text);
            body.push(b'}');
        }
    }
}

fn write_json(body: &mut Vec<u8>, value: &Value, encoding: Encoding) {
    match value {
        Value::Nil => body.extend_from_slice(b"null"),
        Value::Int(number) => body.extend_from_slice(number.to_string().as_bytes()),
        Value::Okay => body.extend_from_slice(b"\"OK\""),
        Value::SimpleString(text) => write_string(body, text.as_bytes(), encoding),
        Value::BulkString(bytes) => write_string(body, bytes, encoding),
        Value::Array(items) => write_list(body, items, |body, item| write_json(body, item, encoding)),
        Value::ServerError(error) => write_json_text(body, &error_text(error)),
        // The connection speaks RESP2, which has no other types.
        _ => body.extend_from_slice(b"null"),
    }
}

fn write_list<T>(body: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    body.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            body.push(b',');
        }
        write(body, item);
    }
    body.push(b']');
}

fn write_string(body: &mut Vec<u8>, bytes: &[u8], encoding: Encoding) {
    if encoding != Encoding::Base64 {
        return write_json_text(body, &String::from_utf8_lossy(bytes));
    }
    body.push(b'"');
    let start = body.len();
    body.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // Can't fail: the slice has exactly the length that padded base64 takes.
    let written = body.get_mut(start..).and_then(|room| STANDARD.encode_slice(bytes, room).ok());
    body.truncate(start + written.unwrap_or_default());
    body.push(b'"');
}

fn write_json_text(body: &mut Vec<u8>, text: &str) {
    // Can't fail: a Vec takes all bytes, and a str is always JSON.
    let _ = serde_json::to_writer(body, text);
}

fn write_resp2(body: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => write_line(body, b':', &number.to_string()),
        Value::Okay => write_line(body, b'+', "OK"),
        Value::SimpleString(text) => write_line(body, b'+', text),
        Value::BulkString(bytes) => {
            write_line(body, b'$', &bytes.len().to_string());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        Value::Array(items) => {
            write_line(body, b'*', &items.len().to_string());
            items.iter().for_each(|item| write_resp2(body, item));
        }
        Value::ServerError(error) => write_line(body, b'-', &error_text(error)),
        _ => body.extend_from_slice(b"$-1\r\n"),
    }
}

fn write_line(body: &mut Vec<u8>, kind: u8, text: &str) {
    body.push(kind);
    body.extend_from_slice(text.as_bytes());
    body.extend_from_slice(b"\r\n");
}

/// Bytes of data in a reply, without what any encoding adds.
fn reply_size(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) => bytes.len(),
        Value::SimpleString(text) => text.len(),
        Value::Array(items) => items.iter().map(reply_size).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: Value, encoding: Encoding) -> String {
        String::from_utf8(encode_one(&Outcome::Reply(value), encoding)).unwrap()
    }

    fn bulk(bytes: &[u8]) -> Value {
        Value::BulkString(bytes.to_vec())
    }

    #[test]
    fn json_has_the_resp2_shapes() {
        assert_eq!(encoded(Value::Nil, Encoding::Json), r#"{"result":null}"#);
        assert_eq!(encoded(Value::Int(i64::MAX), Encoding::Json), r#"{"result":9223372036854775807}"#);
        assert_eq!(encoded(Value::Okay, Encoding::Json), r#"{"result":"OK"}"#);
        let nested = Value::Array(vec![bulk("\"é\n".as_bytes()), Value::Array(vec![]), Value::Nil]);
        assert_eq!(encoded(nested, Encoding::Json), r#"{"result":["\"é\n",[],null]}"#);
    }

    #[test]
    fn json_replaces_what_is_not_utf8() {
        assert_eq!(encoded(bulk(b"a\xff"), Encoding::Json), "{\"result\":\"a\u{FFFD}\"}");
    }

    #[test]
    fn base64_spares_only_the_status_ok() {
        assert_eq!(encoded(Value::Okay, Encoding::Base64), r#"{"result":"OK"}"#);
        assert_eq!(encoded(bulk(b"OK"), Encoding::Base64), r#"{"result":"T0s="}"#);
        assert_eq!(encoded(Value::SimpleString("PONG".into()), Encoding::Base64), r#"{"result":"UE9ORw=="}"#);
        assert_eq!(encoded(bulk(b""), Encoding::Base64), r#"{"result":""}"#);
        let list = Value::Array(vec![bulk(b"bar"), Value::Int(1), Value::Okay, bulk(b"\xff\x00")]);
        assert_eq!(encoded(list, Encoding::Base64), r#"{"result":["YmFy",1,"OK","/wA="]}"#);
    }

    #[test]
    fn resp2_is_what_a_connection_carries() {
        let list = Value::Array(vec![bulk(b"a\xff"), Value::Nil, Value::Int(-1), Value::Okay]);
        assert_eq!(encode_one(&Outcome::Reply(list), Encoding::Resp2), b"*4\r\n$2\r\na\xff\r\n$-1\r\n:-1\r\n+OK\r\n");
        assert_eq!(encode_one(&Outcome::Error("ERR no".into()), Encoding::Resp2), b"-ERR no\r\n");
    }

    #[test]
    fn batches_keep_errors_in_their_place() {
        let outcomes = [Outcome::Reply(Value::Okay), Outcome::Error("ERR \"x\"".into())];
        let body = encode_all(&outcomes, Encoding::Base64);
        assert_eq!(String::from_utf8(body).unwrap(), r#"[{"result":"OK"},{"error":"ERR \"x\""}]"#);
    }

    #[test]
    fn refuses_a_reply_over_the_limit() {
        let reply = Value::Array(vec![bulk(b"12345"), bulk(b"67890")]);
        assert!(matches!(Outcome::of(reply.clone(), 10), Outcome::Reply(_)));
        assert!(
            matches!(Outcome::of(reply, 9), Outcome::OversizeReply(text) if text.contains("Limit: 9 bytes, Actual: 10 bytes"))
        );
    }

    #[test]
    fn a_script_that_is_not_there_has_one_text_whatever_the_server_says() {
        for said in ["-NOSCRIPT No matching script.\r\n", "-NOSCRIPT No matching script. Please use EVAL.\r\n"] {
            let reply = redis::parse_redis_value(said.as_bytes()).unwrap();
            let outcome = Outcome::of(reply, 1000);
            assert_eq!(outcome, Outcome::Error("NOSCRIPT No matching script. Please use EVAL.".to_owned()));
        }
    }
}
