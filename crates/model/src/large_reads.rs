//! The share of the store's time that large reads get: how many run at once in one isolate, and how many one owner may make
//! in a window of time. So an owner who reads much waits for itself, and the others don't notice.
//!
//! How large a reply is, is known when it is there. Until a reader has had a large one, its reads are taken for small.

use crate::rate::Rate;
use crate::time::Millis;
use std::collections::BTreeMap;

/// A reply of more bytes than this is large.
pub const LARGE_REPLY_BYTES: usize = 262_144;

/// The reads that run at once: of one reader whose replies were small, of one who had a large one, and of all of these.
const RUNNING_SMALL: usize = 2;
const RUNNING_LARGE: usize = 1;
const RUNNING_LARGE_IN_ALL: usize = 2;

/// The reads that wait at once: of one reader, and of all.
const WAITING_OF_READER: usize = 16;
const WAITING_IN_ALL: usize = 256;

/// How long a read waits for its turn before it is refused.
pub const READ_WAIT_TIMEOUT: Millis = Millis(3_000);

/// A read that never came back holds its place for this long.
const READ_LOST: Millis = Millis(5_000);

/// How long a reader counts as one with large replies.
const LARGE_READER_TTL: Millis = Millis(600_000);

/// The most readers that are remembered.
const MAX_READERS: usize = 10_000;

/// How large the reply to an operation can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadSize {
    /// It is small.
    Small,
    /// As large as a window of messages, for a turn. It is never refused for being one too many.
    Window,
    /// A page of at most so many bytes.
    Page(usize),
}

impl ReadSize {
    /// The bytes that a call has to allow for, of a reader with large replies or not.
    #[must_use]
    pub fn expected_bytes(self, is_large_reader: bool) -> usize {
        match self {
            ReadSize::Small => 0,
            ReadSize::Window if is_large_reader => crate::limits::REPLY_BYTES,
            ReadSize::Window => 0,
            ReadSize::Page(bytes) => bytes,
        }
    }
}

/// The answer to a read that wants to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It runs, with this place, and has to allow for so many bytes.
    Run(Place),
    /// Others run: it asks again in a moment.
    Wait,
    /// It is one too many: it may come back after so many seconds.
    Refuse(u64),
}

/// The place of a read that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    number: u64,
    reader: String,
    /// The bytes that the call has to allow for.
    pub expected_bytes: usize,
}

/// A read that runs or waits.
#[derive(Debug)]
struct Entry {
    number: u64,
    reader: String,
    since: Millis,
    is_large: bool,
}

/// What is remembered of a reader.
#[derive(Debug, Default)]
struct Reader {
    /// Until when it counts as one with large replies.
    large_until: Millis,
    /// The window of time that is counted, and the large replies in it.
    window: u64,
    count: u64,
}

/// The large reads of one isolate.
#[derive(Debug, Default)]
pub struct LargeReads {
    readers: BTreeMap<String, Reader>,
    running: Vec<Entry>,
    waiting: Vec<Entry>,
    last_number: u64,
}

