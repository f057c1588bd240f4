//! Reseal: texts that were sealed anew come to their places, and what was changed meanwhile stays.

use super::operations::{patch, truncate, write_state};
use super::world::{World, message_id, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{
    Anew, Field, Info, ReadHistory, ReadState, ReadSummary, Reseal, Stated, Summarise, Summary, Tag,
};

fn reseal<E: Executor>(world: &World<E>, texts: &[(Field, &str, &str)]) -> Reseal {
    let anew =
        |(field, was, text): &(Field, &str, &str)| Anew { field: *field, was: (*was).into(), text: (*text).into() };
    let (now, ttl) = (world.now(), world.limits.ttl);
    Reseal { session: session_id("s"), texts: texts.iter().map(anew).collect(), now, ttl }
}

/// The stored messages.
fn messages<E: Executor>(world: &mut World<E>) -> Vec<String> {
    let read = ReadHistory { session: session_id("s"), now: world.now(), limit: 100, before: None };
    world.run(&read).map(|page| page.messages).unwrap_or_default()
}

/// A session with a title, metadata, a state, a summary and two messages; the state's tag.
fn filled<E: Executor>(world: &mut World<E>) -> Tag {
    world.exchange("s", "t1", "text");
    let mut named = patch(world, "s", "p1");
    (named.title, named.metadata) = (Some("Title".to_owned()), Some("{}".to_owned()));
    world.run(&named);
    world.run(&write_state(world, "s", "w1", "[1]"));
    let summary = Summary { until: 1, last: message_id("u-t1"), text: "short".to_owned() };
    assert!(world.run(&Summarise { session: session_id("s"), summary, now: world.now() }));
    tag(world)
}

fn tag<E: Executor>(world: &mut World<E>) -> Tag {
    match world.run(&ReadState { sessions: vec![session_id("s")], now: world.now() }).pop() {
        Some(Stated::State(tag, _)) => tag,
        other => panic!("{other:?}"),
    }
}

pub(super) fn what_is_still_there_is_replaced<E: Executor>(world: &mut World<E>) {
    let tag = filled(world);
    let (before, said) = (world.session("s"), messages(world));
    let longer = said[1].replace("\"}", " and more\"}");
    world.wait(Millis(5_000));
    let anew = [
        (Field::Title, "Title", "Ťitle"),
        (Field::Metadata, "{}", r#"{"a":1}"#),
        (Field::State(tag), "", "[2]"),
        (Field::Summary, "1 u-t1 short", "1 u-t1 in brief"),
        (Field::Message(1), &said[1], &longer),
    ];
    let operation = reseal(world, &anew);
    assert_eq!(world.run(&operation), 5);
    let after = world.session("s");
    assert_eq!((after.title.as_str(), after.revision, after.expires), ("Ťitle", before.revision, before.expires));
    assert_eq!(after.bytes - before.bytes, (longer.len() - said[1].len()) as u64);
    assert_eq!(world.list(10, None).cards.first().map(|card| card.title.as_str()), Some("Ťitle"));
    assert_eq!(messages(world), [said[0].clone(), longer]);
    let details = world.run(&Info { session: session_id("s"), now: world.now() });
    assert_eq!(details.and_then(|details| details.metadata).as_deref(), Some(r#"{"a":1}"#));
    let stated = world.run(&ReadState { sessions: vec![session_id("s")], now: world.now() });
    assert_eq!(stated, [Stated::State(tag, "[2]".to_owned())], "its tag is the same");
    let summary = world.run(&ReadSummary { session: session_id("s"), now: world.now() });
    assert_eq!(summary.map(|summary| summary.text).as_deref(), Some("in brief"));
    assert_eq!(world.run(&operation), 1, "the state alone is known by its tag");
}

pub(super) fn what_was_changed_meanwhile_stays<E: Executor>(world: &mut World<E>) {
    let tag = filled(world);
    let said = messages(world);
    let anew = [
        (Field::Title, "Title", "old"),
        (Field::Metadata, "{}", "old"),
        (Field::State(tag), "", "old"),
        (Field::Summary, "1 u-t1 short", "1 u-t1 old"),
        (Field::Message(0), &said[0], "old"),
        (Field::Message(1), &said[1], "old"),
        (Field::Message(9), "nothing", "old"),
    ];
    let stale = reseal(world, &anew);
    let mut named = patch(world, "s", "p2");
    (named.title, named.metadata) = (Some("Newer".to_owned()), Some(r#"{"b":2}"#.to_owned()));
    world.run(&named);
    world.run(&write_state(world, "s", "w2", "[3]"));
    world.run(&truncate(world, "s", "c1", "-"));
    world.exchange("s", "t2", "other");
    let (kept, session) = (messages(world), world.session("s"));
    assert_eq!(world.run(&stale), 0);
    assert_eq!((messages(world), world.session("s")), (kept, session));
    assert_eq!(tag, Tag { revision: 1, ..tag });
    world.wait(world.limits.ttl);
    assert_eq!(world.run(&Reseal { now: world.now(), ..stale }), 0);
}
