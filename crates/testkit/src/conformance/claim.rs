//! Claims: a visitor's sessions become a user's, one after another, and each is in one namespace at every moment.

use super::operations::{append, delete, patch, restore, truncate, write_state};
use super::world::{SEAL, World, session_id};
use crate::executor::Executor;
use chatkeep_model::claim::{Ended, Step, Transit, has_arrived, second_id};
use chatkeep_model::plan::{
    Appended, Begun, ClaimVisitor, Deletion, FinishTurn, Info, Patch, Patched, ReadState, Restored, Stated, Truncated,
};
use chatkeep_model::{Millis, Owner};

pub(super) const VISITOR: &str = "the-visitor";
pub(super) const USER: &str = "the-user";

/// Makes a session of the visitor's go its way, so many steps at most; gives the steps, and how it ended if it did.
pub(super) fn carry<E: Executor>(world: &mut World<E>, session: &str, most: usize) -> (Vec<Step>, Option<Ended>) {
    world.act_for(VISITOR);
    let (visitor, now) = (world.owner().clone(), world.now());
    let (ttl, undo) = (world.limits.ttl, world.limits.undo);
    let mut transit = Transit::new(session_id(session), &visitor, now, ttl, undo, SEAL.to_owned());
    let mut steps = Vec::new();
    loop {
        let step = transit.next();
        if let Step::Over(ended) = step {
            return (steps, Some(ended));
        }
        if steps.len() == most {
            return (steps, None);
        }
        take(world, &step, &mut transit);
        steps.push(step);
    }
}

/// Takes one step at the owner whose it is.
fn take<E: Executor>(world: &mut World<E>, step: &Step, transit: &mut Transit) {
    world.act_for(if matches!(step, Step::Arrive(_)) { USER } else { VISITOR });
    match step {
        Step::Depart(depart) => transit.departed(world.run(depart)),
        Step::Read(read) => transit.read(world.run(read)),
        Step::Arrive(arrive) => transit.arrived(world.run(arrive)),
        Step::Leave(leave) => {
            world.run(leave);
            transit.left();
        }
        Step::Over(_) => {}
    }
    world.act_for(VISITOR);
}

/// In how many of the two namespaces a session is, as the API shows them.
fn places<E: Executor>(world: &mut World<E>, session: &str) -> usize {
    let info = Info { session: session_id(session), now: world.now() };
    world.act_for(USER);
    let at_the_user = world.run(&info);
    let theirs = world.listed().contains(&session.to_owned());
    assert_eq!(at_the_user.is_some(), theirs, "it is listed where it is there");
    world.act_for(VISITOR);
    let at_the_visitor = world.run(&info);
    let listed = world.listed().contains(&session.to_owned());
    assert_eq!(at_the_visitor.is_some(), listed, "it is listed where it is there");
    let still = at_the_visitor.is_some_and(|there| {
        !(there.session.flags.departing && has_arrived(there.session.created, at_the_user.as_ref()))
    });
    usize::from(theirs) + usize::from(still)
}

