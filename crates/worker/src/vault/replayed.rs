//! Entries that Redis has, and that stay in the journal until the archive has them too, where turns are archived before they are
//! answered; and the sessions that came back from the archive before their entries were replayed.

use super::entries::About;
use super::journal::Journal;
use crate::archive::{self, Archive};
use crate::edge::now;
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::journal::Entry;
use chatkeep_model::plan::{Delete, Info};
use chatkeep_model::{Millis, Operation, SessionId, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use worker::Result;

/// How many entries are confirmed together, and about how many bytes of them: a session is archived once for all of its own.
const BATCH: (usize, usize) = (512, 4_194_304);

/// A session that a store loses as soon as it is replayed is replayed so often: it may have expired, or be another's to delete.
const TIMES: u32 = 3;

/// A sweep looks at what changed so shortly before it by itself.
const LATELY: Millis = Millis(300_000);

/// See the module.
#[derive(Default)]
pub(super) struct Replayed {
    /// The entries, and why Redis did not take those that it did not.
    entries: Vec<(Entry, Option<&'static str>)>,
    /// The sessions that are known to be in Redis, or nowhere.
    recalled: BTreeSet<SessionId>,
    /// How often they were lost.
    lost: u32,
}

impl Replayed {
    /// The position of the last entry.
    pub(super) fn position(&self) -> u64 {
        self.entries.last().map_or(0, |(entry, _)| entry.position)
    }

    pub(super) fn push(&mut self, entry: Entry, dropped: Option<&'static str>) {
        self.entries.push((entry, dropped));
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(entry, _)| entry.json.len()).sum()
    }

    /// Whether they are to be confirmed now.
    pub(super) fn is_due(&self, archive: Option<&Archive>) -> bool {
        !archive.is_some_and(Archive::writes_through) || self.entries.len() >= BATCH.0 || self.bytes() >= BATCH.1
    }

    /// What became of the sessions in it: whether each is to be there, and when its first entry was accepted.
    fn sessions(&self) -> BTreeMap<SessionId, (bool, Millis)> {
        let mut sessions = BTreeMap::new();
        for (entry, dropped) in &self.entries {
            let at = entry.accepted().unwrap_or_default();
            let (there, _) = sessions.entry(entry.session.clone()).or_insert((false, at));
            *there = entry.operation != Delete::NAME && (*there || dropped.is_none());
        }
        sessions
    }
}

impl Journal {
    /// The archive of the journal's owner, which asks Redis alone.
    pub(super) fn archive(&self, about: &About) -> Option<Archive> {
        let config = self.config.as_ref()?;
        let namespace = config.of_prefix(&about.prefix)?;
        let (env, owner) = (self.env.clone(), about.owner.clone());
        let store =
            Store::new(Rc::clone(config), Rc::clone(&namespace), env, owner, None, None, Rc::default()).direct();
        Archive::of(&self.env, config, &namespace, &store)
    }

    /// Brings back from the archive what an entry is about and Redis has no more, but for what the journal brings itself.
    pub(super) async fn recall(
        &self,
        archive: Option<&Archive>,
        entry: &Entry,
        batch: &mut Replayed,
    ) -> Result<std::result::Result<(), StoreError>> {
        let Some(archive) = archive else { return Ok(Ok(())) };
        for session in entry.needs() {
            if batch.recalled.contains(&session) {
                continue;
            }
            match archive.store().run(&Info { session: session.clone(), now: now() }).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let newer = Newer::of(self.entries.brought(&session)?);
                    match archive.recall(&session, &newer, now()).await {
                        Err(error) if !archive::Failure::from(error.clone()).is_of_one() => return Ok(Err(error)),
                        // What can't be brought back holds up no other entry.
                        _ => {}
                    }
                }
                Err(error) if !archive::Failure::from(error.clone()).is_of_one() => return Ok(Err(error)),
                Err(error) => archive::log(&error.into()),
            }
            batch.recalled.insert(session);
        }
        Ok(Ok(()))
    }

    /// Removes what Redis has, once the archive has it too, where turns are archived before they are answered. Gives the failure for which
    /// they stay.
    pub(super) async fn confirm_all(
        &self,
        archive: Option<&Archive>,
        batch: &mut Replayed,
    ) -> Result<Option<StoreError>> {
        if let Some(archive) = archive {
            for (session, (there, accepted)) in batch.sessions() {
                if !there {
                    continue;
                }
                let kept = match archive.writes_through() {
                    true => archive.keep(&session).await,
                    false if now().since(accepted) > LATELY => archive.mark(&session).await.map(|()| true),
                    false => Ok(true),
                };
                match kept {
                    Ok(true) => {}
                    Ok(false) if batch.lost >= TIMES => {}
                    Ok(false) => {
                        // Redis was emptied meanwhile: they are replayed once more.
                        batch.lost += 1;
                        batch.entries.clear();
                        batch.recalled.clear();
                        return Ok(None);
                    }
                    Err(archive::Failure::Store(error)) if !archive::Failure::from(error.clone()).is_of_one() => {
                        batch.entries.clear();
                        batch.recalled.clear();
                        return Ok(Some(error));
                    }
                    Err(failure) => {
                        archive::log(&failure);
                        if let Err(failure) = archive.mark(&session).await {
                            archive::log(&failure);
                        }
                    }
                }
            }
        }
        for (entry, dropped) in std::mem::take(&mut batch.entries) {
            self.confirm(&entry, dropped)?;
        }
        Ok(None)
    }
}
