//! How messages go out and replies come in: one at a time for each session, so that the server sees them in order.

use super::{Machine, Purpose, session_path};
use crate::client::decode::{self, Answer, Fields};
use crate::client::effect::{Effect, Outcome, Reply};
use crate::client::json::{Members, Write};
use crate::client::outbox::{Entry, Partial, Track};
use crate::client::transcript::Line;
use crate::client::{Json, Problem, Ticket, Token};
use crate::id::{MessageId, SessionId, TurnId};

/// The first pause before a turn that still runs is asked for again; each further one is twice as long, up to
/// [`LONGEST_WAIT_MS`]. All of them together outlast a turn's lease on the server.
const FIRST_WAIT_MS: u32 = 500;
const LONGEST_WAIT_MS: u32 = 8_000;
const WAITS: u32 = 20;

/// The same after what passes by itself, as a limit or a store that is down.
const FIRST_PAUSE_MS: u32 = 1_000;
const TRIES: u32 = 4;

/// As many messages the server takes as an incognito turn's context.
const CONTEXT: usize = 100;

/// A server that wants longer than this to be left alone is not waited for.
const LONGEST_PAUSE_MS: u32 = 60_000;

impl Machine {
    /// The session's message is no longer on its way: the next one's turn.
    pub(super) fn rest(&mut self, session: &SessionId) {
        if let Some(track) = self.track(session) {
            track.busy = None;
            self.pump(session);
        }
    }

    pub(super) fn pump_all(&mut self) {
        let waiting: Vec<SessionId> = self.tracks.iter().map(|track| track.id.clone()).collect();
        for session in waiting {
            self.pump(&session);
        }
    }

    /// There is a network again: what failed for want of it goes out, and nothing pauses any longer.
    pub(super) fn take_heart(&mut self) {
        let paused: Vec<Token> = self
            .under_way
            .iter()
            .filter_map(|(token, purpose)| matches!(purpose, Purpose::Pause { .. }).then_some(*token))
            .collect();
        for token in paused {
            self.finished(token);
            for track in self.tracks.iter_mut().filter(|track| track.busy == Some(token)) {
                track.busy = None;
            }
        }
        for entry in self.tracks.iter_mut().flat_map(|track| &mut track.outbox).filter(|entry| !entry.foreign) {
            entry.tries = 0;
            entry.problem.take_if(|problem| problem.status == 0 && problem.passes());
        }
        self.pump_all();
    }

    /// Sends what is next in a session's outbox.
    pub(super) fn pump(&mut self, session: &SessionId) {
        if !self.online {
            return;
        }
        let Some(track) = self.tracks.iter().find(|track| track.id == *session && track.busy.is_none()) else { return };
        let Some(entry) = track.next() else { return };
        let purpose = Purpose::Turn { session: session.clone(), message: entry.id.clone() };
        let token = if entry.follow {
            let seen = entry.partial.as_ref().map_or(0, |partial| partial.event);
            let token = self.request("GET", session_path(session, "/stream"), None, purpose);
            if seen > 0
                && let Some(Effect::Request { headers, .. }) = self.effects.last_mut()
            {
                headers.push(("last-event-id", seen.to_string()));
            }
            token
        } else {
            let body = turn_body(track, entry, self.transcript.lines());
            self.request("POST", "/v1/chat".to_owned(), Some(body), purpose)
        };
        if let Some(track) = self.track(session) {
            track.busy = Some(token);
        }
    }

