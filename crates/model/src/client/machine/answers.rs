//! What the server's answers do to the machine, and what it does when there is none.

use super::{Machine, Purpose, session_path, turns};
use crate::client::decode::{self, Fields, HistoryPage};
use crate::client::effect::Outcome;
use crate::client::json::Members;
use crate::client::{Json, Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};
use crate::message::Role;

impl Machine {
    pub(super) fn answered(
        &mut self,
        token: Token,
        purpose: Purpose,
        status: u16,
        retry_after: Option<u32>,
        body: Json,
    ) {
        if !(200..300).contains(&status) {
            return self.failed(purpose, Problem::of_answer(status, body), retry_after);
        }
        if self.understood(token, &purpose, body).is_none() {
            return self.failed(purpose, Problem::unexpected(status), None);
        }
        // The server is back: a history that could not be read is read now.
        if std::mem::take(&mut self.transcript.read_failed) {
            self.fetch_history(None, None);
        }
    }

    fn understood(&mut self, token: Token, purpose: &Purpose, body: Json) -> Option<()> {
        match purpose {
            Purpose::Turn { session, message } => {
                let answer = turns::read(body.clone(), session)?;
                self.tell_answer(session, message, body);
                self.turned(session, message, &answer);
            }
            Purpose::History { session, before, ticket } => {
                let page = decode::history_page(Fields::of(body)?)?;
                self.read(token, session, before.as_deref(), page);
                self.done_if(*ticket, Ok(Outcome::Finished));
            }
            Purpose::List { ticket, search, more } => {
                let page = decode::session_page(Fields::of(body)?)?;
                if *search == self.list.search {
                    self.list.page(page, *more, token);
                }
                self.done(*ticket, Ok(Outcome::Finished));
            }
            Purpose::Delete { session, ticket } => {
                if !Fields::of(body)?.flag("deleted") {
                    return None;
                }
                self.tell_gone(session);
                self.deleted(session, true);
                self.done(*ticket, Ok(Outcome::Finished));
            }
            Purpose::Describe { ticket, fresh } => {
                let card = decode::card(Fields::of(body.clone())?)?;
                let now = self.tick();
                if *fresh {
                    self.list.back(&card, now);
                } else {
                    self.list.changed(&card, now);
                }
                self.tell_card(body, *fresh);
                self.done(*ticket, Ok(Outcome::Session(card.id)));
            }
            Purpose::Value { ticket } => self.done(*ticket, Ok(Outcome::Value(body))),
            Purpose::Stop { ticket, .. } => self.done(*ticket, Ok(Outcome::Finished)),
            Purpose::Truncate => {}
            Purpose::Keep { session, ticket } => {
                let card = Fields::of(body)?.take("session")?;
                self.kept(session, card, *ticket)?;
            }
            Purpose::Pause { .. } => {}
        }
        Some(())
    }

    fn read(&mut self, token: Token, session: &SessionId, before: Option<&str>, mut page: HistoryPage) {
        let open = self.open.as_ref() == Some(session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        track.known = true;
        track.gone = None;
        // A message that failed here may have been answered for all that, after the browser had stopped listening.
        let replied = |id: &MessageId| {
            page.lines.iter().any(|line| line.role == Role::Assistant && line.parent.as_ref() == Some(id))
        };
        track.outbox.retain(|entry| entry.pending() || !replied(&entry.id));
        if !open {
            return;
        }
        if before.is_none() {
            self.remove_discarded(session, &mut page);
        }
        let Some(track) = self.tracks.iter().find(|track| track.id == *session) else { return };
        if self.transcript.outdates(token) {
            return self.fetch_history(None, None);
        }
        match before {
            None => {
                let waiting = |id: &MessageId| track.entry(id).is_some();
                self.transcript.newest(page.lines, page.next, token, waiting);
            }
            Some(before) => self.transcript.older(page.lines, page.next, before, token),
        }
    }

    /// Removes a discarded message from the newest page, and from the server where nothing was said after it.
    fn remove_discarded(&mut self, session: &SessionId, page: &mut HistoryPage) {
        let Some(track) = self.track(session) else { return };
        let discarded = std::mem::take(&mut track.discarded);
        if page.lines.pop_if(|line| discarded.contains(&line.id)).is_none() {
            return;
        }
        let after = match page.lines.last() {
            Some(line) => line.id.as_str(),
            None if page.next.is_none() => "-",
            None => return,
        };
        let mut body = String::new();
        let mut object = Members::begin(&mut body);
        object.add("after", &after);
        object.end();
        self.request("POST", session_path(session, "/truncate"), Some(body), Purpose::Truncate);
    }

    pub(super) fn deleted(&mut self, session: &SessionId, for_good: bool) {
        self.list.gone(session, for_good);
        self.drop_track(session, &Problem::session_deleted());
        if self.open.as_ref() == Some(session) {
            self.show(None);
        }
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
                    self.transcript.read_failed = !self.transcript.is_read();
                }
                self.done_if(ticket, Err(problem));
            }
            // What is to be deleted isn't there: that was the wish. A message still on its way may yet bring it about.
            Purpose::Delete { session, ticket } if problem.ends_session() => {
                self.deleted(&session, false);
                self.done(ticket, Ok(Outcome::Finished));
            }
            // Nothing runs there to be stopped, or it can't be reached: what came of it is what there is.
            Purpose::Stop { session, message, ticket } => {
                self.break_off(&session, &message);
                self.done(ticket, Ok(Outcome::Finished));
            }
            Purpose::List { ticket, .. }
            | Purpose::Delete { ticket, .. }
            | Purpose::Describe { ticket, .. }
            | Purpose::Keep { ticket, .. } => self.refused(ticket, problem),
            Purpose::Value { ticket } => self.done(ticket, Err(problem)),
            // A discarded message that stays on the server is shown again by the next history.
            Purpose::Truncate | Purpose::Pause { .. } => {}
        }
    }

    fn refused(&mut self, ticket: Ticket, problem: Problem) {
        self.problem = Some(problem.clone());
        self.done(ticket, Err(problem));
    }
}
