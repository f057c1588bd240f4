//! The archive in a table of questions and answers behind `PostgREST`.

use super::reseal::anew;
use super::{Archive, Failure, Said, register};
use crate::edge;
use crate::pages::{ids, page_from};
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::archive::rows::{Pair, Pairing, Request, Row, RowStore, messages};
use chatkeep_model::archive::{Place, stem};
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::plan::{Import, Imported, Info, Prepend, ReadHistory};
use chatkeep_model::records::Notes;
use chatkeep_model::reseal::Tally;
use chatkeep_model::seal::Kind;
use chatkeep_model::session::{Flags, derived_title};
use chatkeep_model::{Limits, Message, MessageId, Millis, Owner, SessionId};
use std::collections::BTreeSet;
use worker::Env;

/// How long a request may take.
const LIMIT: Millis = Millis(10_000);

/// How many rows are asked for at once, to find where archiving goes on and what a cut removed.
const LOOKED_AT: u64 = 100;

/// How many messages before the last one archived are read again: the questions of replies that came after it.
const OVERLAP: u64 = 16;

async fn send(table: &RowStore, request: Request) -> Result<Vec<Row>, Failure> {
    let Request { method, url, prefer, body } = request;
    let headers = [("apikey", table.key.as_str()), ("prefer", prefer), ("content-type", "application/json")];
    match edge::request_json(method, &url, &table.key, &headers, &body, LIMIT).await {
        Some((200..=299, body)) if body.trim().is_empty() => Ok(Vec::new()),
        Some((200..=299, body)) => serde_json::from_str(&body).map_err(|_| Failure::Archive("unexpected_reply")),
        Some((401 | 403, _)) => Err(Failure::Archive("postgrest_refuses_the_key")),
        Some((404, _)) => Err(Failure::Archive("postgrest_has_no_such_table")),
        // 22P05 for a text that PostgreSQL can't have, 23502 for a column that must be something, and the like.
        Some((400 | 409 | 413 | 422, _)) => Err(Failure::Refused("postgrest_refuses_a_row")),
        Some(_) => Err(Failure::Archive("postgrest")),
        None => Err(Failure::Archive("postgrest_unreachable")),
    }
}

