//! What the user wants of the open chat. What they want of the list and of other sessions is in [`super::calls`].

use super::{Machine, Purpose};
use crate::client::effect::{Effect, Outcome};
use crate::client::outbox::{Entry, Track};
use crate::client::{Json, Minted, Problem, Ticket, Wish};
use crate::id::{MessageId, SessionId};
use crate::message::Role;
use crate::time::Millis;

/// A message that is about to be said.
struct Saying {
    text: String,
    metadata: Option<Json>,
    stream: bool,
    cut_after: Option<String>,
}

impl Machine {
    pub(super) fn wished(&mut self, ticket: Ticket, wish: Wish, minted: Minted, now: Millis) {
        match wish {
            Wish::NewChat { incognito } => {
                self.show(None);
                self.incognito = incognito;
                self.done(ticket, Ok(Outcome::Finished));
            }
            Wish::Send { text, metadata, stream, id } => {
                let id = id.unwrap_or_else(|| minted.message.clone());
                if self.open_track().is_some_and(|track| track.entry(&id).is_some()) {
                    return self.retry(ticket, id, minted.session);
                }
                let minted = Minted { message: id, ..minted };
                self.say(ticket, Saying { text, metadata, stream, cut_after: None }, minted, now);
            }
            Wish::Retry { message } => self.retry(ticket, message, minted.session),
            Wish::Discard { message } => self.discard(ticket, message),
            Wish::Edit { message, text, stream } => {
                self.edit(ticket, message, Some(text), stream, minted, now);
            }
            Wish::Regenerate { message, stream } => self.regenerate(ticket, message, stream, minted, now),
            Wish::Stop => self.stop(ticket),
            Wish::Open { session } => self.open(ticket, session),
            Wish::History { older } => self.history(ticket, older),
            other => self.call(ticket, other, minted),
        }
    }

    fn say(&mut self, ticket: Ticket, saying: Saying, minted: Minted, now: Millis) {
        if saying.text.trim().is_empty() {
            return self.done(ticket, Err(Problem::message_empty()));
        }
        self.problem = None;
        let session = self.session_to_write(minted.session);
        let mut entry = Entry::new(minted.message, saying.text, now);
        entry.metadata = saying.metadata;
        entry.cut_after = saying.cut_after;
        entry.stream = saying.stream;
        entry.tickets.push(ticket);
        self.transcript.say(&entry);
        let id = entry.id.clone();
        if let Some(track) = self.track(&session) {
            track.outbox.push(entry);
        }
        self.tell_entry(&session, &id);
        self.pump(&session);
    }

    fn retry(&mut self, ticket: Ticket, id: MessageId, new_session: SessionId) {
        let Some(foreign) = self.open_track().and_then(|track| track.entry(&id)).map(|entry| entry.foreign) else {
            return self.done(ticket, Err(Problem::message_not_found()));
        };
        self.problem = None;
        if foreign {
            return self.ask_its_tab("retry", &id, ticket);
        }
        let session = self.session_to_write(new_session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == session) else { return };
        let Some(entry) = track.entry_mut(&id) else { return };
        entry.tickets.push(ticket);
        // One that waits already keeps its place; a failed one goes to the end, where the server will have it too.
        if entry.problem.take().is_some()
            && let Some(mut entry) = track.take(&id)
        {
            entry.tries = 0;
            self.transcript.say(&entry);
            track.outbox.push(entry);
            self.tell_entry(&session, &id);
            self.pump(&session);
        }
    }

    /// Takes a message back. One that is on its way can't be: the server may have it.
    pub(super) fn discard(&mut self, ticket: Ticket, id: MessageId) {
        let open = self.open.clone();
        let Some(track) = self.tracks.iter_mut().find(|track| Some(&track.id) == open.as_ref()) else {
            return self.done(ticket, Err(Problem::message_not_found()));
        };
        let Some(entry) = track.entry(&id) else { return self.done(ticket, Err(Problem::message_not_found())) };
        if entry.foreign {
            return self.ask_its_tab("discard", &id, ticket);
        }
        let session = track.id.clone();
        if self.on_its_way(&session, &id) {
            return self.done(ticket, Err(Problem::busy()));
        }
        self.take_back(&session, &id);
        self.done(ticket, Ok(Outcome::Finished));
    }

