//! The costs that `docs/protocol.md` promises: the commands of every operation, counted by Redis itself.

use chatkeep_model::fingerprint::{RequestKind, of_every_request};
use chatkeep_model::limits::{REMEMBERED_TURNS, slide_grain};
use chatkeep_model::plan::{
    Anew, Append, Arrive, BeginTurn, ChargeTurn, ClaimVisitor, Condition, Create, CutAfter, Delete, Depart, Departed,
    Field, FinishTurn, Fork, Import, Info, Leave, Patch, ReadHistory, ReadList, ReadState, ReadSummary, ReleaseTurn,
    Reseal, Restore, Summarise, Summary, Survey, Touch, Truncate, Weigh, WriteState,
};
use chatkeep_model::rate::Charge;
use chatkeep_model::records::Notes;
use chatkeep_model::redis::Call;
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, Operation, SessionId};
use chatkeep_testkit::conformance::world::{SEAL, World, message_id, session_id, turn_id};
use chatkeep_testkit::{Executor, RedisExecutor, RedisServer};
use std::collections::BTreeMap;

/// What something costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cost {
    /// Commands that are sent.
    outer: u64,
    /// Commands that scripts run, by name.
    inner: BTreeMap<String, u64>,
}

impl Cost {
    fn all(&self) -> u64 {
        self.outer + self.inner.values().sum::<u64>()
    }

    fn and(mut self, other: Self) -> Self {
        self.outer += other.outer;
        for (command, calls) in other.inner {
            *self.inner.entry(command).or_default() += calls;
        }
        self
    }

    /// The line of the table in `docs/protocol.md`.
    fn line(&self, what: &str) -> String {
        let named = |(command, calls): (&String, &u64)| match calls {
            1 => command.to_uppercase(),
            _ => format!("{calls} {}", command.to_uppercase()),
        };
        let inner: Vec<String> = self.inner.iter().map(named).collect();
        let inner = if inner.is_empty() { String::new() } else { format!(" {}", inner.join(", ")) };
        format!("| {what} | {} | {} |{inner} |", self.outer, self.all())
    }
}

/// What an operation costs on a warm script cache.
fn cost<O: Operation>(world: &mut World<RedisExecutor>, operation: &O) -> (Cost, O::Outcome) {
    // Within one millisecond of the last one a renewal would find nothing to renew, and cost more for it.
    world.store().pass(Millis(1000));
    let sent = world.store().sent();
    world.store().command::<()>(&["CONFIG", "RESETSTAT"]);
    let outcome = world.run(operation);
    let stats: String = world.store().command(&["INFO", "commandstats"]);
    let mut inner: BTreeMap<String, u64> = stats.lines().filter_map(calls).collect();
    let outer = world.store().sent() - sent;
    // What was sent is counted too.
    let owner = world.owner().clone();
    if matches!(operation.call(&world.store().keys(&owner)), Call::Command(_)) {
        inner.clear();
    } else {
        assert_eq!(inner.remove("evalsha"), Some(outer), "{} is one call of a known script", O::NAME);
    }
    (Cost { outer, inner }, outcome)
}

/// Reads a line such as `cmdstat_hset:calls=2,usec=...`; the test's own commands don't count.
fn calls(line: &str) -> Option<(String, u64)> {
    let (name, rest) = line.trim().strip_prefix("cmdstat_")?.split_once(":calls=")?;
    let calls = rest.split(',').next()?.parse().ok()?;
    (!name.starts_with("config") && name != "info").then(|| (name.to_owned(), calls))
}

/// A begin and a finish, that far apart.
fn turn(world: &mut World<RedisExecutor>, session: &str, turn: &str, apart: Millis) -> (Cost, Cost) {
    let begin = world.begin(session, turn, "text");
    let (began, begun) = cost(world, &begin);
    world.wait(apart);
    let finish: FinishTurn = world.finish(&begin, &begun, "reply");
    (began, cost(world, &finish).0)
}

