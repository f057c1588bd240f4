//! Finish and release: what a turn's second call comes to, in time, late and again.

use super::world::{World, message_id, turn_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Begun, FinishTurn, Finished};

pub(super) fn a_reply_is_stored<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    world.wait(Millis(7));
    let finish = world.finish(&begin, &begun, "ONE");
    let Finished::Stored(session) = world.run(&finish) else { panic!("not stored") };
    assert_eq!((session.next, session.total, session.revision), (2, 2, 2));
    assert_eq!((session.created, session.updated), (begin.now, finish.now));
    assert_eq!(world.session("s1"), session);
    assert_eq!(world.page("s1", 10, None).messages, [begin.message, finish.reply]);
}

pub(super) fn the_same_attempt_may_finish_again<E: Executor>(world: &mut World<E>) {
    let finish = world.exchange("s1", "t1", "one");
    let before = world.session("s1");
    world.wait(Millis(1000));
    assert_eq!(world.run(&finish), Finished::Stored(before.clone()));
    assert_eq!(world.session("s1"), before);
}

pub(super) fn a_superseded_attempt_stores_nothing<E: Executor>(world: &mut World<E>) {
    let first = world.begin("s1", "t1", "one");
    let begun = world.run(&first);
    world.wait(first.lease);
    let mut second = world.begin("s1", "t1", "one");
    second.attempt = "t1-2".to_owned();
    let taken = world.run(&second);
    let late = world.finish(&first, &begun, "LATE");
    assert_eq!(world.run(&late), Finished::Superseded);
    let finish = world.finish(&second, &taken, "ONE");
    assert!(matches!(world.run(&finish), Finished::Stored(_)));
    assert_eq!(world.run(&late), Finished::Superseded);
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
}

pub(super) fn a_finish_of_an_unknown_turn_is_superseded<E: Executor>(world: &mut World<E>) {
    let mut finish = world.exchange("s1", "t1", "one");
    finish.turn = turn_id("t2");
    assert_eq!(world.run(&finish), Finished::Superseded);
    assert_eq!(world.session("s1").total, 2);
}

pub(super) fn a_finish_must_name_its_message<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t0", "zero");
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    let right = world.finish(&begin, &begun, "ONE");
    for (id, position) in [("u-t0", 0), ("u-t0", 2), ("u-t", 2), ("r-t0", 1)] {
        let mut wrong = right.clone();
        (wrong.message_id, wrong.position) = (message_id(id), position);
        assert_eq!(world.run(&wrong), Finished::Gone, "{id} at {position}");
    }
    assert_eq!(world.session("s1").total, 3);
    // Where the message is, the record of the turn knows.
    let elsewhere = FinishTurn { position: 9_999_999, ..right };
    assert!(matches!(world.run(&elsewhere), Finished::Stored(_)));
    assert_eq!(world.contents("s1"), ["zero", "ZERO", "one", "ONE"]);
}

pub(super) fn a_finish_creates_no_session<E: Executor>(world: &mut World<E>) {
    let mut finish = world.exchange("s1", "t1", "one");
    finish.session = super::world::session_id("s2");
    assert_eq!(world.run(&finish), Finished::Absent);
    assert_eq!(world.info("s2"), None);
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_finish_after_a_delete_is_absent<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    let finish = world.finish(&begin, &begun, "ONE");
    assert!(world.delete("s1"));
    assert_eq!(world.run(&finish), Finished::Absent);
    assert!(!world.release(&begin));
    assert_eq!((world.info("s1"), world.list(10, None).count), (None, 0));
}

pub(super) fn a_finish_after_the_expiry_is_absent<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    world.wait(begin.ttl);
    let finish = world.finish(&begin, &begun, "ONE");
    assert_eq!(world.run(&finish), Finished::Absent);
    assert!(!world.release(&begin));
    assert_eq!((world.info("s1"), world.list(10, None).count), (None, 0));
}

pub(super) fn a_late_finish_does_not_meet_a_new_session<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    world.wait(begin.ttl);
    world.run(&world.begin("s1", "t2", "two"));
    let finish = world.finish(&begin, &begun, "ONE");
    assert_eq!(world.run(&finish), Finished::Superseded);
    assert_eq!(world.contents("s1"), ["two"]);
}

pub(super) fn a_released_turn_can_be_taken_over_at_once<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    assert!(world.release(&begin));
    assert!(world.release(&begin), "again, as after a lost answer");
    let mut second = world.begin("s1", "t1", "one");
    second.attempt = "t1-2".to_owned();
    let taken = world.run(&second);
    assert!(matches!(taken, Begun::Started { created: false, position: 0, .. }), "{taken:?}");
    assert!(!world.release(&begin), "it is another's by now");
    let late = world.finish(&begin, &begun, "LATE");
    assert_eq!(world.run(&late), Finished::Superseded);
    let finish = world.finish(&second, &taken, "ONE");
    assert!(matches!(world.run(&finish), Finished::Stored(_)));
}

pub(super) fn a_release_by_another_changes_nothing<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    let mut other = begin.clone();
    other.attempt = "t1-2".to_owned();
    assert!(!world.release(&other));
    assert!(matches!(world.run(&other), Begun::Running { .. }));
    let finish = world.finish(&begin, &begun, "ONE");
    world.run(&finish);
    assert!(!world.release(&begin), "what is done stays done");
    assert!(matches!(world.run(&other), Begun::Replay { .. }));
    let mut unknown = begin;
    unknown.turn = turn_id("t9");
    assert!(!world.release(&unknown));
}

pub(super) fn a_hundred_retries_are_one_turn<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    let finish = world.finish(&begin, &begun, "ONE");
    for _ in 0..100 {
        assert!(matches!(world.run(&begin), Begun::Started { created: false, .. }));
    }
    for _ in 0..100 {
        assert!(matches!(world.run(&finish), Finished::Stored(_)));
        assert!(matches!(world.run(&begin), Begun::Replay { .. }));
    }
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
    assert_eq!(world.session("s1").revision, 2);
}
