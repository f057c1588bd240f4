//! `POST /v1/chat`: one turn. Begin, ask the responder, finish; only then is it answered.

use super::answer::Answer;
use super::{Call, after, incognito};
use crate::{archive, edge, responder};
use chatkeep_model::journal::Seed;
use chatkeep_model::plan::{BeginTurn, Begun, FinishTurn, Finished, ReleaseTurn};
use chatkeep_model::turn::{TurnRecord, Turned};
use chatkeep_model::{Code, Message, MessageId, Millis, Problem, Role, Session, SessionId, StoreError, intake};

pub(super) async fn chat(call: &Call<'_>) -> Result<Answer, Problem> {
    if let Some(turn) = intake::incognito(call.incoming())? {
        return incognito::answer(call, turn).await;
    }
    Answer::json(&turn(call, intake::chat(call.incoming())?).await?.response())
}

/// Runs a turn, and sees to what comes after it.
pub(super) async fn turn(call: &Call<'_>, begin: BeginTurn) -> Result<Turned, Problem> {
    let asked = begin.message.clone();
    let turned = run(call, begin).await?;
    if let Some(archive) = call.archive.as_ref().filter(|_| !turned.replayed) {
        archive.write_through(&turned.session_id).await;
    }
    call.context.wait_until(after::turn(call, asked, turned.clone()));
    Ok(turned)
}

async fn run(call: &Call<'_>, begin: BeginTurn) -> Result<Turned, Problem> {
    let begin = BeginTurn { charge: call.charge.clone(), ..begin };
    let refused = |code: Code| Problem::new(code).of_turn(&begin.session, &begin.message_id);
    match begun(call, &begin).await.map_err(|error| unavailable(error, &begin, call))? {
        Begun::Started { created, message_id, position, window, session, charged } => {
            if charged > 0 {
                call.charged(charged)?;
            }
            let turn = Turn { begin: &begin, created, message_id, position, session, window };
            turn.answer(call).await
        }
        Begun::Replay { message_id, reply, session } => {
            let reply: Message = serde_json::from_str(&reply).map_err(|_| refused(Code::Internal))?;
            let (session_id, at) = (begin.session, call.fresh.now);
            Ok(Turned { session_id, message_id, reply, session, created: false, replayed: true, at })
        }
        Begun::Running { until } => {
            // The lease's end is the latest; most turns end long before.
            let seconds = until.since(call.fresh.now).0.div_ceil(1000).clamp(1, 2);
            Err(refused(Code::TurnInProgress).retry_after(seconds))
        }
        Begun::Limited => {
            let refusal = call.charged(u64::MAX).err().unwrap_or(Problem::new(Code::RateLimited));
            Err(refusal.of_turn(&begin.session, &begin.message_id))
        }
        Begun::Mismatch => Err(refused(Code::TurnMismatch)),
        Begun::Repeated => Err(refused(Code::MessageExists)),
        Begun::Gone => Err(refused(Code::MessageGone)),
        Begun::Deleted => Err(refused(Code::SessionDeleted)),
        Begun::Absent => Err(refused(Code::SessionNotFound)),
        Begun::Unknown => Err(refused(Code::MessageNotFound)),
        Begun::Full => Err(Problem::new(Code::TooManySessions)),
    }
}

/// Begins a turn. A session that the store has no more comes back from the archive first; when that fails, the turn goes on.
async fn begun(call: &Call<'_>, begin: &BeginTurn) -> Result<Begun, StoreError> {
    let minted = begin.session == SessionId::mint(call.fresh.session);
    let Some(archive) = call.archive.as_ref().filter(|_| !minted) else { return call.store.run(begin).await };
    let careful = BeginTurn { existing: true, ..begin.clone() };
    match call.store.run(&careful).await? {
        Begun::Absent => {}
        begun => return Ok(begun),
    }
    if let Err(failure) = archive.revive(&begin.session, begin.now).await {
        archive::log(&failure);
    }
    call.store.run(begin).await
}

/// A turn that runs.
struct Turn<'a> {
    begin: &'a BeginTurn,
    created: bool,
    message_id: MessageId,
    position: u64,
    /// The session after the begin.
    session: Session,
    window: Vec<String>,
}

