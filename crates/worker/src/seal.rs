//! The cipher of this isolate, and what it could not read.

use crate::edge::{fill_random, now};
use chatkeep_model::config::Config;
use chatkeep_model::seal::{Cipher, Unreadable};
use chatkeep_model::{Millis, StoreError};
use chatkeep_seal::Keys;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

/// For how long `/health` tells of a value that could not be read.
const TOLD: Millis = Millis(60_000);

thread_local! {
    static KEYS: OnceCell<Option<Rc<Keys>>> = const { OnceCell::new() };
    static FAILED: Cell<Option<(Unreadable, Millis)>> = const { Cell::new(None) };
}

/// The cipher, where sessions are encrypted. Its keys are prepared once.
pub(crate) fn cipher(config: &Config) -> Option<Rc<Keys>> {
    let keys = config.encryption.as_ref()?;
    KEYS.with(|prepared| prepared.get_or_init(|| Some(Rc::new(Keys::new(keys, fill_random)))).clone())
}

/// The cipher as the model sees it.
pub(crate) fn as_cipher(keys: &Option<Rc<Keys>>) -> Option<&dyn Cipher> {
    keys.as_deref().map(|keys| keys as &dyn Cipher)
}

/// Notes that a value could not be read.
pub(crate) fn failed(error: Unreadable) -> StoreError {
    FAILED.set(Some((error, now())));
    error.into()
}

/// Why a value could not be read a short while ago.
pub(crate) fn failure() -> Option<&'static str> {
    let (error, at) = FAILED.get()?;
    (now().since(at) < TOLD).then(|| error.as_str())
}
