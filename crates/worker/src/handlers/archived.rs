//! What handlers do in the store and in the archive behind it.

use super::{Call, claim};
use crate::archive::{self, Archive, Said};
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::limits::SESSIONS_PER_CALL;
use chatkeep_model::message::stored_id;
use chatkeep_model::plan::{Append, Appended, Create, Created, Delete, Deletion, Info, Page, ReadHistory};
use chatkeep_model::{Code, MessageId, Millis, Problem, SessionId, intake};

/// Brings a session back from the archive before something is said in it. Where the archive can't be asked, a session that has to be
/// there is not said to be gone, and any other is made so that it finds together later.
pub(super) async fn recall(
    archive: &Archive,
    session: &SessionId,
    newer: &Newer,
    is_existing: bool,
    now: Millis,
) -> Result<(), Problem> {
    if is_existing {
        archive.revive(session, newer, now).await?;
    } else {
        // The store's failure is what comes next, too.
        let _ = archive.recall(session, newer, now).await;
    }
    Ok(())
}

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
            Some(archive) if page.is_none() && archive.revive(&read.session, &Newer::default(), read.now).await? => {
                Ok(self.store.run(read).await?)
            }
            _ => Ok(page),
        }
    }

    /// Creates, unless the archive has such a session, and archives what was created where that is done at once.
    pub(super) async fn create(&self, create: &Create) -> Result<Created, Problem> {
        self.recall(&create.session).await?;
        let created = self.store.run(create).await?;
        if let (Some(archive), Created::Created(_)) = (&self.archive, &created) {
            archive.write_through(&create.session, None).await;
        }
        Ok(created)
    }

    /// Brings a session back that the store has no more, before something makes it anew. An id that was made for this request is no
    /// session's yet.
    pub(super) async fn recall(&self, session: &SessionId) -> Result<(), Problem> {
        let Some(archive) = self.archive.as_ref().filter(|_| *session != SessionId::mint(self.fresh.session)) else {
            return Ok(());
        };
        let now = self.fresh.now;
        // In an outage that can't be told, and the replay asks.
        if let Ok(None) = self.store.run(&Info { session: session.clone(), now }).await {
            let _ = archive.recall(session, &Newer::default(), now).await;
        }
        Ok(())
    }

    /// Appends, with the archive before and after: as a turn does.
    pub(super) async fn append(&self, append: &Append) -> Result<Appended, Problem> {
        let Some(archive) = &self.archive else { return Ok(self.store.run(append).await?) };
        let careful = Append { existing: true, ..append.clone() };
        let mut appended = self.store.run(&careful).await?;
        if appended == Appended::Absent {
            // Should it be a repetition of the last one archived, its messages don't come back beside it.
            let ids = append.messages.iter().filter_map(|text| MessageId::parse(stored_id(text)?).ok());
            recall(archive, &append.session, &Newer::at_end(ids), append.existing, append.now).await?;
            appended = self.store.run(append).await?;
        }
        if let Appended::Stored { session, .. } = &appended {
            archive.write_through(&append.session, Some(&Said::append(session, &append.messages))).await;
        }
        Ok(appended)
    }

    /// Deletes sessions in the store and in the archive; gives those that were there.
    pub(super) async fn delete(&self, sessions: Vec<SessionId>) -> Result<Vec<SessionId>, Problem> {
        self.delete_of(&self.store, self.archive.as_ref(), self.deletion(sessions)).await
    }

    /// A deletion that no key makes repeatable.
    pub(super) fn deletion(&self, sessions: Vec<SessionId>) -> Delete {
        let (now, undo) = (self.fresh.now, self.namespace.limits.undo);
        Delete { sessions, operation: None, fingerprint: String::new(), now, undo }
    }

    /// Deletes a session, once under the request's key.
    pub(super) async fn delete_one(&self, session: SessionId) -> Result<Option<SessionId>, Problem> {
        let key = self.headers.idempotency_key.as_deref();
        let delete = intake::delete(session, key, self.fresh.now, self.namespace.limits.undo)?;
        let gone = self.delete_of(&self.store, self.archive.as_ref(), delete).await?;
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
            let gone = self.delete_of(store, Some(archive), self.deletion(sessions)).await?.len() as u64;
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
        delete: Delete,
    ) -> Result<Vec<SessionId>, Problem> {
        let now = self.fresh.now;
        if let Some(archive) = archive {
            for session in &delete.sessions {
                archive.announce(session, now).await?;
            }
        }
        let Deletion::Gone(mut gone) = store.run(&delete).await? else {
            for session in archive.iter().flat_map(|_| &delete.sessions) {
                self.spare(archive, session).await;
            }
            return Err(Problem::new(Code::TurnMismatch));
        };
        gone.iter().for_each(|session| store.forget(session));
        let Some(archive) = archive else { return Ok(gone) };
        for session in delete.sessions {
            // Deleted under this key before, and restored since: it stays.
            if delete.operation.is_some() && store.run(&Info { session: session.clone(), now }).await?.is_some() {
                self.spare(Some(archive), &session).await;
                continue;
            }
            let archived = archive.erase(&session, now).await.unwrap_or_else(|failure| {
                archive::log(&failure);
                false
            });
            if archived && !gone.contains(&session) {
                gone.push(session);
            }
        }
        Ok(gone)
    }

    /// Takes back what was announced to the archive.
    async fn spare(&self, archive: Option<&Archive>, session: &SessionId) {
        if let Some(archive) = archive
            && let Err(failure) = archive.spare(session).await
        {
            archive::log(&failure);
        }
    }
}
