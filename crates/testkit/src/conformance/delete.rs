//! Delete: gone at once, and kept out for the undo window.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Begun, Created};

pub(super) fn a_deleted_session_is_gone<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.exchange("s2", "t2", "two");
    assert!(world.delete("s1"));
    assert_eq!(world.info("s1"), None);
    assert_eq!(world.listed(), ["s2"]);
    assert_eq!(world.list(10, None).count, 1);
}

pub(super) fn a_repeated_delete_is_a_delete<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    assert!(world.delete("s1"));
    world.wait(Millis(world.limits.undo.0 - 1));
    assert!(world.delete("s1"));
    world.wait(Millis(1));
    assert!(!world.delete("s1"), "a repetition does not prolong the undo window");
}

pub(super) fn an_unknown_session_is_not_deleted<E: Executor>(world: &mut World<E>) {
    assert!(!world.delete("s1"));
    world.create("s1", "c1", "");
    world.wait(world.limits.ttl);
    assert!(!world.delete("s1"), "nor an expired one");
}

pub(super) fn a_deleted_session_refuses_late_sends<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.delete("s1");
    world.wait(Millis(world.limits.undo.0 - 1));
    assert_eq!(world.run(&world.begin("s1", "t1", "one")), Begun::Deleted);
    assert_eq!(world.run(&world.begin("s1", "t2", "two")), Begun::Deleted);
    let mut existing = world.begin("s1", "t2", "two");
    existing.existing = true;
    assert_eq!(world.run(&existing), Begun::Deleted, "which says more than that it is absent");
    assert_eq!(world.create("s1", "c1", ""), Created::Deleted);
    assert_eq!(world.list(10, None).count, 0);
}

pub(super) fn the_id_is_free_after_the_undo_window<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.create("s2", "c2", "");
    world.delete("s1");
    world.delete("s2");
    world.wait(world.limits.undo);
    let begun = world.run(&world.begin("s1", "t1", "another"));
    assert!(matches!(begun, Begun::Started { created: true, position: 0, .. }), "{begun:?}");
    assert_eq!(world.contents("s1"), ["another"]);
    assert!(matches!(world.create("s2", "c2", ""), Created::Created(_)));
    assert_eq!(world.list(10, None).count, 2);
}

pub(super) fn a_delete_after_a_rebirth_counts_anew<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    world.delete("s1");
    world.wait(world.limits.undo);
    world.exchange("s1", "t1", "one");
    assert!(world.delete("s1"));
    world.wait(Millis(world.limits.undo.0 - 1));
    assert_eq!(world.create("s1", "c2", ""), Created::Deleted);
    world.wait(Millis(1));
    assert!(matches!(world.create("s1", "c2", ""), Created::Created(_)));
}
