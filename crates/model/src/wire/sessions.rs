//! Sessions: made, shown, listed, changed, cut, forked, deleted.

use crate::id::SessionId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /v1/sessions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateRequest {
    /// The session's id, minted by the client; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For which of its own users the caller keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A session as the API shows it: alone, in a list and in a turn's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionBody {
    /// Its id.
    pub session_id: SessionId,
    /// Its title, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The messages that are kept.
    pub message_count: u64,
    /// The messages that were ever stored.
    pub total_messages: u64,
    /// The bytes of the stored texts of the messages that are kept; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339: the last change.
    pub updated_at: String,
    /// RFC 3339: when it goes, unless it is used before.
    pub expires_at: String,
    /// The same, from now, rounded up to whole seconds.
    pub expires_in_seconds: u64,
    /// Rises with every change; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// It stands out in the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// It is out of the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// For which of its own users the caller keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A session in a list that was asked for members of its state.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedSession {
    /// What every list shows of it.
    #[serde(flatten)]
    pub session: SessionBody,
    /// Those of the members that its state has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateFields>,
}

/// Named members of a state, each as it stands there.
pub type StateFields = std::collections::BTreeMap<String, Box<RawValue>>;

/// A session on its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionDetails {
    /// What lists show of it, and its revision.
    #[serde(flatten)]
    pub session: SessionBody,
    /// The object that a client keeps with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// The tokens that the model's API counted for its turns; not in the answer to a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
    /// The summary of what the responder is no longer shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummaryBody>,
}

/// A summary of the earlier messages of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SummaryBody {
    /// How many of the messages ever kept it is of.
    pub messages: u64,
    /// Its characters.
    pub characters: u64,
}

/// `PATCH /v1/sessions/{id}`: what is absent stays as it is. An empty title or an empty object removes what was there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PatchRequest {
    /// Its new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pinned or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Archived or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Its new metadata, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// `POST /v1/sessions/{id}/truncate`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TruncateRequest {
    /// The last message to keep; `-` keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// `POST /v1/sessions/{id}/fork`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForkRequest {
    /// The last message to take; absent takes all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The new session's id; absent lets the server mint one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The new session's title; absent takes the old one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The answer to `DELETE /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedAll {
    /// How many sessions are gone.
    pub deleted: u64,
}

/// The answer to `GET /v1/sessions`. `S` is [`SessionBody`], or [`ListedSession`] where members of the state were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionList"))]
pub struct SessionList<S = SessionBody> {
    /// Newest activity first.
    pub sessions: Vec<S>,
    /// How many live sessions there are in all.
    pub count: u64,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The search looked at the newest sessions only: there are more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The answer to `DELETE /v1/sessions/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// The session that is gone.
    pub session_id: SessionId,
    /// Always true.
    pub deleted: bool,
}
