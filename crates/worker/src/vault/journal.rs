//! The vault's journal: it takes an owner's operations while Redis can't, and replays them into it.

use super::entries::Entries;
use super::replayed::Replayed;
use super::schedule::{Kind, Schedule};
use super::sqlite::Sqlite;
use crate::edge::{in_transaction, now, wait_for};
use crate::store::upstash;
use crate::watch::of_store;
use chatkeep_model::config::{Config, Upstash};
use chatkeep_model::error::Outage;
use chatkeep_model::journal::{self, Accepted, Entry, Handed, Ledger, Seed, Settled, Step, Taken, replay};
use chatkeep_model::limits::{JOURNAL_BYTES, JOURNALED_ENTRIES, SEEDED_MESSAGES};
use chatkeep_model::observe::Level;
use chatkeep_model::plan::{Info, ReadHistory, ReadList, ReadState, Stated, directory, record};
use chatkeep_model::redis::Keys;
use chatkeep_model::{Millis, Operation, SessionId, StoreError, TurnId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use worker::wasm_bindgen::JsValue;
use worker::{Env, Error, Result, SqlStorage, Storage};

/// The first pause before a replay by the alarm, and the longest.
const PAUSE: (u64, u64) = (1_000, 30_000);

/// How long a request waits for the journal to be drained before it is taken into it, and how long one drain goes on.
const PATIENCE: Millis = Millis(300);
const STRETCH: Millis = Millis(20_000);

/// An entry that Redis answers in an unknown way so often is set aside: it would hold up all others.
const TRIES: u32 = 10;

/// See the module.
pub(super) struct Journal {
    pub(super) env: Env,
    pub(super) config: Option<Rc<Config>>,
    pub(super) entries: Entries,
    storage: Storage,
    overlay: RefCell<Sqlite>,
    schedule: Schedule,
    prepared: Cell<bool>,
    /// The drain that runs: a promise that is kept when it ends.
    draining: RefCell<Option<js_sys::Promise>>,
    /// How the last one ended.
    ended: RefCell<Drained>,
    /// Failed replays by the alarm in a row.
    failures: Cell<u32>,
    /// The entry that Redis answered in an unknown way, and how often.
    unknown: Cell<(u64, u32)>,
}

/// How a drain ended.
#[derive(Debug, Clone, Default)]
enum Drained {
    /// The journal is empty.
    #[default]
    Empty,
    /// Redis can't take more.
    Stopped(StoreError),
    /// It takes longer.
    Unfinished,
}

impl Journal {
    pub(super) fn new(
        env: Env,
        config: Option<Rc<Config>>,
        sql: SqlStorage,
        storage: Storage,
        schedule: Schedule,
    ) -> Rc<Self> {
        Rc::new(Self {
            env,
            config,
            overlay: RefCell::new(Sqlite::new(sql.clone(), "overlay_")),
            entries: Entries::new(sql),
            storage,
            schedule,
            prepared: Cell::new(false),
            draining: RefCell::default(),
            ended: RefCell::default(),
            failures: Cell::new(0),
            unknown: Cell::new((0, 0)),
        })
    }

    /// Takes an operation, unless Redis can.
    pub(super) async fn take(self: &Rc<Self>, handed: Handed) -> Result<Taken> {
        self.prepare()?;
        self.entries.introduce(&handed)?;
        let mut away = handed.away.clone();
        if away.is_none() {
            if self.depth()? > 0 {
                self.drain_within(PATIENCE).await?;
            }
            match (self.depth()?, self.ended.borrow().clone()) {
                (0, _) => return Ok(Taken::Drained),
                (_, Drained::Stopped(StoreError::Unavailable(outage))) => away = Some(outage.as_str().to_owned()),
                (_, Drained::Stopped(error)) => return Ok(Taken::Refused(error.cause().to_owned())),
                _ => {}
            }
        }
        let outage = away.as_deref().and_then(Outage::parse);
        let reads = outage.is_some_and(Outage::refuses_writes_only);
        if reads && handed.operation == ReadList::NAME {
            return self.list(&handed, away).await;
        }
        let seed = if reads { self.seed(&handed).await? } else { None };
        let seed = seed.map(|seed| seed.or_turn_of(handed.seed.as_ref()));
        if journal::is_bounded(&handed.operation) && self.is_full(handed.json.len() as u64)? {
            return Ok(Taken::Full);
        }
        let accepted = in_transaction(self.storage.as_raw(), || {
            let before = self.entries.last_position()?;
            let mut overlay = self.overlay.borrow_mut();
            if self.depth()? == 0 {
                // What was known when nothing was taken is from before, and may not be true any more.
                overlay.clear()?;
            }
            let seed = seed.as_ref().or(handed.seed.as_ref());
            let accepted = journal::accept(&handed.operation, &handed.json, seed, &mut *overlay)
                .map_err(|error| error.unwrap_or_else(|| Error::RustError("not an operation".to_owned())))?;
            if self.entries.last_position()? > before && !self.schedule.has(Kind::Replay, "")? {
                self.schedule.set(Kind::Replay, "", now().after(Millis(PAUSE.0)))?;
            }
            Ok::<_, Error>(accepted)
        })?;
        self.schedule.arm(&self.storage).await?;
        match accepted {
            Accepted::Outcome(json) => self.taken(json, away),
            Accepted::Unknown => Ok(Taken::Unknown { away }),
        }
    }

    /// The list of a Redis that still reads, with what the overlay knows better.
    async fn list(&self, handed: &Handed, away: Option<String>) -> Result<Taken> {
        let (Some(upstash), true) =
            (self.config.as_ref().and_then(|config| config.upstash.as_ref()), self.depth()? > 0)
        else {
            return Ok(Taken::Direct);
        };
        let asked: ReadList = serde_json::from_str(&handed.json)?;
        let Ok(page) = read(upstash, &Keys::new(&handed.prefix, &handed.owner), &asked).await else {
            return Ok(Taken::Unknown { away });
        };
        let merged = journal::merged(&asked, page, &mut *self.overlay.borrow_mut())?;
        self.taken(serde_json::to_string(&merged)?, away)
    }

    fn taken(&self, json: String, away: Option<String>) -> Result<Taken> {
        let marker = format!("{}.{}", self.entries.id()?, self.entries.last_position()?);
        Ok(Taken::Outcome { json, marker, depth: self.depth()?, away })
    }

    /// Replays what there is, waiting no longer than this. Says how many entries are left.
    pub(super) async fn replay_within(self: &Rc<Self>, patience: Millis) -> Result<u64> {
        self.prepare()?;
        if self.depth()? > 0 {
            self.drain_within(patience).await?;
        }
        self.depth()
    }

    /// The alarm's part: replays, and comes again later where something is left.
    pub(super) async fn ring(self: &Rc<Self>) -> Result<()> {
        self.replay_within(STRETCH).await?;
        if self.depth()? == 0 {
            self.failures.set(0);
            return self.schedule.cancel(Kind::Replay, "");
        }
        let failures = match *self.ended.borrow() {
            Drained::Stopped(_) => self.failures.get().saturating_add(1),
            _ => 0,
        };
        self.failures.set(failures);
        let pause = PAUSE.0.saturating_mul(1 << failures.min(10)).min(PAUSE.1);
        self.schedule.set(Kind::Replay, "", now().after(Millis(pause)))
    }

    /// Waits for the drain that runs, or starts one.
    async fn drain_within(self: &Rc<Self>, patience: Millis) -> Result<()> {
        let running = self.draining.borrow().clone();
        let promise = running.unwrap_or_else(|| {
            *self.ended.borrow_mut() = Drained::Unfinished;
            let this = Rc::clone(self);
            let promise = wasm_bindgen_futures::future_to_promise(async move {
                let ended = this.drain(now().after(STRETCH)).await;
                this.draining.borrow_mut().take();
                *this.ended.borrow_mut() = ended?;
                Ok(JsValue::UNDEFINED)
            });
            *self.draining.borrow_mut() = Some(promise.clone());
            promise
        });
        wait_for(&promise, patience).await?;
        Ok(())
    }

    async fn drain(&self, until: Millis) -> Result<Drained> {
        let Some(upstash) = self.config.as_ref().and_then(|config| config.upstash.as_ref()) else {
            return Ok(Drained::Stopped(StoreError::Misconfigured("no_upstash")));
        };
        let Some(about) = self.entries.about()? else { return Ok(Drained::Empty) };
        let keys = Keys::new(&about.prefix, &about.owner);
        let archive = self.archive(&about);
        let mut replayed = false;
        let mut batch = Replayed::default();
        loop {
            let Some(entry) = self.entries.after(batch.position())? else {
                if let Some(error) = self.confirm_all(archive.as_ref(), &mut batch).await? {
                    return Ok(Drained::Stopped(error));
                }
                if replayed {
                    let note = directory::note(&about.prefix, &about.owner, now(), about.ttl);
                    let _ = upstash::send(upstash, &upstash::Link::default(), &note).await;
                }
                // While that was sent another may have come, or what was replayed was lost.
                if self.depth()? == 0 {
                    return Ok(Drained::Empty);
                }
                continue;
            };
            if now() > until {
                let stopped = self.confirm_all(archive.as_ref(), &mut batch).await?;
                return Ok(stopped.map_or(Drained::Unfinished, Drained::Stopped));
            }
            let sent = match self.recall(archive.as_ref(), &entry, &mut batch).await? {
                Ok(()) => self.replay(upstash, &entry, &about.id, &keys).await,
                Err(error) => Err(error),
            };
            match sent {
                Ok(dropped) => {
                    replayed = true;
                    batch.push(entry, dropped);
                    if batch.is_due(archive.as_ref())
                        && let Some(error) = self.confirm_all(archive.as_ref(), &mut batch).await?
                    {
                        return Ok(Drained::Stopped(error));
                    }
                }
                Err(error) => {
                    self.confirm_all(archive.as_ref(), &mut batch).await?;
                    return Ok(Drained::Stopped(error));
                }
            }
        }
    }

    /// Sends an entry until it is settled. Gives the reason for which Redis does not take it.
    async fn replay(
        &self,
        upstash: &Upstash,
        entry: &Entry,
        id: &str,
        keys: &Keys,
    ) -> std::result::Result<Option<&'static str>, StoreError> {
        let mut step = Step::default();
        loop {
            let Some(call) = replay::call(entry, step, id, keys) else { return Ok(Some("not_an_entry")) };
            let settled = match upstash::send(upstash, &upstash::Link::default(), &call).await {
                Ok(reply) => replay::settle(entry, step, reply).map_err(StoreError::from),
                Err(error) => Err(error),
            };
            match settled {
                Ok(Settled::Done) => return Ok(None),
                Ok(Settled::Dropped(cause)) => return Ok(Some(cause)),
                Ok(Settled::Again(next)) => step = next,
                Err(StoreError::TooLarge) => return Ok(Some("too_large")),
                Err(StoreError::UnexpectedReply) => {
                    let (position, times) = self.unknown.get();
                    let times = if position == entry.position { times + 1 } else { 1 };
                    self.unknown.set((entry.position, times));
                    return if times >= TRIES {
                        Ok(Some("unexpected_reply"))
                    } else {
                        Err(StoreError::UnexpectedReply)
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes an entry that Redis has, or will not have; with the last one goes what the overlay knew.
    pub(super) fn confirm(&self, entry: &Entry, dropped: Option<&'static str>) -> Result<()> {
        if let Some(cause) = dropped {
            let detail = format!("{}: {cause}", entry.operation);
            of_store(
                Level::Warn,
                "journal_entry_dropped",
                "An operation of an outage could not be replayed",
                Some(&detail),
            );
        }
        in_transaction(self.storage.as_raw(), || {
            self.entries.remove(entry)?;
            if self.depth()? == 0 {
                self.overlay.borrow_mut().clear()?;
            }
            Ok(())
        })
    }

    /// What Redis, which still reads, knows of the session of an operation and of the operation itself. Of a session that the
    /// overlay knows it is only asked for the operation.
    async fn seed(&self, handed: &Handed) -> Result<Option<Seed>> {
        let (Some(upstash), Some(id)) =
            (self.config.as_ref().and_then(|config| config.upstash.as_ref()), handed.session())
        else {
            return Ok(None);
        };
        let keys = Keys::new(&handed.prefix, &handed.owner);
        let turn = match handed.record_id() {
            Some(turn) => match read_record(upstash, &keys, &id, turn).await {
                Ok(turn) => turn,
                Err(_) => return Ok(None),
            },
            None => None,
        };
        if self.depth()? > 0 && self.overlay.borrow_mut().base(&id)?.is_some() {
            return Ok(turn.map(|turn| Seed { turn: Some(turn), ..handed.seed.clone().unwrap_or_default() }));
        }
        Ok(read_seed(upstash, &keys, id).await.ok().map(|seed| Seed { turn, ..seed }))
    }

    fn prepare(&self) -> Result<()> {
        if !self.prepared.get() {
            self.entries.prepare()?;
            self.overlay.borrow_mut().prepare()?;
            self.schedule.prepare()?;
            self.prepared.set(true);
        }
        Ok(())
    }

    /// Whether there is no room for an entry of so many bytes.
    fn is_full(&self, bytes: u64) -> Result<bool> {
        let depth = self.depth()?;
        let most = self.config.as_ref().map_or(JOURNAL_BYTES, |config| config.journal_bytes);
        Ok(depth >= JOURNALED_ENTRIES || (depth > 0 && self.entries.bytes()? + bytes > most))
    }

    /// How many entries there are.
    fn depth(&self) -> Result<u64> {
        self.entries.depth()
    }
}

async fn read_seed(upstash: &Upstash, keys: &Keys, session: SessionId) -> std::result::Result<Seed, StoreError> {
    let now = now();
    let Some(details) = read(upstash, keys, &Info { session: session.clone(), now }).await? else {
        return Ok(Seed { certain: true, ..Seed::default() });
    };
    let history = ReadHistory { session: session.clone(), now, limit: SEEDED_MESSAGES, before: None };
    let page = read(upstash, keys, &history).await?;
    let state = match read(upstash, keys, &ReadState { sessions: vec![session], now }).await?.pop() {
        Some(Stated::State(tag, json)) => Some((tag.revision, json)),
        _ => None,
    };
    let session = page.as_ref().map_or(details.session, |page| page.session.clone());
    let messages = page.map(|page| page.messages).unwrap_or_default();
    Ok(Seed { certain: true, session: Some(session), messages, metadata: details.metadata, state, ..Seed::default() })
}

/// The record of a turn or an operation, in the form that every store has.
async fn read_record(
    upstash: &Upstash,
    keys: &Keys,
    session: &SessionId,
    turn: TurnId,
) -> std::result::Result<Option<(TurnId, String)>, StoreError> {
    let reply = upstash::send(upstash, &upstash::Link::default(), &record::call(keys, session, &turn)).await?;
    let stored = record::decode(&turn, &reply).map(|record| record.to_string());
    Ok(stored.map(|stored| (turn, stored)))
}

async fn read<O: Operation>(
    upstash: &Upstash,
    keys: &Keys,
    operation: &O,
) -> std::result::Result<O::Outcome, StoreError> {
    let (link, expected_bytes) = (upstash::Link::default(), operation.read_size().expected_bytes(false));
    let reply = upstash::send_expecting(upstash, &link, &operation.call(keys), expected_bytes).await?;
    Ok(operation.decode(reply)?)
}
