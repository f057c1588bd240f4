//! Moving house: the sessions that this vault keeps go to Redis.

use super::sqlite::Sqlite;
use crate::edge::{self, in_transaction, now};
use crate::store::upstash;
use chatkeep_model::config::Upstash;
use chatkeep_model::moving::{self, Moved};
use chatkeep_model::plan::Imported;
use chatkeep_model::records::Records;
use chatkeep_model::redis::Keys;
use chatkeep_model::seal::{Kind, Seal};
use chatkeep_model::{Millis, Operation, SessionId, StoreError};
use std::cell::Cell;
use worker::{Result, Storage};

/// How long one call goes on.
const STRETCH: Millis = Millis(5_000);

/// Moves sessions until none are left, or for a while. One move runs at a time: who comes meanwhile is told what is left.
pub(super) async fn move_out(
    records: &mut Sqlite,
    storage: &Storage,
    running: &Cell<bool>,
    upstash: &Upstash,
    keys: &Keys,
    ttl: Millis,
    seal: Seal<'_>,
) -> Result<std::result::Result<Moved, StoreError>> {
    if running.replace(true) {
        return Ok(Ok(Moved { sessions: 0, left: records.count(now())? }));
    }
    let moved = sessions(records, storage, upstash, keys, ttl, seal).await;
    running.set(false);
    moved
}

async fn sessions(
    records: &mut Sqlite,
    storage: &Storage,
    upstash: &Upstash,
    keys: &Keys,
    ttl: Millis,
    seal: Seal<'_>,
) -> Result<std::result::Result<Moved, StoreError>> {
    let until = now().after(STRETCH);
    let mut moved = Moved::default();
    let mut random = [0; 16];
    while now() < until {
        let Some(card) = records.cards(now(), None, 0, 1)?.pop() else { break };
        edge::fill_random(&mut random);
        let fresh = format!("{:032x}", u128::from_be_bytes(random));
        let mut target = Some(card.id.clone());
        while let Some(id) = target.take() {
            match session(records, &card.id, &id, upstash, keys, ttl, &fresh, seal).await? {
                Ok(Imported::Stored(_)) => {}
                // Redis has a session of this id with other messages, or has it set aside: both are kept.
                Ok(_) if id == card.id => target = moving::second_id(&card.id),
                Ok(_) => return Ok(Err(StoreError::UnexpectedReply)),
                Err(error) => return Ok(Err(error)),
            }
        }
        in_transaction(storage.as_raw(), || records.remove_session(&card.id))?;
        moved.sessions += 1;
    }
    moved.left = records.count(now())?;
    Ok(Ok(moved))
}

/// Imports one session under an id, page by page.
#[allow(clippy::too_many_arguments)] // All of one move.
async fn session(
    records: &mut Sqlite,
    id: &SessionId,
    target: &SessionId,
    upstash: &Upstash,
    keys: &Keys,
    ttl: Millis,
    fresh: &str,
    seal: Seal<'_>,
) -> Result<std::result::Result<Imported, StoreError>> {
    let mut from = Some(0);
    let mut last = Ok(Imported::Gap);
    while let Some(position) = from.take() {
        let Some((import, next)) = moving::import(records, id, position, ttl, fresh)? else { break };
        let mut import = import;
        if target != id {
            // Its texts are bound to the id that it had.
            let resealed = import.texts(&mut |kind, session, text| seal.open(kind, session, text)).and_then(|()| {
                import.session = target.clone();
                import.texts(&mut |kind, session, text| match kind {
                    Kind::Fingerprint => Ok(()),
                    _ => seal.close(kind, session, text),
                })
            });
            if let Err(error) = resealed {
                return Ok(Err(error.into()));
            }
        }
        last = match upstash::send(upstash, &upstash::Link::default(), &import.call(keys)).await {
            Ok(reply) => import.decode(reply).map_err(StoreError::from),
            Err(error) => Err(error),
        };
        if matches!(last, Ok(Imported::Stored(_))) {
            from = next;
        }
    }
    Ok(last)
}
