//! The journal: operations are accepted by a ledger while Redis is away, and replayed into it, each once.

use chatkeep_model::fingerprint::{RequestKind, of_every_request};
use chatkeep_model::journal::{Accepted, Entry, Seed, Settled, accept};
use chatkeep_model::plan::{
    Appended, BeginTurn, Begun, Condition, CutAfter, Delete, Deletion, FinishTurn, Finished, Info, Patch, Patched,
    ReadHistory, ReadList, ReadState, ReleaseTurn, Stated, Tag, Touch, Truncate, Truncated, WriteState, Written,
    record,
};
use chatkeep_model::records::MemoryRecords;
use chatkeep_model::redis::Reply;
use chatkeep_model::{Millis, Operation};
use chatkeep_testkit::conformance::operations::{append, delete, patch, truncate, write_state};
use chatkeep_testkit::conformance::world::{World, contents, message_id, session_id, turn_id};
use chatkeep_testkit::{RedisExecutor, RedisServer};

fn on_redis(test: impl FnOnce(&mut World<RedisExecutor>)) {
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    let mut redis = server.executor();
    redis.flush();
    test(&mut World::new(redis, "ada"));
}

/// What a ledger makes of an operation: its outcome, or nothing where it can't tell.
fn taken<O: Operation>(ledger: &mut MemoryRecords, operation: &O, seed: Option<&Seed>) -> Option<O::Outcome> {
    let json = serde_json::to_string(operation).unwrap_or_else(|error| panic!("{error}"));
    match accept(O::NAME, &json, seed, ledger) {
        Ok(Accepted::Outcome(outcome)) => {
            Some(serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{outcome}: {error}")))
        }
        Ok(Accepted::Unknown) => None,
        Err(error) => panic!("{}: {error:?}", O::NAME),
    }
}

/// A whole turn in a ledger.
fn exchange(world: &World<RedisExecutor>, ledger: &mut MemoryRecords, session: &str, turn: &str, existing: bool) {
    let begin = BeginTurn { existing, ..world.begin(session, turn, turn) };
    let begun = taken(ledger, &begin, None).unwrap_or_else(|| panic!("{turn} is not begun"));
    let finish = world.finish(&begin, &begun, &format!("re {turn}"));
    assert!(matches!(taken(ledger, &finish, None), Some(Finished::Stored(_))), "{turn}");
}

/// Replays everything, each entry twice and the first once more at the end, as crashes and late copies would.
fn replay(world: &mut World<RedisExecutor>, journal: &str, ledger: &mut MemoryRecords) -> Vec<Settled> {
    let owner = world.owner().clone();
    let entries: Vec<Entry> = ledger.entries.drain(..).collect();
    let mut settled = Vec::new();
    let mut send = |entry: &Entry| {
        let sent = world.store().replay(&owner, journal, entry);
        sent.unwrap_or_else(|error| panic!("{error:?}"))
    };
    for entry in &entries {
        settled.push(send(entry));
        send(entry);
    }
    if let Some(first) = entries.first() {
        send(first);
    }
    settled
}

const DONE: Settled = Settled::Done;

#[test]
fn a_new_session_is_made_by_replay_once() {
    on_redis(|world| {
        let mut ledger = MemoryRecords::default();
        exchange(world, &mut ledger, "s", "t1", false);
        exchange(world, &mut ledger, "s", "t2", true);
        let read = ReadHistory { session: session_id("s"), now: world.now(), limit: 10, before: None };
        let page = taken(&mut ledger, &read, None).flatten().unwrap_or_else(|| panic!("no page"));
        assert_eq!(page.messages.len(), 4);
        assert_eq!(replay(world, "j", &mut ledger), [DONE; 4]);
        assert_eq!(world.contents("s"), ["t1", "re t1", "t2", "re t2"]);
        assert_eq!(world.session("s").total, 4);
        assert_eq!(world.listed(), ["s"]);
    });
}

#[test]
fn a_turn_goes_on_where_redis_went_away() {
    on_redis(|world| {
        world.exchange("s", "t0", "before");
        // The begin reached Redis, the finish did not.
        let begin = world.begin("s", "t1", "asked");
        let begun = world.run(&begin);
        let Begun::Started { session, window, .. } = &begun else { panic!("{begun:?}") };
        let record = world.store().fields("chatkeep:{u-ada}:s:s").remove("t:t1").unwrap_or_default();
        let seed = Seed {
            session: Some(session.clone()),
            messages: window.clone(),
            turn: Some((begin.turn.clone(), record)),
            ..Seed::default()
        };
        for seed in [Some(&seed), None] {
            let mut ledger = MemoryRecords::default();
            let finish = world.finish(&begin, &begun, "answered");
            let finished = taken(&mut ledger, &finish, seed);
            let Some(Finished::Stored(shown)) = finished else { panic!("{finished:?}") };
            assert_eq!(shown.total, if seed.is_some() { 4 } else { 1 });
            assert_eq!(replay(world, "j", &mut ledger), [DONE]);
            assert_eq!(world.contents("s"), ["before", "BEFORE", "asked", "answered"]);
        }
        // And the other way round: the begin landed although its answer was lost, and it is journaled too.
        let mut ledger = MemoryRecords::default();
        let begin = world.begin("s", "t2", "t2");
        world.run(&begin);
        exchange(world, &mut ledger, "s", "t2", true);
        assert_eq!(replay(world, "k", &mut ledger), [DONE; 2]);
        assert_eq!(world.contents("s").len(), 6);
    });
}

/// What a Redis that refuses writes says of a session and one of its turns, as the vault reads it.
fn refusing(world: &mut World<RedisExecutor>, session: &str, turn: &str) -> Seed {
    let page = world.page(session, 100, None);
    let key = format!("chatkeep:{{u-ada}}:s:{session}");
    let stored = world.store().fields(&key).remove(&format!("t:{turn}"));
    let record = stored.and_then(|stored| record::decode(&turn_id(turn), &Reply::Text(stored)));
    Seed {
        certain: true,
        session: Some(page.session),
        messages: page.messages,
        turn: record.map(|record| (turn_id(turn), record.to_string())),
        ..Seed::default()
    }
}

/// The texts of a session as a ledger has them.
fn overlay_contents(world: &World<RedisExecutor>, ledger: &mut MemoryRecords, session: &str) -> Vec<String> {
    let read = ReadHistory { session: session_id(session), now: world.now(), limit: 100, before: None };
    contents(&taken(ledger, &read, None).flatten().unwrap_or_else(|| panic!("no page")).messages)
}

#[test]
fn a_turn_that_runs_when_redis_refuses_writes_keeps_its_place() {
    on_redis(|world| {
        let begin = world.begin("s", "t1", "t1");
        let begun = world.run(&begin);
        let mut ledger = MemoryRecords::default();
        let seed = refusing(world, "s", "t1");
        let finished = taken(&mut ledger, &world.finish(&begin, &begun, "re t1"), Some(&seed));
        assert!(matches!(finished, Some(Finished::Stored(_))), "{finished:?}");
        // Its repetition needs no lease to end.
        let again = BeginTurn { attempt: "again".to_owned(), ..begin };
        let repeated = taken(&mut ledger, &again, Some(&seed));
        assert!(matches!(repeated, Some(Begun::Replay { .. })), "{repeated:?}");
        exchange(world, &mut ledger, "s", "t2", true);
        let order = ["t1", "re t1", "t2", "re t2"];
        assert_eq!(overlay_contents(world, &mut ledger, "s"), order);
        assert_eq!(replay(world, "j", &mut ledger), [DONE; 3]);
        assert_eq!(world.contents("s"), order);
    });
}

#[test]
fn a_running_turn_is_found_in_an_overlay_that_another_turn_filled() {
    on_redis(|world| {
        let begin = world.begin("s", "t1", "t1");
        let begun = world.run(&begin);
        let mut ledger = MemoryRecords::default();
        let seed = refusing(world, "s", "none");
        let other = world.begin("s", "t2", "t2");
        let other_begun = taken(&mut ledger, &other, Some(&seed)).unwrap_or_else(|| panic!("not begun"));
        let only_turn = Seed { turn: refusing(world, "s", "t1").turn, ..Seed::default() };
        let repeated =
            taken(&mut ledger, &BeginTurn { attempt: "again".to_owned(), ..begin.clone() }, Some(&only_turn));
        assert!(matches!(repeated, Some(Begun::Running { .. })), "{repeated:?}");
        // The caller of a finish says what it knows, too: its message is not stored a second time.
        let known = Seed { session: seed.session, messages: seed.messages, ..only_turn };
        for finish in [world.finish(&begin, &begun, "re t1"), world.finish(&other, &other_begun, "re t2")] {
            assert!(matches!(taken(&mut ledger, &finish, Some(&known)), Some(Finished::Stored(_))));
        }
        let order = ["t1", "t2", "re t1", "re t2"];
        assert_eq!(overlay_contents(world, &mut ledger, "s"), order);
        assert_eq!(replay(world, "j", &mut ledger), [DONE; 3]);
        assert_eq!(world.contents("s"), order);
    });
}

#[test]
fn what_was_done_before_redis_refused_writes_is_not_done_again() {
    on_redis(|world| {
        world.exchange("s", "t1", "t1");
        let append = append(world, "s", "o1", 1);
        world.run(&append);
        let mut ledger = MemoryRecords::default();
        let again = BeginTurn { attempt: "again".to_owned(), ..world.begin("s", "t1", "t1") };
        let seed = refusing(world, "s", "t1");
        assert!(matches!(taken(&mut ledger, &again, Some(&seed)), Some(Begun::Replay { .. })));
        let seed = Seed { turn: refusing(world, "s", "o1").turn, ..Seed::default() };
        assert!(matches!(taken(&mut ledger, &append, Some(&seed)), Some(Appended::Stored { .. })));
        assert_eq!(overlay_contents(world, &mut ledger, "s"), world.contents("s"));
    });
}

#[test]
fn a_turn_that_is_given_up_while_redis_refuses_writes_can_be_repeated_at_once() {
    on_redis(|world| {
        let begin = world.begin("s", "t1", "t1");
        world.run(&begin);
        let seed = refusing(world, "s", "t1");
        let mut ledger = MemoryRecords::default();
        let release = ReleaseTurn {
            session: begin.session.clone(),
            turn: begin.turn.clone(),
            attempt: begin.attempt.clone(),
            now: world.now(),
        };
        assert_eq!(taken(&mut ledger, &release, Some(&seed)), Some(true));
        let again = BeginTurn { attempt: "again".to_owned(), ..begin };
        let begun = taken(&mut ledger, &again, Some(&seed)).unwrap_or_else(|| panic!("not begun"));
        let finish = world.finish(&again, &begun, "re t1");
        assert!(matches!(taken(&mut ledger, &finish, None), Some(Finished::Stored(_))));
        assert_eq!(replay(world, "j", &mut ledger), [DONE; 3]);
        assert_eq!(world.contents("s"), ["t1", "re t1"]);
    });
}

#[test]
fn an_assumed_session_takes_what_does_not_depend_on_its_contents() {
    on_redis(|world| {
        world.exchange("s", "t0", "Title of it");
        let (id, now, ttl) = (session_id("s"), world.now(), world.limits.ttl);
        let mut ledger = MemoryRecords::default();
        let cut = |after| Truncate {
            session: id.clone(),
            operation: turn_id("o1"),
            fingerprint: of_every_request(RequestKind::Truncate),
            after,
            now,
            ttl,
        };
        let write = |condition| WriteState {
            session: id.clone(),
            operation: turn_id("o2"),
            fingerprint: of_every_request(RequestKind::WriteState),
            condition,
            state: "[1]".to_owned(),
            seal: String::new(),
            now,
            ttl,
            sessions_per_owner: 5,
            owner_bytes: 0,
        };
        let read = ReadHistory { session: id.clone(), now, limit: 10, before: None };
        let tag = Tag { created: now, revision: 1 };
        assert_eq!(taken(&mut ledger, &read, None), None);
        assert_eq!(taken(&mut ledger, &Info { session: id.clone(), now }, None), None);
        assert_eq!(taken(&mut ledger, &ReadList { now, limit: 10, cursor: None }, None), None);
        assert_eq!(taken(&mut ledger, &cut(CutAfter::Message(message_id("u-t0"))), None), None);
        for condition in [Condition::None, Condition::Present, Condition::Match(tag)] {
            assert_eq!(taken(&mut ledger, &write(condition), None), None, "{condition:?}");
        }
        assert!(ledger.entries.is_empty());
        let patch = Patch { pinned: Some(true), ..patch(world, "s", "o3") };
        assert!(matches!(taken(&mut ledger, &patch, None), Some(Patched::Done(_))));
        exchange(world, &mut ledger, "s", "t1", true);
        let shown = taken(&mut ledger, &Info { session: id.clone(), now }, None).flatten();
        assert_eq!(
            shown.map(|details| (details.session.title, details.session.flags.pinned)),
            Some((String::new(), true))
        );
        // Still nobody knows what came before.
        assert_eq!(taken(&mut ledger, &cut(CutAfter::Message(message_id("u-t0"))), None), None);
        assert!(taken(&mut ledger, &write(Condition::Any), None).is_some());
        assert!(taken(&mut ledger, &write(Condition::Present), None).is_some());
        assert!(replay(world, "j", &mut ledger).iter().all(|settled| *settled == DONE));
        assert_eq!(world.contents("s"), ["Title of it", "TITLE OF IT", "t1", "re t1"]);
        let session = world.session("s");
        assert_eq!((session.title.as_str(), session.flags.pinned), ("Title of it", true));
    });
}

#[test]
fn what_was_acknowledged_is_made_though_its_key_was_used_before_the_outage() {
    on_redis(|world| {
        for session in ["deleted", "patched", "cut", "written", "appended"] {
            world.exchange(session, "k", "text");
        }
        let mut ledger = MemoryRecords::default();
        let patch = Patch { title: Some("Title".to_owned()), ..patch(world, "patched", "k") };
        assert!(matches!(taken(&mut ledger, &delete(world, "deleted", "k"), None), Some(Deletion::Gone(_))));
        assert!(matches!(taken(&mut ledger, &patch, None), Some(Patched::Done(_))));
        assert!(matches!(taken(&mut ledger, &truncate(world, "cut", "k", "-"), None), Some(Truncated::Cut(_))));
        assert!(matches!(
            taken(&mut ledger, &write_state(world, "written", "k", "1"), None),
            Some(Written::Stored { .. })
        ));
        assert!(matches!(taken(&mut ledger, &append(world, "appended", "k", 1), None), Some(Appended::Stored { .. })));
        assert_eq!(replay(world, "j", &mut ledger), [DONE; 5]);
        assert_eq!(world.info("deleted"), None);
        assert_eq!(world.session("patched").title, "Title");
        assert_eq!(world.contents("cut"), Vec::<String>::new());
        let read = ReadState { sessions: vec![session_id("written")], now: world.now() };
        assert!(matches!(world.run(&read).first(), Some(Stated::State(..))));
        assert_eq!(world.contents("appended"), ["text", "TEXT", "pět"]);
    });
}

#[test]
fn deletes_stay_deleted() {
    on_redis(|world| {
        world.exchange("s", "t0", "text");
        let mut ledger = MemoryRecords::default();
        let delete = Delete { operation: None, ..delete(world, "s", "d") };
        assert_eq!(taken(&mut ledger, &delete, None), Some(Deletion::Gone(delete.sessions.clone())));
        assert_eq!(taken(&mut ledger, &world.begin("s", "late", "late"), None), Some(Begun::Deleted));
        // Another process journaled a turn of the same session.
        let mut other = MemoryRecords::default();
        exchange(world, &mut other, "s", "t1", true);
        assert_eq!(replay(world, "j", &mut ledger), [DONE]);
        assert_eq!(
            replay(world, "k", &mut other),
            [Settled::Dropped("session_deleted"), Settled::Dropped("session_not_found")]
        );
        assert_eq!(world.info("s"), None);
        assert_eq!(world.listed(), Vec::<String>::new());
    });
}

#[test]
fn a_session_that_ended_meanwhile_comes_back_with_its_journaled_messages_only() {
    on_redis(|world| {
        world.limits.ttl = Millis(10_000);
        world.exchange("s", "t0", "old");
        world.exchange("touched", "t0", "old");
        world.wait(Millis(9_000));
        let (mut ledger, now, ttl) = (MemoryRecords::default(), world.now(), world.limits.ttl);
        exchange(world, &mut ledger, "s", "t1", true);
        assert!(taken(&mut ledger, &Touch { session: session_id("touched"), now, ttl }, None).is_some());
        world.wait(Millis(6_000));
        world.store().command::<()>(&["DEL", "chatkeep:{u-ada}:s:s", "chatkeep:{u-ada}:s:touched"]);
        assert_eq!(replay(world, "j", &mut ledger), [DONE, DONE, Settled::Dropped("session_not_found")]);
        assert_eq!(world.contents("s"), ["t1", "re t1"]);
        assert_eq!(world.session("s").expires, now.after(ttl));
        assert_eq!(world.info("touched"), None);
    });
}

#[test]
fn what_was_acknowledged_wins_over_what_stands_in_its_way() {
    on_redis(|world| {
        world.exchange("s", "t0", "kept");
        world.exchange("s", "t1", "cut");
        let mut ledger = MemoryRecords::default();
        // An edit whose base was cut away meanwhile keeps its message.
        exchange(world, &mut ledger, "s", "t2", true);
        let edit = BeginTurn { cut_after: Some(CutAfter::Message(message_id("r-t2"))), ..world.begin("s", "t3", "t3") };
        let begun = taken(&mut ledger, &edit, None).unwrap_or_else(|| panic!("not begun"));
        assert!(taken(&mut ledger, &world.finish(&edit, &begun, "re t3"), None).is_some());
        // Another request holds the lease of the turn, and the owner has all the sessions that one may have.
        let held = BeginTurn { attempt: "other".to_owned(), ..world.begin("s", "t2", "t2") };
        world.run(&held);
        world.exchange("s1", "t0", "text");
        world.limits.sessions_per_owner = 2;
        exchange(world, &mut ledger, "s2", "t0", false);
        let owner = world.owner().clone();
        let (first, second) = (ledger.entries.pop_front(), ledger.entries.pop_front());
        let rest = &mut ledger;
        for entry in [first, second].into_iter().flatten() {
            assert_eq!(world.store().replay(&owner, "j", &entry).ok(), Some(DONE));
        }
        let cut = Truncate {
            session: session_id("s"),
            operation: turn_id("cut"),
            fingerprint: of_every_request(RequestKind::Truncate),
            after: CutAfter::Message(message_id("r-t0")),
            now: world.now(),
            ttl: world.limits.ttl,
        };
        world.run(&cut);
        assert_eq!(replay(world, "j", rest), [DONE; 4]);
        assert_eq!(world.contents("s"), ["kept", "KEPT", "t3", "re t3"]);
        assert_eq!(world.contents("s2"), ["t0", "re t0"]);
        let late: FinishTurn = world.finish(&held, &begun, "late");
        assert!(!matches!(world.run(&late), Finished::Stored(_)));
    });
}

#[test]
fn two_journals_of_one_session_keep_each_their_order() {
    on_redis(|world| {
        let (mut one, mut other) = (MemoryRecords::default(), MemoryRecords::default());
        for number in 0..3 {
            exchange(world, &mut one, "s", &format!("a{number}"), false);
            exchange(world, &mut other, "s", &format!("b{number}"), false);
        }
        let owner = world.owner().clone();
        for (mine, theirs) in one.entries.iter().zip(&other.entries) {
            for (journal, entry) in [("one", mine), ("other", theirs), ("one", mine)] {
                assert_eq!(world.store().replay(&owner, journal, entry).ok(), Some(DONE));
            }
        }
        let contents = world.contents("s");
        assert_eq!(contents.len(), 12);
        for letter in ["a", "b"] {
            let mine: Vec<_> = contents.iter().filter(|text| text.contains(letter)).cloned().collect();
            let expected: Vec<_> =
                (0..3).flat_map(|number| [format!("{letter}{number}"), format!("re {letter}{number}")]).collect();
            assert_eq!(mine, expected);
        }
    });
}
