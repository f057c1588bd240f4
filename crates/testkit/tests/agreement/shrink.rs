//! Makes a failing sequence short enough to be read.

use crate::play::{Failure, play};
use crate::step::Step;
use chatkeep_testkit::RedisExecutor;
use std::collections::BTreeMap;

/// Cuts what comes after the failure, then takes out steps, many at first, as long as the sequence still fails.
pub(crate) fn shortest(redis: &mut RedisExecutor, mut steps: Vec<Step>, mut failure: Failure) -> (Vec<Step>, Failure) {
    steps.truncate(failure.at + 1);
    let mut chunk = steps.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + chunk).min(steps.len()));
            match play(redis, &fewer, &mut BTreeMap::new()) {
                Err(found) => {
                    fewer.truncate(found.at + 1);
                    (steps, failure) = (fewer, found);
                }
                Ok(()) => at += chunk,
            }
        }
        chunk /= 2;
    }
    (steps, failure)
}
