//! What goes wrong with a responder, and what it says of it itself.

use crate::error::{Code, Problem};
use crate::json;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest time to wait that a responder's `Retry-After` is believed, in seconds.
const MAX_RETRY_AFTER: u64 = 3600;

/// How much of an answer that is an error is read, in bytes.
pub const MAX_ERROR_BYTES: usize = 64 * 1024;

/// What went wrong with a responder: the problem's code and what to say of it, which never quotes the responder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The problem's code.
    pub code: Code,
    /// For people.
    pub detail: String,
    /// When the responder wants to be asked again, in seconds.
    pub retry_after: Option<u64>,
    /// The type and the code of the responder's error, for the log.
    pub cause: Option<String>,
}

impl Failure {
    /// A failure with its code and what to say of it.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, cause: None }
    }

    /// The responder answered with an error or nonsense.
    #[must_use]
    pub fn responder(detail: impl Into<String>) -> Self {
        Self::new(Code::ResponderFailed, detail)
    }

    /// The responder refuses with a status and a body. `who` is the responder.
    #[must_use]
    pub fn of_status(who: &str, status: u16, retry_after: u64, body: &str) -> Self {
        let code = match status {
            429 | 503 | 529 => Code::ResponderBusy,
            408 | 504 => Code::ResponderTimeout,
            _ => Code::ResponderFailed,
        };
        let cause = ErrorCause::of_body(body);
        let detail = match status {
            401 | 403 => format!("{who} refuses the key ({status})"),
            _ if cause.is_length() => format!("{who} says that the chat is too long for the model ({status})"),
            _ => format!("{who} answered {status}"),
        };
        let retry_after = (retry_after > 0).then(|| retry_after.min(MAX_RETRY_AFTER));
        Self { retry_after, cause: cause.to_log(), ..Self::new(code, detail) }
    }

    /// The responder reports an error in an answer that began as a success.
    #[must_use]
    pub(super) fn of_error(who: &str, cause: &ErrorCause) -> Self {
        let failure = if cause.is_busy() {
            Self::new(Code::ResponderBusy, format!("{who} says that it is busy"))
        } else if cause.is_length() {
            Self::responder(format!("{who} says that the chat is too long for the model"))
        } else {
            Self::responder(format!("{who} reported an error"))
        };
        Self { cause: cause.to_log(), ..failure }
    }

    /// The problem that a turn has with it.
    #[must_use]
    pub fn problem(self) -> Problem {
        let problem = Problem::new(self.code).detail(self.detail);
        if self.code.retryable() { problem.retry_after(self.retry_after.unwrap_or(1)) } else { problem }
    }
}

/// The type and the code of an API's error. Its message is not read: it can quote what was said, or a key.
#[derive(Debug, Default)]
pub(super) struct ErrorCause {
    kind: Option<String>,
    code: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorMembers<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
}

impl ErrorCause {
    /// Of a body or an event: its `error`, or where there is none the whole.
    pub(super) fn of_body(json: &str) -> Self {
        let members: ErrorMembers = json::object(json).unwrap_or_default();
        members.error.map_or_else(|| Self::of_members(&members), Self::of_error)
    }

    /// Of an error, which may be an object or a text.
    pub(super) fn of_error(error: &RawValue) -> Self {
        json::object(error.get()).map(|members| Self::of_members(&members)).unwrap_or_default()
    }

    fn of_members(members: &ErrorMembers) -> Self {
        let word = |json: Option<&RawValue>| {
            let json = json?;
            let text = json::string(json).unwrap_or_else(|| json.get().to_owned());
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
            let fits = (1..=64).contains(&text.len()) && text.bytes().all(is_word);
            fits.then_some(text)
        };
        Self { kind: word(members.kind), code: word(members.code) }
    }

    fn has(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        [&self.kind, &self.code].into_iter().flatten().any(|word| is_meant(word))
    }

    fn is_busy(&self) -> bool {
        self.has(|word| {
            matches!(word, "429" | "503" | "529" | "rate_limit_exceeded" | "rate_limit_error" | "overloaded_error")
        })
    }

    fn is_length(&self) -> bool {
        self.has(|word| matches!(word, "context_length_exceeded" | "exceed_context_size_error"))
    }

    fn to_log(&self) -> Option<String> {
        match (&self.kind, &self.code) {
            (Some(kind), Some(code)) => Some(format!("{kind}/{code}")),
            (one, other) => one.clone().or_else(|| other.clone()),
        }
    }
}

/// Whether an answer's `error` member is an error.
pub(super) fn is_error(error: &RawValue) -> bool {
    !matches!(error.get(), "null" | "false" | "\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart_and_say_when_to_come_again() {
        let of = |status, seconds| Failure::of_status("the model's API", status, seconds, "");
        for (status, code) in [
            (429, Code::ResponderBusy),
            (529, Code::ResponderBusy),
            (500, Code::ResponderFailed),
            (302, Code::ResponderFailed),
            (401, Code::ResponderFailed),
            (504, Code::ResponderTimeout),
        ] {
            assert_eq!(of(status, 0).code, code);
        }
        let wait = |seconds| of(429, seconds).problem().retry_after;
        assert_eq!((wait(0), wait(7), wait(1_000_000)), (Some(1), Some(7), Some(3600)));
        assert_eq!(of(403, 0).detail, "the model's API refuses the key (403)");
    }

    #[test]
    fn the_type_and_the_code_of_an_error_are_for_the_log_and_its_message_is_not() {
        let cause = |body: &str| Failure::of_status("the model's API", 400, 0, body).cause;
        for (body, expected) in [
            (
                r#"{"error":{"message":"secret words","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
                Some("invalid_request_error/context_length_exceeded"),
            ),
            (
                r#"{"error":{"code":400,"message":"secret","type":"exceed_context_size_error"}}"#,
                Some("exceed_context_size_error/400"),
            ),
            (
                r#"{"object":"error","message":"secret","type":"invalid_request_message_order","code":"3230"}"#,
                Some("invalid_request_message_order/3230"),
            ),
            (r#"{"error":{"type":"Incorrect API key: sk-1","code":null}}"#, None),
            (r#"{"error":"secret"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(cause(body).as_deref(), expected, "{body}");
        }
        let long = Failure::of_status("the model's API", 400, 0, r#"{"error":{"code":"context_length_exceeded"}}"#);
        assert_eq!(long.detail, "the model's API says that the chat is too long for the model (400)");
    }
}
