//! Random orders of clicks, answers, losses and reloads. Whatever happens, what was said is on the server exactly once,
//! or still in the browser and in reach; and the view is sound at every step.

use super::page::{Flight, Page};
use super::server::{Answer, Responder, Server};
use crate::client::{Event, Status};
use crate::id::{MessageId, SessionId};
use std::collections::{BTreeMap, BTreeSet};

/// SplitMix64: enough to wander about, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.roll(of.len())) }
    }
}

/// Where a request is that the server has seen.
enum Progress {
    Running(Flight),
    Answered(Flight, Answer),
}

struct World {
    seed: u64,
    dice: Dice,
    page: Page,
    server: Server,
    /// Requests that the server has seen; those of pages that are gone have no listener.
    seen: Vec<Progress>,
    /// Requests of pages that are gone, which may yet arrive.
    orphans: Vec<Flight>,
    /// Every message ever sent.
    sent: BTreeSet<String>,
    /// Messages that went away with their session.
    excused: BTreeSet<String>,
    /// Sessions that the user wants deleted; whether and when the server hears of it is open.
    condemned: BTreeSet<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let page_size = 1 + (seed % 7) as usize;
        Self {
            seed,
            dice: Dice(seed),
            page: Page::new(),
            server: Server::new(page_size),
            seen: Vec::new(),
            orphans: Vec::new(),
            sent: BTreeSet::new(),
            excused: BTreeSet::new(),
            condemned: BTreeSet::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(24) {
            0..4 => {
                let text = format!("text {}", self.sent.len());
                let (id, _) = self.page.send(&text);
                self.sent.insert(id);
            }
            4 => self.page.new_chat(),
            5 => {
                let sessions: Vec<String> = self.page.view().sessions.iter().map(|s| s.id.as_str().into()).collect();
                if let Some(session) = self.dice.pick(&sessions) {
                    self.page.open(session);
                }
            }
            6 => {
                let older = self.dice.roll(2) == 0;
                self.page.history(older);
            }
            7 => {
                self.page.list();
            }
            8 => self.retry_one(),
            9 if self.dice.roll(3) == 0 => self.reload(),
            10 if self.dice.roll(4) == 0 => self.delete_one(),
            11 if self.dice.roll(4) == 0 => self.expire_one(),
            12 if self.dice.roll(3) == 0 => self.discard_one(),
            12 if self.dice.roll(2) == 0 => self.page.go(!self.page.online),
            12 => {
                if let Some((token, _)) = self.page.pauses.pop() {
                    self.page.feed(Event::Woke { token });
                }
            }
            13..19 => self.arrive(),
            _ => self.progress(),
        }
        for session in self.condemned.clone() {
            self.excuse(&session);
        }
        self.check();
    }

    fn retry_one(&mut self) {
        let failed: Vec<String> = (self.page.view().messages.iter())
            .filter(|message| message.status == Status::Failed)
            .map(|message| message.id.as_str().into())
            .collect();
        if let Some(id) = self.dice.pick(&failed) {
            self.page.retry(id);
        }
    }

    fn discard_one(&mut self) {
        let waiting: Vec<String> = (self.page.view().messages.iter())
            .filter(|message| matches!(message.status, Status::Failed | Status::Pending))
            .map(|message| message.id.as_str().into())
            .collect();
        if let Some(id) = self.dice.pick(&waiting).cloned() {
            let ticket = self.page.discard(&id);
            if self.page.done[&ticket].is_ok() {
                self.excused.insert(id);
            }
        }
    }

    fn reload(&mut self) {
        for flight in std::mem::take(&mut self.page.flights) {
            if self.dice.roll(2) == 0 {
                self.orphans.push(flight);
            }
        }
        // Tokens begin anew with the page, so what the server still has to say to the old one must find nobody.
        for progress in &mut self.seen {
            let (Progress::Running(flight) | Progress::Answered(flight, _)) = progress;
            flight.token = 0;
        }
        self.page.reload();
    }

    fn delete_one(&mut self) {
        let sessions: Vec<String> = self.page.view().sessions.iter().map(|s| s.id.as_str().into()).collect();
        if let Some(session) = self.dice.pick(&sessions) {
            // From here on the user has no claim to what is or will be in it.
            self.excuse(session);
            self.condemned.insert(session.clone());
            self.page.delete(session);
        }
    }

    /// A session's time runs out on the server, while no request is about that could open it again.
    fn expire_one(&mut self) {
        let ids: Vec<SessionId> = self.server.sessions.keys().cloned().collect();
        let Some(id) = self.dice.pick(&ids).cloned() else { return };
        let about = |flight: &Flight| flight.body.as_deref().is_some_and(|body| body.contains(id.as_str()));
        let seen = self.seen.iter().any(|(Progress::Running(flight) | Progress::Answered(flight, _))| about(flight));
        // A first message whose answer got lost opens its session anew: here that would look like a double.
        let open_ended = self.page.stored_tracks().iter().any(|(track, ids)| track == id.as_str() && !ids.is_empty());
        if !seen && !open_ended && !self.orphans.iter().chain(&self.page.flights).any(about) {
            let gone = self.server.sessions.remove(&id).unwrap();
            self.excused.extend(gone.messages.iter().map(|message| message.id.as_str().to_owned()));
        }
    }

    fn excuse(&mut self, session: &str) {
        let id = SessionId::parse(session).unwrap();
        if let Some(found) = self.server.sessions.get(&id) {
            self.excused.extend(found.messages.iter().map(|message| message.id.as_str().to_owned()));
        }
        for (track, ids) in self.page.stored_tracks() {
            if track == session {
                self.excused.extend(ids);
            }
        }
        let orphans = self.orphans.iter().chain(&self.page.flights).filter_map(|flight| flight.body.as_deref());
        for body in orphans.filter(|body| body.contains(session)) {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            self.excused.insert(body["message_id"].as_str().unwrap().into());
        }
    }

