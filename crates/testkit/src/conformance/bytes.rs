//! The bytes of the messages that a session keeps: counted exactly by every operation, and capped.

use super::operations::{append, fork, restore, texts, truncate};
use super::world::{SEAL, World, message_id, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Begun, CutAfter, Fork, Forked, Import, Imported};
use chatkeep_model::records::Notes;
use chatkeep_model::session::Flags;

/// Holds a session's count against its messages.
fn assert_exact<E: Executor>(world: &mut World<E>, session: &str, after: &str) -> u64 {
    let kept = world.page(session, 500, None);
    let bytes = kept.messages.iter().map(|message| message.len() as u64).sum();
    assert_eq!(world.session(session).bytes, bytes, "after {after}");
    assert_eq!(kept.session.bytes, bytes, "a page says the same");
    bytes
}

pub(super) fn every_operation_counts_the_bytes<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "Title");
    assert_eq!(assert_exact(world, "s1", "a create"), 0);
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), "žluťoučký 🐎");
        assert_exact(world, "s1", "a turn");
    }
    world.run(&append(world, "s1", "a", 5));
    assert_exact(world, "s1", "an append");

    let fork = Fork { at: Some(message_id("a1")), ..fork(world, "s1", "s2", "fork") };
    assert!(matches!(world.run(&fork), Forked::Created(_)));
    assert_exact(world, "s2", "a fork");

    world.run(&truncate(world, "s1", "cut", "a2"));
    assert_exact(world, "s1", "a truncate");
    let mut edit = world.begin("s1", "edit", "again");
    edit.cut_after = Some(CutAfter::Message(message_id("r-t1")));
    world.run(&edit);
    assert_exact(world, "s1", "an edit");

    world.delete("s1");
    world.run(&restore(world, "s1", "undo"));
    assert_exact(world, "s1", "a restore");
    world.limits.messages_per_session = 3;
    world.exchange("s1", "trimming", "text");
    assert_exact(world, "s1", "a trim");
    world.run(&truncate(world, "s1", "all", "-"));
    assert_eq!(assert_exact(world, "s1", "a truncate of all"), 0);
}

pub(super) fn imported_bytes_are_counted<E: Executor>(world: &mut World<E>) {
    let mut import = Import {
        session: session_id("s1"),
        title: String::new(),
        created: Millis(1),
        updated: Millis(2),
        flags: Flags::default(),
        metadata: String::new(),
        state: String::new(),
        notes: Notes::default(),
        seal: SEAL.to_owned(),
        position: 0,
        after: None,
        dry_run: false,
        operation: None,
        messages: (0..).map(|number| message_id(&format!("i{number}"))).zip(texts("i", 4)).collect(),
        now: world.now(),
        ttl: world.limits.ttl,
        messages_per_session: 1000,
        session_bytes: world.limits.session_bytes,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    };
    world.run(&import);
    let four = assert_exact(world, "s1", "an import");
    assert!(matches!(world.run(&import), Imported::Stored(session) if session.bytes == four), "once more");
    import.position = 4;
    import.messages = (0..).map(|number| message_id(&format!("j{number}"))).zip(texts("j", 4)).collect();
    import.messages_per_session = 6;
    world.run(&import);
    assert_exact(world, "s1", "an import over the cap");
    assert_eq!((world.session("s1").first, world.session("s1").kept(), world.session("s1").total), (2, 6, 8));
}

pub(super) fn the_oldest_messages_drop_beyond_the_bytes<E: Executor>(world: &mut World<E>) {
    for number in 0..4 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    let eight = world.session("s1").bytes;
    world.limits.session_bytes = eight;
    let begin = world.begin("s1", "t4", "text");
    let begun = world.run(&begin);
    let Begun::Started { session, window, .. } = &begun else { panic!("{begun:?}") };
    assert_eq!((session.first, session.kept(), window.len()), (1, 8, 9), "what drops now is still shown");
    let finish = world.finish(&begin, &begun, "TEXT");
    world.run(&finish);
    let kept = assert_exact(world, "s1", "a finish, which passes the cap until the next begin");
    assert!(kept > eight, "{kept}");
    world.exchange("s1", "t5", &"x".repeat(400));
    assert_exact(world, "s1", "a turn that needs the room of several");
    assert!(world.session("s1").bytes <= eight + 600, "{:?}", world.session("s1"));
    assert_eq!(world.session("s1").total, 12);

    world.limits.session_bytes = 1;
    world.exchange("s1", "t6", "a message is kept however large");
    assert_eq!(world.contents("s1"), ["a message is kept however large", "A MESSAGE IS KEPT HOWEVER LARGE"]);
    world.run(&append(world, "s1", "a", 3));
    assert_eq!(world.contents("s1"), ["pět"; 3]);
}

pub(super) fn a_lowered_cap_of_bytes_is_reached_in_steps<E: Executor>(world: &mut World<E>) {
    world.run(&append(world, "s1", "a", 100));
    world.run(&append(world, "s1", "b", 100));
    let all = world.session("s1").bytes;
    world.limits.session_bytes = all / 10;
    world.exchange("s1", "t1", "text");
    assert_eq!(world.session("s1").first, 64, "a call drops no more");
    assert_exact(world, "s1", "the first step");
    for number in 2..5 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    let kept = assert_exact(world, "s1", "the last step");
    assert!(kept < all / 10 + 300 && kept > all / 10 - 300, "{kept} of {all}");
}
