//! Restores of deleted sessions, inside the undo window.

use super::operations::{delete, restore, write_state};
use super::world::{World, session_id, turn_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Begun, Delete, Deletion, ReadState, Restored, Stated};

pub(super) fn a_restored_session_is_as_it_was<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.run(&write_state(world, "s1", "w1", "[1]"));
    let before = world.session("s1");
    world.delete("s1");
    world.wait(Millis(60_000));
    let restored = world.run(&restore(world, "s1", "u1"));
    let Restored::Back(session) = &restored else { panic!("{restored:?}") };
    assert_eq!((session.title.as_str(), session.total, session.created), ("one", 2, before.created));
    assert_eq!(session.expires, world.now().after(world.limits.ttl));
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
    assert_eq!(world.listed(), ["s1"]);
    let now = world.now();
    let read = world.run(&ReadState { sessions: vec![session_id("s1")], now });
    assert!(matches!(read.first(), Some(Stated::State(_, json)) if json == "[1]"));
    assert!(matches!(world.run(&world.begin("s1", "t1", "one")), Begun::Replay { .. }), "its turns are remembered");
    world.exchange("s1", "t2", "two");
}

pub(super) fn a_repeated_restore_is_a_restore<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.delete("s1");
    let undo = restore(world, "s1", "u1");
    world.run(&undo);
    let before = world.session("s1");
    assert!(matches!(world.run(&undo), Restored::Back(_)));
    assert_eq!(world.session("s1"), before);
    assert_eq!(world.run(&restore(world, "s1", "u2")), Restored::Exists);
    world.delete("s1");
    assert!(matches!(world.run(&restore(world, "s1", "u3")), Restored::Back(_)), "deleted again, restored again");
}

pub(super) fn a_deletion_that_arrives_again_leaves_what_was_restored<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let delete = delete(world, "s1", "d1");
    let gone = Deletion::Gone(delete.sessions.clone());
    assert_eq!(world.run(&delete), gone);
    assert_eq!(world.run(&delete), gone, "while it is set aside");
    let Restored::Back(session) = world.run(&restore(world, "s1", "u1")) else { panic!("it was set aside") };
    world.wait(Millis(1000));
    let again = Delete { now: world.now(), ..delete.clone() };
    assert_eq!(world.run(&again), gone, "it says again what it did");
    assert_eq!(world.info("s1"), Some(session), "and did nothing");
    let another = Delete { operation: Some(turn_id("d2")), ..again };
    assert_eq!(world.run(&another), gone);
    assert_eq!(world.info("s1"), None);
}

pub(super) fn there_is_nothing_to_restore_after_the_undo_window<E: Executor>(world: &mut World<E>) {
    assert_eq!(world.run(&restore(world, "s1", "u1")), Restored::Absent);
    world.exchange("s1", "t1", "one");
    world.delete("s1");
    world.limits.sessions_per_owner = 1;
    world.create("s2", "c2", "");
    assert_eq!(world.run(&restore(world, "s1", "u1")), Restored::Full);
    world.delete("s2");
    world.wait(world.limits.undo);
    assert_eq!(world.run(&restore(world, "s1", "u1")), Restored::Absent);
    assert_eq!(world.listed(), Vec::<String>::new());
}
