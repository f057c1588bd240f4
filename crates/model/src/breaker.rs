//! How long to wait for Redis, and when not to ask it at all: the time budget of a call, and the circuit breaker of one
//! isolate.

use crate::error::{Outage, StoreError};
use crate::time::Millis;

/// How long the first try of a call may take.
const FIRST_TRY: Millis = Millis(300);

/// How long a call may take in all.
const WHOLE: Millis = Millis(500);

/// So many bytes, sent or received, take this much longer.
const LARGE_BYTES: u64 = 262_144;
const PER_LARGE: u64 = 100;

/// The longest pause before the second try.
const MOST_JITTER: u64 = 50;

/// One try of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// How long to wait before.
    pub pause: Millis,
    /// How long to wait for the answer.
    pub limit: Millis,
}

/// The tries of a call: the first, and one repetition that begins a little later, so that those whom one hiccup met don't
/// come back as one. The second has what the first left of the time. `bytes` are those that are sent and those that the reply may have.
#[must_use]
pub fn next_try(tried: u32, elapsed: Millis, bytes: usize, random: u64) -> Option<Try> {
    let more = bytes as u64 / LARGE_BYTES * PER_LARGE;
    match tried {
        0 => Some(Try { pause: Millis(0), limit: Millis(FIRST_TRY.0 + more) }),
        1 => {
            let left = (WHOLE.0 + more).saturating_sub(elapsed.0);
            let pause = (random % (MOST_JITTER + 1)).min(left / 2);
            (left > 0).then_some(Try { pause: Millis(pause), limit: Millis(left - pause) })
        }
        _ => None,
    }
}

/// So many failures in a row open the breaker.
const TOLERATED: u32 = 3;

/// The pause before the first probe, and the longest. Each failed probe doubles it.
const PAUSE: (u64, u64) = (500, 10_000);

/// A probe that never came back holds up the next one for this long.
const PROBE_LOST: Millis = Millis(5_000);

/// The state of a breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Nobody asks until then.
    Open { until: Millis },
    /// One probe asks, since then.
    HalfOpen { since: Millis },
}

/// A circuit breaker: it keeps requests from waiting for a Redis that has just failed others.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    state: State,
    failures: u32,
    /// Failed probes since it opened.
    probes: u32,
    /// How Redis, or its writes alone, failed last; none since it went well.
    last: Option<StoreError>,
}

/// What changed with an observation, told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Redis began to fail, or fails for another reason now.
    Failing(&'static str),
    /// It is well again.
    Recovered,
}

impl Breaker {
    /// Whether Redis may be asked now. Of those who ask when a pause is over, the first alone may.
    pub fn lets_through(&mut self, now: Millis) -> bool {
        let probes = match self.state {
            State::Closed => return true,
            State::Open { until } => until <= now,
            State::HalfOpen { since } => now.since(since) >= PROBE_LOST,
        };
        if probes {
            self.state = State::HalfOpen { since: now };
        }
        probes
    }

    /// Tells it that Redis answered a call, one that writes or not.
    pub fn succeeded(&mut self, wrote: bool) -> Option<Transition> {
        let (was_open, refused) = (self.state != State::Closed, self.refuses_some());
        (self.state, self.failures, self.probes) = (State::Closed, 0, 0);
        // Reads that go well say nothing of what is refused to writes, and to ask whether it is there needs few rights.
        if self.last.is_none() || (refused && !wrote && !was_open) {
            return None;
        }
        self.last = None;
        Some(Transition::Recovered)
    }

