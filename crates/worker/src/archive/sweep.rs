//! The sweep: now and then every namespace is looked through for sessions that changed, and for deletions that are not done.
//!
//! A sweep that breaks off leaves the time of the last whole one, so that the next begins where that one did; what it sent already
//! is sent again and changes nothing.

use super::{Archive, Failure, d1, register, rows};
use crate::edge;
use crate::settings::settings;
use crate::store::Store;
use chatkeep_model::archive::{Target, due_since, is_due};
use chatkeep_model::config::Config;
use chatkeep_model::limits::LIST_PAGE;
use chatkeep_model::plan::ReadList;
use chatkeep_model::plan::directory::{Noted, SHARDS, noted_for};
use chatkeep_model::{Millis, Namespace, Owner, SessionId};
use std::rc::Rc;
use worker::Env;

/// How many deletions one sweep makes up for.
const ERASURES: u64 = 1000;

/// Looks through what is due. The platform calls it every minute.
pub(crate) async fn sweep(env: &Env) {
    let Ok(config) = settings(env) else { return };
    let Some(archive) = &config.archive else { return };
    if let Err(failure) = run(env, &config, archive.interval).await {
        super::log(&failure);
    }
}

async fn run(env: &Env, config: &Rc<Config>, interval: Millis) -> Result<(), Failure> {
    let began = edge::now();
    let mut due = false;
    for namespace in all(config) {
        let since = register::swept(env, namespace.name).await?;
        // A second less: a timer that rings each minute may ring a little early.
        if since.is_some_and(|since| began.since(since).0 + 1000 < interval.0) {
            continue;
        }
        due = true;
        changed(env, config, &namespace, since.unwrap_or(Millis(0))).await?;
        register::note_swept(env, namespace.name, began).await?;
    }
    if due {
        erase(env, config).await?;
        retire(env, config, began).await?;
    }
    Ok(())
}

fn all(config: &Config) -> Vec<Rc<Namespace>> {
    std::iter::once(&config.canonical)
        .chain(config.dialects.iter().map(|(_, namespace)| namespace))
        .map(Rc::clone)
        .collect()
}

fn archive_of(
    env: &Env,
    config: &Rc<Config>,
    namespace: &Rc<Namespace>,
    owner: Owner,
) -> Result<(Store, Archive), Failure> {
    let store =
        Store::new(Rc::clone(config), Rc::clone(namespace), env.clone(), owner, None, None, Rc::default()).whole();
    let archive = Archive::of(env, config, namespace, &store).ok_or(Failure::Archive("not_configured"))?;
    Ok((store, archive))
}

/// Archives what changed in a namespace: of the owners who were active since, who is so meanwhile comes later and is not missed;
/// their sessions come newest first, so that what didn't change is not looked at.
async fn changed(env: &Env, config: &Rc<Config>, namespace: &Rc<Namespace>, since: Millis) -> Result<(), Failure> {
    let (anyone, _) = archive_of(env, config, namespace, Owner::app())?;
    let noted_since = Millis(since.0.saturating_sub(noted_for(namespace.limits.ttl).0));
    for shard in 0..SHARDS {
        let mut after = Noted::since(due_since(noted_since));
        loop {
            let page = anyone.owners(shard, &after, LIST_PAGE.1).await?;
            let whole = page.len() as u64 == LIST_PAGE.1;
            for noted in page {
                let (store, archive) = archive_of(env, config, namespace, noted.owner.clone())?;
                sessions_of(&store, &archive, since).await?;
                after = noted;
            }
            if !whole {
                break;
            }
        }
    }
    Ok(())
}

async fn sessions_of(store: &Store, archive: &Archive, since: Millis) -> Result<(), Failure> {
    let mut read = ReadList { now: edge::now(), limit: LIST_PAGE.1, cursor: None };
    loop {
        let page = store.run(&read).await?;
        let due: Vec<_> = page.cards.iter().filter(|card| is_due(card.updated, since)).collect();
        for card in &due {
            archive.keep(&card.id).await?;
        }
        read.cursor = page.next.filter(|_| !due.is_empty());
        if read.cursor.is_none() {
            return Ok(());
        }
    }
}

/// Makes up for deletions that were announced and broke off.
async fn erase(env: &Env, config: &Rc<Config>) -> Result<(), Failure> {
    for (namespace, owner, session) in register::erasures(env, ERASURES).await? {
        let namespace = all(config).into_iter().find(|one| one.name == namespace);
        let (Some(namespace), Ok(session)) = (namespace, SessionId::parse(session)) else { continue };
        let (_, archive) = archive_of(env, config, &namespace, Owner::stored(owner))?;
        archive.erase(&session).await?;
    }
    Ok(())
}

/// Lets go of what is older than is to be kept.
async fn retire(env: &Env, config: &Config, now: Millis) -> Result<(), Failure> {
    let Some(archive) = &config.archive else { return Ok(()) };
    let Some(retention) = archive.retention else { return Ok(()) };
    let before = Millis(now.0.saturating_sub(retention.0));
    match &archive.target {
        Target::D1 => d1::retire(env, before).await,
        Target::Rows(table) => rows::retire(table, before).await,
    }
}

/// How long ago the look began after which everything older is archived. Nothing before the first one.
pub(crate) async fn lag(env: &Env, config: &Config) -> Option<Millis> {
    let mut oldest = Millis(u64::MAX);
    for namespace in all(config) {
        oldest = oldest.min(register::swept(env, namespace.name).await.ok()??);
    }
    Some(edge::now().since(oldest))
}
