//! `conformance URL [REDIS_URL]` plays the conformance suite on a Worker that was built for it, and on the Redis behind it where
//! it has one. Prints a line for each scenario, and fails when one does.

use chatkeep_model::Millis;
use chatkeep_testkit::conformance::play;
use chatkeep_testkit::{RedisExecutor, ThroughWorker};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// The simulated time begins so far in the future that no alarm of the Worker's, which keeps the real time, goes off.
const AHEAD: Millis = Millis(10 * 365 * 86_400_000);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(url) = arguments.next() else {
        eprintln!("conformance: the Worker's URL is missing");
        return ExitCode::from(2);
    };
    let redis_url = arguments.next();
    let redis = || {
        let redis = redis_url.as_ref().map(|url| RedisExecutor::connect(url, ""));
        redis.map(|redis| redis.unwrap_or_else(|error| panic!("{error}")))
    };
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let mut failed = 0;
    play(
        Millis(now).after(AHEAD),
        || ThroughWorker::new(&agent, &url, redis()),
        |scenario, conforms| {
            println!("{} {scenario}", if conforms { "ok  " } else { "FAIL" });
            failed += u32::from(!conforms);
        },
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
