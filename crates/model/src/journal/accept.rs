//! Accepting an operation: apply it to the overlay, and make it an entry where it changed something.
//!
//! What would be decided by contents that nobody here knows (a session or message that isn't found, the tag of a state) is
//! not decided: a wrong 404 would make a client forget a session that is only out of sight.

use super::operations::{Acceptable, Unknown, Verdict};
use super::{Base, Ledger, Seed};
use crate::fingerprint::{self, RequestKind};
use crate::id::SessionId;
use crate::message::stored_prefix;
use crate::plan::{
    Append, BeginTurn, Create, Delete, Deletion, FinishTurn, Finished, Fork, Info, Patch, ReadHistory, ReadList,
    ReadState, ReleaseTurn, RenewTurn, Restore, Stated, Touch, Truncate, WriteState,
};
use crate::records::State;
use crate::session::Session;
use crate::time::Millis;
use crate::turn::TurnRecord;
use crate::{MessageId, Operation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Its outcome's JSON. It is in the journal, if it changed something.
    Outcome(String),
    /// It depends on what nobody here knows.
    Unknown,
}

/// Accepts an operation that came as its name and JSON. A seed is planted first, where the overlay knows nothing yet.
///
/// # Errors
/// None of the two inside: the name or the JSON is not an operation's. Some: the storage failed.
pub fn accept<L: Ledger>(
    name: &str,
    json: &str,
    seed: Option<&Seed>,
    ledger: &mut L,
) -> Result<Accepted, Option<L::Error>> {
    macro_rules! first_of {
        ($($operation:ty),* $(,)?) => {
            $(if name == <$operation>::NAME {
                return take::<$operation, L>(parse::<_, L>(json)?, json, seed, ledger);
            })*
        };
    }
    first_of!(Append, BeginTurn, Create, Fork, Info, Patch, ReadHistory, Restore, Touch, Truncate, WriteState);
    match name {
        Delete::NAME => delete(&parse::<Delete, L>(json)?, ledger),
        FinishTurn::NAME => finish(&parse::<_, L>(json)?, json, seed, ledger),
        ReleaseTurn::NAME => release(&parse::<_, L>(json)?, json, seed, ledger),
        RenewTurn::NAME => {
            // A lease matters while its turn runs: there is nothing to replay.
            let renew: RenewTurn = parse::<_, L>(json)?;
            if ledger.base(&renew.session).map_err(Some)?.is_none() {
                return unknown();
            }
            outcome(&renew.apply(ledger).map_err(Some)?)
        }
        ReadList::NAME => {
            let read: ReadList = parse::<_, L>(json)?;
            if ledger.knows_any().map_err(Some)? { outcome(&read.apply(ledger).map_err(Some)?) } else { unknown() }
        }
        ReadState::NAME => read_state(&parse::<_, L>(json)?, ledger),
        _ if crate::plan::NAMES.contains(&name) => unknown(),
        _ => Err(None),
    }
}

fn parse<O: DeserializeOwned, L: Ledger>(json: &str) -> Result<O, Option<L::Error>> {
    serde_json::from_str(json).map_err(|_| None)
}

fn outcome<E>(outcome: &impl Serialize) -> Result<Accepted, Option<E>> {
    serde_json::to_string(outcome).map(Accepted::Outcome).map_err(|_| None)
}

fn unknown<E>() -> Result<Accepted, Option<E>> {
    Ok(Accepted::Unknown)
}

/// Accepts an operation on one session.
fn take<O: Acceptable, L: Ledger>(
    mut operation: O,
    json: &str,
    seed: Option<&Seed>,
    ledger: &mut L,
) -> Result<Accepted, Option<L::Error>> {
    let id = operation.session().clone();
    if let Some(seed) = seed {
        plant(&id, seed, operation.now(), ledger).map_err(Some)?;
        plant_record(&id, seed, ledger).map_err(Some)?;
    }
    let base = match ledger.base(&id).map_err(Some)? {
        Some(base) => base,
        None => match operation.on_unknown() {
            Unknown::Refused => return unknown(),
            Unknown::Made => Base::ASSUMED,
            Unknown::Assumed(ttl) => {
                assume(&id, operation.now(), ttl, ledger).map_err(Some)?;
                Base::ASSUMED
            }
        },
    };
    let untitled = ledger.session(&id).map_err(Some)?.is_some_and(|session| session.title.is_empty());
    if untitled && !base.whole {
        // Redis knows its title, and the journal would show another.
        operation.leave_title();
    }
    if operation.is_beyond(base) {
        return unknown();
    }
    let result = operation.apply(ledger).map_err(Some)?;
    match operation.verdict(&result, base) {
        Verdict::Unknown => return unknown(),
        Verdict::Answer => {}
        Verdict::Journal => {
            let base = Base { state_known: base.state_known || operation.tells_state(), ..base };
            ledger.put_base(&id, base).map_err(Some)?;
            ledger.push(&id, O::NAME, json).map_err(Some)?;
        }
    }
    outcome(&result)
}

