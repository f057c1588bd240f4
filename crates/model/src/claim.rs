//! Claiming: a visitor's sessions become those of the user whom the visitor turns out to be, one after another.
//!
//! A session departs from the visitor (nobody changes it any more), arrives at the user, whole and at once, and leaves the visitor.
//! Whoever repeats any of it, however often it broke off, comes to the same; and at every moment it is in one namespace: it is the
//! visitor's until it has arrived.

use crate::id::{MAX_ID_BYTES, SessionId};
use crate::limits::IMPORTED_PER_CALL;
use crate::owner::Owner;
use crate::plan::{Arrive, Arrived, Carried, Depart, Departed, Details, Leave, Page, ReadHistory};
use crate::time::Millis;

/// How often a session that was lost on its way sets out anew.
const TRIES: u32 = 3;

/// What happens next on a session's way, and at whose store.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Step {
    /// At the visitor's.
    Depart(Depart),
    /// At the visitor's.
    Read(ReadHistory),
    /// At the user's.
    Arrive(Arrive),
    /// At the visitor's.
    Leave(Leave),
    Over(Ended),
}

/// How a session's way ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is the user's now, under this id.
    Moved(SessionId),
    /// A turn runs in it. It stays until that is over.
    Running(Millis),
    /// It is no longer there.
    Absent,
}

/// One session's way from a visitor to a user.
#[derive(Debug, Clone)]
pub struct Transit {
    session: SessionId,
    /// The id at the user's.
    target: SessionId,
    visitor: Owner,
    now: Millis,
    ttl: Millis,
    undo: Millis,
    seal: String,
    /// When it was made, and the first position of its messages.
    made: (Millis, u64),
    tries: u32,
    at: At,
}

#[derive(Debug, Clone)]
enum At {
    Departure,
    /// These messages, from a position on, are to be taken in.
    Arrival(Option<Box<Carried>>, u64, Vec<String>),
    /// Those before this position are to be read.
    Reading(u64),
    Leaving,
    Over(Ended),
}

impl Transit {
    /// Begins with a session of a visitor's, or goes on with it. The times are the namespace's TTL and undo window.
    #[must_use]
    pub fn new(session: SessionId, visitor: &Owner, now: Millis, ttl: Millis, undo: Millis, seal: String) -> Self {
        let (target, made) = (session.clone(), (Millis(0), 0));
        Self { session, target, visitor: visitor.clone(), now, ttl, undo, seal, made, tries: 0, at: At::Departure }
    }

    /// What happens next.
    #[must_use]
    pub fn next(&self) -> Step {
        let (session, now) = (self.session.clone(), self.now);
        match &self.at {
            At::Departure => Step::Depart(Depart { session, now, ttl: self.ttl }),
            At::Reading(before) => {
                let (limit, before) = (IMPORTED_PER_CALL.0 as u64, Some(*before));
                Step::Read(ReadHistory { session, now, limit, before })
            }
            At::Arrival(carried, position, messages) => Step::Arrive(Arrive {
                session: self.target.clone(),
                created: self.made.0,
                carried: carried.clone(),
                position: *position,
                messages: messages.clone(),
                last: *position <= self.made.1,
                seal: self.seal.clone(),
                now,
                ttl: self.ttl,
            }),
            At::Leaving => Step::Leave(Leave { session, now, undo: self.undo }),
            At::Over(ended) => Step::Over(ended.clone()),
        }
    }

    /// The departure came to this.
    pub fn departed(&mut self, departed: Departed) {
        self.at = match departed {
            Departed::Leaving { carried, from, messages } => {
                self.made = (carried.session.created, carried.session.first);
                At::Arrival(Some(carried), from, messages)
            }
            Departed::Running { until } => At::Over(Ended::Running(until)),
            Departed::Absent => At::Over(Ended::Absent),
        };
    }

    /// The reading came to this.
    pub fn read(&mut self, page: Option<Page>) {
        match page.filter(|page| !page.messages.is_empty()) {
            Some(page) => self.at = At::Arrival(None, page.from, page.messages),
            None => self.again(),
        }
    }

    /// The arrival came to this.
    pub fn arrived(&mut self, arrived: Arrived) {
        match (arrived, &self.at) {
            (Arrived::Here(_) | Arrived::Deleted, _) => self.at = At::Leaving,
            (Arrived::Waiting, At::Arrival(_, position, _)) => self.at = At::Reading(*position),
            (Arrived::Taken, _) if self.target == self.session => {
                self.target = second_id(&self.session, &self.visitor);
                self.again();
            }
            _ => self.again(),
        }
    }

    /// The id that the session has at the user's.
    #[must_use]
    pub fn target(&self) -> &SessionId {
        &self.target
    }

    /// It has left.
    pub fn left(&mut self) {
        self.at = At::Over(Ended::Moved(self.target.clone()));
    }

    fn again(&mut self) {
        self.tries += 1;
        self.at = if self.tries > TRIES { At::Over(Ended::Absent) } else { At::Departure };
    }
}

/// The id that a session gets where the user has another one of its id.
#[must_use]
pub fn second_id(session: &SessionId, visitor: &Owner) -> SessionId {
    let room = MAX_ID_BYTES.saturating_sub(visitor.as_str().len() + 1);
    let kept: String = session.as_str().chars().take(room).collect();
    // Both alphabets are within that of ids.
    SessionId::parse(format!("{kept}.{visitor}")).unwrap_or_else(|_| session.clone())
}

/// Whether a session that departs, and was made then, is what a user has: then it is no longer the visitor's.
#[must_use]
pub fn has_arrived(created: Millis, at_the_user: Option<&Details>) -> bool {
    at_the_user.is_some_and(|there| there.session.flags.claimed && there.session.created == created)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_id_is_the_visitors_own() -> Result<(), crate::id::InvalidId> {
        let (visitor, other) = (Owner::visitor(1), Owner::visitor(2));
        for id in ["main".to_owned(), "x".repeat(128)] {
            let id = SessionId::parse(id)?;
            let second = second_id(&id, &visitor);
            assert!(second != id && second != second_id(&id, &other), "{second}");
            assert!(second.as_str().ends_with(visitor.as_str()));
        }
        Ok(())
    }
}
