//! The machine of a store, driven by hand: what it sends when, and what its callers get.

mod world;

use super::event::Answer;
use crate::error::Outage;
use crate::time::Millis;
use world::World;

const LOST: Answer = Answer::Lost(Outage::Network);

fn refused(text: &str) -> Answer {
    Answer::Body { status: 400, text: format!(r#"{{"error":"{text}"}}"#) }
}

#[test]
fn in_memory_every_call_is_answered_at_once() {
    let mut world = World::new(r#"{"memory":true}"#);
    assert_eq!(world.call("get", "a", ""), Some(Ok("null".into())));
    assert_eq!(world.call("set", "a", r#"{"n":1}"#), Some(Ok("null".into())));
    assert_eq!(world.call("get", "a", ""), Some(Ok(r#"{"n":1}"#.into())));
    assert_eq!(world.call("createState", "a", "2"), Some(Ok(r#"{"n":1}"#.into())));
    assert_eq!(world.call("get", "a b", ""), Some(Err("invalid_session_id".into())));
    assert_eq!(world.call("fly", "a", ""), Some(Err("unsupported".into())));
    world.pass(3_600_000);
    assert_eq!(world.call("get", "a", ""), Some(Ok("null".into())));
    assert!(world.sent.is_empty());
}

#[test]
fn a_script_that_redis_does_not_know_is_sent_once_with_its_source() {
    let mut world = World::new("{}");
    assert_eq!(world.call("refreshTTL", "a", ""), None);
    assert_eq!(world.names(), ["note_owner", "touch"]);
    world.answer("touch", refused("NOSCRIPT No matching script. Please use EVAL."));
    assert_eq!(world.names(), ["note_owner", "touch with source"]);
    assert_eq!(world.answer("touch", world.reply_absent()), Some(Ok("false".into())));
}

#[test]
fn a_call_without_an_answer_is_repeated_once() {
    let mut world = World::new("{}");
    world.meet();
    assert_eq!(world.call("refreshTTL", "a", ""), None);
    assert_eq!(world.limits(), [Millis(300)]);
    assert_eq!(world.answer("touch", LOST), None);
    assert_eq!(world.limits(), [Millis(200)]);
    assert_eq!(world.answer("touch", world.reply_absent()), Some(Ok("false".into())));
    assert!(world.logged.is_empty());
}

#[test]
fn a_large_call_has_more_time() {
    let mut world = World::new("{}");
    world.meet();
    world.call("set", "a", &format!("\"{}\"", "x".repeat(600 * 1024)));
    assert_eq!(world.limits(), [Millis(500)]);
}

#[test]
fn the_first_contact_has_more_time_and_no_repetition() {
    let mut world = World::new("{}");
    world.call("get", "a", "");
    assert_eq!(world.limits(), [Millis(2000)]);
    assert_eq!(world.answer("read_state", LOST), Some(Ok("null".into())));
}

#[test]
fn in_an_outage_it_warns_once_and_goes_on_in_memory() {
    let mut world = World::down();
    assert_eq!(world.logged, ["redis_unavailable"]);
    assert_eq!(world.call("set", "a", "1"), Some(Ok("null".into())));
    assert_eq!(world.call("get", "a", ""), Some(Ok("1".into())));
    assert_eq!(
        world.call("addMessage", "b", r#"{"question":"Why?","answer":"So."}"#).map(|told| told.is_ok()),
        Some(true)
    );
    assert_eq!(world.call("info", "elsewhere", ""), Some(Err("store_unavailable".into())));
    assert_eq!(world.call("delete", "elsewhere", ""), Some(Ok("false".into())));
    assert!(world.sent.is_empty());
    assert_eq!(world.logged, ["redis_unavailable"]);
}

#[test]
fn the_journal_is_replayed_in_order_and_calls_wait_for_its_end() {
    let mut world = World::down();
    world.call("set", "a", "1");
    world.call("refreshTTL", "a", "");
    world.call("delete", "b", "");
    world.pass(300);
    assert_eq!(world.woke(), None);
    assert_eq!(world.names(), ["journaled"]);
    assert_eq!(world.call("get", "a", ""), None);
    world.answer("journaled", world.reply_written("a"));
    assert_eq!(world.names(), ["journaled"]);
    world.answer("journaled", world.reply_absent());
    world.answer("journaled", world.reply(r#"["gone",[]]"#));
    assert_eq!(world.names(), ["read_state"]);
    assert_eq!(world.answer("read_state", world.reply(r#"[[5,1,"1"]]"#)), Some(Ok("1".into())));
    assert_eq!(world.logged, ["redis_unavailable", "change_refused", "redis_recovered"]);
}

#[test]
fn a_replay_that_fails_goes_on_where_it_was() {
    let mut world = World::down();
    world.call("set", "a", "1");
    world.call("set", "b", "2");
    world.pass(300);
    world.woke();
    world.answer("journaled", world.reply_written("a"));
    assert_eq!(world.call("get", "b", ""), None);
    world.answer("journaled", LOST);
    // The call that waited goes on in memory.
    assert_eq!(world.answer("journaled", LOST), Some(Ok("2".into())));
    world.pass(100);
    world.wakes.clear();
    world.woke();
    assert!(world.sent.is_empty() && world.wakes.len() == 1);
    world.pass(600);
    world.woke();
    assert_eq!(world.names(), ["journaled"]);
    world.answer("journaled", world.reply_written("b"));
    assert_eq!(world.call("get", "b", ""), None);
    assert_eq!(world.logged, ["redis_unavailable", "redis_recovered"]);
}

#[test]
fn a_late_answer_to_a_replay_that_was_given_up_confirms_nothing_else() {
    let mut world = World::down();
    world.call("set", "a", "1");
    world.call("set", "b", "2");
    world.pass(300);
    world.woke();
    let late = world.sent[0].token;
    // The call that it was made in is gone, as on the edge; the next one begins again.
    world.pass(10_000);
    world.woke();
    assert_eq!(world.names(), ["journaled", "journaled"]);
    let again = world.sent[1].token;
    world.answer_token(again, world.reply_written("a"));
    assert_eq!(world.names(), ["journaled", "journaled"]);
    world.answer_token(late, world.reply_written("a"));
    assert_eq!(world.journaled(), 1);
}

#[test]
fn nothing_to_replay_is_found_out_by_a_ping() {
    let mut world = World::down();
    world.pass(300);
    world.woke();
    assert_eq!(world.names(), ["PING"]);
    world.answer("PING", world.reply("\"PONG\""));
    assert_eq!(world.call("get", "a", ""), None);
    assert_eq!(world.names(), ["read_state"]);
}

#[test]
fn what_is_learned_serves_in_an_outage() {
    let mut world = World::new("{}");
    world.meet();
    world.call("get", "a", "");
    world.answer("read_state", world.reply(r#"[[5,1,"{\"n\":1}"]]"#));
    world.call("get", "b", "");
    world.answer("read_state", LOST);
    assert_eq!(world.answer("read_state", LOST), Some(Ok("null".into())));
    assert_eq!(world.call("get", "a", ""), Some(Ok(r#"{"n":1}"#.into())));
    assert_eq!(world.call("createState", "a", "2"), Some(Ok(r#"{"n":1}"#.into())));
}

#[test]
fn wrong_credentials_are_nobodys_outage() {
    let mut world = World::new("{}");
    world.call("set", "a", "1");
    let told = world.answer("write_state", refused("WRONGPASS invalid username-password pair"));
    assert_eq!(told, Some(Err("store_misconfigured".into())));
    // In the middle of an outage too: nothing is lost, and nothing hidden.
    let mut world = World::down();
    world.call("set", "a", "1");
    world.pass(300);
    world.woke();
    world.answer("journaled", refused("NOAUTH Authentication required."));
    assert_eq!(world.call("get", "a", ""), Some(Err("store_misconfigured".into())));
    world.pass(600);
    world.woke();
    world.answer("journaled", world.reply_written("a"));
    assert_eq!(world.journaled(), 0);
}

#[test]
fn without_fallback_a_call_fails() {
    let mut world = World::new(r#"{"fallback":false}"#);
    world.meet();
    world.call("set", "a", "1");
    world.answer("write_state", LOST);
    assert_eq!(world.answer("write_state", LOST), Some(Err("store_unavailable".into())));
    assert_eq!(world.call("get", "a", ""), None);
}

#[test]
fn on_the_edge_the_call_that_finds_the_time_come_sees_the_replay_through() {
    let mut world = World::down_with(r#"{"background":false}"#);
    world.call("set", "a", "1");
    assert!(world.wakes.is_empty());
    world.pass(300);
    assert_eq!(world.call("get", "a", ""), None);
    assert_eq!(world.names(), ["journaled"]);
    // Another request has a context of its own: it doesn't wait for this one's.
    assert_eq!(world.call("get", "a", ""), Some(Ok("1".into())));
    world.answer("journaled", world.reply_written("a"));
    assert_eq!(world.answer("read_state", world.reply(r#"[[5,1,"1"]]"#)), Some(Ok("1".into())));
}

#[test]
fn a_close_replays_first_and_says_what_is_lost() {
    let mut world = World::down();
    world.call("set", "a", "1");
    assert_eq!(world.call("close", "", ""), None);
    assert_eq!(world.answer("journaled", world.reply_written("a")), Some(Ok("null".into())));
    let mut world = World::down();
    world.call("set", "a", "1");
    assert_eq!(world.call("close", "", ""), None);
    world.answer("journaled", LOST);
    assert_eq!(world.answer("journaled", LOST), Some(Ok("null".into())));
    assert_eq!(world.logged, ["redis_unavailable", "journal_lost"]);
}

#[test]
fn health_asks_redis_and_brings_the_store_back() {
    let mut world = World::down();
    world.call("set", "a", "1");
    assert_eq!(world.call("health", "", ""), None);
    let told = world.answer("PING", LOST);
    let expected =
        r#"{"connected":false,"latencyMs":null,"usingFallback":true,"store":"redis","journaled":1,"cause":"network"}"#;
    assert_eq!(told, Some(Ok(expected.into())));
    world.call("health", "", "");
    world.pass(7);
    let told = world.answer("PING", world.reply("\"PONG\""));
    let expected =
        r#"{"connected":true,"latencyMs":7,"usingFallback":true,"store":"redis","journaled":1,"cause":"network"}"#;
    assert_eq!(told, Some(Ok(expected.into())));
    assert_eq!(world.names(), ["journaled"]);
}
