//! What `/v1/admin` says.

use super::SessionBody;
use crate::Owner;
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/admin/owners`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnerList {
    /// Owners that have, or lately had, sessions, the longest inactive first.
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
    pub owner: Owner,
    /// RFC 3339, to within some minutes.
    pub last_active_at: String,
}

/// The answer to `POST /v1/admin/rebuild`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rebuilt {
    /// How many sessions are in the index now; of a rebuild of everyone's, how many were looked at.
    pub sessions: u64,
    /// Where a rebuild of everyone's goes on; absent at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
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

/// The answer to `GET /v1/admin/stats`: what the sessions come to that it has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminStats {
    /// What every key of the namespace begins with.
    pub namespace: String,
    /// `upstash` or `vault`.
    pub store: String,
    /// Owners who have sessions.
    pub owners: u64,
    /// Live sessions.
    pub sessions: u64,
    /// The messages that they keep.
    pub messages: u64,
    /// The bytes of those messages' stored texts.
    pub bytes: u64,
    /// Sessions that end soon, unless they are used.
    pub expiring_soon: u64,
    /// What soon is.
    pub soon_seconds: u64,
    /// How long a session lives after its last use.
    pub ttl_seconds: u64,
    /// Sessions by the eighth of that time that they have left, the least first.
    pub ttl_left: Vec<u64>,
    /// Titles and messages are shown to operators too.
    pub texts: bool,
    /// What Redis says of itself, as far as it does; only with the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisFigures>,
    /// The deployment's last minutes in which something happened, oldest first; only with the first page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<ActivityMinute>,
    /// Where to go on: what comes then is to be added. Absent when all has been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What a Redis says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedisFigures {
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The memory that it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The memory that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// What it does at that limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eviction_policy: Option<String>,
    /// Keys that it evicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evicted_keys: Option<u64>,
    /// Keys whose time had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_keys: Option<u64>,
    /// Reads that found their key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// Reads that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misses: Option<u64>,
    /// All keys, whosever they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u64>,
    /// How long it took to say this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
}

/// What happened in a minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityMinute {
    /// RFC 3339: its beginning.
    pub at: String,
    /// Requests answered.
    pub requests: u64,
    /// Of which so many with a status of 500 or more.
    pub failures: u64,
    /// Questions to the responder.
    pub turns: u64,
    /// Round trips to the store.
    pub store_calls: u64,
    /// How long those took together, in milliseconds.
    pub store_ms: u64,
}

/// The answer to `GET /v1/admin/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminSessionList {
    /// Owner by owner, of each the longest unused first. Titles are there where operators may read texts.
    pub sessions: Vec<AdminSession>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A session as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminSession {
    /// Whose it is.
    pub owner: Owner,
    /// What lists show of it, and its bytes.
    #[serde(flatten)]
    pub session: SessionBody,
}

/// The answer to `POST /v1/admin/reseal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resealed {
    /// Texts that were looked at: messages, titles, metadata, states, summaries, texts in the archive.
    pub seen: u64,
    /// Of which so many are now sealed with the first key, or open where `off` stands in its place.
    pub resealed: u64,
    /// Of which so many can't be read, and stay as they are.
    pub unreadable: u64,
    /// Where to go on; absent when all was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The answer to `DELETE /v1/admin/sessions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminDeleted {
    /// How many sessions are gone.
    pub deleted: u64,
    /// Where to go on; absent when none is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
