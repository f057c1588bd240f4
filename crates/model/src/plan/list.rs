//! Read a page of an owner's session cards, newest activity first. The TTL is uniform, so that is by expiry.

use super::Operation;
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::LIST;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Card;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Where a page begins: after `skip` of the sessions that expire at `newest` or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Cursor {
    pub newest: Millis,
    pub skip: u64,
}

impl Cursor {
    /// The form on the wire: two numbers and a dot.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}.{}", self.newest, self.skip)
    }

    /// Reads the form on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (newest, skip) = text.split_once('.')?;
        // Below 2^53: the greatest that a sorted set's score tells apart.
        let number = |digits: &str| digits.parse().ok().filter(|number: &u64| *number < 1 << 53);
        Some(Self { newest: Millis(number(newest)?), skip: number(skip)? })
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadList {
    pub now: Millis,
    /// The most cards to give, at least 1.
    pub limit: u64,
    pub cursor: Option<Cursor>,
}

/// A page of cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The live sessions of the owner, all of them counted.
    pub count: u64,
    /// Newest activity first.
    pub cards: Vec<Card>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

impl ReadList {
    fn newest(&self) -> Option<Millis> {
        self.cursor.map(|cursor| cursor.newest)
    }

    fn skip(&self) -> u64 {
        self.cursor.map_or(0, |cursor| cursor.skip)
    }

    /// Makes the page of one more row than the limit: the last one only tells that there are more. A row is an id's place in
    /// the order, and its card where it has one: an evicted card hides its row, but not those after it.
    fn listed(&self, count: u64, mut rows: Vec<(Millis, Option<Card>)>) -> Listed {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(last, _)| {
            let equal = rows.iter().filter(|(expires, _)| expires == last).count() as u64;
            let carried = if self.newest() == Some(*last) { self.skip() } else { 0 };
            Cursor { newest: *last, skip: equal + carried }
        });
        Listed { count, cards: rows.into_iter().filter_map(|(_, card)| card).collect(), next }
    }
}

impl Operation for ReadList {
    const NAME: &'static str = "list";
    type Outcome = Listed;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.cards.iter_mut().try_for_each(|card| visit(Kind::Title, &card.id, &mut card.title))
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &LIST,
            keys: vec![keys.index(), keys.cards()],
            arguments: vec![
                self.now.to_string(),
                (self.limit + 1).to_string(),
                self.newest().map_or_else(|| "+inf".to_owned(), |newest| newest.to_string()),
                self.skip().to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Listed, UnexpectedReply> {
        let mut items = reply.items()?;
        let count = items.number()?;
        let mut found = items.take()?.items()?;
        let mut rows = Vec::new();
        while !found.is_empty() {
            let id = SessionId::parse(found.text()?).map_err(|_| UnexpectedReply)?;
            let expires = Millis(found.number()?);
            rows.push((expires, Card::parse(id, expires, &found.text()?)));
        }
        Ok(self.listed(count, rows))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Listed, R::Error> {
        let count = records.count(self.now)?;
        let cards = records.cards(self.now, self.newest(), self.skip(), self.limit + 1)?;
        Ok(self.listed(count, cards.into_iter().map(|card| (card.expires, Some(card))).collect()))
    }
}
