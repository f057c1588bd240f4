//! Plays a sequence on both stores and compares all that can be seen after every step.

use crate::both::{Both, Disagreement};
use crate::step::{BeginTwist, FinishTwist, Step};
use crate::write::{Written, cut_after, fingerprint, user, write};
use chatkeep_model::auth::By;
use chatkeep_model::claim::{self, Transit};
use chatkeep_model::fingerprint::RequestKind;
use chatkeep_model::plan::TurnMode;
use chatkeep_model::plan::{
    Anew, BeginTurn, Begun, Create, Delete, Field, FinishTurn, Info, ReadHistory, ReadList, ReadState, ReadSummary,
    ReleaseTurn, RenewTurn, Reseal, Survey, Tag, Weigh,
};
use chatkeep_model::rate::{Charge, Rate, Rates};
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, Operation, SessionId};
use chatkeep_testkit::RedisExecutor;
use chatkeep_testkit::conformance::world::{World, message_id, session_id, turn_id};
use std::collections::BTreeMap;
use std::fmt;

/// Where a sequence fails.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The number of the step.
    pub(crate) at: usize,
    disagreement: Disagreement,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after step {}: {}", self.at, self.disagreement)
    }
}

/// Plays a sequence.
pub(crate) fn play(redis: &mut RedisExecutor, steps: &[Step], seen: &mut BTreeMap<String, u64>) -> Result<(), Failure> {
    let world = World::new(Both::new(redis, seen), "sequence");
    let mut game = Game { world, begun: Vec::new(), sent: Vec::new(), bursts: 0, turns: None };
    for (at, step) in steps.iter().enumerate() {
        let played = game.step(step).and_then(|()| game.compare_all());
        played.map_err(|disagreement| Failure { at, disagreement })?;
    }
    Ok(())
}

struct Game<'a> {
    world: World<Both<'a>>,
    /// The begins that started a turn.
    begun: Vec<(BeginTurn, Begun)>,
    /// The writes that were sent.
    sent: Vec<Sent>,
    bursts: u64,
    /// The turns of a minute.
    turns: Option<u64>,
}

#[derive(Clone)]
enum Sent {
    Begin(BeginTurn),
    Finish(FinishTurn),
    Release(ReleaseTurn),
    Renew(RenewTurn),
    Create(Create),
    Delete(Delete),
    Write(Written),
    /// A step of a session's way, and whether it goes back.
    Carry(claim::Step, bool),
}

/// The two owners between whom sessions go.
const OWNERS: [&str; 2] = ["sequence", "another"];

/// The `which`-th of the latest.
fn latest<T>(all: &[T], which: u64) -> Option<&T> {
    let back = which as usize % all.len().max(1);
    all.iter().rev().nth(back)
}

fn session_name(session: u64) -> String {
    format!("s{session}")
}

