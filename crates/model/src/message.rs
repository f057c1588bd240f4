//! A message, in the one form that is stored and sent: a JSON object whose first member is its id.

use crate::id::MessageId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Stands before what is encrypted: at the beginning of a text, or after the head of a message.
pub const MARK: char = '\u{1}';

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The responder.
    Assistant,
    /// Instructions.
    System,
}

impl Role {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        }
    }
}

/// How a reply ended that didn't come to its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Someone stopped it: what had come until then is kept.
    Stopped,
    /// The responder, or the vault that ran the turn, broke off: what had come until then is kept.
    Interrupted,
}

impl Status {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Stopped => "stopped",
            Status::Interrupted => "interrupted",
        }
    }
}

/// One message.
// Its JSON text goes from the wire to the store and back as it is. `id` is the first field and stays it: the scripts
// recognise a stored message by how its text begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// Unique in its session.
    // Among those of its messages that `plan::BeginTurn` and `plan::Append` look at.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// The plain text.
    pub content: String,
    /// When it was made: RFC 3339, UTC, milliseconds.
    pub created: String,
    /// A reply names the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<MessageId>,
    /// The parts of the AI SDK's message, an array: where it is more than its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Box<RawValue>>,
    /// A reply that broke off says how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// An object that the client attached, or the responder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub metadata: Option<Box<RawValue>>,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        fn text(raw: &Option<Box<RawValue>>) -> Option<&str> {
            raw.as_ref().map(|value| value.get())
        }
        (&self.id, self.role, &self.content, &self.created, &self.parent, self.status)
            == (&other.id, other.role, &other.content, &other.created, &other.parent, other.status)
            && text(&self.parts) == text(&other.parts)
            && text(&self.metadata) == text(&other.metadata)
    }
}

impl Message {
    /// A message that is nothing but its text.
    #[must_use]
    pub fn new(id: MessageId, role: Role, content: String, created: String) -> Self {
        Self { id, role, content, created, parent: None, parts: None, status: None, metadata: None }
    }

    /// The message's JSON text.
    ///
    /// # Errors
    /// None in practice: every field serialises.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text; of one that is encrypted what stands before, without what is said.
    #[must_use]
    pub fn of_stored(text: &str) -> Option<Self> {
        serde_json::from_str(text.split(MARK).next()?).ok()
    }

    /// The language that it asks to be answered in: the `language` of its metadata, a BCP 47 tag.
    #[must_use]
    pub fn language(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Metadata {
            language: String,
        }
        let metadata: Metadata = serde_json::from_str(self.metadata.as_ref()?.get()).ok()?;
        Some(metadata.language).filter(|tag| is_language(tag))
    }
}

/// Whether a text has the form of a BCP 47 tag, such as `id-ID`: words of 1 to 8 letters and digits, the first of letters.
#[must_use]
pub fn is_language(tag: &str) -> bool {
    let word = |word: &str| (1..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or_default();
    tag.len() <= 35 && tag.split('-').all(word) && first.len() > 1 && first.bytes().all(|b| b.is_ascii_alphabetic())
}

/// How the stored text of a message with this id begins. Ids need no escape in JSON.
#[must_use]
pub fn stored_prefix(id: &MessageId) -> String {
    format!("{{\"id\":\"{id}\"")
}

/// The id of a stored text.
#[must_use]
pub fn stored_id(text: &str) -> Option<&str> {
    text.strip_prefix("{\"id\":\"")?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_its_id_and_keeps_the_bytes_of_others() -> Result<(), Box<dyn std::error::Error>> {
        let text = r#"{"id":"m1","role":"user","content":"Ahoj \"světe\"","created":"2026-11-21T09:30:00.000Z","parts":[{"type":"text", "n":1.0}],"status":"stopped","metadata":{"n":9007199254740993, "b":[1]}}"#;
        let message: Message = serde_json::from_str(text)?;
        assert_eq!(message.to_json()?, text);
        assert!(text.starts_with(&stored_prefix(&message.id)));
        Ok(())
    }
}
