//! The methods of a store: which operations one takes, and what it answers.

use super::answer::{AppendAnswer, HistoryAnswer, SessionAnswer, StateAnswer, WriteAnswer};
use super::branch::Branch;
use super::list::List;
use super::operation::{Asked, Told};
use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId, TurnId};
use crate::intake::{self, Fresh, Incoming, Preconditions, WritableRoles};
use crate::json;
use crate::limits::{HISTORY_PAGE, Limits, SESSIONS_PER_CALL};
use crate::message::Role;
use crate::plan::{
    Appended, Created, Delete, Deletion, Details, Forked, Info, Page, Patched, ReadHistory, ReadList, ReadState,
    Restored, Stated, Touch, Truncated, WriteState, Written,
};
use crate::search::Normalizer;
use crate::time::Millis;
use crate::wire::{AppendRequest, AppendedMessage};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// A method call as it comes from JavaScript.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The session; empty where the method takes none.
    pub id: &'a str,
    /// What it takes besides, as JSON.
    pub body: &'a str,
    /// Its options, a JSON object.
    pub options: &'a str,
}

/// The options of all methods.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    /// The id of the operation: repeated with it, a call changes nothing.
    key: Option<String>,
    pub(super) limit: Option<u64>,
    before: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) search: Option<String>,
    pub(super) fields: Vec<String>,
    if_tag: Option<String>,
    if_absent: bool,
    if_present: bool,
    undo: bool,
}

/// A call under way: what is still to be known, and what it makes of the answers.
#[derive(Debug)]
pub(super) enum Job {
    Get,
    ReadState,
    Set,
    WriteState {
        id: SessionId,
    },
    /// Write a state where there is none; where there is one, read it.
    CreateState {
        write: WriteState,
        rounds: u8,
    },
    Delete,
    DeleteAll {
        now: Millis,
        undo: Millis,
        deleted: u64,
        idle: bool,
    },
    RefreshTtl,
    Touch {
        id: SessionId,
    },
    List(List),
    /// A branch that has to be sealed anew.
    Branch(Box<Branch>),
    History {
        id: SessionId,
    },
    Append {
        id: SessionId,
        messages: Vec<MessageId>,
    },
    Create {
        id: SessionId,
    },
    Info {
        id: SessionId,
    },
    Fork {
        id: SessionId,
    },
    Truncate {
        id: SessionId,
    },
    Restore {
        id: SessionId,
    },
}

/// How a call goes on.
#[derive(Debug)]
pub(super) enum Next {
    Ask(Box<Asked>),
    Done(String),
}

impl Next {
    pub(super) fn ask(operation: impl Into<Asked>) -> Self {
        Next::Ask(Box::new(operation.into()))
    }
}

/// How often a state that comes and goes is looked for.
const ROUNDS: u8 = 3;

