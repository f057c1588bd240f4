//! Cuts of a session's tail.

use super::operations::truncate;
use super::world::World;
use crate::executor::Executor;
use chatkeep_model::plan::{Begun, Truncated};

pub(super) fn a_cut_keeps_what_is_before_it<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    let cut = world.run(&truncate(world, "s1", "x1", "u-t1"));
    assert!(matches!(&cut, Truncated::Cut(session) if (session.next, session.total) == (3, 6)), "{cut:?}");
    assert_eq!(world.contents("s1"), ["q0", "Q0", "q1"]);
    let card = &world.list(1, None).cards[0];
    assert_eq!((card.count, card.total), (3, 6));
    world.exchange("s1", "t3", "q3");
    assert_eq!(world.contents("s1"), ["q0", "Q0", "q1", "q3", "Q3"]);
    world.run(&truncate(world, "s1", "x2", "-"));
    assert_eq!((world.session("s1").kept(), world.session("s1").total), (0, 8));
}

pub(super) fn a_repeated_cut_spares_what_came_since<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t0", "q0");
    world.exchange("s1", "t1", "q1");
    let cut = truncate(world, "s1", "x1", "r-t0");
    world.run(&cut);
    world.exchange("s1", "t2", "q2");
    let before = world.session("s1");
    assert!(matches!(world.run(&cut), Truncated::Cut(_)));
    assert_eq!(world.session("s1"), before);
    assert_eq!(world.contents("s1"), ["q0", "Q0", "q2", "Q2"]);
}

pub(super) fn a_cut_of_what_is_not_there_changes_nothing<E: Executor>(world: &mut World<E>) {
    assert_eq!(world.run(&truncate(world, "s1", "x1", "-")), Truncated::Absent);
    world.exchange("s1", "t0", "q0");
    let before = world.session("s1");
    assert_eq!(world.run(&truncate(world, "s1", "x2", "u-t9")), Truncated::Unknown);
    assert_eq!(world.session("s1"), before);
}

pub(super) fn a_turn_that_was_cut_away_is_gone<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t0", "q0");
    world.exchange("s1", "t1", "q1");
    let again = world.begin("s1", "t1", "q1");
    world.run(&truncate(world, "s1", "x1", "r-t0"));
    assert_eq!(world.run(&again), Begun::Gone);
    world.exchange("s1", "t2", "q2");
    assert_eq!(world.run(&again), Begun::Gone, "another message is in its place");
    assert_eq!(world.contents("s1"), ["q0", "Q0", "q2", "Q2"]);
}

pub(super) fn a_cut_finds_its_message_far_back<E: Executor>(world: &mut World<E>) {
    for number in 0..100 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    let cut = world.run(&truncate(world, "s1", "x1", "u-t3"));
    assert!(matches!(cut, Truncated::Cut(session) if session.next == 7));
    assert_eq!(world.contents("s1").len(), 7);
}
