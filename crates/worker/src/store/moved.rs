//! Which owners have nothing in a vault that Redis should have, as far as this isolate knows.

use chatkeep_model::Owner;
use chatkeep_model::plan::directory::shard;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The most owners that an isolate remembers one by one. Beyond them it forgets all, and asks again.
const REMEMBERED: usize = 10_000;

/// What is known of a namespace.
struct Known {
    prefix: String,
    /// The shards of the directory in which no owner is left, a bit each.
    empty: u64,
    settled: BTreeSet<Owner>,
}

thread_local! {
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// Whether an owner is known to have nothing left in a vault.
pub(super) fn is_settled(prefix: &str, owner: &Owner) -> bool {
    KNOWN.with_borrow(|all| {
        let known = all.iter().find(|known| known.prefix == prefix);
        known.is_some_and(|known| known.empty & (1 << shard(owner)) != 0 || known.settled.contains(owner))
    })
}

/// An owner has nothing left; or none of its shard has.
pub(super) fn settle(prefix: &str, owner: &Owner, whole_shard: bool) {
    KNOWN.with_borrow_mut(|all| {
        if !all.iter().any(|known| known.prefix == prefix) {
            all.push(Known { prefix: prefix.to_owned(), empty: 0, settled: BTreeSet::new() });
        }
        let Some(known) = all.iter_mut().find(|known| known.prefix == prefix) else { return };
        if whole_shard {
            known.empty |= 1 << shard(owner);
        } else {
            if known.settled.len() >= REMEMBERED {
                known.settled.clear();
            }
            known.settled.insert(owner.clone());
        }
    });
}
