//! `/v1/ai/chat`: the AI SDK's chat.

use super::answer::Answer;
use super::{Call, stream};
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::plan::ReadHistory;
use chatkeep_model::stream::{Wire, ui};
use chatkeep_model::wire::UiMessages;
use chatkeep_model::{Code, Message, Problem, intake};

pub(super) async fn chat(call: &Call<'_>) -> Result<Answer, Problem> {
    let mut turn = intake::ai_chat(call.incoming())?;
    if turn.replaces {
        let read = ReadHistory { session: turn.begin.session.clone(), now: call.fresh.now, limit: 1, before: None };
        let page = call.store.run(&read).await?;
        let newest = page.and_then(|mut page| page.messages.pop());
        let newest = newest.and_then(|stored| serde_json::from_str::<Message>(&stored).ok());
        turn = turn.replacing(newest.as_ref().map_or("", |message| message.id.as_str()));
    }
    stream::turn(call, turn.begin, turn.before, Wire::UiMessages).await
}

/// `GET /v1/ai/chat/{id}/messages`. A chat has its id before it has a message: then there are none.
pub(super) async fn messages(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query.number("limit", 1..=HISTORY_PAGE.1)?.unwrap_or(HISTORY_PAGE.0);
    let before = call.query.number("before", 0..=1 << 53)?;
    let read = ReadHistory { session: call.session()?, now: call.fresh.now, limit, before };
    let Some(page) = call.store.run(&read).await? else { return Answer::json(&UiMessages::default()) };
    let next_before = page.next_before().map(|position| position.to_string());
    let messages = page.messages.iter().map(|stored| ui::message(&serde_json::from_str(stored).ok()?));
    let messages: Option<Vec<_>> = messages.collect();
    Answer::json(&UiMessages { messages: messages.ok_or(Problem::new(Code::Internal))?, next_before })
}
