//! The generations of a session: it was made anew while nobody could ask for what was archived of it. They are read as one: in
//! the order in which they were made, each in the order of its positions; of a message in several, the newest counts.

use super::d1::Kept;
use crate::id::MessageId;
use crate::message::stored_id;
use crate::records::Notes;
use crate::session::{Flags, Session};
use crate::time::Millis;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Where a message is, and how its text begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub struct Head {
    pub created: u64,
    pub position: u64,
    pub head: String,
}

/// Messages that come elsewhere, by their ids: they don't come from the archive.
#[derive(Debug, Clone, Default)]
pub struct Newer {
    ids: BTreeSet<MessageId>,
    /// They count only at the end: a message that others follow stays.
    at_end: bool,
}

impl Newer {
    /// These messages.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = MessageId>) -> Self {
        Self { ids: ids.into_iter().collect(), at_end: false }
    }

    /// These messages where they are the last.
    #[must_use]
    pub fn at_end(ids: impl IntoIterator<Item = MessageId>) -> Self {
        Self { at_end: true, ..Self::of(ids) }
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = &MessageId> {
        self.ids.iter()
    }
}

/// Several generations as one.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// Its fields, from `first` to `next` as the messages are numbered now.
    pub session: Session,
    /// Its metadata; empty for none.
    pub metadata: String,
    /// Its state; empty for none.
    pub state: String,
    /// What is noted of it.
    pub notes: Notes,
    /// Where its messages are, oldest first: the generation, and the position in it.
    pub places: Vec<(u64, u64)>,
}

impl Joined {
    /// The messages that it once had beside those.
    #[must_use]
    pub fn earlier(&self) -> u64 {
        self.session.total.saturating_sub(self.places.len() as u64)
    }

    /// The first places from a number of them on that are neighbours, at most so many.
    #[must_use]
    pub fn run(&self, from: usize, most: usize) -> &[(u64, u64)] {
        let rest = self.places.get(from..).unwrap_or_default();
        let follows = |pair: &&[(u64, u64)]| matches!(pair, [(a, at), (b, next)] if a == b && at + 1 == *next);
        let length = 1 + rest.windows(2).take_while(follows).count();
        rest.get(..length.min(most).min(rest.len())).unwrap_or_default()
    }
}

/// Joins generations, the newest first, of whose messages these are the heads, the newest first too.
#[must_use]
pub fn join(generations: &[Kept], heads: &[Head], newer: &Newer, most: u64) -> Option<Joined> {
    let newest = generations.first()?;
    let (places, repeated) = places(heads, newer, most);
    let count = places.len() as u64;
    // A generation of whose messages a newer one has some is in that one, as far as it fitted; its count is in that one's.
    let others = generations.get(1..).unwrap_or_default().iter();
    let is_apart = |kept: &&Kept| {
        !repeated.contains(&kept.created) && places.iter().any(|(generation, _)| *generation == kept.created)
    };
    let total = newest.total + others.filter(is_apart).map(|kept| kept.total).sum::<u64>();
    let last = heads.iter().find(|head| head.created == newest.created).map_or(0, |head| head.position + 1);
    let next = newest.next.max(last).max(count);
    let flags: Vec<Flags> = generations.iter().map(|kept| Flags::parse(&kept.flags)).collect();
    let named = flags.iter().position(|flags| flags.named);
    let first_title = || generations.iter().rev().find(|kept| !kept.title.is_empty());
    let title = named.and_then(|at| generations.get(at)).or_else(first_title);
    let some = |text: fn(&Kept) -> Option<&String>| {
        let text = generations.iter().filter_map(text).find(|text| !text.is_empty());
        text.cloned().unwrap_or_default()
    };
    let session = Session {
        title: title.map(|kept| kept.title.clone()).unwrap_or_default(),
        created: Millis(newest.created),
        updated: Millis(newest.updated),
        first: next - count,
        next,
        total: total.max(count),
        flags: Flags {
            named: named.is_some(),
            ..flags.into_iter().find(|flags| *flags != Flags::default()).unwrap_or_default()
        },
        ..Session::default()
    };
    let metadata = some(|kept| kept.metadata.as_ref());
    let state = some(|kept| kept.state.as_ref());
    let notes = Notes {
        used: generations.iter().map(|kept| kept.notes.used).max().unwrap_or_default(),
        summary: newest.notes.summary.clone(),
    };
    Some(Joined { session, metadata, state, notes, places })
}

