//! `POST /v1/import` and `POST /v1/admin/import`: an export is read from the request's stream and brought to the store, call by call,
//! so that it exists nowhere as a whole.

use super::answer::Answer;
use super::{Call, admin};
use crate::edge::{Next, RequestBody, any_number, now};
use crate::store::Store;
use crate::wait::{sleep, within};
use chatkeep_model::limits::IMPORT_BYTES;
use chatkeep_model::plan::{Import, Imported};
use chatkeep_model::running_imports::RunningImports;
use chatkeep_model::transfer::{ImportRules, Importer, Owned};
use chatkeep_model::wire::ImportResponse;
use chatkeep_model::{Code, Millis, Owner, Problem, SessionId, StoreError};
use std::cell::RefCell;
use std::pin::pin;

/// How far beyond the limit a body is read to its end, as a multiple of it.
const DRAINED: usize = 16;

/// After how many seconds an import that had to wait may be tried again.
const RETRY_AFTER: u64 = 5;

/// Imports the caller's own sessions; a line of another owner's is refused.
pub(super) async fn import(call: &Call<'_>) -> Result<Answer, Problem> {
    run(call, Some(call.store.owner().clone()), call.store.whole()).await
}

/// Imports everybody's; a line without an owner is of the owner that the query names, or of the caller.
pub(super) async fn import_everyones(call: &Call<'_>) -> Result<Answer, Problem> {
    let owner = admin::owner(call)?.unwrap_or_else(|| call.store.owner().clone());
    run(call, None, call.store.of(owner)).await
}

async fn run(call: &Call<'_>, only: Option<Owner>, store: Store) -> Result<Answer, Problem> {
    let mut body = Reading { body: RequestBody::of(call.request), bytes: 0, is_over: false };
    let answer = bring_all(call, only, store, &mut body).await;
    if answer.is_err() {
        body.drain().await;
    }
    answer
}

async fn bring_all(call: &Call<'_>, only: Option<Owner>, store: Store, body: &mut Reading) -> Result<Answer, Problem> {
    let dry_run = call.query.flag("dry_run")?;
    let owner = format!("{}|{}", call.namespace.prefix, call.store.owner());
    let busy = || Problem::new(Code::TooManyImports).retry_after(RETRY_AFTER);
    let mut running = Running::begin(&owner, call.config.running_imports).ok_or_else(busy)?;
    let length = call.headers.content_length.as_ref().and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > IMPORT_BYTES) {
        return Err(too_large());
    }
    let mut importer = Importer::new(ImportRules {
        limits: call.namespace.limits.clone(),
        fresh: call.fresh,
        owner: only,
        roles: call.roles,
        dry_run,
    });
    let mut target = Target::new(call, store, dry_run);
    while !body.is_over {
        match running.next(body).await? {
            Some(bytes) => importer.read(&bytes),
            None => importer.end(),
        }
        while let Some(owned) = importer.next_import() {
            let line = owned.line;
            match target.bring(owned).await {
                Err(problem) if problem.code == Code::BodyTooLarge => importer.refuse(line, &problem),
                brought => brought?,
            }
        }
        running.pause();
    }
    let (failed, count) = importer.finish()?;
    Answer::json(&ImportResponse { failed, failed_count: Some(count).filter(|count| *count > 0), ..target.answer })
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("the limit is {IMPORT_BYTES} bytes"))
}

/// A body that is being read.
struct Reading {
    body: RequestBody,
    bytes: usize,
    is_over: bool,
}

impl Reading {
    /// The next piece; nothing at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        match self.body.next().await {
            Next::Bytes(bytes) => {
                self.bytes += bytes.len();
                if self.bytes > IMPORT_BYTES { Err(too_large()) } else { Ok(Some(bytes)) }
            }
            Next::End => {
                self.is_over = true;
                Ok(None)
            }
            Next::Broken => {
                self.is_over = true;
                Err(Problem::new(Code::InvalidJson).detail("the body broke off"))
            }
        }
    }

    /// Reads the rest and drops it: a client whose connection closes while it sends doesn't get to see why.
    async fn drain(&mut self) {
        while !self.is_over && self.bytes <= IMPORT_BYTES * DRAINED {
            let _ = self.next().await;
        }
    }
}

thread_local! {
    static RUNNING: RefCell<RunningImports> = RefCell::default();
}

/// How long an import waits before it asks again whether it is its turn. No request can wake another's.
const POLL: u64 = 5;

/// How long one has its turn, and for how much of that it waits for its client.
const TURN: Millis = Millis(100);
const CLIENT_TIMEOUT: Millis = Millis(20);

