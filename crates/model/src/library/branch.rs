//! A branch of a session where sessions are encrypted: a read and imports, for its texts are bound to the session that they are in.

use super::answer::SessionAnswer;
use super::job::{Next, done};
use super::operation::{Asked, Told};
use crate::error::{Code, Problem};
use crate::id::MessageId;
use crate::limits::{HISTORY_PAGE, IMPORTED_PER_CALL};
use crate::message::{stored_id, stored_prefix};
use crate::plan::{Details, Fork, Import, Imported, Info, Page, ReadHistory, ReadState, Stated};
use crate::records::Notes;
use crate::session::Flags;
use crate::time::Millis;

/// A branch under way. One of more messages than one import takes is there before all of them are.
#[derive(Debug)]
pub(super) struct Branch {
    fork: Fork,
    details: Option<Details>,
    state: Option<String>,
    /// The position after the last message to take, once that is known.
    to: Option<u64>,
    /// The position of the next message to take.
    next: u64,
}

impl Branch {
    pub(super) fn begin(fork: Fork) -> (Self, Asked) {
        let info = Info { session: fork.source.clone(), now: fork.now };
        (Self { fork, details: None, state: None, to: None, next: 0 }, info.into())
    }

    pub(super) fn next(&mut self, told: Told, now: Millis) -> Result<Next, Problem> {
        match told {
            Told::Info(found) => {
                let details = found.ok_or(Problem::new(Code::SessionNotFound))?;
                self.next = details.session.first;
                self.to = self.fork.at.is_none().then_some(details.session.next);
                self.details = Some(details);
                Ok(self.ask_state(now))
            }
            Told::ReadState(found) => {
                self.state = Some(match found.into_iter().next() {
                    Some(Stated::State(_, json)) => json,
                    _ => String::new(),
                });
                Ok(match self.to {
                    Some(_) => self.go_on(now),
                    None => self.read(None, HISTORY_PAGE.1, now),
                })
            }
            Told::ReadHistory(page) => self.page(page.ok_or(Problem::new(Code::SessionNotFound))?, now),
            Told::Import(imported) => match imported {
                Imported::Stored(session) if self.to.is_none_or(|to| self.next >= to) => {
                    done(&SessionAnswer::of(&self.fork.target, &session, now))
                }
                Imported::Stored(_) => Ok(self.go_on(now)),
                Imported::Conflict | Imported::Gap | Imported::Exists => Err(Problem::new(Code::SessionExists)),
                Imported::Deleted => Err(Problem::new(Code::SessionDeleted)),
                Imported::Full => Err(Problem::new(Code::TooManySessions)),
                Imported::Mismatch => Err(Problem::new(Code::TurnMismatch)),
                Imported::StorageFull => Err(Problem::new(Code::StorageFull)),
            },
            _ => Err(Problem::new(Code::Internal)),
        }
    }

    fn ask_state(&self, now: Millis) -> Next {
        Next::ask(ReadState { sessions: vec![self.fork.source.clone()], now })
    }

    fn read(&self, before: Option<u64>, limit: u64, now: Millis) -> Next {
        Next::ask(ReadHistory { session: self.fork.source.clone(), now, limit, before })
    }

    /// Reads the messages that come next, or makes a session without any.
    fn go_on(&self, now: Millis) -> Next {
        match self.to {
            Some(to) if self.next < to => {
                let most = IMPORTED_PER_CALL.0 as u64;
                self.read(Some(to.min(self.next.saturating_add(most))), most, now)
            }
            _ => Next::ask(self.import(Vec::new(), now)),
        }
    }

    fn page(&mut self, page: Page, now: Millis) -> Result<Next, Problem> {
        let Some(to) = self.to else { return self.look_for(&page, now) };
        // What a page left out at its beginning comes first.
        if page.from > self.next.max(page.session.first) {
            return Ok(self.read(Some(page.from), IMPORTED_PER_CALL.0 as u64, now));
        }
        let skip = usize::try_from(self.next.saturating_sub(page.from)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut messages = Vec::new();
        for message in page.messages.into_iter().skip(skip) {
            bytes += message.len();
            if bytes > IMPORTED_PER_CALL.1 && !messages.is_empty() {
                break;
            }
            let id = stored_id(&message).and_then(|id| MessageId::parse(id).ok());
            messages.push((id.ok_or(Problem::new(Code::Internal))?, message));
        }
        if messages.is_empty() {
            // They were cut or dropped meanwhile.
            self.to = Some(self.next.min(to));
            return Ok(self.go_on(now));
        }
        let count = messages.len() as u64;
        let import = self.import(messages, now);
        self.next += count;
        Ok(Next::ask(import))
    }

    /// Looks for the message at which to branch: the newest, should there be several.
    fn look_for(&mut self, page: &Page, now: Millis) -> Result<Next, Problem> {
        let unknown = || Problem::new(Code::MessageNotFound);
        let at = self.fork.at.as_ref().ok_or_else(unknown)?;
        if let Some(number) = page.messages.iter().rposition(|message| message.starts_with(&stored_prefix(at))) {
            self.to = Some(page.from + number as u64 + 1);
            return Ok(self.go_on(now));
        }
        let before = page.next_before().ok_or_else(unknown)?;
        Ok(self.read(Some(before), HISTORY_PAGE.1, now))
    }

    /// What is noted of the messages that go along.
    fn notes(&self, Details { session, notes, .. }: &Details) -> Notes {
        notes.of_branch(session, self.to.unwrap_or(session.next)).renumbered(session.first)
    }

    fn import(&self, messages: Vec<(MessageId, String)>, now: Millis) -> Import {
        let Fork { target, title, seal, ttl, sessions_per_owner, owner_bytes, operation, fingerprint, .. } =
            self.fork.clone();
        let details = self.details.as_ref();
        let text = |of: fn(&Details) -> String| details.map(of).unwrap_or_default();
        Import {
            session: target,
            title: if title.is_empty() { text(|details| details.session.title.clone()) } else { title },
            created: self.fork.now,
            updated: self.fork.now,
            flags: Flags { user: text(|details| details.session.flags.user.clone()), ..Flags::default() },
            metadata: text(|details| details.metadata.clone().unwrap_or_default()),
            state: self.state.clone().unwrap_or_default(),
            notes: details.map(|of| self.notes(of)).unwrap_or_default(),
            seal,
            position: self.next.saturating_sub(details.map_or(0, |details| details.session.first)),
            after: None,
            dry_run: false,
            operation: Some((operation, fingerprint)),
            messages,
            now,
            ttl,
            messages_per_session: 1 << 53,
            session_bytes: 1 << 53,
            sessions_per_owner,
            owner_bytes,
        }
    }
}
