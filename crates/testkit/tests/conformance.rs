//! The conformance suite on the reference store and on Redis.

use chatkeep_testkit::audit::Audited;
use chatkeep_testkit::conformance::failures;
use chatkeep_testkit::executor::ByName;
use chatkeep_testkit::{RedisServer, ReferenceStore};

#[test]
fn the_reference_store_conforms() {
    assert_eq!(failures(ReferenceStore::default), Vec::<&str>::new());
}

#[test]
fn the_reference_store_conforms_behind_names_and_json() {
    assert_eq!(failures(ByName::default), Vec::<&str>::new());
}

#[test]
fn redis_conforms_and_passes_the_audit_after_every_operation() {
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    let fresh = || {
        let mut redis = server.executor();
        redis.flush();
        Audited::new(redis)
    };
    assert_eq!(failures(fresh), Vec::<&str>::new());
}
