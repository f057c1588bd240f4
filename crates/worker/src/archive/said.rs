//! What was just said, for an archive that is brought up to date before the answer: it goes there from here where the store lost it
//! or can't be read, so that no moment is left in which only one of the two has it.

use super::{Archive, Failure, d1, log, rows};
use chatkeep_model::archive::Target;
use chatkeep_model::message::stored_id;
use chatkeep_model::{Session, SessionId};

/// Messages that were stored just now.
pub(crate) struct Said<'a> {
    /// The session after that.
    pub(super) session: &'a Session,
    /// Positions and stored texts, oldest first.
    pub(super) messages: Vec<(u64, String)>,
}

impl<'a> Said<'a> {
    /// A turn's: the user message, where it was stored with it, and the reply, which is the last of the session.
    pub(crate) fn turn(session: &'a Session, asked: (u64, &str), reply: &str) -> Self {
        let messages = [(asked.0, asked.1), (session.next.saturating_sub(1), reply)];
        let messages = messages.into_iter().filter(|(_, text)| stored_id(text).is_some());
        Self { session, messages: messages.map(|(position, text)| (position, text.to_owned())).collect() }
    }

    /// An append's, the last of the session.
    pub(crate) fn append(session: &'a Session, messages: &[String]) -> Self {
        let first = session.next.saturating_sub(messages.len() as u64);
        Self { session, messages: (first..).zip(messages.iter().cloned()).collect() }
    }
}

impl Archive {
    /// Brings a session up to date where that is done before the answer. What can't be is noted, where a flush of the store doesn't reach,
    /// and done by the next sweep. What an outage's journal has is archived when it is replayed.
    pub(crate) async fn write_through(&self, session: &SessionId, said: Option<&Said<'_>>) {
        if !self.writes_through() || self.store.is_degraded() {
            return;
        }
        // What waits in a journal is not there yet: a part of a session must not be taken for all of it.
        match self.with_store(self.store.whole()).keep(session).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(failure) => log(&failure),
        }
        if let Some(said) = said
            && let Err(failure) = self.keep_said(session, said).await
        {
            log(&failure);
        }
        if let Err(failure) = self.mark(session).await {
            log(&failure);
        }
    }

    async fn keep_said(&self, session: &SessionId, said: &Said<'_>) -> Result<(), Failure> {
        let place = self.place(session);
        match self.target()? {
            Target::D1 => d1::keep_said(&self.env, &self.store, &place, said).await,
            Target::Rows(table) => rows::keep_said(table, &self.store, &place, said).await,
        }
    }
}
