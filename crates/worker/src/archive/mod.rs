//! The long-term archive at work: sessions go there, come back when the store has lost them, and leave it when they are deleted.

mod d1;
mod object;
mod register;
mod reseal;
mod rows;
mod said;
mod sweep;

pub(crate) use said::Said;
pub(crate) use sweep::{lag, refusals, sweep};

use crate::edge;
use crate::store::Store;
use crate::watch::{of_session, of_store};
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::archive::{Mode, Place, Target};
use chatkeep_model::config::Config;
use chatkeep_model::limits::{LIST_PAGE, SESSIONS_PER_CALL};
use chatkeep_model::observe::Level;
use chatkeep_model::plan::{Import, Imported};
use chatkeep_model::records::Notes;
use chatkeep_model::session::Flags;
use chatkeep_model::{Millis, Namespace, Owner, Problem, SessionId, StoreError};
use std::rc::Rc;
use worker::Env;

/// Why the archive did not do what it was asked. Never with a value in it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The store failed.
    Store(StoreError),
    /// The archive did.
    Archive(&'static str),
    /// The archive is there, and won't have something of this session.
    Refused(&'static str),
}

impl Failure {
    /// What failed.
    fn cause(&self) -> &'static str {
        match self {
            Failure::Store(error) => error.cause(),
            Failure::Archive(cause) | Failure::Refused(cause) => cause,
        }
    }

    /// Whether it is this session's alone: others can be archived.
    pub(crate) fn is_of_one(&self) -> bool {
        match self {
            Failure::Store(error) => !matches!(error, StoreError::Unavailable(_) | StoreError::Misconfigured(_)),
            Failure::Archive(_) => false,
            Failure::Refused(_) => true,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Archive(cause) | Failure::Refused(cause) => {
                let problem = Problem::new(chatkeep_model::Code::StoreUnavailable);
                problem.detail(format!("archive: {cause}")).retry_after(1)
            }
        }
    }
}

/// Tells the operator of a failure.
pub(crate) fn log(failure: &Failure) {
    of_store(Level::Error, "archive_failed", "The archive did not do its part", Some(failure.cause()));
}

/// The archive, as one owner's store in one namespace uses it.
#[derive(Clone)]
pub(crate) struct Archive {
    env: Env,
    config: Rc<Config>,
    namespace: Rc<Namespace>,
    store: Store,
}

impl Archive {
    /// The archive where one is configured.
    pub(crate) fn of(env: &Env, config: &Rc<Config>, namespace: &Rc<Namespace>, store: &Store) -> Option<Self> {
        config.archive.as_ref()?;
        let (config, namespace) = (Rc::clone(config), Rc::clone(namespace));
        Some(Self { env: env.clone(), config, namespace, store: store.clone() })
    }

    /// The same archive, as another owner's store uses it.
    pub(crate) fn with_store(&self, store: Store) -> Self {
        Self { store, ..self.clone() }
    }