    /// Removes a message that is not on its way.
    pub(super) fn take_back(&mut self, session: &SessionId, id: &MessageId) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        let first = track.next().is_some_and(|entry| entry.id == *id);
        let paused = track.busy.take_if(|_| first);
        let Some(entry) = track.take(id) else { return };
        let tried = entry.tries > 0 || entry.problem.is_some() || entry.cut_after.is_some();
        if tried && entry.cut_after.is_none() {
            track.discarded.push(id.clone());
        }
        for ticket in entry.tickets {
            self.done(ticket, Err(Problem::cancelled()));
        }
        if let Some(token) = paused {
            self.finished(token);
        }
        if self.open.as_ref() == Some(session) {
            self.problem = None;
            self.transcript.forget(id);
            // The server may have got it for all that, or still has what it was to replace.
            if tried {
                self.fetch_history(None, None);
            }
        }
        self.tell_left(session, id);
        self.pump(session);
    }

    /// Says a message anew, in the place of the old one. Without a text it is the same again.
    fn edit(&mut self, ticket: Ticket, id: MessageId, text: Option<String>, stream: bool, minted: Minted, now: Millis) {
        let Some(track) = self.open_track() else { return self.done(ticket, Err(Problem::message_not_found())) };
        let waiting = |id: &MessageId| track.entry(id).is_some();
        let (session, busy) = (track.id.clone(), track.busy.is_some());
        let is_user = |role: Role| role == Role::User;
        let line = self.transcript.lines().iter().find(|line| line.id == id && is_user(line.role));
        let cut_after = self.transcript.before(&id, waiting);
        let (Some(line), Some(cut_after)) = (line, cut_after) else {
            return self.done(ticket, Err(Problem::message_not_found()));
        };
        if busy {
            return self.done(ticket, Err(Problem::busy()));
        }
        let text = text.unwrap_or_else(|| line.content.clone());
        let metadata = line.metadata.clone();
        if text.trim().is_empty() {
            return self.done(ticket, Err(Problem::message_empty()));
        }
        // A failed message is replaced here; what the server may have of it is cut off with the rest.
        if waiting(&id) {
            if let Some(track) = self.track(&session) {
                track.outbox.retain(|entry| entry.id != id);
            }
            self.transcript.forget(&id);
            self.tell_left(&session, &id);
        }
        self.cut(&session, &cut_after);
        let known = self.track(&session).is_some_and(|track| track.known);
        let cut_after = Some(cut_after).filter(|_| known);
        self.say(ticket, Saying { text, metadata, stream, cut_after }, minted, now);
    }

    fn regenerate(&mut self, ticket: Ticket, id: Option<MessageId>, stream: bool, minted: Minted, now: Millis) {
        let lines = self.transcript.lines();
        let named = id.and_then(|id| lines.iter().find(|line| line.id == id).map(|line| (line.role, line)));
        let asked = match named {
            Some((Role::User, line)) => Some(line.id.clone()),
            Some((_, line)) => line.parent.clone(),
            None => lines.iter().rfind(|line| line.role == Role::User).map(|line| line.id.clone()),
        };
        match asked {
            Some(asked) => self.edit(ticket, asked, None, stream, minted, now),
            None => self.done(ticket, Err(Problem::message_not_found())),
        }
    }

    /// Cuts the messages after one off what is shown.
    pub(super) fn cut(&mut self, session: &SessionId, after: &str) {
        if self.open.as_ref() == Some(session) {
            let track = self.tracks.iter().find(|track| track.id == *session);
            self.transcript.cut(after, |id| track.is_some_and(|track| track.entry(id).is_some()));
        }
    }

    fn stop(&mut self, ticket: Ticket) {
        let next =
            self.open_track().and_then(|track| Some((track.id.clone(), track.next()?.id.clone(), track.incognito)));
        let Some((session, message, incognito)) = next else { return self.done(ticket, Ok(Outcome::Finished)) };
        if !self.on_its_way(&session, &message) {
            self.take_back(&session, &message);
            return self.done(ticket, Ok(Outcome::Finished));
        }
        if incognito {
            self.break_off(&session, &message);
            return self.done(ticket, Ok(Outcome::Finished));
        }
        self.ask_to_stop(session, message, ticket);
    }

    fn open(&mut self, ticket: Ticket, session: SessionId) {
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

    /// The session that a message goes to: the open one, or a new one where there is none or it is gone. Messages that
    /// failed because it is gone move along, so that they stay in sight and can be retried.
    fn session_to_write(&mut self, new: SessionId) -> SessionId {
        let gone = self.open_track().is_some_and(|track| track.gone.is_some());
        if let Some(open) = self.open.clone().filter(|_| !gone) {
            return open;
        }
        let mut track = Track::new(new.clone(), false);
        track.incognito = self.incognito;
        if let Some(old) = self.open.clone()
            && let Some(old) = self.track(&old)
        {
            let (foreign, mut mine): (Vec<Entry>, Vec<Entry>) =
                std::mem::take(&mut old.outbox).into_iter().partition(|entry| entry.foreign);
            old.outbox = foreign;
            for entry in &mut mine {
                entry.cut_after = None;
            }
            track.outbox = mine;
        }
        self.tracks.push(track);
        self.show(Some(new.clone()));
        new
    }

    /// Whether the message's request is out: it is neither queued nor between two tries.
    fn on_its_way(&self, session: &SessionId, message: &MessageId) -> bool {
        let track = self.tracks.iter().find(|track| track.id == *session);
        let Some(busy) = track.and_then(|track| track.busy) else { return false };
        let out = |purpose: &Purpose| matches!(purpose, Purpose::Turn { message: other, .. } if other == message);
        self.under_way.iter().any(|(token, purpose)| *token == busy && out(purpose))
    }

    /// Ends a turn from this side alone: what has come of the reply is all there will be.
    pub(super) fn break_off(&mut self, session: &SessionId, message: &MessageId) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        let token = track.busy.take();
        if let Some(token) = token {
            self.finished(token);
            self.effects.push(Effect::Abort { token });
        }
        self.turn_cancelled(session, message);
    }
}
