//! What the server's answers do to the machine, and what it does when there is none.

use super::{Machine, Purpose};
use crate::client::decode::{self, Fields};
use crate::client::effect::{Effect, Outcome, Reply};
use crate::client::transcript::Line;
use crate::client::{Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::wire::{ChatResponse, History};

/// The first pause before a turn that still runs is asked for again; each further one is twice as long, up to
/// [`LONGEST_PAUSE_MS`]. All of them together outlast a turn's lease on the server.
const FIRST_PAUSE_MS: u32 = 500;
const LONGEST_PAUSE_MS: u32 = 8_000;
const PAUSES: u32 = 20;

impl Machine {
    pub(super) fn answered(
        &mut self,
        token: Token,
        purpose: Purpose,
        status: u16,
        retry_after: Option<u32>,
        body: &str,
    ) {
        if !(200..300).contains(&status) {
            return self.failed(purpose, Problem::of_answer(status, body), retry_after);
        }
        let understood = Fields::parse(body).and_then(|body| match &purpose {
            Purpose::Turn { session, message } => {
                decode::chat_response(body).map(|answer| self.turned(session, message, &answer))
            }
            Purpose::History { session, before, ticket } => decode::history(body).map(|page| {
                self.read(token, session, before.as_deref(), page);
                self.done_if(*ticket, Ok(Outcome::Finished));
            }),
            Purpose::List { ticket } => decode::session_list(body).map(|page| {
                self.list.page(page, token);
                self.done(*ticket, Ok(Outcome::Finished));
            }),
            Purpose::Delete { session, ticket } => decode::deleted(body).map(|()| self.deleted(session, *ticket, true)),
        });
        if understood.is_none() {
            self.failed(purpose, Problem::unexpected(status), None);
        }
    }

    fn turned(&mut self, session: &SessionId, message: &MessageId, answer: &ChatResponse) {
        let now = self.tick();
        self.list.used(&answer.session, answer.created, now);
        let open = self.open.as_ref() == Some(session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        let Some(entry) = track.take(message) else { return };
        track.known = true;
        track.gone = None;
        if open {
            self.transcript.answer(&entry, answer, now, |id| track.entry(id).is_some());
        }
        for ticket in entry.tickets {
            self.done(ticket, Ok(Outcome::Reply(Box::new(Reply::of(answer)))));
        }
        self.rest(session);
    }

    fn read(&mut self, token: Token, session: &SessionId, before: Option<&str>, page: History<Line>) {
        let open = self.open.as_ref() == Some(session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        track.known = true;
        track.gone = None;
        // A message that failed here may have been answered for all that, after the browser had stopped listening.
        let replied = |id: &MessageId| {
            page.messages.iter().any(|message| message.role == Role::Assistant && message.parent.as_ref() == Some(id))
        };
        track.outbox.retain(|entry| entry.problem.is_none() || !replied(&entry.id));
        if open {
            match before {
                None => {
                    let waiting = |id: &MessageId| track.entry(id).is_some();
                    self.transcript.newest(page.messages, page.next_before, token, waiting);
                }
                Some(before) => self.transcript.older(page.messages, page.next_before, before, token),
            }
        }
    }

    fn deleted(&mut self, session: &SessionId, ticket: Ticket, for_good: bool) {
        self.list.gone(session, for_good);
        if let Some(at) = self.tracks.iter().position(|track| track.id == *session) {
            for ticket in self.tracks.remove(at).outbox.into_iter().flat_map(|entry| entry.tickets) {
                self.done(ticket, Err(Problem::session_deleted()));
            }
        }
        if self.open.as_ref() == Some(session) {
            self.show(None);
        }
        self.done(ticket, Ok(Outcome::Finished));
    }

    pub(super) fn failed(&mut self, purpose: Purpose, problem: Problem, retry_after: Option<u32>) {
        match purpose {
            Purpose::Turn { session, message } => self.turn_failed(session, message, problem, retry_after),
            Purpose::History { session, ticket, .. } => {
                if problem.ends_session() {
                    self.list.gone(&session, false);
                    if let Some(track) = self.track(&session) {
                        track.gone = Some(problem.clone());
                    }
                } else if self.open.as_ref() == Some(&session) {
                    self.problem = Some(problem.clone());
                }
                self.done_if(ticket, Err(problem));
            }
            // What is to be deleted isn't there: that was the wish. A message still on its way may yet bring it about.
            Purpose::Delete { session, ticket } if problem.ends_session() => self.deleted(&session, ticket, false),
            Purpose::List { ticket } | Purpose::Delete { ticket, .. } => {
                self.problem = Some(problem.clone());
                self.done(ticket, Err(problem));
            }
        }
    }

    fn turn_failed(&mut self, session: SessionId, message: MessageId, problem: Problem, retry_after: Option<u32>) {
        let token = self.tick();
        let open = self.open.as_ref() == Some(&session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == session) else { return };
        let Some(entry) = track.entry_mut(&message) else { return };
        if problem.turn_runs() && entry.waits < PAUSES {
            let doubled = FIRST_PAUSE_MS << entry.waits.min(8);
            let ms = retry_after.map_or(doubled, |seconds| seconds.saturating_mul(1000)).min(LONGEST_PAUSE_MS);
            entry.waits += 1;
            self.effects.push(Effect::Wait { token, ms });
            self.under_way.push((token, Purpose::Turn { session, message }));
            return;
        }
        let ends_session = problem.ends_session();
        let mut tickets = Vec::new();
        // When the session is gone, whatever else waits for it can only fail the same way.
        for entry in &mut track.outbox {
            if entry.id == message || (ends_session && entry.problem.is_none()) {
                entry.problem = Some(problem.clone());
                tickets.append(&mut entry.tickets);
            }
        }
        if ends_session {
            track.gone = Some(problem.clone());
            self.list.gone(&session, false);
        } else if open {
            self.problem = Some(problem.clone());
        }
        for ticket in tickets {
            self.done(ticket, Err(problem.clone()));
        }
        self.rest(&session);
    }
}
