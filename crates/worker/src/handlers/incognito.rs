//! An incognito turn: the responder is asked, and nothing of it is written anywhere. That there was one counts.

use super::answer::Answer;
use super::{Call, stream};
use crate::edge::now;
use crate::growing::Growing;
use crate::responder::{self, Question, Reply};
use chatkeep_model::config::Config;
use chatkeep_model::intake::Incognito;
use chatkeep_model::limits::STREAM_TIME;
use chatkeep_model::plan::ChargeTurn;
use chatkeep_model::stream::{Draft, Ending, Failure, Opened, Wire};
use chatkeep_model::{Code, Message, Millis, Problem, SessionId};
use std::rc::Rc;

pub(super) async fn answer(call: &Call<'_>, turn: Incognito) -> Result<Answer, Problem> {
    charge(call).await?;
    if stream::is_wanted(call, turn.streams) {
        let opened = turn.opened().ok_or(Problem::new(Code::Internal))?;
        return streamed(call, &SessionId::mint(0), &turn.window, opened, Wire::Own).await;
    }
    let answered = responder::text(&call.config, &turn.window).await;
    let (response, finish) = answered.map_err(|failure| problem(call, failure))?;
    let body = turn.response(response, finish).ok_or(Problem::new(Code::Internal))?;
    Ok(Answer::json(&body)?.without_trace())
}

/// Charges a turn that is written nowhere. It needs no store, so that it is not refused for a store that is away.
pub(super) async fn charge(call: &Call<'_>) -> Result<(), Problem> {
    let Some(charge) = call.charge.clone() else { return Ok(()) };
    match call.store.run(&ChargeTurn { charge, now: call.fresh.now }).await {
        Ok(turns) => call.charged(turns),
        Err(_) => Ok(()),
    }
}

/// Answers with the reply as it grows. It ends with its reader: there is nobody else whom it is for.
pub(super) async fn streamed(
    call: &Call<'_>,
    session: &SessionId,
    window: &[Message],
    opened: Opened,
    wire: Wire,
) -> Result<Answer, Problem> {
    let traceparent = call.watch.traceparent();
    let question = Question { session, window, state: None, before: None, summary: None, traceparent: &traceparent };
    let reply = Reply::begin(&call.config, question, true).await.map_err(|failure| problem(call, failure))?;
    let (config, growing) = (Rc::clone(&call.config), Growing::new(Draft::new(opened, None)));
    let answer = growing.answer(wire, 0).without_trace();
    let request_id = call.watch.id();
    call.context.wait_until(async move {
        let ended = grow(&config, reply, &growing).await;
        let mut draft = growing.draft.borrow_mut();
        let response = draft.opened().unkept(draft.message(Millis(0), None).content, draft.finish());
        draft.end(match ended {
            Ok(()) => Ending::Unkept(Box::new(response)),
            Err(failure) => Ending::Failed(Box::new(failure.problem().body_of(request_id))),
        });
        drop(draft);
        growing.grown.tell();
    });
    Ok(answer)
}

/// Lets a reply grow until it is whole.
async fn grow(config: &Config, mut reply: Reply, growing: &Growing) -> Result<(), Failure> {
    let begun = now();
    loop {
        let step = reply.next(config.responder_timeout).await;
        let taken = step.pieces.into_iter().try_for_each(|piece| growing.draft.borrow_mut().take(piece));
        growing.grown.tell();
        taken?;
        if let Some(end) = step.end {
            end?;
            return growing.draft.borrow_mut().complete();
        }
        if now().since(begun) > STREAM_TIME {
            return Err(Failure::new(Code::ResponderTimeout, "the reply took too long"));
        }
    }
}

/// The problem that a turn has with its responder.
pub(super) fn problem(call: &Call<'_>, failure: Failure) -> Problem {
    call.watch.responder_failed(&failure);
    failure.problem()
}
