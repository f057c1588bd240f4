//! The namespaces, and every name that their settings go by.
//!
//! A setting is looked for under the namespace's own name first; that one wins. Where it is absent, the names of the systems
//! that the namespace serves count; those that are set must agree.

use super::{ConfigError, Read, agreed, number};
use crate::dialect::Dialect;
use crate::limits::{Limits, MOST_MESSAGE_BYTES};
use crate::namespace::Namespace;
use crate::time::Millis;
use std::ops::RangeInclusive;

/// A variable, and what one of its units comes to.
type Spelling = (&'static str, u64);

/// A setting: its own name, then those of the systems served.
type Spellings = &'static [Spelling];

/// Milliseconds.
const SECONDS: u64 = 1000;
const DAYS: u64 = 86_400_000;

/// Messages.
const MESSAGES: u64 = 1;
const PAIRS: u64 = 2;

/// What tells a namespace from the others.
struct Settings {
    name: &'static str,
    prefix: &'static [&'static str],
    default_prefix: &'static str,
    ttl: Spellings,
    default_ttl: u64,
    messages: Spellings,
    default_messages: u64,
    default_window: u64,
}

const CANONICAL: Settings = Settings {
    name: "chatkeep",
    prefix: &["KEY_PREFIX", "REDIS_KEY_PREFIX"],
    default_prefix: "chatkeep:",
    ttl: &[("SESSION_TTL_SECONDS", SECONDS), ("SESSION_TTL", SECONDS), ("REDIS_CONVERSATION_TTL", SECONDS)],
    default_ttl: 7 * DAYS,
    messages: &[("MAX_MESSAGES_PER_SESSION", MESSAGES)],
    default_messages: 1000,
    default_window: 20,
};

const JARVIS: Settings = Settings {
    name: "jarvis",
    prefix: &["JARVIS_KEY_PREFIX"],
    default_prefix: "jarvis:session:",
    ttl: &[("JARVIS_SESSION_TTL_SECONDS", SECONDS), ("SESSION_TTL_DAYS", DAYS)],
    default_ttl: 7 * DAYS,
    messages: &[("JARVIS_MAX_MESSAGES_PER_SESSION", MESSAGES)],
    ..CANONICAL
};

const STORAGE_GUIDE: Settings = Settings {
    name: "storage-guide",
    prefix: &["STORAGE_GUIDE_KEY_PREFIX"],
    default_prefix: "session:",
    ttl: &[("STORAGE_GUIDE_SESSION_TTL_SECONDS", SECONDS), ("SESSION_TTL_SECONDS", SECONDS)],
    default_ttl: 3600 * SECONDS,
    messages: &[("STORAGE_GUIDE_MAX_MESSAGES_PER_SESSION", MESSAGES), ("SESSION_MAX_MESSAGES", MESSAGES)],
    default_messages: 100,
    ..CANONICAL
};

const OPENTA: Settings = Settings {
    name: "openta",
    prefix: &["OPENTA_KEY_PREFIX"],
    default_prefix: "conversation:",
    ttl: &[("OPENTA_SESSION_TTL_SECONDS", SECONDS), ("SESSION_TTL", SECONDS)],
    default_ttl: 3600 * SECONDS,
    messages: &[("OPENTA_MAX_MESSAGES_PER_SESSION", PAIRS), ("MAX_MESSAGES_PER_SESSION", PAIRS)],
    default_messages: 50 * PAIRS,
    // Ten pairs, and the question.
    default_window: 21,
};

/// The canonical namespace as `chatkeep/server` opens it: with the hour that its systems keep a session.
const LIBRARY: Settings = Settings { default_ttl: 3600 * SECONDS, ..CANONICAL };

/// The namespace of the canonical API.
pub(super) fn canonical(read: Read) -> Result<Namespace, ConfigError> {
    namespace(read, &CANONICAL, "")
}

impl Namespace {
    /// The namespace of `chatkeep/server`.
    pub(crate) fn of_library(read: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        // Whose sessions these are, and how much they may have, is up to the program that opens them.
        let namespace = namespace(&|name| if BYTES.contains(&name) { None } else { read(name) }, &LIBRARY, "")?;
        Ok(Self { limits: Limits { owner_bytes: 0, ..namespace.limits }, ..namespace })
    }
}

