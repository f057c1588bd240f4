//! Visitors' tokens.

use crate::SessionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /v1/visitors`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorRequest {
    /// The token comes as a cookie that pages can't read, rather than in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// `POST /v1/visitors/claim`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimRequest {
    /// The visitor's token; without it, the cookie counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
}

/// The answer to `POST /v1/visitors/claim`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimResponse {
    /// Whose sessions they are now.
    pub owner: crate::Owner,
    /// Whose they were.
    pub visitor: crate::Owner,
    /// The sessions that this request moved.
    pub moved: u64,
    /// Those that are still the visitor's: claim again, until there are none.
    pub left: u64,
    /// Those that have another id now, because the user had a session of theirs: the old ids and the new ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<SessionId, SessionId>,
}

/// The answer to `POST /v1/visitors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorBody {
    /// Whose sessions the visitor's are.
    pub owner: crate::Owner,
    /// To be shown as `Authorization: Bearer`; absent where it came as a cookie, or none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// RFC 3339: when the token ends; absent where none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}
