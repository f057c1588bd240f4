//! The latest changes, and those who read them as server-sent events: where each reader is, and what it is shown next.

use crate::change::Told;
use crate::stream::Read;
use crate::time::Millis;
use std::collections::VecDeque;
use std::fmt::Write;

/// How many changes are kept for readers that come back, and how many bytes of them.
const KEPT: usize = 512;
const KEPT_BYTES: usize = 1_048_576;

/// The bytes that a reader is handed at once, unless a single event has more.
const FRAME: usize = 64 * 1024;

/// The latest changes.
#[derive(Debug)]
pub struct Recent {
    /// Tells this row of changes from those of other lives.
    epoch: u64,
    /// The number of the first that is kept.
    first: u64,
    kept: VecDeque<Told>,
    bytes: usize,
}

impl Recent {
    /// None yet. The epoch is another one in each life.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self { epoch, first: 0, kept: VecDeque::new(), bytes: 0 }
    }

    /// Adds one.
    pub fn push(&mut self, told: Told) {
        self.bytes += told.json.len();
        self.kept.push_back(told);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(Told { json, .. }) = self.kept.pop_front() else { break };
            self.bytes -= json.len();
            self.first += 1;
        }
    }

    /// Where a new reader begins.
    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Where a reader was, by its cursor; none when what came after it is not kept.
    fn place(&self, cursor: &str) -> Option<u64> {
        let (epoch, number) = cursor.trim().split_once('-')?;
        let number = number.parse().ok().filter(|_| epoch.parse() == Ok(self.epoch))?;
        (self.first..=self.end()).contains(&number).then_some(number)
    }

    fn write(&self, out: &mut String, place: u64, name: &str, json: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(out, "id: {}-{place}", self.epoch);
        crate::sse::write_event(out, None, name, json);
    }
}

/// A reader of an event stream. It holds nothing but its place, so that a slow one takes no room.
#[derive(Debug)]
pub struct FeedReader {
    place: u64,
    /// What it is told first: that all is well, or that it has missed something.
    greeting: Option<&'static str>,
    ends: Millis,
    over: bool,
}

impl FeedReader {
    /// A reader who begins now, or goes on where it was, and is let go at a time.
    #[must_use]
    pub fn new(recent: &Recent, cursor: Option<&str>, ends: Millis) -> Self {
        let place = cursor.and_then(|cursor| recent.place(cursor));
        let greeting = match (cursor, place) {
            (None, _) => Some("ready"),
            (_, None) => Some("reset"),
            _ => None,
        };
        Self { place: place.unwrap_or(recent.end()), greeting, ends, over: false }
    }

    /// What comes next for it.
    pub fn read(&mut self, recent: &Recent, now: Millis) -> Read {
        let mut out = String::new();
        if self.place < recent.first {
            (self.place, self.greeting) = (recent.end(), Some("reset"));
        }
        if let Some(name) = self.greeting.take() {
            recent.write(&mut out, self.place, name, "{}");
        }
        let seen = usize::try_from(self.place - recent.first).unwrap_or(usize::MAX);
        for Told { name, json } in recent.kept.iter().skip(seen) {
            if out.len() > FRAME {
                break;
            }
            self.place += 1;
            recent.write(&mut out, self.place, name, json);
        }
        if !out.is_empty() {
            return Read::Some(out);
        }
        if now < self.ends {
            return Read::Nothing;
        }
        if !std::mem::replace(&mut self.over, true) {
            recent.write(&mut out, self.place, "closing", "{}");
            return Read::Some(out);
        }
        Read::Over
    }

    /// How long it may wait for something new.
    #[must_use]
    pub fn patience(&self, now: Millis) -> Millis {
        self.ends.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Told {
        Told { name: "delta".into(), json: json.into() }
    }

    fn reader(recent: &Recent, cursor: Option<&str>) -> FeedReader {
        FeedReader::new(recent, cursor, Millis(100))
    }

    fn read(reader: &mut FeedReader, recent: &Recent) -> String {
        match reader.read(recent, Millis(99)) {
            Read::Some(text) => text,
            _ => String::new(),
        }
    }

    #[test]
    fn a_reader_is_shown_what_comes_after_it() {
        let mut recent = Recent::new(7);
        recent.push(told("{\"early\":1}"));
        let mut reader = reader(&recent, None);
        assert_eq!(read(&mut reader, &recent), "id: 7-1\nevent: ready\ndata: {}\n\n");
        assert_eq!(reader.read(&recent, Millis(99)), Read::Nothing);
        recent.push(told("{}"));
        assert_eq!(read(&mut reader, &recent), "id: 7-2\nevent: delta\ndata: {}\n\n");
    }

    #[test]
    fn at_its_end_it_is_given_its_cursor_and_goes_on_from_there() {
        let mut recent = Recent::new(7);
        let mut first = reader(&recent, None);
        read(&mut first, &recent);
        recent.push(told("{\"last\":1}"));
        assert_eq!(
            first.read(&recent, Millis(100)),
            Read::Some("id: 7-1\nevent: delta\ndata: {\"last\":1}\n\n".into())
        );
        let closing = Read::Some("id: 7-1\nevent: closing\ndata: {}\n\n".into());
        assert_eq!((first.read(&recent, Millis(100)), first.read(&recent, Millis(100))), (closing, Read::Over));
        recent.push(told("{\"missed\":1}"));
        let mut second = reader(&recent, Some("7-1"));
        assert_eq!(read(&mut second, &recent), "id: 7-2\nevent: delta\ndata: {\"missed\":1}\n\n");
        assert_eq!(second.patience(Millis(40)), Millis(60));
    }

    #[test]
    fn who_has_missed_something_is_told_so() {
        let mut recent = Recent::new(7);
        for _ in 0..KEPT {
            recent.push(told("{}"));
        }
        let mut slow = reader(&recent, Some("7-0"));
        recent.push(told("{}"));
        let reset = format!("id: 7-{}\nevent: reset\ndata: {{}}\n\n", KEPT + 1);
        assert_eq!(read(&mut slow, &recent), reset);
        for cursor in ["7-0", "6-513", "7-514", "x", "", "7-x"] {
            assert_eq!(read(&mut reader(&recent, Some(cursor)), &recent), reset, "{cursor}");
        }
    }

    #[test]
    fn neither_what_is_kept_nor_a_frame_grows() {
        let mut recent = Recent::new(7);
        let mut reader = reader(&recent, None);
        for _ in 0..100 {
            recent.push(told(&"x".repeat(30_000)));
        }
        assert!(recent.bytes <= KEPT_BYTES && recent.kept.len() < 36);
        assert!(read(&mut reader, &recent).contains("event: reset"));
        for _ in 0..10 {
            recent.push(told(&"x".repeat(30_000)));
        }
        let mut frames = 0;
        while let Read::Some(text) = reader.read(&recent, Millis(0)) {
            assert!(text.len() < FRAME + 31_000);
            frames += 1;
        }
        assert_eq!(frames, 4);
    }
}
