//! The configuration, read once per isolate: its variables can't change while it lives.

use crate::edge::now;
use crate::watch::write;
use chatkeep_model::config::{Config, ConfigError};
use chatkeep_model::observe::{Level, Line};
use std::cell::OnceCell;
use std::rc::Rc;
use worker::Env;

/// The configuration, or the variable that can't be used.
pub(crate) type Settings = Result<Rc<Config>, ConfigError>;

thread_local! {
    static SETTINGS: OnceCell<Settings> = const { OnceCell::new() };
}

/// Reads the configuration.
pub(crate) fn settings(env: &Env) -> Settings {
    SETTINGS.with(|settings| {
        settings
            .get_or_init(|| {
                let read = Config::read(|name| env.var(name).ok().map(|value| value.to_string())).map(Rc::new);
                announce(&read);
                read
            })
            .clone()
    })
}

/// Which lines are written, as far as it was read yet.
pub(crate) fn log_level() -> Level {
    SETTINGS.with(|settings| {
        settings.get().and_then(|read| read.as_ref().ok()).map_or(Level::Info, |config| config.log_level)
    })
}

/// Tells operators with what this isolate works, or what keeps it from that.
fn announce(settings: &Settings) {
    let (level, event, message, detail) = match settings {
        Ok(config) => (Level::Info, "started", "The Worker has started", config.summary()),
        Err(error) => (Level::Error, "misconfigured", "A variable can't be used", error.to_string()),
    };
    if settings.as_ref().map_or(Level::Info, |config| config.log_level) <= level {
        write(&Line { detail: Some(&detail), ..Line::new(now().to_rfc3339(), level, "worker", event, message) });
    }
}
