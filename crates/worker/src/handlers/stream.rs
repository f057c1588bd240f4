//! Streamed turns: the owner's vault runs them; here they are asked for, followed and stopped.

use super::Call;
use super::answer::Answer;
use super::archived::recall;
use crate::turn;
use crate::vault::ask::{Ask, FollowTurn, StopTurn};
use chatkeep_model::accept::prefers_event_stream;
use chatkeep_model::plan::{BeginTurn, Info};
use chatkeep_model::stream::Wire;
use chatkeep_model::wire::{Raw, Stopped};
use chatkeep_model::{Code, MessageId, Problem, SessionId, StoreError, intake};

/// Returns whether the answer is to be an event stream: as the body says, or where it says nothing, as `Accept` prefers.
pub(super) fn is_wanted(call: &Call<'_>, asked: Option<bool>) -> bool {
    asked.unwrap_or_else(|| call.headers.accept.as_deref().is_some_and(prefers_event_stream))
}

/// Runs a turn as a stream.
pub(super) async fn turn(
    call: &Call<'_>,
    begin: BeginTurn,
    before: Option<Raw>,
    wire: Wire,
) -> Result<Answer, Problem> {
    let (session, message) = (begin.session.clone(), begin.message_id.clone());
    let begin = BeginTurn { charge: call.charge.clone(), ..begin };
    revive(call, &begin).await?;
    let streamed = call.store.stream(begin, before, wire, shown(call), call.headers.journal.as_deref()).await;
    streamed.map(Answer::relayed).map_err(|error| Problem::from(error).of_turn(&session, &message))
}

/// Brings a session back from the archive that the store has no more.
async fn revive(call: &Call<'_>, begin: &BeginTurn) -> Result<(), Problem> {
    let minted = begin.session == SessionId::mint(call.fresh.session);
    let Some(archive) = call.archive.as_ref().filter(|_| !minted) else { return Ok(()) };
    if call.store.run(&Info { session: begin.session.clone(), now: begin.now }).await?.is_none() {
        recall(archive, &begin.session, &turn::newer(begin), begin.existing, begin.now).await?;
    }
    Ok(())
}

/// `GET .../stream`.
pub(super) async fn follow(call: &Call<'_>, wire: Wire) -> Result<Answer, Problem> {
    let message = call.query.get("message_id").map(message_id).transpose()?;
    let ask = FollowTurn { session: call.session()?, message, wire, shown: shown(call) };
    Ok(Answer::relayed(call.store.relay(&question(&ask)?).await?))
}

/// `POST .../stop`.
pub(super) async fn stop(call: &Call<'_>) -> Result<Answer, Problem> {
    let ask = StopTurn { session: call.session()?, message: intake::stop(&call.body)? };
    let stopped = call.store.ask_vault(&question(&ask)?).await?;
    let stopped = stopped.parse().map_err(|_| StoreError::UnexpectedReply)?;
    Answer::json(&Stopped { session_id: ask.session, stopped })
}

/// The events that the reader has seen already.
fn shown(call: &Call<'_>) -> u64 {
    call.headers.last_event_id.as_deref().and_then(|id| id.trim().parse().ok()).unwrap_or(0)
}

fn message_id(text: String) -> Result<MessageId, Problem> {
    MessageId::parse(text).map_err(|invalid| Problem::new(Code::InvalidMessageId).detail(invalid.to_string()))
}

fn question(ask: &impl Ask) -> Result<String, Problem> {
    ask.question().map_err(|_| Problem::new(Code::Internal))
}
