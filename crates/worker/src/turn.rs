//! The steps of a turn in the store, for whoever runs it: begin, finish, give up.

use crate::archive::{Archive, Said};
use crate::edge;
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::config::Config;
use chatkeep_model::fingerprint::{self, RequestKind};
use chatkeep_model::journal::Seed;
use chatkeep_model::plan::{
    BeginTurn, Begun, Condition, FinishTurn, Finished, ReadState, ReadSummary, ReleaseTurn, Stated, TurnMode,
    WriteState,
};
use chatkeep_model::responder::tokens_used;
use chatkeep_model::stream::{Draft, Finish, Opened};
use chatkeep_model::turn::{TurnRecord, Turned};
use chatkeep_model::wire::Raw;
use chatkeep_model::{Code, Message, MessageId, Millis, Problem, Session, SessionId, StoreError, TurnId};

/// What a begin came to.
pub(crate) enum Beginning {
    /// It runs now.
    Started(Started),
    /// It was finished before.
    Replay(Turned),
    /// Another attempt runs it, protected until then.
    Running(Millis),
}

/// A turn that runs.
pub(crate) struct Started {
    pub(crate) created: bool,
    pub(crate) message_id: MessageId,
    pub(crate) position: u64,
    /// The last messages; the user's is the last of them.
    pub(crate) window: Vec<Message>,
    pub(crate) known: Known,
    /// The turns charged so far; zero when it was not charged.
    pub(crate) charged: u64,
}

/// What is known of the session between begin and finish, should Redis be gone by then.
pub(crate) struct Known {
    /// The session after the begin.
    session: Session,
    /// The window as it is stored.
    window: Vec<String>,
}

/// Begins a turn.
pub(crate) async fn begin(store: &Store, begin: &BeginTurn) -> Result<Beginning, Problem> {
    let refused = |code: Code| Problem::new(code).of_turn(&begin.session, &begin.message_id);
    let unreadable = || refused(Code::Internal).detail("a stored message can't be read");
    match store.run(begin).await.map_err(|error| failed(error, begin))? {
        Begun::Started { created, message_id, position, window: stored, session, charged, .. } => {
            let window = stored.iter().map(|message| serde_json::from_str(message)).collect::<Result<_, _>>();
            let window = window.map_err(|_| unreadable())?;
            let known = Known { session, window: stored };
            Ok(Beginning::Started(Started { created, message_id, position, window, known, charged }))
        }
        Begun::Replay { message_id, reply, session } => {
            let reply = serde_json::from_str(&reply).map_err(|_| unreadable())?;
            let session_id = begin.session.clone();
            let at = begin.now;
            Ok(Beginning::Replay(Turned {
                session_id,
                message_id,
                reply,
                session,
                created: false,
                replayed: true,
                at,
                usage: None,
                finish: None,
            }))
        }
        Begun::Running { until } => Ok(Beginning::Running(until)),
        Begun::Limited => Err(refused(Code::RateLimited).retry_after(1)),
        Begun::Mismatch => Err(refused(Code::TurnMismatch)),
        Begun::Repeated => Err(refused(Code::MessageExists)),
        Begun::Gone => Err(refused(Code::MessageGone)),
        Begun::Deleted => Err(refused(Code::SessionDeleted)),
        Begun::Absent => Err(refused(Code::SessionNotFound)),
        Begun::Unknown => Err(refused(Code::MessageNotFound)),
        Begun::Full => Err(Problem::new(Code::TooManySessions)),
        Begun::StorageFull => Err(refused(Code::StorageFull)),
    }
}

/// Another attempt runs the turn.
pub(crate) fn in_progress(begin: &BeginTurn, until: Millis) -> Problem {
    // The lease's end is the latest; most turns end long before.
    let seconds = until.since(begin.now).0.div_ceil(1000).clamp(1, 2);
    Problem::new(Code::TurnInProgress).of_turn(&begin.session, &begin.message_id).retry_after(seconds)
}

