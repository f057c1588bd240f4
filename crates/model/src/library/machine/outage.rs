//! What happens in an outage: Redis is left alone for a while, tried again, and told what changed, in order.

use super::attendance::ping;
use super::{FIRST_CONTACT, Held, Machine, Purpose, Sent};
use crate::error::Outage;
use crate::library::event::{Effect, Ticket};
use crate::library::link::Link;
use crate::library::log::{Level, Line};
use crate::library::operation::Told;
use crate::time::Millis;

impl Machine {
    /// Redis can't be reached.
    pub(super) fn cut(&mut self, outage: Outage, now: Millis) {
        if matches!(self.link, Link::Up) {
            let line = Line::new(
                Level::Warning,
                "redis_unavailable",
                "Redis can't be reached: sessions are kept in memory until it can, and what changes is then told to it",
            );
            self.log(line.with("cause", outage.as_str()));
        }
        if self.link.is_down() {
            return; // another call found out before
        }
        self.link.fail(now);
        self.link.name_cause(outage.as_str());
        self.wake(now);
    }

    pub(super) fn wake(&mut self, now: Millis) {
        if let (true, Link::Down { retry_at, .. }) = (self.settings.background, &self.link) {
            self.effects.push(Effect::Wake { after: retry_at.since(now) });
        }
    }

    /// Tries whether Redis is back, with the oldest change of the journal where there is one.
    pub(super) fn replay(&mut self, now: Millis) {
        self.link.try_again(now.after(Millis(FIRST_CONTACT.0 * 2)));
        self.replay_next(now);
    }

    pub(super) fn replay_next(&mut self, now: Millis) {
        if let Some((number, first)) = self.journal.first() {
            let call = first.call(&self.keys);
            self.link.try_again(now.after(Millis(FIRST_CONTACT.0 * 2)));
            return self
                .send(Sent { purpose: Purpose::Replay(number), call, with_source: false, tries: 0, at: now }, now);
        }
        if self.replayed == 0 && !self.link.was_probed() {
            self.link.probe();
            let call = ping();
            return self.send(Sent { purpose: Purpose::Probe, call, with_source: false, tries: 0, at: now }, now);
        }
        let line = Line::new(Level::Warning, "redis_recovered", "Redis is back, and has what changed in the meantime");
        self.log(line.with("replayed", self.replayed).with("refused", self.dropped));
        (self.replayed, self.dropped) = (0, 0);
        self.refused = None;
        self.link = Link::Up;
        self.release(now);
    }

    /// The oldest change is in Redis, or will never be.
    pub(super) fn replayed(&mut self, number: u64, told: Option<Told>, now: Millis) {
        // The answer to a try that was given up comes late: the journal is further already.
        let Some(asked) = self.journal.confirm(number) else { return };
        self.refused = None;
        let done = told.as_ref().is_some_and(Told::is_done);
        self.replayed += 1;
        if !done {
            self.dropped += 1;
            let line = Line::new(Level::Warning, "change_refused", "a change made in the outage no longer applies");
            let line = asked.sessions().first().map_or(line.clone(), |id| line.of(id));
            self.log(line);
        }
        if let Some(told) = told {
            let (ttl, journal) = (self.ttl(), &self.journal);
            self.knowledge.learn(&asked, &told, now, ttl, |id| journal.changes(id));
        }
        self.note_owner(now);
        self.replay_next(now);
    }

    /// Lets go on what waited for the end of a replay.
    pub(super) fn release(&mut self, now: Millis) {
        for held in std::mem::take(&mut self.held) {
            match held {
                Held::Work(work) => self.run(*work, now),
                Held::Close(ticket) => self.end(ticket),
            }
        }
    }

    /// Closes the store, once Redis has what it doesn't know yet. One try: who closes is about to go.
    pub(super) fn close(&mut self, ticket: Ticket, now: Millis) {
        if self.journal.len() == 0 {
            return self.end(ticket);
        }
        self.held.push(Held::Close(ticket));
        if self.link.is_down() || self.link.may_try(now) {
            self.replay(now);
        }
    }

    fn end(&mut self, ticket: Ticket) {
        if self.journal.len() > 0 {
            let line = Line::new(Level::Error, "journal_lost", "the store closes with changes that Redis doesn't know");
            self.log(line.with("entries", self.journal.len()));
        }
        self.finish(ticket);
    }
}
