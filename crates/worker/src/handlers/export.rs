//! `GET /v1/export`, `GET /v1/sessions/{id}/export` and `POST /v1/import`: NDJSON, read and written in pages, so that a
//! session of any length passes.

use super::Call;
use super::answer::{Answer, Body, Piece};
use crate::edge;
use crate::pages::page_from;
use crate::store::Store;
use chatkeep_model::limits::LIST_PAGE;
use chatkeep_model::plan::{Cursor, Imported, Info, ReadList, ReadState, Stated};
use chatkeep_model::transfer::{end_line, imports, message_lines, session_line};
use chatkeep_model::wire::{ExportEnd, ImportResponse};
use chatkeep_model::{Code, Problem, SessionId, StoreError};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

pub(super) async fn export_session(call: &Call<'_>) -> Result<Answer, Problem> {
    let id = call.session()?;
    let found = call.store.run(&Info { session: id.clone(), now: call.fresh.now }).await?;
    found.ok_or(Problem::new(Code::SessionNotFound))?;
    stream(Export { waiting: VecDeque::from([id]), listed: true, ..Export::new(call.store.whole()) }).await
}

pub(super) async fn export_all(call: &Call<'_>) -> Result<Answer, Problem> {
    stream(Export::new(call.store.whole())).await
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
    store: Store,
    /// The sessions to come of the page of the list.
    waiting: VecDeque<SessionId>,
    /// The last page of the list has been read.
    listed: bool,
    cursor: Option<Cursor>,
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
            listed: false,
            cursor: None,
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
            } else if !self.listed {
                let read = ReadList { now: edge::now(), limit: LIST_PAGE.1, cursor: self.cursor };
                let page = self.store.run(&read).await?;
                self.waiting = page.cards.into_iter().map(|card| card.id).collect();
                self.cursor = page.next;
                self.listed = page.next.is_none();
            } else if self.over {
                return Ok(None);
            } else {
                self.over = true;
                return Ok(Some(end_line(self.end).map_err(|_| StoreError::UnexpectedReply)?));
            }
        }
    }

    /// A session's line; nothing when it is gone since it was listed.
    async fn session(&mut self, id: SessionId) -> Result<Option<String>, StoreError> {
        let now = edge::now();
        let Some(details) = self.store.run(&Info { session: id.clone(), now }).await? else { return Ok(None) };
        let state = match self.store.run(&ReadState { sessions: vec![id.clone()], now }).await?.pop() {
            Some(Stated::State(_, json)) => Some(json),
            _ => None,
        };
        let line = session_line(&id, &details, state).map_err(|_| StoreError::UnexpectedReply)?;
        self.end.sessions += 1;
        self.open = Some((id, details.session.first, details.session.first));
        Ok(Some(line))
    }

    /// The next page of messages, oldest first; nothing when there are no more.
    async fn messages(&mut self, id: SessionId, first: u64, next: u64) -> Result<Option<String>, StoreError> {
        let Some(page) = page_from(&self.store, &id, next).await? else { return Ok(None) };
        let until = page.from + page.messages.len() as u64;
        self.end.messages += page.messages.len() as u64;
        let lines = message_lines(&id, first, page).map_err(|_| StoreError::UnexpectedReply)?;
        self.open = Some((id, first, until));
        Ok(Some(lines))
    }
}

pub(super) async fn import(call: &Call<'_>) -> Result<Answer, Problem> {
    let store = call.store.whole();
    let mut answer = ImportResponse::default();
    let mut whole: Option<SessionId> = None;
    for import in imports(&call.body, &call.namespace.limits, call.fresh)? {
        if answer.skipped.contains(&import.session) {
            continue;
        }
        match store.run(&import).await? {
            Imported::Stored(_) => {
                answer.messages += import.messages.len() as u64;
                if whole.as_ref() != Some(&import.session) {
                    answer.sessions += 1;
                    whole = Some(import.session);
                }
            }
            Imported::Conflict | Imported::Gap | Imported::Deleted => answer.skipped.push(import.session),
            Imported::Full => return Err(Problem::new(Code::TooManySessions)),
        }
    }
    Answer::json(&answer)
}