/// A dialect's. What is set before the canonical keys stands before a dialect's too, unless its own prefix is set: so two
/// deployments on one Redis that differ in `KEY_PREFIX` never meet.
pub(super) fn of_dialect(read: Read, dialect: Dialect, canonical: &Namespace) -> Result<Namespace, ConfigError> {
    let settings = match dialect {
        Dialect::Jarvis => &JARVIS,
        Dialect::StorageGuide => &STORAGE_GUIDE,
        Dialect::OpenTa => &OPENTA,
    };
    let before = if canonical.prefix == CANONICAL.default_prefix { "" } else { &canonical.prefix };
    namespace(read, settings, before)
}

/// Refuses two namespaces of one prefix: their sessions would meet.
pub(super) fn check_apart<'a>(namespaces: impl Iterator<Item = &'a Namespace>) -> Result<(), ConfigError> {
    let mut prefixes: Vec<&str> = namespaces.map(|namespace| namespace.prefix.as_str()).collect();
    prefixes.sort_unstable();
    let meet = prefixes.windows(2).any(|two| two.first() == two.last());
    if meet { Err(ConfigError { variable: "KEY_PREFIX", reason: "is that of another namespace" }) } else { Ok(()) }
}

fn namespace(read: Read, settings: &Settings, before: &str) -> Result<Namespace, ConfigError> {
    let prefix = agreed(read, settings.prefix.iter().map(|name| (*name, ())), |_, text, ()| Ok(text))?;
    let prefix = match prefix {
        Some((variable, prefix)) if prefix.contains(['{', '}']) || prefix.len() > 64 => {
            return Err(ConfigError { variable, reason: "must have no braces and at most 64 bytes" });
        }
        Some((_, prefix)) => prefix,
        None => format!("{before}{}", settings.default_prefix),
    };
    Ok(Namespace { name: settings.name, prefix, limits: limits(read, settings)? })
}

fn limits(read: Read, settings: &Settings) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let seconds = |name: &'static str, default: Millis, least: u64| {
        number(read, name, default.0 / SECONDS, least..=LONGEST).map(Millis::from_seconds)
    };
    let bytes = |name: &'static str, default: usize, most: u64| {
        number(read, name, default as u64, 1..=most).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    };
    Ok(Limits {
        ttl: Millis(spelled(read, settings.ttl, settings.default_ttl, SECONDS..=LONGEST * SECONDS)?),
        undo: seconds("UNDO_SECONDS", default.undo, 0)?,
        lease: seconds("LEASE_SECONDS", default.lease, 1)?,
        window: number(read, "WINDOW_MESSAGES", settings.default_window, 1..=200)?,
        messages_per_session: spelled(read, settings.messages, settings.default_messages, 2..=1_000_000)?,
        session_bytes: number(read, "MAX_SESSION_BYTES", default.session_bytes, 1..=1_000_000_000)?,
        sessions_per_owner: number(read, "MAX_SESSIONS_PER_OWNER", default.sessions_per_owner, 1..=100_000_000)?,
        owner_bytes: unless_off(read, BYTES[0], default.owner_bytes)?,
        visitor_bytes: unless_off(read, BYTES[1], default.visitor_bytes)?,
        message_bytes: bytes("MAX_MESSAGE_BYTES", default.message_bytes, MOST_MESSAGE_BYTES as u64)?,
        state_bytes: bytes("MAX_STATE_BYTES", default.state_bytes, 9_000_000)?,
        body_bytes: bytes("MAX_BODY_BYTES", default.body_bytes, 100_000_000)?,
        ..default
    })
}

/// A number, where `off` is 0.
fn unless_off(read: Read, variable: &'static str, default: u64) -> Result<u64, ConfigError> {
    if read(variable).is_some_and(|text| text == "off") { Ok(0) } else { number(read, variable, default, 0..=1 << 50) }
}

