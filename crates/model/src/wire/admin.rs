//! What `/v1/admin` says.

use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/admin/owners`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerList {
    /// Owners that have, or lately had, sessions.
    pub owners: Vec<OwnerBody>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An owner in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerBody {
    /// The owner.
    pub owner: crate::Owner,
    /// RFC 3339, to within some minutes.
    pub last_active_at: String,
}

/// The answer to `POST /v1/admin/rebuild`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rebuilt {
    /// How many sessions are in the index now.
    pub sessions: u64,
}

/// The answer to `POST /v1/admin/move`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedHouse {
    /// Owners whose sessions are all in Redis now, by this request.
    pub owners: u64,
    /// How many sessions that were.
    pub sessions: u64,
    /// Owners who still have sessions in a vault: ask again.
    pub left: u64,
}
