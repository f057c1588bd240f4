//! `POST /v1/visitors/claim`: a visitor's sessions become the user's who asks. And what the visitor sees of it meanwhile.

use super::answer::Answer;
use super::{Call, Credentials};
use crate::archive::{self, Archive};
use crate::edge;
use crate::gate;
use crate::store::Store;
use chatkeep_model::archive::generations::Newer;
use chatkeep_model::auth::cookie;
use chatkeep_model::claim::{Ended, Step, Transit, has_arrived, second_id};
use chatkeep_model::limits::{CLAIMED_PER_CALL, LIST_PAGE, Limits};
use chatkeep_model::plan::{ClaimVisitor, Info, Listed, ReadList};
use chatkeep_model::wire::ClaimResponse;
use chatkeep_model::{Code, Millis, Owner, Problem, Session, SessionId, StoreError, intake};
use std::collections::BTreeSet;

/// How long one request goes on.
const STRETCH: Millis = Millis(8_000);

pub(super) async fn claim(call: &Call<'_>, shown: &Credentials<'_>) -> Result<Answer, Problem> {
    let token = intake::claim(&call.body)?;
    let access = &call.config.access;
    let by_cookie = token.is_none();
    let owner = gate::visitor(access, shown, token.as_deref()).await?.owner();
    if !call.store.owner().is_user() {
        return Err(Problem::new(Code::Forbidden).detail("only a signed-in user claims sessions"));
    }
    let (visitor, user) = (call.store.of(owner.clone()), call.store.whole());
    let limits = &call.namespace.limits;
    // What the visitor still has in a journal would come to a session that is gone.
    visitor.drain().await?;
    let lives = access.visitors.as_ref().map_or(limits.ttl, |visitors| visitors.lives).max(limits.ttl);
    let by = Some(user.owner().clone());
    if visitor.run(&ClaimVisitor { by: None, now: call.fresh.now, lives }).await?.is_none() {
        has_room(&visitor, &user, limits).await?;
    }
    let claimed = visitor.run(&ClaimVisitor { by: by.clone(), now: call.fresh.now, lives }).await?;
    if claimed != by {
        return Err(Problem::new(Code::VisitorClaimed));
    }
    let mut answer = ClaimResponse {
        owner: user.owner().clone(),
        visitor: owner,
        moved: 0,
        left: 0,
        renamed: std::collections::BTreeMap::new(),
    };
    let archives = archives(call, &visitor, &user);
    let mut unreadable = 0;
    let carried = carry_all(&visitor, &user, limits, archives.as_ref(), &mut answer, &mut unreadable).await;
    if visitor.has_news() {
        let visitor = visitor.clone();
        call.context.wait_until(async move { visitor.tell().await });
    }
    carried?;
    // What can't be decrypted stays where it is, and is nothing to come back for.
    let left = visitor.list(&ReadList { now: edge::now(), limit: 1, cursor: None }).await?.count;
    answer.left = left.saturating_sub(unreadable);
    if let (Some(archives), 0) = (&archives, answer.left) {
        answer.left = carry_archived(&visitor, &user, limits, archives, &mut answer).await?;
    }
    let over = answer.left == 0;
    let mut response = Answer::json(&answer)?;
    if !over {
        response = response.header("retry-after", "1".to_owned());
    } else if by_cookie {
        // The visitor is nobody any more.
        response = response.header("set-cookie", cookie::clear());
    }
    Ok(response)
}

/// Whether the user may have the visitor's sessions too. Later each goes its way, whatever the user makes meanwhile.
async fn has_room(visitor: &Store, user: &Store, limits: &Limits) -> Result<(), Problem> {
    let count = ReadList { now: edge::now(), limit: 1, cursor: None };
    let theirs = visitor.list(&count).await?.count;
    if theirs > 0 && user.list(&count).await?.count + theirs > limits.sessions_per_owner {
        return Err(Problem::new(Code::TooManySessions));
    }
    Ok(())
}

/// The archives of the visitor and of the user.
fn archives(call: &Call<'_>, visitor: &Store, user: &Store) -> Option<(Archive, Archive)> {
    let archive = call.archive.as_ref()?;
    Some((archive.with_store(visitor.clone()), archive.with_store(user.clone())))
}

