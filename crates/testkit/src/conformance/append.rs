//! Appends without a responder.

use super::operations::append;
use super::world::{World, turn_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::fingerprint::{RequestKind, of_request};
use chatkeep_model::plan::{Appended, Begun};

pub(super) fn an_append_stores_all_its_messages<E: Executor>(world: &mut World<E>) {
    let mut first = append(world, "s1", "a", 3);
    first.title = "Appended".to_owned();
    assert!(matches!(world.run(&first), Appended::Stored { created: true, session } if session.next == 3));
    world.exchange("s1", "t1", "text");
    let more = append(world, "s1", "b", 2);
    assert!(matches!(world.run(&more), Appended::Stored { created: false, session } if session.total == 7));
    assert_eq!(world.contents("s1"), ["pět", "pět", "pět", "text", "TEXT", "pět", "pět"]);
    let card = &world.list(1, None).cards[0];
    assert_eq!((card.count, card.title.as_str()), (7, "Appended"));
}

pub(super) fn a_repeated_append_changes_nothing<E: Executor>(world: &mut World<E>) {
    let once = append(world, "s1", "a", 2);
    world.run(&once);
    let before = world.session("s1");
    world.wait(Millis(5_000));
    assert!(matches!(world.run(&once), Appended::Stored { created: false, .. }));
    assert_eq!(world.session("s1"), before);
    let mut other = once.clone();
    other.fingerprint = of_request(RequestKind::Append, ["other"]);
    assert_eq!(world.run(&other), Appended::Mismatch);
    assert_eq!(world.session("s1"), before);
}

pub(super) fn an_append_may_have_to_find_its_session<E: Executor>(world: &mut World<E>) {
    let mut existing = append(world, "s1", "a", 1);
    existing.existing = true;
    assert_eq!(world.run(&existing), Appended::Absent);
    world.create("s1", "c", "");
    assert!(matches!(world.run(&existing), Appended::Stored { .. }));
    world.delete("s1");
    existing.operation = turn_id("late");
    assert_eq!(world.run(&existing), Appended::Deleted);
    world.limits.sessions_per_owner = 1;
    world.create("s2", "c", "");
    assert_eq!(world.run(&append(world, "s3", "a", 1)), Appended::Full);
}

pub(super) fn an_append_drops_the_oldest_beyond_the_cap<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 4;
    world.exchange("s1", "t1", "one");
    world.run(&append(world, "s1", "a", 3));
    assert_eq!(world.contents("s1"), ["ONE", "pět", "pět", "pět"]);
    world.run(&append(world, "s1", "b", 6));
    assert_eq!((world.session("s1").kept(), world.session("s1").total), (6, 11), "what comes together stays together");
    assert!(matches!(world.run(&world.begin("s1", "t2", "two")), Begun::Started { .. }));
    assert_eq!(world.session("s1").kept(), 3);
}
