//! List: an owner's sessions by their cards.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::Cursor;
use chatkeep_model::session::Card;

pub(super) fn the_newest_activity_comes_first<E: Executor>(world: &mut World<E>) {
    for id in ["a", "b", "c"] {
        world.exchange(id, "t1", "text");
        world.wait(Millis(1));
    }
    assert_eq!(world.listed(), ["c", "b", "a"]);
    world.exchange("a", "t2", "text");
    assert_eq!(world.listed(), ["a", "c", "b"]);
    world.run(&world.begin("b", "t2", "a turn that has only begun"));
    world.wait(Millis(1));
    world.run(&world.begin("b", "t3", "text"));
    assert_eq!(world.listed(), ["b", "a", "c"]);
}

/// The ids of all pages of this size, by the cursor.
fn paged<E: Executor>(world: &mut World<E>, limit: u64) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.list(limit, cursor);
        assert!(page.cards.len() as u64 <= limit);
        ids.extend(page.cards.iter().map(|card| card.id.to_string()));
        // The cursor goes to the client and comes back as text.
        let Some(next) = page.next else { return ids };
        cursor = Some(Cursor::parse(&next.to_text()).expect("a cursor's text is a cursor"));
        assert_eq!(cursor, Some(next));
    }
}

pub(super) fn pages_follow_the_cursor<E: Executor>(world: &mut World<E>) {
    for number in 0..10 {
        world.create(&format!("s{number}"), "c", "");
        world.wait(Millis(1));
    }
    let all = world.listed();
    assert_eq!((all.len(), all[0].as_str()), (10, "s9"));
    for limit in 1..=11 {
        assert_eq!(paged(world, limit), all, "by {limit}");
    }
}

pub(super) fn ties_of_expiry_are_paged<E: Executor>(world: &mut World<E>) {
    for group in 0..3 {
        for number in 0..5 {
            world.create(&format!("s{number}-{group}"), "c", "");
        }
        world.wait(Millis(1));
    }
    let all = world.listed();
    assert_eq!(all.len(), 15);
    assert_eq!(all[..6], ["s4-2", "s3-2", "s2-2", "s1-2", "s0-2", "s4-1"], "equals by descending id");
    for limit in 1..=16 {
        assert_eq!(paged(world, limit), all, "by {limit}");
    }
}

pub(super) fn cards_show_their_sessions<E: Executor>(world: &mut World<E>) {
    world.create("s1", "c", "Created");
    world.exchange("s2", "t1", "one");
    world.exchange("s2", "t2", "two");
    world.run(&world.begin("s3", "t1", "begun"));
    let listed = world.list(10, None);
    assert_eq!((listed.count, listed.next), (3, None));
    for card in listed.cards {
        let session = world.session(card.id.as_str());
        assert_eq!(card, Card::of(card.id.clone(), &session));
    }
}

pub(super) fn expired_sessions_are_invisible<E: Executor>(world: &mut World<E>) {
    for id in ["a", "b", "c"] {
        world.create(id, "c", "");
        world.wait(Millis(10));
    }
    let first = world.list(1, None);
    world.wait(Millis(world.limits.ttl.0 - 20));
    let listed = world.list(10, None);
    assert_eq!((listed.count, listed.cards.len(), listed.next), (1, 1, None));
    assert_eq!(world.listed(), ["c"]);
    let rest = world.list(10, first.next);
    assert_eq!((rest.count, rest.cards.len()), (1, 0), "nor does an old cursor show them");
}

pub(super) fn an_empty_list_is_empty<E: Executor>(world: &mut World<E>) {
    let listed = world.list(10, None);
    assert_eq!((listed.count, listed.cards.len(), listed.next), (0, 0, None));
    world.create("s1", "c", "");
    world.delete("s1");
    assert_eq!(world.list(10, None), listed);
}

pub(super) fn a_hundred_sessions_are_one_page<E: Executor>(world: &mut World<E>) {
    for number in 0..100 {
        world.create(&format!("s{number}"), "c", "Title");
    }
    let listed = world.list(100, None);
    assert_eq!((listed.count, listed.cards.len(), listed.next), (100, 100, None));
    let page = world.list(99, None);
    assert_eq!((page.count, page.cards.len()), (100, 99));
    assert_eq!(world.list(99, page.next).cards.len(), 1);
}
