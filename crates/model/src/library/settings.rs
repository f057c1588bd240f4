//! The settings of a store: options first, then the environment. `docs/library.md` tells the order to people.

use super::address::{Address, DEFAULT_PORT};
use super::log::Level;
use crate::config::{ConfigError, Encryption, Upstash, encryption};
use crate::namespace::Namespace;
use crate::owner::Owner;
use crate::search::Normalizer;
use serde::Deserialize;

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// In a Redis, over Upstash's REST API.
    Rest(Upstash),
    /// In a Redis, over TCP.
    Tcp(Address),
    /// In this process.
    Memory,
}

/// A store's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where sessions are kept.
    pub connection: Connection,
    /// Which of them, and how far they may go.
    pub namespace: Namespace,
    /// Whose they are.
    pub owner: Owner,
    /// Whether and how they are encrypted.
    pub encryption: Option<Encryption>,
    /// While Redis can't be reached, go on in memory.
    pub fallback: bool,
    /// Work goes on between calls: there are timers, and one call may finish what another one began. Not so on the edge.
    pub background: bool,
    /// The least that is logged.
    pub log_level: Level,
    /// How texts are compared in a search.
    pub normalizer: Normalizer,
}

/// The options of `createStore`, as they come from JavaScript.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    url: Option<String>,
    token: Option<String>,
    host: Option<String>,
    port: Option<u32>,
    username: Option<String>,
    password: Option<String>,
    db: Option<u32>,
    memory: Option<bool>,
    key_prefix: Option<String>,
    ttl_seconds: Option<u64>,
    owner: Option<String>,
    fallback: Option<bool>,
    log_level: Option<String>,
    encryption_keys: Option<String>,
    encryption_strict: Option<bool>,
    #[serde(default)]
    background: bool,
}

/// The variables that say where Redis is. An option that says so makes all of them count for nothing.
const CONNECTION: &[&str] = &[
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "KV_REST_API_URL",
    "KV_REST_API_TOKEN",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "REDIS_DB_SESSIONS",
    "USE_REDIS",
    "ENABLE_REDIS_SESSIONS",
];

/// The others that a store reads, here and in the namespaces' settings.
const OTHERS: &[&str] = &[
    "KEY_PREFIX",
    "REDIS_KEY_PREFIX",
    "SESSION_TTL_SECONDS",
    "SESSION_TTL",
    "REDIS_CONVERSATION_TTL",
    "MAX_MESSAGES_PER_SESSION",
    "MAX_SESSIONS_PER_OWNER",
    "MAX_SESSION_BYTES",
    "MAX_MESSAGE_BYTES",
    "MAX_STATE_BYTES",
    "MAX_BODY_BYTES",
    "UNDO_SECONDS",
    "LOG_LEVEL",
    "ENCRYPTION_KEYS",
    "ENCRYPTION_STRICT",
];

/// The names of all variables that a store reads.
pub fn variables() -> impl Iterator<Item = &'static str> {
    CONNECTION.iter().chain(OTHERS).copied()
}

type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Reads the options, JSON, and the variables. An empty variable is an absent one.
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that can't be used, or contradicts another.
    pub fn read(options: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let options: Options = serde_json::from_str(options)
            .map_err(|_| ConfigError { variable: "options", reason: "one of them has the wrong type" })?;
        let connects = options.connects();
        let read = |name: &str| {
            let given = options.given(name);
            if given.is_some() || (connects && CONNECTION.contains(&name)) {
                return given;
            }
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        Ok(Self {
            connection: connection(&read)?,
            namespace: Namespace::of_library(&read)?,
            owner: owner(options.owner.as_deref())?,
            encryption: encryption(&read)?,
            fallback: options.fallback.unwrap_or(true),
            background: options.background,
            log_level: log_level(&read)?,
            normalizer: Normalizer::default(),
        })
    }
}

impl Options {
    /// Whether an option says where sessions are kept.
    fn connects(&self) -> bool {
        let texts = [&self.url, &self.token, &self.host, &self.username, &self.password];
        texts.iter().any(|text| text.is_some()) || self.port.is_some() || self.db.is_some() || self.memory.is_some()
    }