/// Everything that the table lists, in its order.
fn measured(world: &mut World<RedisExecutor>) -> Vec<(&'static str, Cost)> {
    let mut costs = Vec::new();
    let ttl = world.limits.ttl;
    let at_once = Millis(0);
    for (what, id, operation) in
        [("create, the owner's first session", "s0", "c0"), ("create", "s1", "c1"), ("create, repeated", "s1", "c1")]
    {
        costs.push((what, cost(world, &create(world, id, operation)).0));
    }
    let (opening, _) = turn(world, "s2", "t0", at_once);
    costs.push(("begin, opening a session", opening));
    world.wait(Millis(1));
    let plain = turn(world, "s2", "t1", at_once);
    costs.push(("begin", plain.0.clone()));
    let replayed: BeginTurn = world.begin("s2", "t1", "text");
    costs.push(("begin, repeated after the finish", cost(world, &replayed).0));

    let charge = Charge { bucket: "1".to_owned(), most: 9, lives: Millis(60_000), window: 60, resets: 60 };
    for (what, turn) in [("begin, charged, the window's first", "c1"), ("begin, charged", "c2")] {
        let charged = BeginTurn { charge: Some(charge.clone()), ..world.begin("s2", turn, "text") };
        costs.push((what, cost(world, &charged).0));
    }
    costs.push(("charge", cost(world, &ChargeTurn { charge, now: world.now() }).0));

    world.limits.messages_per_session = 4;
    let at_cap = turn(world, "s2", "t2", at_once);
    costs.push(("begin, at the message cap", at_cap.0.clone()));
    world.limits.messages_per_session = 1000;
    world.limits.session_bytes = 300;
    let at_byte_cap = turn(world, "s2", "t6", at_once);
    costs.push(("begin, at the byte cap", at_byte_cap.0.clone()));
    world.limits.session_bytes = 50_000_000;
    for number in 0..REMEMBERED_TURNS {
        world.exchange("s3", &format!("t{number}"), "text");
    }
    let remembering = turn(world, "s3", "more", at_once);
    costs.push(("begin, after 128 turns", remembering.0.clone()));
    world.limits.messages_per_session = 200;
    let both = turn(world, "s3", "most", at_once);
    costs.push(("begin, at the cap and after 128 turns", both.0.clone()));
    world.limits.messages_per_session = 1000;

    let slow = turn(world, "s2", "t3", slide_grain(ttl));
    costs.push(("finish", plain.1.clone()));
    costs.push(("finish, a minute after its begin", slow.1));
    world.wait(Millis(ttl.0 / 8 + 1));
    let renewing = turn(world, "s2", "t4", Millis(ttl.0 / 8 + 1));
    costs.push(("begin, renewing the list", renewing.0));
    costs.push(("finish, renewing the list", renewing.1));

    let open = world.begin("s2", "t5", "text");
    world.run(&open);
    let release = ReleaseTurn {
        session: open.session.clone(),
        turn: open.turn.clone(),
        attempt: open.attempt.clone(),
        now: world.now(),
    };
    costs.push(("release", cost(world, &release).0));
    for number in 0..100 {
        world.create(&format!("listed{number}"), "c", "Title");
    }
    let now = world.now();
    let session = open.session.clone();
    costs.push(("info", cost(world, &Info { session: session.clone(), now }).0));
    let history = ReadHistory { session: session.clone(), now, limit: 100, before: None };
    costs.push(("history of 100", cost(world, &history).0));
    let (list, listed) = cost(world, &ReadList { now, limit: 100, cursor: None });
    assert_eq!(listed.cards.len(), 100);
    costs.push(("list of 100", list));
    let (survey, surveyed) = cost(world, &Survey { now, after: None, limit: 100 });
    assert_eq!(surveyed.rows.len(), 100);
    costs.push(("survey of 100", survey));
    let sessions = surveyed.rows.into_iter().map(|(place, _)| place.id).collect();
    costs.push(("weighing of 100", cost(world, &Weigh { sessions, now }).0));
    world.store().pass(Millis(1000));
    for (what, written) in writes(world, &session) {
        let cost = match written {
            Written::Append(append) => cost(world, &append).0,
            Written::Fork(fork) => cost(world, &fork).0,
            Written::Import(import) => cost(world, &import).0,
            Written::Patch(patch) => cost(world, &patch).0,
            Written::ReadState(read) => cost(world, &read).0,
            Written::Touch(touch) => cost(world, &touch).0,
            Written::Truncate(truncate) => cost(world, &truncate).0,
            Written::WriteState(write) => cost(world, &write).0,
        };
        costs.push((what, cost));
    }
    let last = world.run(&ReadHistory { session: session.clone(), now, limit: 1, before: None });
    let newest = last.and_then(|page| page.messages.last().cloned()).expect("a message");
    let last = serde_json::from_str::<serde_json::Value>(&newest).ok();
    let last = message_id(last.as_ref().and_then(|message| message["id"].as_str()).expect("a message"));
    let until = world.run(&Info { session: session.clone(), now }).expect("the session").session.next;
    let summary = Summary { until, last, text: "in short".to_owned() };
    let kept = summary.stored();
    costs.push(("keep a summary", cost(world, &Summarise { session: session.clone(), summary, now }).0));
    costs.push(("read a summary", cost(world, &ReadSummary { session: session.clone(), now }).0));
    let anew = |field, was: &str| Anew { field, was: was.to_owned(), text: "anew".to_owned() };
    let texts =
        vec![anew(Field::Title, "Title"), anew(Field::Summary, &kept), anew(Field::Message(until - 1), &newest)];
    costs.push(("reseal", cost(world, &Reseal { session: session.clone(), texts, now, ttl }).0));
    let delete = Delete {
        sessions: vec![session.clone()],
        operation: Some(turn_id("delete")),
        fingerprint: of_every_request(RequestKind::Delete),
        now,
        undo: world.limits.undo,
    };
    costs.push(("delete", cost(world, &delete).0));
    let sessions_per_owner = world.limits.sessions_per_owner;
    let fingerprint = of_every_request(RequestKind::Restore);
    let restore = Restore { session, operation: turn_id("restore"), fingerprint, now, ttl, sessions_per_owner };
    costs.push(("restore", cost(world, &restore).0));
    let hundred = (0..100).map(|number| session_id(&format!("listed{number}"))).collect();
    costs.push((
        "delete of 100",
        cost(
            world,
            &Delete { sessions: hundred, operation: None, fingerprint: String::new(), now, undo: world.limits.undo },
        )
        .0,
    ));

    let (session, lives) = (session_id("listed-again"), Millis(60_000));
    world.exchange(session.as_str(), "t1", "one");
    let claim = ClaimVisitor { by: Some(world.owner().clone()), now, lives };
    costs.push(("claim a visitor", cost(world, &claim).0));
    let (departure, departed) = cost(world, &Depart { session: session.clone(), now, ttl });
    costs.push(("depart, with up to 200 messages", departure));
    let Departed::Leaving { carried, from, messages } = departed else { panic!("{departed:?}") };
    let (created, seal) = (carried.session.created, SEAL.to_owned());
    let (carried, last, position) = (Some(carried), true, from);
    world.act_for("another");
    let arrive = Arrive { session: session.clone(), created, carried, position, messages, last, seal, now, ttl };
    costs.push(("arrive, at once", cost(world, &arrive).0));
    world.act_for("ada");
    costs.push(("leave", cost(world, &Leave { session, now, undo: world.limits.undo }).0));

    for (what, (begin, finish)) in [
        ("**a turn**", plain),
        ("**a turn at the message cap**", at_cap),
        ("**a turn at the byte cap**", at_byte_cap),
        ("**a turn after 128 turns**", remembering),
        ("**a turn at the cap and after 128 turns**", both),
    ] {
        costs.push((what, begin.and(finish)));
    }
    costs
}

