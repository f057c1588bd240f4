//! What is tried on every parser of what comes from outside, one function a target. None may panic, and what is read back must be
//! what was written. `fuzz/` hands these to libFuzzer; `tests/fuzz` replays `fuzz/corpus` on them, and needs no more than stable Rust.

mod access;
mod browser;
mod requests;
mod stored;
mod streams;

use std::borrow::Cow;

/// Tries one input.
pub type Target = fn(&[u8]);

/// Every target by its name: that of its program in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("bodies", requests::bodies),
    ("config", access::config),
    ("credentials", access::credentials),
    ("cursors", requests::cursors),
    ("dialects", requests::dialects),
    ("envelopes", stored::envelopes),
    ("ids", requests::ids),
    ("import", requests::import),
    ("key_sets", access::key_sets),
    ("machine", browser::machine),
    ("operations", stored::operations),
    ("records", stored::records),
    ("replies", stored::replies),
    ("responders", streams::responders),
    ("routes", requests::routes),
    ("server_events", streams::server_events),
    ("tokens", access::tokens),
    ("upstream_events", streams::upstream_events),
];

/// Tries an input on the target of this name.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no target {name}"));
    target(input);
}

/// The input as text: what is no UTF-8 in it becomes U+FFFD, as a decoder of bodies has it.
fn text(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

/// The first byte, which says how the rest is treated, and the rest.
fn choice(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (*first, rest))
}
