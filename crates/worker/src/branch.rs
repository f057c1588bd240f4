//! What moves inside the store where sessions are encrypted, and so has to be sealed anew on its way: a branch of a session.

use crate::pages::page_from;
use crate::store::Store;
use chatkeep_model::limits::IMPORTED_PER_CALL;
use chatkeep_model::message::{stored_id, stored_prefix};
use chatkeep_model::plan::{Fork, Forked, Import, Imported, Info, ReadState, Stated};
use chatkeep_model::session::Flags;
use chatkeep_model::{MessageId, StoreError};

/// Branches a session by reading and importing it, for its texts are bound to it. Repeating changes nothing. A branch of more
/// messages than one import takes is there before all of them are.
pub(crate) async fn fork(store: &Store, fork: &Fork) -> Result<Forked, StoreError> {
    let (source, now) = (&fork.source, fork.now);
    let Some(details) = store.run(&Info { session: source.clone(), now }).await? else { return Ok(Forked::Absent) };
    let to = match &fork.at {
        None => details.session.next,
        Some(at) => match place_of(store, fork, at).await? {
            Some(position) => position + 1,
            None => return Ok(Forked::Unknown),
        },
    };
    let state = match store.run(&ReadState { sessions: vec![source.clone()], now }).await?.pop() {
        Some(Stated::State(_, json)) => json,
        _ => String::new(),
    };
    let title = if fork.title.is_empty() { details.session.title.clone() } else { fork.title.clone() };
    let first = details.session.first;
    let mut next = first;
    loop {
        let mut messages = Vec::new();
        let mut bytes = 0;
        if next < to
            && let Some(page) = page_from(store, source, next).await?
        {
            // What was dropped meanwhile leaves a gap, which the import would refuse.
            next = page.from;
            for message in page.messages.into_iter().take(usize::try_from(to.saturating_sub(next)).unwrap_or(0)) {
                bytes += message.len();
                let full = messages.len() == IMPORTED_PER_CALL.0 || bytes > IMPORTED_PER_CALL.1;
                if full && !messages.is_empty() {
                    break;
                }
                let id = stored_id(&message).and_then(|id| MessageId::parse(id).ok());
                messages.push((id.ok_or(StoreError::UnexpectedReply)?, message));
            }
        }
        let count = messages.len() as u64;
        let import = Import {
            session: fork.target.clone(),
            title: title.clone(),
            created: now,
            updated: now,
            flags: Flags { user: details.session.flags.user.clone(), ..Flags::default() },
            metadata: details.metadata.clone().unwrap_or_default(),
            state: state.clone(),
            notes: details.notes.of_branch(&details.session, to).renumbered(first),
            seal: fork.seal.clone(),
            position: next - first,
            after: None,
            dry_run: false,
            operation: Some((fork.operation.clone(), fork.fingerprint.clone())),
            messages,
            now,
            ttl: fork.ttl,
            messages_per_session: 1 << 53,
            session_bytes: 1 << 53,
            sessions_per_owner: fork.sessions_per_owner,
            owner_bytes: fork.owner_bytes,
        };
        next += count;
        match store.run(&import).await? {
            Imported::Stored(session) if next >= to || count == 0 => return Ok(Forked::Created(session)),
            Imported::Stored(_) => {}
            Imported::Conflict | Imported::Gap | Imported::Exists => return Ok(Forked::Exists),
            Imported::Deleted => return Ok(Forked::Deleted),
            Imported::Full => return Ok(Forked::Full),
            Imported::Mismatch => return Ok(Forked::Mismatch),
            Imported::StorageFull => return Ok(Forked::StorageFull),
        }
    }
}

/// Where the message is at which the session is branched; the newest, should there be several.
async fn place_of(store: &Store, fork: &Fork, at: &MessageId) -> Result<Option<u64>, StoreError> {
    let (mut next, mut found) = (0, None);
    while let Some(page) = page_from(store, &fork.source, next).await? {
        let here = page.messages.iter().rposition(|message| message.starts_with(&stored_prefix(at)));
        found = here.map(|number| page.from + number as u64).or(found);
        next = page.from + page.messages.len() as u64;
    }
    Ok(found)
}