    /// What an option says in the place of a variable.
    fn given(&self, name: &str) -> Option<String> {
        let rest = self.url.as_ref().is_some_and(|url| url.starts_with("http"));
        match name {
            "UPSTASH_REDIS_REST_URL" => self.url.clone().filter(|_| rest),
            "UPSTASH_REDIS_REST_TOKEN" => self.token.clone(),
            "REDIS_URL" => self.url.clone().filter(|_| !rest),
            "REDIS_HOST" => self.host.clone(),
            "REDIS_PORT" => self.port.map(|number| number.to_string()),
            "REDIS_USERNAME" => self.username.clone(),
            "REDIS_PASSWORD" => self.password.clone(),
            "REDIS_DB" => self.db.map(|number| number.to_string()),
            "USE_REDIS" => self.memory.map(|memory| (!memory).to_string()),
            "KEY_PREFIX" => self.key_prefix.clone(),
            "SESSION_TTL_SECONDS" => self.ttl_seconds.map(|number| number.to_string()),
            "LOG_LEVEL" => self.log_level.clone(),
            "ENCRYPTION_KEYS" => self.encryption_keys.clone(),
            "ENCRYPTION_STRICT" => self.encryption_strict.map(|strict| if strict { "on" } else { "off" }.to_owned()),
            _ => None,
        }
    }
}

fn connection(read: Read) -> Result<Connection, ConfigError> {
    if switch(read)? == Some(false) {
        return Ok(Connection::Memory);
    }
    let (rest, tcp) = (rest(read)?, tcp(read)?);
    match (rest, tcp) {
        // Hosts that sell Upstash databases set both. Then they name the same one.
        (Some(rest), Some(tcp)) if host(&rest.url) != tcp.host => Err(ConfigError {
            variable: "REDIS_URL",
            reason: "names another host than the REST URL: set one of the two",
        }),
        (Some(rest), _) => Ok(Connection::Rest(rest)),
        (None, Some(tcp)) => Ok(Connection::Tcp(tcp)),
        (None, None) => Ok(Connection::Memory),
    }
}

/// Whether Redis shall be used, where somebody says so.
fn switch(read: Read) -> Result<Option<bool>, ConfigError> {
    let mut said = None;
    for variable in ["USE_REDIS", "ENABLE_REDIS_SESSIONS"] {
        let Some(text) = read(variable) else { continue };
        let on = match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => return Err(ConfigError { variable, reason: "must be true or false" }),
        };
        if said.is_some_and(|other| other != on) {
            return Err(ConfigError { variable, reason: "contradicts USE_REDIS" });
        }
        said = Some(on);
    }
    Ok(said)
}

fn rest(read: Read) -> Result<Option<Upstash>, ConfigError> {
    let mut found: Option<Upstash> = None;
    for (url_name, token_name) in
        [("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"), ("KV_REST_API_URL", "KV_REST_API_TOKEN")]
    {
        let missing = |variable| ConfigError { variable, reason: "must be set when the other of the two is" };
        let upstash = match (read(url_name), read(token_name)) {
            (None, None) => continue,
            (None, Some(_)) => return Err(missing(url_name)),
            (Some(_), None) => return Err(missing(token_name)),
            (Some(url), Some(token)) => Upstash { url: url.trim_end_matches('/').to_owned(), token },
        };
        if !upstash.url.starts_with("https://") && !upstash.url.starts_with("http://") {
            return Err(ConfigError { variable: url_name, reason: "must begin with https:// or http://" });
        }
        if found.as_ref().is_some_and(|other| *other != upstash) {
            return Err(ConfigError { variable: url_name, reason: "contradicts UPSTASH_REDIS_REST_URL" });
        }
        found = Some(upstash);
    }
    Ok(found)
}

fn tcp(read: Read) -> Result<Option<Address>, ConfigError> {
    let port = number(read, "REDIS_PORT", u32::from(u16::MAX))?.and_then(|port| u16::try_from(port).ok());
    let db = match (number(read, "REDIS_DB", 1 << 20)?, number(read, "REDIS_DB_SESSIONS", 1 << 20)?) {
        (Some(one), Some(other)) if one != other => {
            return Err(ConfigError { variable: "REDIS_DB_SESSIONS", reason: "contradicts REDIS_DB" });
        }
        (one, other) => one.or(other),
    };
    let (host, username, password) = (read("REDIS_HOST"), read("REDIS_USERNAME"), read("REDIS_PASSWORD"));
    let Some(url) = read("REDIS_URL") else {
        // Switched on and told nothing more, it is the Redis of this machine; a part of an address says as much.
        let named = host.is_some() || port.is_some() || switch(read)? == Some(true);
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let port = port.unwrap_or(DEFAULT_PORT);
        return Ok(named.then_some(Address { tls: false, host, port, username, password, db }));
    };
    let address = Address::parse(&url).map_err(|reason| ConfigError { variable: "REDIS_URL", reason })?;
    Ok(Some(Address {
        tls: address.tls,
        host: same("REDIS_HOST", Some(address.host), host)?.unwrap_or_default(),
        port: same("REDIS_PORT", Some(address.port), port)?.unwrap_or(DEFAULT_PORT),
        username: same("REDIS_USERNAME", address.username, username)?,
        password: same("REDIS_PASSWORD", address.password, password)?,
        db: same("REDIS_DB", address.db, db)?,
    }))
}

