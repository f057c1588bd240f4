//! The machine of a store: it sends calls to Redis, and while Redis can't be reached, goes on in memory with a journal that
//! it replays in order afterwards.
//!
//! It knows no clock and no I/O. Every method returns its whole list of effects.

mod attendance;
mod outage;

use super::event::{Answer, Effect, Ticket, Token};
use super::job::{Job, Next, Request};
use super::journal::Journal;
use super::knowledge::Knowledge;
use super::link::Link;
use super::log::{Level, Line};
use super::operation::{Asked, Told};
use super::settings::{Connection, Settings};
use crate::error::{Code, Problem, StoreError};
use crate::intake::Fresh;
use crate::redis::{Call, Keys, Reply, reply};
use crate::seal::{Cipher, Seal};
use crate::time::Millis;
use std::collections::BTreeMap;

/// How long the first try and its repetition may take, each, and how much more for every 256 KiB that are sent: as in the
/// Worker. Until Redis has answered once there is one try, for it has a connection to open.
const TRIES: [Millis; 2] = [Millis(300), Millis(200)];
const FIRST_CONTACT: Millis = Millis(2000);
const PER_256_KIB: u64 = 100;

/// With at most so many changes left to replay, calls wait until Redis has them all, and with more they go on in memory.
const WAITED_FOR: usize = 64;

/// Somebody's call, and what is asked for it now.
#[derive(Debug)]
struct Work {
    ticket: Ticket,
    job: Job,
    asked: Asked,
}

/// What a call to Redis is for.
#[derive(Debug)]
enum Purpose {
    Work(Box<Work>),
    /// A change of the journal, by its number.
    Replay(u64),
    Probe,
    Health(Ticket),
    /// Whether it is there, before anything is asked.
    Open(Ticket),
    Note,
}

/// A call under way.
#[derive(Debug)]
struct Sent {
    purpose: Purpose,
    call: Call,
    with_source: bool,
    /// How many tries there were before.
    tries: usize,
    at: Millis,
}

/// What waits for the end of a replay.
#[derive(Debug)]
enum Held {
    Work(Box<Work>),
    Close(Ticket),
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    /// What seals texts before anything is asked, and opens them before anybody hears of them. All in between has them sealed: the calls,
    /// what is known, the journal.
    cipher: Option<Box<dyn Cipher>>,
    keys: Keys,
    knowledge: Knowledge,
    journal: Journal,
    link: Link,
    under_way: BTreeMap<Token, Sent>,
    held: Vec<Held>,
    last_token: Token,
    /// Redis has answered before.
    met: bool,
    /// When the owner was last noted in the directory.
    noted: Option<Millis>,
    /// What a replay did so far.
    replayed: usize,
    dropped: usize,
    /// Redis is there, and refuses us: nobody's call is to hide that.
    refused: Option<Problem>,
    effects: Vec<Effect>,
}

impl Machine {
    /// A machine, and what to do at its start. The cipher is one with the keys of the settings.
    #[must_use]
    pub fn new(settings: Settings, cipher: Option<Box<dyn Cipher>>) -> (Self, Vec<Effect>) {
        let keys = Keys::new(&settings.namespace.prefix, &settings.owner);
        let mut machine = Self {
            settings,
            cipher,
            keys,
            knowledge: Knowledge::default(),
            journal: Journal::default(),
            link: Link::Up,
            under_way: BTreeMap::new(),
            held: Vec::new(),
            last_token: 0,
            met: false,
            noted: None,
            replayed: 0,
            dropped: 0,
            refused: None,
            effects: Vec::new(),
        };
        let place = match &machine.settings.connection {
            Connection::Rest(upstash) => upstash.url.clone(),
            Connection::Tcp(address) => address.to_string(),
            Connection::Memory => "memory".to_owned(),
        };
        let line = Line::new(Level::Info, "store_started", "the session store is open")
            .with("redis_url", place)
            .with("default_ttl", machine.ttl().0 / 1000)
            .with("key_prefix", machine.settings.namespace.prefix.clone());
        machine.log(line);
        let effects = std::mem::take(&mut machine.effects);
        (machine, effects)
    }

