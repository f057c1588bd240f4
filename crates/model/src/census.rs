//! Everybody's sessions: where a walk through them has come to, and what is counted on the way.

use crate::owner::Owner;
use crate::plan::directory::{Noted, SHARDS};
use crate::plan::{Place, Surveyed};
use crate::session::Card;
use crate::time::Millis;
use crate::wire::AdminStats;
use crate::{Namespace, SessionId};

/// How many parts of the time to live the sessions are counted by.
const PARTS: u64 = 8;

/// A place in the walk: shard by shard, in a shard the longest inactive owner first, of an owner the longest unused session first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The shard of the directory; one too many at the end.
    pub shard: u64,
    /// The owner whose sessions come here, or the last one whose sessions have all come.
    pub owner: Noted,
    /// The last session of that owner's that has come; nothing when all have.
    pub inside: Option<Place>,
}

impl Cursor {
    /// The beginning of a shard.
    #[must_use]
    pub fn of_shard(shard: u64) -> Self {
        Self { shard, owner: Noted::since(Millis(0)), inside: None }
    }

    /// Whether there is nothing after it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.shard >= SHARDS && self.inside.is_none()
    }

    /// The form on the wire: what it is made of, with tildes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let text = format!("{}~{}~{}", self.shard, self.owner.seen, self.owner.owner);
        match &self.inside {
            Some(Place { expires, id }) => format!("{text}~{expires}~{id}"),
            None => text,
        }
    }

    /// Reads the form on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('~');
        let mut next = || parts.next();
        // Below 2^53: the greatest that a sorted set's score tells apart.
        let number = |digits: &str| digits.parse().ok().filter(|number: &u64| *number < 1 << 53);
        let shard = number(next()?)?;
        let (seen, owner) = (Millis(number(next()?)?), next()?);
        let owner = if owner.is_empty() { Noted::since(seen) } else { Noted { owner: Owner::parse(owner)?, seen } };
        let inside = match next() {
            Some(expires) => Some(Place { expires: Millis(number(expires)?), id: SessionId::parse(next()?).ok()? }),
            None => None,
        };
        parts.next().is_none().then_some(Self { shard, owner, inside })
    }

    /// The place after a page of an owner's.
    pub fn went(&mut self, owner: &Noted, page: &Surveyed) {
        self.owner = owner.clone();
        self.inside = page.rows.last().filter(|_| page.more).map(|(place, _)| place.clone());
    }
}

/// Nothing counted yet, of a namespace.
#[must_use]
pub fn nothing_counted(namespace: &Namespace) -> AdminStats {
    let ttl = namespace.limits.ttl;
    AdminStats {
        namespace: namespace.prefix.clone(),
        ttl_seconds: ttl.0 / 1000,
        soon_seconds: soon(ttl).0 / 1000,
        ttl_left: vec![0; PARTS as usize],
        ..AdminStats::default()
    }
}

/// What counts as soon: an eighth of the time to live, but at most an hour.
fn soon(ttl: Millis) -> Millis {
    Millis((ttl.0 / PARTS).clamp(1000, 3_600_000))
}

/// Counts a session.
pub fn count(stats: &mut AdminStats, expires: Millis, card: Option<&Card>, bytes: u64, now: Millis) {
    let ttl = Millis(stats.ttl_seconds * 1000);
    let left = expires.since(now);
    stats.sessions += 1;
    stats.messages += card.map_or(0, |card| card.count);
    stats.bytes += bytes;
    stats.expiring_soon += u64::from(left <= soon(ttl));
    let part = (left.0 * PARTS / ttl.0.max(1)).min(PARTS - 1);
    if let Some(count) = stats.ttl_left.get_mut(usize::try_from(part).unwrap_or(0)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_cursor_comes_back_as_it_was() -> Result<(), crate::id::InvalidId> {
        let owner = Noted { owner: Owner::stored("u-a%40b.c".into()), seen: Millis(7) };
        let inside = Some(Place { expires: Millis(9), id: SessionId::parse("s.1:2_-")? });
        for cursor in [
            Cursor::of_shard(0),
            Cursor { shard: 3, owner: owner.clone(), inside: None },
            Cursor { shard: 15, owner, inside },
        ] {
            assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
        }
        for wrong in ["", "1", "1~2", "1~2~a{b", "1~2~a~3", "1~2~a~3~-", "1~2~a~3~s~4", "1~99999999999999999~a"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn sessions_are_counted_by_the_time_that_they_have_left() -> Result<(), crate::id::InvalidId> {
        let namespace = Namespace { name: "", prefix: "x:".into(), limits: Limits::default() };
        let mut stats = nothing_counted(&namespace);
        let ttl = namespace.limits.ttl;
        let session = crate::Session { next: 4, ..crate::Session::default() };
        let card = Card::of(SessionId::parse("s")?, &session);
        let now = Millis(1_000_000);
        for left in [1, 3_600_000, 3_600_001, ttl.0 / 2, ttl.0] {
            count(&mut stats, now.after(Millis(left)), Some(&card), 10, now);
        }
        count(&mut stats, now.after(ttl), None, 5, now);
        assert_eq!((stats.sessions, stats.messages, stats.bytes, stats.expiring_soon), (6, 20, 55, 2));
        assert_eq!(stats.ttl_left, [3, 0, 0, 0, 1, 0, 0, 2]);
        Ok(())
    }
}
