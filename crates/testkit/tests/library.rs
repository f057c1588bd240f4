//! The store machine of `chatkeep/server` on a real Redis behind a network that loses, delays and goes away: two processes
//! on the same sessions, random calls, a simulated clock. What was acknowledged is there once, in its process' order.

use chatkeep_model::error::Outage;
use chatkeep_model::intake::Fresh;
use chatkeep_model::library::{Answer, Effect, Machine, Request, Settings, Token};
use chatkeep_model::redis::{Call, Reply};
use chatkeep_model::{Millis, Owner, SessionId};
use chatkeep_testkit::random::Random;
use chatkeep_testkit::{RedisExecutor, RedisServer, SimulatedClock};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SESSIONS: [&str; 3] = ["s0", "s1", "s2"];

/// What became of a caller.
type Told = Result<Value, String>;

struct Process {
    machine: Machine,
    name: char,
    sent: Vec<(Token, Call)>,
    told: Option<Told>,
    said: u64,
    /// The texts that were acknowledged, by session, in order.
    acknowledged: BTreeMap<&'static str, Vec<String>>,
}

struct World {
    redis: RedisExecutor,
    random: Random,
    clock: SimulatedClock,
    processes: Vec<Process>,
    /// Redis can't be reached.
    away: bool,
    /// Calls whose sender has given up, and that Redis has not seen yet.
    stragglers: Vec<Call>,
    minted: u128,
    replays: u64,
}

fn json_of(reply: &Reply) -> Value {
    match reply {
        Reply::Nil => Value::Null,
        Reply::Integer(number) => json!(number),
        Reply::Text(text) => json!(text),
        Reply::Array(items) => items.iter().map(json_of).collect(),
    }
}

impl World {
    fn new(redis: RedisExecutor, seed: u64) -> Self {
        let processes = ['a', 'b'].map(|name| {
            let options = r#"{"url":"redis://h","background":true,"logLevel":"info"}"#;
            let (machine, _) = Machine::new(Settings::read(options, |_| None).unwrap(), None);
            Process { machine, name, sent: Vec::new(), told: None, said: 0, acknowledged: BTreeMap::new() }
        });
        Self {
            redis,
            random: Random::new(seed),
            clock: SimulatedClock::default(),
            processes: processes.into(),
            away: false,
            stragglers: Vec::new(),
            minted: u128::from(seed) << 64,
            replays: 0,
        }
    }

    fn fresh(&mut self) -> Fresh {
        self.minted += 1;
        let minted = self.minted;
        Fresh { now: self.clock.now(), session: minted, message: minted, attempt: minted, seal: minted }
    }

    fn take(&mut self, at: usize, effects: Vec<Effect>) {
        let process = &mut self.processes[at];
        for effect in effects {
            match effect {
                Effect::Send { token, call, .. } => {
                    self.replays += u64::from(matches!(call, Call::Source { .. }));
                    process.sent.push((token, call));
                }
                Effect::Done { json, .. } => process.told = Some(Ok(serde_json::from_str(&json).unwrap())),
                Effect::Failed { json, .. } => process.told = Some(Err(json)),
                Effect::Wake { .. } => {}
                Effect::Log(line) => assert_ne!(line.event, "change_refused", "{line:?}"),
            }
        }
    }

    /// The network does something with one call of a process.
    fn deliver(&mut self, at: usize) {
        let count = self.processes[at].sent.len() as u64;
        let (token, call) = self.processes[at].sent.remove(self.random.within(0..count) as usize);
        let lost = Answer::Lost(if self.random.percent(50) { Outage::Network } else { Outage::Timeout });
        let answer = match self.random.within(0..100) {
            _ if self.away => {
                if self.random.percent(20) {
                    self.stragglers.push(call);
                }
                lost
            }
            // Lost on its way there; on its way back; late.
            0..=7 => lost,
            8..=15 => {
                self.redis.answer(&call).unwrap();
                lost
            }
            16..=20 => {
                self.stragglers.push(call);
                lost
            }
            _ => {
                let reply = self.redis.answer(&call).unwrap();
                Answer::Body { status: 200, text: json!({ "result": json_of(&reply) }).to_string() }
            }
        };
        let now = self.clock.now();
        let effects = self.processes[at].machine.answered(token, answer, now);
        self.take(at, effects);
    }

