//! What is put before a session's messages: what an archive had of it when it was made anew.

use super::operations::import;
use super::world::{World, message_id, session_id, stored};
use crate::executor::Executor;
use chatkeep_model::plan::{Imported, Prepend, ReadState, Stated};
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, Role};

/// A session that was made with room before its first message.
fn apart<E: Executor>(world: &mut World<E>) -> Millis {
    let mut apart = import(world, "s1", world.limits.messages_per_session, 0);
    apart.after = Some(0);
    apart.title = String::new();
    let imported = world.run(&apart);
    assert!(matches!(&imported, Imported::Stored(session) if session.total == 0), "{imported:?}");
    world.exchange("s1", "t1", "later");
    apart.created
}

fn prepend<E: Executor>(world: &World<E>, created: Millis, names: std::ops::Range<u64>) -> Prepend {
    let message = |at| {
        let id = message_id(&format!("e{at}"));
        (id.clone(), stored(&id, Role::User, &format!("early {at}"), None))
    };
    Prepend {
        session: session_id("s1"),
        created,
        title: "Earlier".to_owned(),
        flags: Flags { pinned: true, ..Flags::default() },
        metadata: r#"{"k":1}"#.to_owned(),
        state: "[1]".to_owned(),
        earlier: 0,
        used: 5,
        messages: names.map(message).collect(),
        now: world.now(),
        ttl: world.limits.ttl,
        messages_per_session: world.limits.messages_per_session,
        session_bytes: world.limits.session_bytes,
    }
}

pub(super) fn what_was_archived_comes_before_what_came_since<E: Executor>(world: &mut World<E>) {
    let created = apart(world);
    let before = world.session("s1");
    let newest = Prepend { title: String::new(), state: String::new(), ..prepend(world, created, 2..4) };
    assert!(world.run(&newest).is_some());
    let oldest = Prepend { earlier: 7, ..prepend(world, created, 0..2) };
    assert!(world.run(&oldest).is_some());
    assert_eq!(world.contents("s1"), ["early 0", "early 1", "early 2", "early 3", "later", "LATER"]);
    let session = world.session("s1");
    assert_eq!((session.first, session.next), (before.first - 4, before.next));
    assert_eq!((session.total, session.title.as_str(), session.flags.pinned), (13, "Earlier", true));
    assert_eq!(session.expires, before.expires, "nobody used it");
    let read = ReadState { sessions: vec![session_id("s1")], now: world.now() };
    assert!(matches!(world.run(&read).first(), Some(Stated::State(_, json)) if json == "[1]"));
    world.exchange("s1", "t2", "last");
    assert_eq!(world.contents("s1").len(), 8);
}

pub(super) fn what_was_archived_comes_once<E: Executor>(world: &mut World<E>) {
    let created = apart(world);
    let part = prepend(world, created, 0..2);
    assert!(world.run(&part).is_some());
    let before = world.session("s1");
    assert_eq!(world.run(&part), Some(before.clone()));
    assert_eq!(world.session("s1"), before);
}

pub(super) fn what_was_archived_has_to_fit<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 5;
    let created = apart(world);
    assert!(world.run(&prepend(world, created, 0..9)).is_some());
    assert_eq!(world.contents("s1"), ["early 6", "early 7", "early 8", "later", "LATER"]);
    assert_eq!(world.session("s1").total, 11);
    assert!(world.run(&prepend(world, Millis(created.0 + 1), 0..1)).is_none(), "another session");
    world.exchange("s2", "t1", "first");
    let session = world.session("s2");
    let there = Prepend { session: session_id("s2"), ..prepend(world, session.created, 0..1) };
    assert!(world.run(&there).is_some());
    assert_eq!(world.contents("s2"), ["first", "FIRST"], "there is no room before it");
    world.delete("s1");
    assert!(world.run(&prepend(world, created, 0..1)).is_none());
}
