//! Moving house: what owners have in their vaults goes to Redis, once there is one; each owner's with its first request, or all
//! of them at an operator's word.

use super::{Store, embedded, moved, upstash};
use crate::edge::now;
use crate::wait::sleep;
use chatkeep_model::plan::directory::{Noted, SHARDS};
use chatkeep_model::wire::MovedHouse;
use chatkeep_model::{Millis, Owner, StoreError};

/// How long a request waits for its owner's sessions, and how long a request of an operator's goes on.
const PATIENCE: Millis = Millis(20_000);

/// How long to wait before asking again, when another request moves them.
const PAUSE: Millis = Millis(50);

impl Store {
    /// Sees to it that the owner has nothing left in a vault.
    pub(super) async fn move_in(&self) -> Result<(), StoreError> {
        let prefix = &self.namespace.prefix;
        match embedded::listed(&self.env, prefix, &self.owner, false).await {
            Ok((0, _)) => moved::settle(prefix, &self.owner, true),
            Ok((_, false)) => moved::settle(prefix, &self.owner, false),
            Ok((_, true)) => {
                upstash::may_be_asked()?;
                if self.move_owner(&self.owner, now().after(PATIENCE)).await?.is_none() {
                    // What is not there yet must not seem to be gone.
                    return Err(StoreError::Unavailable(chatkeep_model::error::Outage::Loading));
                }
            }
            // Without a vault there is nothing to move; if it only failed, the next request asks again.
            Err(_) => {}
        }
        Ok(())
    }

    /// Moves all of an owner's sessions; gives how many there were, or nothing when it takes longer.
    async fn move_owner(&self, owner: &Owner, until: Millis) -> Result<Option<u64>, StoreError> {
        let (prefix, ttl) = (&self.namespace.prefix, self.namespace.limits.ttl);
        let mut sessions = 0;
        while now() < until {
            let moved = embedded::move_out(&self.env, prefix, owner, ttl).await?;
            sessions += moved.sessions;
            if moved.left == 0 {
                embedded::listed(&self.env, prefix, owner, true).await?;
                moved::settle(prefix, owner, false);
                return Ok(Some(sessions));
            }
            if moved.sessions == 0 {
                sleep(PAUSE).await;
            }
        }
        Ok(None)
    }

    /// Moves the sessions of up to so many owners.
    pub(crate) async fn move_house(&self, limit: u64) -> Result<MovedHouse, StoreError> {
        let prefix = &self.namespace.prefix;
        let until = now().after(PATIENCE);
        let mut house = MovedHouse::default();
        for shard in 0..SHARDS {
            let question = format!("read\n0\n{}\n", limit - house.owners + 1);
            let page = embedded::ask_directory(&self.env, prefix, shard, &question).await?;
            let page: Vec<Noted> = serde_json::from_str(&page).map_err(|_| StoreError::UnexpectedReply)?;
            for noted in page {
                if house.owners == limit || now() >= until {
                    house.left += 1;
                    continue;
                }
                match self.move_owner(&noted.owner, until).await? {
                    Some(sessions) => {
                        house.owners += 1;
                        house.sessions += sessions;
                    }
                    None => house.left += 1,
                }
            }
        }
        Ok(house)
    }
}
