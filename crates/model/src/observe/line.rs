//! A line of the log: one JSON object.

use crate::id::{SessionId, digest};
use crate::owner::Owner;
use serde::{Serialize, Serializer};
use std::fmt;

/// How much a line matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For those who look for a fault.
    Debug,
    /// What happened.
    #[default]
    Info,
    /// What someone should look at.
    Warn,
    /// What went wrong on our side.
    Error,
    /// As the configured level: nothing is logged.
    Off,
}

impl Level {
    /// Reads a name, in upper or lower case; `warning` and `critical` as Python has them too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Some(Level::Debug),
            "info" => Some(Level::Info),
            "warn" | "warning" => Some(Level::Warn),
            "error" | "critical" => Some(Level::Error),
            "off" | "none" => Some(Level::Off),
            _ => None,
        }
    }
}

/// See the module. Members that are nothing are left out.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Line<'a> {
    /// RFC 3339.
    pub timestamp: String,
    pub level: Level,
    /// Always `chatkeep`.
    pub logger: &'static str,
    /// For people; the same for every occurrence.
    pub message: &'a str,
    /// The part that speaks: `worker`, `store`, `responder`, `vault`.
    pub component: &'static str,
    /// For machines: what happened.
    pub event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Hex128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a SessionId>,
    /// A digest of the owner: lines of one owner belong together, and don't say who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Hex>,
    /// What was asked for: method and route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// The type and the code of the error that a responder answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
    /// The messages that the session keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// In whole milliseconds: the whole request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Of which the store took so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_ms: Option<u64>,
    /// And the responder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responder_ms: Option<u64>,
}

/// A number that is written as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex(pub u64);

/// A number that is written as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex128(pub u128);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Hex128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'a> Line<'a> {
    /// A line with nothing but what it must have.
    #[must_use]
    pub fn new(
        timestamp: String,
        level: Level,
        component: &'static str,
        event_type: &'static str,
        message: &'a str,
    ) -> Self {
        Self {
            timestamp,
            level,
            logger: "chatkeep",
            message,
            component,
            event_type,
            request_id: None,
            trace_id: None,
            session_id: None,
            owner: None,
            route: None,
            status: None,
            code: None,
            detail: None,
            cause: None,
            messages: None,
            duration_ms: None,
            store_ms: None,
            responder_ms: None,
        }
    }

    /// The line as it is written, without a line break in it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The digest of an owner that stands in lines.
#[must_use]
pub fn of_owner(owner: &Owner) -> Hex {
    Hex(digest([owner.as_str().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_without_nulls() {
        let line = Line {
            owner: Some(of_owner(&Owner::app())),
            request_id: Some(Hex(7)),
            detail: Some("a\nb"),
            ..Line::new(
                "2026-11-21T09:30:00.000Z".to_owned(),
                Level::Info,
                "worker",
                "request",
                "A request was answered",
            )
        };
        let owner = format!("{:016x}", digest([b"app".as_slice()]));
        assert_eq!(
            line.to_json(),
            format!(
                r#"{{"timestamp":"2026-11-21T09:30:00.000Z","level":"info","logger":"chatkeep","message":"A request was answered","component":"worker","event_type":"request","request_id":"0000000000000007","owner":"{owner}","detail":"a\nb"}}"#
            )
        );
    }

    #[test]
    fn levels_have_an_order_and_names() {
        assert!(Level::Debug < Level::Info && Level::Warn < Level::Error && Level::Error < Level::Off);
        assert_eq!(Level::parse("WARNING"), Some(Level::Warn));
        assert_eq!(Level::parse("loud"), None);
    }
}