/// Puts a session there of which nothing is known.
fn assume<L: Ledger>(id: &SessionId, now: Millis, ttl: Millis, ledger: &mut L) -> Result<(), L::Error> {
    let session = Session { created: now, updated: now, expires: now.after(ttl), ..Session::default() };
    ledger.put_session(id, &session)?;
    ledger.put_base(id, Base::ASSUMED)
}

/// Puts what somebody else knows into the overlay, where it knows nothing yet.
fn plant<L: Ledger>(id: &SessionId, seed: &Seed, now: Millis, ledger: &mut L) -> Result<(), L::Error> {
    if ledger.base(id)?.is_none() {
        let Some(session) = seed.session.as_ref().filter(|session| session.is_live(now)) else {
            return if seed.certain { ledger.put_base(id, Base::WHOLE) } else { Ok(()) };
        };
        let known_from = session.next.saturating_sub(seed.messages.len() as u64).max(session.first);
        ledger.put_session(id, session)?;
        for (position, message) in (known_from..session.next).zip(&seed.messages) {
            ledger.put_message(id, position, message)?;
        }
        if let Some(metadata) = &seed.metadata {
            ledger.put_metadata(id, metadata)?;
        }
        if let Some((revision, json)) = &seed.state {
            ledger.put_state(id, &State { revision: *revision, json: json.clone() })?;
        }
        let whole = seed.certain && known_from == session.first;
        return ledger.put_base(id, Base { whole, known_from, state_known: seed.certain });
    }
    Ok(())
}

/// Puts a turn that was begun in Redis, or an operation that was done there, into the overlay, where its messages stand at
/// the same positions.
fn plant_record<L: Ledger>(id: &SessionId, seed: &Seed, ledger: &mut L) -> Result<(), L::Error> {
    let Some((turn, stored)) = &seed.turn else { return Ok(()) };
    let (Some(base), Some(session)) = (ledger.base(id)?, ledger.session(id)?) else { return Ok(()) };
    let Some(record) = TurnRecord::parse(stored) else { return Ok(()) };
    if ledger.turn(id, turn)?.is_some() {
        return Ok(());
    }
    let asked = (record.message_position, record.message_id.as_ref());
    let answered = (record.reply_position, record.reply_id.as_ref());
    for (position, message_id) in [asked, answered] {
        let (Some(at), Some(message_id), false) = (position, message_id, base.whole) else { continue };
        let is_kept = session.first <= at && at < session.next;
        let stored = if is_kept { ledger.messages(id, at..at + 1)?.pop() } else { None };
        if !stored.is_some_and(|message| message.starts_with(&stored_prefix(message_id))) {
            return Ok(());
        }
    }
    ledger.put_turn(id, turn, &record)
}

/// Puts a turn that was begun in Redis into the overlay, so that it can be finished there. An overlay that knew its session
/// without the turn's message gets that too.
fn plant_turn<L: Ledger>(finish: &FinishTurn, seed: &Seed, ledger: &mut L) -> Result<(), L::Error> {
    let id = &finish.session;
    plant(id, seed, finish.now, ledger)?;
    plant_record(id, seed, ledger)?;
    let record = seed.turn.as_ref().and_then(|(_, stored)| TurnRecord::parse(stored)).filter(|record| !record.done);
    let prefix = stored_prefix(&finish.message_id);
    let message = seed.messages.iter().rev().find(|message| message.starts_with(&prefix));
    let (Some(record), Some(message), Some(mut session)) = (record, message, ledger.session(id)?) else {
        return Ok(());
    };
    if ledger.turn(id, &finish.turn)?.is_some() {
        return Ok(());
    }
    let position = session.next;
    session.next += 1;
    session.total += 1;
    ledger.put_session(id, &session)?;
    ledger.put_message(id, position, message)?;
    ledger.put_turn(id, &finish.turn, &TurnRecord { message_position: Some(position), ..record })
}

