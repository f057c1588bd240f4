//! `GET /v1/export`, `GET /v1/sessions/{id}/export`, `POST /v1/import`, and the same of everyone's under `/v1/admin`: NDJSON, read
//! and written in pages, so that a session of any length passes.

use super::answer::{Answer, Body, Piece};
use super::{Call, admin};
use crate::census::Walk;
use crate::edge;
use crate::pages::page_from;
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::census::Cursor;
use chatkeep_model::plan::{Imported, Info, ReadState, Stated};
use chatkeep_model::transfer::{Owned, cursor_line, end_line, imports, message_lines, session_line};
use chatkeep_model::wire::{ExportEnd, ImportResponse};
use chatkeep_model::{Code, Owner, Problem, SessionId, StoreError, intake};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

/// How many calls of the store an export of everyone's makes before it ends with the place where it goes on.
const CALLS: u64 = 500;

pub(super) async fn export_session(call: &Call<'_>) -> Result<Answer, Problem> {
    call.store.check_reads()?;
    one(call, call.store.whole(), call.session()?).await
}

pub(super) async fn export_all(call: &Call<'_>) -> Result<Answer, Problem> {
    call.store.check_reads()?;
    let walk = Walk::of_owner(&call.store);
    stream(Export { walk: Some(walk), ..Export::new(call.store.whole()) }).await
}

/// Everybody's sessions, those of an owner, or, where operators may read texts, one of them.
pub(super) async fn export_everyones(call: &Call<'_>) -> Result<Answer, Problem> {
    if let Some(session) = call.query.get("session_id") {
        if !call.config.admin_texts {
            return Err(Problem::new(Code::Forbidden).detail("ADMIN_TEXTS is off"));
        }
        let wrong = || Problem::new(Code::InvalidParameter).detail("session_id goes with its owner");
        let owner = admin::owner(call)?.ok_or_else(wrong)?;
        return one(call, call.store.of(owner), intake::session_id(session)?).await;
    }
    let walk = admin::walk(call)?;
    stream(Export { walk: Some(walk), is_everyones: true, ..Export::new(call.store.whole()) }).await
}

async fn one(call: &Call<'_>, store: Store, id: SessionId) -> Result<Answer, Problem> {
    let now = call.fresh.now;
    if store.run(&Info { session: id.clone(), now }).await?.is_none() {
        let archive = call.archive.as_ref().map(|archive| archive.with_store(store.clone()));
        let Some(archive) = archive else { return Err(Problem::new(Code::SessionNotFound)) };
        if !archive.revive(&id, &Newer::default(), now).await? {
            return Err(Problem::new(Code::SessionNotFound));
        }
    }
    stream(Export { waiting: VecDeque::from([id]), ..Export::new(store) }).await
}

/// The first piece is made before there is an answer, so that a store that is away is told by its code.
async fn stream(mut export: Export) -> Result<Answer, Problem> {
    let mut first = export.next().await?;
    let export = Rc::new(RefCell::new(Some(export)));
    let pull = move || -> Piece {
        // Taken while it works: a stream is pulled by one reader, one piece at a time.
        let taken = export.borrow_mut().take();
        let place = Rc::clone(&export);
        let first = first.take();
        Box::pin(async move {
            if first.is_some() {
                *place.borrow_mut() = taken;
                return Ok(first);
            }
            let Some(mut export) = taken else { return Ok(None) };
            let piece = export.next().await.map_err(|error| format!("the export broke off: {error}"))?;
            if piece.is_some() {
                *place.borrow_mut() = Some(export);
            }
            Ok(piece)
        })
    };
    Ok(Answer::text(200, "application/x-ndjson", String::new()).with_body(Body::Stream(Box::new(pull))))
}

/// An export under way.
struct Export {
    /// The store of the sessions to come.
    store: Store,
    waiting: VecDeque<SessionId>,
    /// Where more come from; nothing when there are no more.
    walk: Option<Walk>,
    /// Its lines say whose sessions they are, and where it goes on should it break off.
    is_everyones: bool,
    /// Calls of the store so far, about.
    calls: u64,
    /// The session whose messages are being read: its first position, and the next one to read.
    open: Option<(SessionId, u64, u64)>,
    end: ExportEnd,
    over: bool,
}

impl Export {
    fn new(store: Store) -> Self {
        Self {
            store,
            waiting: VecDeque::new(),
            walk: None,
            is_everyones: false,
            calls: 0,
            open: None,
            end: ExportEnd::default(),
            over: false,
        }
    }

