//! What a handler answers, and how it becomes a response.

use crate::edge;
use chatkeep_model::accept::EVENT_STREAM;
use chatkeep_model::{Code, Problem};
use serde::Serialize;
use std::pin::Pin;

/// A piece of a streamed body: some text, nothing at the end, or why it broke off.
pub(crate) type Piece = Pin<Box<dyn Future<Output = Result<Option<String>, String>>>>;

/// The body of an answer.
pub(crate) enum Body {
    Text(String),
    /// A response of the vault's, handed on as it comes.
    Relayed(web_sys::Response),
    Stream(Box<dyn FnMut() -> Piece>),
}

/// A handler's answer.
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// The body is an object of an API's, to which a member can be added; not what a client stored.
    is_ours: bool,
    /// Not even that somebody was here is noted.
    pub(super) traceless: bool,
}

impl Answer {
    /// 200 and JSON.
    pub(super) fn json(body: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_string(body).map(Self::object).map_err(|_| Problem::new(Code::Internal))
    }

    /// 200 and JSON of an API's own, written already.
    pub(super) fn object(body: String) -> Self {
        Self { is_ours: true, ..Self::text(200, "application/json", body) }
    }

    /// Some text of a type.
    pub(crate) fn text(status: u16, media_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", media_type.to_owned())],
            body: Body::Text(body),
            is_ours: false,
            traceless: false,
        }
    }

    /// 204.
    pub(crate) fn empty() -> Self {
        Self::text(204, "text/plain", String::new())
    }

    /// What the vault answered.
    pub(super) fn relayed(response: web_sys::Response) -> Self {
        let status = response.status();
        Self { status, headers: Vec::new(), body: Body::Relayed(response), is_ours: false, traceless: false }
    }

    /// Whether the vault answered, which has said itself what its store tells clients.
    pub(super) fn is_relayed(&self) -> bool {
        matches!(self.body, Body::Relayed(_))
    }

    /// The head of an event stream, for who asks for no more.
    pub(super) fn event_stream_head() -> Self {
        Self::text(200, "text/event-stream; charset=utf-8", String::new())
    }

    /// Whether it is a stream of events.
    pub(super) fn is_event_stream(&self) -> bool {
        match &self.body {
            Body::Relayed(response) => edge::media_type(response).starts_with(EVENT_STREAM),
            _ => self.headers.iter().any(|(name, value)| *name == "content-type" && value.starts_with(EVENT_STREAM)),
        }
    }

    /// Without the stream, which ends at once.
    pub(super) fn without_stream(mut self) -> Self {
        self.body = match self.body {
            Body::Relayed(response) => Body::Relayed(edge::head_of(&response)),
            _ => Body::Text(String::new()),
        };
        self
    }

    /// With a further header.
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With further headers.
    pub(crate) fn with_headers(mut self, more: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.headers.extend(more);
        self
    }

    /// Of a request that leaves no trace.
    pub(super) fn without_trace(mut self) -> Self {
        self.traceless = true;
        self
    }

    /// With another body.
    pub(crate) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Says in the body, an object, that Redis has not got this yet.
    pub(super) fn degraded(mut self) -> Self {
        if let Body::Text(text) = &mut self.body
            && self.is_ours
            && let Some(members) = text.strip_prefix('{')
        {
            let comma = if members.starts_with('}') { "" } else { "," };
            *text = format!("{{\"degraded\":true{comma}{members}");
        }
        self
    }

    /// The response, with headers that every answer has.
    pub(crate) fn respond(self, common: Vec<(&'static str, String)>) -> web_sys::Response {
        let headers: Vec<_> = common.iter().chain(&self.headers).map(|(name, value)| (*name, value.as_str())).collect();
        match self.body {
            Body::Text(text) => edge::response(self.status, &headers, &text),
            Body::Relayed(response) => edge::dressed(&response, &headers),
            Body::Stream(pull) => edge::streamed(self.status, &headers, pull),
        }
    }
}

impl Answer {
    /// The refusal of a request, which operators find in the log by its id.
    pub(crate) fn refusal(problem: Problem, request_id: String) -> Self {
        let body = serde_json::to_string(&problem.body_of(request_id.clone())).unwrap_or_default();
        let mut answer = Self::text(problem.code.status(), "application/problem+json", body);
        answer.headers.extend(problem.retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        let name = if problem.code == Code::Unauthorized { "www-authenticate" } else { "allow" };
        answer.headers.extend(problem.instead.map(|instead| (name, instead)));
        answer.header("x-request-id", request_id)
    }
}