/// A finish whose begin may be in Redis: then the seed has the turn. Without any knowledge of it, it is taken as it is: its
/// begin came to something, or nobody would finish it.
fn finish<L: Ledger>(
    finish: &FinishTurn,
    json: &str,
    seed: Option<&Seed>,
    ledger: &mut L,
) -> Result<Accepted, Option<L::Error>> {
    let id = &finish.session;
    let begin = seed.and_then(|seed| seed.begin.as_ref());
    if let Some(seed) = seed {
        plant_turn(finish, seed, ledger).map_err(Some)?;
    }
    if ledger.base(id).map_err(Some)?.is_none() {
        assume(id, finish.now, finish.ttl, ledger).map_err(Some)?;
    }
    let whole = ledger.base(id).map_err(Some)?.is_some_and(|base| base.whole);
    let blind = !whole && ledger.turn(id, &finish.turn).map_err(Some)?.is_none();
    let finished = match ledger.session(id).map_err(Some)? {
        Some(session) if blind && session.is_live(finish.now) => {
            Finished::Stored(append_reply(finish, session, ledger).map_err(Some)?)
        }
        _ => finish.apply(ledger).map_err(Some)?,
    };
    if matches!(finished, Finished::Stored(_)) {
        // Begun in Redis, or in an entry that it has: should it lose that, this brings it back. Where it has it, the same attempt goes on.
        if let Some(begin) = begin {
            let json = serde_json::to_string(begin).map_err(|_| None)?;
            ledger.push(id, BeginTurn::NAME, &json).map_err(Some)?;
        }
        ledger.push(id, FinishTurn::NAME, json).map_err(Some)?;
    }
    outcome(&finished)
}

/// Appends a reply whose question the overlay doesn't have.
fn append_reply<L: Ledger>(finish: &FinishTurn, mut session: Session, ledger: &mut L) -> Result<Session, L::Error> {
    if !finish.message.is_empty() {
        ledger.put_message(&finish.session, session.next, &finish.message)?;
        session.next += 1;
        session.total += 1;
    }
    let at = session.next;
    session.updated = finish.now;
    session.next += 1;
    session.total += 1;
    session.revision += 1;
    ledger.put_session(&finish.session, &session)?;
    ledger.put_message(&finish.session, at, &finish.reply)?;
    // The record makes a repetition find it done.
    let record = TurnRecord {
        done: true,
        attempt: finish.attempt.clone(),
        lease_until: Millis(0),
        reply_id: reply_id(finish),
        fingerprint: fingerprint::of_every_request(RequestKind::Turn),
        message_id: Some(finish.message_id.clone()),
        message_position: None,
        reply_position: Some(at),
        cut: None,
    };
    ledger.put_turn(&finish.session, &finish.turn, &record)?;
    Ok(session)
}

fn reply_id(finish: &FinishTurn) -> Option<MessageId> {
    #[derive(Deserialize)]
    struct Head {
        id: MessageId,
    }
    serde_json::from_str::<Head>(&finish.reply).ok().map(|head| head.id)
}

/// A turn is given up. Where the overlay doesn't know it, its lease ends by itself.
fn release<L: Ledger>(
    release: &ReleaseTurn,
    json: &str,
    seed: Option<&Seed>,
    ledger: &mut L,
) -> Result<Accepted, Option<L::Error>> {
    if let Some(seed) = seed {
        plant(&release.session, seed, release.now, ledger).map_err(Some)?;
        plant_record(&release.session, seed, ledger).map_err(Some)?;
    }
    let released = release.apply(ledger).map_err(Some)?;
    if released {
        ledger.push(&release.session, ReleaseTurn::NAME, json).map_err(Some)?;
    }
    outcome(&released)
}

/// A delete takes sessions that nobody here knows, too; each becomes an entry of its own.
fn delete<L: Ledger>(delete: &Delete, ledger: &mut L) -> Result<Accepted, Option<L::Error>> {
    for id in &delete.sessions {
        if ledger.base(id).map_err(Some)?.is_none() {
            assume(id, delete.now, Millis(1), ledger).map_err(Some)?;
        }
    }
    let deletion = delete.apply(ledger).map_err(Some)?;
    let Deletion::Gone(gone) = &deletion else { return outcome(&deletion) };
    for id in gone {
        let one = Delete { sessions: vec![id.clone()], ..delete.clone() };
        let json = serde_json::to_string(&one).map_err(|_| None)?;
        ledger.push(id, Delete::NAME, &json).map_err(Some)?;
    }
    outcome(&deletion)
}

/// One session's state is known or not; in a list, one that isn't known is not shown.
fn read_state<L: Ledger>(read: &ReadState, ledger: &mut L) -> Result<Accepted, Option<L::Error>> {
    if let [id] = read.sessions.as_slice() {
        let base = ledger.base(id).map_err(Some)?;
        let found = read.apply(ledger).map_err(Some)?;
        let told = base.is_some_and(|base| base.state_known || found == [Stated::Absent]);
        return if told { outcome(&found) } else { unknown() };
    }
    outcome(&read.apply(ledger).map_err(Some)?)
}
