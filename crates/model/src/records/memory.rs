//! The records in plain maps: what `chatkeep/server` keeps sessions in without a Redis, and what the conformance suite
//! holds every other store against.

use super::{Notes, Records, State};
use crate::id::{MessageId, SessionId, TurnId};
use crate::journal::{Base, Entry, Ledger};
use crate::limits::{REMEMBERED_TURNS, SESSION_OVERHEAD_BYTES};
use crate::message::stored_prefix;
use crate::owner::Owner;
use crate::session::{Card, Session};
use crate::time::Millis;
use crate::turn::TurnRecord;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::ops::Range;

/// One owner's sessions.
#[derive(Debug, Clone, Default)]
pub struct MemoryRecords {
    sessions: BTreeMap<SessionId, Kept>,
    buried: BTreeMap<SessionId, (Millis, Kept)>,
    charged: BTreeMap<String, u64>,
    claimed: Option<(Owner, Millis)>,
    bases: BTreeMap<SessionId, Base>,
    /// The entries, where these records are the overlay of a journal.
    pub entries: VecDeque<Entry>,
    /// How many there ever were.
    last_position: u64,
}

/// A session with all that is kept of it.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Its fields.
    pub session: Session,
    /// Its messages by position.
    pub messages: BTreeMap<u64, String>,
    /// The turns that it remembers, the oldest first.
    pub turns: Vec<(TurnId, TurnRecord)>,
    /// Its metadata.
    pub metadata: Option<String>,
    /// Its state.
    pub state: Option<State>,
    /// What is noted of it.
    pub notes: Notes,
}

impl Kept {
    /// The bytes of its state and metadata.
    fn extra_bytes(&self) -> u64 {
        let state = self.state.as_ref().map_or(0, |state| state.json.len());
        (state + self.metadata.as_ref().map_or(0, String::len)) as u64
    }
}

impl MemoryRecords {
    /// The sessions, expired ones among them.
    #[must_use]
    pub fn sessions(&self) -> &BTreeMap<SessionId, Kept> {
        &self.sessions
    }

    /// Until when the deleted sessions are set aside.
    pub fn buried(&self) -> impl Iterator<Item = Millis> {
        self.buried.values().map(|(until, _)| *until)
    }

    /// Forgets what has expired, and what can't be restored any more.
    pub fn sweep(&mut self, now: Millis) {
        self.sessions.retain(|_, kept| kept.session.is_live(now));
        self.buried.retain(|_, (until, _)| *until > now);
    }

    fn kept(&mut self, id: &SessionId) -> &mut Kept {
        self.sessions.entry(id.clone()).or_default()
    }

    fn readable(&self, now: Millis) -> impl Iterator<Item = (&SessionId, &Session)> {
        self.sessions.iter().map(|(id, kept)| (id, &kept.session)).filter(move |(_, session)| session.is_readable(now))
    }
}

impl Records for MemoryRecords {
    type Error = Infallible;

    fn session(&mut self, id: &SessionId) -> Result<Option<Session>, Infallible> {
        Ok(self.sessions.get(id).map(|kept| kept.session.clone()))
    }

    fn put_session(&mut self, id: &SessionId, session: &Session) -> Result<(), Infallible> {
        self.kept(id).session = session.clone();
        Ok(())
    }

    fn remove_session(&mut self, id: &SessionId) -> Result<(), Infallible> {
        self.sessions.remove(id);
        Ok(())
    }

    fn messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<String>, Infallible> {
        let kept = self.sessions.get(id);
        Ok(kept
            .into_iter()
            .flat_map(|kept| kept.messages.range(positions.clone()))
            .map(|(_, text)| text.clone())
            .collect())
    }

