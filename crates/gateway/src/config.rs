//! What the environment says: where to listen, which tokens to take, which Redis stands behind.

use std::net::IpAddr;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::target::RedisTarget;

/// Everything that a gateway needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// `GATEWAY_HOST`: the address or name to listen on.
    pub host: String,
    /// `GATEWAY_PORT`; 0 takes any free port.
    pub port: u16,
    /// `GATEWAY_TOKEN` and `GATEWAY_READONLY_TOKEN`.
    pub tokens: Tokens,
    /// `REDIS_URL`, or `REDIS_HOST` and its companions.
    pub redis: RedisTarget,
    /// `GATEWAY_LOG=access`: one line of JSON per request on standard error.
    pub access_log: bool,
    /// `GATEWAY_FAULTS=on`: faults on demand and counters, for tests.
    pub faults: bool,
    /// `GATEWAY_MAX_REQUEST_SIZE`: bytes that one command, and its reply, may have.
    pub max_request_size: usize,
}

/// The tokens that open a gateway.
#[derive(Clone)]
pub struct Tokens {
    /// Opens everything.
    pub standard: String,
    /// Opens reading commands only.
    pub read_only: Option<String>,
    /// Whether the standard token is the well-known one.
    pub is_default: bool,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokens").field("is_default", &self.is_default).finish_non_exhaustive()
    }
}

/// The token on a loopback address when none is configured.
const DEFAULT_TOKEN: &str = "local";
/// The size of the service's free plan.
const DEFAULT_MAX_REQUEST_SIZE: usize = 10_485_760;

impl Config {
    /// Reads the environment of the process. The error is a sentence for the operator and holds no secret.
    pub fn from_env() -> Result<Self, String> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the variables that `lookup` gives. A variable of blanks counts as unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let host = read("GATEWAY_HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        let loopback = is_loopback(&host);
        let faults = read("GATEWAY_FAULTS").is_some_and(|value| value == "on");
        if faults && !loopback {
            return Err("GATEWAY_FAULTS=on is for tests: GATEWAY_HOST must be a loopback address".to_owned());
        }
        let standard = match read("GATEWAY_TOKEN") {
            Some(token) if token == DEFAULT_TOKEN && !loopback => {
                return Err(format!("GATEWAY_TOKEN is the default one, and GATEWAY_HOST={host} is not loopback"));
            }
            Some(token) => token,
            None if loopback => DEFAULT_TOKEN.to_owned(),
            None => return Err(format!("GATEWAY_TOKEN is required, because GATEWAY_HOST={host} is not loopback")),
        };
        let read_only = read("GATEWAY_READONLY_TOKEN");
        if read_only.as_ref() == Some(&standard) {
            return Err("GATEWAY_READONLY_TOKEN must differ from GATEWAY_TOKEN".to_owned());
        }
        let tokens = Tokens { is_default: standard == DEFAULT_TOKEN, standard, read_only };
        Ok(Self {
            host,
            port: number(&read, "GATEWAY_PORT", 8079)?,
            tokens,
            redis: redis_target(&read)?,
            access_log: read("GATEWAY_LOG").is_some_and(|value| value == "access"),
            faults,
            max_request_size: number(&read, "GATEWAY_MAX_REQUEST_SIZE", DEFAULT_MAX_REQUEST_SIZE)?,
        })
    }
}

fn redis_target(read: &impl Fn(&str) -> Option<String>) -> Result<RedisTarget, String> {
    let ca_file = read("REDIS_TLS_CA");
    let db = database(read)?;
    if let Some(url) = read("REDIS_URL") {
        return RedisTarget::from_url(&completed(&url, db, read("REDIS_PASSWORD"))?, ca_file.as_deref());
    }
    if ca_file.is_some() {
        return Err("REDIS_TLS_CA needs a REDIS_URL that begins with rediss://".to_owned());
    }
    let host = read("REDIS_HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = number(read, "REDIS_PORT", 6379)?;
    Ok(RedisTarget::from_parts(host, port, read("REDIS_USERNAME"), read("REDIS_PASSWORD"), db.unwrap_or(0)))
}

/// The number of the database. `REDIS_DB` may be another program's beside `REDIS_DB_SESSIONS`, so that one comes first.
fn database(read: &impl Fn(&str) -> Option<String>) -> Result<Option<u16>, String> {
    for name in ["REDIS_DB_SESSIONS", "REDIS_DB"] {
        if let Some(text) = read(name) {
            return text.parse().map(Some).map_err(|_| format!("{name} must be a number in range, not {text:?}"));
        }
    }
    Ok(None)
}

/// A URL with what stands beside it, where it doesn't say that itself: the password and the database.
fn completed(url: &str, db: Option<u16>, password: Option<String>) -> Result<String, String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(url.to_owned()) };
    let (address, query) =
        rest.split_once('?').map_or((rest, String::new()), |(rest, query)| (rest, format!("?{query}")));
    let (place, path) = address.split_once('/').unwrap_or((address, ""));
    let path = match (path, db) {
        ("", Some(db)) => db.to_string(),
        (path, Some(db)) if path != db.to_string() => {
            return Err("REDIS_URL names another database than REDIS_DB_SESSIONS or REDIS_DB".to_owned());
        }
        (path, _) => path.to_owned(),
    };
    let (login, host) = place.rsplit_once('@').unwrap_or(("", place));
    let login = match (login.split_once(':'), password) {
        (Some((_, own)), _) if !own.is_empty() => login.to_owned(),
        (_, Some(password)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{user}:{}", utf8_percent_encode(&password, NON_ALPHANUMERIC))
        }
        (_, None) => login.to_owned(),
    };
    let at = if login.is_empty() { "" } else { "@" };
    Ok(format!("{scheme}://{login}{at}{host}/{path}{query}"))
}