    /// A request reaches the server, or doesn't.
    fn arrive(&mut self) {
        let from_page = self.orphans.is_empty() || self.dice.roll(3) > 0;
        let from = if from_page { &mut self.page.flights } else { &mut self.orphans };
        if from.is_empty() {
            return;
        }
        let flight = from.remove(self.dice.roll(from.len()));
        let luck = self.dice.roll(10);
        if luck == 0 {
            if from_page {
                self.page.feed(Event::Unreachable { token: flight.token });
            }
            return;
        }
        let flight = Flight { token: if from_page { flight.token } else { 0 }, ..flight };
        let responder = match luck {
            1 => Responder::Fails,
            2..5 => Responder::TakesItsTime,
            _ => Responder::Answers,
        };
        let answer = self.server.take(flight.method, &flight.path, flight.body.as_deref(), responder);
        self.seen.push(match answer {
            None => Progress::Running(flight),
            Some(answer) => Progress::Answered(flight, answer),
        });
    }

    /// A responder finishes, or an answer reaches the page, or gets lost.
    fn progress(&mut self) {
        if self.seen.is_empty() {
            return;
        }
        match self.seen.remove(self.dice.roll(self.seen.len())) {
            Progress::Running(flight) => {
                let answer = self.server.finish(flight.body.as_deref().unwrap());
                self.seen.push(Progress::Answered(flight, answer));
            }
            Progress::Answered(flight, _) if flight.token == 0 => {}
            Progress::Answered(flight, _) if self.dice.roll(8) == 0 => {
                self.page.feed(Event::Unreachable { token: flight.token });
            }
            Progress::Answered(flight, answer) => self.page.answer(flight.token, answer),
        }
    }

    fn on_server(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in self.server.sessions.values().flat_map(|session| &session.messages) {
            *counts.entry(message.id.as_str().to_owned()).or_default() += 1;
        }
        counts
    }

    fn check(&self) {
        let view = self.page.view();
        let ids: BTreeSet<&MessageId> = view.messages.iter().map(|message| message.id).collect();
        assert_eq!(ids.len(), view.messages.len(), "a message is shown twice");
        let sessions: BTreeSet<&SessionId> = view.sessions.iter().map(|session| session.id).collect();
        assert_eq!(sessions.len(), view.sessions.len(), "a session is listed twice");
        assert!(view.session_count >= view.sessions.len() as u64);
        assert!(!view.messages.is_empty() || !view.sending);
        let stored = self.page.stored();
        for message in &view.messages {
            assert_eq!(message.status == Status::Failed, message.problem.is_some());
            assert_eq!(message.status != Status::Stored, stored.contains(message.id.as_str()), "{}", message.id);
        }
        let on_server = self.on_server();
        assert!(on_server.values().all(|count| *count == 1), "a message is stored twice");
        for id in &self.sent {
            let safe = on_server.contains_key(id) || stored.contains(id) || self.excused.contains(id);
            assert!(safe, "message {id} is nowhere (seed {})", self.seed);
        }
        assert_eq!(self.page.storage.is_none(), view.session_id.is_none() && stored.is_empty());
    }

    /// Everything that is on its way gets through, and the user retries what failed, wherever it is.
    fn heal(&mut self) {
        self.page.go(true);
        for _ in 0..100 {
            while let Some(flight) = self.orphans.pop() {
                self.server.take(flight.method, &flight.path, flight.body.as_deref(), Responder::Answers);
            }
            while !self.seen.is_empty() {
                self.progress();
            }
            self.page.settle(&mut self.server);
            let Some((session, ids)) = self.page.stored_tracks().into_iter().find(|(_, ids)| !ids.is_empty()) else {
                return;
            };
            if self.page.session().as_deref() != Some(&session) {
                self.page.open(&session);
                self.page.settle(&mut self.server);
            }
            // Opening may have found the reply, which leaves nothing to retry.
            if self.page.stored().contains(&ids[0]) {
                self.page.retry(&ids[0]);
            }
            self.check();
        }
        panic!("it never comes to rest: {:?}", self.page.storage);
    }

    fn check_healed(&mut self) {
        assert!(self.page.waiting.is_empty(), "a caller waits for ever");
        let on_server = self.on_server();
        for id in self.sent.difference(&self.excused) {
            assert!(on_server.contains_key(id), "message {id} is not on the server");
            assert!(on_server.contains_key(&format!("r-{id}")), "message {id} has no reply");
        }
        self.page.list();
        self.page.settle(&mut self.server);
        let listed: BTreeSet<SessionId> = self.page.view().sessions.iter().map(|session| session.id.clone()).collect();
        assert_eq!(listed, self.server.sessions.keys().cloned().collect());
        assert_eq!(self.page.view().session_count, listed.len() as u64);
        for session in listed {
            self.page.open(session.as_str());
            self.page.settle(&mut self.server);
            while self.page.view().has_older {
                self.page.history(true);
                self.page.settle(&mut self.server);
            }
            let shown: Vec<MessageId> = self.page.view().messages.iter().map(|message| message.id.clone()).collect();
            let stored: Vec<MessageId> =
                self.server.sessions[&session].messages.iter().map(|message| message.id.clone()).collect();
            assert_eq!(shown, stored, "seed {}", self.seed);
        }
    }
}

#[test]
fn nothing_said_is_lost_or_doubled() {
    for seed in (0..120).chain([1001]) {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
        }
        world.heal();
        world.check_healed();
    }
}
