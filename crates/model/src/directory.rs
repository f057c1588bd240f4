//! The directory of owners: who has sessions, by last activity, so that nobody needs `KEYS` to walk them.
//!
//! It is spread over a few sorted sets, each in a slot of its own. A Worker writes to it only when a session is created, or
//! when it last noted the owner some minutes ago.

use crate::id::digest;
use crate::owner::Owner;
use crate::redis::{Call, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// How many sorted sets there are.
pub const SHARDS: u64 = 16;

/// A noted owner is not noted again for so long.
pub const NOTED_FOR: Millis = Millis(300_000);

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

/// Notes that an owner is active.
#[must_use]
pub fn note(prefix: &str, owner: &Owner, now: Millis) -> Call {
    let key = key(prefix, shard(owner));
    let words = ["ZADD", &key, "GT", &now.to_string(), owner.as_str()];
    Call::Command(words.map(str::to_owned).to_vec())
}

/// Reads a page of a shard, the latest first, from a rank on.
#[must_use]
pub fn read(prefix: &str, shard: u64, from: u64, limit: u64) -> Call {
    let last = (from + limit).saturating_sub(1).to_string();
    let words = ["ZRANGE", &key(prefix, shard), &from.to_string(), &last, "REV", "WITHSCORES"];
    Call::Command(words.map(str::to_owned).to_vec())
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
        let call = note("chatkeep:", &Owner::app(), Millis(7));
        let shard = shard(&Owner::app());
        assert!(shard < SHARDS);
        let key = format!("chatkeep:owners:{{{shard:02}}}");
        assert_eq!(call.body(), format!(r#"["ZADD","{key}","GT","7","app"]"#));
        assert_eq!(read("chatkeep:", shard, 0, 10).body(), format!(r#"["ZRANGE","{key}","0","9","REV","WITHSCORES"]"#));
        let page = Reply::Array(vec![Reply::Text("app".into()), Reply::Text("7".into())]);
        assert_eq!(decode(page)?, [Noted { owner: Owner::app(), seen: Millis(7) }]);
        Ok(())
    }
}