    /// Calls a method and lets the world go on until it is answered.
    fn call(&mut self, at: usize, method: &str, id: &str, body: &str) -> Told {
        let fresh = self.fresh();
        let request = Request { method, id, body, options: "{}" };
        let effects = self.processes[at].machine.call(1, request, fresh);
        self.take(at, effects);
        loop {
            if let Some(told) = self.processes[at].told.take() {
                return told;
            }
            self.go_on();
        }
    }

    /// Something happens that nobody calls for.
    fn go_on(&mut self) {
        self.clock.advance(Millis(self.random.within(0..200)));
        if self.random.percent(3) {
            self.away = !self.away;
        }
        if !self.away && !self.stragglers.is_empty() && self.random.percent(20) {
            let late = self.random.within(0..self.stragglers.len() as u64) as usize;
            let call = self.stragglers.remove(late);
            self.redis.answer(&call).unwrap();
        }
        let at = self.random.within(0..self.processes.len() as u64) as usize;
        if self.processes[at].sent.is_empty() {
            let now = self.clock.now();
            let effects = self.processes[at].machine.woke(now);
            self.take(at, effects);
        } else {
            self.deliver(at);
        }
    }

    fn play(&mut self, steps: u64) {
        for _ in 0..steps {
            let at = self.random.within(0..2) as usize;
            let id = self.random.pick(&SESSIONS);
            match self.random.within(0..10) {
                0..=5 => {
                    let process = &mut self.processes[at];
                    process.said += 1;
                    let text = format!("{}{}", process.name, process.said);
                    let body = json!({ "role": "user", "content": text }).to_string();
                    if self.call(at, "addMessage", id, &body).is_ok() {
                        self.processes[at].acknowledged.entry(id).or_default().push(text);
                    }
                }
                6 => drop(self.call(at, "set", id, "{}")),
                7 => drop(self.call(at, "patch", id, r#"{"title":"t"}"#)),
                8 => drop(self.call(at, "list", "", "")),
                _ => drop(self.call(at, "get", id, "")),
            }
            self.go_on();
        }
    }

    /// The network comes back for good, and everything settles.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.away = false;
            if self.processes.iter().all(|process| process.sent.is_empty())
                && self.stragglers.is_empty()
                && (0..2).all(|at| self.is_up(at))
            {
                return;
            }
            self.clock.advance(Millis(500));
            for at in 0..2 {
                let now = self.clock.now();
                let effects = self.processes[at].machine.woke(now);
                self.take(at, effects);
                while !self.processes[at].sent.is_empty() {
                    self.away = false;
                    self.deliver(at);
                }
            }
            while let Some(call) = self.stragglers.pop() {
                self.redis.answer(&call).unwrap();
            }
        }
        panic!("it never settles");
    }

    fn is_up(&mut self, at: usize) -> bool {
        let health = self.call(at, "health", "", "").unwrap();
        self.away = false;
        health["journaled"] == 0 && health["usingFallback"] == false
    }

    /// What Redis has of a session, oldest first.
    fn stored(&mut self, id: &str) -> Vec<String> {
        let key = self.redis.keys(&Owner::app()).session(&SessionId::parse(id).unwrap());
        let fields = self.redis.fields(&key);
        let mut messages: Vec<(u64, String)> = fields
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix("m:")?.parse().ok()?, text)))
            .map(|(place, text)| {
                let message: Value = serde_json::from_str(text).unwrap();
                (place, message["content"].as_str().unwrap().to_owned())
            })
            .collect();
        messages.sort_unstable();
        messages.into_iter().map(|(_, text)| text).collect()
    }
}

#[test]
fn what_was_acknowledged_is_there_once_and_in_order() {
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    let (mut said, mut replays) = (0, 0);
    for seed in 0..60 {
        let mut redis = server.executor();
        redis.flush();
        let mut world = World::new(redis, seed);
        world.play(60);
        world.settle();
        for id in SESSIONS {
            let stored = world.stored(id);
            for process in &world.processes {
                let own: Vec<_> = stored.iter().filter(|text| text.starts_with(process.name)).cloned().collect();
                let acknowledged = process.acknowledged.get(id).cloned().unwrap_or_default();
                assert_eq!(own, acknowledged, "seed {seed}, session {id}, process {}", process.name);
                said += own.len();
            }
        }
        replays += world.replays;
    }
    println!("{said} messages, {replays} replays sent");
    assert!(said > 500 && replays > 100, "{said} messages and {replays} replays prove little");
}