async fn carry_all(
    visitor: &Store,
    user: &Store,
    limits: &Limits,
    archives: Option<&(Archive, Archive)>,
    answer: &mut ClaimResponse,
    unreadable: &mut u64,
) -> Result<(), Problem> {
    let until = edge::now().after(STRETCH);
    let mut cursor = None;
    loop {
        let page = visitor.list(&ReadList { now: edge::now(), limit: LIST_PAGE.0, cursor }).await?;
        for card in page.cards {
            if answer.moved >= CLAIMED_PER_CALL || edge::now() >= until {
                return Ok(());
            }
            match carry(visitor, user, &card.id, limits, archives).await {
                Ok(Ended::Moved(target)) => {
                    answer.moved += 1;
                    visitor.forget(&card.id);
                    if target != card.id {
                        answer.renamed.insert(card.id, target);
                    }
                }
                Err(StoreError::Unreadable(_)) => *unreadable += 1,
                carried => drop(carried?),
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Carries what only the archive has of the visitor's: each comes back to the store on its way. Gives how many there still are, about; none
/// where none of them could be carried. What the user has no room for stays where it is.
async fn carry_archived(
    visitor: &Store,
    user: &Store,
    limits: &Limits,
    archives: &(Archive, Archive),
    answer: &mut ClaimResponse,
) -> Result<u64, Problem> {
    let until = edge::now().after(STRETCH);
    let count = ReadList { now: edge::now(), limit: 1, cursor: None };
    let mut room = limits.sessions_per_owner.saturating_sub(user.list(&count).await?.count);
    let mut moved = 0;
    let owned: BTreeSet<SessionId> = archives.0.owned().await?.into_iter().collect();
    for session in owned {
        if room == 0 || answer.moved >= CLAIMED_PER_CALL || edge::now() >= until {
            break;
        }
        if archives.0.revive(&session, &Newer::default(), edge::now()).await?
            && let Ended::Moved(target) = carry(visitor, user, &session, limits, Some(archives)).await?
        {
            (moved, room, answer.moved) = (moved + 1, room - 1, answer.moved + 1);
            if target != session {
                answer.renamed.insert(session, target);
            }
        }
    }
    if moved == 0 {
        return Ok(0);
    }
    Ok((archives.0.owned().await?.len() as u64).min(room))
}

/// Carries one session from the visitor to the user, or goes on with it.
async fn carry(
    visitor: &Store,
    user: &Store,
    session: &SessionId,
    limits: &Limits,
    archives: Option<&(Archive, Archive)>,
) -> Result<Ended, StoreError> {
    let now = edge::now();
    let mut transit = Transit::new(session.clone(), visitor.owner(), now, limits.ttl, limits.undo, edge::random_hex());
    loop {
        match transit.next() {
            Step::Depart(depart) => transit.departed(visitor.run(&depart).await?),
            Step::Read(read) => transit.read(visitor.run(&read).await?),
            Step::Arrive(arrive) => transit.arrived(user.run(&arrive).await?),
            Step::Leave(leave) => {
                if let Some((from, to)) = archives {
                    hand_over(from, to, session, transit.target(), now).await;
                }
                visitor.run(&leave).await?;
                transit.left();
            }
            Step::Over(ended) => return Ok(ended),
        }
    }
}

/// Has a session that has arrived archived as the user's, and no longer as the visitor's. What fails is told to the operator.
async fn hand_over(from: &Archive, to: &Archive, session: &SessionId, target: &SessionId, now: Millis) {
    let handed = async {
        to.spare(target).await?;
        to.keep(target).await?;
        from.announce(session, now).await?;
        from.erase(session, now).await.map(drop)
    };
    if let Err(failure) = handed.await {
        archive::log(&failure);
    }
}

/// The store of who has claimed a visitor's sessions.
async fn claimer(store: &Store, now: Millis) -> Result<Option<Store>, StoreError> {
    let by = store.run(&ClaimVisitor { by: None, now, lives: Millis(0) }).await?;
    Ok(by.map(|by: Owner| store.of(by)))
}

/// Whether a session that departs has arrived at the user, and so is no longer here. Of others it costs nothing to say.
pub(super) async fn has_left(call: &Call<'_>, id: &SessionId, session: &Session) -> Result<bool, StoreError> {
    if !session.flags.departing {
        return Ok(false);
    }
    let now = call.fresh.now;
    let Some(user) = claimer(&call.store, now).await? else { return Ok(false) };
    for session_id in [id.clone(), second_id(id, call.store.owner())] {
        let there = user.run(&Info { session: session_id, now }).await?;
        if has_arrived(session.created, there.as_ref()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leaves out of a list what has arrived at the user.
pub(super) async fn leave_out(call: &Call<'_>, listed: &mut Listed) -> Result<(), StoreError> {
    let departing: Vec<_> = listed.cards.iter().filter(|card| card.flags.departing).cloned().collect();
    for card in departing {
        let session = Session { created: card.created, flags: card.flags, ..Session::default() };
        if has_left(call, &card.id, &session).await? {
            listed.cards.retain(|kept| kept.id != card.id);
            listed.count = listed.count.saturating_sub(1);
        }
    }
    Ok(())
}

/// Whether a visitor's request may have failed because the session is on its way to a user.
pub(super) fn may_be_under_way(problem: &Problem) -> bool {
    matches!(problem.code, Code::SessionNotFound | Code::SessionDeleted)
}

/// Goes on with what departs from a visitor, and broke off. What fails now, the next request or claim goes on with.
pub(super) async fn go_on(store: &Store, archive: Option<Archive>, limits: &Limits) {
    let now = edge::now();
    let Ok(Some(user)) = claimer(store, now).await else { return };
    let visitor = store.whole();
    let archives = archive.map(|archive| (archive.with_store(visitor.clone()), archive.with_store(user.clone())));
    let Ok(page) = visitor.list(&ReadList { now, limit: LIST_PAGE.1, cursor: None }).await else { return };
    for card in page.cards.into_iter().filter(|card| card.flags.departing) {
        if carry(&visitor, &user, &card.id, limits, archives.as_ref()).await.is_err() {
            return;
        }
    }
}