    /// Where sessions are kept.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.settings.connection
    }

    /// Somebody calls a method.
    pub fn call(&mut self, ticket: Ticket, request: Request, fresh: Fresh) -> Vec<Effect> {
        let now = fresh.now;
        if self.journal.name.is_empty() {
            self.journal.name = format!("{:032x}", fresh.attempt);
        }
        match request.method {
            "initialize" => self.open(ticket, now),
            "health" => self.health(ticket, now),
            "close" => self.close(ticket, now),
            _ => match Job::begin(
                request,
                &self.settings.namespace.limits,
                self.cipher.is_some(),
                self.settings.normalizer,
                fresh,
            )
            .and_then(|(job, asked)| Ok((job, self.sealed(asked)?)))
            {
                Ok((job, asked)) => self.run(Work { ticket, job, asked }, now),
                Err(problem) => self.fail(ticket, &problem),
            },
        }
        std::mem::take(&mut self.effects)
    }

    /// A call to Redis came to something.
    pub fn answered(&mut self, token: Token, answer: Answer, now: Millis) -> Vec<Effect> {
        if let Some(sent) = self.under_way.remove(&token) {
            match answer {
                Answer::Lost(_) if self.met && sent.tries + 1 < TRIES.len() => {
                    let tries = sent.tries + 1;
                    self.send(Sent { tries, ..sent }, now);
                }
                Answer::Lost(outage) => self.failed(sent, StoreError::Unavailable(outage), now),
                Answer::Body { status, text } => match reply::read(status, &text) {
                    reply::Answer::ScriptUnknown if !sent.with_source => {
                        self.send(Sent { with_source: true, tries: 0, ..sent }, now);
                    }
                    reply::Answer::ScriptUnknown => self.failed(sent, StoreError::UnexpectedReply, now),
                    reply::Answer::Failed(error) => self.failed(sent, error, now),
                    reply::Answer::Reply(reply) => self.replied(sent, reply, now),
                },
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// A while is over.
    pub fn woke(&mut self, now: Millis) -> Vec<Effect> {
        if self.link.may_try(now) {
            self.replay(now);
        } else {
            // Timers and clocks don't agree to the millisecond.
            self.wake(now);
        }
        std::mem::take(&mut self.effects)
    }

    /// Runs a call on Redis, in memory, or later.
    fn run(&mut self, work: Work, now: Millis) {
        if !self.has_redis() {
            return self.run_here(work, now);
        }
        // Before the first contact a try may take long: who needn't see it through, doesn't wait for it.
        let waits = self.journal.len() <= WAITED_FOR && (self.met || !self.settings.background);
        match self.link {
            Link::Up => self.ask(work, now),
            _ if self.link.may_try(now) => {
                // The call that finds the time come sees the replay through, so that it happens inside a call on the edge.
                if waits {
                    self.held.push(Held::Work(Box::new(work)))
                } else {
                    self.run_here(work, now)
                }
                self.replay(now);
            }
            Link::Replaying { .. } if waits && self.settings.background => {
                self.held.push(Held::Work(Box::new(work)));
            }
            _ => match self.refused.clone() {
                Some(problem) => self.fail(work.ticket, &problem),
                None => self.run_here(work, now),
            },
        }
    }

    /// Asks Redis.
    fn ask(&mut self, work: Work, now: Millis) {
        if work.asked.writes() {
            self.note_owner(now);
        }
        let call = work.asked.call(&self.keys);
        self.send(Sent { purpose: Purpose::Work(Box::new(work)), call, with_source: false, tries: 0, at: now }, now);
    }

    /// Runs a call in memory, to its end. What it changes goes into the journal, where there is a Redis to tell it later.
    fn run_here(&mut self, mut work: Work, now: Millis) {
        loop {
            if self.has_redis()
                && let Err(problem) = self.can_run_here(&work.asked, now)
            {
                return self.fail(work.ticket, &problem);
            }
            let told = self.knowledge.apply(&work.asked, now);
            if self.has_redis() && work.asked.writes() && (told.is_done() || is_blind(&work.asked)) {
                self.journal.add(&work.asked);
            }
            self.log_event(&work.asked, &told);
            match self.next(&mut work, told, now) {
                Ok(Next::Ask(asked)) => work.asked = *asked,
                Ok(Next::Done(json)) => return self.effects.push(Effect::Done { ticket: work.ticket, json }),
                Err(problem) => return self.fail(work.ticket, &problem),
            }
        }
    }

    /// How a call goes on.
    fn next(&self, work: &mut Work, mut told: Told, now: Millis) -> Result<Next, Problem> {
        let seal = self.seal();
        let opened = work.asked.told(&mut told, &mut |kind, session, text| seal.open(kind, session, text));
        opened.map_err(StoreError::from)?;
        Ok(match work.job.next(told, now)? {
            Next::Ask(asked) => Next::ask(self.sealed(*asked)?),
            done => done,
        })
    }

    /// What is asked, with its texts sealed.
    fn sealed(&self, mut asked: Asked) -> Result<Asked, Problem> {
        let seal = self.seal();
        if seal.is_on() {
            asked.texts(&mut |kind, session, text| seal.close(kind, session, text)).map_err(StoreError::from)?;
        }
        Ok(asked)
    }

    fn seal(&self) -> Seal<'_> {
        let Settings { namespace, owner, .. } = &self.settings;
        Seal { cipher: self.cipher.as_deref(), prefix: &namespace.prefix, owner }
    }

    /// Whether an operation can run on what is known: not one that needs what only Redis knows.
    fn can_run_here(&mut self, asked: &Asked, now: Millis) -> Result<(), Problem> {
        let unavailable = |detail: &str| Problem::new(Code::StoreUnavailable).detail(detail.to_owned()).retry_after(1);
        if asked.writes() && !self.journal.has_room(asked) {
            return Err(unavailable("store: the journal of this outage is full"));
        }
        let mut knows = |wanted: &[&crate::SessionId]| wanted.iter().all(|id| self.knowledge.has(id, now));
        let known = match asked {
            Asked::Append(append) => !append.existing || knows(&[&append.session]),
            Asked::WriteState(write) => {
                use crate::plan::Condition::{Any, Match, None, Present};
                matches!(write.condition, Any | None) || {
                    debug_assert!(matches!(write.condition, Match(_) | Present));
                    knows(&[&write.session])
                }
            }
            Asked::Info(_) | Asked::Patch(_) | Asked::ReadHistory(_) | Asked::Restore(_) => knows(&asked.sessions()),
            Asked::Fork(fork) => self.knowledge.has_whole(&fork.source),
            // A branch that is sealed anew is a matter of many calls.
            Asked::Import(_) => false,
            Asked::Truncate(truncate) => self.knowledge.has_whole(&truncate.session),
            _ => true,
        };
        if known { Ok(()) } else { Err(unavailable("store: Redis can't be reached, and only it knows this session")) }
    }

    fn send(&mut self, sent: Sent, now: Millis) {
        self.last_token = self.last_token.wrapping_add(1);
        let token = self.last_token;
        let (call, with_source) = (sent.call.clone(), sent.with_source);
        let limit = Millis(self.limit(sent.tries).0 + sent.call.bytes() / (256 * 1024) * PER_256_KIB);
        self.under_way.insert(token, Sent { at: now, ..sent });
        self.effects.push(Effect::Send { token, call, with_source, limit });
    }

    fn limit(&self, tries: usize) -> Millis {
        if self.met { TRIES.get(tries).copied().unwrap_or(Millis(500)) } else { FIRST_CONTACT }
    }

    /// Redis answered a call.
    fn replied(&mut self, sent: Sent, reply: Reply, now: Millis) {
        self.met = true;
        match sent.purpose {
            Purpose::Work(work) => match work.asked.decode(reply) {
                Ok(told) => self.told(*work, told, now),
                Err(unexpected) => self.fail(work.ticket, &StoreError::from(unexpected).into()),
            },
            Purpose::Replay(number) => {
                // The answer to a try that was given up comes late: the journal is further already.
                if self.journal.begins_at(number) {
                    self.replayed(reply, now);
                }
            }
            Purpose::Probe if self.link.was_probed() => self.replay_next(now),
            Purpose::Probe => {}
            Purpose::Health(ticket) => {
                self.tell_health(ticket, Ok(now.since(sent.at)));
                if self.link.is_down() {
                    self.replay(now);
                }
            }
            Purpose::Open(ticket) => self.finish(ticket),
            Purpose::Note => {}
        }
    }

    /// Somebody's operation came to something in Redis.
    fn told(&mut self, mut work: Work, told: Told, now: Millis) {
        let (ttl, journal) = (self.ttl(), &self.journal);
        if self.settings.fallback {
            self.knowledge.learn(&work.asked, &told, now, ttl, |id| journal.changes(id));
        }
        self.log_event(&work.asked, &told);
        match self.next(&mut work, told, now) {
            Ok(Next::Ask(asked)) => {
                work.asked = *asked;
                self.run(work, now);
            }
            Ok(Next::Done(json)) => self.effects.push(Effect::Done { ticket: work.ticket, json }),
            Err(problem) => self.fail(work.ticket, &problem),
        }
    }

    /// Redis didn't do what a call asked for.
    fn failed(&mut self, sent: Sent, error: StoreError, now: Millis) {
        let outage = if let StoreError::Unavailable(outage) = error { Some(outage) } else { None };
        match (sent.purpose, outage) {
            (Purpose::Work(work), Some(outage)) if self.settings.fallback => {
                self.cut(outage, now);
                self.run_here(*work, now);
            }
            (Purpose::Work(work), _) => self.fail(work.ticket, &error.into()),
            (Purpose::Replay(_) | Purpose::Probe, Some(outage)) => {
                self.cut(outage, now);
                self.release(now);
            }
            (Purpose::Replay(number), None) if !matches!(error, StoreError::Misconfigured(_)) => {
                // It will not be taken at any other time either.
                if self.journal.begins_at(number) {
                    self.drop_first(error.cause(), now);
                }
            }
            (Purpose::Replay(_) | Purpose::Probe, None) => {
                self.link.fail(now);
                self.link.name_cause(error.cause());
                self.wake(now);
                self.refused = Some(error.into());
                self.release(now);
            }
            (Purpose::Open(ticket), Some(outage)) if self.settings.fallback => {
                self.cut(outage, now);
                self.finish(ticket);
            }
            (Purpose::Open(ticket), _) => self.fail(ticket, &error.into()),
            (Purpose::Health(ticket), _) => self.tell_health(ticket, Err(error)),
            (Purpose::Note, Some(_)) => self.noted = None,
            (Purpose::Note, None) => {}
        }
    }

    fn finish(&mut self, ticket: Ticket) {
        self.effects.push(Effect::Done { ticket, json: "null".to_owned() });
    }

    fn fail(&mut self, ticket: Ticket, problem: &Problem) {
        let json = serde_json::to_string(&problem.body()).unwrap_or_default();
        self.effects.push(Effect::Failed { ticket, json });
    }

    fn log(&mut self, line: Line) {
        if line.level >= self.settings.log_level {
            self.effects.push(Effect::Log(line));
        }
    }

    /// Tells of what came to be, or was read.
    fn log_event(&mut self, asked: &Asked, told: &Told) {
        if self.settings.log_level <= Level::Info
            && let Some(line) = told.line(asked)
        {
            self.log(line);
        }
    }

    fn has_redis(&self) -> bool {
        self.settings.connection != Connection::Memory
    }

    fn ttl(&self) -> Millis {
        self.settings.namespace.limits.ttl
    }
}

/// Whether an operation goes into the journal even where nothing is known of its session: Redis may know it.
fn is_blind(asked: &Asked) -> bool {
    matches!(asked, Asked::Delete(_) | Asked::Touch(_))
}
