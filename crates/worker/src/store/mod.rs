//! The stores behind one interface: run an operation for an owner.

mod deployment;
mod embedded;
pub(crate) mod journaled;
mod moved;
mod moving;
mod owners;
mod reads;
mod remembered;
mod telling;
mod timing;
pub(crate) mod upstash;

pub(crate) use deployment::{activity, figures, hand_over, lines, redis_figures};
pub(crate) use embedded::ask_register;

use crate::edge::now;
use crate::seal;
use crate::vault::ask::{Ask, RunTurn};
use crate::watch::Watch;
use chatkeep_model::config::{Config, Upstash};
use chatkeep_model::error::Outage;
use chatkeep_model::journal::{Handed, Seed, Taken};
use chatkeep_model::large_reads::ReadSize;
use chatkeep_model::plan::{Append, BeginTurn};
use chatkeep_model::redis::{Call, Keys, Reply};
use chatkeep_model::seal::{Seal, Unreadable, Visit};
use chatkeep_model::stream::Wire;
use chatkeep_model::wire::Raw;
use chatkeep_model::{Millis, Namespace, Operation, Owner, SessionId, StoreError};
use chatkeep_seal::Keys as Keyring;
use journaled::Marker;
use reads::LargeRead;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
pub(crate) use telling::Telling;
use timing::Timing;
use upstash::Link;
use worker::Env;

/// The header by which a client learns, and then says, that something of it is in the journal.
const JOURNAL: &str = "chatkeep-journal";

/// What it answers.
enum Answer {
    Reply(Reply),
    Outcome(String),
}

/// The store of one request: which it is, and whose sessions of which namespace it may touch.
#[derive(Clone)]
pub(crate) struct Store {
    config: Rc<Config>,
    namespace: Rc<Namespace>,
    env: Env,
    owner: Owner,
    link: Link,
    watch: Rc<Watch>,
    marker: Rc<RefCell<Marker>>,
    timing: Rc<Timing>,
    /// Never goes by the journal: what asks for everything is not served with a part of it.
    whole: bool,
    /// Asks Redis and nobody else: for the vault that replays its journal.
    direct: bool,
    telling: Telling,
    /// Whether somebody is to be told; on the vault it says so itself.
    is_heard: Rc<Cell<bool>>,
}

impl Store {
    pub(crate) fn new(
        config: Rc<Config>,
        namespace: Rc<Namespace>,
        env: Env,
        owner: Owner,
        sync_token: Option<String>,
        journal: Option<&str>,
        watch: Rc<Watch>,
    ) -> Self {
        let marker = Rc::new(RefCell::new(Marker::of_request(journal)));
        let sync_token = RefCell::new(sync_token.unwrap_or_default());
        let link = Link { sync_token, traceparent: watch.traceparent(), reply_bytes: Cell::default() };
        let (telling, is_heard) = (Telling::default(), Rc::new(Cell::new(config.upstash.is_some())));
        let timing = Rc::default();
        Self {
            config,
            namespace,
            env,
            owner,
            link,
            watch,
            marker,
            timing,
            whole: false,
            direct: false,
            telling,
            is_heard,
        }
    }

    /// This store, for what asks for everything that there is.
    pub(crate) fn whole(&self) -> Self {
        Self { whole: true, ..self.clone() }
    }

    /// This store, for the vault that replays its journal: Redis alone.
    pub(crate) fn direct(&self) -> Self {
        Self { direct: true, ..self.whole() }
    }

    /// The store of another owner: for an operator's request, or for a claim. A journal that the owner may have is replayed first.
    pub(crate) fn of(&self, owner: Owner) -> Self {
        // Its changes are the news of its own owner.
        let telling = match self.telling {
            Telling::Nobody => Telling::Nobody,
            _ => Telling::Later(Rc::default()),
        };
        let is_heard = Rc::new(Cell::new(self.config.upstash.is_some()));
        let marker = Rc::new(RefCell::new(Marker::of_request(None)));
        Self { owner, marker, whole: true, telling, is_heard, ..self.clone() }
    }

    /// Sees to it that nothing of the owner's waits in a journal.
    ///
    /// # Errors
    /// Redis can't take it now.
    pub(crate) async fn drain(&self) -> Result<(), StoreError> {
        if self.config.upstash.is_none() {
            return Ok(());
        }
        let left = embedded::replay(&self.env, &self.namespace.prefix, &self.owner, PATIENCE).await?;
        if left == 0 { Ok(()) } else { Err(StoreError::Unavailable(Outage::Network)) }
    }

    /// Runs an operation. Little of this is generic: each operation has its own copy of what is.
    pub(crate) async fn run<O: Operation>(&self, operation: &O) -> Result<O::Outcome, StoreError> {
        self.run_seeded(operation, &|| None).await
    }

