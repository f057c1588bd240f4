//! The writes that aren't turns, each from a few small numbers.

use crate::step::Write;
use chatkeep_model::fingerprint::RequestKind;
use chatkeep_model::plan::{
    Append, Condition, CutAfter, Fork, Import, Patch, Reseal, Restore, Summarise, Summary, Tag, Touch, Truncate,
    WriteState,
};
use chatkeep_model::records::Notes;
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, TurnId};
use chatkeep_testkit::Executor;
use chatkeep_testkit::clock::SimulatedClock;
use chatkeep_testkit::conformance::world::{World, message_id, session_id, turn_id};

#[derive(Debug, Clone)]
pub(crate) enum Written {
    Append(Append),
    Fork(Fork),
    Import(Import),
    Patch(Patch),
    Reseal(Reseal),
    Restore(Restore),
    Summarise(Summarise),
    Touch(Touch),
    Truncate(Truncate),
    WriteState(WriteState),
}

impl Written {
    pub(crate) fn now(&mut self) -> &mut Millis {
        match self {
            Written::Append(append) => &mut append.now,
            Written::Fork(fork) => &mut fork.now,
            Written::Import(import) => &mut import.now,
            Written::Patch(patch) => &mut patch.now,
            Written::Reseal(reseal) => &mut reseal.now,
            Written::Restore(restore) => &mut restore.now,
            Written::Summarise(summarise) => &mut summarise.now,
            Written::Touch(touch) => &mut touch.now,
            Written::Truncate(truncate) => &mut truncate.now,
            Written::WriteState(write) => &mut write.now,
        }
    }
}

const SEAL: &str = "0123456789abcdef0123456789abcdef";

/// What a request brings: with one key or two, old or new, or with none.
pub(crate) fn fingerprint(kind: RequestKind, value: u64) -> String {
    let (kind, payload) = (kind.letter(), value % 2);
    match value / 2 % 7 {
        0 | 1 => format!("{kind}.0{payload}"),
        2 | 3 => format!("{kind}k1.1{payload}"),
        4 => format!("{kind}k2.2{payload},{kind}k1.1{payload}"),
        5 => format!("{kind}k2.2{payload}"),
        _ => format!("{kind}*"),
    }
}

/// Where a cut falls: nowhere, on a message that a sequence often has, or on one that it never has.
pub(crate) fn cut_after(value: u64) -> CutAfter {
    match value % 10 {
        0 => CutAfter::Nothing,
        1 => CutAfter::Message(message_id("never")),
        2..=5 => CutAfter::Message(message_id(&format!("u-t{}", value % 8))),
        _ => CutAfter::Message(message_id(&format!("r-t{}", value % 8))),
    }
}

fn stored(id: &str, filling: u64) -> String {
    let filling = "ž".repeat(filling as usize);
    format!(r#"{{"id":"{id}","role":"user","content":"text of {id}{filling}","created":"2026-11-21T09:30:00.000Z"}}"#)
}

/// For whom a session is kept: now and then for nobody.
pub(crate) fn user(value: u64) -> &'static str {
    if value.is_multiple_of(3) { "" } else { "a pinned user@ž" }
}

/// The id of an appended message: its own, or one that a turn's message may have.
fn appended(operation: &TurnId, number: u64, value: u64) -> String {
    match value % 16 {
        7 if number == 1 => format!("u-t{}", value % 8),
        _ => format!("a-{operation}-{number}"),
    }
}

