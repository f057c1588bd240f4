//! The gate: who owns what this request may touch. Every route but `/health` goes through it, before anything else.

use crate::config::{ApiKey, Config};
use crate::error::{Code, Problem};
use crate::owner::Owner;

/// What a request shows of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The `X-API-Key` header.
    pub api_key: Option<&'a str>,
    /// The host that the request is for, with or without a port.
    pub host: &'a str,
}

/// Resolves the owner.
///
/// # Errors
/// [`Code::Unauthorized`] without a right key where keys are configured; [`Code::NotConfigured`] where none are and the
/// request is not for this machine itself.
pub fn gate(config: &Config, credentials: Credentials) -> Result<Owner, Problem> {
    if config.api_keys.is_empty() {
        if is_loopback(credentials.host) {
            return Ok(Owner::app());
        }
        let detail = "set API_KEYS; without it this Worker serves localhost only";
        return Err(Problem::new(Code::NotConfigured).detail(detail));
    }
    let shown = credentials.api_key.unwrap_or_default();
    // All keys are compared, and each to its end, so that the time taken tells nothing of them.
    let right = config.api_keys.iter().fold(false, |right, key| right | same(key, shown));
    if right { Ok(Owner::app()) } else { Err(Problem::new(Code::Unauthorized)) }
}

fn same(key: &ApiKey, shown: &str) -> bool {
    let padded = shown.bytes().chain(std::iter::repeat(0));
    let differ = key.0.bytes().zip(padded).fold(0, |differ, (ours, theirs)| differ | (ours ^ theirs));
    (differ == 0) & (key.0.len() == shown.len())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let v4 = name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    v4 || matches!(name, "localhost" | "::1") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigError;

    fn answer(keys: Option<&str>, api_key: Option<&str>, host: &str) -> Result<Result<Owner, Code>, ConfigError> {
        let config = Config::read(|name| keys.filter(|_| name == "API_KEYS").map(str::to_owned))?;
        Ok(gate(&config, Credentials { api_key, host }).map_err(|problem| problem.code))
    }

    #[test]
    fn without_keys_only_this_machine_is_served() -> Result<(), ConfigError> {
        for host in ["localhost", "localhost:8787", "127.0.0.1:80", "127.9.9.9", "[::1]:8787", "app.localhost"] {
            assert_eq!(answer(None, None, host)?, Ok(Owner::app()), "{host}");
        }
        for host in ["chat.example.com", "localhost.example.com", "10.0.0.1", "", "[::2]", "127.0.0.1.example.com"] {
            assert_eq!(answer(None, None, host)?, Err(Code::NotConfigured), "{host}");
        }
        Ok(())
    }

    #[test]
    fn with_keys_one_of_them_is_needed_everywhere() -> Result<(), ConfigError> {
        let keys = Some("first-key,second-key");
        assert_eq!(answer(keys, Some("second-key"), "chat.example.com")?, Ok(Owner::app()));
        for wrong in
            [None, Some(""), Some("second-ke"), Some("second-keyy"), Some("first-key,second-key"), Some("second-key\0")]
        {
            assert_eq!(answer(keys, wrong, "localhost")?, Err(Code::Unauthorized), "{wrong:?}");
        }
        Ok(())
    }
}
