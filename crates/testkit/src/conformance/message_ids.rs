//! Message ids: another message with the id of one that is looked at is refused, and changes nothing.

use super::operations::append;
use super::world::{World, message_id, stored};
use crate::executor::Executor;
use chatkeep_model::Role;
use chatkeep_model::limits::REMEMBERED_TURNS;
use chatkeep_model::plan::{Appended, BeginTurn, Begun, CutAfter};

/// A turn of that name whose message has an id of another.
fn begin_with<E: Executor>(world: &World<E>, turn: &str, id: &str) -> BeginTurn {
    let id = message_id(id);
    let message = stored(&id, Role::User, "again", None);
    BeginTurn { message_id: id, message, ..world.begin("s1", turn, "again") }
}

/// A turn that is known by its message's id, as one without a key is.
fn plain<E: Executor>(world: &World<E>, id: &str) -> BeginTurn {
    begin_with(world, id, id)
}

fn run_whole<E: Executor>(world: &mut World<E>, begin: &BeginTurn) {
    let begun = world.run(begin);
    let finish = world.finish(begin, &begun, "reply");
    world.run(&finish);
}

pub(super) fn a_message_id_in_the_window_is_refused<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let before = world.session("s1");
    for id in ["u-t1", "r-t1"] {
        assert_eq!(world.run(&begin_with(world, "t2", id)), Begun::Repeated, "{id}");
        let mut append = append(world, "s1", "a1", 2);
        append.messages.push(stored(&message_id(id), Role::User, "again", None));
        assert_eq!(world.run(&append), Appended::Repeated, "{id}");
    }
    assert_eq!(world.session("s1"), before);
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
    assert!(matches!(world.run(&world.begin("s1", "t1", "one")), Begun::Replay { .. }), "the turn itself is one");
}

pub(super) fn a_message_id_that_a_remembered_turn_had_is_refused<E: Executor>(world: &mut World<E>) {
    world.limits.window = 3;
    let first = plain(world, "m1");
    run_whole(world, &first);
    for number in 0..5 {
        world.exchange("s1", &format!("t{number}"), "text");
    }
    assert_eq!(world.run(&begin_with(world, "keyed", "m1")), Begun::Repeated);
    let mut append = append(world, "s1", "a1", 1);
    append.messages.push(stored(&message_id("m1"), Role::User, "again", None));
    assert_eq!(world.run(&append), Appended::Repeated);
    // Out of the window, and no turn was known by it: nobody looks there.
    assert!(matches!(world.run(&begin_with(world, "other", "u-t0")), Begun::Started { .. }));
    for number in 0..REMEMBERED_TURNS {
        world.exchange("s1", &format!("more{number}"), "text");
    }
    assert!(matches!(world.run(&begin_with(world, "late", "m1")), Begun::Started { .. }), "that turn is forgotten");
}

pub(super) fn an_id_is_free_where_its_message_is_not_kept<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    let first = plain(world, "m1");
    run_whole(world, &first);
    let mut edit = begin_with(world, "edit", "m1");
    assert_eq!(world.run(&edit), Begun::Repeated);
    edit.cut_after = Some(CutAfter::Message(message_id("r-t1")));
    run_whole(world, &edit);
    assert_eq!(world.contents("s1"), ["one", "ONE", "again", "reply"], "an edit takes the place of what it cuts");
    let mut cut = begin_with(world, "cut", "m1");
    cut.cut_after = Some(CutAfter::Message(message_id("m1")));
    assert_eq!(world.run(&cut), Begun::Repeated);
    assert_eq!(world.contents("s1"), ["one", "ONE", "again", "reply"], "a refusal cuts nothing");

    world.limits.messages_per_session = 2;
    run_whole(world, &plain(world, "m2"));
    assert!(matches!(world.run(&begin_with(world, "trimmed", "m1")), Begun::Started { .. }));
    world.exchange("s2", "t1", "one");
    assert_eq!(world.session("s2").total, 2, "in another session it is another message");
}
