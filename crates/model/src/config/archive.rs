//! The long-term archive: whether there is one, where, and how it is kept up to date.

use super::{ConfigError, Read, number, truth};
use crate::archive::rows::RowStore;
use crate::archive::{Archive, Mode, Target};
use crate::namespace::Namespace;
use crate::time::Millis;

/// Reads it. A table behind `PostgREST` where `SUPABASE_URL` names one, else D1.
pub(super) fn archive<'a>(
    read: Read,
    mut namespaces: impl Iterator<Item = &'a Namespace>,
) -> Result<Option<Archive>, ConfigError> {
    let Some(mode) = mode(read)? else { return Ok(None) };
    let interval = Millis::from_seconds(number(read, "SYNC_INTERVAL", 300, 1..=86_400)?);
    if mode == Mode::Interval && namespaces.any(|namespace| namespace.limits.ttl <= interval) {
        let reason = "must be shorter than every TTL: a session would expire before it is archived";
        return Err(ConfigError { variable: "SYNC_INTERVAL", reason });
    }
    let days = number(read, "ARCHIVE_RETENTION_DAYS", 0, 0..=36_500)?;
    let retention = (days > 0).then(|| Millis::from_seconds(days * 86_400));
    Ok(Some(Archive { mode, interval, retention, target: target(read)? }))
}

fn mode(read: Read) -> Result<Option<Mode>, ConfigError> {
    const OTHER: &str = "AUTO_SYNC_TO_DB";
    let sync = read(OTHER).map(|text| truth(OTHER, &text)).transpose()?;
    let named = match read("ARCHIVE_MODE").as_deref() {
        None => return Ok((sync == Some(true)).then_some(Mode::Interval)),
        Some("off") => None,
        Some("interval") => Some(Mode::Interval),
        Some("write-through") => Some(Mode::WriteThrough),
        Some(_) => {
            let reason = "must be off, interval or write-through";
            return Err(ConfigError { variable: "ARCHIVE_MODE", reason });
        }
    };
    if sync.is_some_and(|sync| sync != named.is_some()) {
        return Err(ConfigError { variable: OTHER, reason: "contradicts ARCHIVE_MODE" });
    }
    Ok(named)
}

fn target(read: Read) -> Result<Target, ConfigError> {
    let reason = "must be set when the other of the two is";
    match (read("SUPABASE_URL"), read("SUPABASE_KEY")) {
        (None, None) => Ok(Target::D1),
        (None, Some(_)) => Err(ConfigError { variable: "SUPABASE_URL", reason }),
        (Some(_), None) => Err(ConfigError { variable: "SUPABASE_KEY", reason }),
        (Some(url), Some(key)) => {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(ConfigError { variable: "SUPABASE_URL", reason: "must begin with https:// or http://" });
            }
            let table = read("ARCHIVE_TABLE").unwrap_or_else(|| "conversation_messages".to_owned());
            if !table.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(ConfigError { variable: "ARCHIVE_TABLE", reason: "must be letters, digits and _" });
            }
            Ok(Target::Rows(RowStore { url: format!("{}/rest/v1/{table}", url.trim_end_matches('/')), key }))
        }
    }
}
