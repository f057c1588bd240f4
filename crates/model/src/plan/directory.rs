//! The directory of owners: who has sessions, by last activity, so that nobody needs `KEYS` to walk them.
//!
//! It is spread over a few sorted sets, each in a slot of its own. A Worker writes to it only when a session is created, or
//! when it last noted the owner some minutes ago. Owners without sessions drop out.

use crate::id::digest;
use crate::owner::Owner;
use crate::redis::script::{NOTE_OWNER, SURVEY};
use crate::redis::{Call, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// How many sorted sets there are.
pub const SHARDS: u64 = 16;

/// For how long an owner that was noted is not noted again.
#[must_use]
pub fn noted_for(ttl: Millis) -> Millis {
    Millis((ttl.0 / 4).min(300_000))
}

/// How long an owner stays in the directory after its last note: longer than its last session.
#[must_use]
pub fn lives(ttl: Millis) -> Millis {
    Millis(ttl.0 + ttl.0 / 2)
}

/// The shard of an owner.
#[must_use]
pub fn shard(owner: &Owner) -> u64 {
    digest([owner.as_str().as_bytes()]) % SHARDS
}

/// The key of a shard.
#[must_use]
pub fn key(prefix: &str, shard: u64) -> String {
    format!("{prefix}owners:{{{shard:02}}}")
}

/// An owner, and when it was last noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Noted {
    pub owner: Owner,
    pub seen: Millis,
}

/// Notes that an owner is active, and lets go of those of its shard that have no sessions any more.
#[must_use]
pub fn note(prefix: &str, owner: &Owner, now: Millis, ttl: Millis) -> Call {
    Call::Script {
        script: &NOTE_OWNER,
        keys: vec![key(prefix, shard(owner))],
        arguments: vec![owner.to_string(), now.to_string(), lives(ttl).to_string()],
    }
}

impl Noted {
    /// The place before all owners that were noted at a moment or later.
    #[must_use]
    pub fn since(seen: Millis) -> Self {
        Self { owner: Owner::stored(String::new()), seen }
    }
}

/// Reads a page of a shard, the longest inactive first, after a place in that order: who is active meanwhile moves on to a later page,
/// and is not missed.
#[must_use]
pub fn read(prefix: &str, shard: u64, after: &Noted, limit: u64) -> Call {
    let arguments = vec![after.seen.to_string(), after.owner.to_string(), limit.to_string()];
    Call::Script { script: &SURVEY, keys: vec![key(prefix, shard)], arguments }
}

/// What a page holds.
///
/// # Errors
/// [`UnexpectedReply`] when it is no page.
pub fn decode(reply: Reply) -> Result<Vec<Noted>, UnexpectedReply> {
    let mut items = reply.items()?;
    let mut noted = Vec::new();
    while !items.is_empty() {
        noted.push(Noted { owner: Owner::stored(items.text()?), seen: Millis(items.number()?) });
    }
    Ok(noted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_shard() -> Result<(), UnexpectedReply> {
        let shard = shard(&Owner::app());
        assert!(shard < SHARDS);
        let key = format!("chatkeep:owners:{{{shard:02}}}");
        let call = note("chatkeep:", &Owner::app(), Millis(7), Millis(100));
        let sha1 = NOTE_OWNER.sha1;
        assert_eq!(call.body(), format!(r#"["EVALSHA","{sha1}","1","{key}","app","7","150"]"#));
        let read = read("chatkeep:", shard, &Noted::since(Millis(0)), 10).body();
        assert_eq!(read, format!(r#"["EVALSHA","{}","1","{key}","0","","10"]"#, SURVEY.sha1));
        let page = Reply::Array(vec![Reply::Text("app".into()), Reply::Text("7".into())]);
        assert_eq!(decode(page)?, [Noted { owner: Owner::app(), seen: Millis(7) }]);
        Ok(())
    }
}
