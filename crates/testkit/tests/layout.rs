//! What Redis holds: which keys, of which type, for how long; and that the list survives the loss of its keys.

use chatkeep_model::Owner;
use chatkeep_model::fingerprint::{RequestKind, of_request};
use chatkeep_model::limits::slide_grain;
use chatkeep_model::plan::{Begun, Finished};
use chatkeep_model::{Limits, Millis};
use chatkeep_testkit::conformance::operations::restore;
use chatkeep_testkit::conformance::world::World;
use chatkeep_testkit::{RedisExecutor, RedisServer, audit};
use std::collections::BTreeSet;

fn server() -> RedisServer {
    RedisServer::start().unwrap_or_else(|error| panic!("{error}"))
}

fn world(server: &RedisServer) -> World<RedisExecutor> {
    World::new(server.executor(), "ada")
}

/// The names of all keys.
fn names(world: &mut World<RedisExecutor>) -> BTreeSet<String> {
    world.store().command(&["KEYS", "*"])
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// How long a key still lives.
fn life(world: &mut World<RedisExecutor>, key: &str) -> i64 {
    world.store().command(&["PTTL", key])
}

fn assert_sound(world: &mut World<RedisExecutor>) {
    let now = world.now();
    let problems = audit::problems(world.store(), now);
    assert!(problems.is_empty(), "{problems:#?}");
}

const SESSION: &str = "chatkeep:{u-ada}:s:s1";
const INDEX: &str = "chatkeep:{u-ada}:index";
const CARDS: &str = "chatkeep:{u-ada}:cards";

#[test]
fn a_session_is_one_hash_and_a_line_in_its_owners_list() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "Dobrý den");
    world.create("s2", "c1", "Title");
    assert_eq!(names(&mut world), set(&[CARDS, INDEX, SESSION, "chatkeep:{u-ada}:s:s2"]));
    let fields = world.store().fields(SESSION);
    let known: BTreeSet<String> = fields.keys().cloned().collect();
    let session = [
        "bytes", "created", "exp", "extra", "first", "flags", "next", "rev", "seal", "slid", "title", "total", "turns",
        "updated", "used", "v",
    ];
    assert_eq!(known, set(&[&session[..], &["m:0", "m:1", "q:0", "t:t1"]].concat()));
    assert_eq!((fields["v"].as_str(), fields["seal"].len(), fields["turns"].as_str()), ("2", 32, "1"));
    assert_eq!(fields["t:t1"], format!("done t1-1 0 = {} u-t1 0 1", turn_fingerprint("Dobrý den")));

    let ttl = i64::try_from(Limits::default().ttl.0).expect("a time");
    let lives = [SESSION, INDEX, CARDS].map(|key| life(&mut world, key));
    assert!(lives[0] <= ttl && lives[0] > ttl - 60_000, "{lives:?}");
    assert!(lives[1] > ttl / 4 * 5 - 60_000 && lives[2] > ttl / 4 * 5 - 60_000, "{lives:?}");
    assert_sound(&mut world);
}

fn turn_fingerprint(text: &str) -> String {
    of_request(RequestKind::Turn, [text])
}

#[test]
fn sessions_of_the_first_layout_are_counted_when_they_are_read() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "text");
    world.exchange("s1", "t2", "text");
    let counted = world.session("s1").bytes;
    let outdate = |world: &mut World<RedisExecutor>| {
        assert_eq!(world.store().command::<i64>(&["HDEL", SESSION, "bytes"]), 1);
        world.store().command::<i64>(&["HSET", SESSION, "v", "1"]);
    };
    outdate(&mut world);
    assert_eq!(world.session("s1").bytes, 0, "what reads fields alone can't know");
    assert_eq!(world.page("s1", 1, None).session.bytes, counted);
    assert_eq!(world.store().fields(SESSION).get("bytes"), None, "reading writes nothing");
    world.limits.session_bytes = counted;
    world.exchange("s1", "t3", "text");
    let fields = world.store().fields(SESSION);
    assert_eq!((fields["v"].as_str(), world.session("s1").first), ("2", 1));
    assert_sound(&mut world);
    outdate(&mut world);
    world.delete("s1");
    world.run(&restore(&world, "s1", "undo"));
    assert_sound(&mut world);
}

#[test]
fn a_deleted_session_is_one_hash_for_its_undo_window() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "text");
    world.delete("s1");
    let deleted = "chatkeep:{u-ada}:d:s1";
    assert_eq!(names(&mut world), set(&[CARDS, deleted]), "the cards have its size");
    let life = life(&mut world, deleted);
    assert!(life > 0 && life <= 600_000, "{life}");
    assert_eq!(world.store().fields(deleted)["m:1"].matches("TEXT").count(), 1, "it holds what can be restored");
    world.wait(Millis(700_000));
    assert_eq!(names(&mut world), set(&[]));
}

#[test]
fn owners_and_prefixes_share_no_key() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "text");
    let mut other = World::new(RedisExecutor::connect(&server.url(), "other:").expect("a connection"), "ada");
    assert_eq!(other.info("s1"), None);
    other.exchange("s1", "t1", "text");
    assert_eq!(names(&mut world).iter().filter(|name| name.starts_with("other:{u-ada}:")).count(), 3);
    let owner: &Owner = world.owner();
    assert_eq!(owner.as_str(), "u-ada");
}

#[test]
fn nothing_is_left_when_all_has_expired() {
    let server = server();
    let mut world = world(&server);
    for number in 0..5 {
        world.exchange(&format!("s{number}"), "t1", "text");
        world.wait(Millis(60_000));
    }
    world.delete("s0");
    world.wait(Millis(world.limits.ttl.0 * 2));
    assert_eq!(names(&mut world), set(&[]));
}

#[test]
fn an_evicted_list_comes_back_with_a_time_to_live() {
    let server = server();
    for lost in [&[INDEX][..], &[CARDS], &[INDEX, CARDS]] {
        for slow in [false, true] {
            let mut world = world(&server);
            world.store().flush();
            let begin = world.begin("s1", "t1", "text");
            let begun = world.run(&begin);
            for key in lost {
                assert_eq!(world.store().command::<i64>(&["DEL", key]), 1);
            }
            if slow {
                world.wait(slide_grain(begin.ttl));
            }
            let finish = world.finish(&begin, &begun, "reply");
            assert!(matches!(world.run(&finish), Finished::Stored(_)));
            for key in [INDEX, CARDS] {
                let life = life(&mut world, key);
                assert!(life == -2 || life > 604_800_000, "{key} of {lost:?} lives {life}");
            }
            world.exchange("s1", "t2", "text");
            assert_eq!(world.listed(), ["s1"]);
            assert_sound(&mut world);
        }
    }
}

#[test]
fn an_evicted_session_is_absent_and_begins_anew() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "text");
    assert_eq!(world.store().command::<i64>(&["DEL", SESSION]), 1);
    assert_eq!(world.info("s1"), None);
    assert!(matches!(world.run(&world.begin("s1", "t1", "text")), Begun::Started { created: true, position: 0, .. }));
    assert_eq!(world.list(10, None).count, 1);
    assert_sound(&mut world);
}

#[test]
fn a_lost_script_cache_is_filled_by_one_more_call() {
    let server = server();
    let mut world = world(&server);
    world.exchange("s1", "t1", "text");
    let sent = world.store().sent();
    world.exchange("s1", "t2", "text");
    assert_eq!(world.store().sent() - sent, 2);
    world.store().command::<()>(&["SCRIPT", "FLUSH"]);
    let sent = world.store().sent();
    world.exchange("s1", "t3", "text");
    assert_eq!(world.store().sent() - sent, 4);
}