/// A session of the visitor's with two exchanges, a title, a pin, metadata and a state.
fn fill<E: Executor>(world: &mut World<E>, session: &str) {
    world.act_for(VISITOR);
    world.exchange(session, "t1", "one");
    world.exchange(session, "t2", "two");
    let named = Patch {
        title: Some("Plán".to_owned()),
        pinned: Some(true),
        metadata: Some(r#"{"a":1}"#.to_owned()),
        ..patch(world, session, "p1")
    };
    world.run(&named);
    for number in 0..3 {
        world.run(&write_state(world, session, &format!("w{number}"), &format!("[{number}]")));
    }
}

pub(super) fn a_claimed_session_is_as_it_was<E: Executor>(world: &mut World<E>) {
    fill(world, "s1");
    let before = world.session("s1");
    world.wait(Millis(1_000));
    let (steps, ended) = carry(world, "s1", 100);
    assert_eq!(ended, Some(Ended::Moved(session_id("s1"))));
    assert_eq!(steps.len(), 3, "what is small goes at once");

    assert_eq!(world.info("s1"), None);
    assert_eq!(world.listed(), Vec::<String>::new());
    assert_eq!(world.run(&world.begin("s1", "t3", "late")), Begun::Deleted, "a late send revives nothing");
    assert_eq!(world.run(&restore(world, "s1", "u1")), Restored::Absent);

    world.act_for(USER);
    let after = world.session("s1");
    assert_eq!((after.title.as_str(), after.flags.pinned), ("Plán", true));
    assert_eq!((after.created, after.updated, after.expires), (before.created, before.updated, before.expires));
    assert_eq!(
        (after.first, after.next, after.total, after.bytes),
        (before.first, before.next, before.total, before.bytes)
    );
    assert!(after.revision > before.revision);
    assert_eq!(world.contents("s1"), ["one", "ONE", "two", "TWO"]);
    assert_eq!(world.listed(), ["s1"]);
    let now = world.now();
    let details = world.run(&Info { session: session_id("s1"), now });
    assert_eq!(details.and_then(|details| details.metadata).as_deref(), Some(r#"{"a":1}"#));
    let states = world.run(&ReadState { sessions: vec![session_id("s1")], now });
    assert!(matches!(states.first(), Some(Stated::State(tag, json)) if tag.revision == 3 && json == "[2]"));
    assert!(matches!(world.run(&world.begin("s1", "t1", "one")), Begun::Replay { .. }), "its turns are remembered");
    world.exchange("s1", "t3", "three");
    world.run(&patch(world, "s1", "p2"));
    assert!(
        matches!(world.run(&world.begin("s1", "t2", "other")), Begun::Replay { .. }),
        "of its payload nothing is known"
    );
    assert!(matches!(world.run(&world.begin("s1", "p1", "other")), Begun::Mismatch), "its kind is");
    assert_eq!(world.run(&delete(world, "s1", "t2")), Deletion::Mismatch);
}

pub(super) fn a_claim_that_breaks_off_anywhere_goes_on<E: Executor>(world: &mut World<E>) {
    for broken_after in 0.. {
        let session = format!("s{broken_after}");
        world.act_for(VISITOR);
        let mut whole = Vec::new();
        for page in 0..3 {
            let append = append(world, &session, &format!("o{page}"), 150);
            whole.extend(append.messages.clone());
            assert!(matches!(world.run(&append), Appended::Stored { .. }));
        }
        let (steps, _) = carry(world, &session, broken_after);
        assert_eq!(places(world, &session), 1, "after {broken_after} steps");
        let (_, ended) = carry(world, &session, 100);
        assert_eq!(places(world, &session), 1, "at the end");
        world.act_for(USER);
        assert_eq!(world.page(&session, 500, None).messages, whole, "after {broken_after} steps");
        world.act_for(VISITOR);
        assert_eq!(world.info(&session), None);
        if steps.len() < broken_after {
            assert!(broken_after > 5, "it took {} steps", steps.len());
            break;
        }
        assert!(matches!(ended, Some(Ended::Moved(_) | Ended::Absent)), "{ended:?}");
    }
}

pub(super) fn a_session_with_a_running_turn_stays<E: Executor>(world: &mut World<E>) {
    world.act_for(VISITOR);
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    let (_, ended) = carry(world, "s1", 100);
    assert_eq!(ended, Some(Ended::Running(world.now().after(world.limits.lease))));
    assert_eq!(places(world, "s1"), 1);
    let finish: FinishTurn = world.finish(&begin, &begun, "ONE");
    world.run(&finish);
    assert!(matches!(carry(world, "s1", 100).1, Some(Ended::Moved(_))));

    let abandoned = world.begin("s2", "t2", "two");
    world.run(&abandoned);
    world.wait(world.limits.lease);
    assert!(matches!(carry(world, "s2", 100).1, Some(Ended::Moved(_))), "nobody runs that any more");
    world.act_for(USER);
    assert!(matches!(world.run(&world.begin("s2", "t2", "two")), Begun::Started { created: false, .. }));
}

pub(super) fn a_departing_session_is_read_and_not_changed<E: Executor>(world: &mut World<E>) {
    fill(world, "s1");
    carry(world, "s1", 1);
    let before = world.session("s1");
    assert_eq!(world.contents("s1"), ["one", "ONE", "two", "TWO"]);
    assert_eq!(world.listed(), ["s1"]);
    assert_eq!(world.run(&world.begin("s1", "t3", "three")), Begun::Deleted);
    assert_eq!(world.run(&world.begin("s1", "t1", "one")), Begun::Deleted);
    assert_eq!(world.run(&append(world, "s1", "o1", 1)), Appended::Deleted);
    assert_eq!(world.run(&patch(world, "s1", "p9")), Patched::Absent);
    assert!(!world.delete("s1"));
    assert_eq!(world.run(&truncate(world, "s1", "c1", "-")), Truncated::Absent);
    assert_eq!(world.session("s1"), before);
    assert!(matches!(carry(world, "s1", 100).1, Some(Ended::Moved(_))));
}

pub(super) fn a_visitor_is_claimed_once<E: Executor>(world: &mut World<E>) {
    world.act_for(VISITOR);
    let claim = |by: Option<&str>, world: &World<E>| ClaimVisitor {
        by: by.map(|by| Owner::stored(by.to_owned())),
        now: world.now(),
        lives: Millis(60_000),
    };
    let ada = Some(Owner::stored("u-ada".to_owned()));
    assert_eq!(world.run(&claim(None, world)), None);
    assert_eq!(world.run(&claim(Some("u-ada"), world)), ada);
    assert_eq!(world.run(&claim(Some("u-eve"), world)), ada);
    world.wait(Millis(40_000));
    assert_eq!(world.run(&claim(Some("u-ada"), world)), ada, "again");
    world.wait(Millis(40_000));
    assert_eq!(world.run(&claim(None, world)), ada, "it is remembered from the last time on");
    world.wait(Millis(60_000));
    assert_eq!(world.run(&claim(None, world)), None);
}

pub(super) fn an_id_that_is_taken_is_not_taken_over<E: Executor>(world: &mut World<E>) {
    world.act_for(USER);
    world.exchange("main", "t1", "mine");
    world.wait(Millis(1_000));
    fill(world, "main");
    let second = second_id(&session_id("main"), world.owner());
    for stop in [2, 4, 100] {
        carry(world, "main", stop);
    }
    assert_eq!(world.info("main"), None);
    world.act_for(USER);
    assert_eq!(world.contents("main"), ["mine", "MINE"]);
    assert_eq!(world.contents(second.as_str()), ["one", "ONE", "two", "TWO"]);
}

pub(super) fn what_arrives_late_changes_nothing<E: Executor>(world: &mut World<E>) {
    fill(world, "s1");
    let (steps, _) = carry(world, "s1", 100);
    world.act_for(USER);
    world.exchange("s1", "t3", "three");
    let before = world.session("s1");
    let mut deaf = Transit::new(session_id("s1"), world.owner(), Millis(0), Millis(0), Millis(0), String::new());
    for step in steps.iter().chain(&steps) {
        take(world, step, &mut deaf);
    }
    world.act_for(USER);
    assert_eq!(world.session("s1"), before);
    assert!(world.delete("s1"));
    for step in &steps {
        take(world, step, &mut deaf);
    }
    world.act_for(USER);
    assert_eq!(world.info("s1"), None, "what was deleted at the user's does not come again");
    assert!(matches!(world.run(&restore(world, "s1", "u1")), Restored::Back(_)));
}