/// What the URL says, or a variable of its own where the URL doesn't; they may not say two things.
fn same<T: PartialEq>(variable: &'static str, url: Option<T>, own: Option<T>) -> Result<Option<T>, ConfigError> {
    match (url, own) {
        (Some(one), Some(other)) if one != other => Err(ConfigError { variable, reason: "contradicts REDIS_URL" }),
        (one, other) => Ok(one.or(other)),
    }
}

fn number(read: Read, variable: &'static str, most: u32) -> Result<Option<u32>, ConfigError> {
    let Some(text) = read(variable) else { return Ok(None) };
    let number: Option<u32> = text.parse().ok().filter(|number| *number <= most);
    number.map(Some).ok_or(ConfigError { variable, reason: "is no number that it can be" })
}

/// The host of a REST URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default()
}

fn owner(text: Option<&str>) -> Result<Owner, ConfigError> {
    let Some(text) = text else { return Ok(Owner::app()) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.%-".contains(&byte);
    if text.is_empty() || text.len() > 96 || !text.bytes().all(fits) {
        return Err(ConfigError { variable: "owner", reason: "must be 1 to 96 of A-Z a-z 0-9 _ . % -" });
    }
    Ok(Owner::stored(text.to_owned()))
}

fn log_level(read: Read) -> Result<Level, ConfigError> {
    let text = read("LOG_LEVEL").unwrap_or_else(|| Level::Warning.as_str().to_owned());
    Level::named(&text)
        .ok_or(ConfigError { variable: "LOG_LEVEL", reason: "must be debug, info, warning, error or off" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str, pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        Settings::read(options, |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    /// Where the sessions are, with the secrets.
    fn place(options: &str, pairs: &[(&str, &str)]) -> Result<String, ConfigError> {
        Ok(match read(options, pairs)?.connection {
            Connection::Memory => "memory".to_owned(),
            Connection::Rest(upstash) => format!("{} {}", upstash.url, upstash.token),
            Connection::Tcp(address) => {
                let secrets = [address.username.clone(), address.password.clone()].map(Option::unwrap_or_default);
                format!("{address} {}", secrets.join(":"))
            }
        })
    }

    #[test]
    fn every_way_to_name_a_redis() -> Result<(), ConfigError> {
        for (options, variables, expected) in [
            ("{}", &[][..], "memory"),
            ("{}", &[("REDIS_URL", "redis://:a@h/1")], "redis://h:6379/1 :a"),
            ("{}", &[("REDIS_URL", "redis://h"), ("REDIS_PASSWORD", "b"), ("REDIS_DB", "2")], "redis://h:6379/2 :b"),
            ("{}", &[("REDIS_HOST", "h"), ("REDIS_PORT", "7"), ("REDIS_DB_SESSIONS", "3")], "redis://h:7/3 :"),
            ("{}", &[("USE_REDIS", "true")], "redis://localhost:6379/0 :"),
            ("{}", &[("REDIS_URL", "redis://h"), ("USE_REDIS", "false")], "memory"),
            ("{}", &[("REDIS_URL", "redis://h"), ("ENABLE_REDIS_SESSIONS", "False")], "memory"),
            ("{}", &[("KV_REST_API_URL", "https://k/"), ("KV_REST_API_TOKEN", "t")], "https://k t"),
            (
                "{}",
                &[
                    ("KV_REST_API_URL", "https://k"),
                    ("KV_REST_API_TOKEN", "t"),
                    ("REDIS_URL", "rediss://default:t@k:6379"),
                ],
                "https://k t",
            ),
            (r#"{"url":"redis://other"}"#, &[("REDIS_URL", "redis://h"), ("REDIS_DB", "4")], "redis://other:6379/0 :"),
            (r#"{"url":"https://u","token":"t"}"#, &[("REDIS_URL", "redis://h")], "https://u t"),
            (r#"{"host":"h","port":9,"password":"p","db":1}"#, &[("USE_REDIS", "false")], "redis://h:9/1 :p"),
            (r#"{"memory":true}"#, &[("REDIS_URL", "redis://h")], "memory"),
        ] {
            assert_eq!(place(options, variables)?, expected, "{options} {variables:?}");
        }
        Ok(())
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (options, variables, variable) in [
            ("{}", &[("REDIS_URL", "redis://:a@h"), ("REDIS_PASSWORD", "b")][..], "REDIS_PASSWORD"),
            ("{}", &[("REDIS_URL", "redis://h/1"), ("REDIS_DB", "2")], "REDIS_DB"),
            ("{}", &[("REDIS_URL", "redis://h"), ("REDIS_HOST", "i")], "REDIS_HOST"),
            ("{}", &[("REDIS_DB", "1"), ("REDIS_DB_SESSIONS", "2")], "REDIS_DB_SESSIONS"),
            ("{}", &[("USE_REDIS", "true"), ("ENABLE_REDIS_SESSIONS", "false")], "ENABLE_REDIS_SESSIONS"),
            ("{}", &[("USE_REDIS", "maybe")], "USE_REDIS"),
            ("{}", &[("KV_REST_API_URL", "https://k")], "KV_REST_API_TOKEN"),
            (
                "{}",
                &[("KV_REST_API_URL", "https://k"), ("KV_REST_API_TOKEN", "t"), ("REDIS_URL", "redis://h")],
                "REDIS_URL",
            ),
            ("{}", &[("SESSION_TTL", "60"), ("REDIS_CONVERSATION_TTL", "61")], "REDIS_CONVERSATION_TTL"),
            (r#"{"owner":"{x}"}"#, &[], "owner"),
            (r#"{"url":5}"#, &[], "options"),
            (r#"{"url":"ftp://h"}"#, &[], "REDIS_URL"),
            (r#"{"logLevel":"loud"}"#, &[], "LOG_LEVEL"),
        ] {
            let refused = read(options, variables).err().map(|error| error.variable);
            assert_eq!(refused, Some(variable), "{options} {variables:?}");
        }
    }

    #[test]
    fn the_workers_log_levels_are_known_and_off_is_above_all() -> Result<(), ConfigError> {
        for name in ["trace", "debug", "info", "warn", "warning", "error", "critical", "OFF", "none"] {
            assert!(crate::observe::Level::parse(name).is_some(), "{name}");
            let settings = read("{}", &[("LOG_LEVEL", name)])?;
            let is_off = ["OFF", "none"].contains(&name);
            assert_eq!(settings.log_level > Level::Error, is_off, "{name}");
        }
        assert_eq!(read(r#"{"logLevel":"off"}"#, &[])?.log_level, Level::Off);
        Ok(())
    }

    #[test]
    fn ttl_and_prefix_have_their_systems_names() -> Result<(), ConfigError> {
        for (options, variables, expected) in [
            ("{}", &[][..], ("chatkeep:", 3600)),
            ("{}", &[("REDIS_CONVERSATION_TTL", "60"), ("REDIS_KEY_PREFIX", "cql:session:")], ("cql:session:", 60)),
            ("{}", &[("SESSION_TTL", "70")], ("chatkeep:", 70)),
            (r#"{"keyPrefix":"myapp:conv:","ttlSeconds":1800}"#, &[("SESSION_TTL", "70")], ("myapp:conv:", 1800)),
        ] {
            let namespace = read(options, variables)?.namespace;
            assert_eq!((namespace.prefix.as_str(), namespace.limits.ttl.0 / 1000), expected);
        }
        Ok(())
    }

    #[test]
    fn every_variable_is_read() -> Result<(), ConfigError> {
        let asked = std::cell::RefCell::new(Vec::new());
        Settings::read("{}", |name| {
            asked.borrow_mut().push(name.to_owned());
            None
        })?;
        for name in asked.borrow().iter() {
            // How a turn runs is no concern of a store.
            let of_turns = ["WINDOW_MESSAGES", "LEASE_SECONDS"].contains(&name.as_str());
            assert!(of_turns || variables().any(|known| known == name), "{name} is read but not asked for");
        }
        Ok(())
    }
}
