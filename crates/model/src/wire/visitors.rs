//! Visitors' tokens.

use serde::{Deserialize, Serialize};

/// `POST /v1/visitors`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VisitorRequest {
    /// The token comes as a cookie that pages can't read, rather than in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
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
