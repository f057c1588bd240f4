//! Reading a session's messages upwards, page by page: each page ends where it is asked to and begins where its bytes allow.

use crate::edge;
use crate::store::Store;
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::message::stored_id;
use chatkeep_model::plan::{Page, ReadHistory};
use chatkeep_model::seal::Kind;
use chatkeep_model::{MessageId, Session, SessionId, StoreError};

/// The page of the messages from a position on, or from the first one kept; nothing when there are no more.
pub(crate) async fn page_from(store: &Store, id: &SessionId, next: u64) -> Result<Option<Page>, StoreError> {
    let Some(mut page) = stored_page_from(store, id, next).await? else { return Ok(None) };
    store.open(|visit| page.messages.iter_mut().try_for_each(|message| visit(Kind::Message, id, message)))?;
    Ok(Some(page))
}

/// The same page with its texts as they are stored.
pub(crate) async fn stored_page_from(store: &Store, id: &SessionId, next: u64) -> Result<Option<Page>, StoreError> {
    let limit = HISTORY_PAGE.1;
    let read = ReadHistory { session: id.clone(), now: edge::now(), limit, before: Some(next.saturating_add(limit)) };
    let Some(mut page) = store.run_as_stored(&read).await? else { return Ok(None) };
    if page.session.next <= next {
        return Ok(None);
    }
    // What it left out at its beginning comes first: about as many as it holds are likely to fit one page.
    while page.from > next.max(page.session.first) {
        let fitting = next.max(page.session.first) + page.messages.len().max(1) as u64;
        let read = ReadHistory { before: Some(fitting.min(page.from)), ..read.clone() };
        match store.run_as_stored(&read).await? {
            Some(earlier) => page = earlier,
            None => return Ok(None),
        }
    }
    let skip = usize::try_from(next.saturating_sub(page.from)).unwrap_or(usize::MAX);
    page.messages.drain(..skip.min(page.messages.len()));
    page.from = page.from.max(next);
    Ok(Some(page))
}

/// The ids of all messages that a session keeps.
pub(crate) async fn ids(store: &Store, id: &SessionId, session: &Session) -> Result<Vec<MessageId>, StoreError> {
    let (mut ids, mut next) = (Vec::new(), session.first);
    while let Some(page) = page_from(store, id, next).await? {
        next = page.from + page.messages.len() as u64;
        ids.extend(page.messages.iter().filter_map(|text| MessageId::parse(stored_id(text)?).ok()));
    }
    Ok(ids)
}
