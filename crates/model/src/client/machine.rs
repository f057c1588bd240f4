//! The machine itself: its state, and the steps that everything shares. What sets them off is in the modules below.

mod answers;
mod calls;
mod tabs;
mod turns;
mod wishes;

use super::effect::{Effect, Outcome};
use super::event::{ECHOED, ECHOES};
use super::list::List;
use super::outbox::{self, Track};
use super::transcript::Transcript;
use super::view::{self, View};
use super::{Event, Json, Problem, Ticket, Token};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;
use crate::version;

/// What a request or pause is for.
#[derive(Debug, Clone)]
enum Purpose {
    /// A message's turn, or the stream that follows one that runs already.
    Turn {
        session: SessionId,
        message: MessageId,
    },
    /// Nothing is asked for until the session's next try.
    Pause {
        session: SessionId,
    },
    History {
        session: SessionId,
        before: Option<String>,
        ticket: Option<Ticket>,
    },
    List {
        ticket: Ticket,
        search: String,
        more: bool,
    },
    Delete {
        session: SessionId,
        ticket: Ticket,
    },
    /// The answer describes a session.
    Describe {
        ticket: Ticket,
        fresh: bool,
    },
    /// The answer is what the caller wants.
    Value {
        ticket: Ticket,
    },
    Stop {
        session: SessionId,
        message: MessageId,
        ticket: Ticket,
    },
    Keep {
        session: SessionId,
        ticket: Ticket,
    },
    /// A discarded message is removed from the server.
    Truncate,
}

