//! The list in an outage in which Redis still reads: its page, with what the overlay knows better.

use super::Ledger;
use crate::plan::{Listed, ReadList};
use crate::session::Card;

/// The most sessions of the overlay that are shown.
const SHOWN: u64 = 200;

/// Puts the overlay's sessions before a page of Redis', and takes out of that what the overlay has changed or deleted.
///
/// # Errors
/// The storage failed.
pub fn merged<L: Ledger>(read: &ReadList, page: Listed, ledger: &mut L) -> Result<Listed, L::Error> {
    let mut cards: Vec<Card> = if read.cursor.is_none() { ledger.cards(read.now, None, 0, SHOWN)? } else { Vec::new() };
    for card in page.cards {
        if ledger.base(&card.id)?.is_none() {
            cards.push(card);
        }
    }
    // What the overlay added to the whole is not known exactly: it may have changed what is on a later page.
    Ok(Listed { count: page.count.max(cards.len() as u64), cards, next: page.next })
}
