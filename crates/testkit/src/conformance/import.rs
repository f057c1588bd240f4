//! Imports, and the rebuild of the list.

use super::operations::import;
use super::world::{World, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Import, Imported, ReadState, Reindex, Stated};
use chatkeep_model::session::Flags;

pub(super) fn an_imported_session_is_as_it_was_exported<E: Executor>(world: &mut World<E>) {
    let mut whole = import(world, "s1", 0, 3);
    whole.flags = Flags { pinned: true, ..Flags::default() };
    whole.state = "[1]".to_owned();
    let imported = world.run(&whole);
    let Imported::Stored(session) = &imported else { panic!("{imported:?}") };
    assert_eq!((session.created, session.updated), (whole.created, whole.updated));
    assert_eq!(session.expires, world.now().after(world.limits.ttl), "the TTL begins anew");
    assert_eq!((session.title.as_str(), session.flags.pinned, session.total), ("Imported", true, 3));
    assert_eq!(world.contents("s1"), ["text 0", "text 1", "text 2"]);
    let now = world.now();
    let read = world.run(&ReadState { sessions: vec![session_id("s1")], now });
    assert!(matches!(read.first(), Some(Stated::State(_, json)) if json == "[1]"));
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_repeated_import_changes_nothing<E: Executor>(world: &mut World<E>) {
    let parts = [import(world, "s1", 0, 3), import(world, "s1", 3, 2)];
    for part in &parts {
        assert!(matches!(world.run(part), Imported::Stored(_)));
    }
    let before = world.session("s1");
    world.wait(Millis(1_000));
    for part in &parts {
        assert!(matches!(world.run(part), Imported::Stored(_)));
    }
    assert_eq!(world.session("s1"), before);
    assert!(
        matches!(world.run(&import(world, "s1", 4, 2)), Imported::Stored(session) if session.total == 6),
        "an overlap"
    );
    assert_eq!(world.contents("s1").last().map(String::as_str), Some("text 5"));
}

pub(super) fn an_import_that_does_not_fit_changes_nothing<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let before = world.session("s1");
    assert_eq!(world.run(&import(world, "s1", 0, 3)), Imported::Conflict);
    assert_eq!(world.run(&import(world, "s1", 5, 1)), Imported::Gap);
    assert_eq!(world.session("s1"), before);
    world.delete("s1");
    assert_eq!(world.run(&import(world, "s1", 0, 3)), Imported::Deleted);
    world.limits.sessions_per_owner = 0;
    assert_eq!(world.run(&import(world, "s2", 0, 1)), Imported::Full);
    assert_eq!(world.info("s2"), None);
}

pub(super) fn a_dry_run_says_what_an_import_would_come_to_and_changes_nothing<E: Executor>(world: &mut World<E>) {
    let dry = |import: Import| Import { dry_run: true, ..import };
    let new = dry(import(world, "s1", 0, 3));
    assert!(matches!(world.run(&new), Imported::Stored(_)));
    assert_eq!((world.info("s1"), world.listed()), (None, Vec::new()));
    world.exchange("s2", "t1", "one");
    let before = world.session("s2");
    assert_eq!(world.run(&dry(import(world, "s2", 0, 3))), Imported::Conflict);
    assert_eq!(world.run(&dry(import(world, "s2", 5, 1))), Imported::Gap);
    assert!(matches!(world.run(&dry(import(world, "s2", 2, 2))), Imported::Stored(_)));
    assert_eq!(world.session("s2"), before);
    world.delete("s2");
    assert_eq!(world.run(&dry(import(world, "s2", 0, 3))), Imported::Deleted);
    world.limits.sessions_per_owner = 0;
    assert_eq!(world.run(&dry(import(world, "s3", 0, 1))), Imported::Full);
}

pub(super) fn a_rebuild_changes_no_list_that_is_right<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange(&format!("s{number}"), "t1", "text");
        world.wait(Millis(10));
    }
    world.delete("s1");
    let before = world.list(10, None);
    let sessions = ["s0", "s1", "s2", "never"].map(session_id).to_vec();
    let rebuild = Reindex { sessions, now: world.now(), ttl: world.limits.ttl };
    world.run(&rebuild);
    assert_eq!(world.list(10, None), before);
    assert_eq!(world.listed(), ["s2", "s0"]);
}
