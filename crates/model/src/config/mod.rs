//! Configuration: what the environment's variables mean. One place spells each name.

mod archive;
mod encryption;
mod namespaces;
mod responder;
mod store;

pub use encryption::Encryption;
pub(crate) use encryption::encryption;

use crate::archive::Archive;
use crate::auth::{Access, By};
use crate::client_address::TrustedProxies;
use crate::cors::AllowedOrigins;
use crate::dialect::Dialect;
use crate::intake::WritableRoles;
use crate::limits::JOURNAL_BYTES;
use crate::namespace::Namespace;
use crate::observe::Level;
use crate::rate::Rates;
use crate::responder::Responder;
use crate::time::Millis;
use std::fmt;
use std::rc::Rc;

/// A Worker's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The Redis to use; without one, the vault.
    pub upstash: Option<Upstash>,
    /// The canonical API's namespace.
    pub canonical: Rc<Namespace>,
    /// The dialects' namespaces.
    pub dialects: Vec<(Dialect, Rc<Namespace>)>,
    /// The dialect that is mounted at the root besides.
    pub root: Option<Dialect>,
    /// Whether and how sessions are encrypted at rest.
    pub encryption: Option<Encryption>,
    /// Who is let in.
    pub access: Access,
    /// The long-term archive, where there is one.
    pub archive: Option<Archive>,
    /// How many turns they may begin.
    pub rates: Rates,
    /// The other origins whose pages may call the API.
    pub allowed_origins: AllowedOrigins,
    /// The proxies that are believed whom they forward for, where the platform doesn't tell a client's address.
    pub trusted_proxies: TrustedProxies,
    /// What answers.
    pub responder: Responder,
    /// About how many tokens of a session it is shown at most; without it, as many messages as the window has.
    pub window_tokens: Option<u64>,
    /// It is asked for titles too.
    pub titles_by_responder: bool,
    /// It is asked for summaries of what the window leaves out.
    pub summaries: bool,
    /// How long it may take; in a stream, how long it may be silent.
    pub responder_timeout: Millis,
    /// Operators may read titles and messages.
    pub admin_texts: bool,
    /// Lines that matter less are not written.
    pub log_level: Level,
    /// How long the echo takes for a word when it streams.
    pub echo_word: Millis,
    /// What `GET /v1/events` tells.
    pub events: Events,
    /// How long it is an event stream before it is to be asked for again.
    pub event_stream: Millis,
    /// The streamed turns that one owner may have running.
    pub running_turns: usize,
    /// The imports that one owner may have running in one isolate.
    pub running_imports: usize,
    /// The roles of the messages that visitors and users may write.
    pub client_roles: WritableRoles,
    /// The bytes of one owner's journal.
    pub journal_bytes: u64,
}

/// What `GET /v1/events` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Nothing: it isn't served.
    Off,
    /// What the vault sees by itself: all of it where the vault is the store, else the streamed turns.
    Seen,
    /// Everything: on an Upstash store each change is told to the vault after its answer.
    All,
}

/// An Upstash REST database.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstash {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Its token.
    pub token: String,
}

impl fmt::Debug for Upstash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstash")
    }
}