    /// The store that it archives.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    fn place(&self, session: &SessionId) -> Place {
        Place { namespace: self.namespace.name, owner: self.store.owner().clone(), session: session.clone() }
    }

    fn target(&self) -> Result<&Target, Failure> {
        let archive = self.config.archive.as_ref().ok_or(Failure::Archive("not_configured"))?;
        Ok(&archive.target)
    }

    /// Whether a turn is archived before it is answered.
    pub(crate) fn writes_through(&self) -> bool {
        self.config.archive.as_ref().is_some_and(|archive| archive.mode == Mode::WriteThrough)
    }

    /// Brings a session up to date; says whether the store has it.
    pub(crate) async fn keep(&self, session: &SessionId) -> Result<bool, Failure> {
        self.keep_from(session, false).await
    }

    /// The same, or sends everything of it anew.
    async fn keep_from(&self, session: &SessionId, anew: bool) -> Result<bool, Failure> {
        let place = self.place(session);
        match self.target()? {
            Target::D1 => d1::keep(&self.env, &self.store, &place).await,
            Target::Rows(table) => rows::keep(&self.env, table, &self.store, &place, anew).await,
        }
    }

    /// Brings a session back to the store, but for what comes elsewhere; says whether there was one. A session whose deletion is not
    /// yet done there is none.
    pub(crate) async fn revive(&self, session: &SessionId, newer: &Newer, now: Millis) -> Result<bool, Failure> {
        let place = self.place(session);
        if register::find(&self.env, register::ERASURES, &place).await?.is_some() {
            return Ok(false);
        }
        let limits = &self.namespace.limits;
        let revived = match self.target()? {
            Target::D1 => d1::revive(&self.env, &self.store, &place, limits, newer, now).await,
            Target::Rows(table) => rows::revive(&self.env, table, &self.store, &place, limits, newer, now).await,
        }?;
        if revived {
            // What lost the session may have lost the directory too, where the next sweep looks for its owner.
            self.store.note(now).await;
        }
        Ok(revived)
    }

    /// Brings a session back before something is said in it that would make it anew. Where the archive can't be asked, the session is
    /// made so that what is archived of it finds its place before what comes, and the next sweep sees to that.
    ///
    /// # Errors
    /// The store's. Of the archive's the operator is told.
    pub(crate) async fn recall(&self, session: &SessionId, newer: &Newer, now: Millis) -> Result<(), StoreError> {
        match self.revive(session, newer, now).await {
            Ok(_) => return Ok(()),
            Err(Failure::Store(error)) if !Failure::from(error.clone()).is_of_one() => return Err(error),
            Err(failure) => log(&failure),
        }
        if let Err(failure) = self.mark(session).await {
            log(&failure);
            return Ok(());
        }
        let limits = &self.namespace.limits;
        let import = Import {
            session: session.clone(),
            title: String::new(),
            created: now,
            updated: now,
            flags: Flags::default(),
            metadata: String::new(),
            state: String::new(),
            notes: Notes::default(),
            seal: edge::random_hex(),
            position: limits.messages_per_session,
            after: Some(0),
            operation: None,
            dry_run: false,
            messages: Vec::new(),
            now,
            ttl: limits.ttl,
            messages_per_session: limits.messages_per_session,
            session_bytes: limits.session_bytes,
            sessions_per_owner: limits.sessions_per_owner,
            owner_bytes: 0,
        };
        if let Imported::Stored(_) = self.store.run(&import).await? {
            // A sweep that began meanwhile may have found nothing under the mark.
            if let Err(failure) = self.mark(session).await {
                log(&failure);
            }
            of_session(Level::Warn, "archive_not_asked", "A session was made anew", None, self.store.owner(), session);
        }
        Ok(())
    }

    /// Puts what is archived of a session before what was said in it while the archive could not be asked.
    async fn reunite(&self, session: &SessionId) -> Result<(), Failure> {
        let (place, limits, now) = (self.place(session), &self.namespace.limits, edge::now());
        if register::find(&self.env, register::ERASURES, &place).await?.is_some() {
            return Ok(());
        }
        match self.target()? {
            Target::D1 => d1::reunite(&self.env, &self.store, &place, limits, now).await,
            Target::Rows(table) => rows::reunite(&self.env, table, &self.store, &place, limits, now).await,
        }
    }

    /// Has the next sweep see to a session, whenever it changed.
    pub(crate) async fn mark(&self, session: &SessionId) -> Result<(), Failure> {
        register::note(&self.env, register::MARKS, &self.place(session), edge::now(), Millis(0)).await
    }

    /// Says that a session that was to be deleted stays.
    pub(crate) async fn spare(&self, session: &SessionId) -> Result<(), Failure> {
        let place = self.place(session);
        match self.target()? {
            Target::D1 => d1::spare(&self.env, &place).await,
            Target::Rows(_) => register::forget(&self.env, register::DELETIONS, &place).await,
        }?;
        register::forget(&self.env, register::ERASURES, &place).await
    }

    /// Says that a session is to be deleted, before it is: whatever happens then, it does not come back from here.
    pub(crate) async fn announce(&self, session: &SessionId, now: Millis) -> Result<(), Failure> {
        register::note(&self.env, register::ERASURES, &self.place(session), now, Millis(0)).await
    }

    /// Some of the owner's sessions that are here.
    pub(crate) async fn owned(&self) -> Result<Vec<SessionId>, Failure> {
        let (namespace, owner) = (self.namespace.name, self.store.owner());
        match self.target()? {
            Target::D1 => d1::owned(&self.env, namespace, owner, SESSIONS_PER_CALL as u64).await,
            // A conversation has many rows.
            Target::Rows(table) => rows::owned(table, namespace, owner, LIST_PAGE.1).await,
        }
    }

    /// Some of those who have sessions of the namespace here.
    pub(crate) async fn owners(&self) -> Result<Vec<Owner>, Failure> {
        let namespace = self.namespace.name;
        match self.target()? {
            Target::D1 => d1::owners(&self.env, namespace, LIST_PAGE.1).await,
            Target::Rows(table) => rows::owners(table, namespace, LIST_PAGE.1).await,
        }
    }

    /// Deletes a session here that was deleted at a moment; says whether there was one. What fails is done by the next sweep. From
    /// here on nothing of it is kept, whoever sends it.
    pub(crate) async fn erase(&self, session: &SessionId, deleted: Millis) -> Result<bool, Failure> {
        let place = self.place(session);
        let gone = match self.target()? {
            Target::D1 => d1::erase(&self.env, &place, deleted).await,
            Target::Rows(table) => {
                let oldest = deletions_since(&self.config, edge::now());
                register::note(&self.env, register::DELETIONS, &place, deleted, oldest).await?;
                rows::erase(table, &place).await
            }
        }?;
        register::forget(&self.env, register::ERASURES, &place).await?;
        Ok(gone)
    }
}

/// From when on deletions are remembered: what was deleted before is in no store, journal or undo window any more, and can't return.
fn deletions_since(config: &Config, now: Millis) -> Millis {
    const A_DAY: u64 = 86_400_000;
    let namespaces = std::iter::once(&config.canonical).chain(config.dialects.iter().map(|(_, namespace)| namespace));
    let lives = namespaces.map(|one| one.limits.ttl.0.saturating_add(one.limits.undo.0)).max().unwrap_or_default();
    Millis(now.0.saturating_sub(lives.saturating_add(A_DAY)))
}
