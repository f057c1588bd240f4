//! An incognito turn: the responder is asked, and nothing of it is written anywhere. That there was one counts.

use super::Call;
use super::answer::Answer;
use crate::responder;
use chatkeep_model::intake::Incognito;
use chatkeep_model::plan::ChargeTurn;
use chatkeep_model::{Code, Problem};

pub(super) async fn answer(call: &Call<'_>, turn: Incognito) -> Result<Answer, Problem> {
    if let Some(charge) = call.charge.clone() {
        // A turn that needs no store is not refused for a store that is away.
        if let Ok(turns) = call.store.run(&ChargeTurn { charge, now: call.fresh.now }).await {
            call.charged(turns)?;
        }
    }
    let response = responder::text(&call.config, &turn.window).await.map_err(|failure| {
        let problem = Problem::new(failure.code).detail(failure.detail);
        if failure.code.retryable() { problem.retry_after(1) } else { problem }
    })?;
    let body = turn.response(response).ok_or(Problem::new(Code::Internal))?;
    Ok(Answer::json(&body)?.without_trace())
}
