//! `POST /v1/admin/reseal`: seals with the first key what is not sealed with it, so that an old key can be taken out.
//!
//! The sessions that the store has come first, then all that the archive has. What was changed between its reading and its sealing is
//! left alone: who changed it sealed it.

use super::super::Call;
use super::super::answer::Answer;
use super::{owner, walk};
use crate::census::Walk;
use crate::edge::now;
use crate::store::Store;
use chatkeep_model::limits::HISTORY_PAGE;
use chatkeep_model::plan::{Anew, Info, ReadHistory, ReadState, Reseal, Stated};
use chatkeep_model::reseal::{Cursor, Tally, calls};
use chatkeep_model::wire::Resealed;
use chatkeep_model::{Code, Millis, Owner, Problem, SessionId, StoreError};

/// How many sessions are asked for at once: those of a page that are not come to are asked for again.
const PAGE: u64 = 20;

/// How long one request goes on.
const STRETCH: Millis = Millis(5_000);

/// How often one request asks the store, about, and at most: the platform lets it ask only so often.
const QUESTIONS: (u64, u64) = (200, 800);

/// How much one request does, and what came of it.
struct Job {
    until: Millis,
    most: u64,
    questions: u64,
    /// Something is done that the next request need not do.
    is_further: bool,
    ttl: Millis,
    tally: Tally,
    resealed: u64,
}

pub(in super::super) async fn reseal(call: &Call<'_>) -> Result<Answer, Problem> {
    let began = call.fresh.now;
    let ttl = call.namespace.limits.ttl;
    let most = call.query.number("limit", 1..=QUESTIONS.1)?.unwrap_or(QUESTIONS.0);
    let (until, tally) = (began.after(STRETCH), Tally::default());
    let mut job = Job { until, most, questions: 0, is_further: false, ttl, tally, resealed: 0 };
    let only = owner(call)?;
    let given = given(call)?;
    let is_archive = matches!(given, Some(Cursor::Archive(_)));
    let next = match given {
        Some(Cursor::Archive(words)) => archived(call, &mut job, words, only.as_ref()).await?,
        Some(Cursor::Live(place, inside)) => live(&mut job, Walk::from(&call.store, place), inside).await?,
        None => live(&mut job, walk(call)?, None).await?,
    };
    let next = match next {
        None if call.archive.is_some() && !is_archive => Some(Cursor::Archive(Vec::new())),
        next => next,
    };
    let Tally { seen, unreadable } = job.tally;
    let next_cursor = next.map(|cursor| cursor.to_text());
    Answer::json(&Resealed { seen, resealed: job.resealed, unreadable, next_cursor })
}

/// The place that the query names.
fn given(call: &Call<'_>) -> Result<Option<Cursor>, Problem> {
    let wrong = || Problem::new(Code::InvalidParameter).detail("cursor is one that an answer gave");
    call.query.get("cursor").map(|text| Cursor::parse(&text).ok_or_else(wrong)).transpose()
}

/// Goes through live sessions, `inside` one that is half done first; gives where to go on.
async fn live(job: &mut Job, walk: Walk, mut inside: Option<(SessionId, u64)>) -> Result<Option<Cursor>, StoreError> {
    let mut walk = walk.by(PAGE);
    // The last session of this owner's that is done.
    let mut done = walk.place().inside.clone();
    loop {
        if job.is_over() {
            return Ok(walk.cursor().map(|place| Cursor::Live(place.clone(), None)));
        }
        job.questions += 1;
        let Some(page) = walk.next().await? else { return Ok(None) };
        if page.is_first {
            done = None;
        }
        job.is_further |= page.sessions.is_empty();
        for (place, _) in page.sessions {
            let before = inside.take_if(|(session, _)| *session == place.id).map(|(_, before)| before);
            let left =
                if job.is_over() { Some(before) } else { job.session(&page.store, &place.id, before).await?.map(Some) };
            if let Some(before) = left {
                return Ok(Some(Cursor::inside(walk.place(), done.as_ref(), &place.id, before)));
            }
            (done, job.is_further) = (Some(place), true);
        }
    }
}

/// Goes through what the archive has.
async fn archived(
    call: &Call<'_>,
    job: &mut Job,
    words: Vec<String>,
    only: Option<&Owner>,
) -> Result<Option<Cursor>, Problem> {
    let Some(archive) = &call.archive else { return Ok(None) };
    let mut words = words;
    while !job.is_over() {
        job.questions += 10;
        let (resealed, next) = archive.reseal(&words, only, &mut job.tally).await?;
        (job.resealed, job.is_further) = (job.resealed + resealed, true);
        match next {
            Some(next) => words = next,
            None => return Ok(None),
        }
    }
    Ok(Some(Cursor::Archive(words)))
}

impl Job {
    fn is_over(&self) -> bool {
        self.is_further && (self.questions >= self.most || now() >= self.until)
    }

    /// Does a session, or of one that is half done the messages before a position. Gives a position where it did not get through.
    async fn session(&mut self, store: &Store, id: &SessionId, before: Option<u64>) -> Result<Option<u64>, StoreError> {
        if before.is_none() {
            self.questions += 2;
            let (session, now) = (id.clone(), now());
            let Some(details) = store.run_as_stored(&Info { session, now }).await? else { return Ok(None) };
            let stated = store.run_as_stored(&ReadState { sessions: vec![id.clone()], now }).await?.pop();
            let stated = stated.unwrap_or(Stated::Absent);
            let texts = store.with_seal(|seal| self.tally.details(seal, id, &details, &stated));
            self.put(store, id, texts).await?;
        }
        let mut read = ReadHistory { session: id.clone(), now: now(), limit: HISTORY_PAGE.0, before };
        loop {
            self.questions += 1;
            let Some(page) = store.run_as_stored(&read).await? else { return Ok(None) };
            let texts = store.with_seal(|seal| self.tally.messages(seal, id, &page));
            self.put(store, id, texts).await?;
            self.is_further = true;
            read = ReadHistory { now: now(), before: page.next_before(), ..read };
            if read.before.is_none() || self.is_over() {
                return Ok(read.before);
            }
        }
    }

    async fn put(&mut self, store: &Store, id: &SessionId, texts: Vec<Anew>) -> Result<(), StoreError> {
        for texts in calls(texts) {
            self.questions += 1;
            self.resealed +=
                store.run_as_stored(&Reseal { session: id.clone(), texts, now: now(), ttl: self.ttl }).await?;
        }
        Ok(())
    }
}
