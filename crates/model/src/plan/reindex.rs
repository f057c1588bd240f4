//! Rebuild the index and the cards from the sessions, after Redis evicted them. Other stores have nothing to rebuild.

use super::{Operation, index_ttl, readable};
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::REINDEX;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Finds the owner's sessions, some at a time, without blocking Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanSessions {
    /// Where to go on: `0` at first, then what the last call gave.
    pub cursor: String,
    /// Everybody's sessions under this prefix, not the owner's alone.
    #[serde(default)]
    pub everyones: Option<String>,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// Where to go on; nothing at the end.
    pub cursor: Option<String>,
    /// Keys of sessions, some of them maybe twice.
    pub keys: Vec<String>,
}

impl Operation for ScanSessions {
    const NAME: &'static str = "scan_sessions";
    type Outcome = Scanned;

    fn call(&self, keys: &Keys) -> Call {
        let pattern = self.everyones.as_deref().map_or_else(|| keys.session_pattern(), Keys::everyones_pattern);
        let words = ["SCAN", &self.cursor, "MATCH", &pattern, "COUNT", "1000"];
        Call::Command(words.map(str::to_owned).to_vec())
    }

    fn decode(&self, reply: Reply) -> Result<Scanned, UnexpectedReply> {
        let mut items = reply.items()?;
        let cursor = items.text()?;
        Ok(Scanned { cursor: Some(cursor).filter(|cursor| cursor != "0"), keys: items.take()?.texts()? })
    }

    fn apply<R: Records>(&self, _: &mut R) -> Result<Scanned, R::Error> {
        Ok(Scanned { cursor: None, keys: Vec::new() })
    }
}

/// Reads ids from the index, as they are, from a rank on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadIndex {
    pub from: u64,
    pub limit: u64,
}

impl Operation for ReadIndex {
    const NAME: &'static str = "read_index";
    type Outcome = Vec<SessionId>;

    fn call(&self, keys: &Keys) -> Call {
        let last = (self.from + self.limit).saturating_sub(1);
        let words = ["ZRANGE", &keys.index(), &self.from.to_string(), &last.to_string()];
        Call::Command(words.map(str::to_owned).to_vec())
    }

    fn decode(&self, reply: Reply) -> Result<Vec<SessionId>, UnexpectedReply> {
        reply.texts()?.into_iter().map(|id| SessionId::parse(id).map_err(|_| UnexpectedReply)).collect()
    }

    fn apply<R: Records>(&self, _: &mut R) -> Result<Vec<SessionId>, R::Error> {
        Ok(Vec::new())
    }
}

/// Puts those of the sessions that are there into the index and the cards, and takes the others out. Comes to how many are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Reindex {
    pub sessions: Vec<SessionId>,
    pub now: Millis,
    pub ttl: Millis,
}

impl Operation for Reindex {
    const NAME: &'static str = "reindex";
    type Outcome = u64;

    fn call(&self, keys: &Keys) -> Call {
        let sessions = self.sessions.iter().map(|id| keys.session(id));
        Call::Script {
            script: &REINDEX,
            keys: [keys.index(), keys.cards()].into_iter().chain(sessions).collect(),
            arguments: [self.now.to_string(), index_ttl(self.ttl).to_string()]
                .into_iter()
                .chain(self.sessions.iter().map(SessionId::to_string))
                .collect(),
        }
    }

    fn decode(&self, reply: Reply) -> Result<u64, UnexpectedReply> {
        reply.number()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<u64, R::Error> {
        let mut there = 0;
        for id in &self.sessions {
            there += u64::from(readable(records, id, self.now)?.is_some());
        }
        Ok(there)
    }
}