/// What limits the bytes of an owner.
const BYTES: [&str; 2] = ["MAX_USER_BYTES", "MAX_VISITOR_BYTES"];

/// Ten years in seconds: well inside what a Redis expiry and a script's number can hold.
const LONGEST: u64 = 315_360_000;

/// A number in the units of the variable that gives it.
fn spelled(read: Read, names: Spellings, default: u64, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
    let found = agreed(read, names.iter().copied(), |variable, text, unit| {
        let units: u64 = text.parse().map_err(|_| ConfigError { variable, reason: "must be a whole number" })?;
        let value = units.checked_mul(unit).filter(|value| range.contains(value));
        value.ok_or(ConfigError { variable, reason: "is out of range" })
    })?;
    Ok(found.map_or(default, |(_, value)| value))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};
    use crate::dialect::Dialect;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    /// Prefix, TTL in seconds, messages: of the canonical namespace and the dialects'.
    fn seen(pairs: &[(&str, &str)]) -> Result<Vec<(String, u64, u64)>, ConfigError> {
        let config = config(pairs)?;
        let all = [None].into_iter().chain(Dialect::ALL.map(Some)).map(|dialect| config.namespace(dialect));
        Ok(all.map(|one| (one.prefix.clone(), one.limits.ttl.0 / 1000, one.limits.messages_per_session)).collect())
    }

    fn rows(rows: [(&str, u64, u64); 4]) -> Vec<(String, u64, u64)> {
        rows.map(|(prefix, ttl, messages)| (prefix.to_owned(), ttl, messages)).to_vec()
    }

    #[test]
    fn each_system_has_its_defaults() -> Result<(), ConfigError> {
        let defaults = rows([
            ("chatkeep:", 604_800, 1000),
            ("jarvis:session:", 604_800, 1000),
            ("session:", 3600, 100),
            ("conversation:", 3600, 100),
        ]);
        assert_eq!(seen(&[])?, defaults);
        Ok(())
    }

    #[test]
    fn each_system_is_set_by_its_own_names() -> Result<(), ConfigError> {
        let set = [
            ("SESSION_TTL_DAYS", "14"),
            ("SESSION_TTL_SECONDS", "7200"),
            ("SESSION_TTL", "1800"),
            ("SESSION_MAX_MESSAGES", "60"),
            ("MAX_MESSAGES_PER_SESSION", "20"),
            ("KEY_PREFIX", "test:"),
            ("OPENTA_KEY_PREFIX", "conversation:"),
        ];
        let expected = rows([
            ("test:", 7200, 20),
            ("test:jarvis:session:", 14 * 86_400, 1000),
            ("test:session:", 7200, 60),
            ("conversation:", 1800, 40),
        ]);
        assert_eq!(seen(&set)?, expected);
        Ok(())
    }

    #[test]
    fn a_namespaces_own_name_comes_first() -> Result<(), ConfigError> {
        let set = [("STORAGE_GUIDE_SESSION_TTL_SECONDS", "60"), ("SESSION_TTL_SECONDS", "7200"), ("SESSION_TTL", "9")];
        let ttls: Vec<_> = seen(&set)?.into_iter().map(|(_, ttl, _)| ttl).collect();
        assert_eq!(ttls, [7200, 604_800, 60, 9]);
        Ok(())
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (pairs, variable) in [
            (&[("SESSION_TTL", "60"), ("REDIS_CONVERSATION_TTL", "61")][..], "REDIS_CONVERSATION_TTL"),
            (&[("JARVIS_KEY_PREFIX", "same:"), ("OPENTA_KEY_PREFIX", "same:")], "KEY_PREFIX"),
            (&[("SESSION_TTL_DAYS", "0")], "SESSION_TTL_DAYS"),
            (&[("SESSION_TTL_DAYS", "99999999999999999")], "SESSION_TTL_DAYS"),
            (&[("SESSION_MAX_MESSAGES", "few")], "SESSION_MAX_MESSAGES"),
        ] {
            assert_eq!(config(pairs).err().map(|error| error.variable), Some(variable), "{pairs:?}");
        }
    }
}
