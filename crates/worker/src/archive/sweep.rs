//! The sweep: now and then every namespace is looked through for sessions that changed, and for deletions that are not done.
//!
//! A look that breaks off leaves the time of the last whole one, so that the next begins where that one did; what it sent already
//! is sent again and changes nothing. What is refused of one session ends no look: it is noted, and tried again by every one.

use super::{Archive, Failure, d1, deletions_since, log, register, rows};
use crate::edge;
use crate::settings::settings;
use crate::store::Store;
use crate::watch::of_session;
use chatkeep_model::archive::{Target, due_since, is_due};
use chatkeep_model::config::Config;
use chatkeep_model::limits::LIST_PAGE;
use chatkeep_model::observe::Level;
use chatkeep_model::plan::directory::{Noted, SHARDS, noted_for};
use chatkeep_model::plan::{Info, ReadList};
use chatkeep_model::{Millis, Namespace, Owner, SessionId};
use register::{ERASURES, Entry, MARKS, REFUSALS};
use std::cell::Cell;
use std::rc::Rc;
use worker::Env;

/// After so many failures of the archive in a row a sweep ends: it is the archive, not what it is sent.
const FAILURES: u32 = 3;

/// A sweep under way.
struct Sweep<'a> {
    env: &'a Env,
    config: &'a Rc<Config>,
    /// Failures of the archive since it last did what it was asked.
    failures: Cell<u32>,
}

/// Looks through what is due. The platform calls it every minute.
pub(crate) async fn sweep(env: &Env) {
    let Ok(config) = settings(env) else { return };
    let Some(archive) = &config.archive else { return };
    Sweep { env, config: &config, failures: Cell::new(0) }.run(archive.interval).await;
}

