//! `chatkeep tail`: the deployment's log as it is written.

use crate::client::{Client, Failure, patiently};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{Write, stdout};

/// So many of the last lines are known again after a reconnection, which shows some of them anew.
const KNOWN: usize = 400;

/// Follows the log until somebody ends it, or its output.
pub(crate) fn follow(client: &Client, json: bool, query: Option<&str>) -> Result<(), Failure> {
    let mut known: VecDeque<String> = VecDeque::new();
    loop {
        patiently(|| {
            for line in client.lines("/v1/admin/events", &[])? {
                let line = line?;
                let Some(data) = line.strip_prefix("data: ") else { continue };
                if known.iter().any(|one| one == data) {
                    continue;
                }
                if known.len() == KNOWN {
                    known.pop_front();
                }
                known.push_back(data.to_owned());
                if query.is_none_or(|query| data.contains(query)) {
                    let mut out = stdout();
                    writeln!(out, "{}", if json { data.to_owned() } else { readable(data) })?;
                    out.flush()?;
                }
            }
            Ok(())
        })?;
    }
}

/// A line of the log for people: the time, what happened, about what, how long it took.
fn readable(line: &str) -> String {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let text = |name: &str| match line.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let times = [("duration_ms", ""), ("store_ms", "store "), ("responder_ms", "responder ")];
    let times = times.iter().filter_map(|(name, what)| Some(format!("{what}{} ms", line.get(*name)?)));
    let words = ["timestamp", "level", "event_type", "status", "route", "session_id", "code", "detail"].map(text);
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.chain([times.collect::<Vec<_>>().join(", ")]).collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_line_is_shortened() {
        let line = r#"{"timestamp":"T","level":"info","logger":"chatkeep","event_type":"request","status":200,"duration_ms":7,"store_ms":2}"#;
        assert_eq!(readable(line), "T  info  request  200  7 ms, store 2 ms");
    }
}
