//! Whether Redis is there, and noting for others that this owner is.

use super::{Machine, Purpose, Sent, TRIES};
use crate::error::StoreError;
use crate::library::answer::{HealthAnswer, Place};
use crate::library::event::{Effect, Ticket};
use crate::library::link::Link;
use crate::library::settings::Connection;
use crate::plan::directory;
use crate::redis::Call;
use crate::redis::call::PING;
use crate::time::Millis;

impl Machine {
    /// Looks whether Redis is there, so that the operator hears at the start when it isn't.
    pub(super) fn open(&mut self, ticket: Ticket, now: Millis) {
        if !self.has_redis() || !matches!(self.link, Link::Up) {
            return self.finish(ticket);
        }
        let call = ping();
        self.send(Sent { purpose: Purpose::Open(ticket), call, with_source: false, tries: 0, at: now }, now);
    }

    pub(super) fn health(&mut self, ticket: Ticket, now: Millis) {
        if !self.has_redis() {
            return self.tell_health(ticket, Ok(Millis(0)));
        }
        let call = ping();
        // No second try: the first says how it is.
        self.send(
            Sent { purpose: Purpose::Health(ticket), call, with_source: false, tries: TRIES.len(), at: now },
            now,
        );
    }

    pub(super) fn tell_health(&mut self, ticket: Ticket, answered: Result<Millis, StoreError>) {
        let redis = self.has_redis();
        let health = HealthAnswer {
            connected: redis && answered.is_ok(),
            latency_ms: answered.as_ref().ok().map(|latency| latency.0),
            using_fallback: redis && !matches!(self.link, Link::Up),
            store: match self.settings.connection {
                Connection::Rest(_) => Place::Upstash,
                Connection::Tcp(_) => Place::Redis,
                Connection::Memory => Place::Memory,
            },
            journaled: self.journal.len(),
            cause: answered.err().map(|error| error.cause()).or(self.link.cause()),
        };
        let json = serde_json::to_string(&health).unwrap_or_default();
        self.effects.push(Effect::Done { ticket, json });
    }

    /// Notes the owner in the directory, so that administration and the archive find its sessions.
    pub(super) fn note_owner(&mut self, now: Millis) {
        let ttl = self.ttl();
        if self.noted.is_some_and(|noted| now.since(noted) < directory::noted_for(ttl)) {
            return;
        }
        self.noted = Some(now);
        let call = directory::note(&self.settings.namespace.prefix, &self.settings.owner, now, ttl);
        self.send(Sent { purpose: Purpose::Note, call, with_source: false, tries: 0, at: now }, now);
    }
}

/// The call that asks whether it is there.
pub(super) fn ping() -> Call {
    Call::Command(vec![PING.to_owned()])
}
