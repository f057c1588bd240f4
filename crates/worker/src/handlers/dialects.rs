//! The dialects: a request in another system's shape is run as canonical operations, and answered in that shape.

use super::answer::Answer;
use super::{Call, chat, incognito, stream};
use crate::turn as steps;
use crate::{edge, responder};
use chatkeep_model::dialect::{Answered, Memory, Question, Shape, Verb};
use chatkeep_model::limits::{HISTORY_PAGE, SEARCHED_SESSIONS};
use chatkeep_model::plan::{Appended, Created, Info, ReadHistory, ReadList};
use chatkeep_model::stream::{Draft, Opened, Wire};
use chatkeep_model::{Code, Dialect, Message, Owner, Problem, Session, SessionId, intake};

pub(super) async fn serve(call: &Call<'_>, dialect: Dialect, verb: Verb) -> Result<Answer, Problem> {
    let shape = dialect.shape();
    let answered = match verb {
        Verb::Turn => return turn(call, dialect).await.map_err(|problem| shape.problem(problem)),
        Verb::Create => create(call, shape).await,
        Verb::List => list(call, shape).await,
        Verb::Info => info(call, shape).await,
        Verb::History => history(call, shape).await,
        Verb::Append => append(call, shape).await,
        Verb::Delete => delete(call, shape).await,
    };
    let body = answered.map_err(|problem| shape.problem(problem))?;
    Ok(Answer::object(body))
}

async fn turn(call: &Call<'_>, dialect: Dialect) -> Result<Answer, Problem> {
    let shape = dialect.shape();
    let question = shape.question(call.id.clone(), call.incoming())?;
    let (session, text, wire) = (question.begin.session.clone(), question.text.clone(), Wire::Dialect(dialect));
    match (question.memory, question.stream) {
        (Memory::Kept, true) => stream::turn(call, question.begin, None, wire).await,
        (Memory::Kept, false) => {
            let reply = chat::turn(call, question.begin).await?.reply;
            Ok(Answer::object(shape.answer(Answered { session_id: Some(&session), question: &text, reply: &reply })?))
        }
        (memory, stream) => {
            incognito::charge(call).await?;
            let window = remembered(call, &question).await?;
            let begin = &question.begin;
            let session_id = (memory == Memory::ReadOnly).then_some(session);
            let opened = steps::opened(begin, &begin.message_id, false);
            if stream {
                return incognito::streamed(call, &begin.session, &window, Opened { session_id, ..opened }, wire).await;
            }
            let reply = untraced(call, &begin.session, &window, opened).await?;
            let answered = Answered { session_id: session_id.as_ref(), question: &text, reply: &reply };
            Ok(Answer::object(shape.answer(answered)?).without_trace())
        }
    }
}

/// What the responder is shown of a turn that writes nothing: what the session remembers, where it may know, and the message.
async fn remembered(call: &Call<'_>, question: &Question) -> Result<Vec<Message>, Problem> {
    let begin = &question.begin;
    let mut window = Vec::new();
    if question.memory == Memory::ReadOnly && begin.window > 1 {
        let earlier = begin.window - 1;
        let read = ReadHistory { session: begin.session.clone(), now: begin.now, limit: earlier, before: None };
        window = call.page(&read).await?.map(|page| page.messages).unwrap_or_default();
    }
    window.push(begin.message.clone());
    let messages = window.iter().map(|message| serde_json::from_str(message));
    messages.collect::<Result<_, _>>().map_err(|_| Problem::new(Code::Internal))
}

/// Asks the responder, and writes nothing.
async fn untraced(
    call: &Call<'_>,
    session: &SessionId,
    window: &[Message],
    opened: Opened,
) -> Result<Message, Problem> {
    let mut draft = Draft::new(opened, None);
    let traceparent = &call.watch.traceparent();
    let asked = responder::Question { session, window, state: None, before: None, summary: None, traceparent };
    let replied = responder::answer(&call.config, asked, &mut draft).await;
    replied.map_err(|failure| incognito::problem(call, failure))?;
    Ok(draft.message(edge::now(), None))
}

/// The caller's own user that a request names. Believed of the application alone: everyone else is who they are.
fn user(call: &Call<'_>) -> Option<String> {
    call.query.get("user_id").filter(|_| *call.store.owner() == Owner::app())
}

async fn create(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let create = shape.create(user(call).unwrap_or_default(), call.incoming())?;
    match call.create(&create).await? {
        Created::Created(session) => shape.created(&create.session, &session),
        Created::Exists => Err(Problem::new(Code::SessionExists)),
        Created::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Created::Full => Err(Problem::new(Code::TooManySessions)),
        Created::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Created::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}

async fn list(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let mut cards = Vec::new();
    let mut read = ReadList { now: call.fresh.now, limit: SEARCHED_SESSIONS, cursor: None };
    loop {
        let page = call.store.list(&read).await?;
        cards.extend(page.cards);
        read.cursor = page.next;
        if read.cursor.is_none() {
            return shape.list(&cards, user(call).as_deref());
        }
    }
}

async fn info(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let id = call.session()?;
    let found = call.store.run(&Info { session: id.clone(), now: call.fresh.now }).await?;
    let details = found.ok_or(Problem::new(Code::SessionNotFound))?;
    shape.info(&details.session.body(&id, call.fresh.now))
}

async fn history(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let id = call.session()?;
    let (session, messages) = newest(call, &id, shape.wanted(call.query)?).await?;
    shape.history(&id, &session, &messages)
}

/// So many of the newest messages of a session, oldest first.
async fn newest(call: &Call<'_>, id: &SessionId, wanted: u64) -> Result<(Session, Vec<Message>), Problem> {
    let mut pages = Vec::new();
    let mut missing = wanted;
    let mut before = None;
    loop {
        let limit = missing.min(HISTORY_PAGE.1);
        let read = ReadHistory { session: id.clone(), now: call.fresh.now, limit, before };
        let page = call.page(&read).await?.ok_or(Problem::new(Code::SessionNotFound))?;
        missing -= missing.min(page.messages.len() as u64);
        before = page.next_before().filter(|_| missing > 0);
        pages.push(page.messages);
        if before.is_none() {
            let texts = pages.iter().rev().flatten();
            let messages: Result<Vec<Message>, _> = texts.map(|text| serde_json::from_str(text)).collect();
            return Ok((page.session, messages.map_err(|_| Problem::new(Code::Internal))?));
        }
    }
}

async fn append(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let id = intake::session_id(call.id.clone())?;
    let (append, _) = shape.append(id.clone(), call.incoming())?;
    match call.append(&append).await? {
        Appended::Stored { session, .. } => shape.appended(&session.body(&id, call.fresh.now)),
        Appended::Mismatch => Err(Problem::new(Code::TurnMismatch)),
        Appended::Repeated => Err(Problem::new(Code::MessageExists)),
        Appended::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Appended::Absent => Err(Problem::new(Code::SessionNotFound)),
        Appended::Full => Err(Problem::new(Code::TooManySessions)),
        Appended::StorageFull => Err(Problem::new(Code::StorageFull)),
    }
}

async fn delete(call: &Call<'_>, shape: &dyn Shape) -> Result<String, Problem> {
    let id = call.session()?;
    // A repeated delete inside the undo window is a success elsewhere. Here a deleted session is an unknown one.
    let found = call.store.run(&Info { session: id.clone(), now: call.fresh.now }).await?;
    if found.is_none() && call.archive.is_none() {
        return Err(Problem::new(Code::SessionNotFound));
    }
    call.delete_one(id.clone()).await?.ok_or(Problem::new(Code::SessionNotFound))?;
    shape.deleted(&id)
}
