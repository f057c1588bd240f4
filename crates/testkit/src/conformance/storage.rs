//! The bytes that an owner may have: live sessions, and deleted ones as long as they can be restored.

use super::operations::{append, fork, import, restore, write_state};
use super::world::{World, message_id, stored};
use crate::executor::Executor;
use chatkeep_model::plan::{Appended, Begun, Created, Finished, Forked, Imported, Restored, Written};
use chatkeep_model::{Millis, Role};

/// Writes a state of so many bytes; says whether it is stored.
fn fill<E: Executor>(world: &mut World<E>, session: &str, operation: &str, bytes: usize) -> bool {
    let state = format!("\"{}\"", "x".repeat(bytes - 2));
    match world.run(&write_state(world, session, operation, &state)) {
        Written::Stored { .. } => true,
        Written::StorageFull => false,
        other => panic!("{other:?}"),
    }
}

pub(super) fn every_write_that_adds_bytes_meets_the_budget<E: Executor>(world: &mut World<E>) {
    world.limits.owner_bytes = 202_500;
    assert!(fill(world, "s1", "w1", 100_000));
    assert!(fill(world, "s2", "w2", 100_000));
    assert_eq!(world.create("s3", "c3", ""), Created::StorageFull);
    assert!(!fill(world, "s3", "w3", 10));
    assert_eq!(world.run(&world.begin("s3", "t3", "text")), Begun::StorageFull);
    assert_eq!(world.run(&append(world, "s3", "a3", 1)), Appended::StorageFull);
    assert_eq!(world.run(&fork(world, "s1", "s3", "f3")), Forked::StorageFull);
    assert_eq!(world.run(&import(world, "s3", 0, 1)), Imported::StorageFull);
    assert_eq!(world.list(10, None).count, 2, "nothing is left of what was refused");
    assert_eq!(world.info("s3"), None);

    let before = world.session("s1");
    let mut large = append(world, "s1", "a1", 1);
    large.messages = vec![stored(&message_id("large"), Role::User, &"x".repeat(70_000), None)];
    assert_eq!(world.run(&large), Appended::StorageFull);
    assert_eq!(world.run(&world.begin("s1", "t1", &"x".repeat(70_000))), Begun::StorageFull);
    assert!(!fill(world, "s1", "w4", 170_000));
    assert_eq!(world.session("s1"), before);
    world.limits.owner_bytes = 0;
    assert!(matches!(world.create("s3", "c3", ""), Created::Created(_)), "without a budget there is none");
}

pub(super) fn small_steps_and_replies_are_not_refused<E: Executor>(world: &mut World<E>) {
    world.limits.owner_bytes = 101_100;
    assert!(fill(world, "s1", "w1", 100_000));
    let begin = world.begin("s1", "t1", "a question inside the unit that the session has come to");
    let begun = world.run(&begin);
    let finish = world.finish(&begin, &begun, &"x".repeat(140_000));
    assert!(matches!(world.run(&finish), Finished::Stored(_)), "the reply is kept");
    assert!(!fill(world, "s2", "w2", 10));
    assert!(fill(world, "s1", "w3", 10), "what becomes smaller is written");
}

pub(super) fn deleted_sessions_count_until_they_are_gone<E: Executor>(world: &mut World<E>) {
    world.limits.owner_bytes = 150_000;
    for number in 0..3 {
        let id = format!("s{number}");
        let stored = fill(world, &id, "w", 60_000);
        assert_eq!(stored, number < 2, "{id}");
        world.delete(&id);
    }
    assert!(matches!(world.run(&restore(world, "s0", "r0")), Restored::Back(_)), "they are counted already");
    assert!(!fill(world, "s4", "w", 60_000));
    world.delete("s0");
    world.wait(Millis(world.limits.undo.0 + 1));
    assert!(fill(world, "s5", "w", 60_000));
    assert!(fill(world, "s6", "w", 60_000));
    assert!(!fill(world, "s7", "w", 60_000));
}

pub(super) fn sessions_that_shrink_or_end_make_room<E: Executor>(world: &mut World<E>) {
    world.limits.owner_bytes = 210_000;
    // Counted again and again in units, but stored once.
    for number in 0..20 {
        assert!(fill(world, "s1", &format!("large{number}"), 100_000), "{number}");
        assert!(fill(world, "s1", &format!("small{number}"), 10), "{number}");
    }
    assert!(fill(world, "s1", "last", 100_000));
    assert!(fill(world, "s2", "w", 100_000));
    assert!(!fill(world, "s3", "w", 100_000));
    world.wait(world.limits.ttl);
    assert!(fill(world, "s3", "w", 100_000));
    assert!(fill(world, "s4", "w", 100_000));
    assert!(!fill(world, "s5", "w", 100_000));
    world.act_for("another");
    assert!(fill(world, "s5", "w", 100_000), "each owner has a budget");
}
