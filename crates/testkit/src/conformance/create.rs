//! Create: an empty session, told apart from one that was there.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::plan::Created;
use chatkeep_model::{Millis, Session};

fn created<E: Executor>(world: &mut World<E>, session: &str, operation: &str, title: &str) -> Session {
    match world.create(session, operation, title) {
        Created::Created(session) => session,
        other => panic!("not created: {other:?}"),
    }
}

pub(super) fn a_created_session_is_empty_and_listed<E: Executor>(world: &mut World<E>) {
    let session = created(world, "s1", "c1", "");
    let (now, ttl) = (world.now(), world.limits.ttl);
    assert_eq!(session, Session { created: now, updated: now, expires: now.after(ttl), ..Session::default() });
    assert_eq!(world.session("s1"), session);
    assert_eq!(world.contents("s1"), Vec::<String>::new());
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_repeated_create_changes_nothing<E: Executor>(world: &mut World<E>) {
    let session = created(world, "s1", "c1", "Title");
    world.wait(Millis(1000));
    assert_eq!(created(world, "s1", "c1", "Other"), session);
    assert_eq!(world.session("s1"), session);
    assert_eq!(world.list(10, None).count, 1);
}

pub(super) fn a_create_on_another_session_exists<E: Executor>(world: &mut World<E>) {
    let session = created(world, "s1", "c1", "Title");
    assert_eq!(world.create("s1", "c2", "Other"), Created::Exists);
    assert_eq!(world.session("s1"), session);
}

pub(super) fn a_create_on_a_session_with_turns_exists<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    assert_eq!(world.create("s1", "c1", ""), Created::Exists);
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
}

pub(super) fn a_repeated_create_shows_what_happened_since<E: Executor>(world: &mut World<E>) {
    created(world, "s1", "c1", "");
    world.exchange("s1", "t1", "one");
    let session = created(world, "s1", "c1", "");
    assert_eq!((session.total, session.title.as_str()), (2, "one"));
}

pub(super) fn a_created_title_is_kept<E: Executor>(world: &mut World<E>) {
    created(world, "s1", "c1", "Výlet  do hor ");
    world.exchange("s1", "t1", "one");
    assert_eq!(world.session("s1").title, "Výlet  do hor ");
    assert_eq!(world.list(10, None).cards[0].title, "Výlet  do hor ");
}

pub(super) fn a_session_without_title_takes_it_from_its_first_turn<E: Executor>(world: &mut World<E>) {
    created(world, "s1", "c1", "");
    assert_eq!(world.list(10, None).cards[0].title, "");
    world.exchange("s1", "t1", "one");
    world.exchange("s1", "t2", "two");
    assert_eq!(world.session("s1").title, "one");
    assert_eq!(world.list(10, None).cards[0].title, "one");
}
