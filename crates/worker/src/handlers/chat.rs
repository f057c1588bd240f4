//! `POST /v1/chat`: one turn. Begin, ask the responder, finish; only then is it answered.

use super::answer::Answer;
use super::archived::recall;
use super::{Call, incognito, stream};
use crate::responder::{self, Question};
use crate::turn::{self, Beginning, Ended, Started};
use crate::{after, edge};
use chatkeep_model::plan::BeginTurn;
use chatkeep_model::stream::Wire;
use chatkeep_model::turn::Turned;
use chatkeep_model::{Change, Code, Problem, SessionId, intake};
use std::rc::Rc;

pub(super) async fn chat(call: &Call<'_>) -> Result<Answer, Problem> {
    if let Some(turn) = intake::incognito(call.incoming())? {
        return incognito::answer(call, turn).await;
    }
    let (begin, streams) = intake::chat(call.incoming())?;
    if stream::is_wanted(call, streams) {
        return stream::turn(call, begin, None, Wire::Own).await;
    }
    Answer::json(&turn(call, begin).await?.response())
}

/// Runs a turn, and sees to what comes after it.
pub(super) async fn turn(call: &Call<'_>, begin: BeginTurn) -> Result<Turned, Problem> {
    let asked = after::is_wanted(&call.config).then(|| begin.message.clone());
    let turned = run(call, begin).await?;
    if let Some(asked) = asked {
        let (config, store) = (Rc::clone(&call.config), call.store.clone());
        let limits = &call.namespace.limits;
        call.context.wait_until(after::turn(config, store, (limits.ttl, limits.window), asked, turned.clone()));
    }
    Ok(turned)
}

/// Begins a turn. A session that the store has no more comes back from the archive first.
async fn begun(call: &Call<'_>, begin: &BeginTurn) -> Result<Beginning, Problem> {
    let minted = begin.session == SessionId::mint(call.fresh.session);
    let Some(archive) = call.archive.as_ref().filter(|_| !minted) else { return turn::begin(&call.store, begin).await };
    let careful = BeginTurn { existing: true, ..begin.clone() };
    match turn::begin(&call.store, &careful).await {
        Err(problem) if problem.code == Code::SessionNotFound => {}
        begun => return begun,
    }
    recall(archive, &begin.session, &turn::newer(begin), begin.existing, begin.now).await?;
    turn::begin(&call.store, begin).await
}

async fn run(call: &Call<'_>, begin: BeginTurn) -> Result<Turned, Problem> {
    let begin = BeginTurn { charge: call.charge.clone(), ..begin };
    call.watch.about(&begin.session);
    let beginning = begun(call, &begin).await.map_err(|problem| match problem.code {
        Code::RateLimited => {
            let refusal = call.charged(u64::MAX).err().unwrap_or(problem);
            refusal.of_turn(&begin.session, &begin.message_id)
        }
        _ => given_up(problem, &begin, call),
    });
    match beginning? {
        Beginning::Started(started) => {
            if started.charged > 0 {
                call.charged(started.charged)?;
            }
            answer(call, &begin, started).await
        }
        Beginning::Replay(turned) => {
            // It may have been stored by a request that came to no answer, and to no archive.
            if let Some(archive) = &call.archive {
                archive.write_through(&turned.session_id, None).await;
            }
            Ok(turned)
        }
        Beginning::Running(until) => Err(turn::in_progress(&begin, until)),
    }
}

async fn answer(call: &Call<'_>, begin: &BeginTurn, started: Started) -> Result<Turned, Problem> {
    let mut draft = turn::draft(begin, &started.message_id, started.created, None);
    let state = match responder::needs_state(&call.config) {
        true => turn::state(&call.store, &begin.session).await?,
        false => None,
    };
    let summary = turn::summary(&call.store, &call.config, &begin.session, started.position, &started.window).await;
    let question = Question {
        session: &begin.session,
        window: &started.window,
        state: state.as_ref(),
        before: None,
        summary: summary.as_deref(),
        traceparent: &call.watch.traceparent(),
    };
    let began = edge::now();
    let answered = responder::answer(&call.config, question, &mut draft).await;
    let took = edge::now().since(began);
    call.store.timing().asked_responder(took);
    call.watch.responded(answered.as_ref().map_or_else(|failure| failure.code.as_str(), |()| "ok"), took);
    if let Err(failure) = answered {
        let _ = call.store.run(&turn::release(begin)).await;
        let (session_id, message_id) = (begin.session.clone(), started.message_id.clone());
        call.store.changed(Change::TurnFailed { session_id, message_id });
        call.watch.responder_failed(&failure);
        return Err(failure.problem().of_turn(&begin.session, &started.message_id));
    }
    let Started { created, message_id, position, known, .. } = started;
    let now = edge::now();
    let mut reply = draft.message(now, None);
    let shape = call.dialect.map(|dialect| dialect.shape());
    if let Some(shape) = shape {
        reply.metadata = shape.reply_metadata(&reply, now.since(begin.now));
    }
    let (message_id, known) = (&message_id, Some(&known));
    let ended = Ended {
        begin,
        created,
        message_id,
        position,
        known,
        reply,
        state: draft.state(),
        usage: draft.usage(),
        finish: draft.finish(),
    };
    let finished =
        turn::finish(&call.store, call.archive.as_ref(), ended).await.map_err(|problem| given_up(problem, begin, call));
    finished.inspect(|turned| call.watch.left(&turned.session))
}

/// The store did not say what became of a begin or a finish. Perhaps the turn runs now, with nobody to run it: it is given up
/// after the answer, so that a repetition need not wait for its lease to end.
fn given_up(problem: Problem, begin: &BeginTurn, call: &Call<'_>) -> Problem {
    if problem.code == Code::StoreUnavailable {
        let (store, release) = (call.store.clone(), turn::release(begin));
        call.context.wait_until(async move { drop(store.run(&release).await) });
    }
    problem
}
