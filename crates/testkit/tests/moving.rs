//! Moving house: what a store keeps comes to Redis by imports, whole, and once however often it is repeated.

use chatkeep_model::fingerprint::{RequestKind, of_every_request};
use chatkeep_model::moving;
use chatkeep_model::plan::{Append, Imported, WriteState};
use chatkeep_model::plan::{Condition, Patch};
use chatkeep_model::records::MemoryRecords;
use chatkeep_model::{Millis, Operation};
use chatkeep_testkit::RedisServer;
use chatkeep_testkit::conformance::world::{World, message_id, session_id, stored, turn_id};

#[test]
fn a_long_session_moves_in_pages_and_keeps_its_end() {
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    let mut redis = server.executor();
    redis.flush();
    let mut world = World::new(redis, "ada");
    let (id, now, ttl) = (session_id("s"), world.now(), world.limits.ttl);
    let mut records = MemoryRecords::default();
    for page in 0..5 {
        let message = |at: u64| {
            stored(&message_id(&format!("m{page}-{at}")), chatkeep_model::Role::User, &format!("{page} {at} ž"), None)
        };
        let append = Append {
            session: id.clone(),
            operation: turn_id(&format!("o{page}")),
            fingerprint: of_every_request(RequestKind::Append),
            messages: (0..90).map(message).collect(),
            title: "Long".to_owned(),
            existing: false,
            seal: String::new(),
            now: Millis(now.0 + page),
            ttl,
            messages_per_session: 400,
            session_bytes: world.limits.session_bytes,
            window: world.limits.window,
            sessions_per_owner: 10,
            owner_bytes: 0,
        };
        append.apply(&mut records).unwrap_or_else(|error| match error {});
    }
    let patch = Patch {
        session: id.clone(),
        operation: turn_id("p"),
        fingerprint: of_every_request(RequestKind::Patch),
        title: Some("Plán".to_owned()),
        pinned: Some(true),
        automatic: false,
        archived: None,
        metadata: Some(r#"{"a":1}"#.to_owned()),
        now: Millis(now.0 + 10),
        ttl,
    };
    patch.apply(&mut records).unwrap_or_else(|error| match error {});
    let write = WriteState {
        session: id.clone(),
        operation: turn_id("w"),
        fingerprint: of_every_request(RequestKind::WriteState),
        condition: Condition::Any,
        state: "[1]".to_owned(),
        seal: String::new(),
        now: Millis(now.0 + 20),
        ttl,
        sessions_per_owner: 10,
        owner_bytes: 0,
    };
    write.apply(&mut records).unwrap_or_else(|error| match error {});

    world.wait(Millis(1_000));
    for _ in 0..2 {
        let mut from = Some(0);
        let mut pages = 0;
        while let Some(position) = from.take() {
            let imported = moving::import(&mut records, &id, position, ttl, "seal");
            let (import, next) =
                imported.unwrap_or_else(|error| match error {}).unwrap_or_else(|| panic!("no session"));
            let stored = world.run(&import);
            assert!(matches!(stored, Imported::Stored(_)), "{stored:?}");
            from = next;
            pages += 1;
        }
        assert_eq!(pages, 2);
    }
    let session = world.session("s");
    assert_eq!((session.title.as_str(), session.flags.pinned, session.kept()), ("Plán", true, 400));
    assert_eq!((session.created, session.expires), (now, Millis(now.0 + 20).after(ttl)));
    let fields = world.store().fields("chatkeep:{u-ada}:s:s");
    assert_eq!((fields["state"].as_str(), fields["meta"].as_str()), ("[1]", r#"{"a":1}"#));
    let contents = world.contents("s");
    assert_eq!(contents.first().map(String::as_str), Some("0 50 ž"));
    assert_eq!(contents.last().map(String::as_str), Some("4 89 ž"));
    assert_eq!(moving::second_id(&id), Some(session_id("s.moved")));
}
