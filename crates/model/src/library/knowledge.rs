//! What a store knows of its sessions without asking Redis: all of them where there is no Redis; else what its answers
//! showed lately, so that it is there in an outage.

use super::operation::{Asked, Told};
use crate::id::SessionId;
use crate::plan::{Appended, Created, Deletion, Details, Forked, Page, Patched, Restored, Stated, Truncated, Written};
use crate::records::{MemoryRecords, Records, State};
use crate::session::{Card, Session};
use crate::time::Millis;
use std::collections::BTreeMap;

/// How many sessions, and about how many bytes of them, are kept of what Redis answered.
const MOST_SESSIONS: usize = 1000;
const MOST_BYTES: usize = 16 << 20;

/// How many of a session's last messages.
const MOST_MESSAGES: u64 = 100;

/// How often what has expired is swept out.
const SWEEP: Millis = Millis(30_000);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    records: MemoryRecords,
    /// When each session was last seen, counted, and about how many bytes it has.
    seen: BTreeMap<SessionId, (u64, usize)>,
    bytes: usize,
    clock: u64,
    swept: Millis,
}

impl Knowledge {
    /// Applies an operation to what is known.
    pub(super) fn apply(&mut self, asked: &Asked, now: Millis) -> Told {
        if now.since(self.swept) >= SWEEP {
            self.swept = now;
            self.records.sweep(now);
        }
        asked.apply(&mut self.records)
    }

    /// Whether a session is there, or is known to be deleted.
    pub(super) fn has(&mut self, id: &SessionId, now: Millis) -> bool {
        let Ok(session) = self.records.session(id);
        let Ok(buried) = self.records.buried_until(id);
        session.is_some_and(|session| session.is_live(now)) || buried.is_some_and(|until| until > now)
    }

    /// Whether a session is there with all its messages.
    pub(super) fn has_whole(&self, id: &SessionId) -> bool {
        let kept = self.records.sessions().get(id);
        kept.is_some_and(|kept| kept.messages.len() as u64 == kept.session.kept())
    }

    /// Takes in what Redis answered, except of sessions that have changes which Redis doesn't know yet.
    pub(super) fn learn(
        &mut self,
        asked: &Asked,
        told: &Told,
        now: Millis,
        ttl: Millis,
        changed: impl Fn(&SessionId) -> bool,
    ) {
        if let (Asked::ReadList(_), Told::ReadList(listed)) = (asked, told) {
            for card in listed.cards.iter().filter(|card| !changed(&card.id)) {
                self.learn_card(card);
                self.note(&card.id);
            }
        } else if asked.sessions().into_iter().all(|id| !changed(id)) {
            let Ok(()) = self.take_in(asked, told, now, ttl);
            for id in asked.sessions() {
                self.note(id);
            }
        }
        self.forget_oldest(changed);
    }

