//! What handlers do in the store and in the archive behind it.

use super::{Call, claim};
use crate::archive::{self, Archive};
use crate::store::Store;
use chatkeep_model::limits::SESSIONS_PER_CALL;
use chatkeep_model::plan::{Append, Appended, Create, Created, Delete, Info, Page, ReadHistory};
use chatkeep_model::{Code, Problem, SessionId, TurnId, intake};

impl Call<'_> {
    /// Reads a page of messages. A session that the store has no more comes back from the archive first.
    pub(super) async fn page(&self, read: &ReadHistory) -> Result<Option<Page>, Problem> {
        let mut page = self.store.run(read).await?;
        if let Some(found) = &page
            && claim::has_left(self, &read.session, &found.session).await?
        {
            page = None;
        }
        match &self.archive {
            Some(archive) if page.is_none() && archive.revive(&read.session, read.now).await? => {
                Ok(self.store.run(read).await?)
            }
            _ => Ok(page),
        }
    }

    /// Creates, and archives what was created where that is done at once.
    pub(super) async fn create(&self, create: &Create) -> Result<Created, Problem> {
        let created = self.store.run(create).await?;
        if let (Some(archive), Created::Created(_)) = (&self.archive, &created) {
            archive.write_through(&create.session).await;
        }
        Ok(created)
    }

    /// Appends, with the archive before and after: as a turn does.
    pub(super) async fn append(&self, append: &Append) -> Result<Appended, Problem> {
        let Some(archive) = &self.archive else { return Ok(self.store.run(append).await?) };
        let careful = Append { existing: true, ..append.clone() };
        let mut appended = self.store.run(&careful).await?;
        if appended == Appended::Absent {
            if let Err(failure) = archive.revive(&append.session, append.now).await {
                archive::log(&failure);
            }
            appended = self.store.run(append).await?;
        }
        archive.write_through(&append.session).await;
        Ok(appended)
    }

    /// Deletes sessions in the store and in the archive; gives those that were there.
    pub(super) async fn delete(&self, sessions: Vec<SessionId>) -> Result<Vec<SessionId>, Problem> {
        self.delete_of(&self.store, self.archive.as_ref(), sessions, None).await
    }

    /// Deletes a session, once under the request's key.
    pub(super) async fn delete_one(&self, session: SessionId) -> Result<Option<SessionId>, Problem> {
        let operation = self.headers.idempotency_key.as_deref().map(intake::idempotency_key).transpose()?;
        let gone = self.delete_of(&self.store, self.archive.as_ref(), vec![session], operation).await?;
        Ok(gone.into_iter().next())
    }

    /// Deletes what an owner has in the archive alone; says how many those were.
    pub(super) async fn delete_archived(&self, store: &Store, archive: Option<&Archive>) -> Result<u64, Problem> {
        let Some(archive) = archive else { return Ok(0) };
        let mut deleted = 0;
        loop {
            let mut sessions = archive.owned().await?;
            sessions.truncate(SESSIONS_PER_CALL);
            if sessions.is_empty() {
                return Ok(deleted);
            }
            let gone = self.delete_of(store, Some(archive), sessions, None).await?.len() as u64;
            if gone == 0 {
                return Err(Problem::new(Code::StoreUnavailable).detail("archived sessions could not be deleted"));
            }
            deleted += gone;
        }
    }

    /// Deletes sessions in an owner's store and archive; gives those that were there.
    pub(super) async fn delete_of(
        &self,
        store: &Store,
        archive: Option<&Archive>,
        sessions: Vec<SessionId>,
        operation: Option<TurnId>,
    ) -> Result<Vec<SessionId>, Problem> {
        let now = self.fresh.now;
        let delete = Delete { sessions, operation, now, undo: self.namespace.limits.undo };
        if let Some(archive) = archive {
            for session in &delete.sessions {
                archive.announce(session, now).await?;
            }
        }
        let mut gone = store.run(&delete).await?;
        gone.iter().for_each(|session| store.forget(session));
        let Some(archive) = archive else { return Ok(gone) };
        for session in delete.sessions {
            // Deleted under this key before, and restored since: it stays.
            if delete.operation.is_some() && store.run(&Info { session: session.clone(), now }).await?.is_some() {
                if let Err(failure) = archive.spare(&session).await {
                    archive::log(&failure);
                }
                continue;
            }
            let archived = archive.erase(&session).await.unwrap_or_else(|failure| {
                archive::log(&failure);
                false
            });
            if archived && !gone.contains(&session) {
                gone.push(session);
            }
        }
        Ok(gone)
    }
}