    /// A piece of a reply.
    pub(super) fn streamed(&mut self, token: Token, name: &str, id: u64, data: Json) {
        let Some((_, Purpose::Turn { session, message })) = self.under_way.iter().find(|(other, _)| *other == token)
        else {
            return;
        };
        let (session, message) = (session.clone(), message.clone());
        match name {
            "done" | "error" => {
                self.finished(token);
                // The stream's headers were sent too early to say it.
                let marker = Fields::of(data.clone()).and_then(|mut data| data.text("journal"));
                self.echoed([marker, None]);
                let purpose = Purpose::Turn { session, message };
                match Fields::of(data.clone()).and_then(decode::problem).filter(|_| name == "error") {
                    Some(problem) => self.failed(purpose, problem, None),
                    None => self.answered(token, purpose, if name == "done" { 200 } else { 500 }, None, data),
                }
            }
            _ => {
                let Some(mut data) = Fields::of(data) else { return };
                let Some(entry) = self.track(&session).and_then(|track| track.entry_mut(&message)) else { return };
                if name == "turn" {
                    // A stream that is followed says again what it is; one that begins anew has said nothing yet.
                    let reply = data.message_id("reply_id");
                    let reply = reply.unwrap_or_else(|| TurnId::of_message(&message).reply_id());
                    if !entry.follow || entry.partial.is_none() {
                        entry.partial = Some(Partial { id: reply, text: String::new(), event: id });
                        self.tell_partial(&session, &message, "");
                    }
                } else if let (Some(text), Some(partial)) = (data.text("text"), &mut entry.partial)
                    && name == "delta"
                    && (id == 0 || id > partial.event)
                {
                    partial.event = id;
                    partial.text.push_str(&text);
                    entry.tries = 0;
                    let piece =
                        partial.text.get(entry.delivered..).filter(|piece| !piece.is_empty()).map(str::to_owned);
                    if let Some(piece) = piece {
                        entry.delivered = partial.text.len();
                        let tickets = entry.tickets.clone();
                        let deltas = tickets.into_iter().map(|ticket| Effect::Delta { ticket, text: piece.clone() });
                        self.effects.extend(deltas);
                    }
                    self.tell_partial(&session, &message, &text);
                }
            }
        }
    }

    pub(super) fn turned(&mut self, session: &SessionId, message: &MessageId, answer: &Answer) {
        let now = self.tick();
        if let Some(card) = &answer.card {
            self.list.used(card, answer.created, now);
        }
        let open = self.open.as_ref() == Some(session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        let Some(entry) = track.take(message) else { return };
        track.known = !track.incognito;
        track.gone = None;
        if open {
            if let Some(after) = &entry.cut_after {
                self.transcript.cut(after, |id| track.entry(id).is_some());
                self.transcript.was_cut(now);
            }
            self.transcript.answer(&entry, answer, now, |id| track.entry(id).is_some());
        }
        for ticket in entry.tickets {
            self.done(ticket, Ok(Outcome::Reply(Box::new(Reply::of(answer)))));
        }
        self.rest(session);
    }

    pub(super) fn turn_failed(
        &mut self,
        session: SessionId,
        message: MessageId,
        problem: Problem,
        retry_after: Option<u32>,
    ) {
        let token = self.tick();
        let (open, online, seed) = (self.open.as_ref() == Some(&session), self.online, self.roll());
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == session) else { return };
        let Some(entry) = track.entry_mut(&message) else { return };
        if entry.stream && problem.status == 400 && problem.code == "unsupported" {
            entry.stream = false;
            return self.rest(&session);
        }
        let followed = std::mem::take(&mut entry.follow);
        let cut_off = problem.status == 0 && entry.partial.is_some() && !followed;
        let runs = problem.turn_runs();
        entry.follow = cut_off || (runs && entry.stream);
        // Where there is no network there is nothing to do but to wait for it.
        if (!online && problem.status == 0) || cut_off {
            return self.rest(&session);
        }
        // A stream that can't be followed says nothing about the turn: to send it once more does.
        let pause = if runs || (followed && !problem.ends_session()) {
            (entry.tries < WAITS).then(|| {
                let doubled = FIRST_WAIT_MS << entry.tries.min(8);
                retry_after.map_or(doubled, |seconds| seconds.saturating_mul(1000)).min(LONGEST_WAIT_MS)
            })
        } else {
            let doubled = FIRST_PAUSE_MS << entry.tries.min(8);
            // From half to the whole of it, so that many who were cut off together don't come back together.
            let jittered = doubled / 2 + seed % (doubled / 2 + 1);
            let ms = retry_after.map_or(jittered, |seconds| seconds.saturating_mul(1000).max(jittered));
            (problem.passes() && entry.tries + 1 < TRIES && ms <= LONGEST_PAUSE_MS).then_some(ms)
        };
        if let Some(ms) = pause {
            entry.tries += 1;
            track.busy = Some(token);
            self.effects.push(Effect::Wait { token, ms });
            self.under_way.push((token, Purpose::Pause { session }));
            return;
        }
        let ends_session = problem.ends_session();
        let replaces = entry.cut_after.is_some();
        let mut tickets = Vec::new();
        let mut failed = Vec::new();
        // When the session is gone, whatever else waits for it can only fail the same way.
        for entry in track.outbox.iter_mut().filter(|entry| !entry.foreign) {
            if entry.id == message || (ends_session && entry.pending()) {
                entry.problem = Some(problem.clone());
                entry.partial = None;
                entry.delivered = 0;
                tickets.append(&mut entry.tickets);
                failed.push(entry.id.clone());
            }
        }
        if ends_session {
            track.gone = Some(problem.clone());
            self.list.gone(&session, false);
        } else if open {
            self.problem = Some(problem.clone());
            // The server still has what this message was to replace.
            if replaces {
                self.fetch_history(None, None);
            }
        }
        for id in failed {
            self.tell_entry(&session, &id);
        }
        for ticket in tickets {
            self.done(ticket, Err(problem.clone()));
        }
        self.rest(&session);
    }

