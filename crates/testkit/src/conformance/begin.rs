//! Begin: what a turn's first call comes to.

use super::operations::patch;
use super::world::{World, contents, message_id, turn_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::fingerprint::{RequestKind, of_every_request};
use chatkeep_model::limits::REPLY_BYTES;
use chatkeep_model::plan::{BeginTurn, Begun, CutAfter, Finished, Patched, TurnMode};

pub(super) fn a_first_turn_creates_its_session<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "Dobrý den");
    let Begun::Started { created, message_id: id, position, session, window, .. } = world.run(&begin) else {
        panic!("not started")
    };
    assert!(created);
    assert_eq!((id, position), (message_id("u-t1"), 0));
    assert_eq!(window, [begin.message]);
    assert_eq!(
        (session.created, session.updated, session.expires),
        (world.now(), world.now(), begin.now.after(begin.ttl))
    );
    assert_eq!((session.first, session.next, session.total, session.revision), (0, 1, 1, 1));
    assert_eq!(session.title, "Dobrý den");
    assert_eq!(world.session("s1"), session);
    assert_eq!(world.listed(), ["s1"]);
}

pub(super) fn a_later_turn_sees_the_window<E: Executor>(world: &mut World<E>) {
    world.limits.window = 4;
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    let Begun::Started { created, position, window, session, .. } = world.run(&world.begin("s1", "t3", "q3")) else {
        panic!("not started")
    };
    assert!(!created);
    assert_eq!((position, session.next, session.title.as_str()), (6, 7, "q0"));
    assert_eq!(contents(&window), ["Q1", "q2", "Q2", "q3"]);

    world.limits.window = 1;
    let Begun::Started { window, .. } = world.run(&world.begin("s1", "t4", "q4")) else { panic!("not started") };
    assert_eq!(contents(&window), ["q4"]);
}

pub(super) fn a_finished_turn_is_replayed<E: Executor>(world: &mut World<E>) {
    let first = world.exchange("s1", "t1", "one");
    world.exchange("s1", "t2", "two");
    let before = world.session("s1");
    world.wait(Millis(5));
    let mut again = world.begin("s1", "t1", "one");
    again.attempt = "t1-2".to_owned();
    // The first attempt's message id is the one that was stored.
    again.message_id = message_id("u-other");
    let replay = Begun::Replay { message_id: message_id("u-t1"), reply: first.reply, session: before.clone() };
    assert_eq!(world.run(&again), replay);
    assert_eq!(world.run(&again), replay);
    assert_eq!(world.session("s1"), before);
}

pub(super) fn a_turn_that_runs_is_left_alone<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    world.run(&begin);
    world.wait(Millis(begin.lease.0 - 1));
    let mut other = world.begin("s1", "t1", "one");
    other.attempt = "t1-2".to_owned();
    let before = world.session("s1");
    assert_eq!(world.run(&other), Begun::Running { until: begin.now.after(begin.lease) });
    assert_eq!(world.session("s1"), before);
}

pub(super) fn another_payload_is_a_mismatch<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    world.run(&begin);
    let before = world.session("s1");
    assert_eq!(world.run(&world.begin("s1", "t1", "other")), Begun::Mismatch);
    world.wait(begin.lease);
    assert_eq!(world.run(&world.begin("s1", "t1", "other")), Begun::Mismatch);
    assert_eq!(world.session("s1"), before);
    world.exchange("s1", "t2", "two");
    assert_eq!(world.run(&world.begin("s1", "t2", "other")), Begun::Mismatch);
}

pub(super) fn a_turn_is_taken_over_after_its_lease<E: Executor>(world: &mut World<E>) {
    let first = world.begin("s1", "t1", "one");
    let begun = world.run(&first);
    world.exchange("s1", "t2", "two");
    world.wait(first.lease);
    let before = world.session("s1");
    let mut second = world.begin("s1", "t1", "one");
    second.attempt = "t1-2".to_owned();
    second.message_id = message_id("u-other");
    let taken = world.run(&second);
    let Begun::Started { created, message_id: id, position, session, window, .. } = taken.clone() else {
        panic!("not taken over")
    };
    assert!(!created);
    assert_eq!((id, position, &session), (message_id("u-t1"), 0, &before));
    assert_eq!(contents(&window), ["one"]);

    let mut third = world.begin("s1", "t1", "one");
    third.attempt = "t1-3".to_owned();
    assert_eq!(world.run(&third), Begun::Running { until: second.now.after(second.lease) });
    let late = world.finish(&first, &begun, "LATE");
    assert_eq!(world.run(&late), chatkeep_model::plan::Finished::Superseded);
    let finish = world.finish(&second, &taken, "ONE");
    world.run(&finish);
    assert_eq!(world.contents("s1"), ["one", "two", "TWO", "ONE"]);
}