impl Job {
    /// Begins a call: what to ask first.
    pub(super) fn begin(
        request: Request,
        limits: &Limits,
        seals: bool,
        normalizer: Normalizer,
        fresh: Fresh,
    ) -> Result<(Self, Asked), Problem> {
        let body = json::without_halves(request.body);
        let request = Request { body: &body, ..request };
        let options: Options = serde_json::from_str(request.options)
            .map_err(|_| Problem::new(Code::InvalidBody).detail("an option has the wrong type"))?;
        let now = fresh.now;
        let id = || intake::session_id(request.id.to_owned());
        let incoming = |body| Incoming { body, key: options.key.as_deref(), limits, roles: WritableRoles::All, fresh };
        let body = incoming(request.body);
        let undo = if options.undo { limits.undo } else { Millis(0) };
        Ok(match request.method {
            "get" => (Self::Get, ReadState { sessions: vec![id()?], now }.into()),
            "readState" => (Self::ReadState, ReadState { sessions: vec![id()?], now }.into()),
            "set" => (Self::Set, intake::write_state(id()?, Preconditions::default(), None, body)?.into()),
            "writeState" => (Self::WriteState { id: id()? }, write_state(id()?, &options, body)?.into()),
            "createState" => {
                let conditions = Preconditions { if_match: None, if_none_match: Some("*") };
                let write = intake::write_state(id()?, conditions, None, body)?;
                (Self::CreateState { write: write.clone(), rounds: 0 }, write.into())
            }
            "delete" => (Self::Delete, intake::delete(id()?, options.key.as_deref(), now, undo)?.into()),
            "deleteAll" => (Self::DeleteAll { now, undo, deleted: 0, idle: false }, all(now).into()),
            "refreshTTL" => (Self::RefreshTtl, Touch { session: id()?, now, ttl: limits.ttl }.into()),
            "touch" => (Self::Touch { id: id()? }, Touch { session: id()?, now, ttl: limits.ttl }.into()),
            "list" => {
                let (list, read) = List::begin(options, now, normalizer)?;
                (Self::List(list), read.into())
            }
            "history" => {
                let (limit, before) = (page_size(options.limit, HISTORY_PAGE)?, position(options.before.as_deref())?);
                (Self::History { id: id()? }, ReadHistory { session: id()?, now, limit, before }.into())
            }
            "append" => append(id()?, body)?,
            "addMessage" => append(id()?, incoming(&messages_of(request.body, &options, fresh)?))?,
            "create" => {
                let create = intake::create(body)?;
                (Self::Create { id: create.session.clone() }, create.into())
            }
            "info" => (Self::Info { id: id()? }, Info { session: id()?, now }.into()),
            "patch" => (Self::Info { id: id()? }, intake::patch(id()?, body)?.into()),
            "fork" => {
                let fork = intake::fork(id()?, body)?;
                if seals {
                    let (branch, first) = Branch::begin(fork);
                    return Ok((Self::Branch(Box::new(branch)), first));
                }
                (Self::Fork { id: fork.target.clone() }, fork.into())
            }
            "truncate" => (Self::Truncate { id: id()? }, intake::truncate(id()?, body)?.into()),
            "restore" => (Self::Restore { id: id()? }, intake::restore(id()?, body)?.into()),
            _ => return Err(Problem::new(Code::Unsupported).detail("no such method")),
        })
    }

