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

    /// Who has claimed the owner's sessions.
    #[must_use]
    pub fn claimed(&self) -> String {
        format!("{}claimed", self.stem)
    }

    /// What counts the turns that are charged to a bucket.
    #[must_use]
    pub fn charged(&self, bucket: &str) -> String {
        format!("{}rl:{bucket}", self.stem)
    }

    /// A pattern for `SCAN` that finds the owner's sessions, whatever stands in the prefix.
    #[must_use]
    pub fn session_pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.stem.len() + 4);
        for character in self.stem.chars() {
            if "*?[]\\^".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern + "s:*"
    }

    /// The session that a key holds.
    #[must_use]
    pub fn session_of(&self, key: &str) -> Option<SessionId> {
        SessionId::parse(key.strip_prefix(&self.stem)?.strip_prefix("s:")?).ok()
    }

    /// A pattern for `SCAN` that finds everybody's sessions under a prefix.
    #[must_use]
    pub fn everyones_pattern(prefix: &str) -> String {
        Self { stem: format!("{prefix}{{*}}:") }.session_pattern().replacen("{\\*}", "{*}", 1)
    }

    /// Whose session a key under a prefix holds, and which.
    #[must_use]
    pub fn owned(prefix: &str, key: &str) -> Option<(Owner, SessionId)> {
        let (owner, id) = key.strip_prefix(prefix)?.strip_prefix('{')?.split_once("}:s:")?;
        Some((Owner::parse(owner)?, SessionId::parse(id).ok()?))
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
        assert_eq!(keys.session_of("chatkeep:{app}:s:sess_01"), Some(id));
        assert_eq!(keys.session_of("chatkeep:{app}:index"), None);
        let sessions = Keys::everyones_pattern("a*:");
        assert_eq!(sessions, "a\\*:{*}:s:*");
        let id = SessionId::parse("sess_01")?;
        assert_eq!(Keys::owned("chatkeep:", "chatkeep:{app}:s:sess_01"), Some((Owner::app(), id)));
        assert_eq!(Keys::owned("chatkeep:", "chatkeep:{app}:index"), None);
        assert_eq!(Keys::new("a*[b]?:", &Owner::app()).session_pattern(), "a\\*\\[b\\]\\?:{app}:s:*");
        Ok(())
    }
}
