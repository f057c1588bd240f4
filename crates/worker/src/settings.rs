//! The configuration, read once per isolate: its variables can't change while it lives.

use chatkeep_model::config::{Config, ConfigError};
use std::cell::OnceCell;
use std::rc::Rc;
use worker::Env;

thread_local! {
    static SETTINGS: OnceCell<Rc<Result<Config, ConfigError>>> = const { OnceCell::new() };
}

/// The configuration, or the variable that can't be used.
pub(crate) fn settings(env: &Env) -> Rc<Result<Config, ConfigError>> {
    SETTINGS.with(|settings| {
        let read = || Rc::new(Config::read(|name| env.var(name).ok().map(|value| value.to_string())));
        Rc::clone(settings.get_or_init(read))
    })
}
