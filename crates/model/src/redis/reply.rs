//! What Redis answers, and what its errors mean.

use crate::error::{Outage, StoreError};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A reply in RESP2's shapes, as Upstash's REST API gives them in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Text or status.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Nothing.
    Nil,
    /// Several.
    Array(Vec<Reply>),
}

/// Read straight from JSON's types. A derived `untagged` would first copy every value to try its variants on it, and replies
/// are most of what a turn parses.
impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReplyVisitor)
    }
}

struct ReplyVisitor;

impl<'de> Visitor<'de> for ReplyVisitor {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number, null or an array of those")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Reply, E> {
        Ok(Reply::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Reply, E> {
        Ok(Reply::Text(text))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Reply, E> {
        Ok(Reply::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Reply, E> {
        i64::try_from(number).map(Reply::Integer).map_err(E::custom)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Reply, E> {
        Ok(Reply::Nil)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Reply, A::Error> {
        let mut replies = Vec::new();
        while let Some(reply) = items.next_element()? {
            replies.push(reply);
        }
        Ok(Reply::Array(replies))
    }
}

/// A reply that the plan doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnexpectedReply;

impl From<UnexpectedReply> for StoreError {
    fn from(_: UnexpectedReply) -> Self {
        StoreError::UnexpectedReply
    }
}

/// What one HTTP answer of the REST API amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The reply.
    Reply(Reply),
    /// Redis doesn't have the script: call again with its source.
    ScriptUnknown,
    /// It failed.
    Failed(StoreError),
}

/// Reads an HTTP answer. An `error` counts whatever the status is: Upstash sends some with 200.
#[must_use]
pub fn read(status: u16, body: &str) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        result: Option<Reply>,
        error: Option<String>,
    }
    match serde_json::from_str::<Body>(body) {
        Ok(Body { error: Some(text), .. }) => classify(status, &text),
        Ok(Body { result, .. }) if status < 300 => Answer::Reply(result.unwrap_or(Reply::Nil)),
        _ => Answer::Failed(match status {
            401 | 403 => StoreError::Misconfigured("unauthorized"),
            404 | 405 => StoreError::Misconfigured("not_upstash_rest"),
            413 => StoreError::TooLarge,
            _ => StoreError::Unavailable(Outage::BadGateway),
        }),
    }
}

/// Tells Redis' and Upstash's error texts apart (Upstash: REST API and troubleshooting pages).
fn classify(status: u16, text: &str) -> Answer {
    let has = |part: &str| text.contains(part);
    let starts = |part: &str| text.starts_with(part);
    let error = if starts("NOSCRIPT") {
        return Answer::ScriptUnknown;
    } else if status == 401 || starts("WRONGPASS") || starts("NOAUTH") || has("unauthenticated") {
        StoreError::Misconfigured("unauthorized")
    } else if starts("NOPERM") || has("ACL failure in script") || has("The user executing the script can't") {
        StoreError::Misconfigured("no_permission")
    } else if has("gateway: Redis refuses the user") {
        StoreError::Misconfigured("redis_login_refused")
    } else if has("gateway: the certificate of Redis") {
        StoreError::Misconfigured("redis_certificate_not_trusted")
    } else if has("gateway: Redis does not speak TLS") {
        StoreError::Misconfigured("redis_tls_failed")
    } else if has("Command is not available") || has("unknown command") || has("not allowed in REST") {
        StoreError::Misconfigured("command_not_available")
    } else if status == 413 || has("max request size exceeded") || has("max single record size exceeded") {
        StoreError::TooLarge
    } else if has("max requests limit exceeded") || has("max daily request limit") || has("suspended") {
        StoreError::Unavailable(Outage::Quota)
    } else if starts("OOM") || has("OOM command not allowed") || has("DB capacity quota exceeded") {
        StoreError::Unavailable(Outage::OutOfMemory)
    } else if starts("READONLY") || starts("MISCONF") {
        StoreError::Unavailable(Outage::ReadOnly)
    } else if starts("LOADING") || starts("MASTERDOWN") || starts("CLUSTERDOWN") || starts("TRYAGAIN") || starts("BUSY")
    {
        StoreError::Unavailable(Outage::Loading)
    } else if status >= 500 {
        StoreError::Unavailable(Outage::BadGateway)
    } else {
        StoreError::UnexpectedReply
    };
    Answer::Failed(error)
}

impl Reply {
    /// Text.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is anything else.
    pub fn text(self) -> Result<String, UnexpectedReply> {
        if let Reply::Text(text) = self { Ok(text) } else { Err(UnexpectedReply) }
    }

    /// A number that is not negative: an integer, or text of digits as hashes hold them.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is anything else.
    pub fn number(self) -> Result<u64, UnexpectedReply> {
        match self {
            Reply::Integer(number) => u64::try_from(number).map_err(|_| UnexpectedReply),
            Reply::Text(digits) => digits.parse().map_err(|_| UnexpectedReply),
            _ => Err(UnexpectedReply),
        }
    }

    /// The items of an array, to be taken one by one.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is no array.
    pub fn items(self) -> Result<Items, UnexpectedReply> {
        if let Reply::Array(items) = self { Ok(Items(items.into_iter())) } else { Err(UnexpectedReply) }
    }

    /// An array of texts.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when it is anything else.
    pub fn texts(self) -> Result<Vec<String>, UnexpectedReply> {
        self.items()?.0.map(Reply::text).collect()
    }
}

/// The items of an array reply.
#[derive(Debug)]
pub struct Items(std::vec::IntoIter<Reply>);

impl Items {
    /// The next item.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when there is none.
    pub fn take(&mut self) -> Result<Reply, UnexpectedReply> {
        self.0.next().ok_or(UnexpectedReply)
    }

    /// The next item's text.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when there is none or it is no text.
    pub fn text(&mut self) -> Result<String, UnexpectedReply> {
        self.take()?.text()
    }

    /// The next item's number.
    ///
    /// # Errors
    /// [`UnexpectedReply`] when there is none or it is no number.
    pub fn number(&mut self) -> Result<u64, UnexpectedReply> {
        self.take()?.number()
    }

    /// Whether all items were taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read() {
        assert_eq!(read(200, r#"{"result":null}"#), Answer::Reply(Reply::Nil));
        assert_eq!(
            read(200, r#"{"result":["a",1,null,[]]}"#),
            Answer::Reply(Reply::Array(vec![
                Reply::Text("a".into()),
                Reply::Integer(1),
                Reply::Nil,
                Reply::Array(vec![])
            ]))
        );
    }

    #[test]
    fn errors_are_told_apart_whatever_the_status() {
        use Outage::{BadGateway, Loading, OutOfMemory, Quota, ReadOnly};
        use StoreError::{Misconfigured, TooLarge, Unavailable, UnexpectedReply};
        for (status, text, expected) in [
            (401, "WRONGPASS invalid or missing auth token.", Misconfigured("unauthorized")),
            (400, "ERR Protocol error: unauthenticated multibulk length", Misconfigured("unauthorized")),
            (400, "NOPERM this user has no permissions to run the 'evalsha' command", Misconfigured("no_permission")),
            (
                400,
                "ERR ACL failure in script: User u has no permissions to run the 'hset' command",
                Misconfigured("no_permission"),
            ),
            (503, "ERR gateway: Redis refuses the user or the password", Misconfigured("redis_login_refused")),
            (
                503,
                "ERR gateway: the certificate of Redis is not trusted",
                Misconfigured("redis_certificate_not_trusted"),
            ),
            (503, "ERR gateway: Redis does not speak TLS with us", Misconfigured("redis_tls_failed")),
            (400, "ERR Command is not available: 'EVALSHA'.", Misconfigured("command_not_available")),
            (413, "ERR max request size exceeded. Limit: 52428800, Actual: 60000028", TooLarge),
            (200, "ERR max request size exceeded. Limit: 10485760 bytes", TooLarge),
            (400, "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.", Unavailable(Quota)),
            (400, "ERR This database has been suspended for exceeding the defined budget limit.", Unavailable(Quota)),
            (400, "OOM command not allowed when used memory > 'maxmemory'.", Unavailable(OutOfMemory)),
            (400, "READONLY Writes are temporarily rejected due to server upgrade", Unavailable(ReadOnly)),
            (400, "LOADING Redis is loading the dataset in memory", Unavailable(Loading)),
            (503, "ERR gateway: Redis is not reachable", Unavailable(BadGateway)),
            (400, "WRONGTYPE Operation against a key holding the wrong kind of value", UnexpectedReply),
        ] {
            let body = serde_json::json!({ "error": text }).to_string();
            if let Misconfigured(name) = expected {
                assert!(StoreError::MISCONFIGURATIONS.contains(&name), "{name}");
            }
            assert_eq!(read(status, &body), Answer::Failed(expected), "{text}");
        }
        assert_eq!(read(400, r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#), Answer::ScriptUnknown);
        assert_eq!(read(530, "error code: 1016"), Answer::Failed(Unavailable(BadGateway)));
        assert_eq!(read(401, "nope"), Answer::Failed(Misconfigured("unauthorized")));
    }
}