    /// Goes on with an answer.
    pub(super) fn next(&mut self, told: Told, now: Millis) -> Result<Next, Problem> {
        let absent = || Problem::new(Code::SessionNotFound);
        match (self, told) {
            (Self::Get, Told::ReadState(found)) => Ok(Next::Done(match found.into_iter().next() {
                Some(Stated::State(_, json)) => json,
                _ => "null".to_owned(),
            })),
            (Self::ReadState, Told::ReadState(found)) => match found.into_iter().next() {
                Some(Stated::State(tag, json)) => {
                    let state: &RawValue = serde_json::from_str(&json).map_err(|_| Problem::new(Code::Internal))?;
                    done(&StateAnswer { state, tag: tag.to_text() })
                }
                _ => Ok(Next::Done("null".to_owned())),
            },
            (Self::Set, Told::WriteState(written)) => stored(written).map(|_| Next::Done("null".to_owned())),
            (Self::WriteState { id }, Told::WriteState(written)) => {
                let (created, tag, session) = stored(written)?;
                done(&WriteAnswer { created, tag, session: SessionAnswer::of(id, &session, now) })
            }
            (Self::CreateState { write, .. }, Told::WriteState(written)) => match written {
                Written::Stored { .. } => Ok(Next::Done(write.state.clone())),
                Written::Stale => Ok(Next::ask(ReadState { sessions: vec![write.session.clone()], now })),
                refused => stored(refused).map(|_| Next::Done(String::new())),
            },
            (Self::CreateState { write, rounds }, Told::ReadState(found)) => match found.into_iter().next() {
                Some(Stated::State(_, json)) => Ok(Next::Done(json)),
                // It went between the two calls.
                _ if *rounds < ROUNDS => {
                    *rounds += 1;
                    Ok(Next::ask(write.clone()))
                }
                _ => Err(Problem::new(Code::Internal).detail("the state comes and goes")),
            },
            (Self::Delete, Told::Delete(Deletion::Gone(gone))) => Ok(Next::Done((!gone.is_empty()).to_string())),
            (Self::Delete, Told::Delete(Deletion::Mismatch)) => Err(mismatch()),
            (Self::DeleteAll { now, undo, deleted, idle }, told) => delete_all(*now, *undo, deleted, idle, told),
            (Self::RefreshTtl, Told::Touch(touched)) => Ok(Next::Done(touched.is_some().to_string())),
            (Self::Touch { id }, Told::Touch(touched)) => {
                done(&SessionAnswer::of(id, &touched.ok_or_else(absent)?, now))
            }
            (Self::Branch(branch), told) => branch.next(told, now),
            (Self::List(list), told) => list.next(told, now),
            (Self::History { id }, Told::ReadHistory(page)) => history(id, page.ok_or_else(absent)?),
            (Self::Append { id, messages }, Told::Append(appended)) => match appended {
                Appended::Stored { created, session } => done(&AppendAnswer {
                    message_ids: messages,
                    created,
                    session: SessionAnswer::of(id, &session, now),
                }),
                Appended::Mismatch => Err(mismatch()),
                Appended::Repeated => Err(Problem::new(Code::MessageExists)),
                Appended::Deleted => Err(Problem::new(Code::SessionDeleted)),
                Appended::Absent => Err(absent()),
                Appended::Full => Err(Problem::new(Code::TooManySessions)),
                Appended::StorageFull => Err(Problem::new(Code::StorageFull)),
            },
            (Self::Create { id }, Told::Create(created)) => match created {
                Created::Created(session) => done(&SessionAnswer::of(id, &session, now)),
                Created::Exists => Err(Problem::new(Code::SessionExists)),
                Created::Deleted => Err(Problem::new(Code::SessionDeleted)),
                Created::Full => Err(Problem::new(Code::TooManySessions)),
                Created::StorageFull => Err(Problem::new(Code::StorageFull)),
                Created::Mismatch => Err(mismatch()),
            },
            (Self::Info { id }, Told::Info(found)) => details(id, found.ok_or_else(absent)?, now),
            (Self::Info { id }, Told::Patch(patched)) => match patched {
                Patched::Done(found) => details(id, found, now),
                Patched::Absent => Err(absent()),
                Patched::Mismatch => Err(mismatch()),
            },
            (Self::Fork { id }, Told::Fork(forked)) => match forked {
                Forked::Created(session) => done(&SessionAnswer::of(id, &session, now)),
                Forked::Exists => Err(Problem::new(Code::SessionExists)),
                Forked::Deleted => Err(Problem::new(Code::SessionDeleted)),
                Forked::Absent => Err(absent()),
                Forked::Unknown => Err(Problem::new(Code::MessageNotFound)),
                Forked::Full => Err(Problem::new(Code::TooManySessions)),
                Forked::StorageFull => Err(Problem::new(Code::StorageFull)),
                Forked::Mismatch => Err(mismatch()),
            },
            (Self::Truncate { id }, Told::Truncate(truncated)) => match truncated {
                Truncated::Cut(session) => done(&SessionAnswer::of(id, &session, now)),
                Truncated::Unknown => Err(Problem::new(Code::MessageNotFound)),
                Truncated::Absent => Err(absent()),
                Truncated::Mismatch => Err(mismatch()),
            },
            (Self::Restore { id }, Told::Restore(restored)) => match restored {
                Restored::Back(session) => done(&SessionAnswer::of(id, &session, now)),
                Restored::Exists => Err(Problem::new(Code::SessionExists)),
                Restored::Absent => Err(absent()),
                Restored::Full => Err(Problem::new(Code::TooManySessions)),
                Restored::Mismatch => Err(mismatch()),
            },
            _ => Err(Problem::new(Code::Internal)),
        }
    }
}

pub(super) fn done(answer: &impl Serialize) -> Result<Next, Problem> {
    serde_json::to_string(answer).map(Next::Done).map_err(|_| Problem::new(Code::Internal))
}

/// The key was used for another request.
fn mismatch() -> Problem {
    Problem::new(Code::TurnMismatch)
}

fn details(id: &SessionId, Details { session, metadata, .. }: Details, now: Millis) -> Result<Next, Problem> {
    let metadata = metadata.map(RawValue::from_string).transpose().map_err(|_| Problem::new(Code::Internal))?;
    done(&SessionAnswer::of(id, &session, now).with_metadata(metadata))
}

/// What a state that was written came to.
fn stored(written: Written) -> Result<(bool, String, crate::Session), Problem> {
    match written {
        Written::Stored { created, tag, session } => Ok((created, tag.to_text(), session)),
        Written::Stale => Err(Problem::new(Code::PreconditionFailed)),
        Written::Deleted => Err(Problem::new(Code::SessionDeleted)),
        Written::Full => Err(Problem::new(Code::TooManySessions)),
        Written::StorageFull => Err(Problem::new(Code::StorageFull)),
        Written::Mismatch => Err(mismatch()),
    }
}