/// A variable that can't be used. Names the variable, never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the variables. An empty value is an absent one.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that can't be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let read = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let canonical = Rc::new(namespaces::canonical(&read)?);
        let of_dialect = |dialect| Ok((dialect, Rc::new(namespaces::of_dialect(&read, dialect, &canonical)?)));
        let dialects: Vec<(_, Rc<Namespace>)> = Dialect::ALL.into_iter().map(of_dialect).collect::<Result<_, _>>()?;
        let all = || [&*canonical].into_iter().chain(dialects.iter().map(|(_, namespace)| &**namespace));
        namespaces::check_apart(all())?;
        let archive = archive::archive(&read, all())?;
        Ok(Self {
            upstash: store::upstash(&read)?,
            canonical,
            archive,
            dialects,
            root: read("DIALECT_ROOT").map(|name| root(&name)).transpose()?,
            encryption: encryption(&read)?,
            access: Access::read(&read)?,
            rates: Rates::read(&read)?,
            allowed_origins: allowed_origins(&read)?,
            trusted_proxies: trusted_proxies(&read)?,
            responder: responder::responder(&read)?,
            window_tokens: Some(number(&read, "WINDOW_TOKENS", 0, 0..=10_000_000)?).filter(|tokens| *tokens > 0),
            titles_by_responder: responder::titles(&read)?,
            summaries: responder::summaries(&read)?,
            responder_timeout: Millis::from_seconds(number(&read, "RESPONDER_TIMEOUT_SECONDS", 60, 1..=600)?),
            echo_word: Millis(number(&read, "ECHO_WORD_MS", 20, 0..=1000)?),
            events: events(&read)?,
            event_stream: Millis::from_seconds(number(&read, "EVENT_STREAM_SECONDS", 300, 1..=3600)?),
            journal_bytes: number(&read, "MAX_JOURNAL_BYTES", JOURNAL_BYTES, 1..=1 << 40)?,
            running_turns: usize::try_from(number(&read, "MAX_RUNNING_TURNS", 100, 1..=1000)?).unwrap_or(100),
            running_imports: usize::try_from(number(&read, "MAX_RUNNING_IMPORTS", 2, 1..=100)?).unwrap_or(2),
            client_roles: client_roles(&read)?,
            admin_texts: read("ADMIN_TEXTS").map_or(Ok(false), |text| truth("ADMIN_TEXTS", &text))?,
            log_level: log_level(&read)?,
        })
    }

    /// The namespace whose keys begin with a prefix.
    #[must_use]
    pub fn of_prefix(&self, prefix: &str) -> Option<Rc<Namespace>> {
        let mut all = std::iter::once(&self.canonical).chain(self.dialects.iter().map(|(_, namespace)| namespace));
        all.find(|namespace| namespace.prefix == prefix).cloned()
    }

    /// The roles of the messages that a caller may write: API keys belong to servers, which may write all.
    #[must_use]
    pub fn writable_roles(&self, by: &By) -> WritableRoles {
        match by {
            By::User | By::Visitor(_) => self.client_roles,
            By::ApiKey(_) | By::Localhost => WritableRoles::All,
        }
    }

    /// What operators are told when the Worker starts: which store, without its credentials, and how long sessions live.
    #[must_use]
    pub fn summary(&self) -> String {
        let store =
            self.upstash.as_ref().map_or("the vault".to_owned(), |upstash| format!("Redis at {}", host(&upstash.url)));
        format!("sessions are kept in {store} and live {} s after their last use", self.canonical.limits.ttl.0 / 1000)
    }

    /// The namespace of a dialect, or of the canonical API.
    #[must_use]
    pub fn namespace(&self, dialect: Option<Dialect>) -> &Rc<Namespace> {
        let its = self.dialects.iter().find(|(one, _)| Some(*one) == dialect);
        its.map_or(&self.canonical, |(_, namespace)| namespace)
    }
}

/// Reads a variable, trimmed; an empty one is absent.
pub(crate) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The host of a URL, without what may stand before and after it.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// What the first name says where it is set; else what the others say, which must be one thing.
fn agreed<U: Copy, T: PartialEq>(
    read: Read,
    names: impl Iterator<Item = (&'static str, U)>,
    parse: impl Fn(&'static str, String, U) -> Result<T, ConfigError>,
) -> Result<Option<(&'static str, T)>, ConfigError> {
    let mut found: Option<(&'static str, T)> = None;
    for (place, (variable, unit)) in names.enumerate() {
        let Some(text) = read(variable) else { continue };
        let value = parse(variable, text, unit)?;
        if place == 0 {
            return Ok(Some((variable, value)));
        }
        if found.as_ref().is_some_and(|(_, other)| *other != value) {
            return Err(ConfigError { variable, reason: "contradicts another name of the same setting" });
        }
        found = found.or(Some((variable, value)));
    }
    Ok(found)
}

/// A yes or a no.
pub(crate) fn truth(variable: &'static str, text: &str) -> Result<bool, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(ConfigError { variable, reason: "must be true or false" }),
    }
}

pub(crate) fn number(
    read: Read,
    variable: &'static str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, ConfigError> {
    match read(variable) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) => Err(ConfigError { variable, reason: "is out of range" }),
            Err(_) => Err(ConfigError { variable, reason: "must be a whole number" }),
        },
    }
}

fn root(name: &str) -> Result<Dialect, ConfigError> {
    let reason = "must be jarvis, storage-guide or openta";
    Dialect::named(name).ok_or(ConfigError { variable: "DIALECT_ROOT", reason })
}

