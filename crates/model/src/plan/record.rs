//! Reading the record of one turn or operation from a Redis that refuses writes, and with them the scripts that would use it.

use crate::id::{SessionId, TurnId};
use crate::redis::{Call, Keys, Reply};
use crate::turn::TurnRecord;

/// The call that reads a record.
#[must_use]
pub fn call(keys: &Keys, session: &SessionId, turn: &TurnId) -> Call {
    Call::Command(vec!["HGET".to_owned(), keys.session(session), format!("t:{turn}")])
}

/// The record in the reply; nothing where the session doesn't remember it.
#[must_use]
pub fn decode(turn: &TurnId, reply: &Reply) -> Option<TurnRecord> {
    match reply {
        Reply::Text(stored) => TurnRecord::parse_short(turn, stored),
        _ => None,
    }
}
