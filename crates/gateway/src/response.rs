//! Responses in the dialect's envelope: status, content type, sync token, body.

use bytes::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use tokio::sync::mpsc;

use crate::body::Body;
use crate::reply::{self, Encoding, Outcome};
use crate::texts;

/// The header with the token that makes replicas catch up.
const SYNC_TOKEN: HeaderName = HeaderName::from_static("upstash-sync-token");
const ENCODING: &str = "Upstash-Encoding";
const FORMAT: &str = "Upstash-Response-Format";

/// The outcome, or outcomes, of a request, in the encoding of the response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    encoding: Encoding,
    body: Vec<u8>,
}

impl Answer {
    /// The answer to a single command: a failure is status 400.
    pub(crate) fn one(outcome: &Outcome, encoding: Encoding) -> Self {
        let status = match outcome {
            Outcome::Error(_) => StatusCode::BAD_REQUEST,
            Outcome::Reply(_) | Outcome::OversizeReply(_) => StatusCode::OK,
        };
        Self { status, encoding, body: reply::encode_one(outcome, encoding) }
    }

    /// The answer to a batch: failures are in their places, and the status is 200.
    pub(crate) fn all(outcomes: &[Outcome], encoding: Encoding) -> Self {
        Self { status: StatusCode::OK, encoding, body: reply::encode_all(outcomes, encoding) }
    }

    /// The response, with a sync token if something could have run.
    pub(crate) fn into_response(self, sync_token: Option<&str>) -> Response<Body> {
        let mut response = with_body(self.status, self.encoding.content_type(), self.body);
        if let Some(token) = sync_token.and_then(|token| HeaderValue::from_str(token).ok()) {
            response.headers_mut().insert(SYNC_TOKEN, token);
        }
        response
    }
}

/// The encoding that the headers ask for. The error is a text for status 400.
pub(crate) fn wanted_encoding(headers: &HeaderMap) -> Result<Encoding, String> {
    let value = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let base64 = match value(ENCODING).as_deref() {
        None | Some("") => false,
        Some("base64") => true,
        Some(other) => return Err(texts::invalid_header(ENCODING, other)),
    };
    match (value(FORMAT).as_deref(), base64) {
        (None | Some("json"), false) => Ok(Encoding::Json),
        (None | Some("json"), true) => Ok(Encoding::Base64),
        (Some("resp2"), false) => Ok(Encoding::Resp2),
        (Some("resp2"), true) => Err(texts::BASE64_WITH_RESP2.to_owned()),
        (Some(other), _) => Err(texts::invalid_header(FORMAT, other)),
    }
}

/// `{"error": text}`.
pub(crate) fn error(status: StatusCode, text: &str) -> Response<Body> {
    with_body(status, Encoding::Json.content_type(), reply::encode_error(text))
}

/// Text that isn't JSON.
pub(crate) fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    with_body(status, "text/plain; charset=utf-8", text)
}

/// Only a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A stream of events.
pub(crate) fn events(receiver: mpsc::Receiver<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::Events(receiver));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The answer to a browser that asks before it sends: anyone may, the token decides.
pub(crate) fn preflight(asked: &HeaderMap) -> Response<Body> {
    let any = HeaderValue::from_static("*");
    let echo = |name: HeaderName| asked.get(name).cloned().unwrap_or_else(|| any.clone());
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, echo(header::ORIGIN));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("HEAD, GET, POST, PUT"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, echo(header::ACCESS_CONTROL_REQUEST_HEADERS));
    response
}

fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(headers: &[(&'static str, &'static str)]) -> Result<Encoding, String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        wanted_encoding(&headers.collect::<HeaderMap>())
    }

    #[test]
    fn headers_choose_the_encoding() {
        assert_eq!(wanted(&[]), Ok(Encoding::Json));
        assert_eq!(wanted(&[("upstash-encoding", "base64")]), Ok(Encoding::Base64));
        assert_eq!(wanted(&[("upstash-response-format", "resp2")]), Ok(Encoding::Resp2));
        assert!(wanted(&[("upstash-encoding", "rot13")]).is_err());
        assert!(wanted(&[("upstash-response-format", "xml")]).is_err());
        assert!(wanted(&[("upstash-encoding", "base64"), ("upstash-response-format", "resp2")]).is_err());
    }

    #[test]
    fn statuses_follow_the_outcome() {
        let error = Outcome::Error("ERR".into());
        assert_eq!(Answer::one(&error, Encoding::Json).status, StatusCode::BAD_REQUEST);
        assert_eq!(Answer::one(&Outcome::OversizeReply("ERR".into()), Encoding::Json).status, StatusCode::OK);
        assert_eq!(Answer::all(&[error], Encoding::Json).status, StatusCode::OK);
    }
}
