//! The large reads of this isolate, and the place of each among them.

use crate::edge::{any_number, now};
use crate::wait::sleep;
use chatkeep_model::large_reads::{Admission, LargeReads, Place, READ_WAIT_TIMEOUT, ReadSize};
use chatkeep_model::rate::Rate;
use chatkeep_model::{Millis, Owner, StoreError};
use std::cell::RefCell;

thread_local! {
    static READS: RefCell<LargeReads> = RefCell::default();
}

/// How long a read waits before it asks again. No request can wake another's.
const POLL: u64 = 20;

/// A read that may become large, of an owner that has a budget for such reads.
pub(super) struct LargeRead<'a> {
    pub(super) owner: &'a Owner,
    pub(super) size: ReadSize,
    /// What the owner may read in a window of time; none where this read is part of what was let in as a whole.
    pub(super) rate: Option<Rate>,
}

impl LargeRead<'_> {
    /// Waits until the read may run.
    ///
    /// # Errors
    /// [`StoreError::TooManyReads`] when its owner reads too much, or when it waited for too long.
    pub(super) async fn begin(&self, refused: bool) -> Result<Place, StoreError> {
        let (number, began) = (READS.with_borrow_mut(LargeReads::enter), now());
        let rate = self.rate.filter(|_| refused && self.size != ReadSize::Window);
        loop {
            let asked = now();
            let owner = self.owner.as_str();
            match READS.with_borrow_mut(|reads| reads.admit(number, owner, self.size, rate, asked)) {
                Admission::Run(place) => return Ok(place),
                Admission::Refuse(seconds) => return Err(StoreError::TooManyReads(seconds)),
                Admission::Wait if asked.since(began) >= READ_WAIT_TIMEOUT => {
                    READS.with_borrow_mut(|reads| reads.leave(number));
                    return Err(StoreError::TooManyReads(1));
                }
                Admission::Wait => sleep(Millis(POLL + any_number() % POLL)).await,
            }
        }
    }

    /// Gives the place back, with the bytes of the reply where there was one.
    pub(super) fn finish(&self, place: &Place, reply_bytes: Option<usize>) {
        READS.with_borrow_mut(|reads| reads.finish(place, reply_bytes, self.rate, now()));
    }
}

/// Whether an owner may begin to read all that it has.
///
/// # Errors
/// [`StoreError::TooManyReads`] when it has read too much.
pub(super) fn check(owner: &Owner, rate: Option<Rate>) -> Result<(), StoreError> {
    let over = READS.with_borrow(|reads| reads.is_over(owner.as_str(), rate, now()));
    over.map_or(Ok(()), |seconds| Err(StoreError::TooManyReads(seconds)))
}
