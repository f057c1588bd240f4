//! What the tabs of one browser tell each other: messages that wait, answers, and what became of sessions. Each tab sends
//! its own messages; the others show them, and pass on what their user wants done with them.

use super::Machine;
use crate::client::decode::{self, Fields};
use crate::client::effect::Effect;
use crate::client::json::Members;
use crate::client::outbox::{self, Entry, Partial, Track};
use crate::client::{Json, Problem, Ticket};
use crate::id::{MessageId, SessionId};
use crate::time::Millis;

impl Machine {
    /// Takes over what a tab that is gone has left.
    pub(super) fn adopted(&mut self, stored: Json, now: Millis) {
        for orphan in outbox::restore(stored, now).tracks {
            let id = orphan.id.clone();
            for mut entry in orphan.outbox {
                let shown = self.own(&id, orphan.known, &entry.id).map(|known| known.foreign);
                if shown == Some(false) {
                    continue;
                }
                entry.foreign = false;
                self.put(&id, orphan.known, entry);
            }
            self.pump(&id);
        }
    }

    pub(super) fn heard(&mut self, news: Json, now: Millis) {
        let Some(mut from) = Fields::of(news) else { return };
        let Some(what) = from.text("news") else { return };
        match what.as_str() {
            "hello" => self.introduce(),
            "journal" => {
                if let Some(journal) = self.echoes.first_mut() {
                    *journal = from.text("marker");
                }
            }
            "card" => {
                let now = self.tick();
                let fresh = from.flag("fresh");
                if let Some(card) = from.object("session").and_then(decode::card) {
                    if fresh { self.list.back(&card, now) } else { self.list.changed(&card, now) }
                }
            }
            _ => {
                if let Some(session) = from.session_id("session") {
                    self.heard_of(&what, session, from, now);
                }
            }
        }
    }

    fn heard_of(&mut self, what: &str, session: SessionId, mut from: Fields, now: Millis) {
        if what == "gone" {
            return self.deleted(&session, true);
        }
        if what == "entry" {
            let known = from.flag("known");
            if let Some(mut entry) = from.object("entry").and_then(decode::entry) {
                entry.foreign = true;
                if let Some(after) = &entry.cut_after {
                    self.cut(&session, after);
                }
                self.put(&session, known, entry);
            }
            return;
        }
        let Some(id) = from.message_id("message") else { return };
        let mine = self.track(&session).and_then(|track| track.entry(&id)).map(|entry| !entry.foreign);
        match what {
            "left" if mine != Some(true) => {
                let tickets = self.track(&session).and_then(|track| track.take(&id)).map(|entry| entry.tickets);
                if self.open.as_ref() == Some(&session) {
                    self.transcript.forget(&id);
                }
                for ticket in tickets.unwrap_or_default() {
                    self.done(ticket, Err(Problem::cancelled()));
                }
            }
            "answer" if mine != Some(true) => {
                let Some(answer) = from.object("answer").and_then(|answer| decode::answer(answer, &session)) else {
                    return;
                };
                if mine.is_none() {
                    let text = from.text("text").unwrap_or_default();
                    self.put(&session, true, Entry { foreign: true, ..Entry::new(id.clone(), text, now) });
                }
                self.turned(&session, &id, &answer);
            }
            "partial" if mine == Some(false) => {
                let (Some(text), Some(event), Some(reply)) =
                    (from.text("text"), from.number("event"), from.message_id("reply"))
                else {
                    return;
                };
                let Some(entry) = self.track(&session).and_then(|track| track.entry_mut(&id)) else { return };
                // One that begins anew has no text yet.
                let known = entry.partial.take_if(|_| !text.is_empty());
                let partial =
                    entry.partial.insert(known.unwrap_or(Partial { id: reply, text: String::new(), event: 0 }));
                if event > partial.event {
                    partial.event = event;
                    partial.text.push_str(&text);
                }
            }
            "retry" if mine == Some(true) => {
                let Some(track) = self.track(&session) else { return };
                if let Some(entry) = track.entry_mut(&id)
                    && entry.problem.take().is_some()
                {
                    entry.tries = 0;
                    self.tell_entry(&session, &id);
                    self.pump(&session);
                }
            }
            "discard" if mine == Some(true) => {
                let busy = self
                    .track(&session)
                    .is_some_and(|track| track.busy.is_some() && track.next().is_some_and(|entry| entry.id == id));
                if !busy {
                    self.take_back(&session, &id);
                }
            }
            _ => {}
        }
    }

    /// Finds a message of a session's outbox.
    fn own(&mut self, session: &SessionId, known: bool, id: &MessageId) -> Option<&Entry> {
        if self.track(session).is_none() {
            self.tracks.push(Track::new(session.clone(), known));
        }
        self.track(session).and_then(|track| track.entry(id))
    }