    /// Tells it that a call failed that sends, and may be answered with, so many bytes. `random` is any number.
    pub fn failed(&mut self, error: &StoreError, bytes: usize, now: Millis, random: u64) -> Option<Transition> {
        let StoreError::Unavailable(outage) = error else {
            // It answered: whatever is wrong, waiting for it isn't.
            if matches!(error, StoreError::Misconfigured(_)) {
                return self.note(error);
            }
            return None;
        };
        if outage.refuses_writes_only() {
            (self.state, self.failures, self.probes) = (State::Closed, 0, 0);
            return self.note(error);
        }
        // Much may just have been slow on its way.
        if *outage == Outage::Timeout && bytes as u64 >= LARGE_BYTES && self.state == State::Closed {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        if self.state != State::Closed {
            self.probes = self.probes.saturating_add(1);
        }
        if self.state != State::Closed || self.failures >= TOLERATED {
            let pause = PAUSE.0.saturating_mul(1 << self.probes.min(16)).min(PAUSE.1);
            // From three quarters of the pause to the whole: isolates don't probe as one.
            let pause = pause - random % (pause / 4 + 1);
            self.state = State::Open { until: now.after(Millis(pause)) };
        }
        self.note(error)
    }

    /// How Redis, or its writes alone, failed last; none when it is well.
    #[must_use]
    pub fn last(&self) -> Option<&StoreError> {
        self.last.as_ref()
    }

    /// Its state's name, in `/health`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
        }
    }

    /// Whether it last refused what it doesn't refuse to all.
    fn refuses_some(&self) -> bool {
        match &self.last {
            Some(StoreError::Unavailable(outage)) => outage.refuses_writes_only(),
            Some(error) => matches!(error.cause(), "no_permission" | "command_not_available"),
            None => false,
        }
    }

    fn note(&mut self, error: &StoreError) -> Option<Transition> {
        let new = self.last.as_ref() != Some(error);
        self.last = Some(error.clone());
        new.then_some(Transition::Failing(error.cause()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: StoreError = StoreError::Unavailable(Outage::Network);

    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..TOLERATED {
            let _ = breaker.failed(&NETWORK, 100, Millis(0), 0);
        }
        breaker
    }

    #[test]
    fn a_call_has_half_a_second_and_more_for_large_bodies() {
        assert_eq!(next_try(0, Millis(0), 100, 7), Some(Try { pause: Millis(0), limit: Millis(300) }));
        assert_eq!(next_try(1, Millis(300), 100, 7), Some(Try { pause: Millis(7), limit: Millis(193) }));
        assert_eq!(next_try(1, Millis(0), 100, 50), Some(Try { pause: Millis(50), limit: Millis(450) }));
        assert_eq!(next_try(1, Millis(500), 100, 7), None);
        assert_eq!(next_try(2, Millis(0), 100, 7), None);
        assert_eq!(next_try(0, Millis(0), 600_000, 7).map(|first| first.limit), Some(Millis(500)));
        assert_eq!(next_try(1, Millis(500), 600_000, 0).map(|second| second.limit), Some(Millis(200)));
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(&NETWORK, 1, Millis(0), 0), Some(Transition::Failing("network")));
        assert_eq!(breaker.failed(&NETWORK, 1, Millis(0), 0), None);
        assert_eq!(breaker.succeeded(false), Some(Transition::Recovered));
        assert_eq!(breaker.succeeded(false), None);
        let mut breaker = open();
        assert_eq!((breaker.as_str(), breaker.last().map(StoreError::cause)), ("open", Some("network")));
        assert!(!breaker.lets_through(Millis(499)));
        assert!(breaker.lets_through(Millis(500)));
        assert_eq!(breaker.as_str(), "half_open");
        assert!(!breaker.lets_through(Millis(501)), "one probe at a time");
        assert_eq!(breaker.succeeded(false), Some(Transition::Recovered));
        assert!(breaker.lets_through(Millis(501)));
    }

    #[test]
    fn failed_probes_make_the_pause_longer_up_to_an_end() {
        let mut breaker = open();
        let mut now = 500;
        for pause in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            assert!(breaker.lets_through(Millis(now)));
            let _ = breaker.failed(&NETWORK, 1, Millis(now), 0);
            assert!(!breaker.lets_through(Millis(now + pause - 1)), "{pause}");
            now += pause;
        }
        assert!(breaker.lets_through(Millis(now)));
        let _ = breaker.failed(&NETWORK, 1, Millis(now), 2_500);
        assert!(breaker.lets_through(Millis(now + 7_500)), "jitter shortens it by a quarter at most");
    }

    #[test]
    fn a_probe_that_is_lost_is_replaced() {
        let mut breaker = open();
        assert!(breaker.lets_through(Millis(500)));
        assert!(!breaker.lets_through(Millis(5_499)));
        assert!(breaker.lets_through(Millis(5_500)));
    }

    #[test]
    fn a_timeout_of_a_large_body_alone_does_not_open_it() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            let error = StoreError::Unavailable(Outage::Timeout);
            assert_eq!(breaker.failed(&error, 300_000, Millis(0), 0), None);
        }
        assert_eq!((breaker.as_str(), breaker.last().map(StoreError::cause)), ("closed", None));
    }

    #[test]
    fn refusals_are_named_but_keep_nobody_from_asking() {
        let mut breaker = Breaker::default();
        let error = StoreError::Unavailable(Outage::ReadOnly);
        for number in 0..20 {
            let told = breaker.failed(&error, 1, Millis(0), 0);
            assert_eq!(told, (number == 0).then_some(Transition::Failing("read_only")));
            assert_eq!(breaker.succeeded(false), None, "a read goes on");
        }
        assert_eq!((breaker.as_str(), breaker.last().map(StoreError::cause)), ("closed", Some("read_only")));
        assert_eq!(breaker.succeeded(true), Some(Transition::Recovered));
        let told = breaker.failed(&StoreError::Misconfigured("unauthorized"), 1, Millis(0), 0);
        assert_eq!((told, breaker.as_str()), (Some(Transition::Failing("unauthorized")), "closed"));
        assert_eq!(breaker.succeeded(false), Some(Transition::Recovered));
        let _ = breaker.failed(&StoreError::Misconfigured("no_permission"), 1, Millis(0), 0);
        assert_eq!((breaker.succeeded(false), breaker.succeeded(true)), (None, Some(Transition::Recovered)));
        assert_eq!(breaker.failed(&StoreError::TooLarge, 1, Millis(0), 0), None);
    }
}
