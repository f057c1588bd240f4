//! The last windows that this isolate saw, so that a chat goes on with its memory when Redis goes away. It costs a healthy turn a
//! move of what it would have freed.

use chatkeep_model::journal::Seed;
use chatkeep_model::{Owner, SessionId};
use std::cell::RefCell;
use std::collections::VecDeque;

/// How many windows are kept, and how large one may be, in bytes of its messages: at most 2 MB in all.
const WINDOWS: usize = 64;
const BYTES: usize = 32_768;

struct Remembered {
    prefix: String,
    owner: Owner,
    session: SessionId,
    seed: Seed,
}

thread_local! {
    static LAST: RefCell<VecDeque<Remembered>> = const { RefCell::new(VecDeque::new()) };
}

/// Keeps what a turn came to; the oldest gives way.
pub(super) fn keep(prefix: &str, owner: &Owner, session: SessionId, seed: Seed) {
    LAST.with_borrow_mut(|last| {
        last.retain(|one| !(one.session == session && one.owner == *owner && one.prefix == prefix));
        if seed.messages.iter().map(String::len).sum::<usize>() > BYTES {
            return;
        }
        if last.len() >= WINDOWS {
            last.pop_front();
        }
        last.push_back(Remembered { prefix: prefix.to_owned(), owner: owner.clone(), session, seed });
    });
}

/// What was kept of a session.
pub(super) fn find(prefix: &str, owner: &Owner, session: &SessionId) -> Option<Seed> {
    LAST.with_borrow(|last| {
        let found = last.iter().find(|one| one.session == *session && one.owner == *owner && one.prefix == prefix);
        found.map(|one| one.seed.clone())
    })
}

/// Forgets a session, because it is deleted.
pub(super) fn forget(prefix: &str, owner: &Owner, session: &SessionId) {
    LAST.with_borrow_mut(|last| {
        last.retain(|one| !(one.session == *session && one.owner == *owner && one.prefix == prefix));
    });
}
