//! The model-based test: random sequences of operations on the reference store and on Redis, which must agree on every
//! outcome, on everything that can be read after every step, and on what they keep.
//!
//! `CHATKEEP_SEQUENCES` sets how many sequences run (500), `CHATKEEP_SEED` the seed of the first (1; each next one has the
//! next seed). A failure prints the seed of its sequence, so that `CHATKEEP_SEED=... CHATKEEP_SEQUENCES=1` plays it again.

mod both;
mod play;
mod shrink;
mod step;
mod write;

use chatkeep_testkit::RedisServer;
use chatkeep_testkit::random::Random;
use std::collections::BTreeMap;
use std::env;

/// What the sequences must have come across; else they have stopped testing what they should.
const EXPECTED: &[&str] = &[
    "append absent",
    "append deleted",
    "append full",
    "append mismatch",
    "append repeated",
    "append stored",
    "arrive deleted",
    "arrive here",
    "arrive lost",
    "arrive taken",
    "begin_turn absent",
    "begin_turn deleted",
    "begin_turn full",
    "begin_turn gone",
    "begin_turn mismatch",
    "begin_turn repeated",
    "begin_turn replay",
    "begin_turn running",
    "begin_turn started",
    "begin_turn unknown",
    "create created",
    "create deleted",
    "create exists",
    "create full",
    "create mismatch",
    "delete gone",
    "delete mismatch",
    "depart absent",
    "depart leaving",
    "depart running",
    "finish_turn absent",
    "finish_turn gone",
    "finish_turn stored",
    "finish_turn superseded",
    "fork absent",
    "fork created",
    "fork deleted",
    "fork exists",
    "fork full",
    "fork mismatch",
    "fork unknown",
    "import conflict",
    "import deleted",
    "import exists",
    "import full",
    "import gap",
    "import stored",
    "leave false",
    "leave true",
    "patch absent",
    "patch done",
    "patch mismatch",
    "release_turn true",
    "renew_turn false",
    "renew_turn true",
    "reseal ",
    "restore absent",
    "restore back",
    "restore exists",
    "restore full",
    "restore mismatch",
    "summarise false",
    "summarise true",
    "touch null",
    "touch title",
    "truncate absent",
    "truncate cut",
    "truncate mismatch",
    "truncate unknown",
    "write_state deleted",
    "write_state full",
    "write_state mismatch",
    "write_state stale",
    "write_state stored",
];

#[test]
fn redis_agrees_with_the_reference_store() {
    let sequences = setting("CHATKEEP_SEQUENCES", 500);
    let first = setting("CHATKEEP_SEED", 1);
    let server = RedisServer::start().unwrap_or_else(|error| panic!("{error}"));
    let mut redis = server.executor();
    let mut seen = BTreeMap::new();
    for seed in (0..sequences).map(|number| first.wrapping_add(number)) {
        let sequence = step::sequence(&mut Random::new(seed));
        if let Err(failure) = play::play(&mut redis, &sequence, &mut seen) {
            let (shortest, failure) = shrink::shortest(&mut redis, sequence, failure);
            panic!("the stores disagree; CHATKEEP_SEED={seed} CHATKEEP_SEQUENCES=1\n{shortest:#?}\n{failure}");
        }
    }
    println!("{sequences} sequences came to {seen:#?}");
    if sequences >= 500 {
        let missing: Vec<_> = EXPECTED.iter().filter(|outcome| !seen.contains_key(**outcome)).collect();
        assert!(missing.is_empty(), "no sequence came to {missing:?}");
    }
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
