//! The archive in a table of questions and answers behind `PostgREST`.

use super::reseal::anew;
use super::{Archive, Failure};
use crate::edge;
use crate::pages::page_from;
use crate::store::Store;
use chatkeep_model::archive::rows::{Pair, Pairing, Request, Row, RowStore, messages};
use chatkeep_model::archive::{Place, stem};
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::plan::{Import, Imported, ReadHistory};
use chatkeep_model::records::Notes;
use chatkeep_model::reseal::Tally;
use chatkeep_model::seal::Kind;
use chatkeep_model::session::{Flags, derived_title};
use chatkeep_model::{Limits, Message, MessageId, Millis, Owner, SessionId};
use std::collections::BTreeSet;

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
        Some(_) => Err(Failure::Archive("postgrest")),
        None => Err(Failure::Archive("postgrest_unreachable")),
    }
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

pub(super) async fn keep(table: &RowStore, store: &Store, place: &Place) -> Result<(), Failure> {
    let known = send(table, table.newest(place, LOOKED_AT)).await?;
    let Some((mut next, found)) = resume(store, place, &known).await? else { return Ok(()) };
    let mut pairing = Pairing::default();
    let mut kept: Vec<String> = Vec::new();
    let mut oldest = None;
    while let Some(page) = page_from(store, &place.session, next).await? {
        next = page.from + page.messages.len() as u64;
        let said = page.messages.iter().filter_map(|text| serde_json::from_str::<Message>(text).ok());
        let mut pairs = Vec::new();
        for message in said {
            oldest.get_or_insert_with(|| message.created.clone());
            pairs.extend(pairing.pair(place, message));
        }
        let mut rows = rows_of(pairs).await;
        store.close(|visit| rows.iter_mut().try_for_each(|row| row.texts(&place.session, visit)))?;
        kept.extend(rows.iter().map(|row| row.id.clone()));
        if !rows.is_empty() {
            send(table, table.insert(&rows)).await?;
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
    Ok(())
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

pub(super) async fn revive(
    table: &RowStore,
    store: &Store,
    place: &Place,
    limits: &Limits,
    now: Millis,
) -> Result<bool, Failure> {
    let mut rows = send(table, table.newest(place, limits.messages_per_session / 2)).await?;
    store.open(|visit| rows.iter_mut().try_for_each(|row| row.texts(&place.session, visit)))?;
    let said = messages(rows);
    let Some(first) = said.first() else { return Ok(false) };
    let title = derived_title(&first.content);
    let texts: Vec<(MessageId, String)> =
        said.into_iter().filter_map(|message| Some((message.id.clone(), message.to_json().ok()?))).collect();
    let mut position = 0;
    for some in texts.chunks(HISTORY_PAGE.0 as usize) {
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
            messages: some.to_vec(),
            now,
            ttl: limits.ttl,
            messages_per_session: limits.messages_per_session,
            session_bytes: limits.session_bytes,
            sessions_per_owner: limits.sessions_per_owner,
        };
        if !matches!(store.run(&import).await?, Imported::Stored(_)) {
            return Ok(false);
        }
        position += some.len() as u64;
    }
    Ok(true)
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
