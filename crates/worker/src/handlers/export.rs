//! `GET /v1/export`, `GET /v1/sessions/{id}/export`, and everyone's under `/v1/admin`: NDJSON, read and written in pages, so that a
//! session of any length passes. A text that can't be decrypted is left out and named.

use super::answer::{Answer, Body, Piece};
use super::{Call, admin};
use crate::census::Walk;
use crate::edge;
use crate::pages::stored_page_from;
use crate::seal;
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::census::Cursor;
use chatkeep_model::plan::{Info, ReadState, Stated};
use chatkeep_model::transfer::{LineWriter, Lines, cursor_line, end_line};
use chatkeep_model::wire::ExportEnd;
use chatkeep_model::{Code, Owner, Problem, SessionId, StoreError, intake};
use std::cell::RefCell;
use std::collections::VecDeque;
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
    if store.run_as_stored(&Info { session: id.clone(), now }).await?.is_none() {
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
    /// The session whose messages are being read: the next position to read, and the place that it gets in the export.
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
            if let Some((id, next, place)) = self.open.take() {
                if let Some(lines) = self.messages(id, next, place).await? {
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

    /// Writes some lines of a session, from what the store holds.
    fn write(
        &self,
        id: &SessionId,
        write: impl FnOnce(&LineWriter<'_>) -> Result<Lines, serde_json::Error>,
    ) -> Result<Lines, StoreError> {
        let owner = self.owner();
        let lines = self.store.with_seal(|seal| write(&LineWriter { owner, session: id, seal: *seal }));
        let lines = lines.map_err(|_| StoreError::UnexpectedReply)?;
        for cause in &lines.unreadable {
            seal::failed(*cause);
        }
        Ok(lines)
    }

    /// A session's line; nothing when it is gone since it was listed.
    async fn session(&mut self, id: SessionId) -> Result<Option<String>, StoreError> {
        let now = edge::now();
        let Some(details) = self.store.run_as_stored(&Info { session: id.clone(), now }).await? else {
            return Ok(None);
        };
        let state = match self.store.run_as_stored(&ReadState { sessions: vec![id.clone()], now }).await?.pop() {
            Some(Stated::State(_, json)) => Some(json),
            _ => None,
        };
        let lines = self.write(&id, |writer| writer.session(&details, state))?;
        self.calls += 2;
        self.end.sessions += lines.count;
        self.open = Some((id, details.session.first, 0));
        Ok(Some(lines.text))
    }

    /// The next page of messages, oldest first; nothing when there are no more.
    async fn messages(&mut self, id: SessionId, next: u64, place: u64) -> Result<Option<String>, StoreError> {
        self.calls += 1;
        let Some(page) = stored_page_from(&self.store, &id, next).await? else { return Ok(None) };
        let until = page.from + page.messages.len() as u64;
        let is_last = until >= page.session.next;
        let lines = self.write(&id, |writer| writer.messages(page, place))?;
        self.end.messages += lines.count;
        self.open = (!is_last).then_some((id, until, place + lines.count));
        Ok(Some(lines.text))
    }
}
