//! Survey: an owner's sessions by their cards, the longest unused first.

use super::world::{World, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Place, Survey, Weigh};

/// A page: its ids, and where it ends if there are more.
fn page<E: Executor>(world: &mut World<E>, limit: u64, after: Option<Place>) -> (Vec<String>, Option<Place>) {
    let page = world.run(&Survey { now: world.now(), after, limit });
    assert!(page.rows.len() as u64 <= limit);
    for (place, card) in &page.rows {
        let card = card.as_ref().expect("a card that nobody took away is there");
        assert_eq!((card.expires, &card.id), (place.expires, &place.id));
    }
    let last = page.rows.last().map(|(place, _)| place.clone());
    (page.rows.iter().map(|(place, _)| place.id.to_string()).collect(), last.filter(|_| page.more))
}

fn all<E: Executor>(world: &mut World<E>, limit: u64) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let (more, last) = page(world, limit, after);
        ids.extend(more);
        after = last;
        if after.is_none() {
            return ids;
        }
    }
}

pub(super) fn the_longest_unused_comes_first<E: Executor>(world: &mut World<E>) {
    for id in ["a", "b", "c"] {
        world.exchange(id, "t1", "text");
        world.wait(Millis(1));
    }
    world.exchange("a", "t2", "text");
    assert_eq!(page(world, 10, None), (["b", "c", "a"].map(str::to_owned).to_vec(), None));
}

pub(super) fn ties_are_surveyed_in_pages<E: Executor>(world: &mut World<E>) {
    // In an order that a language's rules would change.
    let expected = ["B", "Z", "a", "a-b", "a.b", "a1", "aa", "b", "z"];
    for name in expected.iter().rev() {
        world.create(name, "c", "");
    }
    for limit in 1..=10 {
        assert_eq!(all(world, limit), expected, "by {limit}");
    }
}

pub(super) fn what_is_used_meanwhile_is_not_missed<E: Executor>(world: &mut World<E>) {
    for number in 0..6 {
        world.create(&format!("s{number}"), "c", "");
        world.wait(Millis(1));
    }
    let (first, last) = page(world, 2, None);
    world.exchange("s1", "t", "already seen");
    world.exchange("s3", "t", "not seen yet");
    world.delete("s4");
    let (second, last) = page(world, 2, last);
    let (third, last) = page(world, 2, last);
    assert_eq!([first, second, third], [["s0", "s1"], ["s2", "s5"], ["s1", "s3"]]);
    assert_eq!(last, None);
}

pub(super) fn a_survey_from_a_time_gone_by_begins_with_what_is_left<E: Executor>(world: &mut World<E>) {
    for id in ["a", "b", "c"] {
        world.create(id, "c", "");
        world.wait(Millis(10));
    }
    let (_, last) = page(world, 1, None);
    world.wait(Millis(world.limits.ttl.0 - 20));
    assert_eq!(page(world, 5, last).0, ["c"]);
}

pub(super) fn sessions_are_weighed<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t1", "text");
    world.create("s2", "c", "");
    let bytes = world.session("s1").bytes;
    assert!(bytes > 0);
    let sessions = ["s2", "s1", "none"].map(session_id).to_vec();
    assert_eq!(world.run(&Weigh { sessions: sessions.clone(), now: world.now() }), [0, bytes, 0]);
    world.wait(world.limits.ttl);
    assert_eq!(world.run(&Weigh { sessions, now: world.now() }), [0, 0, 0]);
}
