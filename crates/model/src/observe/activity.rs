//! How much happened in a minute: a few sums of the figures that isolates hand over.

use super::meter::Snapshot;
use crate::wire::ActivityMinute;

/// For how many minutes it is kept: a day.
pub const MINUTES: u64 = 1440;

impl Snapshot {
    /// What these figures come to; when it was, the caller knows.
    #[must_use]
    pub fn activity(&self) -> ActivityMinute {
        let mut sums = ActivityMinute::default();
        for (series, numbers) in self.series() {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            // Of a histogram the last number is the sum of the times.
            let (times, count) = match numbers {
                [buckets @ .., time] if !buckets.is_empty() => (*time, buckets.iter().sum()),
                _ => (0, numbers.iter().sum::<u64>()),
            };
            match name {
                "chatkeep_requests_total" => {
                    sums.requests += count;
                    sums.failures += if labels.contains("status=\"5") { count } else { 0 };
                }
                "chatkeep_responder_seconds" => sums.turns += count,
                "chatkeep_store_seconds" => {
                    sums.store_calls += count;
                    sums.store_ms += times;
                }
                _ => {}
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::Meter;
    use crate::route::Action;
    use crate::time::Millis;

    #[test]
    fn figures_come_to_a_few_sums() {
        let mut meter = Meter::default();
        meter.request(Some(Action::Chat), 200, Millis(9));
        meter.request(Some(Action::Chat), 503, Millis(9));
        meter.responder("ok", Millis(700));
        meter.store("begin_turn", "ok", Millis(3));
        meter.store("finish_turn", "timeout", Millis(500));
        meter.error("store_unavailable");
        let sums = meter.take().activity();
        assert_eq!((sums.requests, sums.failures, sums.turns), (2, 1, 1));
        assert_eq!((sums.store_calls, sums.store_ms), (2, 503));
    }
}
