//! The list of sessions: pages from the server, kept up to date by the answers to messages and by other tabs.

use super::Token;
use super::decode::SessionPage;
use crate::id::SessionId;

/// How many deletions are remembered against answers that were on their way meanwhile.
const REMEMBERED: usize = 256;

/// A session as the server last described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) id: SessionId,
    pub(super) title: Option<String>,
    pub(super) message_count: u64,
    pub(super) total_messages: u64,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) expires_at: String,
    pub(super) pinned: bool,
    pub(super) archived: bool,
    /// When this was learnt, on the scale of the request tokens.
    pub(super) since: Token,
}

/// Pages of sessions by activity, the newest first.
#[derive(Debug, Default)]
struct Shelf {
    cards: Vec<Card>,
    /// How many there are on the server, as far as is known.
    count: u64,
    /// What to ask as `cursor` for the next page.
    cursor: Option<String>,
}

/// The list, and beside it what a search found.
#[derive(Debug, Default)]
pub(super) struct List {
    all: Shelf,
    found: Shelf,
    /// The text that is searched for; empty when all are shown.
    pub(super) search: String,
    /// Sessions deleted here: a straggling answer does not bring them back.
    deleted: Vec<SessionId>,
}

impl List {
    fn shown(&self) -> &Shelf {
        if self.search.is_empty() { &self.all } else { &self.found }
    }

    fn shelf(&mut self) -> &mut Shelf {
        if self.search.is_empty() { &mut self.all } else { &mut self.found }
    }

    /// What the list shows.
    pub(super) fn cards(&self) -> &[Card] {
        &self.shown().cards
    }

    /// What is known of a session, whether it is shown or not.
    pub(super) fn card(&self, id: &SessionId) -> Option<&Card> {
        self.all.cards.iter().chain(&self.found.cards).find(|card| card.id == *id)
    }

    pub(super) fn count(&self) -> u64 {
        self.shown().count.max(self.cards().len() as u64)
    }

    pub(super) fn cursor(&self) -> Option<&String> {
        self.shown().cursor.as_ref()
    }

    /// Shows the sessions with this in their titles; all of them when it is empty.
    pub(super) fn search(&mut self, text: String) {
        if self.search != text {
            self.search = text;
            self.found = Shelf::default();
        }
    }

    /// A session has just been used: it is the newest now.
    pub(super) fn used(&mut self, card: &Card, created: bool, now: Token) {
        if self.deleted.contains(&card.id) {
            return;
        }
        let listed = self.all.cards.iter().any(|other| other.id == card.id);
        self.all.cards.retain(|other| other.id != card.id);
        self.all.count += u64::from(created && !listed);
        self.all.cards.insert(0, Card { since: now, ..card.clone() });
        self.changed(card, now);
    }

    /// A session is described anew; its place stays.
    pub(super) fn changed(&mut self, card: &Card, now: Token) {
        for other in self.all.cards.iter_mut().chain(&mut self.found.cards).filter(|other| other.id == card.id) {
            *other = Card { since: now, ..card.clone() };
        }
    }

    /// A session is back, or new.
    pub(super) fn back(&mut self, card: &Card, now: Token) {
        self.deleted.retain(|id| *id != card.id);
        self.used(card, true, now);
    }

    /// A session is gone from the server, by a deletion or by expiry.
    pub(super) fn gone(&mut self, id: &SessionId, deleted: bool) {
        for shelf in [&mut self.all, &mut self.found] {
            let before = shelf.cards.len();
            shelf.cards.retain(|card| card.id != *id);
            shelf.count = shelf.count.saturating_sub((before - shelf.cards.len()) as u64);
        }
        if deleted && !self.deleted.contains(id) {
            self.deleted.push(id.clone());
            let excess = self.deleted.len().saturating_sub(REMEMBERED);
            self.deleted.drain(..excess);
        }
    }

    /// Takes in a page, asked for at `asked`; what was learnt later than that is newer than the page.
    ///
    /// The first page takes the place of what it covers. Pages read after it stay, as long as it says that there are more.
    pub(super) fn page(&mut self, page: SessionPage, more: bool, asked: Token) {
        let deleted = std::mem::take(&mut self.deleted);
        let shelf = self.shelf();
        let oldest = page.cards.last().map(|card| card.updated_at.clone()).unwrap_or_default();
        let older = |card: &Card| page.next.is_some() && card.updated_at < oldest;
        if !more {
            shelf.cards.retain(|card| card.since > asked || older(card));
        }
        let joins = !more && shelf.cards.last().is_some_and(older);
        let at = if more { shelf.cards.len() } else { shelf.cards.partition_point(|card| !older(card)) };
        let known = |id: &SessionId| shelf.cards.iter().any(|card| card.id == *id) || deleted.contains(id);
        let fresh: Vec<Card> = page.cards.into_iter().filter(|card| !known(&card.id)).collect();
        shelf.cards.splice(at..at, fresh.into_iter().map(|card| Card { since: asked, ..card }));
        shelf.count = if page.next.is_some() { page.count } else { 0 };
        if !joins {
            shelf.cursor = page.next;
        }
        self.deleted = deleted;
    }
}
