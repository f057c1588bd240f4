//! `/v1/admin`: what operators ask of everybody's sessions. Each of these answers with a part and says where it goes on, for a
//! request may ask the store only so often.

mod events;
mod reseal;
mod sessions;
mod stats;
mod upkeep;

pub(super) use events::follow;
pub(super) use reseal::reseal;
pub(super) use sessions::{delete, list};
pub(super) use stats::{metrics, stats};
pub(super) use upkeep::{move_house, owners, rebuild};

use super::Call;
use crate::census::Walk;
use chatkeep_model::census::Cursor;
use chatkeep_model::{Code, Owner, Problem};

/// The owner that the query names.
pub(super) fn owner(call: &Call<'_>) -> Result<Option<Owner>, Problem> {
    let wrong = || Problem::new(Code::InvalidParameter).detail("owner is one that the directory has");
    call.query.get("owner").map(|text| Owner::parse(&text).ok_or_else(wrong)).transpose()
}

/// The place that the query names.
fn cursor(call: &Call<'_>) -> Result<Option<Cursor>, Problem> {
    let wrong = || Problem::new(Code::InvalidParameter).detail("cursor is one that an answer gave");
    call.query.get("cursor").map(|text| Cursor::parse(&text).ok_or_else(wrong)).transpose()
}

/// A walk through the sessions of the owner that the query names, or of everyone, from the place on that it names.
pub(super) fn walk(call: &Call<'_>) -> Result<Walk, Problem> {
    Ok(match (cursor(call)?, owner(call)?) {
        (Some(cursor), _) => Walk::from(&call.store, cursor),
        (None, Some(owner)) => Walk::of_owner(&call.store.of(owner)),
        (None, None) => Walk::from(&call.store, Cursor::of_shard(0)),
    })
}

/// Where a walk goes on, as answers say it.
fn next_cursor(walk: &Walk) -> Option<String> {
    walk.cursor().map(Cursor::to_text)
}
