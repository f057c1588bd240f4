//! What a store tells its operator: one JSON object a line. No message text, state, token or key is in it.

use crate::id::SessionId;
use crate::time::Millis;
use serde::Serialize;
use serde_json::{Map, Value};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
    /// As the configured level: nothing is logged.
    Off,
}

impl Level {
    /// As options and variables name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Off => "off",
        }
    }

    /// The level of a name, in whatever case. The names are the Worker's: both may read the same variables.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Some(Level::Debug),
            "info" => Some(Level::Info),
            "warning" | "warn" => Some(Level::Warning),
            "error" | "critical" => Some(Level::Error),
            "off" | "none" => Some(Level::Off),
            _ => None,
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What happened, for machines: stable.
    pub event: &'static str,
    /// The same, for people.
    pub message: &'static str,
    /// The session that it is about.
    pub session: Option<SessionId>,
    /// More members.
    pub more: Vec<(&'static str, Value)>,
}

impl Line {
    /// A line about no session.
    pub(super) fn new(level: Level, event: &'static str, message: &'static str) -> Self {
        Self { level, event, message, session: None, more: Vec::new() }
    }

    pub(super) fn of(mut self, session: &SessionId) -> Self {
        self.session = Some(session.clone());
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// The line's JSON.
    #[must_use]
    pub fn to_json(&self, now: Millis) -> String {
        #[derive(Serialize)]
        struct Shape<'a> {
            timestamp: String,
            level: String,
            logger: &'static str,
            message: &'static str,
            component: &'static str,
            event_type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            session_id: Option<&'a SessionId>,
            #[serde(flatten)]
            more: Map<String, Value>,
        }
        let shape = Shape {
            timestamp: now.to_rfc3339(),
            level: self.level.as_str().to_ascii_uppercase(),
            logger: "chatkeep.server",
            message: self.message,
            component: "session",
            event_type: self.event,
            session_id: self.session.as_ref(),
            more: self.more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        serde_json::to_string(&shape).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_every_member() -> Result<(), crate::id::InvalidId> {
        let id = SessionId::parse("user-123")?;
        let line = Line::new(Level::Info, "session_created", "a session was created").of(&id).with("messages", 2);
        assert_eq!(
            line.to_json(Millis(0)),
            r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","logger":"chatkeep.server","message":"a session was created","component":"session","event_type":"session_created","session_id":"user-123","messages":2}"#
        );
        Ok(())
    }
}