    /// Runs an operation; `seed` says what the caller knows of its session, should Redis not be there.
    pub(crate) async fn run_seeded<O: Operation>(
        &self,
        operation: &O,
        seed: &dyn Fn() -> Option<Seed>,
    ) -> Result<O::Outcome, StoreError> {
        let keys = seal::cipher(&self.config);
        let seal = self.seal(&keys);
        let mut sealed = None;
        if seal.is_on() {
            let mut copy = operation.clone();
            copy.texts(&mut |kind, session, text| seal.close(kind, session, text))?;
            sealed = Some(copy);
        }
        let sent = sealed.as_ref().unwrap_or(operation);
        let mut outcome = self.run_as_it_is(sent, seed).await?;
        let told = sent.told(&mut outcome, &mut |kind, session, text| seal.open(kind, session, text));
        told.map_err(seal::failed)?;
        if self.is_heard.get() && !matches!(self.telling, Telling::Nobody) {
            self.telling.take(operation.changes(&outcome));
        }
        Ok(outcome)
    }

    /// Lists what has many texts. One that can't be decrypted is empty in the outcome, and counted, so that the others are shown.
    pub(crate) async fn list<O: Operation>(&self, operation: &O) -> Result<O::Outcome, StoreError> {
        let mut outcome = self.run_as_stored(operation).await?;
        let keys = seal::cipher(&self.config);
        let seal = self.seal(&keys);
        operation.told(&mut outcome, &mut |kind, session, text| {
            if let Err(cause) = seal.open(kind, session, text) {
                seal::failed(cause);
                text.clear();
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    /// Runs an operation with the texts that it has, and gives those that are stored: none is sealed or opened on the way.
    pub(crate) async fn run_as_stored<O: Operation>(&self, operation: &O) -> Result<O::Outcome, StoreError> {
        self.run_as_it_is(operation, &|| None).await
    }

    async fn run_as_it_is<O: Operation>(
        &self,
        sent: &O,
        seed: &dyn Fn() -> Option<Seed>,
    ) -> Result<O::Outcome, StoreError> {
        let json = || serde_json::to_string(sent).map_err(|_| StoreError::UnexpectedReply);
        let size = sent.read_size();
        let read = self.large_read(size);
        let place = match &read {
            Some(read) => Some(read.begin(!self.whole).await?),
            None => None,
        };
        let expected_bytes = place.as_ref().map_or(size.expected_bytes(false), |place| place.expected_bytes);
        let began = now();
        let answer = match &self.config.upstash {
            Some(upstash) => {
                let call = || sent.call(&Keys::new(&self.namespace.prefix, &self.owner));
                self.ask(upstash, &call, expected_bytes, O::NAME, &json, seed).await
            }
            None => {
                let question = format!("{}\n{}", O::NAME, json()?);
                let prefix = &self.namespace.prefix;
                let ran = embedded::run(&self.env, prefix, &self.owner, &question).await;
                ran.map(|(outcome, heard)| {
                    self.is_heard.set(heard);
                    Answer::Outcome(outcome)
                })
            }
        };
        let took = now().since(began);
        if let (Some(read), Some(place)) = (&read, &place) {
            read.finish(place, self.reply_bytes(&answer));
        }
        self.timing.asked_store(took);
        self.watch.stored(O::NAME, took, &answer);
        match answer? {
            Answer::Reply(reply) => Ok(sent.decode(reply)?),
            Answer::Outcome(json) => serde_json::from_str(&json).map_err(|_| StoreError::UnexpectedReply),
        }
    }

    /// A read of this store that may become large, of somebody who has a budget for such: the application itself has none.
    fn large_read(&self, size: ReadSize) -> Option<LargeRead<'_>> {
        let is_one = size != ReadSize::Small && self.owner != Owner::app();
        is_one.then(|| LargeRead { owner: &self.owner, size, rate: self.config.rates.large_reads })
    }

    /// Whether the owner may begin to read all that it has.
    ///
    /// # Errors
    /// [`StoreError::TooManyReads`] when it has read too much.
    pub(crate) fn check_reads(&self) -> Result<(), StoreError> {
        if self.owner == Owner::app() { Ok(()) } else { reads::check(&self.owner, self.config.rates.large_reads) }
    }

    /// The bytes of the reply; none where it didn't come in time, which its size may be the reason for.
    fn reply_bytes(&self, answer: &Result<Answer, StoreError>) -> Option<usize> {
        match answer {
            Ok(Answer::Reply(_)) => Some(self.link.reply_bytes.get()),
            Ok(Answer::Outcome(json)) => Some(json.len()),
            Err(StoreError::Unavailable(Outage::Timeout)) => None,
            Err(_) => Some(0),
        }
    }

    /// Does something with what seals and opens this owner's texts.
    pub(crate) fn with_seal<T>(&self, work: impl FnOnce(&Seal<'_>) -> T) -> T {
        let keys = seal::cipher(&self.config);
        work(&self.seal(&keys))
    }

    /// What seals and opens this owner's texts.
    fn seal<'a>(&'a self, keys: &'a Option<Rc<Keyring>>) -> Seal<'a> {
        Seal { cipher: seal::as_cipher(keys), prefix: &self.namespace.prefix, owner: &self.owner }
    }

    /// Seals texts that are kept elsewhere than in the store, as they would be there.
    pub(crate) fn close(&self, show: impl FnOnce(Visit) -> Result<(), Unreadable>) -> Result<(), StoreError> {
        let keys = seal::cipher(&self.config);
        let seal = self.seal(&keys);
        Ok(show(&mut |kind, session, text| seal.close(kind, session, text))?)
    }

    /// Opens texts that were kept elsewhere.
    pub(crate) fn open(&self, show: impl FnOnce(Visit) -> Result<(), Unreadable>) -> Result<(), StoreError> {
        let keys = seal::cipher(&self.config);
        let seal = self.seal(&keys);
        show(&mut |kind, session, text| seal.open(kind, session, text)).map_err(seal::failed)
    }

    /// Whether what is stored may be sealed.
    pub(crate) fn may_be_sealed(&self) -> bool {
        self.config.encryption.is_some()
    }

    /// Asks Redis, or the vault where Redis is away or has not yet got what the vault took before.
    async fn ask(
        &self,
        upstash: &Upstash,
        call: &dyn Fn() -> Call,
        expected_bytes: usize,
        name: &str,
        json: &dyn Fn() -> Result<String, StoreError>,
        seed: &dyn Fn() -> Option<Seed>,
    ) -> Result<Answer, StoreError> {
        if self.direct {
            return upstash::send(upstash, &self.link, &call()).await.map(Answer::Reply);
        }
        if !moved::is_settled(&self.namespace.prefix, &self.owner) {
            self.move_in().await?;
        }
        let away = upstash::may_be_asked().err();
        let comes_by = self.marker.borrow().is_marked() || journaled::has(&self.namespace.prefix, &self.owner);
        if (away.is_some() || comes_by)
            && let Some(outcome) = self.hand(away, name, json, seed).await?
        {
            return Ok(Answer::Outcome(outcome));
        }
        match upstash::send_expecting(upstash, &self.link, &call(), expected_bytes).await {
            Ok(reply) => Ok(Answer::Reply(reply)),
            Err(error) => match self.hand(Some(error.clone()), name, json, seed).await? {
                Some(outcome) => Ok(Answer::Outcome(outcome)),
                None => Err(error),
            },
        }
    }

    /// Hands an operation to the owner's vault; gives its outcome, or nothing where Redis is to be asked.
    async fn hand(
        &self,
        away: Option<StoreError>,
        name: &str,
        json: &dyn Fn() -> Result<String, StoreError>,
        seed: &dyn Fn() -> Option<Seed>,
    ) -> Result<Option<String>, StoreError> {
        let away = match away {
            Some(StoreError::Unavailable(outage)) => Some(outage),
            Some(error) => return Err(error),
            None => None,
        };
        let unavailable = |away: Option<Outage>| StoreError::Unavailable(away.unwrap_or(Outage::Network));
        let prefix = &self.namespace.prefix;
        if self.whole {
            // What waits is replayed first; what can't be makes the answer fail.
            let left =
                if away.is_none() { embedded::replay(&self.env, prefix, &self.owner, PATIENCE).await? } else { 1 };
            return if left == 0 { Ok(None) } else { Err(unavailable(away)) };
        }
        let mut handed = Handed {
            prefix: prefix.clone(),
            ttl: self.namespace.limits.ttl,
            owner: self.owner.clone(),
            away: away.map(|outage| outage.as_str().to_owned()),
            operation: name.to_owned(),
            seed: seed(),
            json: json()?,
        };
        if handed.seed.is_none() && [BeginTurn::NAME, Append::NAME].contains(&name) {
            handed.seed = handed.session().and_then(|id| remembered::find(prefix, &self.owner, &id));
        }
        if let (Some(id), Some(seed)) = (handed.session(), &mut handed.seed) {
            // What this isolate remembers is not sealed.
            self.close(|visit| seed.texts(&id, visit))?;
        }
        let question = serde_json::to_string(&handed).map_err(|_| StoreError::UnexpectedReply)?;
        let answer = embedded::ask(&self.env, prefix, &self.owner, &format!("journal\n{question}")).await?;
        let told = |away: Option<String>| away.as_deref().and_then(Outage::parse);
        match serde_json::from_str(&answer).map_err(|_| StoreError::UnexpectedReply)? {
            Taken::Outcome { json, marker, depth, away: found } => {
                self.saw(away, told(found));
                journaled::note(prefix, &self.owner, depth);
                self.marker.borrow_mut().taken(marker);
                Ok(Some(json))
            }
            Taken::Unknown { away: found } => {
                let found = told(found);
                self.saw(away, found);
                Err(unavailable(found))
            }
            Taken::Full => Err(StoreError::JournalFull),
            Taken::Refused(cause) => Err(StoreError::misconfigured(&cause, "journal_not_replayed")),
            Taken::Drained => {
                journaled::note(prefix, &self.owner, 0);
                self.marker.borrow_mut().drained();
                Ok(None)
            }
            Taken::Direct => Ok(None),
        }
    }

    /// Tells the breaker that the vault, let through to try, found Redis away.
    fn saw(&self, told: Option<Outage>, found: Option<Outage>) {
        if let (None, Some(outage)) = (told, found) {
            upstash::observe(Some(&StoreError::Unavailable(outage)), true, 0);
        }
    }

    /// Keeps what a turn came to, for when Redis goes away.
    pub(crate) fn keep(&self, session: &SessionId, seed: Seed) {
        if self.config.upstash.is_some() && !self.is_degraded() {
            remembered::keep(&self.namespace.prefix, &self.owner, session.clone(), seed);
        }
    }

    /// Forgets what was kept of a session that is deleted.
    pub(crate) fn forget(&self, session: &SessionId) {
        remembered::forget(&self.namespace.prefix, &self.owner, session);
    }

    /// How long this request waited, and for what.
    pub(crate) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Whether an operation of this request did not reach Redis.
    pub(crate) fn is_degraded(&self) -> bool {
        self.marker.borrow().is_degraded()
    }

    /// What every answer says: the journal marker and the sync token that the client shall send from now on.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let sync_token = Some(self.sync_token()).filter(|token| !token.is_empty());
        let marker = self.marker().map(|marker| (JOURNAL, marker));
        marker.into_iter().chain(sync_token.map(|token| ("upstash-sync-token", token))).collect()
    }

    /// What the client shall send as its journal marker from now on.
    pub(crate) fn marker(&self) -> Option<String> {
        self.marker.borrow().header()
    }

    /// Whose sessions it may touch.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Opens a WebSocket to the owner's vault.
    pub(crate) async fn upgrade(&self) -> Result<web_sys::Response, StoreError> {
        embedded::upgrade(&self.env, &self.namespace.prefix, &self.owner).await
    }

    /// Asks the owner's vault; gives its response as it comes.
    pub(crate) async fn relay(&self, question: &str) -> Result<web_sys::Response, StoreError> {
        embedded::relay(&self.env, &self.namespace.prefix, &self.owner, question).await
    }

    /// Asks the owner's vault; gives its answer.
    pub(crate) async fn ask_vault(&self, question: &str) -> Result<String, StoreError> {
        embedded::ask(&self.env, &self.namespace.prefix, &self.owner, question).await
    }

    /// Has the owner's vault run a turn, for a reader that is shown it from its start or after so many events.
    pub(crate) async fn stream(
        &self,
        begin: BeginTurn,
        before: Option<Raw>,
        wire: Wire,
        shown: u64,
        journal: Option<&str>,
    ) -> Result<web_sys::Response, StoreError> {
        let ask = RunTurn {
            owner: self.owner.clone(),
            prefix: self.namespace.prefix.clone(),
            sync_token: Some(self.sync_token()),
            journal: journal.map(str::to_owned),
            begin,
            before,
            wire,
            shown,
            request_id: self.watch.id(),
        };
        self.relay(&ask.question().map_err(|_| StoreError::UnexpectedReply)?).await
    }

    /// The session that one of the owner's keys holds.
    pub(crate) fn session_of(&self, key: &str) -> Option<SessionId> {
        Keys::new(&self.namespace.prefix, &self.owner).session_of(key)
    }

    /// The token that the client shall send with its next request; empty on the vault.
    pub(crate) fn sync_token(&self) -> String {
        self.link.sync_token.borrow().clone()
    }
}

/// How long what asks for everything waits for the journal to be replayed.
const PATIENCE: Millis = Millis(5_000);

/// Has journals that this isolate knows of replayed, if Redis just became well again, and waits no longer than this for each.
/// Those that are left, their alarms see to.
pub(crate) async fn replay_after_recovery(env: Env, patience: Millis) {
    for (prefix, owner) in journaled::some() {
        if let Ok(left) = embedded::replay(&env, &prefix, &owner, patience).await {
            journaled::note(&prefix, &owner, left);
        }
    }
}
