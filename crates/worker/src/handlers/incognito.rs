//! An incognito turn: the responder is asked, and nothing is written anywhere.

use super::Call;
use super::answer::Answer;
use crate::responder;
use chatkeep_model::intake::Incognito;
use chatkeep_model::{Code, Problem};

pub(super) async fn answer(call: &Call<'_>, turn: Incognito) -> Result<Answer, Problem> {
    let response = responder::answer(&call.config, &turn.window).await.map_err(|(code, detail)| {
        let problem = Problem::new(code).detail(detail);
        if code.retryable() { problem.retry_after(1) } else { problem }
    })?;
    let body = turn.response(response).ok_or(Problem::new(Code::Internal))?;
    Ok(Answer::json(&body)?.without_trace())
}