impl Game<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Disagreement> {
        match step {
            Step::Limits {
                ttl,
                undo,
                window,
                messages_per_session,
                session_bytes,
                sessions_per_owner,
                owner_bytes,
                turns,
            } => {
                self.turns = *turns;
                let limits = &mut self.world.limits;
                (limits.ttl, limits.undo, limits.window) = (*ttl, *undo, *window);
                limits.messages_per_session = *messages_per_session;
                limits.session_bytes = *session_bytes;
                limits.sessions_per_owner = *sessions_per_owner;
                limits.owner_bytes = *owner_bytes;
                Ok(())
            }
            Step::Begin { session, turn, attempt, twist } => {
                let begin = self.begin(*session, *turn, *attempt, *twist);
                self.send(Sent::Begin(begin))
            }
            Step::Finish { which, twist } => {
                let Some((begin, begun)) = latest(&self.begun, *which) else { return Ok(()) };
                let finish = twisted_finish(&self.world, begin, begun, *twist);
                self.send(Sent::Finish(finish))
            }
            Step::Release { which, by_another, renews } => {
                let Some((begin, _)) = latest(&self.begun, *which) else { return Ok(()) };
                let attempt = if *by_another { "another".to_owned() } else { begin.attempt.clone() };
                let (session, turn) = (begin.session.clone(), begin.turn.clone());
                let now = self.world.now();
                if *renews {
                    let lease = Millis(120_000);
                    return self.send(Sent::Renew(RenewTurn { session, turn, attempt, now, lease }));
                }
                self.send(Sent::Release(ReleaseTurn { session, turn, attempt, now }))
            }
            Step::Create { session, operation, title } => self.send(Sent::Create(Create {
                session: session_id(&session_name(*session)),
                operation: turn_id(operation),
                fingerprint: fingerprint(RequestKind::Create, title.len() as u64),
                title: (*title).to_owned(),
                flags: Flags { user: user(*session).to_owned(), ..Flags::default() },
                seal: "0123456789abcdef0123456789abcdef".to_owned(),
                now: self.world.now(),
                ttl: self.world.limits.ttl,
                sessions_per_owner: self.world.limits.sessions_per_owner,
                owner_bytes: self.world.limits.owner_bytes,
            })),
            Step::Delete { session, operation } => {
                let (sessions, now) = (vec![session_id(&session_name(*session))], self.world.now());
                // Some of its ids are those of other operations.
                let id =
                    |number: u64| if number.is_multiple_of(2) { format!("o{number}") } else { format!("d{number}") };
                let fingerprint = fingerprint(RequestKind::Delete, operation.unwrap_or_default());
                let operation = operation.map(|number| turn_id(&id(number)));
                self.send(Sent::Delete(Delete { sessions, operation, fingerprint, now, undo: self.world.limits.undo }))
            }
            Step::Write { session, operation, kind, value } => {
                let written = write(&self.world, &session_name(*session), *operation, *kind, *value);
                self.send(Sent::Write(written))
            }
            Step::Reseal { session, value } => {
                let reseal = self.reseal(&session_id(&session_name(*session)), *value);
                self.send(Sent::Write(Written::Reseal(reseal)))
            }
            Step::Repeat { which, late } => self.repeat(*which, *late),
            Step::Carry { session, back, steps } => self.carry(*session, *back, *steps),
            Step::Wait(duration) => {
                self.world.wait(*duration);
                Ok(())
            }
            Step::ReadPage { session, limit, before } => {
                let (session, now) = (session_id(&session_name(*session)), self.world.now());
                self.run(&ReadHistory { session, now, limit: *limit, before: Some(*before) })
            }
            Step::ReadPages { limit } => self.read_pages(*limit),
            Step::Burst { session, turns } => self.burst(*session, *turns),
        }
    }

    fn begin(&self, session: u64, turn: u64, attempt: u64, twist: BeginTwist) -> BeginTurn {
        let turn = format!("t{turn}");
        let text = match twist {
            BeginTwist::OtherText => format!("other text of {turn}"),
            BeginTwist::LongText(bytes) | BeginTwist::LargeText(bytes) => "x".repeat(bytes as usize),
            _ => format!("text of {turn}"),
        };
        let mut begin = self.world.begin(&session_name(session), &turn, &text);
        begin.attempt = format!("a{attempt}");
        begin.charge = self.charge();
        begin.existing = matches!(twist, BeginTwist::Existing);
        if let BeginTwist::CutAfter(value) = twist {
            begin.cut_after = Some(cut_after(value));
        }
        if matches!(twist, BeginTwist::OtherMessageId) {
            begin.message_id = message_id("u-t0");
            begin.message = begin.message.replacen(&format!("u-{turn}"), "u-t0", 1);
        }
        match twist {
            BeginTwist::Edit(other) => {
                let id = format!("u-t{other}");
                begin.message = begin.message.replacen(&format!("u-{turn}"), &id, 1);
                (begin.mode, begin.message_id) = (TurnMode::Edit, message_id(&id));
            }
            BeginTwist::Answer(other) => {
                let prefix = if other % 2 == 0 { "u" } else { "r" };
                begin.message_id = message_id(&format!("{prefix}-t{}", other / 2));
                (begin.mode, begin.message) = (TurnMode::Answer, String::new());
            }
            _ => {}
        }
        begin
    }

    fn send(&mut self, operation: Sent) -> Result<(), Disagreement> {
        self.sent.push(operation.clone());
        match operation {
            Sent::Begin(begin) => {
                let begun = self.world.try_run(&begin)?;
                if matches!(begun, Begun::Started { .. }) {
                    self.begun.push((begin, begun));
                }
                Ok(())
            }
            Sent::Finish(finish) => self.run(&finish),
            Sent::Release(release) => self.run(&release),
            Sent::Renew(renew) => self.run(&renew),
            Sent::Create(create) => self.run(&create),
            Sent::Delete(delete) => self.run(&delete),
            Sent::Write(written) => match written {
                Written::Append(append) => self.run(&append),
                Written::Fork(fork) => self.run(&fork),
                Written::Import(import) => self.run(&import),
                Written::Patch(patch) => self.run(&patch),
                Written::Reseal(reseal) => self.run(&reseal),
                Written::Restore(restore) => self.run(&restore),
                Written::Summarise(summarise) => self.run(&summarise),
                Written::Touch(touch) => self.run(&touch),
                Written::Truncate(truncate) => self.run(&truncate),
                Written::WriteState(write) => self.run(&write),
            },
            Sent::Carry(step, back) => self.carry_step(&step, back, None),
        }
    }

    fn run<O: Operation>(&mut self, operation: &O) -> Result<(), Disagreement> {
        self.world.try_run(operation).map(drop)
    }

    /// Other texts for what a session has, of which it sometimes has not all.
    fn reseal(&mut self, session: &SessionId, value: u64) -> Reseal {
        let (now, ttl, owner) = (self.world.now(), self.world.limits.ttl, self.world.owner().clone());
        let records = self.world.store().reference.records(&owner);
        let mut texts = Vec::new();
        if let Some(kept) = records.sessions().get(session) {
            let mut add = |field, was: &str| {
                let text = was.replacen("tex", "resealed tex", 1).replacen("in short", "ve zkratce", 1);
                let text = if text == was { format!("{was} ") } else { text };
                texts.push(Anew { field, was: was.to_owned(), text });
            };
            add(Field::Title, &kept.session.title);
            add(Field::Metadata, kept.metadata.as_deref().unwrap_or("none"));
            let revision = kept.state.as_ref().map_or(1, |state| state.revision) + value % 5 / 4;
            add(Field::State(Tag { created: kept.session.created, revision }), r#"{"n":9}"#);
            add(Field::Summary, if kept.notes.summary.is_empty() { "none" } else { &kept.notes.summary });
            for (position, message) in kept.messages.iter().filter(|(position, _)| **position % 3 != value % 3) {
                add(Field::Message(position + value % 7 / 6), message);
            }
        }
        Reseal { session: session.clone(), texts, now, ttl }
    }

    /// A repetition as it was sent comes with a time that is past. It is played so only while nothing ran out since: a
    /// store may have forgotten what did, and then rightly answers otherwise.
    fn repeat(&mut self, which: u64, late: bool) -> Result<(), Disagreement> {
        let Some(mut operation) = latest(&self.sent, which).cloned() else { return Ok(()) };
        let (now, owner) = (self.world.now(), self.world.owner().clone());
        let sent_at = operation.now();
        if !late || self.world.store().something_ran_out(&owner, *sent_at, now) {
            *sent_at = now;
        }
        if let Sent::Begin(begin) = &mut operation {
            // Redis forgets a window that is over; a store that doesn't would count on.
            begin.charge = begin.charge.as_ref().and(self.charge());
        }
        self.send(operation)
    }

    fn carry(&mut self, session: u64, back: bool, steps: u64) -> Result<(), Disagreement> {
        let (limits, now) = (&self.world.limits, self.world.now());
        let (ttl, undo, from) = (limits.ttl, limits.undo, self.world.owner().clone());
        let mut transit = Transit::new(session_id(&session_name(session)), &from, now, ttl, undo, "5ea1".repeat(8));
        for _ in 0..steps {
            let step = transit.next();
            if matches!(step, claim::Step::Over(_)) {
                break;
            }
            self.sent.push(Sent::Carry(step.clone(), back));
            self.carry_step(&step, back, Some(&mut transit))?;
        }
        Ok(())
    }

    /// Takes a step at the owner whose it is, and tells what came of it.
    fn carry_step(&mut self, step: &claim::Step, back: bool, told: Option<&mut Transit>) -> Result<(), Disagreement> {
        let [from, to] = if back { [OWNERS[1], OWNERS[0]] } else { OWNERS };
        self.world.act_for(if matches!(step, claim::Step::Arrive(_)) { to } else { from });
        let mut unheard =
            Transit::new(session_id("s0"), self.world.owner(), Millis(0), Millis(0), Millis(0), String::new());
        let transit = told.unwrap_or(&mut unheard);
        let taken = match step {
            claim::Step::Depart(depart) => self.world.try_run(depart).map(|departed| transit.departed(departed)),
            claim::Step::Read(read) => self.world.try_run(read).map(|page| transit.read(page)),
            claim::Step::Arrive(arrive) => self.world.try_run(arrive).map(|arrived| transit.arrived(arrived)),
            claim::Step::Leave(leave) => self.world.try_run(leave).map(|_| transit.left()),
            claim::Step::Over(_) => Ok(()),
        };
        let compared = taken.and_then(|()| self.compare_all());
        self.world.act_for(OWNERS[0]);
        compared
    }

    /// What a turn of now is charged to.
    fn charge(&self) -> Option<Charge> {
        let rate = Rate { turns: self.turns?, window: Millis(60_000) };
        Rates { owners: Some(rate), ..Rates::default() }.charge(&By::User, None, self.world.now())
    }

    fn read_pages(&mut self, limit: u64) -> Result<(), Disagreement> {
        let mut cursor = None;
        loop {
            let page = self.world.try_run(&ReadList { now: self.world.now(), limit, cursor })?;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let page = self.world.try_run(&Survey { now: self.world.now(), after, limit })?;
            after = page.rows.last().map(|(place, _)| place.clone());
            if !page.more {
                return Ok(());
            }
        }
    }

    fn burst(&mut self, session: u64, turns: u64) -> Result<(), Disagreement> {
        self.bursts += 1;
        for number in 0..turns {
            let turn = format!("b{}-{number}", self.bursts);
            let begin = self.world.begin(&session_name(session), &turn, "text");
            let begun = self.world.try_run(&begin)?;
            if matches!(begun, Begun::Started { .. }) {
                let finish = self.world.finish(&begin, &begun, "reply");
                self.run(&finish)?;
            }
        }
        Ok(())
    }

    fn compare_all(&mut self) -> Result<(), Disagreement> {
        let (now, owner) = (self.world.now(), self.world.owner().clone());
        for session in (0..4).map(|session| session_id(&session_name(session))) {
            self.run(&Info { session: session.clone(), now })?;
            self.run(&ReadSummary { session: session.clone(), now })?;
            self.run(&ReadHistory { session, now, limit: 500, before: None })?;
        }
        let sessions = (0..4).map(|session| session_id(&session_name(session))).collect();
        self.run(&Weigh { sessions: Vec::clone(&sessions), now })?;
        self.run(&ReadState { sessions, now })?;
        self.run(&Survey { now, after: None, limit: 200 })?;
        self.run(&ReadList { now, limit: 200, cursor: None })?;
        self.world.store().compare_what_is_kept(&owner, now)
    }
}