/// Stores rows. Where one of them is refused the others are stored all the same.
async fn insert(table: &RowStore, rows: &[Row]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    match send(table, table.insert(rows)).await {
        Err(Failure::Refused(_)) if rows.len() > 1 => {}
        stored => return stored.map(drop),
    }
    let mut refused = None;
    for row in rows {
        match send(table, table.insert(std::slice::from_ref(row))).await {
            Err(failure @ Failure::Refused(_)) => refused = Some(failure),
            stored => drop(stored?),
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Leaves out rows of a session from before its deletion.
async fn without_deleted(env: &Env, place: &Place, rows: &mut Vec<Row>) -> Result<(), Failure> {
    if !rows.is_empty()
        && let Some(deleted) = register::find(env, register::DELETIONS, place).await?
    {
        let deleted = deleted.to_rfc3339();
        rows.retain(|row| cut_of(&row.timestamp) > cut_of(&deleted));
    }
    Ok(())
}

/// Gives pairs their rows.
async fn rows_of(pairs: Vec<Pair>) -> Vec<Row> {
    let mut rows = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let digest = edge::sha256(&pair.identity()).await;
        rows.push(pair.row(&digest));
    }
    rows
}

/// Brings a session up to date, or sends all of it `anew`. What is refused of it is said when everything else is kept.
pub(super) async fn keep(
    env: &Env,
    table: &RowStore,
    store: &Store,
    place: &Place,
    anew: bool,
) -> Result<bool, Failure> {
    let known = send(table, table.newest(place, LOOKED_AT)).await?;
    let Some((mut next, found)) = resume(store, place, &known).await? else { return Ok(false) };
    if anew {
        next = 0;
    }
    let mut pairing = Pairing::default();
    let mut kept: Vec<String> = Vec::new();
    let (mut oldest, mut refused) = (None, None);
    while let Some(page) = page_from(store, &place.session, next).await? {
        next = page.from + page.messages.len() as u64;
        let said = page.messages.iter().filter_map(|text| serde_json::from_str::<Message>(text).ok());
        let mut pairs = Vec::new();
        for message in said {
            oldest.get_or_insert_with(|| message.created.clone());
            pairs.extend(pairing.pair(place, message));
        }
        let mut rows = rows_of(pairs).await;
        without_deleted(env, place, &mut rows).await?;
        store.close(|visit| rows.iter_mut().try_for_each(|row| row.texts(&place.session, visit)))?;
        kept.extend(rows.iter().map(|row| row.id.clone()));
        match insert(table, &rows).await {
            Err(failure @ Failure::Refused(_)) => refused = Some(failure),
            stored => stored?,
        }
    }
    // The newest row isn't that of a message kept: it was cut out, perhaps with others, or everything archived has been dropped.
    if !found {
        let within = |row: &&Row| oldest.as_ref().is_some_and(|oldest| cut_of(&row.timestamp) >= cut_of(oldest));
        let cut = known.iter().filter(within).map(|row| row.id.clone()).filter(|id| !kept.contains(id));
        let cut: Vec<String> = cut.collect();
        if !cut.is_empty() {
            send(table, table.remove(&cut)).await?;
        }
    }
    drop_deleted(env, table, place, &kept).await?;
    refused.map_or(Ok(true), Err)
}

/// Removes what was kept while it was deleted.
async fn drop_deleted(env: &Env, table: &RowStore, place: &Place, kept: &[String]) -> Result<(), Failure> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut rows = send(table, table.newest(place, LOOKED_AT)).await?;
    let all: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    without_deleted(env, place, &mut rows).await?;
    let gone: Vec<String> = all.into_iter().filter(|id| rows.iter().all(|row| row.id != *id)).collect();
    if !gone.is_empty() {
        send(table, table.remove(&gone)).await?;
    }
    Ok(())
}

/// Keeps what was said, without asking the store.
pub(super) async fn keep_said(table: &RowStore, store: &Store, place: &Place, said: &Said<'_>) -> Result<(), Failure> {
    let mut pairing = Pairing::default();
    let messages = said.messages.iter().filter_map(|(_, text)| serde_json::from_str::<Message>(text).ok());
    let pairs: Vec<Pair> = messages.filter_map(|message| pairing.pair(place, message)).collect();
    let mut rows = rows_of(pairs).await;
    store.close(|visit| rows.iter_mut().try_for_each(|row| row.texts(&place.session, visit)))?;
    insert(table, &rows).await
}

/// A time to compare: to the millisecond, without its zone.
fn cut_of(timestamp: &str) -> &str {
    timestamp.get(..23).unwrap_or_else(|| timestamp.trim_end_matches('Z'))
}

/// Where archiving goes on, and whether the newest row is that of a message kept; nothing when the session isn't there.
async fn resume(store: &Store, place: &Place, known: &[Row]) -> Result<Option<(u64, bool)>, Failure> {
    let mut before = None;
    let newest = known.first();
    loop {
        let read = ReadHistory { session: place.session.clone(), now: edge::now(), limit: HISTORY_PAGE.0, before };
        let Some(page) = store.run(&read).await? else { return Ok(None) };
        let Some(newest) = newest else { return Ok(Some((page.session.first, true))) };
        for (number, text) in page.messages.iter().enumerate().rev() {
            let Ok(message) = serde_json::from_str::<Message>(text) else { continue };
            let pair = Pair { reply: message.id, row: newest.clone() };
            let digest = edge::sha256(&pair.identity()).await;
            if pair.row(&digest).id == newest.id {
                return Ok(Some(((page.from + number as u64).saturating_sub(OVERLAP), true)));
            }
        }
        before = page.next_before();
        if before.is_none() {
            return Ok(Some((page.session.first, false)));
        }
    }
}

/// What the newest rows of a conversation say, oldest first, but for those of replies that come elsewhere.
async fn read(
    env: &Env,
    table: &RowStore,
    store: &Store,
    place: &Place,
    newer: &Newer,
    limit: u64,
) -> Result<Vec<Message>, Failure> {
    let mut rows = send(table, table.newest(place, limit)).await?;
    without_deleted(env, place, &mut rows).await?;
    for reply in newer.ids() {
        let Some(row) = rows.first().cloned() else { break };
        let pair = Pair { reply: reply.clone(), row };
        let digest = edge::sha256(&pair.identity()).await;
        let id = pair.row(&digest).id;
        rows.retain(|row| row.id != id);
    }
    store.open(|visit| rows.iter_mut().try_for_each(|row| row.texts(&place.session, visit)))?;
    Ok(messages(rows))
}

fn stored(said: Vec<Message>) -> Vec<(MessageId, String)> {
    said.into_iter().filter_map(|message| Some((message.id.clone(), message.to_json().ok()?))).collect()
}

pub(super) async fn revive(
    env: &Env,
    table: &RowStore,
    store: &Store,
    place: &Place,
    limits: &Limits,
    newer: &Newer,
    now: Millis,
) -> Result<bool, Failure> {
    let said = read(env, table, store, place, newer, limits.messages_per_session / 2).await?;
    let Some(first) = said.first() else { return Ok(false) };
    let title = derived_title(&first.content);
    let mut position = 0;
    for some in stored(said).chunks(HISTORY_PAGE.0 as usize) {
        let import = Import {
            session: place.session.clone(),
            title: title.clone(),
            created: now,
            updated: now,
            flags: Flags::default(),
            metadata: String::new(),
            state: String::new(),
            notes: Notes::default(),
            seal: edge::random_hex(),
            position,
            after: None,
            dry_run: false,
            operation: None,
            messages: some.to_vec(),
            now,
            ttl: limits.ttl,
            messages_per_session: limits.messages_per_session,
            session_bytes: limits.session_bytes,
            sessions_per_owner: limits.sessions_per_owner,
            owner_bytes: 0,
        };
        if !matches!(store.run(&import).await?, Imported::Stored(_)) {
            return Ok(false);
        }
        position += some.len() as u64;
    }
    Ok(true)
}

/// Puts the rows of turns that the store doesn't have before those that it has.
pub(super) async fn reunite(
    env: &Env,
    table: &RowStore,
    store: &Store,
    place: &Place,
    limits: &Limits,
    now: Millis,
) -> Result<(), Failure> {
    let Some(details) = store.run(&Info { session: place.session.clone(), now }).await? else { return Ok(()) };
    let session = details.session;
    let newer = Newer::of(ids(store, &place.session, &session).await?);
    let room = session.first.min(limits.messages_per_session.saturating_sub(session.kept()));
    let mut said = read(env, table, store, place, &newer, room / 2).await?;
    // What came back as rows is called after them.
    said.retain(|message| !newer.ids().any(|id| *id == message.id));
    let title = said.first().map(|first| derived_title(&first.content)).unwrap_or_default();
    for some in stored(said).rchunks(HISTORY_PAGE.0 as usize) {
        let prepend = Prepend {
            session: place.session.clone(),
            created: session.created,
            title: title.clone(),
            flags: Flags::default(),
            metadata: String::new(),
            state: String::new(),
            earlier: 0,
            used: 0,
            messages: some.to_vec(),
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

pub(super) async fn erase(table: &RowStore, place: &Place) -> Result<bool, Failure> {
    #[derive(serde::Deserialize)]
    struct Gone {}
    let Request { method, url, prefer, body } = table.erase(place);
    let headers = [("apikey", table.key.as_str()), ("prefer", prefer)];
    match edge::request_json(method, &url, &table.key, &headers, &body, LIMIT).await {
        Some((200..=299, body)) => Ok(serde_json::from_str::<Vec<Gone>>(&body).is_ok_and(|gone| !gone.is_empty())),
        Some(_) => Err(Failure::Archive("postgrest")),
        None => Err(Failure::Archive("postgrest_unreachable")),
    }
}

/// Some of the sessions of an owner.
pub(super) async fn owned(
    table: &RowStore,
    namespace: &str,
    owner: &Owner,
    limit: u64,
) -> Result<Vec<SessionId>, Failure> {
    let stem = stem(namespace, owner);
    let id = |name: String| SessionId::parse(name.strip_prefix(&stem)?).ok();
    let mut sessions: Vec<SessionId> =
        names(table, table.named(&stem, limit)).await?.into_iter().filter_map(id).collect();
    sessions.dedup();
    Ok(sessions)
}

/// Some of those who have conversations in a namespace.
pub(super) async fn owners(table: &RowStore, namespace: &'static str, limit: u64) -> Result<Vec<Owner>, Failure> {
    let names = names(table, table.everyones(namespace, limit)).await?;
    let owners = names.iter().filter_map(|name| Some(Place::named(name, namespace)?.owner));
    Ok(owners.collect::<BTreeSet<_>>().into_iter().collect())
}

/// The names of conversations that a request gives.
async fn names(table: &RowStore, request: Request) -> Result<Vec<String>, Failure> {
    #[derive(serde::Deserialize)]
    struct Named {
        conversation_id: String,
    }
    let Request { method, url, prefer, body } = request;
    let headers = [("apikey", table.key.as_str()), ("prefer", prefer)];
    let Some((200..=299, body)) = edge::request_json(method, &url, &table.key, &headers, &body, LIMIT).await else {
        return Err(Failure::Archive("postgrest"));
    };
    let named: Vec<Named> = serde_json::from_str(&body).map_err(|_| Failure::Archive("unexpected_reply"))?;
    Ok(named.into_iter().map(|named| named.conversation_id).collect())
}

pub(super) async fn retire(table: &RowStore, before: Millis) -> Result<(), Failure> {
    send(table, table.retire(before)).await.map(drop)
}

/// A row's texts follow from its id, so that whoever writes it anew writes the same.
pub(super) async fn reseal(
    table: &RowStore,
    archive: &Archive,
    words: &[String],
    only: Option<&Owner>,
    tally: &mut Tally,
) -> Result<(u64, Option<Vec<String>>), Failure> {
    let rows = send(table, table.after(words.first().map(String::as_str), LOOKED_AT)).await?;
    let next = rows.last().filter(|_| rows.len() as u64 == LOOKED_AT).map(|row| vec![row.id.clone()]);
    let mut resealed = 0;
    for mut row in rows {
        let Some(place) = Place::named(&row.conversation_id, archive.namespace()) else { continue };
        let Some((store, place)) = archive.of_row(place.owner.as_str(), place.session.as_str(), only) else { continue };
        let mut changed = 0;
        for text in [&mut row.question, &mut row.answer].into_iter().chain(row.sources.iter_mut().flatten()) {
            if let Some(sealed) = anew(tally, &store, &place, Kind::Row, text) {
                *text = sealed;
                changed += 1;
            }
        }
        if changed > 0 {
            send(table, table.rewrite(&row)).await?;
            resealed += changed;
        }
    }
    Ok((resealed, next))
}
