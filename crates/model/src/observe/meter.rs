//! Figures: what an isolate counts, and what all of them come to, in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use crate::route::{Action, ROUTES};
use crate::time::Millis;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The bounds of the histograms' buckets, in milliseconds. There is one bucket more, for what took longer.
const BOUNDS: [u64; 14] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// The families, in the order in which they are shown: name, type, what it is.
const FAMILIES: [(&str, &str, &str); 6] = [
    ("chatkeep_requests_total", "counter", "Requests answered, by route and status."),
    ("chatkeep_request_seconds", "histogram", "How long a request took until its answer began, by route."),
    ("chatkeep_store_seconds", "histogram", "How long an operation of the store took, repetitions included."),
    ("chatkeep_responder_seconds", "histogram", "How long the responder took."),
    ("chatkeep_errors_total", "counter", "Problems answered, by code."),
    ("chatkeep_events_total", "counter", "What else happened: of the circuit breaker, the journal, the streams."),
];

/// One thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Series {
    /// A route, where there was one, and a status.
    Request(Option<Action>, u16),
    RequestTime(Option<Action>),
    /// An operation, and `ok` or the cause.
    Store(&'static str, &'static str),
    /// `ok` or the code.
    Responder(&'static str),
    Error(&'static str),
    Event(&'static str),
}

/// What an isolate has counted since it last handed its figures over.
#[derive(Debug, Default)]
pub struct Meter {
    counts: BTreeMap<Series, u64>,
    times: BTreeMap<Series, Histogram>,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len() + 1],
    total: u64,
}

impl Meter {
    /// Counts a request.
    pub fn request(&mut self, route: Option<Action>, status: u16, took: Millis) {
        self.count(Series::Request(route, status));
        self.time(Series::RequestTime(route), took);
    }

    /// Counts a round trip to the store: the operation's name, and `ok` or the cause of its failure.
    pub fn store(&mut self, operation: &'static str, outcome: &'static str, took: Millis) {
        self.time(Series::Store(operation, outcome), took);
    }

    /// Counts what was asked of the responder: `ok` or the code of its failure.
    pub fn responder(&mut self, outcome: &'static str, took: Millis) {
        self.time(Series::Responder(outcome), took);
    }

    /// Counts a problem.
    pub fn error(&mut self, code: &'static str) {
        self.count(Series::Error(code));
    }

    /// Counts something else that happened, such as `breaker_opened`.
    pub fn event(&mut self, name: &'static str) {
        self.count(Series::Event(name));
    }

    fn count(&mut self, series: Series) {
        *self.counts.entry(series).or_default() += 1;
    }

    fn time(&mut self, series: Series, took: Millis) {
        let histogram = self.times.entry(series).or_default();
        let bucket = BOUNDS.iter().position(|bound| took.0 <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = histogram.buckets.get_mut(bucket) {
            *bucket += 1;
        }
        histogram.total += took.0;
    }

    /// Whether there is nothing to hand over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.times.is_empty()
    }

    /// Takes what was counted, and begins anew.
    #[must_use]
    pub fn take(&mut self) -> Snapshot {
        let Self { counts, times } = std::mem::take(self);
        let counts = counts.into_iter().map(|(series, count)| (series.to_text(), vec![count]));
        let times = times.into_iter().map(|(series, Histogram { buckets, total })| {
            (series.to_text(), buckets.into_iter().chain([total]).collect())
        });
        Snapshot(counts.chain(times).collect())
    }
}

impl Series {
    /// As Prometheus writes it. The labels' values need no escapes: they are our own words.
    fn to_text(self) -> String {
        match self {
            Series::Request(route, status) => {
                format!("chatkeep_requests_total{{route=\"{}\",status=\"{status}\"}}", named(route))
            }
            Series::RequestTime(route) => format!("chatkeep_request_seconds{{route=\"{}\"}}", named(route)),
            Series::Store(operation, outcome) => {
                format!("chatkeep_store_seconds{{operation=\"{operation}\",outcome=\"{outcome}\"}}")
            }
            Series::Responder(outcome) => format!("chatkeep_responder_seconds{{outcome=\"{outcome}\"}}"),
            Series::Error(code) => format!("chatkeep_errors_total{{code=\"{code}\"}}"),
            Series::Event(event) => format!("chatkeep_events_total{{event=\"{event}\"}}"),
        }
    }
}

/// A route as figures and lines name it: `POST /v1/chat`.
#[must_use]
pub fn named(route: Option<Action>) -> String {
    let Some(action) = route else { return "none".to_owned() };
    match ROUTES.iter().find(|(_, _, one)| *one == action) {
        Some((method, path, _)) => format!("{method} {path}"),
        None => format!("{action:?}"),
    }
}

/// Figures as they are handed over and kept: a series' text, and its numbers: one that counts has one, a histogram those of
/// its buckets and the sum of the milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Snapshot(BTreeMap<String, Vec<u64>>);

impl Snapshot {
    /// Each series' text and numbers.
    pub(super) fn series(&self) -> impl Iterator<Item = (&str, &[u64])> {
        self.0.iter().map(|(series, numbers)| (series.as_str(), numbers.as_slice()))
    }

    /// Adds what another counted. Where the two don't fit, as after an update with other buckets, the newer one stays alone.
    pub fn add(&mut self, newer: Snapshot) {
        for (series, numbers) in newer.0 {
            let sums = self.0.entry(series).or_default();
            if sums.len() == numbers.len() {
                sums.iter_mut().zip(numbers).for_each(|(sum, more)| *sum = sum.saturating_add(more));
            } else {
                *sums = numbers;
            }
        }
    }

    /// Prometheus' text format.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        for (name, kind, about) in FAMILIES {
            let its = self.0.range(format!("{name}{{")..).take_while(|(series, _)| series.starts_with(name));
            let mut its = its.peekable();
            if its.peek().is_some() {
                // Writing to a String can't fail.
                let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
            }
            for (series, numbers) in its {
                match numbers.as_slice() {
                    [count] => drop(writeln!(text, "{series} {count}")),
                    [buckets @ .., total] => histogram(&mut text, name, series, buckets, *total),
                    [] => {}
                }
            }
        }
        text
    }
}

