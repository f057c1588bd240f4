//! The configuration, read once per isolate: its variables can't change while it lives.

use chatkeep_model::config::{Config, ConfigError};
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
        let read = || Config::read(|name| env.var(name).ok().map(|value| value.to_string())).map(Rc::new);
        settings.get_or_init(read).clone()
    })
}