    fn message_sizes(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<u64>, Infallible> {
        Ok(self.messages(id, positions)?.iter().map(|text| text.len() as u64).collect())
    }

    fn put_message(&mut self, id: &SessionId, position: u64, message: &str) -> Result<(), Infallible> {
        self.kept(id).messages.insert(position, message.to_owned());
        Ok(())
    }

    fn remove_messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<(), Infallible> {
        self.kept(id).messages.retain(|position, _| !positions.contains(position));
        Ok(())
    }

    fn turn(&mut self, id: &SessionId, turn: &TurnId) -> Result<Option<TurnRecord>, Infallible> {
        let mut turns = self.sessions.get(id).into_iter().flat_map(|kept| &kept.turns);
        Ok(turns.find(|(known, _)| known == turn).map(|(_, record)| record.clone()))
    }

    fn put_turn(&mut self, id: &SessionId, turn: &TurnId, record: &TurnRecord) -> Result<(), Infallible> {
        let turns = &mut self.kept(id).turns;
        if let Some((_, known)) = turns.iter_mut().find(|(known, _)| known == turn) {
            *known = record.clone();
            return Ok(());
        }
        turns.push((turn.clone(), record.clone()));
        if turns.len() as u64 > REMEMBERED_TURNS {
            turns.remove(0);
        }
        Ok(())
    }

    fn find_message(
        &mut self,
        id: &SessionId,
        message: &MessageId,
        positions: Range<u64>,
    ) -> Result<Option<u64>, Infallible> {
        let kept = self.sessions.get(id);
        let mut messages = kept.into_iter().flat_map(|kept| kept.messages.range(positions.clone())).rev();
        let found = messages.find(|(_, text)| text.starts_with(&stored_prefix(message)));
        Ok(found.map(|(position, _)| *position))
    }

    fn metadata(&mut self, id: &SessionId) -> Result<Option<String>, Infallible> {
        Ok(self.sessions.get(id).and_then(|kept| kept.metadata.clone()))
    }

    fn put_metadata(&mut self, id: &SessionId, metadata: &str) -> Result<(), Infallible> {
        self.kept(id).metadata = Some(metadata.to_owned()).filter(|metadata| !metadata.is_empty());
        Ok(())
    }

    fn state(&mut self, id: &SessionId) -> Result<Option<State>, Infallible> {
        Ok(self.sessions.get(id).and_then(|kept| kept.state.clone()))
    }

    fn put_state(&mut self, id: &SessionId, state: &State) -> Result<(), Infallible> {
        self.kept(id).state = Some(state.clone());
        Ok(())
    }

    fn notes(&mut self, id: &SessionId) -> Result<Notes, Infallible> {
        Ok(self.sessions.get(id).map(|kept| kept.notes.clone()).unwrap_or_default())
    }

    fn put_notes(&mut self, id: &SessionId, notes: &Notes) -> Result<(), Infallible> {
        self.kept(id).notes = notes.clone();
        Ok(())
    }

    fn unbury(&mut self, id: &SessionId) -> Result<(), Infallible> {
        if let Some((_, kept)) = self.buried.remove(id) {
            self.sessions.insert(id.clone(), kept);
        }
        Ok(())
    }

    fn bury(&mut self, id: &SessionId, until: Millis) -> Result<(), Infallible> {
        if let Some(kept) = self.sessions.remove(id) {
            self.buried.insert(id.clone(), (until, kept));
        }
        Ok(())
    }

    fn buried_until(&mut self, id: &SessionId) -> Result<Option<Millis>, Infallible> {
        Ok(self.buried.get(id).map(|(until, _)| *until))
    }

    fn count(&mut self, now: Millis) -> Result<u64, Infallible> {
        Ok(self.readable(now).count() as u64)
    }

    fn extra_bytes(&mut self, id: &SessionId) -> Result<u64, Infallible> {
        Ok(self.sessions.get(id).map_or(0, Kept::extra_bytes))
    }

    fn stored_bytes(&mut self, now: Millis) -> Result<u64, Infallible> {
        let live = self.sessions.values().filter(|kept| kept.session.is_readable(now));
        let deleted = self.buried.values().filter(|(until, _)| *until > now).map(|(_, kept)| kept);
        Ok(live.chain(deleted).map(|kept| SESSION_OVERHEAD_BYTES + kept.session.bytes + kept.extra_bytes()).sum())
    }

    fn turns(&mut self, id: &SessionId) -> Result<Vec<(TurnId, TurnRecord)>, Infallible> {
        Ok(self.sessions.get(id).map(|kept| kept.turns.clone()).unwrap_or_default())
    }

    fn claimed_by(&mut self, now: Millis) -> Result<Option<Owner>, Infallible> {
        Ok(self.claimed.as_ref().filter(|(_, until)| *until > now).map(|(by, _)| by.clone()))
    }

    fn put_claim(&mut self, by: &Owner, until: Millis) -> Result<(), Infallible> {
        self.claimed = Some((by.clone(), until));
        Ok(())
    }

    fn charge(&mut self, bucket: &str, _now: Millis, _lives: Millis) -> Result<u64, Infallible> {
        let count = self.charged.entry(bucket.to_owned()).or_default();
        *count += 1;
        Ok(*count)
    }

    fn cards(&mut self, now: Millis, newest: Option<Millis>, skip: u64, limit: u64) -> Result<Vec<Card>, Infallible> {
        let mut cards: Vec<Card> = self
            .readable(now)
            .filter(|(_, session)| newest.is_none_or(|newest| session.expires <= newest))
            .map(|(id, session)| Card::of(id.clone(), session))
            .collect();
        cards.sort_by(|one, other| (other.expires, &other.id).cmp(&(one.expires, &one.id)));
        Ok(cards.into_iter().skip(skip as usize).take(limit as usize).collect())
    }

    fn cards_after(
        &mut self,
        now: Millis,
        after: Option<(Millis, &SessionId)>,
        limit: u64,
    ) -> Result<Vec<Card>, Infallible> {
        let mut cards: Vec<Card> = self
            .readable(now)
            .filter(|(id, session)| after.is_none_or(|place| (session.expires, *id) > place))
            .map(|(id, session)| Card::of(id.clone(), session))
            .collect();
        cards.sort_by(|one, other| (one.expires, &one.id).cmp(&(other.expires, &other.id)));
        cards.truncate(limit as usize);
        Ok(cards)
    }
}

impl Ledger for MemoryRecords {
    fn base(&mut self, id: &SessionId) -> Result<Option<Base>, Infallible> {
        Ok(self.bases.get(id).copied())
    }

    fn put_base(&mut self, id: &SessionId, base: Base) -> Result<(), Infallible> {
        self.bases.insert(id.clone(), base);
        Ok(())
    }

    fn knows_any(&mut self) -> Result<bool, Infallible> {
        Ok(!self.bases.is_empty())
    }

    fn push(&mut self, session: &SessionId, operation: &'static str, json: &str) -> Result<(), Infallible> {
        self.last_position += 1;
        let (position, session) = (self.last_position, session.clone());
        self.entries.push_back(Entry { position, session, operation: operation.to_owned(), json: json.to_owned() });
        Ok(())
    }
}