/// A write.
pub(crate) fn write<E: Executor>(world: &World<E>, session: &str, operation: u64, kind: Write, value: u64) -> Written {
    let operation = turn_id(&format!("o{operation}"));
    let (id, now, limits) = (session_id(session), world.now(), &world.limits);
    let (ttl, sessions_per_owner, owner_bytes, messages_per_session, session_bytes) =
        (limits.ttl, limits.sessions_per_owner, limits.owner_bytes, limits.messages_per_session, limits.session_bytes);
    let seal = SEAL.to_owned();
    match kind {
        Write::Append => Written::Append(Append {
            session: id,
            fingerprint: fingerprint(RequestKind::Append, value),
            messages: (0..1 + value % 4)
                .map(|number| stored(&appended(&operation, number, value), value % 3 * 200 * number))
                .collect(),
            operation,
            title: "Appended".to_owned(),
            existing: value.is_multiple_of(4),
            seal,
            now,
            ttl,
            window: limits.window,
            messages_per_session,
            session_bytes,
            sessions_per_owner,
            owner_bytes,
        }),
        Write::Fork => Written::Fork(Fork {
            source: id,
            fingerprint: fingerprint(RequestKind::Fork, value),
            target: session_id(&format!("s{}", value % 4)),
            operation,
            at: (!value.is_multiple_of(3)).then(|| message_id(&format!("r-t{}", value % 8))),
            title: if value.is_multiple_of(2) { String::new() } else { "Fork".to_owned() },
            seal,
            now,
            ttl,
            sessions_per_owner,
            owner_bytes,
        }),
        Write::Import => Written::Import(Import {
            session: id,
            title: "Imported".to_owned(),
            created: Millis(now.0.saturating_sub(5_000)),
            updated: Millis(now.0.saturating_sub(1_000)),
            flags: Flags {
                pinned: value.is_multiple_of(2),
                archived: value.is_multiple_of(3),
                user: user(value).to_owned(),
                ..Flags::default()
            },
            metadata: if value.is_multiple_of(2) { r#"{"a":1}"#.to_owned() } else { String::new() },
            state: if value.is_multiple_of(3) { "[1]".to_owned() } else { String::new() },
            notes: Notes {
                used: value % 3 * 100,
                summary: if value.is_multiple_of(2) {
                    format!("{} i1 imported in short", value % 6)
                } else {
                    String::new()
                },
            },
            seal,
            position: value % 4,
            after: value.is_multiple_of(5).then_some(7),
            dry_run: value.is_multiple_of(7),
            operation: value.is_multiple_of(7).then(|| (operation, fingerprint(RequestKind::Fork, value))),
            messages: (0..value % 5)
                .map(|number| format!("i{}", value % 4 + number))
                .map(|name| (message_id(&name), stored(&name, 0)))
                .collect(),
            now,
            ttl,
            messages_per_session,
            session_bytes,
            sessions_per_owner,
            owner_bytes,
        }),
        Write::Patch => Written::Patch(Patch {
            session: id,
            fingerprint: fingerprint(RequestKind::Patch, value),
            operation,
            title: [None, Some(String::new()), Some("Přejmenováno na  něco".to_owned())][value as usize % 3].clone(),
            automatic: value.is_multiple_of(2),
            pinned: [None, Some(true), Some(false)][value as usize / 3 % 3],
            archived: [None, Some(true), Some(false)][value as usize / 9 % 3],
            metadata: [None, Some(String::new()), Some(r#"{"k":"ž"}"#.to_owned())][value as usize / 27 % 3].clone(),
            now,
            ttl,
        }),
        Write::Restore => Written::Restore(Restore {
            session: id,
            operation,
            fingerprint: fingerprint(RequestKind::Restore, value),
            now,
            ttl,
            sessions_per_owner,
        }),
        Write::Summarise => Written::Summarise(Summarise {
            session: id,
            summary: Summary {
                until: value % 9,
                last: message_id(&format!("{}-t{}", if value.is_multiple_of(2) { "u" } else { "r" }, value % 8)),
                text: format!("in short, {value}"),
            },
            now,
        }),
        Write::Touch => Written::Touch(Touch { session: id, now, ttl }),
        Write::Truncate => Written::Truncate(Truncate {
            session: id,
            operation,
            fingerprint: fingerprint(RequestKind::Truncate, value),
            after: cut_after(value),
            now,
            ttl,
        }),
        Write::State => Written::WriteState(WriteState {
            session: id,
            fingerprint: fingerprint(RequestKind::WriteState, value),
            operation,
            condition: match value % 6 {
                0 | 1 => Condition::Any,
                2 => Condition::None,
                3 => Condition::Present,
                // A session made at the very beginning of a sequence has this tag.
                _ => Condition::Match(Tag { created: SimulatedClock::default().now(), revision: 1 + value % 2 }),
            },
            state: format!("{{\"n\":{}}}", value % 7),
            seal,
            now,
            ttl,
            sessions_per_owner,
            owner_bytes,
        }),
    }
}
