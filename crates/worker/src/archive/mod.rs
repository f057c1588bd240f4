//! The long-term archive at work: sessions go there, come back when the store has lost them, and leave it when they are deleted.

mod d1;
mod object;
mod register;
mod reseal;
mod rows;
mod sweep;

pub(crate) use sweep::{lag, sweep};

use crate::store::Store;
use crate::watch::of_store;
use chatkeep_model::archive::{Mode, Place, Target};
use chatkeep_model::config::Config;
use chatkeep_model::limits::{LIST_PAGE, SESSIONS_PER_CALL};
use chatkeep_model::observe::Level;
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
            Failure::Archive(cause) => {
                let problem = Problem::new(chatkeep_model::Code::StoreUnavailable);
                problem.detail(format!("archive: {cause}")).retry_after(1)
            }
        }
    }
}

/// Tells the operator of a failure.
pub(crate) fn log(failure: &Failure) {
    let detail = match failure {
        Failure::Store(error) => error.cause(),
        Failure::Archive(cause) => cause,
    };
    of_store(Level::Error, "archive_failed", "The archive did not do its part", Some(detail));
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

    fn place(&self, session: &SessionId) -> Place {
        Place { namespace: self.namespace.name, owner: self.store.owner().clone(), session: session.clone() }
    }

    fn target(&self) -> Result<&Target, Failure> {
        let archive = self.config.archive.as_ref().ok_or(Failure::Archive("not_configured"))?;
        Ok(&archive.target)
    }

    /// Whether a turn is archived before it is answered.
    fn writes_through(&self) -> bool {
        self.config.archive.as_ref().is_some_and(|archive| archive.mode == Mode::WriteThrough)
    }

    /// Brings a session up to date.
    pub(crate) async fn keep(&self, session: &SessionId) -> Result<(), Failure> {
        let place = self.place(session);
        match self.target()? {
            Target::D1 => d1::keep(&self.env, &self.store, &place).await,
            Target::Rows(table) => rows::keep(table, &self.store, &place).await,
        }
    }

    /// Brings a session back to the store; says whether there was one. A session whose deletion is not yet done there is none.
    pub(crate) async fn revive(&self, session: &SessionId, now: Millis) -> Result<bool, Failure> {
        let place = self.place(session);
        if register::is_erased(&self.env, &place).await? {
            return Ok(false);
        }
        let limits = &self.namespace.limits;
        let revived = match self.target()? {
            Target::D1 => d1::revive(&self.env, &self.store, &place, limits, now).await,
            Target::Rows(table) => rows::revive(table, &self.store, &place, limits, now).await,
        }?;
        if revived {
            // What lost the session may have lost the directory too, where the next sweep looks for its owner.
            self.store.note(now).await;
        }
        Ok(revived)
    }

    /// Brings a session up to date where turns are archived before they are answered. What fails is done by the next sweep.
    pub(crate) async fn write_through(&self, session: &SessionId) {
        if self.writes_through()
            && let Err(failure) = self.keep(session).await
        {
            log(&failure);
        }
    }

    /// Says that a session that was to be deleted stays.
    pub(crate) async fn spare(&self, session: &SessionId) -> Result<(), Failure> {
        register::forget(&self.env, &self.place(session)).await
    }

    /// Says that a session is to be deleted, before it is: whatever happens then, it does not come back from here.
    pub(crate) async fn announce(&self, session: &SessionId, now: Millis) -> Result<(), Failure> {
        register::announce(&self.env, &self.place(session), now).await
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

    /// Deletes a session here; says whether there was one. What fails is done by the next sweep.
    pub(crate) async fn erase(&self, session: &SessionId) -> Result<bool, Failure> {
        let place = self.place(session);
        let gone = match self.target()? {
            Target::D1 => d1::erase(&self.env, &place).await,
            Target::Rows(table) => rows::erase(table, &place).await,
        }?;
        register::forget(&self.env, &place).await?;
        Ok(gone)
    }
}
