//! One line of JSON per request on standard error. No keys, no values, no tokens: a path form is just `path`, and a
//! command that Redis doesn't know is just `?`, because a value may stand where its name belongs.

use std::time::Duration;

use chatkeep_model::observe::Trace;
use hyper::{Method, StatusCode};
use serde::Serialize;

/// What a line says.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    /// The method of the request.
    method: &'a str,
    /// How the path addressed the gateway.
    path: &'a str,
    /// The first commands, by name.
    commands: &'a [String],
    /// How many commands there were in all.
    count: usize,
    /// The status; 0 when the connection was closed instead.
    status: u16,
    /// The trace that the request belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    /// Microseconds from the head of the request to the head of the response.
    us: u64,
}

/// Names that a line holds at most.
pub(crate) const MOST_NAMES: usize = 20;

impl<'a> Line<'a> {
    /// The line for a request and its response.
    pub(crate) fn new(
        method: &'a Method,
        path: &'a str,
        (commands, count): (&'a [String], usize),
        status: Option<StatusCode>,
        took: Duration,
    ) -> Self {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let status = status.map_or(0, |status| status.as_u16());
        Self { method: method.as_str(), path, commands, count, status, trace: None, us }
    }

    /// With the trace that a `traceparent` header names, if it names one.
    pub(crate) fn in_trace(mut self, header: Option<&str>) -> Self {
        self.trace = header.and_then(|header| Trace::follow(header, 1)).map(|trace| format!("{:032x}", trace.id));
        self
    }

    /// Writes it.
    pub(crate) fn print(&self) {
        if let Ok(json) = serde_json::to_string(self) {
            eprintln!("{json}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_line_of_json() {
        let names = ["get".to_owned()];
        let line = Line::new(&Method::POST, "/", (&names, 1), Some(StatusCode::OK), Duration::from_micros(42));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"method":"POST","path":"/","commands":["get"],"count":1,"status":200,"us":42}"#
        );
        let traced = line.in_trace(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(traced.trace.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(traced.in_trace(Some("\" evil")).trace, None);
    }
}