    fn take_in(
        &mut self,
        asked: &Asked,
        told: &Told,
        now: Millis,
        ttl: Millis,
    ) -> Result<(), std::convert::Infallible> {
        match (asked, told) {
            (Asked::Append(asked), Told::Append(Appended::Stored { session, .. })) => {
                let from = session.next.saturating_sub(asked.messages.len() as u64);
                self.put(&asked.session, session)?;
                self.put_messages(&asked.session, from, &asked.messages)
            }
            (Asked::WriteState(asked), Told::WriteState(Written::Stored { tag, session, .. })) => {
                self.put(&asked.session, session)?;
                self.records.put_state(&asked.session, &State { revision: tag.revision, json: asked.state.clone() })
            }
            (Asked::ReadHistory(asked), Told::ReadHistory(Some(Page { session, from, messages }))) => {
                self.put(&asked.session, session)?;
                self.put_messages(&asked.session, *from, messages)
            }
            (Asked::ReadState(asked), Told::ReadState(found)) => {
                for (id, stated) in asked.sessions.iter().zip(found) {
                    self.learn_state(id, stated, now, ttl)?;
                }
                Ok(())
            }
            (Asked::Info(_), Told::Info(Some(details))) | (Asked::Patch(_), Told::Patch(Patched::Done(details))) => {
                let Details { session, metadata, .. } = details;
                for id in asked.sessions() {
                    self.put(id, session)?;
                    self.records.put_metadata(id, metadata.as_deref().unwrap_or_default())?;
                }
                Ok(())
            }
            (Asked::Touch(asked), Told::Touch(Some(session))) => self.put(&asked.session, session),
            (Asked::Create(asked), Told::Create(Created::Created(session))) => self.put(&asked.session, session),
            (Asked::Fork(asked), Told::Fork(Forked::Created(session))) => self.put(&asked.target, session),
            (Asked::Restore(asked), Told::Restore(Restored::Back(session))) => {
                self.records.unbury(&asked.session)?;
                self.put(&asked.session, session)
            }
            (Asked::Truncate(asked), Told::Truncate(Truncated::Cut(session))) => {
                self.records.remove_messages(&asked.session, session.next..u64::MAX)?;
                self.put(&asked.session, session)
            }
            (Asked::Delete(asked), Told::Delete(Deletion::Gone(gone))) => {
                for id in gone {
                    self.records.bury(id, now.after(asked.undo))?;
                }
                Ok(())
            }
            (Asked::Info(_), Told::Info(None)) | (Asked::ReadHistory(_), Told::ReadHistory(None)) => {
                for id in asked.sessions() {
                    self.records.remove_session(id)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Puts a session's fields; of an earlier one with its id nothing stays.
    fn put(&mut self, id: &SessionId, session: &Session) -> Result<(), std::convert::Infallible> {
        if self.records.session(id)?.is_some_and(|known| known.created != session.created) {
            self.records.remove_session(id)?;
        }
        self.records.put_session(id, session)?;
        let oldest = session.first.max(session.next.saturating_sub(MOST_MESSAGES));
        self.records.remove_messages(id, 0..oldest)
    }

    fn put_messages(&mut self, id: &SessionId, from: u64, messages: &[String]) -> Result<(), std::convert::Infallible> {
        let next = self.records.session(id)?.map_or(0, |session| session.next);
        for (position, message) in (from..).zip(messages) {
            if position + MOST_MESSAGES >= next {
                self.records.put_message(id, position, message)?;
            }
        }
        Ok(())
    }

    fn learn_state(
        &mut self,
        id: &SessionId,
        stated: &Stated,
        now: Millis,
        ttl: Millis,
    ) -> Result<(), std::convert::Infallible> {
        match stated {
            Stated::Absent => self.records.remove_session(id),
            Stated::None => Ok(()),
            Stated::State(tag, json) => {
                let known = self.records.session(id)?;
                if known.is_none_or(|known| known.created != tag.created) {
                    // A state says little of its session: it was there a moment ago.
                    let (created, expires) = (tag.created, now.after(ttl));
                    self.put(id, &Session { created, updated: now, expires, ..Session::default() })?;
                }
                self.records.put_state(id, &State { revision: tag.revision, json: json.clone() })
            }
        }
    }

    fn learn_card(&mut self, card: &Card) {
        let Ok(known) = self.records.session(&card.id);
        if known.is_some_and(|known| known.created == card.created) {
            return;
        }
        let Ok(()) = self.put(
            &card.id,
            &Session {
                title: card.title.clone(),
                created: card.created,
                updated: card.updated,
                expires: card.expires,
                first: card.total.saturating_sub(card.count),
                next: card.total,
                total: card.total,
                bytes: 0,
                revision: 0,
                flags: card.flags.clone(),
            },
        );
    }

    fn note(&mut self, id: &SessionId) {
        self.clock += 1;
        let bytes = self.records.sessions().get(id).map(|kept| {
            let state = kept.state.as_ref().map_or(0, |state| state.json.len());
            let messages: usize = kept.messages.values().map(String::len).sum();
            1024 + state + messages + kept.metadata.as_ref().map_or(0, String::len)
        });
        let before = match bytes {
            Some(bytes) => self.seen.insert(id.clone(), (self.clock, bytes)),
            None => self.seen.remove(id),
        };
        self.bytes = (self.bytes + bytes.unwrap_or(0)).saturating_sub(before.map_or(0, |(_, bytes)| bytes));
    }

    /// Makes room, a tenth at a time.
    fn forget_oldest(&mut self, changed: impl Fn(&SessionId) -> bool) {
        if self.seen.len() <= MOST_SESSIONS && self.bytes <= MOST_BYTES {
            return;
        }
        let mut oldest: Vec<_> = self.seen.iter().map(|(id, (clock, _))| (*clock, id.clone())).collect();
        oldest.sort_unstable();
        for (_, id) in oldest {
            if self.seen.len() <= MOST_SESSIONS / 10 * 9 && self.bytes <= MOST_BYTES / 10 * 9 {
                return;
            }
            if !changed(&id) {
                let Ok(()) = self.records.remove_session(&id);
                self.note(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Append, ReadHistory, ReadState, Tag};

    const NOW: Millis = Millis(1_000_000);
    const TTL: Millis = Millis(60_000);

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    fn append(session: &str, text: &str) -> Asked {
        Asked::Append(Append {
            session: id(session),
            operation: crate::TurnId::parse("op").unwrap(),
            fingerprint: "0".into(),
            messages: vec![text.to_owned()],
            title: String::new(),
            existing: false,
            seal: String::new(),
            now: NOW,
            ttl: TTL,
            messages_per_session: 1000,
            session_bytes: 1 << 30,
            window: 20,
            sessions_per_owner: 1000,
            owner_bytes: 0,
        })
    }

    fn session(next: u64) -> Session {
        Session { created: NOW, updated: NOW, expires: NOW.after(TTL), next, total: next, ..Session::default() }
    }

    fn stored(next: u64) -> Told {
        Told::Append(Appended::Stored { created: false, session: session(next) })
    }

    #[test]
    fn what_was_answered_is_known_and_what_is_changed_is_left_alone() {
        let mut known = Knowledge::default();
        known.learn(&append("a", "one"), &stored(5), NOW, TTL, |_| false);
        known.learn(&append("a", "two"), &stored(6), NOW, TTL, |_| true);
        let read = Asked::ReadHistory(ReadHistory { session: id("a"), now: NOW, limit: 10, before: None });
        let Told::ReadHistory(Some(page)) = known.apply(&read, NOW) else { panic!("no page") };
        assert_eq!((page.from, page.messages, page.session.next), (4, vec!["one".to_owned()], 5));
        assert!(known.has(&id("a"), NOW) && !known.has_whole(&id("a")) && !known.has(&id("b"), NOW));
    }

    #[test]
    fn a_state_is_known_without_its_session() {
        let mut known = Knowledge::default();
        let read = Asked::ReadState(ReadState { sessions: vec![id("a")], now: NOW });
        let told = Told::ReadState(vec![Stated::State(Tag { created: Millis(7), revision: 3 }, "{}".into())]);
        known.learn(&read, &told, NOW, TTL, |_| false);
        assert_eq!(known.apply(&read, NOW), told);
        known.learn(&read, &Told::ReadState(vec![Stated::Absent]), NOW, TTL, |_| false);
        assert_eq!(known.apply(&read, NOW), Told::ReadState(vec![Stated::Absent]));
    }

    #[test]
    fn what_was_not_seen_for_long_makes_room() {
        let mut known = Knowledge::default();
        for number in 0..=MOST_SESSIONS {
            known.learn(&append(&format!("s{number}"), "x"), &stored(1), NOW, TTL, |changed| *changed == id("s0"));
            known.learn(&append(&format!("s{number}"), "x"), &stored(1), NOW, TTL, |changed| *changed == id("never"));
        }
        assert!(known.seen.len() <= MOST_SESSIONS && !known.has(&id("s1"), NOW));
        assert!(known.has(&id(&format!("s{MOST_SESSIONS}")), NOW));
        let large = "x".repeat(MOST_BYTES / 4);
        for number in 0..8 {
            known.learn(&append(&format!("l{number}"), &large), &stored(1), NOW, TTL, |_| false);
        }
        assert!(known.bytes <= MOST_BYTES && known.has(&id("l7"), NOW));
    }
}