pub(super) fn the_same_attempt_goes_on<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", "one");
    let Begun::Started { session, window, .. } = world.run(&begin) else { panic!("not started") };
    let Begun::Started { created, session: again, window: same, position, .. } = world.run(&begin) else {
        panic!("not started again")
    };
    assert!(!created, "the session is there by now");
    assert_eq!((again, same, position), (session, window, 0));
    assert_eq!(world.session("s1").total, 1);
}

pub(super) fn an_absent_session_is_not_created_when_it_must_exist<E: Executor>(world: &mut World<E>) {
    let mut begin = world.begin("s1", "t1", "one");
    begin.existing = true;
    assert_eq!(world.run(&begin), Begun::Absent);
    assert_eq!(world.info("s1"), None);
    assert_eq!(world.list(10, None).count, 0);
    world.create("s1", "c1", "");
    assert!(matches!(world.run(&begin), Begun::Started { created: false, .. }));
}

pub(super) fn a_turn_does_not_run_under_the_id_of_a_create<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    let mut begin = world.begin("s1", "c1", "one");
    assert_eq!(world.run(&begin), Begun::Mismatch);
    begin.fingerprint = of_every_request(RequestKind::Turn);
    assert_eq!(world.run(&begin), Begun::Mismatch);
    assert!(!world.release(&begin));
    assert_eq!(world.session("s1").total, 0);
}

pub(super) fn the_window_stops_at_a_megabyte<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}{}", "x".repeat(200_000)));
    }
    let begin = world.begin("s1", "t3", &"y".repeat(200_000));
    let started = world.run(&begin);
    let Begun::Started { window, .. } = &started else { panic!("not started") };
    assert_eq!(window.len(), 5, "five texts of 200 KB fit into a megabyte");
    assert_eq!(window[4], begin.message);
    assert!(contents(window)[0].starts_with("q1"));
    assert_eq!(world.run(&begin), started, "the retry is shown the same");
}

pub(super) fn a_window_of_exactly_a_megabyte_is_given<E: Executor>(world: &mut World<E>) {
    for (session, spare, given) in [("s1", 0, 2), ("s2", 1, 1)] {
        let newest = world.begin(session, "t2", "newest");
        let earlier = world.begin(session, "t1", "");
        let room = REPLY_BYTES - newest.message.len() - earlier.message.len();
        let begun = world.run(&world.begin(session, "t1", &"x".repeat(room + spare)));
        assert!(matches!(begun, Begun::Started { .. }));
        let Begun::Started { window, .. } = world.run(&newest) else { panic!("not started") };
        assert_eq!(window.len(), given, "with {spare} bytes too many");
        let Begun::Started { window, .. } = world.run(&newest) else { panic!("not started again") };
        assert_eq!(window.len(), given, "with {spare} bytes too many, again");
    }
}

pub(super) fn a_turn_of_another_session_is_another_turn<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "one");
    assert!(matches!(world.run(&world.begin("s2", "t1", "other")), Begun::Started { created: true, .. }));
    assert_eq!(world.contents("s1"), ["one", "ONE"]);
    assert_eq!(world.contents("s2"), ["other"]);
}

pub(super) fn an_edit_takes_the_messages_place<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    let mut edit = world.begin("s1", "edit", "better");
    edit.message_id = message_id("u-t1");
    edit.message = edit.message.replacen("u-edit", "u-t1", 1);
    edit.mode = TurnMode::Edit;
    let begun = world.run(&edit);
    let Begun::Started { position, window, session, .. } = &begun else { panic!("{begun:?}") };
    assert_eq!((*position, session.next, session.total), (2, 6, 6), "nothing is removed before there is a reply");
    assert_eq!(contents(window), ["q0", "Q0", "better"]);
    let finish = world.finish(&edit, &begun, "BETTER");
    assert!(matches!(world.run(&finish), Finished::Stored(session) if (session.next, session.total) == (4, 8)));
    assert_eq!(world.contents("s1"), ["q0", "Q0", "better", "BETTER"]);
    assert!(matches!(world.run(&edit), Begun::Replay { .. }));
    // A message whose id is new is appended.
    edit.turn = turn_id("fresh");
    edit.message_id = message_id("u-fresh");
    edit.message = edit.message.replacen("u-t1", "u-fresh", 1);
    let Begun::Started { position, .. } = world.run(&edit) else { panic!("not started") };
    assert_eq!(position, 4);
}

pub(super) fn a_derived_title_follows_the_first_message<E: Executor>(world: &mut World<E>) {
    for session in ["s1", "s2"] {
        world.exchange(session, "t0", "first");
        world.exchange(session, "t1", "second");
    }
    let edit = |world: &World<E>, session: &str, turn: &str, edited: &str| {
        let begin = world.begin(session, turn, "better");
        let message = begin.message.replacen(&format!("u-{turn}"), edited, 1);
        BeginTurn { message_id: message_id(edited), message, mode: TurnMode::Edit, ..begin }
    };
    for (session, turn, edited, title) in [("s1", "e1", "u-t1", "first"), ("s1", "e0", "u-t0", "better")] {
        let Begun::Started { session: after, .. } = world.run(&edit(world, session, turn, edited)) else {
            panic!("not started")
        };
        assert_eq!(after.title, title);
    }
    // One that somebody gave stays.
    let mut named = patch(world, "s2", "p1");
    named.title = Some("Given".to_owned());
    assert!(matches!(world.run(&named), Patched::Done(_)));
    let Begun::Started { session, .. } = world.run(&edit(world, "s2", "e2", "u-t0")) else { panic!("not started") };
    assert_eq!(session.title, "Given");
}