/// The session machine of one tab. It knows no clock, no randomness and no I/O: all of that comes as events.
#[derive(Debug, Default)]
pub struct Machine {
    ready: bool,
    online: bool,
    revision: u64,
    /// Counts requests, pauses and what becomes known, so that of two things one is seen to be later.
    clock: Token,
    seed: u32,
    open: Option<SessionId>,
    /// The next chat is one that nobody keeps.
    incognito: bool,
    tracks: Vec<Track>,
    transcript: Transcript,
    list: List,
    problem: Option<Problem>,
    /// What to send back, by [`ECHOED`].
    echoes: [Option<String>; ECHOES],
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
            Event::Restored { stored, online, seed } => self.restored(stored, online, seed, now),
            Event::Adopted { stored } => self.adopted(stored, now),
            Event::Wished { ticket, wish, minted } => self.wished(ticket, wish, minted, now),
            Event::Answered { token, status, retry_after, echoes, body } => {
                self.echoed(echoes);
                if let Some(purpose) = self.finished(token) {
                    self.answered(token, purpose, status, retry_after, body);
                }
            }
            Event::Streamed { token, name, id, data } => self.streamed(token, &name, id, data),
            Event::Unreachable { token } => {
                if let Some(purpose) = self.finished(token) {
                    self.failed(purpose, Problem::network(), None);
                }
            }
            Event::Woke { token } => {
                if let Some(Purpose::Pause { session }) = self.finished(token) {
                    self.rest(&session);
                }
            }
            Event::Network { online } => self.network(online),
            Event::Heard { news } => self.heard(news, now),
        }
        self.revision += 1;
        let open = self.open.as_ref();
        self.tracks.retain(|track| !track.outbox.is_empty() || Some(&track.id) == open);
        let mut effects = std::mem::take(&mut self.effects);
        let [journal, ..] = &self.echoes;
        let keep = outbox::keep(open, journal.as_ref(), &self.tracks);
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
        let unlisted = |track: &&Track| self.list.card(&track.id).is_none() && self.list.search.is_empty();
        let sessions = view::sessions(self.list.cards(), self.tracks.iter().rev().filter(unlisted));
        let only_here = (sessions.len() - self.list.cards().len()) as u64;
        let session = self.open.as_ref().and_then(|open| match self.list.card(open) {
            Some(card) => Some(view::of_card(card)),
            None => track.and_then(view::of_track),
        });
        let [journal, ..] = &self.echoes;
        View {
            revision: self.revision,
            ready: self.ready,
            online: self.online,
            degraded: journal.is_some(),
            session_id: self.open.as_ref(),
            session,
            incognito: track.map_or(self.incognito, |track| track.incognito),
            messages: view::messages(&self.transcript, track),
            sending: track.is_some_and(Track::waits),
            loading: self.under_way.iter().any(|(_, purpose)| {
                matches!(purpose, Purpose::History { session, .. } if Some(session) == self.open.as_ref())
            }),
            has_older: self.transcript.cursor.is_some(),
            session_count: self.list.count() + only_here,
            sessions,
            has_more_sessions: self.list.cursor().is_some(),
            search: &self.list.search,
            problem: self.problem.as_ref().or_else(|| track.and_then(|track| track.gone.as_ref())),
        }
    }

    fn restored(&mut self, stored: Json, online: bool, seed: u32, now: Millis) {
        self.kept = (stored != Json::Null).then(|| super::json::text(&stored));
        let restored = outbox::restore(stored, now);
        self.ready = true;
        self.online = online;
        self.seed = seed;
        self.tracks = restored.tracks;
        let [journal, ..] = &mut self.echoes;
        *journal = restored.journal;
        self.follow(restored.open.clone());
        self.show(restored.open);
        if self.open_track().is_some_and(|track| track.known) {
            self.fetch_history(None, None);
        }
        self.pump_all();
        self.greet();
    }

    fn network(&mut self, online: bool) {
        let came = online && !self.online;
        self.online = online;
        if came {
            if self.open.is_some() && !self.transcript.is_read() {
                self.fetch_history(None, None);
            }
            self.take_heart();
        }
    }

    /// Remembers the headers to send back.
    fn echoed(&mut self, echoes: [Option<String>; ECHOES]) {
        let before = self.echoes.first().cloned();
        for (kept, echo) in self.echoes.iter_mut().zip(echoes) {
            if let Some(value) = echo {
                *kept = Some(value).filter(|value| value != "-");
            }
        }
        if self.echoes.first() != before.as_ref() {
            self.tell_journal();
        }
    }

    // The steps that the others share.

    /// Keeps track of a session that somebody named, so the server has it.
    fn follow(&mut self, session: Option<SessionId>) {
        if let Some(session) = session.filter(|session| self.track(session).is_none()) {
            self.tracks.push(Track::new(session, true));
        }
    }

    fn show(&mut self, session: Option<SessionId>) {
        self.problem = None;
        self.incognito = false;
        let closed = std::mem::replace(&mut self.open, session);
        // Nobody keeps an incognito chat, so it ends when it is left.
        if let Some(closed) = closed.filter(|closed| Some(closed) != self.open.as_ref())
            && self.track(&closed).is_some_and(|track| track.incognito)
        {
            self.drop_track(&closed, &Problem::cancelled());
        }
        let track = self.tracks.iter().find(|track| Some(&track.id) == self.open.as_ref());
        self.transcript.begin(track);
    }

    /// Forgets a session and what waits for it.
    fn drop_track(&mut self, session: &SessionId, problem: &Problem) {
        let Some(at) = self.tracks.iter().position(|track| track.id == *session) else { return };
        let track = self.tracks.remove(at);
        if let Some(token) = track.busy
            && self.finished(token).is_some()
        {
            self.effects.push(Effect::Abort { token });
        }
        for ticket in track.outbox.into_iter().flat_map(|entry| entry.tickets) {
            self.done(ticket, Err(problem.clone()));
        }
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

    fn request(&mut self, method: &'static str, path: String, body: Option<String>, purpose: Purpose) -> Token {
        let token = self.tick();
        self.under_way.push((token, purpose));
        let echoes = ECHOED.iter().zip(&self.echoes);
        let mut headers = vec![(version::HEADER, version::CURRENT.to_string())];
        headers.extend(echoes.filter_map(|(name, value)| Some((*name, value.clone()?))));
        self.effects.push(Effect::Request { token, method, path, headers, body });
        token
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