impl Sent {
    fn now(&mut self) -> &mut Millis {
        match self {
            Sent::Begin(begin) => &mut begin.now,
            Sent::Finish(finish) => &mut finish.now,
            Sent::Release(release) => &mut release.now,
            Sent::Renew(renew) => &mut renew.now,
            Sent::Create(create) => &mut create.now,
            Sent::Delete(delete) => &mut delete.now,
            Sent::Write(written) => written.now(),
            Sent::Carry(step, _) => match step {
                claim::Step::Depart(depart) => &mut depart.now,
                claim::Step::Read(read) => &mut read.now,
                claim::Step::Arrive(arrive) => &mut arrive.now,
                claim::Step::Leave(leave) => &mut leave.now,
                claim::Step::Over(_) => unreachable!("nothing is sent when it is over"),
            },
        }
    }
}

fn twisted_finish(world: &World<Both<'_>>, begin: &BeginTurn, begun: &Begun, twist: FinishTwist) -> FinishTurn {
    let text = match twist {
        FinishTwist::LargeReply(bytes) => "y".repeat(bytes as usize),
        _ => format!("reply to {}", begin.turn),
    };
    let mut finish = world.finish(begin, begun, &text);
    match twist {
        FinishTwist::OtherAttempt => finish.attempt = "another".to_owned(),
        FinishTwist::OtherSession(session) => finish.session = session_id(&session_name(session)),
        FinishTwist::OtherPosition(position) => finish.position = position,
        FinishTwist::OtherMessageId => finish.message_id = message_id("u-t"),
        FinishTwist::None | FinishTwist::LargeReply(_) => {}
    }
    finish
}
