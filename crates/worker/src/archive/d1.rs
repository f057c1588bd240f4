//! The archive in SQLite: Cloudflare D1, or the object [`super::object::Archive`] where Chatkeep is self-hosted.

use super::reseal::anew;
use super::{Archive, Failure, Said};
use crate::edge;
use crate::pages::{ids, page_from};
use crate::store::Store;
use chatkeep_model::archive::Place;
use chatkeep_model::archive::d1::{self, Column, Kept, KeptMessage, KeptTexts, Known, Statement};
use chatkeep_model::archive::generations::{Head, Joined, Newer, join};
use chatkeep_model::limits::IMPORTED_PER_CALL;
use chatkeep_model::message::{stored_id, stored_prefix};
use chatkeep_model::plan::{Details, Import, Imported, Info, Prepend, ReadState, Stated};
use chatkeep_model::reseal::Tally;
use chatkeep_model::seal::Kind;
use chatkeep_model::{Limits, Message, MessageId, Millis, Owner, SessionId};
use serde::de::DeserializeOwned;
use std::cell::Cell;
use worker::Env;

/// The binding in `wrangler.toml`, and in the configuration of the self-hosted runner.
const BINDING: &str = "ARCHIVE";

/// How often a session is archived that changes meanwhile.
const TIMES: usize = 5;

/// How many statements go in one batch.
const BATCH: usize = 100;

thread_local! {
    static PREPARED: Cell<bool> = const { Cell::new(false) };
}