    /// The next lines; nothing at the end.
    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        loop {
            if let Some((id, first, next)) = self.open.take() {
                if let Some(lines) = self.messages(id, first, next).await? {
                    return Ok(Some(lines));
                }
            } else if let Some(id) = self.waiting.pop_front() {
                if let Some(line) = self.session(id).await? {
                    return Ok(Some(line));
                }
            } else if let Some(line) = self.turn_page().await? {
                return Ok(Some(line));
            } else if self.over {
                return Ok(None);
            } else if self.walk.is_none() && self.waiting.is_empty() {
                self.over = true;
                return Ok(Some(end_line(self.end).map_err(|_| StoreError::UnexpectedReply)?));
            }
        }
    }

    /// Goes on to the walk's next page. What an export of everyone's has of the last one is followed by the place where it goes on; it
    /// ends with that line when it has asked the store for long enough.
    async fn turn_page(&mut self) -> Result<Option<String>, StoreError> {
        let Some(mut walk) = self.walk.take() else { return Ok(None) };
        let place = walk.cursor().filter(|_| self.is_everyones && self.calls > 0).map(Cursor::to_text);
        self.over = place.is_some() && self.calls >= CALLS;
        if !self.over
            && let Some(page) = walk.next().await?
        {
            self.calls += 1;
            self.store = page.store;
            self.waiting = page.sessions.into_iter().map(|(place, _)| place.id).collect();
            self.walk = Some(walk);
        }
        place.map(|place| cursor_line(place).map_err(|_| StoreError::UnexpectedReply)).transpose()
    }

    /// Whose sessions these are, where the lines say so.
    fn owner(&self) -> Option<&Owner> {
        Some(self.store.owner()).filter(|_| self.is_everyones)
    }

    /// A session's line; nothing when it is gone since it was listed.
    async fn session(&mut self, id: SessionId) -> Result<Option<String>, StoreError> {
        let now = edge::now();
        let Some(details) = self.store.run(&Info { session: id.clone(), now }).await? else { return Ok(None) };
        let state = match self.store.run(&ReadState { sessions: vec![id.clone()], now }).await?.pop() {
            Some(Stated::State(_, json)) => Some(json),
            _ => None,
        };
        let line = session_line(self.owner(), &id, &details, state).map_err(|_| StoreError::UnexpectedReply)?;
        self.calls += 2;
        self.end.sessions += 1;
        self.open = Some((id, details.session.first, details.session.first));
        Ok(Some(line))
    }

    /// The next page of messages, oldest first; nothing when there are no more.
    async fn messages(&mut self, id: SessionId, first: u64, next: u64) -> Result<Option<String>, StoreError> {
        self.calls += 1;
        let Some(page) = page_from(&self.store, &id, next).await? else { return Ok(None) };
        let until = page.from + page.messages.len() as u64;
        let is_last = until >= page.session.next;
        self.end.messages += page.messages.len() as u64;
        let lines = message_lines(self.owner(), &id, first, page).map_err(|_| StoreError::UnexpectedReply)?;
        self.open = (!is_last).then_some((id, first, until));
        Ok(Some(lines))
    }
}

/// What is of another owner than the caller is refused.
pub(super) async fn import(call: &Call<'_>) -> Result<Answer, Problem> {
    let imports = imports(&call.body, &call.namespace.limits, call.fresh)?;
    let is_mine = |one: &Owned| one.owner.as_ref().is_none_or(|owner| owner == call.store.owner());
    if !imports.iter().all(is_mine) {
        return Err(Problem::new(Code::InvalidBody).detail("it holds sessions of others: see /v1/admin/import"));
    }
    bring(call, imports, call.store.whole()).await
}

/// What says no owner is of the owner that the query names, or of the caller.
pub(super) async fn import_everyones(call: &Call<'_>) -> Result<Answer, Problem> {
    let owner = admin::owner(call)?.unwrap_or_else(|| call.store.owner().clone());
    let imports = imports(&call.body, &call.namespace.limits, call.fresh)?;
    bring(call, imports, call.store.of(owner)).await
}

/// Imports, owner by owner as they come; `store` is that of those who are not named.
async fn bring(call: &Call<'_>, imports: Vec<Owned>, store: Store) -> Result<Answer, Problem> {
    let mut answer = ImportResponse::default();
    let (mut whole, mut skipped) = (None, BTreeSet::new());
    let mut its = store.clone();
    for Owned { owner, import } in imports {
        let owner = owner.unwrap_or_else(|| store.owner().clone());
        if its.owner() != &owner {
            its = store.of(owner.clone());
        }
        let place = (owner, import.session.clone());
        if skipped.contains(&place) {
            continue;
        }
        match its.run(&import).await? {
            Imported::Stored(_) => {
                answer.messages += import.messages.len() as u64;
                if whole.as_ref() != Some(&place) {
                    answer.sessions += 1;
                    if let Some(archive) = &call.archive {
                        // It may have been deleted since it was exported.
                        archive.with_store(its.clone()).spare(&import.session).await?;
                    }
                    // What lost these sessions may have lost the directory too.
                    if whole.is_none_or(|(last, _): (Owner, _)| last != place.0) {
                        its.note(call.fresh.now).await;
                    }
                    whole = Some(place);
                }
            }
            Imported::Conflict | Imported::Gap | Imported::Deleted => {
                answer.skipped.push(import.session);
                skipped.insert(place);
            }
            Imported::Full => return Err(Problem::new(Code::TooManySessions)),
        }
    }
    Answer::json(&answer)
}