impl Sweep<'_> {
    /// What can't be done in one of its parts is told, and the next begins.
    async fn run(&self, interval: Millis) {
        let (env, began) = (self.env, edge::now());
        let mut due = Vec::new();
        for namespace in all(self.config) {
            match register::swept(env, namespace.name).await {
                // A second less: a timer that rings each minute may ring a little early.
                Ok(Some(since)) if began.since(since).0 + 1000 < interval.0 => {}
                Ok(since) => due.push((namespace, since.unwrap_or(Millis(0)))),
                Err(failure) => log(&failure),
            }
        }
        if due.is_empty() {
            return;
        }
        tell(self.marks().await);
        for (namespace, since) in due {
            tell(register::note_first_look(env, namespace.name, began).await);
            match self.changed(&namespace, since).await {
                Ok(()) => tell(register::note_swept(env, namespace.name, began).await),
                Err(failure) => log(&failure),
            }
        }
        tell(self.refusals().await);
        tell(self.erase().await);
        tell(self.retire(began).await);
    }

    fn archive_of(&self, namespace: &Rc<Namespace>, owner: Owner) -> Result<(Store, Archive), Failure> {
        let (env, config) = (self.env, self.config);
        let store =
            Store::new(Rc::clone(config), Rc::clone(namespace), env.clone(), owner, None, None, Rc::default()).whole();
        let archive = Archive::of(env, config, namespace, &store).ok_or(Failure::Archive("not_configured"))?;
        Ok((store, archive))
    }

    /// The archive of a session that a register has; nothing for a namespace that there is no more.
    fn archive_of_entry(&self, entry: &Entry) -> Result<Option<Archive>, Failure> {
        let namespace = all(self.config).into_iter().find(|one| one.name == entry.namespace);
        let Some(namespace) = namespace else { return Ok(None) };
        Ok(Some(self.archive_of(&namespace, Owner::stored(entry.owner.clone()))?.1))
    }

    /// Archives a session, all of it `anew`. Says whether nothing was refused.
    ///
    /// # Errors
    /// The next session would fare no better.
    async fn keep(&self, archive: &Archive, session: &SessionId, anew: bool) -> Result<bool, Failure> {
        let failure = match archive.keep_from(session, anew).await {
            Ok(_) => {
                self.failures.set(0);
                return Ok(true);
            }
            Err(failure) => failure,
        };
        let (owner, place) = (archive.store.owner(), archive.place(session));
        let cause = Some(failure.cause());
        if failure.is_of_one() {
            of_session(Level::Error, "archive_refused", "A session can't be archived", cause, owner, session);
            register::note(self.env, REFUSALS, &place, edge::now(), Millis(0)).await?;
            return Ok(false);
        }
        self.failures.set(self.failures.get() + 1);
        if matches!(failure, Failure::Store(_)) || self.failures.get() >= FAILURES {
            return Err(failure);
        }
        of_session(Level::Error, "archive_failed", "A session could not be archived", cause, owner, session);
        register::note(self.env, MARKS, &place, edge::now(), Millis(0)).await?;
        Ok(false)
    }

    /// Archives what changed in a namespace: of the owners who were active since, who is so meanwhile comes later and is not missed;
    /// their sessions come newest first, so that what didn't change is not looked at.
    async fn changed(&self, namespace: &Rc<Namespace>, since: Millis) -> Result<(), Failure> {
        let (anyone, _) = self.archive_of(namespace, Owner::app())?;
        let noted_since = Millis(since.0.saturating_sub(noted_for(namespace.limits.ttl).0));
        for shard in 0..SHARDS {
            let mut after = Noted::since(due_since(noted_since));
            loop {
                let page = anyone.owners(shard, &after, LIST_PAGE.1).await?;
                let whole = page.len() as u64 == LIST_PAGE.1;
                for noted in page {
                    let (store, archive) = self.archive_of(namespace, noted.owner.clone())?;
                    self.sessions_of(&store, &archive, since).await?;
                    after = noted;
                }
                if !whole {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn sessions_of(&self, store: &Store, archive: &Archive, since: Millis) -> Result<(), Failure> {
        let mut read = ReadList { now: edge::now(), limit: LIST_PAGE.1, cursor: None };
        loop {
            let page = store.list(&read).await?;
            let due: Vec<_> = page.cards.iter().filter(|card| is_due(card.updated, since)).collect();
            for card in &due {
                self.keep(archive, &card.id, false).await?;
            }
            read.cursor = page.next.filter(|_| !due.is_empty());
            if read.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Sees to sessions that were marked: what is archived of one finds its place, and what is new of it is archived.
    async fn marks(&self) -> Result<(), Failure> {
        for entry in register::entries(self.env, MARKS).await? {
            let Some(archive) = self.archive_of_entry(&entry)? else { continue };
            match archive.reunite(&entry.session).await {
                Err(failure) if !failure.is_of_one() => return Err(failure),
                Err(failure) => log(&failure),
                Ok(()) => {}
            }
            if self.keep(&archive, &entry.session, false).await? {
                register::forget(self.env, MARKS, &archive.place(&entry.session)).await?;
            }
        }
        Ok(())
    }

    /// Tries again what was refused.
    async fn refusals(&self) -> Result<(), Failure> {
        for entry in register::entries(self.env, REFUSALS).await? {
            let Some(archive) = self.archive_of_entry(&entry)? else { continue };
            if self.keep(&archive, &entry.session, true).await? {
                register::forget(self.env, REFUSALS, &archive.place(&entry.session)).await?;
            }
        }
        Ok(())
    }

    /// Makes up for deletions that were announced and broke off.
    async fn erase(&self) -> Result<(), Failure> {
        let mut failed = None;
        for entry in register::entries(self.env, ERASURES).await? {
            let Some(archive) = self.archive_of_entry(&entry)? else { continue };
            if let Err(failure) = self.erase_one(&archive, &entry).await {
                let is_of_one = failure.is_of_one();
                failed = Some(failure);
                if !is_of_one {
                    break;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Deletes what was announced, unless the store refused to: then the session stays. What was made anew under its id since stays too.
    async fn erase_one(&self, archive: &Archive, entry: &Entry) -> Result<(), Failure> {
        archive.store.drain().await?;
        let there = archive.store.run(&Info { session: entry.session.clone(), now: edge::now() }).await?;
        match there {
            Some(details) if details.session.created <= entry.at => archive.spare(&entry.session).await?,
            _ => drop(archive.erase(&entry.session, entry.at).await?),
        }
        self.keep(archive, &entry.session, true).await.map(drop)
    }

    /// Lets go of what is older than is to be kept, and of deletions of which nothing can return.
    async fn retire(&self, now: Millis) -> Result<(), Failure> {
        let Some(archive) = &self.config.archive else { return Ok(()) };
        if let Target::D1 = &archive.target {
            d1::forget_deletions(self.env, deletions_since(self.config, now)).await?;
        }
        let Some(retention) = archive.retention else { return Ok(()) };
        let before = Millis(now.0.saturating_sub(retention.0));
        match &archive.target {
            Target::D1 => d1::retire(self.env, before).await,
            Target::Rows(table) => rows::retire(table, before).await,
        }
    }
}

fn tell(done: Result<(), Failure>) {
    if let Err(failure) = done {
        log(&failure);
    }
}

fn all(config: &Config) -> Vec<Rc<Namespace>> {
    std::iter::once(&config.canonical)
        .chain(config.dialects.iter().map(|(_, namespace)| namespace))
        .map(Rc::clone)
        .collect()
}

/// How long ago the look began after which everything older is archived, but for what was refused. Before one has come to its end:
/// how long ago the first one began. Nothing before that.
pub(crate) async fn lag(env: &Env, config: &Config) -> Option<Millis> {
    let mut oldest = Millis(u64::MAX);
    for namespace in all(config) {
        let swept = register::swept(env, namespace.name).await.ok()?;
        let began = match swept {
            Some(began) => began,
            None => register::first_look(env, namespace.name).await.ok()??,
        };
        oldest = oldest.min(began);
    }
    Some(edge::now().since(oldest))
}

/// Of how many sessions the archive has refused something.
pub(crate) async fn refusals(env: &Env) -> u64 {
    register::count(env, REFUSALS).await.unwrap_or_default()
}