/// Where the newest messages are that come, oldest first; and the generations of whose messages a newer one has some.
fn places(heads: &[Head], newer: &Newer, most: u64) -> (Vec<(u64, u64)>, BTreeSet<u64>) {
    let (mut seen, mut repeated, mut places) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut is_end = true;
    for head in heads {
        let id = stored_id(&head.head).unwrap_or_default();
        let is_newer = newer.ids.iter().any(|one| one.as_str() == id) && (is_end || !newer.at_end);
        is_end &= is_newer;
        if is_newer || places.len() as u64 >= most {
            continue;
        }
        if seen.insert(id) || id.is_empty() {
            places.push((head.created, head.position));
        } else {
            repeated.insert(head.created);
        }
    }
    places.reverse();
    (places, repeated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::InvalidId;

    fn kept(created: u64, next: u64) -> Kept {
        Kept {
            created,
            updated: created + 10,
            next,
            total: next,
            title: format!("made at {created}"),
            flags: "-".to_owned(),
            metadata: None,
            state: (created == 1).then(|| "[1]".to_owned()),
            notes: Notes::default(),
        }
    }

    fn heads(generations: &[(u64, u64, &[&str])]) -> Vec<Head> {
        let of = |(created, first, ids): &(u64, u64, &[&str])| {
            let (created, first) = (*created, *first);
            let head = move |(at, id): (usize, &&str)| Head {
                created,
                position: first + at as u64,
                head: format!(r#"{{"id":"{id}","role":"user""#),
            };
            ids.iter().enumerate().map(head).collect::<Vec<_>>()
        };
        let mut all: Vec<Head> = generations.iter().flat_map(of).collect();
        all.reverse();
        all
    }

    #[test]
    fn generations_are_read_as_one() {
        let heads = heads(&[(1, 0, &["a", "b", "c"]), (2, 1000, &["d", "e"])]);
        let joined = join(&[kept(2, 1002), kept(1, 3)], &heads, &Newer::default(), 1000).unwrap_or_default();
        assert_eq!(joined.places, [(1, 0), (1, 1), (1, 2), (2, 1000), (2, 1001)]);
        assert_eq!((joined.session.first, joined.session.next, joined.session.total), (997, 1002, 1005));
        assert_eq!((joined.session.title.as_str(), joined.state.as_str()), ("made at 1", "[1]"));
        assert_eq!((joined.run(0, 9).len(), joined.run(0, 2).len(), joined.run(3, 9).len()), (3, 2, 2));
        assert!(joined.run(5, 9).is_empty());
    }

    #[test]
    fn of_a_message_in_both_the_newer_generations_counts() {
        let heads = heads(&[(1, 0, &["a", "b", "c"]), (2, 0, &["b", "c", "d"])]);
        let joined = join(&[kept(2, 3), kept(1, 3)], &heads, &Newer::default(), 1000).unwrap_or_default();
        assert_eq!(joined.places, [(1, 0), (2, 0), (2, 1), (2, 2)]);
        assert_eq!((joined.session.first, joined.session.next, joined.session.total), (0, 4, 4));
    }

    #[test]
    fn only_the_newest_come_where_there_is_no_room() {
        let heads = heads(&[(1, 0, &["a", "b", "c"]), (2, 3, &["d", "e"])]);
        let joined = join(&[kept(2, 5), kept(1, 3)], &heads, &Newer::default(), 3).unwrap_or_default();
        assert_eq!(joined.places, [(1, 2), (2, 3), (2, 4)]);
        assert_eq!(joined.session.first, 2);
    }

    #[test]
    fn what_comes_elsewhere_does_not_come_from_here() -> Result<(), InvalidId> {
        let heads = heads(&[(1, 0, &["a", "b", "c"])]);
        let ids = || ["b", "c"].into_iter().map(MessageId::parse).collect::<Result<Vec<_>, _>>();
        let joined = |newer: &Newer| join(&[kept(1, 3)], &heads, newer, 9).unwrap_or_default().places;
        assert_eq!(joined(&Newer::of(ids()?)), [(1, 0)]);
        assert_eq!(joined(&Newer::at_end(ids()?)), [(1, 0)]);
        assert_eq!(joined(&Newer::of([MessageId::parse("b")?])), [(1, 0), (1, 2)]);
        assert_eq!(joined(&Newer::at_end([MessageId::parse("b")?])), [(1, 0), (1, 1), (1, 2)]);
        Ok(())
    }
}
