//! The rate limit: how many turns an owner may begin in a window of time.
//!
//! Windows are fixed, and their number is part of the key that counts: so the count costs one command inside the script that
//! begins the turn, and time stays an argument. At the seam of two windows twice as many may pass in a short time.

use crate::auth::By;
use crate::config::{ConfigError, Read};
use crate::error::{Code, Problem};
use crate::id::digest;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// So many turns in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub turns: u64,
    /// The window's length.
    pub window: Millis,
}

/// Whose turns are limited how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of each user and visitor.
    pub owners: Option<Rate>,
    /// Of each client address where the application itself asks: behind it are many people.
    pub app: Option<Rate>,
    /// The large reads of each user and visitor.
    pub large_reads: Option<Rate>,
}

/// What a turn is charged to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// What counts: the window's number and, where addresses are told apart, a digest of one.
    pub bucket: String,
    /// The turns that it takes.
    pub most: u64,
    /// How long the count is needed.
    pub lives: Millis,
    /// The window's length, in seconds.
    pub window: u64,
    /// When the window ends, in seconds from now, rounded up.
    pub resets: u64,
}

impl Rates {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that can't be used.
    pub fn read(read: Read) -> Result<Self, ConfigError> {
        let rate = |variable, default: Option<Rate>| {
            let wrong = ConfigError { variable, reason: "must be TURNS/SECONDS such as 60/60, or off" };
            match read(variable).as_deref() {
                None => Ok(default),
                Some("off") => Ok(None),
                Some(text) => text
                    .split_once('/')
                    .and_then(|(turns, seconds)| Some((turns.parse().ok()?, seconds.parse().ok()?)))
                    .filter(|(turns, seconds)| *turns > 0 && (1..=86_400).contains(seconds))
                    .map(|(turns, seconds)| Some(Rate { turns, window: Millis::from_seconds(seconds) }))
                    .ok_or(wrong),
            }
        };
        let default = Rate { turns: 60, window: Millis(60_000) };
        let large_reads = Rate { turns: 120, ..default };
        Ok(Self {
            owners: rate("RATE_LIMIT", Some(default))?,
            app: rate("RATE_LIMIT_APP", None)?,
            large_reads: rate("LARGE_READ_LIMIT", Some(large_reads))?,
        })
    }

    /// What a turn is charged to; nothing where it is not limited.
    #[must_use]
    pub fn charge(&self, by: &By, address: Option<&str>, now: Millis) -> Option<Charge> {
        let (rate, address) = match by {
            By::User | By::Visitor(_) => (self.owners?, None),
            By::ApiKey(_) | By::Localhost => (self.app?, Some(address.unwrap_or_default())),
        };
        let window = rate.window.0;
        let mut bucket = (now.0 / window).to_string();
        if let Some(address) = address {
            bucket.push_str(&format!("-{:016x}", digest([address.as_bytes()])));
        }
        let rest = window - now.0 % window;
        Some(Charge {
            bucket,
            most: rate.turns,
            lives: Millis(rest + 1000),
            window: window / 1000,
            resets: rest.div_ceil(1000),
        })
    }
}

impl Charge {
    /// The refusal of a turn beyond the last.
    #[must_use]
    pub fn refusal(&self) -> Problem {
        Problem::new(Code::RateLimited).retry_after(self.resets)
    }

    /// The headers that say how much is left, after so many turns (draft-ietf-httpapi-ratelimit-headers).
    #[must_use]
    pub fn headers(&self, charged: u64) -> [(&'static str, String); 2] {
        [
            ("ratelimit-policy", format!("\"turns\";q={};w={}", self.most, self.window)),
            ("ratelimit", format!("\"turns\";r={};t={}", self.most.saturating_sub(charged), self.resets)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        owners: Some(Rate { turns: 5, window: Millis(60_000) }),
        app: Some(Rate { turns: 9, window: Millis(10_000) }),
        large_reads: None,
    };

    #[test]
    fn turns_are_charged_to_the_window_they_are_in() {
        let user = |now| RATES.charge(&By::User, Some("1.2.3.4"), Millis(now));
        let charge = user(119_001);
        assert_eq!(
            charge.as_ref().map(|charge| (charge.bucket.as_str(), charge.most, charge.resets)),
            Some(("1", 5, 1))
        );
        assert_eq!(user(120_000).map(|charge| (charge.bucket, charge.lives)), Some(("2".into(), Millis(61_000))));
        let headers = charge.map(|charge| charge.headers(2).map(|(_, value)| value));
        assert_eq!(headers, Some(["\"turns\";q=5;w=60".into(), "\"turns\";r=3;t=1".into()]));
    }

    #[test]
    fn the_application_is_charged_by_address() {
        let by = |address| RATES.charge(&By::Localhost, address, Millis(0)).map(|charge| charge.bucket);
        assert_ne!(by(Some("1.2.3.4")), by(Some("1.2.3.5")));
        assert_eq!(by(None), by(Some("")));
        assert_eq!(Rates::default().charge(&By::User, None, Millis(0)), None);
    }

    #[test]
    fn users_are_limited_by_default_and_the_application_is_not() {
        let rates = |pairs: &'static [(&str, &str)]| {
            Rates::read(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        let default = Rate { turns: 60, window: Millis(60_000) };
        assert_eq!(
            rates(&[]),
            Ok(Rates { owners: Some(default), app: None, large_reads: Some(Rate { turns: 120, ..default }) })
        );
        let other = rates(&[("RATE_LIMIT", "off"), ("RATE_LIMIT_APP", "9/10"), ("LARGE_READ_LIMIT", "off")]);
        assert_eq!(other, Ok(Rates { app: RATES.app, ..Rates::default() }));
        for wrong in ["1", "0/60", "60/0", "x/60", "60/86401", "-1/60"] {
            let read = Rates::read(&|name| (name == "RATE_LIMIT").then(|| wrong.to_owned()));
            assert_eq!(read.err().map(|error| error.variable), Some("RATE_LIMIT"), "{wrong}");
        }
    }
}
