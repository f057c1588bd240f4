//! `POST /v1/sessions/{id}/messages`: append messages, or run a turn in the session that the path names.

use super::answer::Answer;
use super::{Call, chat, stream};
use chatkeep_model::plan::Appended;
use chatkeep_model::stream::Wire;
use chatkeep_model::wire::AppendResponse;
use chatkeep_model::{Code, Problem, intake};

pub(super) async fn post(call: &Call<'_>) -> Result<Answer, Problem> {
    let id = call.session()?;
    if !intake::appends(&call.body) {
        let (begin, streams) = intake::chat_in(id, call.incoming())?;
        if stream::is_wanted(call, streams) {
            return stream::turn(call, begin, None, Wire::Own).await;
        }
        return Answer::json(&chat::turn(call, begin).await?.response());
    }
    let (append, message_ids) = intake::append(id.clone(), call.incoming())?;
    match call.append(&append).await? {
        Appended::Stored { created, session } => {
            Answer::json(&AppendResponse { message_ids, created, session: session.body(&id, call.fresh.now) })
        }
        Appended::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Appended::Repeated => Err(Problem::new(Code::MessageExists)),
        Appended::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Appended::Absent => Err(Problem::new(Code::SessionNotFound)),
        Appended::Full => Err(Problem::new(Code::TooManySessions)),
        Appended::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}