/// An empty draft of the turn's reply.
pub(crate) fn draft(begin: &BeginTurn, message_id: &MessageId, created: bool, before: Option<Raw>) -> Draft {
    Draft::new(opened(begin, message_id, created), before)
}

/// How a stream of the turn begins.
pub(crate) fn opened(begin: &BeginTurn, message_id: &MessageId, created: bool) -> Opened {
    Opened {
        session_id: Some(begin.session.clone()),
        message_id: message_id.clone(),
        reply_id: begin.reply_id.clone(),
        created,
        degraded: false,
    }
}

/// What is stored when the turn has its reply.
pub(crate) struct Ended<'a> {
    pub(crate) begin: &'a BeginTurn,
    pub(crate) created: bool,
    pub(crate) message_id: &'a MessageId,
    pub(crate) position: u64,
    pub(crate) known: Option<&'a Known>,
    pub(crate) reply: Message,
    /// The session's new state.
    pub(crate) state: Option<&'a Raw>,
    /// What the model's API counted.
    pub(crate) usage: Option<&'a Raw>,
    /// Why the reply ends, as the responder says it.
    pub(crate) finish: Option<Finish>,
}

/// Stores the reply, and the state that came with it; archives both where that is done before the answer.
pub(crate) async fn finish(store: &Store, archive: Option<&Archive>, ended: Ended<'_>) -> Result<Turned, Problem> {
    let Ended { begin, created, message_id, position, known, reply, state, usage, finish: reason } = ended;
    let refused = |code: Code| Problem::new(code).of_turn(&begin.session, message_id);
    let now = edge::now();
    // What it may replace stays until now, and so does its message.
    let replaces = begin.mode == TurnMode::Edit || begin.cut_after.is_some();
    let finish = FinishTurn {
        session: begin.session.clone(),
        turn: begin.turn.clone(),
        attempt: begin.attempt.clone(),
        message_id: message_id.clone(),
        position,
        message: if replaces { begin.message.clone() } else { String::new() },
        reply: reply.to_json().map_err(|_| refused(Code::Internal))?,
        now,
        ttl: begin.ttl,
        messages_per_session: begin.messages_per_session,
        used: usage.map(tokens_used).unwrap_or_default(),
    };
    let seed = || {
        let seeded = known.map(|known| seed(known, begin, message_id, position, now)).unwrap_or_default();
        Some(Seed { begin: Some(Box::new(begin.clone())), ..seeded })
    };
    let mut position = position;
    let mut finished = store.run_seeded(&finish, &seed).await.map_err(|error| failed(error, begin))?;
    if finished == Finished::Absent
        && let Some(archive) = archive
        && let Some(again) = begin_again(store, archive, begin).await.map_err(|error| failed(error, begin))?
    {
        position = again;
        let finish = FinishTurn { position, ..finish.clone() };
        finished = store.run_seeded(&finish, &seed).await.map_err(|error| failed(error, begin))?;
    }
    let session = match finished {
        Finished::Stored(session) => session,
        Finished::Superseded => return Err(refused(Code::TurnInProgress).retry_after(1)),
        Finished::Gone => return Err(refused(Code::MessageGone)),
        Finished::Absent => return Err(refused(Code::SessionNotFound)),
    };
    let replied = finish.reply.clone();
    // With nothing between question and answer, the window goes on as it is.
    if let Some(known) = known.filter(|_| session.next == position + 2) {
        let messages = known.window.iter().cloned().chain([finish.reply]).collect();
        // A repetition in an outage gets the stored reply.
        let reply_position = Some(position + 1);
        let done = TurnRecord {
            done: true,
            lease_until: Millis(0),
            reply_position,
            ..record(begin, message_id, position, now)
        };
        let turn = Some((begin.turn.clone(), done.to_string()));
        store.keep(&begin.session, Seed { session: Some(session.clone()), messages, turn, ..Seed::default() });
    }
    if let Some(state) = state {
        let write = WriteState {
            session: begin.session.clone(),
            // Of the reply, which no turn and no message of a client is called.
            operation: TurnId::of_message(&begin.reply_id),
            fingerprint: fingerprint::of_every_request(RequestKind::WriteState),
            condition: Condition::Any,
            state: state.get().to_owned(),
            seal: begin.seal.clone(),
            now,
            ttl: begin.ttl,
            sessions_per_owner: begin.sessions_per_owner,
            owner_bytes: begin.owner_bytes,
        };
        store.run(&write).await.map_err(|error| failed(error, begin))?;
    }
    if let Some(archive) = archive {
        archive.write_through(&begin.session, Some(&Said::turn(&session, (position, &begin.message), &replied))).await;
    }
    let session_id = begin.session.clone();
    Ok(Turned {
        session_id,
        message_id: message_id.clone(),
        reply,
        session,
        created,
        replayed: false,
        at: now,
        usage: usage.cloned(),
        finish: reason,
    })
}

