//! `GET /v1/admin/events`: the deployment's log as it is written.

use super::super::Call;
use super::super::answer::Answer;
use crate::{store, watch};
use chatkeep_model::{Code, Problem};
use worker::Env;

/// Isolates hand their lines over with their figures: within ten seconds at first, then each second.
pub(in super::super) async fn follow(call: &Call<'_>, env: &Env) -> Result<Answer, Problem> {
    if call.is_head {
        return Ok(Answer::event_stream_head());
    }
    watch::hand_over_now(env).await;
    watch::is_followed();
    watch::hand_over_later(env, call.context);
    let lines = store::lines(env).await?;
    if lines.status() == Code::RateLimited.status() {
        return Err(Problem::new(Code::RateLimited).retry_after(60));
    }
    Ok(Answer::relayed(lines))
}
