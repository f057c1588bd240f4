//! Which store keeps the sessions: an Upstash REST database where one is named and not switched off, else the vault.

use super::{ConfigError, Read, Upstash, agreed, truth};

const URL: [&str; 2] = ["UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"];
const TOKEN: [&str; 2] = ["UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN"];

/// The database, or nothing for the vault. A switch that is off wins over a URL; one that is on needs a URL.
pub(super) fn upstash(read: Read) -> Result<Option<Upstash>, ConfigError> {
    let text =
        |names: [&'static str; 2]| agreed(read, names.map(|name| (name, ())).into_iter(), |_, text, ()| Ok(text));
    match (switch(read)?, text(URL)?, text(TOKEN)?) {
        (Some((_, false)), ..) | (None, None, None) => Ok(None),
        (Some((variable, true)), None, None) => {
            let reason = "is on, and no Redis is named: set UPSTASH_REDIS_REST_URL, or REDIS_URL for npm start";
            Err(ConfigError { variable, reason })
        }
        (_, None, Some(_)) => Err(missing("UPSTASH_REDIS_REST_URL")),
        (_, Some(_), None) => Err(missing("UPSTASH_REDIS_REST_TOKEN")),
        (_, Some((variable, url)), Some((_, token))) => {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                let reason = "must begin with https:// or http://; for redis:// set REDIS_URL and run the gateway";
                return Err(ConfigError { variable, reason });
            }
            Ok(Some(Upstash { url: url.trim_end_matches('/').to_owned(), token }))
        }
    }
}

fn missing(variable: &'static str) -> ConfigError {
    ConfigError { variable, reason: "must be set when the other of the two is" }
}

/// What the two names of the switch say, which has to be one thing.
fn switch(read: Read) -> Result<Option<(&'static str, bool)>, ConfigError> {
    let mut found: Option<(&'static str, bool)> = None;
    for variable in ["USE_REDIS", "ENABLE_REDIS_SESSIONS"] {
        let Some(text) = read(variable) else { continue };
        let on = truth(variable, &text)?;
        if found.is_some_and(|(_, other)| other != on) {
            return Err(ConfigError { variable, reason: "contradicts USE_REDIS" });
        }
        found = found.or(Some((variable, on)));
    }
    Ok(found)
}