fn allowed_origins(read: Read) -> Result<AllowedOrigins, ConfigError> {
    let reason = "must be origins such as https://chat.example.com, https://*.example.com or http://localhost:*, with commas and without a slash at the end; or *";
    AllowedOrigins::parse(&read("CORS_ORIGINS").unwrap_or_default())
        .ok_or(ConfigError { variable: "CORS_ORIGINS", reason })
}

fn trusted_proxies(read: Read) -> Result<TrustedProxies, ConfigError> {
    let reason = "must be addresses or blocks such as 10.0.0.0/8, with commas";
    TrustedProxies::parse(&read("TRUSTED_PROXIES").unwrap_or_default())
        .ok_or(ConfigError { variable: "TRUSTED_PROXIES", reason })
}

fn log_level(read: Read) -> Result<Level, ConfigError> {
    let reason = "must be debug, info, warn, error or off";
    let level = read("LOG_LEVEL").map(|text| Level::parse(&text).ok_or(ConfigError { variable: "LOG_LEVEL", reason }));
    Ok(level.transpose()?.unwrap_or(Level::Info))
}

fn client_roles(read: Read) -> Result<WritableRoles, ConfigError> {
    match read("CLIENT_ROLES").as_deref() {
        None | Some("all") => Ok(WritableRoles::All),
        Some("user") => Ok(WritableRoles::User),
        Some(_) => Err(ConfigError { variable: "CLIENT_ROLES", reason: "must be user or all" }),
    }
}