/// The store has lost the session of a turn that ran, and what was begun with it: it begins once more, behind what is archived. Gives
/// the place of its message; nothing where the session was deleted.
async fn begin_again(store: &Store, archive: &Archive, begin: &BeginTurn) -> Result<Option<u64>, StoreError> {
    archive.recall(&begin.session, &newer(begin), edge::now()).await?;
    let again = BeginTurn { charge: None, now: edge::now(), ..begin.clone() };
    Ok(match store.run(&again).await? {
        Begun::Started { position, .. } => Some(position),
        _ => None,
    })
}

/// What a turn brings itself: should it be a repetition of the last one archived, that one's messages don't come back beside it.
pub(crate) fn newer(begin: &BeginTurn) -> Newer {
    Newer::at_end([begin.message_id.clone(), begin.reply_id.clone()])
}

/// The record of a turn that runs, as if what it replaces were removed.
fn record(begin: &BeginTurn, message_id: &MessageId, position: u64, now: Millis) -> TurnRecord {
    TurnRecord {
        done: false,
        attempt: begin.attempt.clone(),
        lease_until: now.after(begin.lease),
        reply_id: Some(begin.reply_id.clone()),
        fingerprint: begin.fingerprint.clone(),
        message_id: Some(message_id.clone()),
        message_position: Some(position),
        reply_position: None,
        cut: None,
    }
}

fn seed(known: &Known, begin: &BeginTurn, message_id: &MessageId, position: u64, now: Millis) -> Seed {
    Seed {
        session: Some(Session { next: position + 1, ..known.session.clone() }),
        messages: known.window.clone(),
        turn: Some((begin.turn.clone(), record(begin, message_id, position, now).to_string())),
        ..Seed::default()
    }
}

/// What was said in short before a window, where that is wanted and something may be left out. Without it the turn goes on.
pub(crate) async fn summary(
    store: &Store,
    config: &Config,
    session: &SessionId,
    position: u64,
    window: &[Message],
) -> Option<String> {
    let is_left_out = position >= window.len() as u64 || config.window_tokens.is_some();
    if !is_left_out || !chatkeep_model::summary::is_wanted(config) {
        return None;
    }
    let read = ReadSummary { session: session.clone(), now: edge::now() };
    Some(store.run(&read).await.ok()??.text)
}

/// The session's state, for who shows it to a responder.
pub(crate) async fn state(store: &Store, session: &SessionId) -> Result<Option<Raw>, StoreError> {
    let read = ReadState { sessions: vec![session.clone()], now: edge::now() };
    Ok(match store.run(&read).await?.pop() {
        Some(Stated::State(_, json)) => Raw::parse(json),
        _ => None,
    })
}

/// Lets the next attempt begin at once. Should this fail, the lease lets it begin later.
pub(crate) fn release(begin: &BeginTurn) -> ReleaseTurn {
    ReleaseTurn {
        session: begin.session.clone(),
        turn: begin.turn.clone(),
        attempt: begin.attempt.clone(),
        now: edge::now(),
    }
}

fn failed(error: StoreError, begin: &BeginTurn) -> Problem {
    Problem::from(error).of_turn(&begin.session, &begin.message_id)
}