    /// Puts a message into a session's outbox, in place of what is known of it.
    fn put(&mut self, session: &SessionId, known: bool, mut entry: Entry) {
        let id = entry.id.clone();
        let shown = self.own(session, known, &id).is_some();
        let open = self.open.as_ref() == Some(session);
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *session) else { return };
        track.known |= known;
        match track.entry_mut(&id) {
            // One's own word holds.
            Some(old) if !old.foreign && entry.foreign => {}
            Some(old) => {
                entry.tickets = std::mem::take(&mut old.tickets);
                entry.partial = old.partial.take();
                let tickets = if entry.problem.is_some() { std::mem::take(&mut entry.tickets) } else { Vec::new() };
                let problem = entry.problem.clone();
                *old = entry;
                for ticket in tickets {
                    self.done(ticket, Err(problem.clone().unwrap_or_else(Problem::network)));
                }
            }
            None => {
                if open && !shown {
                    self.transcript.say(&entry);
                }
                track.outbox.push(entry);
            }
        }
    }

    // Telling.

    fn tell(&mut self, news: &str, of: impl FnOnce(&mut Members<'_>)) {
        let mut text = String::new();
        let mut object = Members::begin(&mut text);
        object.add("news", &news);
        of(&mut object);
        object.end();
        self.effects.push(Effect::Tell(text));
    }

    /// Asks the other tabs what waits with them, and says what waits here.
    pub(super) fn greet(&mut self) {
        self.tell("hello", |_| {});
        self.introduce();
    }

    fn introduce(&mut self) {
        let mine = |track: &Track| {
            let ids = track.outbox.iter().filter(|entry| !entry.foreign).map(|entry| entry.id.clone());
            (track.id.clone(), ids.collect::<Vec<_>>())
        };
        let all: Vec<(SessionId, Vec<MessageId>)> = self.tracks.iter().map(mine).collect();
        for (session, ids) in all {
            for id in ids {
                self.tell_entry(&session, &id);
                let said = self.track(&session).and_then(|track| track.entry(&id)?.partial.clone());
                if let Some(partial) = said {
                    self.tell_partial(&session, &id, &partial.text);
                }
            }
        }
        if self.echoes.first().is_some_and(Option::is_some) {
            self.tell_journal();
        }
    }

    /// A message waits here, or has failed.
    pub(super) fn tell_entry(&mut self, session: &SessionId, id: &MessageId) {
        let Some(track) = self.tracks.iter().find(|track| track.id == *session && !track.incognito) else { return };
        let Some(entry) = track.entry(id) else { return };
        let mut text = String::new();
        let mut object = Members::begin(&mut text);
        object.add("news", &"entry");
        object.add("session", session);
        object.add("known", &track.known);
        object.add("entry", entry);
        object.end();
        self.effects.push(Effect::Tell(text));
    }

    /// A piece of a reply has come; without text, one begins.
    pub(super) fn tell_partial(&mut self, session: &SessionId, id: &MessageId, text: &str) {
        let track = self.tracks.iter().find(|track| track.id == *session && !track.incognito);
        let Some(partial) = track.and_then(|track| track.entry(id)?.partial.as_ref()) else { return };
        let (reply, event) = (partial.id.clone(), partial.event);
        self.tell("partial", |object| {
            object.add("session", session);
            object.add("message", id);
            object.add("reply", &reply);
            object.add("event", &event);
            object.add("text", &text);
        });
    }

    /// A message is taken back.
    pub(super) fn tell_left(&mut self, session: &SessionId, id: &MessageId) {
        self.tell("left", |object| {
            object.add("session", session);
            object.add("message", id);
        });
    }

    /// A message has its answer.
    pub(super) fn tell_answer(&mut self, session: &SessionId, id: &MessageId, answer: Json) {
        let track = self.tracks.iter().find(|track| track.id == *session && !track.incognito);
        let Some(said) = track.and_then(|track| Some(track.entry(id)?.text.clone())) else { return };
        self.tell("answer", |object| {
            object.add("session", session);
            object.add("message", id);
            object.add("text", &said);
            object.add("answer", &answer);
        });
    }

    /// A session is deleted.
    pub(super) fn tell_gone(&mut self, session: &SessionId) {
        self.tell("gone", |object| object.add("session", session));
    }

    /// A session is described anew, or is back or new.
    pub(super) fn tell_card(&mut self, card: Json, fresh: bool) {
        self.tell("card", |object| {
            object.add("session", &card);
            object.add("fresh", &fresh);
        });
    }

    /// The journal's marker is another, or gone.
    pub(super) fn tell_journal(&mut self) {
        let marker = self.echoes.first().cloned().flatten();
        self.tell("journal", |object| object.add_some("marker", marker.as_ref()));
    }

    /// Passes on what the user wants done with another tab's message.
    pub(super) fn ask_its_tab(&mut self, what: &str, id: &MessageId, ticket: Ticket) {
        let open = self.open.clone();
        let Some(session) = open else { return };
        if let Some(entry) = self.track(&session).and_then(|track| track.entry_mut(id)) {
            entry.tickets.push(ticket);
        }
        self.tell(what, |object| {
            object.add("session", &session);
            object.add("message", id);
        });
    }
}
