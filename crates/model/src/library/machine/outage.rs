//! What happens in an outage: Redis is left alone for a while, tried again, and told what changed, in order.

use super::attendance::ping;
use super::{FIRST_CONTACT, Held, Machine, Purpose, Sent};
use crate::error::{Outage, StoreError};
use crate::journal::Settled;
use crate::library::event::{Effect, Ticket};
use crate::library::link::Link;
use crate::library::log::{Level, Line};
use crate::redis::{Reply, UnexpectedReply};
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
        if let Some((number, call)) = self.journal.first(&self.keys) {
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

    /// Redis answered the replay of the oldest change.
    pub(super) fn replayed(&mut self, reply: Reply, now: Millis) {
        self.refused = None;
        match self.journal.settle(reply) {
            Ok((Settled::Done, told)) => {
                let Some(asked) = self.journal.confirm() else { return };
                if let Some(told) = told {
                    let (ttl, journal) = (self.ttl(), &self.journal);
                    self.knowledge.learn(&asked, &told, now, ttl, |id| journal.changes(id));
                }
                self.replayed += 1;
                self.note_owner(now);
                self.replay_next(now);
            }
            Ok((Settled::Again(_), _)) => self.replay_next(now),
            Ok((Settled::Dropped(code), _)) => self.drop_first(code, now),
            Err(UnexpectedReply) => self.drop_first(StoreError::UnexpectedReply.cause(), now),
        }
    }

    /// Redis has reason not to take the oldest change, now or ever.
    pub(super) fn drop_first(&mut self, cause: &'static str, now: Millis) {
        if let Some(asked) = self.journal.confirm() {
            let line = Line::new(Level::Warning, "change_refused", "a change made in the outage no longer applies");
            let line = asked.sessions().last().map_or(line.clone(), |id| line.of(id));
            self.log(line.with("cause", cause));
        }
        self.replayed += 1;
        self.dropped += 1;
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
