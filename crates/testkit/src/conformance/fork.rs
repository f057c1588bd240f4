//! Forks: a new session with the messages of another up to one of them.

use super::operations::{fork, patch, write_state};
use super::world::{World, message_id, session_id};
use crate::executor::Executor;
use chatkeep_model::plan::{Forked, Info, ReadState, Stated};

pub(super) fn a_fork_has_the_messages_the_state_and_the_metadata<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    world.run(&write_state(world, "s1", "w1", r#"{"n":1}"#));
    let mut change = patch(world, "s1", "p1");
    change.metadata = Some(r#"{"a":1}"#.to_owned());
    change.title = Some("Root".to_owned());
    change.pinned = Some(true);
    world.run(&change);
    let mut branch = fork(world, "s1", "s2", "f1");
    branch.at = Some(message_id("r-t1"));
    let forked = world.run(&branch);
    let Forked::Created(session) = &forked else { panic!("{forked:?}") };
    assert_eq!((session.title.as_str(), session.total, session.kept()), ("Root", 4, 4));
    assert!(!session.flags.pinned, "marks stay where they were made");
    assert_eq!(world.contents("s2"), ["q0", "Q0", "q1", "Q1"]);
    let now = world.now();
    let read = ReadState { sessions: vec![session_id("s2")], now };
    assert!(matches!(world.run(&read).first(), Some(Stated::State(_, json)) if json == r#"{"n":1}"#));
    let info = world.run(&Info { session: session_id("s2"), now }).expect("it is there");
    assert_eq!(info.metadata.as_deref(), Some(r#"{"a":1}"#));
    world.exchange("s2", "t9", "elsewhere");
    assert_eq!(world.session("s1").total, 6, "each goes on alone");
    assert_eq!(world.list(10, None).count, 2);
}

pub(super) fn a_repeated_fork_makes_one_session<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let branch = fork(world, "s1", "s2", "f1");
    world.run(&branch);
    world.exchange("s2", "t2", "two");
    assert!(matches!(world.run(&branch), Forked::Created(session) if session.total == 4));
    assert_eq!(world.run(&fork(world, "s1", "s2", "f2")), Forked::Exists);
    assert_eq!(world.contents("s2"), ["one", "ONE", "two", "TWO"]);
}

pub(super) fn a_fork_needs_its_source_its_message_and_room<E: Executor>(world: &mut World<E>) {
    assert_eq!(world.run(&fork(world, "s1", "s2", "f1")), Forked::Absent);
    world.exchange("s1", "t1", "one");
    let mut branch = fork(world, "s1", "s2", "f1");
    branch.at = Some(message_id("never"));
    assert_eq!(world.run(&branch), Forked::Unknown);
    world.create("s2", "c", "");
    world.delete("s2");
    assert_eq!(world.run(&fork(world, "s1", "s2", "f1")), Forked::Deleted);
    world.limits.sessions_per_owner = 1;
    assert_eq!(world.run(&fork(world, "s1", "s3", "f1")), Forked::Full);
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_long_session_is_forked_whole<E: Executor>(world: &mut World<E>) {
    for batch in 0..11 {
        world.run(&super::operations::append(world, "s1", &format!("a{batch}-"), 100));
    }
    world.limits.messages_per_session = 1000;
    assert!(matches!(world.run(&fork(world, "s1", "s2", "f1")), Forked::Created(_)));
    let (one, two) = (world.session("s1"), world.session("s2"));
    assert_eq!((one.kept(), one.bytes), (two.kept(), two.bytes));
    assert_eq!(world.page("s1", 500, None).messages, world.page("s2", 500, None).messages);
}
