//! What a key confirms: the same request alone. Every kind of operation is followed by every other one under the same key.

use super::operations::{append, delete, fork, import, patch, restore, truncate, write_state};
use super::world::{SEAL, World, session_id, turn_id};
use crate::executor::Executor;
use chatkeep_model::Session;
use chatkeep_model::fingerprint::{RequestKind, of_every_request, of_request};
use chatkeep_model::plan::{
    Append, Appended, Begun, Create, Created, Delete, Deletion, Fork, Forked, Imported, Patch, Patched, ReadState,
    Restored, Stated, Truncate, Truncated, WriteState, Written,
};
use chatkeep_model::session::Flags;

/// The key of every operation here.
const KEY: &str = "k";

/// What a second request under the key came to.
#[derive(Debug, PartialEq, Eq)]
enum Confirmed {
    /// It was made, now or before.
    Done,
    /// The key was used for another request.
    Mismatch,
    /// It was refused for another reason.
    Refused,
}

/// Makes a request of a kind under the key, in a session that has messages and a state. `payload` tells two of a kind apart.
fn request<E: Executor>(world: &mut World<E>, kind: RequestKind, session: &str, payload: &str) -> Confirmed {
    let fingerprint = of_request(kind, [payload]);
    match kind {
        RequestKind::Turn => {
            let mut begin = world.begin(session, KEY, payload);
            begin.fingerprint = fingerprint;
            match world.run(&begin) {
                Begun::Mismatch => Confirmed::Mismatch,
                Begun::Replay { .. } => Confirmed::Done,
                begun @ Begun::Started { .. } => {
                    let finish = world.finish(&begin, &begun, "reply");
                    world.run(&finish);
                    Confirmed::Done
                }
                _ => Confirmed::Refused,
            }
        }
        RequestKind::Append => {
            let append = Append { fingerprint, ..append(world, session, KEY, 1) };
            match world.run(&append) {
                Appended::Stored { .. } => Confirmed::Done,
                Appended::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
        RequestKind::Create => {
            let create = Create {
                session: session_id(session),
                operation: turn_id(KEY),
                fingerprint,
                title: payload.to_owned(),
                flags: Flags::default(),
                seal: SEAL.to_owned(),
                now: world.now(),
                ttl: world.limits.ttl,
                sessions_per_owner: world.limits.sessions_per_owner,
                owner_bytes: world.limits.owner_bytes,
            };
            match world.run(&create) {
                Created::Created(_) => Confirmed::Done,
                Created::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
        RequestKind::Delete => {
            let delete = Delete { fingerprint, ..delete(world, session, KEY) };
            match world.run(&delete) {
                Deletion::Gone(gone) if gone.len() == 1 => Confirmed::Done,
                Deletion::Gone(_) => Confirmed::Refused,
                Deletion::Mismatch => Confirmed::Mismatch,
            }
        }
        RequestKind::Fork => {
            let fork = Fork { fingerprint, ..fork(world, "source", session, KEY) };
            match world.run(&fork) {
                Forked::Created(_) => Confirmed::Done,
                Forked::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
        RequestKind::Patch => {
            let patch = Patch { title: Some(payload.to_owned()), fingerprint, ..patch(world, session, KEY) };
            match world.run(&patch) {
                Patched::Done(_) => Confirmed::Done,
                Patched::Mismatch => Confirmed::Mismatch,
                Patched::Absent => Confirmed::Refused,
            }
        }
        RequestKind::Restore => {
            let mut restore = restore(world, session, KEY);
            restore.fingerprint = fingerprint;
            match world.run(&restore) {
                Restored::Back(_) => Confirmed::Done,
                Restored::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
        RequestKind::Truncate => {
            let truncate = Truncate { fingerprint, ..truncate(world, session, KEY, "-") };
            match world.run(&truncate) {
                Truncated::Cut(_) => Confirmed::Done,
                Truncated::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
        RequestKind::WriteState => {
            let write = WriteState { fingerprint, ..write_state(world, session, KEY, &format!("\"{payload}\"")) };
            match world.run(&write) {
                Written::Stored { .. } => Confirmed::Done,
                Written::Mismatch => Confirmed::Mismatch,
                _ => Confirmed::Refused,
            }
        }
    }
}

/// All that can be seen of a session.
fn seen<E: Executor>(world: &mut World<E>, session: &str) -> Option<(Session, Vec<String>, Vec<Stated>)> {
    let there = world.info(session)?;
    let read = ReadState { sessions: vec![session_id(session)], now: world.now() };
    Some((there, world.page(session, 500, None).messages, world.run(&read)))
}

/// Makes the first request of a pair, in a session that it leaves live.
fn first<E: Executor>(world: &mut World<E>, kind: RequestKind, session: &str) {
    match kind {
        RequestKind::Create | RequestKind::Fork => {}
        _ => {
            world.exchange(session, "t0", "text");
        }
    }
    if kind == RequestKind::Restore {
        assert!(world.delete(session));
    }
    assert_eq!(request(world, kind, session, "one"), Confirmed::Done, "{kind:?}");
    if kind == RequestKind::Delete {
        let undo = restore(world, session, "undo");
        assert!(matches!(world.run(&undo), Restored::Back(_)));
    }
}

pub(super) fn a_key_confirms_the_same_request_alone<E: Executor>(world: &mut World<E>) {
    world.exchange("source", "t0", "text");
    for (number, before) in RequestKind::ALL.into_iter().enumerate() {
        for (other, after) in RequestKind::ALL.into_iter().enumerate() {
            let session = format!("s{number}-{other}");
            first(world, before, &session);
            let there = seen(world, &session);
            assert!(there.is_some());
            let again = request(world, after, &session, "one");
            let expected = if before == after { Confirmed::Done } else { Confirmed::Mismatch };
            assert_eq!(again, expected, "{before:?}, then {after:?}");
            assert_eq!(seen(world, &session), there, "{before:?}, then {after:?} changed something");
            assert_eq!(request(world, after, &session, "two"), Confirmed::Mismatch, "{before:?}, then other {after:?}");
            assert_eq!(seen(world, &session), there, "{before:?}, then another {after:?} changed something");
        }
    }
}

pub(super) fn a_key_of_a_deleted_session_confirms_no_restore<E: Executor>(world: &mut World<E>) {
    for (number, kind) in RequestKind::ALL.into_iter().enumerate() {
        if kind == RequestKind::Delete {
            continue;
        }
        let session = format!("s{number}");
        world.exchange("source", &format!("t{number}"), "text");
        first(world, kind, &session);
        world.delete(&session);
        let again = request(world, RequestKind::Restore, &session, "one");
        let expected = if kind == RequestKind::Restore { Confirmed::Done } else { Confirmed::Mismatch };
        assert_eq!(again, expected, "{kind:?}");
        assert_eq!(world.info(&session).is_some(), kind == RequestKind::Restore, "{kind:?}");
    }
}

pub(super) fn a_rotated_key_confirms_its_kind<E: Executor>(world: &mut World<E>) {
    world.exchange("s1", "t0", "text");
    let patched = |world: &mut World<E>, prints: &str| {
        let patch = Patch { fingerprint: prints.to_owned(), ..patch(world, "s1", KEY) };
        !matches!(world.run(&patch), Patched::Mismatch)
    };
    assert!(patched(world, "pk1.0123456789abcdef"));
    for (prints, same) in [
        ("pk1.0123456789abcdef", true),
        ("pk1.0123456789abcdee", false),
        ("pk2.0000000000000000,pk1.0123456789abcdef", true),
        ("pk2.0000000000000000,pk1.0123456789abcdee", false),
        ("pk2.0000000000000000", true),
        ("p.0000000000000000", true),
        ("ck2.0000000000000000", false),
    ] {
        assert_eq!(patched(world, prints), same, "{prints}");
    }
    assert!(patched(world, &of_every_request(RequestKind::Patch)));
    assert!(!patched(world, &of_every_request(RequestKind::Delete)));
}

pub(super) fn a_branch_by_import_is_made_once_under_its_key<E: Executor>(world: &mut World<E>) {
    let branch = |world: &World<E>, session: &str, payload: &str| {
        let mut import = import(world, session, 0, 2);
        import.operation = Some((turn_id(KEY), of_request(RequestKind::Fork, [payload])));
        import
    };
    assert!(matches!(world.run(&branch(world, "s1", "one")), Imported::Stored(_)));
    assert!(matches!(world.run(&branch(world, "s1", "one")), Imported::Stored(session) if session.total == 2));
    assert_eq!(world.run(&branch(world, "s1", "two")), Imported::Mismatch);
    world.run(&import(world, "s2", 0, 2));
    assert_eq!(world.run(&branch(world, "s2", "one")), Imported::Exists);
    assert_eq!(request(world, RequestKind::Delete, "s1", "one"), Confirmed::Mismatch);
}
