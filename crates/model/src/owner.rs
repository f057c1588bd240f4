//! The owner: whom a session belongs to. Part of every key, so that another owner's session does not exist for you.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An owner: `app` for the application itself; later `v-` visitors and `u-` users.
///
/// Its alphabet is `[A-Za-z0-9_.%-]`, so that it can stand in a Redis hash tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// The application itself: calls with an API key, and everyone on a Worker that serves localhost without any.
    #[must_use]
    pub fn app() -> Self {
        Self("app".to_owned())
    }

    /// An owner as a store holds it.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The owner's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
