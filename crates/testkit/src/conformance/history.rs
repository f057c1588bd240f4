//! History: pages of messages.

use super::world::{World, contents, session_id};
use crate::executor::Executor;
use chatkeep_model::limits::REPLY_BYTES;
use chatkeep_model::plan::ReadHistory;

fn ten_turns<E: Executor>(world: &mut World<E>) {
    for number in 0..10 {
        world.exchange("s1", &format!("t{number}"), &format!("q{number}"));
    }
}

pub(super) fn the_newest_messages_come_oldest_first<E: Executor>(world: &mut World<E>) {
    ten_turns(world);
    let page = world.page("s1", 3, None);
    assert_eq!(contents(&page.messages), ["Q8", "q9", "Q9"]);
    assert_eq!((page.from, page.next_before()), (17, Some(17)));
    assert_eq!(page.session, world.session("s1"));
    let all = world.page("s1", 500, None);
    assert_eq!((all.messages.len(), all.from, all.next_before()), (20, 0, None));
}

pub(super) fn pages_meet_without_gap_or_repeat<E: Executor>(world: &mut World<E>) {
    ten_turns(world);
    world.limits.messages_per_session = 16;
    world.exchange("s1", "t10", "q10");
    let whole = world.page("s1", 500, None).messages;
    for limit in 1..=17 {
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let page = world.page("s1", limit, before);
            pages.splice(0..0, page.messages.iter().cloned());
            before = page.next_before();
            if before.is_none() {
                break;
            }
        }
        assert_eq!(pages, whole, "by {limit}");
    }
}

pub(super) fn an_empty_session_has_an_empty_page<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c1", "");
    for before in [None, Some(0), Some(7)] {
        let page = world.page("s1", 10, before);
        assert_eq!((page.messages.len(), page.from, page.next_before()), (0, 0, None));
    }
}

pub(super) fn an_absent_session_has_no_page<E: Executor>(world: &mut World<E>) {
    let read = ReadHistory { session: session_id("s1"), now: world.now(), limit: 10, before: None };
    assert_eq!(world.run(&read), None);
    world.exchange("s1", "t1", "one");
    assert!(world.run(&read).is_some());
    world.delete("s1");
    assert_eq!(world.run(&read), None);
    world.exchange("s2", "t1", "one");
    world.wait(world.limits.ttl);
    assert_eq!(world.run(&ReadHistory { session: session_id("s2"), now: world.now(), ..read }), None);
}

pub(super) fn positions_out_of_range_are_bent<E: Executor>(world: &mut World<E>) {
    world.limits.messages_per_session = 4;
    ten_turns(world);
    let beyond = world.page("s1", 2, Some(9_007_199_254_740_993));
    assert_eq!(contents(&beyond.messages), ["q9", "Q9"]);
    let partly = world.page("s1", 10, Some(17));
    assert_eq!((contents(&partly.messages), partly.from), (vec!["q8".to_owned()], 16));
    for before in [0, 15, 16] {
        let dropped = world.page("s1", 10, Some(before));
        assert_eq!((dropped.messages.len(), dropped.from, dropped.next_before()), (0, 16, None), "before {before}");
    }
}

pub(super) fn a_page_stops_at_a_megabyte<E: Executor>(world: &mut World<E>) {
    for number in 0..4 {
        world.exchange("s1", &format!("t{number}"), &format!("{number}{}", "x".repeat(200_000)));
    }
    let newest = world.page("s1", 500, None);
    assert_eq!((newest.messages.len(), newest.from), (5, 3));
    let older = world.page("s1", 500, newest.next_before());
    assert_eq!((older.messages.len(), older.from, older.next_before()), (3, 0, None));
}

pub(super) fn a_page_of_exactly_a_megabyte_is_given<E: Executor>(world: &mut World<E>) {
    for (session, spare, given) in [("s1", 0, 2), ("s2", 1, 1)] {
        let newest = world.begin(session, "t2", "newest");
        let earlier = world.begin(session, "t1", "");
        let room = REPLY_BYTES - newest.message.len() - earlier.message.len();
        world.run(&world.begin(session, "t1", &"x".repeat(room + spare)));
        world.run(&newest);
        let page = world.page(session, 500, None);
        assert_eq!((page.messages.len(), page.from), (given, 2 - given as u64), "with {spare} bytes too many");
    }
}

pub(super) fn a_page_has_one_message_however_large<E: Executor>(world: &mut World<E>) {
    let begin = world.begin("s1", "t1", &"x".repeat(1_100_000));
    let begun = world.run(&begin);
    let finish = world.finish(&begin, &begun, "small");
    world.run(&finish);
    assert_eq!(contents(&world.page("s1", 10, None).messages), ["small"]);
    let large = world.page("s1", 10, Some(1));
    assert_eq!((large.messages.len(), large.messages[0].len()), (1, begin.message.len()));
    assert_eq!(large.next_before(), None);
}
