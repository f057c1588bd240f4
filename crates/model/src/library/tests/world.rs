//! A machine with a clock that stands still, calls that wait for the test to answer them, and callers that are heard.

use crate::error::Outage;
use crate::intake::Fresh;
use crate::library::{Answer, Effect, Machine, Request, Settings, Token};
use crate::redis::{Call, script};
use crate::time::Millis;

/// A call that waits for its answer.
pub(super) struct Waiting {
    pub(super) token: Token,
    pub(super) name: String,
    limit: Millis,
}

pub(super) struct World {
    machine: Machine,
    now: Millis,
    minted: u128,
    pub(super) sent: Vec<Waiting>,
    pub(super) logged: Vec<&'static str>,
    pub(super) wakes: Vec<Millis>,
}

/// What the last caller got: an answer's JSON, or a problem's code.
type Told = Option<Result<String, String>>;

impl World {
    /// A store on a Redis, unless the options say otherwise.
    pub(super) fn new(options: &str) -> Self {
        let redis = |name: &str| (name == "REDIS_URL").then(|| "redis://h".to_owned());
        let options = if options == "{}" { r#"{"background":true}"# } else { options };
        let settings = Settings::read(options, redis).unwrap();
        let (machine, _) = Machine::new(settings, None);
        let now = Millis(1_795_253_200_000);
        Self { machine, now, minted: 0, sent: Vec::new(), logged: Vec::new(), wakes: Vec::new() }
    }

    /// A store whose Redis has answered before, and then no more.
    pub(super) fn down() -> Self {
        Self::down_with("{}")
    }

    pub(super) fn down_with(options: &str) -> Self {
        let mut world = Self::new(options);
        world.meet();
        assert_eq!(world.call("get", "nothing", ""), None);
        assert_eq!(world.answer("read_state", Answer::Lost(Outage::Network)), None);
        assert_eq!(world.answer("read_state", Answer::Lost(Outage::Network)), Some(Ok("null".into())));
        world
    }

    /// Redis answers for the first time, and the owner is noted.
    pub(super) fn meet(&mut self) {
        self.call("refreshTTL", "met", "");
        self.answer("note_owner", self.reply("1"));
        self.answer("touch", self.reply_absent());
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.now = self.now.after(Millis(milliseconds));
    }

    pub(super) fn call(&mut self, method: &str, id: &str, body: &str) -> Told {
        self.minted += 1;
        let (now, minted) = (self.now, self.minted);
        let fresh = Fresh { now, session: minted, message: minted, attempt: minted, seal: minted };
        let effects = self.machine.call(1, Request { method, id, body, options: "{}" }, fresh);
        self.carry_out(effects)
    }

    /// Answers the oldest call of a name.
    pub(super) fn answer(&mut self, name: &str, answer: Answer) -> Told {
        let token = self.sent.iter().find(|sent| sent.name.starts_with(name)).map(|sent| sent.token);
        let names = self.names();
        self.answer_token(token.unwrap_or_else(|| panic!("{name} was not sent, but {names:?}")), answer)
    }

    pub(super) fn answer_token(&mut self, token: Token, answer: Answer) -> Told {
        self.sent.retain(|sent| sent.token != token);
        let effects = self.machine.answered(token, answer, self.now);
        self.carry_out(effects)
    }

    pub(super) fn woke(&mut self) -> Told {
        let effects = self.machine.woke(self.now);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Told {
        let mut told = None;
        for effect in effects {
            match effect {
                Effect::Send { token, call, with_source, limit } => {
                    let source = if with_source { " with source" } else { "" };
                    self.sent.push(Waiting { token, name: name(&call) + source, limit });
                }
                Effect::Done { json, .. } => told = Some(Ok(json)),
                Effect::Failed { json, .. } => {
                    let problem: serde_json::Value = serde_json::from_str(&json).unwrap();
                    told = Some(Err(problem["code"].as_str().unwrap().to_owned()));
                }
                Effect::Wake { after } => self.wakes.push(after),
                Effect::Log(line) => self.logged.push(line.event),
            }
        }
        told
    }

    /// The calls that wait.
    pub(super) fn names(&self) -> Vec<&str> {
        self.sent.iter().map(|sent| sent.name.as_str()).collect()
    }

    /// How long they may.
    pub(super) fn limits(&self) -> Vec<Millis> {
        let of_calls = self.sent.iter().filter(|sent| sent.name != "note_owner");
        of_calls.map(|sent| sent.limit).collect()
    }

    /// How many changes Redis doesn't know yet.
    pub(super) fn journaled(&mut self) -> u64 {
        self.call("health", "", "");
        let Some(Ok(json)) = self.answer("PING", Answer::Lost(Outage::Network)) else { panic!("no health") };
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["journaled"].as_u64().unwrap()
    }

    pub(super) fn reply(&self, json: &str) -> Answer {
        Answer::Body { status: 200, text: format!(r#"{{"result":{json}}}"#) }
    }

    pub(super) fn reply_absent(&self) -> Answer {
        self.reply(r#"["absent"]"#)
    }

    pub(super) fn reply_written(&self, title: &str) -> Answer {
        let now = self.now.0;
        self.reply(&format!(r#"["written","{title}",{now},{now},{},0,0,0,0,1,"-",1,1]"#, now + 3_600_000))
    }
}

fn name(call: &Call) -> String {
    match call {
        Call::Command(words) => words[0].clone(),
        Call::Source { .. } => "journaled".to_owned(),
        Call::Script { script, .. } => {
            let (file, _) = script::ALL.iter().find(|(_, known)| known == script).unwrap();
            file.trim_end_matches(".lua").to_owned()
        }
    }
}
