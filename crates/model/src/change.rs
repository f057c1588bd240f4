//! What changed in an owner's sessions, as `GET /v1/events` tells it.

use crate::id::{MessageId, SessionId};
use crate::message::{Status, stored_id};
use crate::session::Session;
use crate::time::Millis;
use crate::wire::SessionBody;
use serde::{Deserialize, Serialize};

/// One change. It says which messages there are, and not what is in them: who is allowed to, reads them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// A session is new, or back.
    SessionCreated {
        /// Its id.
        session_id: SessionId,
        /// The session as it is now.
        session: SessionBody,
    },
    /// A session is another than before.
    SessionUpdated {
        /// Its id.
        session_id: SessionId,
        /// The session as it is now.
        session: SessionBody,
    },
    /// A session is gone.
    SessionDeleted {
        /// Its id.
        session_id: SessionId,
    },
    /// A message was stored.
    MessageAdded {
        /// Its session.
        session_id: SessionId,
        /// Its id.
        message_id: MessageId,
    },
    /// A turn runs.
    TurnStarted {
        /// Its session.
        session_id: SessionId,
        /// The message that is answered.
        message_id: MessageId,
        /// The id that the reply will have.
        reply_id: MessageId,
    },
    /// More of the reply of a streamed turn.
    Delta {
        /// Its session.
        session_id: SessionId,
        /// The message that is answered.
        message_id: MessageId,
        /// The id that the reply will have.
        reply_id: MessageId,
        /// What has come since the last one.
        text: String,
    },
    /// A turn's reply is stored.
    TurnFinished {
        /// Its session.
        session_id: SessionId,
        /// The message that is answered.
        message_id: MessageId,
        /// The reply.
        reply_id: MessageId,
        /// Why it is not whole, where it isn't.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
    },
    /// A turn failed, and nothing of its reply was kept.
    TurnFailed {
        /// Its session.
        session_id: SessionId,
        /// The message that was not answered.
        message_id: MessageId,
    },
}

impl Change {
    /// A session was made or changed.
    #[must_use]
    pub fn of_session(id: &SessionId, session: &Session, created: bool, now: Millis) -> Self {
        let (session_id, session) = (id.clone(), session.body(id, now));
        match created {
            true => Change::SessionCreated { session_id, session },
            false => Change::SessionUpdated { session_id, session },
        }
    }

    /// A message was stored, as this text. Nothing when it is no message.
    #[must_use]
    pub fn of_message(session: &SessionId, stored: &str) -> Option<Self> {
        let id = stored_id(stored)?;
        Some(Change::MessageAdded { session_id: session.clone(), message_id: MessageId::parse(id).ok()? })
    }

    /// Its name, which is its `type` too.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Change::SessionCreated { .. } => "session_created",
            Change::SessionUpdated { .. } => "session_updated",
            Change::SessionDeleted { .. } => "session_deleted",
            Change::MessageAdded { .. } => "message_added",
            Change::TurnStarted { .. } => "turn_started",
            Change::Delta { .. } => "delta",
            Change::TurnFinished { .. } => "turn_finished",
            Change::TurnFailed { .. } => "turn_failed",
        }
    }
}

/// A change as it is told: its JSON is written once, for all who hear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The change's name.
    pub name: String,
    /// Its JSON, on one line.
    pub json: String,
}

impl Told {
    /// A change, told.
    #[must_use]
    pub fn of(change: &Change) -> Option<Self> {
        Some(Self { name: change.name().to_owned(), json: serde_json::to_string(change).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changes_type_is_its_name() {
        let id = SessionId::parse("s").unwrap();
        let message = MessageId::parse("m").unwrap();
        let (session_id, message_id, reply_id) = (id.clone(), message.clone(), message.clone());
        let of_turn = || (session_id.clone(), message_id.clone(), reply_id.clone());
        let session = Session::default();
        let mut all = vec![
            Change::of_session(&id, &session, true, Millis(0)),
            Change::of_session(&id, &session, false, Millis(0)),
            Change::SessionDeleted { session_id: id.clone() },
            Change::of_message(&id, r#"{"id":"m","role":"user","content":"x"}"#).unwrap(),
            Change::TurnFailed { session_id: id.clone(), message_id: message.clone() },
        ];
        let (session_id, message_id, reply_id) = of_turn();
        all.push(Change::TurnStarted { session_id, message_id, reply_id });
        let (session_id, message_id, reply_id) = of_turn();
        all.push(Change::Delta { session_id, message_id, reply_id, text: "\n".into() });
        let (session_id, message_id, reply_id) = of_turn();
        all.push(Change::TurnFinished { session_id, message_id, reply_id, status: Some(Status::Stopped) });
        for change in all {
            let told = Told::of(&change).unwrap();
            let begin = format!("{{\"type\":\"{}\",\"session_id\":\"s\"", told.name);
            assert!(told.json.starts_with(&begin) && !told.json.contains('\n'), "{told:?}");
        }
        assert_eq!(Change::of_message(&id, ""), None);
    }
}