pub(super) fn a_message_is_answered_anew<E: Executor>(world: &mut World<E>) {
    for number in 0..3 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
    for (turn, target, before) in [("again", "u-t1", 6), ("once-more", "r-again", 4)] {
        let mut answer = world.begin("s1", turn, "");
        (answer.mode, answer.message_id, answer.message) = (TurnMode::Answer, message_id(target), String::new());
        let begun = world.run(&answer);
        let Begun::Started { created: false, message_id: asked, position: 2, window, session, .. } = &begun else {
            panic!("{begun:?}")
        };
        assert_eq!((asked, session.next), (&message_id("u-t1"), before));
        assert_eq!(contents(window), ["q0", "Q0", "q1"]);
        let finish = world.finish(&answer, &begun, turn);
        assert!(matches!(world.run(&finish), Finished::Stored(session) if session.next == 4));
    }
    assert_eq!(world.session("s1").total, 8);
    for (session, target, expected) in
        [("s1", "u-t2", Begun::Unknown), ("s1", "r-t1", Begun::Unknown), ("none", "u-t1", Begun::Absent)]
    {
        let mut answer = world.begin(session, "lost", "");
        (answer.mode, answer.message_id, answer.message) = (TurnMode::Answer, message_id(target), String::new());
        assert_eq!(world.run(&answer), expected, "{target}");
    }
}

/// A turn that replaces what follows the first exchange: it answers anew, edits, or cuts.
fn replacing<E: Executor>(world: &World<E>, session: &str, how: usize) -> BeginTurn {
    let mut begin = world.begin(session, "new", "better");
    match how {
        0 => (begin.mode, begin.message_id, begin.message) = (TurnMode::Answer, message_id("r-t1"), String::new()),
        1 => {
            (begin.mode, begin.message_id) = (TurnMode::Edit, message_id("u-t1"));
            begin.message = begin.message.replacen("u-new", "u-t1", 1);
        }
        _ => begin.cut_after = Some(CutAfter::Message(message_id("r-t0"))),
    }
    begin
}

pub(super) fn a_turn_that_fails_leaves_what_it_would_replace<E: Executor>(world: &mut World<E>) {
    for how in 0..3 {
        let session = format!("s{how}");
        for number in 0..3 {
            world.exchange(&session, &format!("t{number}"), &format!("q{number}"));
        }
        let all = ["q0", "Q0", "q1", "Q1", "q2", "Q2"];
        let begin = replacing(world, &session, how);
        assert!(matches!(world.run(&begin), Begun::Started { .. }));
        assert_eq!(world.contents(&session), all, "while it runs");
        assert!(world.release(&begin));
        assert_eq!(world.contents(&session), all, "after it was given up");
        let again = BeginTurn { attempt: "new-2".to_owned(), ..begin };
        let begun = world.run(&again);
        let Begun::Started { window, replaces: true, .. } = &begun else { panic!("{begun:?}") };
        let last = if how == 0 { "q1" } else { "better" };
        assert_eq!(contents(window), ["q0", "Q0", last], "it can be tried again");
        let finish = world.finish(&again, &begun, "new");
        assert!(matches!(world.run(&finish), Finished::Stored(_)));
        assert_eq!(world.contents(&session), ["q0", "Q0", last, "new"]);
        assert!(matches!(world.run(&again), Begun::Replay { .. }));
        assert!(
            matches!(world.run(&finish), Finished::Stored(session) if session.kept() == 4),
            "a finish is made once"
        );
    }
}

pub(super) fn a_turn_replaces_nothing_that_came_since<E: Executor>(world: &mut World<E>) {
    for how in 0..3 {
        let session = format!("s{how}");
        for number in 0..2 {
            world.exchange(&session, &format!("t{number}"), &format!("q{number}"));
        }
        let begin = replacing(world, &session, how);
        let begun = world.run(&begin);
        world.exchange(&session, "meanwhile", "other");
        let finish = world.finish(&begin, &begun, "new");
        assert!(matches!(world.run(&finish), Finished::Stored(_)));
        let expected: &[&str] = match how {
            0 => &["q0", "Q0", "q1", "Q1", "other", "OTHER", "new"],
            _ => &["q0", "Q0", "q1", "Q1", "other", "OTHER", "better", "new"],
        };
        assert_eq!(world.contents(&session), expected);
    }
}