/// An import that counts as running until it is dropped.
struct Running {
    number: u64,
    /// When its turn began, while it has it.
    turn: Option<Millis>,
}

impl Running {
    fn begin(owner: &str, limit: usize) -> Option<Self> {
        let number = RUNNING.with_borrow_mut(|running| running.begin(owner, limit, now()))?;
        Some(Self { number, turn: None })
    }

    /// Reads the next piece of the body, and has the turn then. It is given to others while the client is slow.
    async fn next(&mut self, body: &mut Reading) -> Result<Option<Vec<u8>>, Problem> {
        let mut next = pin!(body.next());
        let mut piece = None;
        if self.turn.is_some() {
            piece = within(CLIENT_TIMEOUT, next.as_mut()).await;
        }
        let piece = match piece {
            Some(piece) => piece,
            None => {
                self.release();
                next.await
            }
        };
        self.take_turn().await;
        piece
    }

    async fn take_turn(&mut self) {
        while !RUNNING.with_borrow_mut(|running| running.take_turn(self.number, now())) {
            sleep(Millis(POLL + any_number() % POLL)).await;
        }
        self.turn.get_or_insert_with(now);
    }

    /// Lets the next one where this one had its turn for long enough.
    fn pause(&mut self) {
        if self.turn.is_some_and(|began| now().since(began) >= TURN) {
            self.release();
        }
    }

    fn release(&mut self) {
        self.turn = None;
        RUNNING.with_borrow_mut(|running| running.release_turn(self.number, now()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| running.end(self.number));
    }
}

/// Where an import goes.
struct Target<'a> {
    call: &'a Call<'a>,
    /// The store of those who are not named, and that of the present owner.
    unnamed: Store,
    store: Store,
    dry_run: bool,
    /// The session that came in last, and in a dry run the place of its next message.
    last: Option<(Owner, SessionId)>,
    next: u64,
    /// The session that was left as it is last.
    skipped: Option<(Owner, SessionId)>,
    answer: ImportResponse,
}

impl<'a> Target<'a> {
    fn new(call: &'a Call<'a>, store: Store, dry_run: bool) -> Self {
        let answer = ImportResponse::default();
        Self { call, unnamed: store.clone(), store, dry_run, last: None, next: 0, skipped: None, answer }
    }

    /// Brings some messages of a session to its owner's store.
    async fn bring(&mut self, Owned { owner, import, .. }: Owned) -> Result<(), Problem> {
        let owner = owner.unwrap_or_else(|| self.unnamed.owner().clone());
        if self.store.owner() != &owner {
            self.store = self.unnamed.of(owner.clone());
        }
        let place = (owner, import.session.clone());
        if self.skipped.as_ref() == Some(&place) {
            return Ok(());
        }
        match self.store.run(&import).await {
            Ok(Imported::Stored(_)) => self.count(place, &import).await?,
            // In a dry run nothing of what came before is there, in this request or in one before it.
            Ok(Imported::Gap) if self.dry_run && self.follows(&place, &import) => {
                self.count(place, &import).await?;
            }
            Ok(Imported::Conflict | Imported::Gap | Imported::Deleted | Imported::Exists | Imported::Mismatch) => {
                self.answer.skipped.push(import.session);
                self.skipped = Some(place);
            }
            Ok(Imported::Full) => return Err(Problem::new(Code::TooManySessions)),
            Ok(Imported::StorageFull) => return Err(Problem::new(Code::StorageFull)),
            Err(StoreError::TooLarge) => return Err(Problem::new(Code::BodyTooLarge).detail("the store refuses it")),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether some messages follow those that came last; the first of a request may follow another's.
    fn follows(&self, place: &(Owner, SessionId), import: &Import) -> bool {
        match &self.last {
            Some(last) => last == place && self.next == import.position,
            None => self.skipped.is_none(),
        }
    }

    async fn count(&mut self, place: (Owner, SessionId), import: &Import) -> Result<(), Problem> {
        self.answer.messages += import.messages.len() as u64;
        self.next = import.position + import.messages.len() as u64;
        if self.last.as_ref() == Some(&place) {
            return Ok(());
        }
        self.answer.sessions += 1;
        if let Some(archive) = self.call.archive.as_ref().filter(|_| !self.dry_run) {
            // It may have been deleted since it was exported.
            archive.with_store(self.store.clone()).spare(&import.session).await?;
        }
        // What lost these sessions may have lost the directory too.
        if !self.dry_run && self.last.as_ref().is_none_or(|(last, _)| *last != place.0) {
            self.store.note(self.call.fresh.now).await;
        }
        self.last = Some(place);
        Ok(())
    }
}
