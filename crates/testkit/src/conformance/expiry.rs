//! Expiry: turns slide a session's time to live, reads don't, and what has expired is absent everywhere.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::limits::slide_grain;
use chatkeep_model::plan::{Begun, Created};

pub(super) fn turns_slide_the_ttl<E: Executor>(world: &mut World<E>) {
    let ttl = world.limits.ttl;
    world.create("s1", "c1", "");
    for number in 0..4 {
        world.wait(Millis(ttl.0 - 1));
        let begin = world.begin("s1", &format!("t{number}"), "text");
        let begun = world.run(&begin);
        assert!(matches!(begun, Begun::Started { created: false, .. }), "{begun:?}");
        assert_eq!(world.session("s1").expires, world.now().after(ttl));
        world.wait(world.limits.lease);
        let finish = world.finish(&begin, &begun, "reply");
        world.run(&finish);
        assert_eq!(world.session("s1").expires, world.now().after(ttl), "a slow responder's finish slides too");
        assert_eq!(world.list(1, None).cards[0].expires, world.now().after(ttl));
    }
}

pub(super) fn reads_slide_nothing<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let session = world.session("s1");
    world.wait(Millis(world.limits.ttl.0 / 2));
    world.page("s1", 10, None);
    world.list(10, None);
    // Nor do the repetitions of what has happened.
    world.run(&world.begin("s1", "t1", "one"));
    world.create("s1", "c1", "");
    assert_eq!(world.session("s1"), session);
    world.wait(Millis(world.limits.ttl.0 / 2));
    assert_eq!(world.info("s1"), None);
}

pub(super) fn an_expired_session_is_absent<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.wait(Millis(world.limits.ttl.0 - 1));
    assert!(world.info("s1").is_some());
    assert_eq!(world.list(10, None).count, 1);
    world.wait(Millis(1));
    assert_eq!(world.info("s1"), None);
    assert_eq!(world.list(10, None).count, 0);
    let mut begin = world.begin("s1", "t2", "two");
    begin.existing = true;
    assert_eq!(world.run(&begin), Begun::Absent);
}

pub(super) fn an_expired_session_begins_anew<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    world.create("s2", "c1", "Old");
    world.wait(world.limits.ttl);
    let begun = world.run(&world.begin("s1", "t1", "another"));
    let Begun::Started { created: true, position: 0, session, .. } = begun else { panic!("{begun:?}") };
    assert_eq!((session.created, session.total, session.title.as_str()), (world.now(), 1, "another"));
    assert_eq!(world.contents("s1"), ["another"]);
    assert!(matches!(world.create("s2", "c2", "New"), Created::Created(session) if session.title == "New"));
    assert_eq!(world.list(10, None).count, 2);
}

pub(super) fn a_session_in_use_never_leaves_the_list<E: Executor>(world: &mut World<E>) {
    let ttl = world.limits.ttl;
    world.exchange("s0", "t", "text");
    for number in 0..20 {
        world.wait(Millis(ttl.0 / 9));
        world.exchange("s1", &format!("t{number}"), "text");
        let listed = world.listed();
        assert_eq!(listed[0], "s1", "turn {number}");
        assert_eq!(listed.len(), if number < 8 { 2 } else { 1 });
    }
}

pub(super) fn a_late_finish_keeps_its_session_listed<E: Executor>(world: &mut World<E>) {
    let ttl = world.limits.ttl;
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    world.wait(Millis(ttl.0 - 1));
    let finish = world.finish(&begin, &begun, "ONE");
    world.run(&finish);
    world.wait(Millis(ttl.0 - 1));
    assert!(world.info("s1").is_some());
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_finish_at_once_slides_nothing<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let begun = world.run(&begin);
    world.wait(Millis(slide_grain(begin.ttl).0 - 1));
    let finish = world.finish(&begin, &begun, "ONE");
    world.run(&finish);
    assert_eq!(world.session("s1").expires, begin.now.after(begin.ttl));
}
