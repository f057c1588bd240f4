//! Operations as most scenarios want them; what one wants otherwise it changes.

use super::world::{SEAL, World, message_id, session_id, stored, turn_id};
use crate::executor::Executor;
use chatkeep_model::fingerprint::{RequestKind, of_request};
use chatkeep_model::plan::{
    Append, Condition, CutAfter, Delete, Fork, Import, Patch, Restore, Touch, Truncate, WriteState,
};
use chatkeep_model::records::Notes;
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, Role};

/// The stored texts of so many user messages whose ids begin with `prefix`.
#[must_use]
pub fn texts(prefix: &str, count: u64) -> Vec<String> {
    let text = |number| stored(&message_id(&format!("{prefix}{number}")), Role::User, "pět", None);
    (0..count).map(text).collect()
}

/// An append of so many messages, each with an id that begins with the operation's.
#[must_use]
pub fn append<E: Executor>(world: &World<E>, session: &str, operation: &str, count: u64) -> Append {
    Append {
        session: session_id(session),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::Append, []),
        messages: texts(operation, count),
        title: String::new(),
        existing: false,
        seal: SEAL.to_owned(),
        now: world.now(),
        ttl: world.limits.ttl,
        window: world.limits.window,
        messages_per_session: world.limits.messages_per_session,
        session_bytes: world.limits.session_bytes,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    }
}

/// A patch that changes nothing.
#[must_use]
pub fn patch<E: Executor>(world: &World<E>, session: &str, operation: &str) -> Patch {
    Patch {
        session: session_id(session),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::Patch, []),
        title: None,
        pinned: None,
        archived: None,
        metadata: None,
        automatic: false,
        now: world.now(),
        ttl: world.limits.ttl,
    }
}

/// A touch.
#[must_use]
pub fn touch<E: Executor>(world: &World<E>, session: &str) -> Touch {
    Touch { session: session_id(session), now: world.now(), ttl: world.limits.ttl }
}

/// A cut after a message; `-` cuts everything.
///
/// # Panics
/// That is no message id.
#[must_use]
pub fn truncate<E: Executor>(world: &World<E>, session: &str, operation: &str, after: &str) -> Truncate {
    Truncate {
        session: session_id(session),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::Truncate, [after]),
        after: CutAfter::parse(after).expect("a message id"),
        now: world.now(),
        ttl: world.limits.ttl,
    }
}

/// A fork of all messages.
#[must_use]
pub fn fork<E: Executor>(world: &World<E>, source: &str, target: &str, operation: &str) -> Fork {
    Fork {
        source: session_id(source),
        target: session_id(target),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::Fork, [source]),
        at: None,
        title: String::new(),
        seal: SEAL.to_owned(),
        now: world.now(),
        ttl: world.limits.ttl,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    }
}

/// A write of a state, whatever is there.
#[must_use]
pub fn write_state<E: Executor>(world: &World<E>, session: &str, operation: &str, state: &str) -> WriteState {
    WriteState {
        session: session_id(session),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::WriteState, [state]),
        condition: Condition::Any,
        state: state.to_owned(),
        seal: SEAL.to_owned(),
        now: world.now(),
        ttl: world.limits.ttl,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    }
}

/// A restore.
#[must_use]
pub fn restore<E: Executor>(world: &World<E>, session: &str, operation: &str) -> Restore {
    Restore {
        session: session_id(session),
        operation: turn_id(operation),
        fingerprint: of_request(RequestKind::Restore, []),
        now: world.now(),
        ttl: world.limits.ttl,
        sessions_per_owner: world.limits.sessions_per_owner,
    }
}

/// A deletion under an operation's id.
#[must_use]
pub fn delete<E: Executor>(world: &World<E>, session: &str, operation: &str) -> Delete {
    Delete {
        sessions: vec![session_id(session)],
        operation: Some(turn_id(operation)),
        fingerprint: of_request(RequestKind::Delete, []),
        now: world.now(),
        undo: world.limits.undo,
    }
}

/// An import of so many messages from a position on; the one at position 3 is `i3`.
#[must_use]
pub fn import<E: Executor>(world: &World<E>, session: &str, position: u64, count: u64) -> Import {
    let message = |at| {
        let id = message_id(&format!("i{at}"));
        (id.clone(), stored(&id, Role::User, &format!("text {at}"), None))
    };
    Import {
        session: session_id(session),
        title: "Imported".to_owned(),
        created: Millis(world.now().0 - 5_000),
        updated: Millis(world.now().0 - 1_000),
        flags: Flags::default(),
        metadata: String::new(),
        state: String::new(),
        notes: Notes::default(),
        seal: SEAL.to_owned(),
        position,
        after: None,
        dry_run: false,
        operation: None,
        messages: (position..position + count).map(message).collect(),
        now: world.now(),
        ttl: world.limits.ttl,
        messages_per_session: world.limits.messages_per_session,
        session_bytes: world.limits.session_bytes,
        sessions_per_owner: world.limits.sessions_per_owner,
        owner_bytes: world.limits.owner_bytes,
    }
}