impl LargeReads {
    /// The number under which a read asks, again and again while it waits.
    pub fn enter(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Says whether a read may run now. `rate` is what its owner may read in a window of time; none where it may read all it wants.
    pub fn admit(&mut self, number: u64, reader: &str, size: ReadSize, rate: Option<Rate>, now: Millis) -> Admission {
        self.running.retain(|entry| now.since(entry.since) < READ_LOST);
        self.waiting.retain(|entry| now.since(entry.since) < READ_WAIT_TIMEOUT);
        if let Some(seconds) = self.is_over(reader, rate, now) {
            self.leave(number);
            return Admission::Refuse(seconds);
        }
        let is_large = self.is_large_reader(reader, now);
        let running = self.running.iter().filter(|entry| entry.reader == reader).count();
        let in_all = self.running.iter().filter(|entry| entry.is_large).count();
        let is_free = if is_large {
            running < RUNNING_LARGE && in_all < RUNNING_LARGE_IN_ALL
        } else {
            running < RUNNING_SMALL || size == ReadSize::Window
        };
        if is_free {
            self.leave(number);
            self.running.push(Entry { number, reader: reader.to_owned(), since: now, is_large });
            let expected_bytes = size.expected_bytes(is_large);
            return Admission::Run(Place { number, reader: reader.to_owned(), expected_bytes });
        }
        if self.waiting.iter().any(|entry| entry.number == number) {
            return Admission::Wait;
        }
        let waiting = self.waiting.iter().filter(|entry| entry.reader == reader).count();
        if waiting >= WAITING_OF_READER || self.waiting.len() >= WAITING_IN_ALL {
            return Admission::Refuse(1);
        }
        self.waiting.push(Entry { number, reader: reader.to_owned(), since: now, is_large });
        Admission::Wait
    }

    /// Takes a read off the list of those that wait.
    pub fn leave(&mut self, number: u64) {
        self.waiting.retain(|entry| entry.number != number);
    }

    /// Gives a place back, with the bytes of the reply; none where there was no reply in time, which a large one may be the reason for.
    pub fn finish(&mut self, place: &Place, reply_bytes: Option<usize>, rate: Option<Rate>, now: Millis) {
        self.running.retain(|entry| entry.number != place.number);
        if reply_bytes.is_some_and(|bytes| bytes <= LARGE_REPLY_BYTES) {
            return;
        }
        if self.readers.len() >= MAX_READERS && !self.readers.contains_key(&place.reader) {
            self.readers.retain(|_, reader| reader.large_until > now);
            if self.readers.len() >= MAX_READERS {
                self.readers.pop_first();
            }
        }
        let reader = self.readers.entry(place.reader.clone()).or_default();
        reader.large_until = now.after(LARGE_READER_TTL);
        if let (Some(rate), Some(_)) = (rate, reply_bytes) {
            let window = now.0 / rate.window.0;
            reader.count = if reader.window == window { reader.count + 1 } else { 1 };
            reader.window = window;
        }
    }

    /// The seconds until a reader may read again that had all of its large replies.
    #[must_use]
    pub fn is_over(&self, reader: &str, rate: Option<Rate>, now: Millis) -> Option<u64> {
        let rate = rate?;
        let known = self.readers.get(reader)?;
        let is_over = known.window == now.0 / rate.window.0 && known.count >= rate.turns;
        is_over.then(|| (rate.window.0 - now.0 % rate.window.0).div_ceil(1000))
    }

    fn is_large_reader(&self, reader: &str, now: Millis) -> bool {
        self.readers.get(reader).is_some_and(|reader| reader.large_until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Option<Rate> = Some(Rate { turns: 2, window: Millis(60_000) });
    const PAGE: ReadSize = ReadSize::Page(1_048_576);

    fn run(reads: &mut LargeReads, reader: &str, now: u64) -> Option<Place> {
        let number = reads.enter();
        match reads.admit(number, reader, PAGE, RATE, Millis(now)) {
            Admission::Run(place) => Some(place),
            _ => None,
        }
    }

    /// Readers who had a large reply.
    fn large(readers: &[&str]) -> LargeReads {
        let mut reads = LargeReads::default();
        for reader in readers {
            let place = run(&mut reads, reader, 0);
            place.iter().for_each(|place| reads.finish(place, None, RATE, Millis(0)));
        }
        reads
    }

    #[test]
    fn a_reader_with_large_replies_reads_one_at_a_time_and_two_of_them_do() {
        let mut reads = large(&["a", "b", "c"]);
        let first = run(&mut reads, "a", 1);
        assert!(first.is_some());
        assert_eq!(run(&mut reads, "a", 1), None);
        assert!(run(&mut reads, "b", 1).is_some());
        assert_eq!(run(&mut reads, "c", 1), None, "two at once in all");
        assert!(run(&mut reads, "small", 1).is_some(), "who reads little isn't held up");
        first.iter().for_each(|place| reads.finish(place, Some(100), RATE, Millis(2)));
        assert!(run(&mut reads, "c", 2).is_some());
    }

    #[test]
    fn reads_of_a_reader_with_small_replies_are_two_at_once() {
        let mut reads = LargeReads::default();
        let places = [run(&mut reads, "a", 1), run(&mut reads, "a", 1)];
        assert!(places.iter().all(Option::is_some));
        assert_eq!(run(&mut reads, "a", 1), None);
        let number = reads.enter();
        let turn = reads.admit(number, "a", ReadSize::Window, None, Millis(1));
        assert!(matches!(turn, Admission::Run(Place { expected_bytes: 0, .. })), "a turn isn't held up by pages");
    }

    #[test]
    fn large_replies_are_counted_by_window() {
        let mut reads = LargeReads::default();
        for _ in 0..2 {
            let place = run(&mut reads, "a", 59_000);
            place.iter().for_each(|place| reads.finish(place, Some(LARGE_REPLY_BYTES + 1), RATE, Millis(59_000)));
        }
        let number = reads.enter();
        assert_eq!(reads.admit(number, "a", PAGE, RATE, Millis(59_000)), Admission::Refuse(1));
        assert!(matches!(reads.admit(number, "a", PAGE, None, Millis(59_000)), Admission::Run(_)));
        assert!(run(&mut reads, "b", 59_000).is_some());
        let place = reads.running.iter().find(|entry| entry.reader == "a").map(|entry| entry.number);
        reads.running.retain(|entry| Some(entry.number) != place);
        assert!(run(&mut reads, "a", 60_000).is_some());
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut reads = large(&["a"]);
        assert!(run(&mut reads, "a", 1).is_some());
        let first = reads.enter();
        assert_eq!(reads.admit(first, "a", PAGE, RATE, Millis(1)), Admission::Wait);
        assert_eq!(reads.admit(first, "a", PAGE, RATE, Millis(1)), Admission::Wait);
        for _ in 1..WAITING_OF_READER {
            let number = reads.enter();
            assert_eq!(reads.admit(number, "a", PAGE, RATE, Millis(1)), Admission::Wait);
        }
        let last = reads.enter();
        assert_eq!(reads.admit(last, "a", PAGE, RATE, Millis(1)), Admission::Refuse(1));
        reads.leave(first);
        assert_eq!(reads.admit(last, "a", PAGE, RATE, Millis(1)), Admission::Wait);
    }

    #[test]
    fn a_place_that_is_lost_is_free_after_a_while() {
        let mut reads = large(&["a"]);
        assert!(run(&mut reads, "a", 1).is_some());
        assert_eq!(run(&mut reads, "a", READ_LOST.0), None);
        assert!(run(&mut reads, "a", READ_LOST.0 + 1).is_some());
    }

    #[test]
    fn the_bytes_to_allow_for_follow_from_what_is_asked() {
        assert_eq!(ReadSize::Small.expected_bytes(true), 0);
        assert_eq!(ReadSize::Window.expected_bytes(false), 0);
        assert_eq!(ReadSize::Window.expected_bytes(true), crate::limits::REPLY_BYTES);
        assert_eq!(ReadSize::Page(7).expected_bytes(false), 7);
    }
}