    /// Asks the server to end a turn; the turn's own answer then says how far it came.
    pub(super) fn ask_to_stop(&mut self, session: SessionId, message: MessageId, ticket: Ticket) {
        let mut body = String::new();
        let mut object = Members::begin(&mut body);
        object.add("message_id", &message);
        object.end();
        let path = session_path(&session, "/stop");
        self.request("POST", path, Some(body), Purpose::Stop { session, message, ticket });
    }

    /// A turn ends here: with what has come of its reply, or as a failure when nothing has.
    pub(super) fn turn_cancelled(&mut self, session: &SessionId, message: &MessageId) {
        let entry = self.track(session).and_then(|track| track.entry(message));
        match entry.and_then(|entry| entry.partial.clone()) {
            Some(partial) => {
                let answer = Answer {
                    response: partial.text,
                    session_id: session.clone(),
                    message_id: message.clone(),
                    reply_id: partial.id,
                    created: false,
                    replayed: false,
                    stopped: true,
                    finish: None,
                    card: None,
                };
                self.turned(session, message, &answer);
            }
            None => self.turn_failed(session.clone(), message.clone(), Problem::cancelled(), None),
        }
    }

    /// The next random number: xorshift, enough to spread pauses.
    fn roll(&mut self) -> u32 {
        let mut seed = self.seed.max(1);
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        self.seed = seed;
        seed
    }
}

/// What an answer to a turn means; none when it can't be read.
pub(super) fn read(body: Json, session: &SessionId) -> Option<Answer> {
    decode::answer(Fields::of(body)?, session)
}

/// The body of `POST /v1/chat`.
fn turn_body(track: &Track, entry: &Entry, lines: &[Line]) -> String {
    let mut body = String::new();
    let mut object = Members::begin(&mut body);
    object.add("message", &entry.text);
    if !track.incognito {
        object.add("session_id", &track.id);
    }
    object.add("message_id", &entry.id);
    if track.known {
        object.add("existing", &true);
    }
    object.add_some("cut_after", entry.cut_after.as_ref());
    object.add_some("metadata", entry.metadata.as_ref());
    if entry.stream {
        object.add("stream", &true);
    }
    if track.incognito {
        // The server keeps nothing of it, so it is told each time what was said before.
        let before = lines.iter().take_while(|line| line.id != entry.id);
        let mut context: Vec<Said<'_>> = before.filter(|line| track.entry(&line.id).is_none()).map(Said).collect();
        context.drain(..context.len().saturating_sub(CONTEXT));
        object.add("incognito", &true);
        object.add("context", &context);
    }
    object.end();
    body
}

/// A message as context: who said what.
pub(super) struct Said<'a>(pub(super) &'a Line);

impl Write for Said<'_> {
    fn write(&self, to: &mut String) {
        let mut object = Members::begin(to);
        object.add("role", &self.0.role);
        object.add("content", &self.0.content);
        object.end();
    }
}