impl Turn<'_> {
    async fn answer(self, call: &Call<'_>) -> Result<Turned, Problem> {
        let refused = |code: Code| Problem::new(code).of_turn(&self.begin.session, &self.message_id);
        let began = edge::now();
        let messages: Result<Vec<Message>, _> =
            self.window.iter().map(|message| serde_json::from_str(message)).collect();
        let replied = match messages {
            Ok(messages) => responder::answer(&call.config, &messages).await,
            Err(_) => Err((Code::Internal, "a stored message can't be read".to_owned())),
        };
        call.store.timing().asked_responder(edge::now().since(began));
        let content = match replied {
            Ok(content) => content,
            Err((code, detail)) => {
                let _ = call.store.run(&release(self.begin)).await;
                let problem = refused(code).detail(detail);
                return Err(if code.retryable() { problem.retry_after(1) } else { problem });
            }
        };
        let now = edge::now();
        let reply = Message {
            id: self.begin.turn.reply_id(),
            role: Role::Assistant,
            content,
            created: now.to_rfc3339(),
            parent: Some(self.message_id.clone()),
            metadata: call.dialect.and_then(|dialect| dialect.shape().reply_metadata(now.since(self.begin.now))),
        };
        let finish = FinishTurn {
            session: self.begin.session.clone(),
            turn: self.begin.turn.clone(),
            attempt: self.begin.attempt.clone(),
            message_id: self.message_id.clone(),
            position: self.position,
            reply: reply.to_json().map_err(|_| refused(Code::Internal))?,
            now,
            ttl: self.begin.ttl,
            messages_per_session: self.begin.messages_per_session,
        };
        let finished = call.store.run_seeded(&finish, &|| Some(self.seed(now))).await;
        match finished.map_err(|error| unavailable(error, self.begin, call))? {
            Finished::Stored(session) => {
                // With nothing between question and answer, the window goes on as it is.
                if session.next == self.position + 2 {
                    let mut messages = self.window;
                    messages.push(finish.reply);
                    let seed = Seed { session: Some(session.clone()), messages, ..Seed::default() };
                    call.store.keep(&self.begin.session, seed);
                }
                Ok(Turned {
                    session_id: self.begin.session.clone(),
                    message_id: self.message_id,
                    reply,
                    session,
                    created: self.created,
                    replayed: false,
                    at: now,
                })
            }
            Finished::Superseded => Err(refused(Code::TurnInProgress).retry_after(1)),
            Finished::Gone => Err(refused(Code::MessageGone)),
            Finished::Absent => Err(refused(Code::SessionNotFound)),
        }
    }
}

impl Turn<'_> {
    /// What is known of the session between begin and finish, should Redis be gone by then.
    fn seed(&self, now: Millis) -> Seed {
        let record = TurnRecord {
            done: false,
            attempt: self.begin.attempt.clone(),
            lease_until: now.after(self.begin.lease),
            reply_id: Some(self.begin.turn.reply_id()),
            fingerprint: self.begin.fingerprint.clone(),
            message_id: Some(self.message_id.clone()),
            message_position: Some(self.position),
            reply_position: None,
        };
        Seed {
            session: Some(self.session.clone()),
            messages: self.window.clone(),
            turn: Some((self.begin.turn.clone(), record.to_string())),
            ..Seed::default()
        }
    }
}

/// The store did not say what became of a begin or a finish. Perhaps the turn runs now, with nobody to run it: it is given up
/// after the answer, so that a repetition need not wait for its lease to end.
fn unavailable(error: StoreError, begin: &BeginTurn, call: &Call<'_>) -> Problem {
    if matches!(error, StoreError::Unavailable(_)) {
        let (store, release) = (call.store.clone(), release(begin));
        call.context.wait_until(async move { drop(store.run(&release).await) });
    }
    Problem::from(error).of_turn(&begin.session, &begin.message_id)
}

/// Lets the next attempt begin at once. Should this fail, the lease lets it begin later.
fn release(begin: &BeginTurn) -> ReleaseTurn {
    ReleaseTurn {
        session: begin.session.clone(),
        turn: begin.turn.clone(),
        attempt: begin.attempt.clone(),
        now: edge::now(),
    }
}
