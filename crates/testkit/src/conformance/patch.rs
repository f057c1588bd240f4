//! Patches: title, marks, metadata; and touches.

use super::operations::{patch, touch};
use super::world::{World, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::fingerprint::{RequestKind, of_request};
use chatkeep_model::plan::{Details, Info, Patched};

fn done(patched: Patched) -> Details {
    let Patched::Done(details) = patched else { panic!("{patched:?}") };
    details
}

pub(super) fn a_patch_changes_what_it_names<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "Before");
    let mut first = patch(world, "s1", "p1");
    first.title = Some("Přejmenováno  dvakrát".to_owned());
    first.pinned = Some(true);
    first.metadata = Some(r#"{"k":"ž"}"#.to_owned());
    let patched = done(world.run(&first));
    assert_eq!((patched.session.title.as_str(), patched.session.flags.pinned), ("Přejmenováno  dvakrát", true));
    assert_eq!(patched.metadata.as_deref(), Some(r#"{"k":"ž"}"#));
    let card = &world.list(1, None).cards[0];
    assert_eq!((card.title.as_str(), card.flags.pinned, card.flags.archived), ("Přejmenováno  dvakrát", true, false));

    let mut second = patch(world, "s1", "p2");
    second.archived = Some(true);
    second.pinned = Some(false);
    second.metadata = Some(String::new());
    let patched = done(world.run(&second));
    assert_eq!((patched.session.flags.pinned, patched.session.flags.archived), (false, true));
    assert_eq!((patched.session.title.as_str(), patched.metadata), ("Přejmenováno  dvakrát", None));
    let info = world.run(&Info { session: session_id("s1"), now: world.now() }).expect("it is there");
    assert_eq!((info.session, info.metadata), (patched.session, None));
}

pub(super) fn a_repeated_patch_undoes_no_later_one<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    let titled = |world: &World<E>, operation: &str, title: &str| {
        let mut titled = patch(world, "s1", operation);
        titled.title = Some(title.to_owned());
        titled.fingerprint = of_request(RequestKind::Patch, [title]);
        titled
    };
    let first = titled(world, "p1", "First");
    let second = titled(world, "p2", "Second");
    world.run(&first);
    world.run(&second);
    let before = world.session("s1");
    assert_eq!(done(world.run(&first)).session.title, "Second");
    assert_eq!(world.session("s1"), before);
    assert_eq!(world.run(&patch(world, "absent", "p1")), Patched::Absent);
}

pub(super) fn a_touch_slides_the_ttl_alone<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    world.create("s2", "c2", "");
    let before = world.session("s1");
    world.wait(Millis(60_000));
    let touched = world.run(&touch(world, "s1")).expect("it is there");
    assert_eq!(touched.expires, world.now().after(world.limits.ttl));
    assert_eq!((touched.updated, touched.revision), (before.updated, before.revision));
    assert_eq!(world.listed(), ["s1", "s2"]);
    world.wait(Millis(world.limits.ttl.0 - 30_000));
    assert_eq!(world.listed(), ["s1"]);
    assert_eq!(world.run(&touch(world, "s2")), None);
}
