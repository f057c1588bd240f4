//! The machine itself: what each event sets off. What answers do is in [`answers`].

mod answers;

use super::effect::{Effect, Outcome};
use super::list::List;
use super::outbox::{self, Entry, Track};
use super::transcript::Transcript;
use super::view::{self, View};
use super::{Event, Json, Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;

/// What a request or pause is for.
#[derive(Debug, Clone)]
enum Purpose {
    Turn { session: SessionId, message: MessageId },
    History { session: SessionId, before: Option<String>, ticket: Option<Ticket> },
    List { ticket: Ticket },
    Delete { session: SessionId, ticket: Ticket },
}

/// The session machine of one page. It knows no clock, no randomness and no I/O: all of that comes as events.
#[derive(Debug, Default)]
pub struct Machine {
    ready: bool,
    revision: u64,
    /// Counts requests, pauses and what becomes known, so that of two things one is seen to be later.
    clock: Token,
    open: Option<SessionId>,
    tracks: Vec<Track>,
    transcript: Transcript,
    list: List,
    problem: Option<Problem>,
    under_way: Vec<(Token, Purpose)>,
    kept: Option<String>,
    effects: Vec<Effect>,
}

impl Machine {
    /// A machine that waits for [`Event::Restored`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an event and says what is to be done about it, in this order.
    pub fn handle(&mut self, event: Event, now: Millis) -> Vec<Effect> {
        match event {
            Event::Restored { stored } => self.restored(stored, now),
            Event::NewChat => self.show(None),
            Event::Send { ticket, text, message_id, new_session } => {
                self.send(ticket, text, message_id, new_session, now);
            }
            Event::Retry { ticket, message_id, new_session } => self.retry(ticket, &message_id, new_session),
            Event::Open { ticket, session_id } => self.open(ticket, session_id),
            Event::History { ticket, older } => self.history(ticket, older),
            Event::List { ticket } => {
                self.problem = None;
                self.request("GET", "/v1/sessions".to_owned(), None, Purpose::List { ticket });
            }
            Event::Delete { ticket, session_id } => self.delete(ticket, session_id),
            Event::Answered { token, status, retry_after, body } => {
                if let Some(purpose) = self.finished(token) {
                    self.answered(token, purpose, status, retry_after, &body);
                }
            }
            Event::Unreachable { token } => {
                if let Some(purpose) = self.finished(token) {
                    self.failed(purpose, Problem::network(), None);
                }
            }
            Event::Woke { token } => {
                if let Some(Purpose::Turn { session, .. }) = self.finished(token) {
                    self.rest(&session);
                }
            }
        }
        self.revision += 1;
        let open = self.open.as_ref();
        self.tracks.retain(|track| !track.outbox.is_empty() || Some(&track.id) == open);
        let mut effects = std::mem::take(&mut self.effects);
        let keep = outbox::keep(open, &self.tracks);
        if keep != self.kept {
            self.kept.clone_from(&keep);
            // First of all: a request that a reload cuts off must be found in storage afterwards.
            effects.insert(0, Effect::Store(keep));
        }
        effects
    }

    /// What there is to show now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let track = self.open_track();
        let sessions = view::sessions(&self.list, &self.tracks);
        let only_here = sessions.len() as u64 - self.list.cards().count() as u64;
        View {
            revision: self.revision,
            ready: self.ready,
            session_id: self.open.as_ref(),
            session: sessions.iter().find(|session| Some(session.id) == self.open.as_ref()).cloned(),
            messages: view::messages(&self.transcript, track),
            sending: track.is_some_and(|track| track.busy),
            loading: self.under_way.iter().any(|(_, purpose)| {
                matches!(purpose, Purpose::History { session, .. } if Some(session) == self.open.as_ref())
            }),
            has_older: self.transcript.cursor.is_some(),
            session_count: self.list.count() + only_here,
            sessions,
            problem: self.problem.as_ref().or_else(|| track.and_then(|track| track.gone.as_ref())),
        }
    }

    // What the user wants.

    fn restored(&mut self, stored: Option<String>, now: Millis) {
        let restored = outbox::restore(stored.as_deref(), now);
        self.ready = true;
        self.kept = stored;
        self.tracks = restored.tracks;
        self.follow(restored.open.clone());
        self.show(restored.open);
        if self.open_track().is_some_and(|track| track.known) {
            self.fetch_history(None, None);
        }
        let waiting: Vec<SessionId> = self.tracks.iter().map(|track| track.id.clone()).collect();
        for session in waiting {
            self.pump(&session);
        }
    }

    fn send(&mut self, ticket: Ticket, text: String, id: MessageId, new_session: SessionId, now: Millis) {
        if text.trim().is_empty() {
            return self.done(ticket, Err(Problem::message_empty()));
        }
        self.problem = None;
        let session = self.session_to_write(new_session);
        let entry = Entry { id, text, created: now, problem: None, tickets: vec![ticket], waits: 0 };
        self.transcript.say(&entry);
        if let Some(track) = self.track(&session) {
            track.outbox.push(entry);
        }
        self.pump(&session);
    }

    fn retry(&mut self, ticket: Ticket, id: &str, new_session: SessionId) {
        let Some(id) = MessageId::parse(id).ok().filter(|id| self.open_track().is_some_and(|t| t.entry(id).is_some()))
        else {
            return self.done(ticket, Err(Problem::message_not_found()));
        };
        self.problem = None;
        let session = self.session_to_write(new_session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == session) else { return };
        let Some(entry) = track.entry_mut(&id) else { return };
        entry.tickets.push(ticket);
        // One that waits already keeps its place; a failed one goes to the end, where the server will have it too.
        if entry.problem.take().is_some()
            && let Some(mut entry) = track.take(&id)
        {
            entry.waits = 0;
            self.transcript.say(&entry);
            track.outbox.push(entry);
            self.pump(&session);
        }
    }

    fn open(&mut self, ticket: Ticket, session: String) {
        let Ok(session) = SessionId::parse(session) else {
            return self.done(ticket, Err(Problem::invalid_session_id()));
        };
        self.problem = None;
        if self.open.as_ref() != Some(&session) {
            self.follow(Some(session.clone()));
            self.show(Some(session));
        }
        self.fetch_history(None, Some(ticket));
    }

    fn history(&mut self, ticket: Ticket, older: bool) {
        self.problem = None;
        let before = self.transcript.cursor.clone();
        if older && before.is_none() {
            return self.done(ticket, Ok(Outcome::Finished));
        }
        self.fetch_history(before.filter(|_| older), Some(ticket));
    }

    fn delete(&mut self, ticket: Ticket, session: String) {
        let Ok(session) = SessionId::parse(session) else {
            return self.done(ticket, Err(Problem::invalid_session_id()));
        };
        self.problem = None;
        let path = session_path(&session, "");
        self.request("DELETE", path, None, Purpose::Delete { session, ticket });
    }

    // The steps that these share.

    /// The session that a message goes to: the open one, or a new one where there is none or it is gone. Messages that
    /// failed because it is gone move along, so that they stay in sight and can be retried.
    fn session_to_write(&mut self, new: SessionId) -> SessionId {
        let gone = self.open_track().is_some_and(|track| track.gone.is_some());
        if let Some(open) = self.open.clone().filter(|_| !gone) {
            return open;
        }
        let mut track = Track::new(new.clone(), false);
        if let Some(old) = self.open.clone()
            && let Some(old) = self.track(&old)
        {
            track.outbox = std::mem::take(&mut old.outbox);
        }
        self.tracks.push(track);
        self.show(Some(new.clone()));
        new
    }

    /// Keeps track of a session that somebody named, so the server has it.
    fn follow(&mut self, session: Option<SessionId>) {
        if let Some(session) = session.filter(|session| self.track(session).is_none()) {
            self.tracks.push(Track::new(session, true));
        }
    }

    fn show(&mut self, session: Option<SessionId>) {
        self.problem = None;
        self.open = session;
        let track = self.tracks.iter().find(|track| Some(&track.id) == self.open.as_ref());
        self.transcript.begin(track);
    }

    /// The session's message is no longer on its way: the next one's turn.
    fn rest(&mut self, session: &SessionId) {
        if let Some(track) = self.track(session) {
            track.busy = false;
            self.pump(session);
        }
    }

    /// Sends what is next in a session's outbox, one at a time, so that the server sees them in order.
    fn pump(&mut self, session: &SessionId) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session && !track.busy) else { return };
        let Some(entry) = track.next() else { return };
        let message = entry.id.clone();
        let text = |text: &str| Json::Text(text.to_owned());
        let mut body = vec![
            ("message".to_owned(), text(&entry.text)),
            ("session_id".to_owned(), text(session.as_str())),
            ("message_id".to_owned(), text(message.as_str())),
        ];
        if track.known {
            body.push(("existing".to_owned(), Json::Flag(true)));
        }
        track.busy = true;
        let body = serde_json::to_string(&Json::Object(body)).ok();
        self.request("POST", "/v1/chat".to_owned(), body, Purpose::Turn { session: session.clone(), message });
    }

    fn fetch_history(&mut self, before: Option<String>, ticket: Option<Ticket>) {
        // A session that the server has not answered for has no history; what there is of it is here.
        let Some(session) = self.open_track().filter(|track| track.known).map(|track| track.id.clone()) else {
            return self.done_if(ticket, Ok(Outcome::Finished));
        };
        let mut path = session_path(&session, "/history");
        if let Some(before) = &before {
            path.push_str("?before=");
            encode(before, &mut path);
        }
        self.request("GET", path, None, Purpose::History { session, before, ticket });
    }

    fn request(&mut self, method: &'static str, path: String, body: Option<String>, purpose: Purpose) {
        let token = self.tick();
        self.under_way.push((token, purpose));
        self.effects.push(Effect::Request { token, method, path, body });
    }

    fn finished(&mut self, token: Token) -> Option<Purpose> {
        let at = self.under_way.iter().position(|(other, _)| *other == token)?;
        Some(self.under_way.remove(at).1)
    }

    fn done(&mut self, ticket: Ticket, result: Result<Outcome, Problem>) {
        self.effects.push(Effect::Done { ticket, result });
    }

    fn done_if(&mut self, ticket: Option<Ticket>, result: Result<Outcome, Problem>) {
        if let Some(ticket) = ticket {
            self.done(ticket, result);
        }
    }

    fn tick(&mut self) -> Token {
        self.clock += 1;
        self.clock
    }

    fn open_track(&self) -> Option<&Track> {
        self.tracks.iter().find(|track| Some(&track.id) == self.open.as_ref())
    }

    fn track(&mut self, session: &SessionId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.id == *session)
    }
}

fn session_path(session: &SessionId, rest: &str) -> String {
    ["/v1/sessions/", session.as_str(), rest].concat()
}

/// Percent-encodes a query value.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
            into.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