fn number<T: std::str::FromStr>(read: &impl Fn(&str) -> Option<String>, name: &str, default: T) -> Result<T, String> {
    match read(name) {
        Some(text) => text.parse().map_err(|_| format!("{name} must be a number in range, not {text:?}")),
        None => Ok(default),
    }
}

/// Whether a host to listen on is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::from_lookup(|wanted| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_is_local() {
        let config = config(&[]).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8079));
        assert_eq!(config.tokens.standard, "local");
        assert!(config.tokens.is_default);
        assert_eq!(config.redis.redacted(), "redis://127.0.0.1:6379/0");
        assert!(!config.access_log && !config.faults);
        assert_eq!(config.max_request_size, 10_485_760);
    }

    #[test]
    fn elsewhere_a_token_is_required() {
        assert!(config(&[("GATEWAY_HOST", "0.0.0.0")]).unwrap_err().contains("GATEWAY_TOKEN"));
        assert!(config(&[("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_TOKEN", " ")]).is_err());
        assert!(config(&[("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_TOKEN", "local")]).unwrap_err().contains("default"));
        assert!(config(&[("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_TOKEN", " t\n")]).unwrap().tokens.standard == "t");
        for host in ["localhost", "::1", "127.9.9.9"] {
            assert!(config(&[("GATEWAY_HOST", host)]).is_ok());
        }
    }

    #[test]
    fn reads_the_parts_of_a_redis() {
        let config = config(&[
            ("REDIS_HOST", "redis.internal"),
            ("REDIS_PORT", "7000"),
            ("REDIS_USERNAME", "ada"),
            ("REDIS_PASSWORD", "p@ss"),
            ("REDIS_DB", "3"),
        ])
        .unwrap();
        assert_eq!(config.redis.redacted(), "redis://redis.internal:7000/3");
        assert!(!format!("{config:?}").contains("p@ss"));
    }

    #[test]
    fn a_url_wins_over_parts() {
        let config = config(&[("REDIS_URL", "redis://u:p@h:1/2"), ("REDIS_HOST", "other")]).unwrap();
        assert_eq!(config.redis.redacted(), "redis://h:1/2");
    }

    #[test]
    fn a_url_is_completed_by_what_stands_beside_it() {
        for (url, db, password, whole) in [
            ("redis://h:1", None, None, "redis://h:1/"),
            ("redis://h:1/2", Some(2), None, "redis://h:1/2"),
            ("redis://h", Some(1), Some("p@ss"), "redis://:p%40ss@h/1"),
            ("redis://ada@h/0", None, Some("p"), "redis://ada:p@h/0"),
            ("rediss://:own@h:1?x=y", Some(1), Some("p"), "rediss://:own@h:1/1?x=y"),
        ] {
            assert_eq!(completed(url, db, password.map(str::to_owned)).as_deref(), Ok(whole));
        }
        let config = config(&[("REDIS_URL", "redis://h"), ("REDIS_DB", "0"), ("REDIS_DB_SESSIONS", "1")]).unwrap();
        assert_eq!(config.redis.redacted(), "redis://h:6379/1");
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for variables in [
            &[("GATEWAY_PORT", "eighty")][..],
            &[("GATEWAY_PORT", "70000")],
            &[("REDIS_DB", "x")],
            &[("REDIS_URL", "redis://h/0"), ("REDIS_DB", "1")],
            &[("REDIS_TLS_CA", "ca.pem")],
            &[("REDIS_TLS_CA", "ca.pem"), ("REDIS_URL", "redis://h")],
            &[("GATEWAY_TOKEN", "a"), ("GATEWAY_READONLY_TOKEN", "a")],
            &[("GATEWAY_FAULTS", "on"), ("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_TOKEN", "t")],
        ] {
            assert!(config(variables).is_err(), "{variables:?}");
        }
    }
}