/// Runs statements in one transaction; gives each one's rows.
async fn run<T: DeserializeOwned>(env: &Env, statements: &[Statement]) -> Result<Vec<Vec<T>>, Failure> {
    if !PREPARED.get() {
        let plain = |queries: &[&'static str]| queries.iter().map(|query| Statement(query, vec![])).collect::<Vec<_>>();
        ask(env, &plain(&d1::SCHEMA)).await?;
        if ask(env, &plain(&[d1::HAS_NOTES])).await.is_err() {
            ask(env, &plain(&d1::ADD_NOTES)).await?;
        }
        PREPARED.set(true);
    }
    let rows = ask(env, statements).await?;
    serde_json::from_str(&rows).map_err(|_| Failure::Archive("unexpected_reply"))
}

async fn ask(env: &Env, statements: &[Statement]) -> Result<String, Failure> {
    let json = serde_json::to_string(statements).map_err(|_| Failure::Archive("unexpected_reply"))?;
    edge::query_database(env, BINDING, &json).await.ok_or(Failure::Archive("d1"))
}

async fn first<T: DeserializeOwned>(env: &Env, statement: Statement) -> Result<Option<T>, Failure> {
    Ok(run(env, &[statement]).await?.into_iter().flatten().next())
}

/// Brings a session up to date. Others may do so at the same time, and what one of them read first may come last: so it is looked
/// whether the session is still what was archived.
pub(super) async fn keep(env: &Env, store: &Store, place: &Place) -> Result<bool, Failure> {
    for time in 0..TIMES {
        let info = Info { session: place.session.clone(), now: edge::now() };
        let Some(details) = store.run(&info).await? else { return Ok(false) };
        let known: Option<Known> = first(env, d1::known(place, details.session.created)).await?;
        let is_known =
            |known: &Known| (known.revision, known.updated) == (details.session.revision, details.session.updated.0);
        // What was deleted is not kept, however often.
        if known.as_ref().map_or(time > 0, is_known) {
            return Ok(true);
        }
        if !keep_once(env, store, place, details, known).await? {
            return Ok(false);
        }
    }
    Err(Failure::Archive("changed_meanwhile"))
}

async fn keep_once(
    env: &Env,
    store: &Store,
    place: &Place,
    mut details: Details,
    known: Option<Known>,
) -> Result<bool, Failure> {
    let (id, now, session) = (&place.session, edge::now(), details.session.clone());
    let mut state = match store.run(&ReadState { sessions: vec![id.clone()], now }).await?.pop() {
        Some(Stated::State(_, json)) => Some(json),
        _ => None,
    };
    let mut next = resume(store, place, known.as_ref()).await?;
    let mut last_id = known.filter(|known| known.next == next).and_then(|known| MessageId::parse(known.last_id).ok());
    while next < session.next {
        // The store lost it meanwhile: what is archived stays as it was.
        let Some(page) = page_from(store, id, next).await? else { return Ok(false) };
        let room = usize::try_from(session.next.saturating_sub(page.from)).unwrap_or(usize::MAX);
        let messages = page.messages.get(..room.min(page.messages.len())).unwrap_or_default();
        for (number, some) in messages.chunks(BATCH).enumerate() {
            let from = page.from + (number * BATCH) as u64;
            let mut some = some.to_vec();
            store.close(|visit| some.iter_mut().try_for_each(|message| visit(Kind::Message, id, message)))?;
            run::<serde_json::Value>(env, &d1::insert(place, session.created, from, &some)).await?;
        }
        next = page.from + messages.len() as u64;
        let last = messages.last().and_then(|text| serde_json::from_str::<Message>(text).ok());
        last_id = last.map(|message| message.id).or(last_id);
    }
    store.close(|visit| {
        details.texts(id, visit)?;
        state.as_mut().map_or(Ok(()), |state| visit(Kind::State, id, state))
    })?;
    let complete = d1::complete(place, &details, state.as_deref(), last_id.as_ref());
    run::<serde_json::Value>(env, &complete).await?;
    Ok(true)
}

/// Keeps what was said, without asking the store.
pub(super) async fn keep_said(env: &Env, store: &Store, place: &Place, said: &Said<'_>) -> Result<(), Failure> {
    let (id, mut title, mut texts) = (&place.session, said.session.title.clone(), said.messages.clone());
    store.close(|visit| {
        visit(Kind::Title, id, &mut title)?;
        texts.iter_mut().try_for_each(|(_, text)| visit(Kind::Message, id, text))
    })?;
    run::<serde_json::Value>(env, &d1::keep_said(place, said.session, &title, &texts)).await.map(drop)
}

/// Where archiving goes on: after the last message archived, where that is still in its place; else from the oldest kept.
async fn resume(store: &Store, place: &Place, known: Option<&Known>) -> Result<u64, Failure> {
    let Some(known) = known.filter(|known| known.next > 0) else { return Ok(0) };
    let Ok(last) = MessageId::parse(known.last_id.as_str()) else { return Ok(0) };
    let page = page_from(store, &place.session, known.next - 1).await?;
    let there = page.filter(|page| page.from == known.next - 1).and_then(|page| page.messages.into_iter().next());
    Ok(if there.is_some_and(|message| message.starts_with(&stored_prefix(&last))) { known.next } else { 0 })
}

/// What is archived of a session, its generations as one, from before a moment: all but the messages themselves.
async fn joined(
    env: &Env,
    store: &Store,
    place: &Place,
    before: Millis,
    newer: &Newer,
    most: u64,
) -> Result<Option<Joined>, Failure> {
    let mut kept: Vec<Kept> = run(env, &[d1::generations(place)]).await?.into_iter().flatten().collect();
    kept.retain(|kept| kept.created < before.0);
    if kept.is_empty() {
        return Ok(None);
    }
    let id = &place.session;
    store.open(|visit| {
        kept.iter_mut().try_for_each(|kept| {
            visit(Kind::Title, id, &mut kept.title)?;
            kept.metadata.as_mut().map_or(Ok(()), |metadata| visit(Kind::Metadata, id, metadata))?;
            kept.state.as_mut().map_or(Ok(()), |state| visit(Kind::State, id, state))?;
            kept.notes.texts(id, visit)
        })
    })?;
    // Some may be in several generations.
    let limit = most.saturating_mul(2).saturating_add(64);
    let mut heads: Vec<Head> = run(env, &[d1::heads(place, limit)]).await?.into_iter().flatten().collect();
    heads.retain(|head| head.created < before.0);
    Ok(join(&kept, &heads, newer, most))
}

/// The messages of some neighbours.
async fn read(
    env: &Env,
    store: &Store,
    place: &Place,
    neighbours: &[(u64, u64)],
) -> Result<Vec<(MessageId, String)>, Failure> {
    let Some((created, from)) = neighbours.first() else { return Ok(Vec::new()) };
    let read = d1::messages(place, *created, *from, neighbours.len() as u64);
    let mut rows: Vec<KeptMessage> = run(env, &[read]).await?.into_iter().flatten().collect();
    let id = &place.session;
    store.open(|visit| rows.iter_mut().try_for_each(|row| visit(Kind::Message, id, &mut row.message)))?;
    let named = |row: KeptMessage| Some((MessageId::parse(stored_id(&row.message)?).ok()?, row.message));
    Ok(rows.into_iter().filter_map(named).collect())
}

pub(super) async fn revive(
    env: &Env,
    store: &Store,
    place: &Place,
    limits: &Limits,
    newer: &Newer,
    now: Millis,
) -> Result<bool, Failure> {
    let most = limits.messages_per_session;
    let Some(joined) = joined(env, store, place, Millis(u64::MAX), newer, most).await? else { return Ok(false) };
    let (session, mut number) = (&joined.session, 0);
    loop {
        let neighbours = joined.run(number, IMPORTED_PER_CALL.0);
        let messages = read(env, store, place, neighbours).await?;
        if messages.len() < neighbours.len() {
            // It was deleted, or written anew, meanwhile.
            return Err(Failure::Archive("changed_meanwhile"));
        }
        let import = Import {
            session: place.session.clone(),
            title: session.title.clone(),
            created: session.created,
            updated: session.updated,
            flags: session.flags.clone(),
            metadata: joined.metadata.clone(),
            state: joined.state.clone(),
            notes: joined.notes.clone(),
            seal: edge::random_hex(),
            position: session.first + number as u64,
            after: Some(joined.earlier()),
            dry_run: false,
            messages,
            operation: None,
            now,
            ttl: limits.ttl,
            messages_per_session: limits.messages_per_session,
            session_bytes: limits.session_bytes,
            sessions_per_owner: limits.sessions_per_owner,
            owner_bytes: 0,
        };
        number += neighbours.len();
        if !matches!(store.run(&import).await?, Imported::Stored(_)) {
            return Ok(false);
        }
        if number >= joined.places.len() {
            return Ok(true);
        }
    }
}

/// Puts the messages of earlier generations before those of the one that is in the store.
pub(super) async fn reunite(
    env: &Env,
    store: &Store,
    place: &Place,
    limits: &Limits,
    now: Millis,
) -> Result<(), Failure> {
    let Some(details) = store.run(&Info { session: place.session.clone(), now }).await? else { return Ok(()) };
    let session = details.session;
    let newer = Newer::of(ids(store, &place.session, &session).await?);
    let room = session.first.min(limits.messages_per_session.saturating_sub(session.kept()));
    let Some(joined) = joined(env, store, place, session.created, &newer, room).await? else { return Ok(()) };
    let (mut parts, mut number) = (Vec::new(), 0);
    while number < joined.places.len() {
        parts.push(joined.run(number, IMPORTED_PER_CALL.0));
        number += parts.last().map_or(1, |part| part.len());
    }
    for (at, part) in parts.iter().enumerate().rev() {
        let messages = read(env, store, place, part).await?;
        if messages.len() < part.len() {
            return Err(Failure::Archive("changed_meanwhile"));
        }
        let is_oldest = at == 0;
        let text = |text: &String| if is_oldest { text.clone() } else { String::new() };
        let prepend = Prepend {
            session: place.session.clone(),
            created: session.created,
            title: text(&joined.session.title),
            flags: joined.session.flags.clone(),
            metadata: text(&joined.metadata),
            state: text(&joined.state),
            earlier: if is_oldest { joined.earlier() } else { 0 },
            used: if is_oldest { joined.notes.used } else { 0 },
            messages,
            now,
            ttl: limits.ttl,
            messages_per_session: limits.messages_per_session,
            session_bytes: limits.session_bytes,
        };
        if store.run(&prepend).await?.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

pub(super) async fn erase(env: &Env, place: &Place, deleted: Millis) -> Result<bool, Failure> {
    let gone: Vec<Vec<serde_json::Value>> = run(env, &d1::erase(place, deleted)).await?;
    Ok(gone.last().is_some_and(|rows| !rows.is_empty()))
}

pub(super) async fn spare(env: &Env, place: &Place) -> Result<(), Failure> {
    run::<serde_json::Value>(env, &[d1::spare(place)]).await.map(drop)
}

/// Forgets deletions from before a moment.
pub(super) async fn forget_deletions(env: &Env, before: Millis) -> Result<(), Failure> {
    run::<serde_json::Value>(env, &[d1::forget_deletions(before)]).await.map(drop)
}

/// Some of those who have sessions here.
pub(super) async fn owners(env: &Env, namespace: &str, limit: u64) -> Result<Vec<Owner>, Failure> {
    let keepers: Vec<Vec<d1::Keeper>> = run(env, &[d1::owners(namespace, limit)]).await?;
    Ok(keepers.into_iter().flatten().map(|keeper| keeper.owner).collect())
}

/// Some of the sessions of an owner.
pub(super) async fn owned(env: &Env, namespace: &str, owner: &Owner, limit: u64) -> Result<Vec<SessionId>, Failure> {
    let named: Vec<Vec<d1::Named>> = run(env, &[d1::owned(namespace, owner, limit)]).await?;
    Ok(named.into_iter().flatten().filter_map(|named| SessionId::parse(named.session_id).ok()).collect())
}

pub(super) async fn retire(env: &Env, before: Millis) -> Result<(), Failure> {
    run::<serde_json::Value>(env, &d1::retire(before)).await.map(drop)
}

/// How many rows are looked at in one page.
const LOOKED_AT: u64 = 20;

/// The sessions come first, then the messages.
pub(super) async fn reseal(
    env: &Env,
    archive: &Archive,
    words: &[String],
    only: Option<&Owner>,
    tally: &mut Tally,
) -> Result<(u64, Option<Vec<String>>), Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |digits: &str| digits.parse().unwrap_or(0);
    let namespace = archive.namespace();
    let (of_messages, asked) = match *words.as_slice() {
        ["m", owner, session, created, position] => {
            let row = (owner, session, number(created));
            (true, d1::messages_after(namespace, row, number(position), LOOKED_AT))
        }
        ["s", owner, session, created] => {
            (false, d1::sessions_after(namespace, (owner, session, number(created)), LOOKED_AT))
        }
        _ => (false, d1::sessions_after(namespace, ("", "", 0), LOOKED_AT)),
    };
    let rows: Vec<KeptTexts> = run(env, &[asked]).await?.into_iter().flatten().collect();
    let mut rewritten = Vec::new();
    for row in &rows {
        let Some((store, place)) = archive.of_row(&row.owner, &row.session_id, only) else { continue };
        for (kind, column, text) in [
            (Kind::Title, Column::Title, &row.title),
            (Kind::Metadata, Column::Metadata, &row.metadata),
            (Kind::State, Column::State, &row.state),
            (Kind::Message, Column::Message(row.position), &row.message),
        ] {
            let Some(was) = text else { continue };
            let text = anew(tally, &store, &place, kind, was);
            rewritten.extend(text.map(|text| d1::rewrite(&place, row.created, column, was, &text)));
        }
        let was = row.summary.as_deref().unwrap_or_default();
        let text = store.with_seal(|seal| tally.summary(seal, &place.session, was));
        rewritten.extend(text.map(|text| d1::rewrite(&place, row.created, Column::Summary, was, &text)));
    }
    let mut resealed = 0;
    if !rewritten.is_empty() {
        let found: Vec<Vec<serde_json::Value>> = run(env, &rewritten).await?;
        resealed = found.iter().filter(|rows| !rows.is_empty()).count() as u64;
    }
    let next = match rows.last() {
        Some(last) if rows.len() as u64 == LOOKED_AT => {
            let mut words = vec!["s".to_owned(), last.owner.clone(), last.session_id.clone(), last.created.to_string()];
            if of_messages {
                words.splice(..1, ["m".to_owned()]);
                words.push(last.position.to_string());
            }
            Some(words)
        }
        _ if of_messages => None,
        _ => Some(["m", "", "", "0", "0"].map(str::to_owned).to_vec()),
    };
    Ok((resealed, next))
}
