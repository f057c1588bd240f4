//! The walk through everybody's sessions, a page at a time.

use crate::edge::now;
use crate::store::Store;
use chatkeep_model::census::Cursor;
use chatkeep_model::limits::LIST_PAGE;
use chatkeep_model::plan::directory::{Noted, SHARDS};
use chatkeep_model::plan::{Place, Survey};
use chatkeep_model::session::Card;
use chatkeep_model::{Millis, Owner, SessionId, StoreError};
use std::collections::{BTreeSet, VecDeque};

/// How many sessions a page has at most.
const PAGE: u64 = 100;

/// A walk under way.
pub(crate) struct Walk {
    store: Store,
    cursor: Cursor,
    page: u64,
    /// Owners to come of the cursor's shard, and whether they are its last.
    waiting: VecDeque<Noted>,
    is_read: bool,
    /// Who has been walked, and which sessions of the present owner: whoever moves on while we walk comes once.
    walked: BTreeSet<Owner>,
    seen: BTreeSet<SessionId>,
}

/// A page of an owner's sessions.
pub(crate) struct Page {
    /// The owner's store.
    pub(crate) store: Store,
    /// It is the owner's first page.
    pub(crate) is_first: bool,
    pub(crate) sessions: Vec<(Place, Option<Card>)>,
}

impl Walk {
    /// Through the sessions of a store's own owner.
    pub(crate) fn of_owner(store: &Store) -> Self {
        let me = Noted { owner: store.owner().clone(), seen: Millis(0) };
        let mut walk = Self::from(store, Cursor { shard: SHARDS, owner: me.clone(), inside: None });
        walk.waiting.push_back(me);
        walk
    }

    /// Through everybody's, from a place on.
    pub(crate) fn from(store: &Store, cursor: Cursor) -> Self {
        let mut walk = Self {
            store: store.whole(),
            is_read: cursor.shard >= SHARDS,
            waiting: VecDeque::new(),
            walked: BTreeSet::new(),
            seen: BTreeSet::new(),
            cursor,
            page: PAGE,
        };
        // An owner who is half done comes first.
        walk.waiting.extend(walk.cursor.inside.is_some().then(|| walk.cursor.owner.clone()));
        walk
    }

    /// The same with pages of so many sessions.
    pub(crate) fn by(self, page: u64) -> Self {
        Self { page, ..self }
    }

    /// The place after the last page.
    pub(crate) fn place(&self) -> &Cursor {
        &self.cursor
    }

    /// Where it has come to; nothing at the end.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        let is_over = self.cursor.is_end() && self.waiting.is_empty();
        (!is_over).then_some(&self.cursor)
    }

    /// The next owner. Shards come one after another.
    async fn owner(&mut self) -> Result<Option<Noted>, StoreError> {
        loop {
            if let Some(noted) = self.waiting.pop_front() {
                return Ok(Some(noted));
            }
            if self.is_read {
                if self.cursor.shard + 1 >= SHARDS {
                    self.cursor = Cursor::of_shard(SHARDS);
                    return Ok(None);
                }
                self.cursor = Cursor::of_shard(self.cursor.shard + 1);
            }
            let page = self.store.owners(self.cursor.shard, &self.cursor.owner, LIST_PAGE.0).await?;
            self.is_read = (page.len() as u64) < LIST_PAGE.0;
            if let Some(last) = page.last() {
                // Should all of them have been walked already, the next page begins after them.
                self.cursor.owner = last.clone();
            }
            self.waiting.extend(page.into_iter().filter(|noted| !self.walked.contains(&noted.owner)));
        }
    }

    /// The next page, which may be empty; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        let Some(noted) = self.owner().await? else { return Ok(None) };
        let after = self.cursor.inside.take();
        let is_first = after.is_none();
        let store = self.store.of(noted.owner.clone());
        let mut page = store.list(&Survey { now: now(), after, limit: self.page }).await?;
        self.cursor.went(&noted, &page);
        if is_first {
            self.seen.clear();
        }
        page.rows.retain(|(place, _)| self.seen.insert(place.id.clone()));
        if page.more {
            self.waiting.push_front(noted);
        } else {
            self.walked.insert(noted.owner);
        }
        Ok(Some(Page { store, is_first, sessions: page.rows }))
    }
}