fn write_state(id: SessionId, options: &Options, body: Incoming) -> Result<WriteState, Problem> {
    let tag = options.if_tag.as_ref().map(|tag| format!("\"{tag}\""));
    let present = options.if_present.then_some("*");
    if tag.is_some() && present.is_some() {
        return Err(Problem::new(Code::InvalidPrecondition).detail("ifTag and ifPresent exclude each other"));
    }
    let absent = options.if_absent.then_some("*");
    intake::write_state(id, Preconditions { if_match: tag.as_deref().or(present), if_none_match: absent }, None, body)
}

fn append(id: SessionId, body: Incoming) -> Result<(Job, Asked), Problem> {
    let (append, messages) = intake::append(id.clone(), body)?;
    Ok((Job::Append { id, messages }, append.into()))
}

/// One message, or a question with its answer: the body of the append that stores them together.
fn messages_of(body: &str, options: &Options, fresh: Fresh) -> Result<String, Problem> {
    #[derive(Deserialize)]
    struct Pair {
        question: String,
        answer: String,
        sources: Option<Box<RawValue>>,
    }
    let wrong = || Problem::new(Code::InvalidBody).detail("a message has role and content, a pair question and answer");
    let messages = if let Ok(pair) = serde_json::from_str::<Pair>(body) {
        let key = options.key.as_ref().and_then(|key| TurnId::parse(key.as_str()).ok());
        let asked = key.map_or_else(|| MessageId::mint(fresh.message), |key| MessageId::of_key(&key, 0));
        let sources = pair.sources.filter(|sources| sources.get() != "null");
        let metadata = sources.map(|sources| to_raw_value(&std::collections::BTreeMap::from([("sources", sources)])));
        let message = |id: MessageId, role, content| AppendedMessage {
            id: Some(id.to_string()),
            role,
            content,
            parent: None,
            metadata: None,
        };
        vec![
            message(asked.clone(), Role::User, pair.question),
            AppendedMessage {
                parent: Some(asked.to_string()),
                metadata: metadata.transpose().map_err(|_| wrong())?,
                ..message(TurnId::of_message(&asked).reply_id(), Role::Assistant, pair.answer)
            },
        ]
    } else {
        vec![serde_json::from_str(body).map_err(|_| wrong())?]
    };
    serde_json::to_string(&AppendRequest { messages: Some(messages), existing: None }).map_err(|_| wrong())
}

fn history(id: &SessionId, page: Page) -> Result<Next, Problem> {
    let next_before = page.next_before().map(|position| position.to_string());
    let (message_count, total_messages) = (page.session.kept(), page.session.total);
    let messages: Result<Vec<_>, _> = page.messages.into_iter().map(RawValue::from_string).collect();
    let messages = messages.map_err(|_| Problem::new(Code::Internal))?;
    done(&HistoryAnswer { id, messages, message_count, total_messages, next_before })
}

/// The page of sessions that a deletion of all begins with, again and again.
fn all(now: Millis) -> ReadList {
    ReadList { now, limit: SESSIONS_PER_CALL as u64, cursor: None }
}

fn delete_all(now: Millis, undo: Millis, deleted: &mut u64, idle: &mut bool, told: Told) -> Result<Next, Problem> {
    match told {
        Told::ReadList(listed) if listed.cards.is_empty() => Ok(Next::Done(deleted.to_string())),
        Told::ReadList(listed) => {
            let sessions = listed.cards.into_iter().map(|card| card.id).collect();
            Ok(Next::ask(Delete { sessions, operation: None, fingerprint: String::new(), now, undo }))
        }
        // Nothing is left to delete when an answer was lost and the call repeated: once that is no failure.
        Told::Delete(Deletion::Gone(gone)) if !gone.is_empty() || !std::mem::replace(idle, gone.is_empty()) => {
            *deleted += gone.len() as u64;
            Ok(Next::ask(all(now)))
        }
        _ => Err(Problem::new(Code::Internal).detail("listed sessions could not be deleted")),
    }
}

pub(super) fn page_size(asked: Option<u64>, (default, most): (u64, u64)) -> Result<u64, Problem> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::new(Code::InvalidParameter).detail(format!("limit is 1 to {most}")))
}

fn position(text: Option<&str>) -> Result<Option<u64>, Problem> {
    let wrong = |_| Problem::new(Code::InvalidParameter).detail("before is one that a page of history gave");
    text.map(|digits| digits.parse().map_err(wrong)).transpose()
}
