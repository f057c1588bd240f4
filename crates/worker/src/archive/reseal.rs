//! Sealing anew what the archive has, a page at a time. A row that is written or leaves meanwhile stays as it is.

use super::{Archive, Failure, d1, rows};
use crate::store::Store;
use chatkeep_model::archive::{Place, Target};
use chatkeep_model::reseal::Tally;
use chatkeep_model::seal::Kind;
use chatkeep_model::{Owner, SessionId};

impl Archive {
    /// Looks at the page after the row that the words name; gives how many texts it sealed anew, and the words of its last row.
    pub(crate) async fn reseal(
        &self,
        words: &[String],
        only: Option<&Owner>,
        tally: &mut Tally,
    ) -> Result<(u64, Option<Vec<String>>), Failure> {
        match self.target()? {
            Target::D1 => d1::reseal(&self.env, self, words, only, tally).await,
            Target::Rows(table) => rows::reseal(table, self, words, only, tally).await,
        }
    }

    /// The name of the namespace whose rows these are.
    pub(super) fn namespace(&self) -> &'static str {
        self.namespace.name
    }

    /// The store of a row's owner, and the row's place.
    pub(super) fn of_row(&self, owner: &str, session: &str, only: Option<&Owner>) -> Option<(Store, Place)> {
        let owner = Owner::stored(owner.to_owned());
        let session = SessionId::parse(session).ok()?;
        let store = only.is_none_or(|only| *only == owner).then(|| self.store.of(owner.clone()))?;
        Some((store, Place { namespace: self.namespace.name, owner, session }))
    }
}

/// A text sealed anew, unless it is as it would be sealed now.
pub(super) fn anew(tally: &mut Tally, store: &Store, place: &Place, kind: Kind, text: &str) -> Option<String> {
    store.with_seal(|seal| tally.anew(seal, kind, &place.session, text))
}
