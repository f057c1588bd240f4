//! The directory of owners, in whichever store there is.

use super::upstash::{self, Link};
use super::{Store, embedded};
use crate::directory::is_due;
use chatkeep_model::plan::directory::{self, Noted};
use chatkeep_model::{Millis, StoreError};

impl Store {
    /// Whether the owner is due to be noted in the directory; asked once, for it then counts as noted.
    pub(crate) fn note_is_due(&self, now: Millis) -> bool {
        is_due(&self.namespace.prefix, &self.owner, now, directory::noted_for(self.namespace.limits.ttl))
    }

    /// Notes in the directory that the owner is active. A failure is the next note's to mend.
    pub(crate) async fn note(&self, now: Millis) {
        let ttl = self.namespace.limits.ttl;
        let prefix = &self.namespace.prefix;
        let _ = match &self.config.upstash {
            Some(upstash) => {
                let call = directory::note(prefix, &self.owner, now, ttl);
                upstash::send(upstash, &Link::default(), &call).await.map(drop)
            }
            None => {
                let shard = directory::shard(&self.owner);
                let question = format!("note\n{}\n{now}\n{}", self.owner, now.since(directory::lives(ttl)));
                embedded::ask_directory(&self.env, prefix, shard, &question).await.map(drop)
            }
        };
    }

    /// Reads a page of a shard of the directory, after a place in it.
    pub(crate) async fn owners(&self, shard: u64, after: &Noted, limit: u64) -> Result<Vec<Noted>, StoreError> {
        let prefix = &self.namespace.prefix;
        match &self.config.upstash {
            Some(upstash) => {
                let call = directory::read(prefix, shard, after, limit);
                Ok(directory::decode(upstash::send(upstash, &self.link, &call).await?)?)
            }
            None => {
                let question = format!("read\n{}\n{limit}\n{}", after.seen, after.owner);
                let json = embedded::ask_directory(&self.env, prefix, shard, &question).await?;
                serde_json::from_str(&json).map_err(|_| StoreError::UnexpectedReply)
            }
        }
    }
}