fn histogram(text: &mut String, name: &str, series: &str, buckets: &[u64], total: u64) {
    let labels = series.strip_prefix(name).unwrap_or_default().trim_start_matches('{').trim_end_matches('}');
    let mut count = 0;
    let bounds = BOUNDS.iter().map(|bound| seconds(*bound)).chain(["+Inf".to_owned()]);
    for (bound, bucket) in bounds.zip(buckets) {
        count += bucket;
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
    }
    let _ = writeln!(text, "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {count}", seconds(total));
}

/// Milliseconds as seconds, exactly.
fn seconds(milliseconds: u64) -> String {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_two_isolates_add_up() -> Result<(), serde_json::Error> {
        let mut all = Snapshot::default();
        for took in [1, 3, 70_000] {
            let mut meter = Meter::default();
            meter.request(Some(Action::Chat), 200, Millis(took));
            meter.store("begin_turn", "ok", Millis(took));
            meter.event("breaker_opened");
            all.add(serde_json::from_str(&serde_json::to_string(&meter.take())?)?);
            assert!(meter.is_empty());
        }
        let text = all.to_prometheus();
        for line in [
            "# TYPE chatkeep_requests_total counter",
            "chatkeep_requests_total{route=\"POST /v1/chat\",status=\"200\"} 3",
            "chatkeep_request_seconds_bucket{route=\"POST /v1/chat\",le=\"0.001\"} 1",
            "chatkeep_request_seconds_bucket{route=\"POST /v1/chat\",le=\"0.005\"} 2",
            "chatkeep_request_seconds_bucket{route=\"POST /v1/chat\",le=\"30\"} 2",
            "chatkeep_request_seconds_bucket{route=\"POST /v1/chat\",le=\"+Inf\"} 3",
            "chatkeep_request_seconds_sum{route=\"POST /v1/chat\"} 70.004",
            "chatkeep_request_seconds_count{route=\"POST /v1/chat\"} 3",
            "chatkeep_store_seconds_count{operation=\"begin_turn\",outcome=\"ok\"} 3",
            "chatkeep_events_total{event=\"breaker_opened\"} 3",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
        }
        assert!(!text.contains("chatkeep_errors_total"));
        Ok(())
    }

    #[test]
    fn every_route_has_a_name() {
        assert_eq!(named(Some(Action::DeleteSession)), "DELETE /v1/sessions/{id}");
        assert_eq!(named(None), "none");
    }

    #[test]
    fn figures_with_other_buckets_replace() {
        let mut all = Snapshot(BTreeMap::from([("x".to_owned(), vec![1, 2])]));
        all.add(Snapshot(BTreeMap::from([("x".to_owned(), vec![1, 2, 3])])));
        assert_eq!(all.0.get("x"), Some(&vec![1, 2, 3]));
    }
}
