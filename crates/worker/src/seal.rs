//! The cipher of this isolate, and what it could not read.

use crate::edge::fill_random;
use chatkeep_model::StoreError;
use chatkeep_model::config::Config;
use chatkeep_model::seal::{Cipher, Unreadable};
use chatkeep_model::wire::UnreadableTexts;
use chatkeep_seal::Keys;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

thread_local! {
    static KEYS: OnceCell<Option<Rc<Keys>>> = const { OnceCell::new() };
    static UNREADABLE: Cell<Option<(u64, Unreadable)>> = const { Cell::new(None) };
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

/// Counts a text that could not be decrypted.
pub(crate) fn failed(error: Unreadable) -> StoreError {
    let count = UNREADABLE.get().map_or(0, |(count, _)| count);
    UNREADABLE.set(Some((count + 1, error)));
    error.into()
}

/// How many times this isolate could not decrypt a text, and why the last time; nothing where it always could.
pub(crate) fn unreadable() -> Option<UnreadableTexts> {
    let (count, cause) = UNREADABLE.get()?;
    Some(UnreadableTexts { count, cause: cause.as_str().to_owned() })
}
