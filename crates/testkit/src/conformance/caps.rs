//! Caps: messages a session, sessions an owner, turns remembered.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::limits::{REMEMBERED_TURNS, TRIM_PER_CALL};
use chatkeep_model::plan::{Begun, Created, Finished};

pub(super) fn the_oldest_messages_drop<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 4;
    for number in 0..5 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    let session = world.session("s1");
    assert_eq!((session.first, session.next, session.total, session.kept()), (6, 10, 10, 4));
    assert_eq!(world.contents("s1"), ["q3", "Q3", "q4", "Q4"]);
    let card = &world.list(1, None).cards[0];
    assert_eq!((card.count, card.total), (4, 10));

    let begin = world.begin("s1", "t5", "q5");
    let begun = world.run(&begin);
    let Begun::Started { window, .. } = &begun else { panic!("{begun:?}") };
    assert_eq!(super::world::contents(window), ["q3", "Q3", "q4", "Q4", "q5"], "what drops now is still shown");
    assert_eq!(world.contents("s1"), ["q4", "Q4", "q5"], "with room for the reply");
}

pub(super) fn a_lowered_cap_is_reached_in_steps<E: Executor>(world: &mut World<E>) {
    for number in 0..80 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    world.limits.messages_per_session = 10;
    let begin = world.begin("s1", "late", "text");
    let begun = world.run(&begin);
    let Begun::Started { session, .. } = &begun else { panic!("{begun:?}") };
    assert_eq!((session.first, session.next), (TRIM_PER_CALL, 161));
    let finish = world.finish(&begin, &begun, "reply");
    world.run(&finish);
    assert_eq!((world.session("s1").first, world.session("s1").next), (2 * TRIM_PER_CALL, 162));
    world.exchange("s1", "later", "text");
    assert_eq!((world.session("s1").kept(), world.session("s1").total), (10, 164));
}

pub(super) fn a_trimmed_reply_is_gone<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 4;
    world.exchange("s1", "t0", "zero");
    let zero = world.begin("s1", "t0", "zero");
    world.exchange("s1", "t1", "one");
    assert!(matches!(world.run(&zero), Begun::Replay { .. }));
    world.exchange("s1", "t2", "two");
    assert_eq!(world.run(&zero), Begun::Gone);
    assert_eq!(world.session("s1").total, 6);
}

pub(super) fn a_trimmed_question_is_gone<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 2;
    let begin = world.begin("s1", "t0", "zero");
    let begun = world.run(&begin);
    world.exchange("s1", "t1", "one");
    let finish = world.finish(&begin, &begun, "ZERO");
    assert_eq!(world.run(&finish), Finished::Gone);
    assert_eq!(world.run(&begin), Begun::Gone);
    assert_eq!(world.contents("s1"), ["one", "ONE"]);

    world.limits.messages_per_session = 10;
    let begin = world.begin("s1", "t2", "two");
    let begun = world.run(&begin);
    world.exchange("s1", "t3", "three");
    world.limits.messages_per_session = 2;
    let finish = world.finish(&begin, &begun, "TWO");
    assert!(matches!(world.run(&finish), Finished::Stored(_)), "its question goes only now");
    assert_eq!(world.contents("s1"), ["THREE", "TWO"]);
}

pub(super) fn an_owner_can_have_only_so_many<E: Executor>(world: &mut World<E>) {
    world.limits.sessions_per_owner = 3;
    world.exchange("s1", "t1", "one");
    world.create("s2", "c2", "");
    world.exchange("s3", "t3", "three");
    assert_eq!(world.run(&world.begin("s4", "t4", "four")), Begun::Full);
    assert_eq!(world.create("s4", "c4", ""), Created::Full);
    assert_eq!((world.info("s4"), world.list(10, None).count), (None, 3));
    world.exchange("s1", "t5", "a session that is there goes on");
    assert!(matches!(world.create("s2", "c2", ""), Created::Created(_)), "and what was created is created");
    world.act_for("another");
    world.exchange("s4", "t4", "four");
}

pub(super) fn expired_and_deleted_sessions_make_room<E: Executor>(world: &mut World<E>) {
    world.limits.sessions_per_owner = 100;
    for number in 0..99 {
        world.create(&format!("s{number}"), "c", "");
    }
    world.wait(Millis(1));
    world.create("last", "c", "");
    assert_eq!(world.create("more", "c", ""), Created::Full);
    world.wait(Millis(world.limits.ttl.0 - 1));
    assert_eq!(world.list(10, None).count, 1);
    world.limits.sessions_per_owner = 2;
    assert!(matches!(world.create("more", "c", ""), Created::Created(_)));
    assert_eq!(world.create("most", "c", ""), Created::Full);
    world.delete("last");
    assert!(matches!(world.run(&world.begin("most", "t", "text")), Begun::Started { created: true, .. }));
    assert_eq!(world.listed(), ["most", "more"]);
}

pub(super) fn the_last_128_turns_are_remembered<E: Executor>(world: &mut World<E>) {
    let first = world.begin("s1", "t0", "text");
    for number in 0..REMEMBERED_TURNS {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    assert!(matches!(world.run(&first), Begun::Replay { .. }));
    world.exchange("s1", "one-more", "text");
    let begun = world.run(&first);
    let forgotten = 2 * REMEMBERED_TURNS + 2;
    assert!(matches!(begun, Begun::Started { position, .. } if position == forgotten), "{begun:?}");
    assert!(matches!(world.run(&world.begin("s1", "t1", "text")), Begun::Started { .. }), "that forgot the second");
    assert!(matches!(world.run(&world.begin("s1", "t3", "text")), Begun::Replay { .. }));
    assert!(matches!(world.run(&world.begin("s1", "one-more", "text")), Begun::Replay { .. }));
}

pub(super) fn a_create_is_forgotten_like_a_turn<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    let begin = world.begin("s1", "open", "text");
    let begun = world.run(&begin);
    for number in 0..REMEMBERED_TURNS - 2 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    assert!(matches!(world.create("s1", "c1", ""), Created::Created(_)));
    world.exchange("s1", "last", "text");
    assert_eq!(world.create("s1", "c1", ""), Created::Exists);
    assert!(matches!(world.run(&begin), Begun::Started { .. }), "the open turn is the next");
    world.exchange("s1", "very-last", "text");
    let finish = world.finish(&begin, &begun, "reply");
    assert_eq!(world.run(&finish), Finished::Superseded, "a forgotten turn can't finish");
}
