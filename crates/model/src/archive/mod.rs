//! The long-term archive: a SQL database that keeps what the store lets go. What is sent there, and what comes back.
//!
//! Everything sent is known there by an identity of its own, so that sending it again changes nothing: an archive can be brought
//! up to date from wherever it was left. The store is asked first, always; the archive only for what the store hasn't.

pub mod d1;
pub mod generations;
pub mod rows;

use crate::id::SessionId;
use crate::owner::Owner;
use crate::time::Millis;
use rows::RowStore;

/// The archive of a Worker.
#[derive(Debug, Clone)]
pub struct Archive {
    /// When it is brought up to date.
    pub mode: Mode,
    /// How often it is looked through for what is missing.
    pub interval: Millis,
    /// For how long it keeps what is no longer used; without it, for good.
    pub retention: Option<Millis>,
    /// Where it is.
    pub target: Target,
}

/// When an archive is brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every interval.
    Interval,
    /// After every turn, before it is answered; what that misses, every interval.
    WriteThrough,
}

impl Mode {
    /// The name in the configuration and in `/health`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Interval => "interval",
            Mode::WriteThrough => "write-through",
        }
    }
}

/// Where an archive is.
#[derive(Debug, Clone)]
pub enum Target {
    /// Cloudflare D1, the binding `ARCHIVE`: sessions and messages whole.
    D1,
    /// A table of questions and answers behind `PostgREST`.
    Rows(RowStore),
}

impl Target {
    /// The name in `/health`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Target::D1 => "d1",
            Target::Rows(_) => "postgrest",
        }
    }
}

/// Where a session belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of its namespace.
    pub namespace: &'static str,
    /// Its owner.
    pub owner: Owner,
    /// Its id.
    pub session: SessionId,
}

impl Place {
    /// One text for all three. In the namespace whose table has one column for it, the application's sessions are called by their
    /// ids alone; a slash is in no id and no owner, so that nothing else can be called the same.
    #[must_use]
    pub fn name(&self) -> String {
        stem(self.namespace, &self.owner) + self.session.as_str()
    }
}

/// The namespaces whose names stand in the names of places.
const NAMED: [&str; 3] = ["chatkeep", "jarvis", "storage-guide"];

impl Place {
    /// Reads [`Place::name`]; nothing for the place of another namespace.
    #[must_use]
    pub fn named(name: &str, namespace: &'static str) -> Option<Self> {
        let parts: Vec<&str> = name.split('/').collect();
        let (its, owner, session) = match *parts.as_slice() {
            [session] => ("openta", None, session),
            [its, session] if NAMED.contains(&its) => (its, None, session),
            [owner, session] => ("openta", Some(owner), session),
            [its, owner, session] => (its, Some(owner), session),
            _ => return None,
        };
        let owner = owner.map_or_else(|| Some(Owner::app()), Owner::parse)?;
        let session = SessionId::parse(session).ok()?;
        (its == namespace).then_some(Self { namespace, owner, session })
    }
}

/// What the names of an owner's conversations begin with, in a table of rows.
#[must_use]
pub fn stem(namespace: &str, owner: &Owner) -> String {
    let owner = (*owner != Owner::app()).then_some(owner.as_str());
    let namespace = (namespace != "openta").then_some(namespace);
    [namespace, owner].into_iter().flatten().flat_map(|part| [part, "/"]).collect()
}

/// Whether a session has to be archived again, when the last look through began at `since`. A minute is for what was on its way
/// then, nine more for what waited in a journal.
#[must_use]
pub fn is_due(updated: Millis, since: Millis) -> bool {
    updated >= due_since(since)
}

/// The earliest time at which something changed that is due.
#[must_use]
pub fn due_since(since: Millis) -> Millis {
    Millis(since.0.saturating_sub(600_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::InvalidId;

    #[test]
    fn no_two_places_have_one_name() -> Result<(), InvalidId> {
        let name = |namespace, owner: &str, session: &str| {
            let owner = Owner::stored(owner.to_owned());
            Ok(Place { namespace, owner, session: SessionId::parse(session)? }.name())
        };
        assert_eq!(name("openta", "app", "test_conv_123")?, "test_conv_123");
        assert_eq!(name("openta", "u-ada", "c1")?, "u-ada/c1");
        assert_eq!(name("chatkeep", "app", "c1")?, "chatkeep/c1");
        assert_eq!(name("jarvis", "u-ada", "c1")?, "jarvis/u-ada/c1");
        for namespace in ["openta", "chatkeep", "jarvis", "storage-guide"] {
            for owner in ["app", "u-ada", "v-1"] {
                let owner = Owner::stored(owner.to_owned());
                let place = Place { namespace, owner, session: SessionId::parse("c1")? };
                assert_eq!(Place::named(&place.name(), namespace), Some(place.clone()));
                assert_eq!(Place::named(&place.name(), "another"), None);
            }
        }
        assert_eq!((stem("openta", &Owner::app()).as_str(), stem("jarvis", &Owner::app()).as_str()), ("", "jarvis/"));
        Ok(())
    }
}