/// The operations that the test calls once each.
enum Written {
    Append(Append),
    Fork(Fork),
    Import(Import),
    Patch(Patch),
    ReadState(ReadState),
    Touch(Touch),
    Truncate(Truncate),
    WriteState(WriteState),
}

/// One of each on a session with some messages, that slid lately and remembers few operations.
fn writes(world: &World<RedisExecutor>, session: &SessionId) -> Vec<(&'static str, Written)> {
    let (now, ttl, sessions_per_owner) = (world.now(), world.limits.ttl, world.limits.sessions_per_owner);
    let (session, seal) = (session.clone(), "0123456789abcdef0123456789abcdef".to_owned());
    let operation = |name: &str| turn_id(&format!("{name}-1"));
    let message = |id: &str| format!(r#"{{"id":"{id}","role":"user","content":"text"}}"#);
    vec![
        (
            "patch",
            Written::Patch(Patch {
                session: session.clone(),
                operation: operation("patch"),
                fingerprint: of_every_request(RequestKind::Patch),
                title: Some("Title".to_owned()),
                automatic: false,
                pinned: Some(true),
                archived: None,
                metadata: None,
                now,
                ttl,
            }),
        ),
        ("touch", Written::Touch(Touch { session: session.clone(), now, ttl })),
        (
            "append",
            Written::Append(Append {
                session: session.clone(),
                operation: operation("append"),
                fingerprint: of_every_request(RequestKind::Append),
                messages: vec![message("a1"), message("a2")],
                title: String::new(),
                existing: false,
                seal: seal.clone(),
                now,
                ttl,
                window: world.limits.window,
                messages_per_session: world.limits.messages_per_session,
                session_bytes: world.limits.session_bytes,
                sessions_per_owner,
                owner_bytes: world.limits.owner_bytes,
            }),
        ),
        (
            "truncate, after one of the last 64 messages",
            Written::Truncate(Truncate {
                session: session.clone(),
                operation: operation("truncate"),
                fingerprint: of_every_request(RequestKind::Truncate),
                after: CutAfter::Message(message_id("a1")),
                now,
                ttl,
            }),
        ),
        (
            "fork, of up to 500 messages",
            Written::Fork(Fork {
                source: session.clone(),
                target: session_id("forked"),
                operation: operation("fork"),
                fingerprint: of_every_request(RequestKind::Fork),
                at: None,
                title: String::new(),
                seal: seal.clone(),
                now,
                ttl,
                sessions_per_owner,
                owner_bytes: world.limits.owner_bytes,
            }),
        ),
        (
            "write a state",
            Written::WriteState(WriteState {
                session: session.clone(),
                operation: operation("write"),
                fingerprint: of_every_request(RequestKind::WriteState),
                condition: Condition::Any,
                state: "{}".to_owned(),
                seal: seal.clone(),
                now,
                ttl,
                sessions_per_owner,
                owner_bytes: world.limits.owner_bytes,
            }),
        ),
        ("read a state", Written::ReadState(ReadState { sessions: vec![session], now })),
        (
            "import, of a new session",
            Written::Import(Import {
                session: session_id("imported"),
                title: String::new(),
                created: now,
                updated: now,
                flags: Flags::default(),
                metadata: String::new(),
                state: String::new(),
                notes: Notes::default(),
                seal,
                after: None,
                dry_run: false,
                operation: None,
                position: 0,
                messages: vec![(message_id("i1"), message("i1"))],
                now,
                ttl,
                messages_per_session: world.limits.messages_per_session,
                session_bytes: world.limits.session_bytes,
                sessions_per_owner,
                owner_bytes: world.limits.owner_bytes,
            }),
        ),
    ]
}

fn create(world: &World<RedisExecutor>, id: &str, operation: &str) -> Create {
    Create {
        session: session_id(id),
        operation: turn_id(operation),
        fingerprint: of_every_request(RequestKind::Create),
        title: "Title".to_owned(),
        flags: Flags::default(),
        seal: "0123456789abcdef0123456789abcdef".to_owned(),
        now: world.now(),
        ttl: world.limits.ttl,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    }
}

#[test]
fn operations_cost_what_the_protocol_says() {
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    server.executor().load_scripts();

    let costs = measured(&mut World::new(server.executor(), "ada"));
    for (what, cost) in &costs {
        if what.contains("a turn") {
            assert!(cost.outer == 2 && cost.all() <= 12, "{what} has a budget of 2 calls and 12 commands: {cost:?}");
        } else {
            assert_eq!(cost.outer, 1, "{what} is one call");
        }
    }

    let protocol = include_str!("../../../docs/protocol.md");
    let head = "| what | outer | in all | inside its script |";
    let table = protocol.split_once(head).expect("docs/protocol.md has the table of costs").1;
    let said: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let is: Vec<String> = costs.iter().map(|(what, cost)| cost.line(what)).collect();
    assert!(said == is, "docs/protocol.md should say:\n{}\nand says:\n{}", is.join("\n"), said.join("\n"));
}
