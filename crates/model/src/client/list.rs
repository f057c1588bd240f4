//! The list of sessions: pages from the server, kept up to date by the answers to messages.

use super::Token;
use crate::id::SessionId;
use crate::wire::{SessionBody, SessionList};

/// How many deletions are remembered against answers that were on their way meanwhile.
const REMEMBERED: usize = 256;

#[derive(Debug)]
struct Card {
    body: SessionBody,
    /// When this was learnt, on the scale of the request tokens.
    since: Token,
}

/// Sessions by activity, the newest first.
#[derive(Debug, Default)]
pub(super) struct List {
    cards: Vec<Card>,
    /// How many there are on the server, as far as is known.
    count: u64,
    /// Sessions deleted here: a straggling answer does not bring them back.
    deleted: Vec<SessionId>,
}

impl List {
    pub(super) fn cards(&self) -> impl Iterator<Item = &SessionBody> {
        self.cards.iter().map(|card| &card.body)
    }

    pub(super) fn card(&self, id: &SessionId) -> Option<&SessionBody> {
        self.cards().find(|body| body.session_id == *id)
    }

    pub(super) fn count(&self) -> u64 {
        self.count.max(self.cards.len() as u64)
    }

    /// A session has just been used.
    pub(super) fn used(&mut self, body: &SessionBody, created: bool, now: Token) {
        if self.deleted.contains(&body.session_id) {
            return;
        }
        let listed = self.card(&body.session_id).is_some();
        self.cards.retain(|card| card.body.session_id != body.session_id);
        self.count += u64::from(created && !listed);
        self.cards.insert(0, Card { body: body.clone(), since: now });
    }

    /// A session is gone from the server, by a deletion here or by expiry.
    pub(super) fn gone(&mut self, id: &SessionId, deleted: bool) {
        if self.card(id).is_some() {
            self.cards.retain(|card| card.body.session_id != *id);
            self.count = self.count.saturating_sub(1);
        }
        if deleted && !self.deleted.contains(id) {
            self.deleted.push(id.clone());
            let excess = self.deleted.len().saturating_sub(REMEMBERED);
            self.deleted.drain(..excess);
        }
    }

    /// Takes in a page, asked for at `asked`; what was learnt later than that is newer than the page.
    pub(super) fn page(&mut self, page: SessionList, asked: Token) {
        self.cards.retain(|card| card.since > asked);
        let complete = page.next_cursor.is_none();
        for body in page.sessions {
            if self.card(&body.session_id).is_none() && !self.deleted.contains(&body.session_id) {
                self.cards.push(Card { body, since: asked });
            }
        }
        self.count = if complete { 0 } else { page.count };
    }
}
