//! The bodies of the HTTP API, as `docs/protocol.md` has them. The Worker writes them, the SDK reads them.

mod admin;
mod chat;
mod health;
mod history;
mod sessions;
mod transfer;
mod visitors;

pub use admin::{
    ActivityMinute, AdminDeleted, AdminSession, AdminSessionList, AdminStats, MovedHouse, OwnerBody, OwnerList,
    Rebuilt, RedisFigures, Resealed,
};
pub use chat::{
    AppendRequest, AppendResponse, AppendedMessage, ChatRequest, ChatResponse, ContextMessage, IncognitoResponse,
    StopRequest, Stopped,
};
pub use health::{ArchiveHealth, Health, Probe, ProblemBody, UnreadableTexts};
pub use history::{History, UiMessages};
pub use sessions::{
    CreateRequest, Deleted, DeletedAll, ForkRequest, ListedSession, PatchRequest, SessionBody, SessionDetails,
    SessionList, StateFields, SummaryBody, TruncateRequest,
};
pub use transfer::{
    ExportEnd, ExportLine, ExportedMessage, ExportedSession, ExportedSummary, FailedLine, ImportResponse, LeftOut,
};
pub use visitors::{ClaimRequest, ClaimResponse, VisitorBody, VisitorRequest};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Reads a member that may be null where it may be absent.
fn null_as_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// JSON that nobody looks inside: its text stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Raw(pub Box<RawValue>);

impl Raw {
    /// Takes a text that is JSON.
    #[must_use]
    pub fn parse(json: String) -> Option<Self> {
        RawValue::from_string(json).ok().map(Raw)
    }

    /// Its text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}
