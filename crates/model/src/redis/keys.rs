//! The one place that spells key names.

use crate::id::SessionId;
use crate::owner::Owner;

/// The key names of one owner in one namespace. All of them carry the owner as hash tag, so that they share a slot.
#[derive(Debug, Clone)]
pub struct Keys {
    stem: String,
}

impl Keys {
    /// The names under a prefix such as `chatkeep:`, which has no braces ([`crate::config`] refuses them).
    #[must_use]
    pub fn new(prefix: &str, owner: &Owner) -> Self {
        Self { stem: format!("{prefix}{{{owner}}}:") }
    }

    /// The session's hash.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> String {
        format!("{}s:{id}", self.stem)
    }

    /// A deleted session inside its undo window, and the tombstone that keeps late sends out.
    #[must_use]
    pub fn deleted(&self, id: &SessionId) -> String {
        format!("{}d:{id}", self.stem)
    }

    /// The sorted set of session ids by expiry.
    #[must_use]
    pub fn index(&self) -> String {
        format!("{}index", self.stem)
    }

    /// The hash of session ids to cards.
    #[must_use]
    pub fn cards(&self) -> String {
        format!("{}cards", self.stem)
    }

    /// What every write of one session touches: session, index, cards, deleted.
    #[must_use]
    pub fn of_session(&self, id: &SessionId) -> Vec<String> {
        vec![self.session(id), self.index(), self.cards(), self.deleted(id)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_share_the_owners_slot() -> Result<(), crate::id::InvalidId> {
        let keys = Keys::new("chatkeep:", &Owner::app());
        let id = SessionId::parse("sess_01")?;
        assert_eq!(
            keys.of_session(&id),
            ["chatkeep:{app}:s:sess_01", "chatkeep:{app}:index", "chatkeep:{app}:cards", "chatkeep:{app}:d:sess_01"]
        );
        Ok(())
    }
}
