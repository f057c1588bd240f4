//! Read a page of an owner's session cards, the longest unused first.
//!
//! What is used while somebody walks these pages moves on to a later one: it may be seen twice, and is never missed, as it can be in
//! [`super::ReadList`], which begins with the newest.

use super::Operation;
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::SURVEY;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::session::Card;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Now.
    pub now: Millis,
    /// The last place of the page before.
    pub after: Option<Place>,
    /// The most sessions to give, at least 1.
    pub limit: u64,
}

/// A session's place in the order: by its end, equals by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Place {
    pub expires: Millis,
    pub id: SessionId,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    /// The sessions. One whose card was evicted has none.
    pub rows: Vec<(Place, Option<Card>)>,
    /// There are more after them.
    pub more: bool,
}

impl Survey {
    /// The place that the page begins after. What has ended since is not looked at again.
    fn begins_after(&self) -> Option<&Place> {
        self.after.as_ref().filter(|place| place.expires > self.now)
    }

    /// Makes the page of one more row than the limit: the last one only tells that there are more.
    fn surveyed(&self, mut rows: Vec<(Place, Option<Card>)>) -> Surveyed {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Surveyed { rows, more }
    }
}

impl Operation for Survey {
    const NAME: &'static str = "survey";
    type Outcome = Surveyed;

    fn call(&self, keys: &Keys) -> Call {
        let after = self.begins_after();
        Call::Script {
            script: &SURVEY,
            keys: vec![keys.index(), keys.cards()],
            arguments: vec![
                after.map_or_else(|| format!("({}", self.now), |place| place.expires.to_string()),
                after.map(|place| place.id.to_string()).unwrap_or_default(),
                (self.limit + 1).to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Surveyed, UnexpectedReply> {
        let mut found = reply.items()?;
        let mut rows = Vec::new();
        while !found.is_empty() {
            let id = SessionId::parse(found.text()?).map_err(|_| UnexpectedReply)?;
            let expires = Millis(found.number()?);
            let card = Card::parse(id.clone(), expires, &found.text()?);
            rows.push((Place { expires, id }, card));
        }
        Ok(self.surveyed(rows))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Surveyed, R::Error> {
        let after = self.begins_after().map(|place| (place.expires, &place.id));
        let cards = records.cards_after(self.now, after, self.limit + 1)?;
        let row = |card: Card| (Place { expires: card.expires, id: card.id.clone() }, Some(card));
        Ok(self.surveyed(cards.into_iter().map(row).collect()))
    }
}