fn events(read: Read) -> Result<Events, ConfigError> {
    match read("EVENTS").as_deref() {
        None => Ok(Events::Seen),
        Some("on") => Ok(Events::All),
        Some("off") => Ok(Events::Off),
        Some(_) => Err(ConfigError { variable: "EVENTS", reason: "must be on or off" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Mode, Target};

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_the_vault_and_the_echo() -> Result<(), ConfigError> {
        let config = config(&[])?;
        assert_eq!((&config.upstash, config.canonical.prefix.as_str()), (&None, "chatkeep:"));
        assert_eq!(config.canonical.limits, crate::Limits::default());
        assert!(matches!(config.responder, Responder::Echo) && !config.access.is_configured());
        Ok(())
    }

    #[test]
    fn values_are_trimmed_and_empty_ones_absent() -> Result<(), ConfigError> {
        let config = config(&[
            ("UPSTASH_REDIS_REST_URL", " https://x.example/ \n"),
            ("UPSTASH_REDIS_REST_TOKEN", "t\n"),
            ("SESSION_TTL_SECONDS", "2"),
            ("KEY_PREFIX", ""),
        ])?;
        assert_eq!(config.upstash, Some(Upstash { url: "https://x.example".into(), token: "t".into() }));
        assert_eq!((config.canonical.limits.ttl, config.canonical.prefix.as_str()), (Millis(2000), "chatkeep:"));
        Ok(())
    }

    #[test]
    fn an_archive_has_two_kinds() -> Result<(), ConfigError> {
        assert!(config(&[])?.archive.is_none() && config(&[("AUTO_SYNC_TO_DB", "false")])?.archive.is_none());
        let there = config(&[("ARCHIVE_MODE", "write-through")])?.archive;
        assert!(matches!(there.map(|archive| archive.target), Some(Target::D1)));
        let rows = [("AUTO_SYNC_TO_DB", "true"), ("SUPABASE_URL", "https://x/"), ("SUPABASE_KEY", "hush")];
        let archive = config(&rows)?.archive;
        let Some(Archive { mode: Mode::Interval, target: Target::Rows(rows), .. }) = archive else {
            return Err(ConfigError { variable: "SUPABASE_URL", reason: "is not the archive's" });
        };
        assert_eq!(rows.url, "https://x/rest/v1/conversation_messages");
        Ok(())
    }

    #[test]
    fn a_switch_that_is_off_wins_over_a_url() -> Result<(), ConfigError> {
        let redis = [("KV_REST_API_URL", "https://x"), ("KV_REST_API_TOKEN", "t")];
        assert!(config(&redis)?.upstash.is_some());
        for (name, value, used) in [
            ("USE_REDIS", "false", false),
            ("USE_REDIS", "True", true),
            ("ENABLE_REDIS_SESSIONS", "0", false),
            ("ENABLE_REDIS_SESSIONS", "yes", true),
        ] {
            let with_switch: Vec<_> = redis.iter().copied().chain([(name, value)]).collect();
            assert_eq!(config(&with_switch)?.upstash.is_some(), used, "{name}={value}");
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (pairs, variable) in [
            (&[("UPSTASH_REDIS_REST_URL", "https://x")][..], "UPSTASH_REDIS_REST_TOKEN"),
            (&[("UPSTASH_REDIS_REST_TOKEN", "t")], "UPSTASH_REDIS_REST_URL"),
            (&[("UPSTASH_REDIS_REST_URL", "redis://x"), ("UPSTASH_REDIS_REST_TOKEN", "t")], "UPSTASH_REDIS_REST_URL"),
            (&[("USE_REDIS", "true")], "USE_REDIS"),
            (&[("USE_REDIS", "perhaps")], "USE_REDIS"),
            (&[("USE_REDIS", "false"), ("ENABLE_REDIS_SESSIONS", "True")], "ENABLE_REDIS_SESSIONS"),
            (&[("KV_REST_API_URL", "https://x")], "UPSTASH_REDIS_REST_TOKEN"),
            (&[("ARCHIVE_MODE", "always")], "ARCHIVE_MODE"),
            (&[("TRUSTED_PROXIES", "10.0.0.0/8 and others")], "TRUSTED_PROXIES"),
            (&[("ARCHIVE_MODE", "off"), ("AUTO_SYNC_TO_DB", "true")], "AUTO_SYNC_TO_DB"),
            (&[("ARCHIVE_MODE", "interval"), ("SESSION_TTL", "300")], "SYNC_INTERVAL"),
            (&[("AUTO_SYNC_TO_DB", "true"), ("SUPABASE_URL", "https://x")], "SUPABASE_KEY"),
            (&[("KEY_PREFIX", "a{b}")], "KEY_PREFIX"),
            (&[("SESSION_TTL_SECONDS", "0")], "SESSION_TTL_SECONDS"),
            (&[("SESSION_TTL_SECONDS", "7d")], "SESSION_TTL_SECONDS"),
            (&[("MAX_MESSAGES_PER_SESSION", "1")], "MAX_MESSAGES_PER_SESSION"),
            (&[("API_KEYS", "short")], "API_KEYS"),
            (&[("CORS_ORIGINS", "chat.example.com")], "CORS_ORIGINS"),
            (&[("CORS_ORIGINS", "https://a.example, https://b.example/")], "CORS_ORIGINS"),
            (&[("ALLOWED_HOSTS", "https://box.example")], "ALLOWED_HOSTS"),
            (&[("OPEN_ADMIN", "perhaps")], "OPEN_ADMIN"),
            (&[("DIALECT_ROOT", "esperanto")], "DIALECT_ROOT"),
            (&[("RESPONDER", "parrot")], "RESPONDER"),
            (&[("RESPONDER", "webhook")], "WEBHOOK_URL"),
            (&[("EVENTS", "maybe")], "EVENTS"),
            (&[("CLIENT_ROLES", "system")], "CLIENT_ROLES"),
            (&[("MAX_RUNNING_IMPORTS", "0")], "MAX_RUNNING_IMPORTS"),
            (&[("MAX_RUNNING_TURNS", "0")], "MAX_RUNNING_TURNS"),
            (&[("LOG_LEVEL", "loud")], "LOG_LEVEL"),
            (&[("RESPONDER", "openai"), ("OPENAI_PARAMETERS", "[1]")], "OPENAI_PARAMETERS"),
            (&[("RESPONDER", "openai"), ("OPENAI_PARAMETERS", "{\"stream\":true}")], "OPENAI_PARAMETERS"),
        ] {
            assert_eq!(config(pairs).err().map(|error| error.variable), Some(variable), "{pairs:?}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug_output() -> Result<(), ConfigError> {
        let config = config(&[
            ("UPSTASH_REDIS_REST_URL", "https://hush:hush@x.example/hush"),
            ("UPSTASH_REDIS_REST_TOKEN", "hush-token"),
            ("API_KEYS", "hush-key-1,hush-key-2"),
            ("OPENAI_API_KEY", "hush-openai"),
            ("RESPONDER", "webhook"),
            ("WEBHOOK_URL", "https://hush.example"),
            ("WEBHOOK_SECRET", "hush-webhook"),
        ])?;
        assert!(!format!("{config:?}").contains("hush") && !config.summary().contains("hush"));
        assert!(config.summary().contains("Redis at x.example and live 604800 s"));
        Ok(())
    }
}
