//! The streamed turns of a vault. A turn runs here, whether somebody follows it or not, until its reply is stored.

use super::ask::{FollowTurn, RunTurn, StopTurn};
use super::feed::Feed;
use super::received::{Ended, Received, Turn};
use super::running::{Running, follow};
use super::schedule::{Kind, Schedule};
use crate::edge::{in_transaction, now};
use crate::responder::{self, Question, Reply, Step};
use crate::settings::{Settings, settings};
use crate::store::{Store, Telling};
use crate::turn::{self, Beginning, Known, Started};
use crate::wait::{unless, within};
use crate::watch::log;
use chatkeep_model::config::Config;
use chatkeep_model::limits::{STREAM_TIME, TOLD_TEXT};
use chatkeep_model::message::Status;
use chatkeep_model::plan::RenewTurn;
use chatkeep_model::stream::{Draft, Ending, Failure, Opened};
use chatkeep_model::{Change, Code, Message, Millis, Owner, Problem, Role};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use worker::{Env, Error, Result, State};

/// How long what has come may be in memory alone, and how many pieces of it.
const BATCH_TIME: Millis = Millis(250);
const BATCH_PIECES: usize = 64;

/// How often those who watch are told more of a text.
const TELLING: Millis = Millis(100);

/// How far ahead a running turn's line on the schedule is at most.
const RENEWAL: Millis = Millis(30_000);

/// After how long it is tried again to store a reply.
const AGAIN: Millis = Millis(2_000);

/// See the module.
pub(super) struct Turns {
    env: Env,
    settings: Settings,
    state: Rc<State>,
    received: Received,
    schedule: Schedule,
    feed: Rc<Feed>,
    running: RefCell<Vec<Rc<Running>>>,
    /// Turns that are being begun.
    beginning: Cell<usize>,
    recovered: Cell<bool>,
}

impl Turns {
    pub(super) fn new(env: Env, state: Rc<State>, schedule: Schedule, feed: Rc<Feed>) -> Rc<Self> {
        Rc::new(Self {
            settings: settings(&env),
            env,
            received: Received::new(state.storage().sql()),
            state,
            schedule,
            feed,
            running: RefCell::default(),
            beginning: Cell::new(0),
            recovered: Cell::new(false),
        })
    }

    /// Makes the tables.
    pub(super) fn prepare(&self) -> Result<()> {
        self.received.prepare()
    }

    /// Ends the turns that an earlier life of this object left behind; once.
    pub(super) async fn recover(&self) -> Result<()> {
        if self.recovered.replace(true) {
            return Ok(());
        }
        for key in self.received.keys()? {
            self.settle(&key).await?;
        }
        Ok(())
    }

    /// Runs a turn, or follows it where it runs.
    pub(super) async fn run(self: &Rc<Self>, ask: RunTurn) -> std::result::Result<web_sys::Response, Problem> {
        let RunTurn { owner, prefix, sync_token, journal, begin, before, wire, shown } = ask;
        if let Some(running) = self.same(&begin)? {
            return Ok(follow(running, wire, shown));
        }
        let config = self.config()?;
        if self.running.borrow().len() + self.beginning.get() >= config.running_turns {
            return Err(Problem::new(Code::TooManyTurns).of_turn(&begin.session, &begin.message_id).retry_after(1));
        }
        let store = self.store(&owner, &prefix, sync_token, journal.as_deref())?;
        self.beginning.set(self.beginning.get() + 1);
        let beginning = turn::begin(&store, &begin).await;
        self.beginning.set(self.beginning.get() - 1);
        let started = match beginning {
            Ok(Beginning::Started(started)) => started,
            Ok(Beginning::Replay(turned)) => {
                let draft = Draft::replayed(turned);
                let turn = Turn::of(owner, prefix, begin, draft.opened().clone(), 0, None, now());
                return Ok(follow(Running::new(turn, draft), wire, shown));
            }
            Ok(Beginning::Running(until)) => {
                let running = self.same(&begin)?.ok_or_else(|| turn::in_progress(&begin, until))?;
                return Ok(follow(running, wire, shown));
            }
            Err(problem) => {
                if problem.code == Code::StoreUnavailable {
                    let release = turn::release(&begin);
                    self.state.wait_until(async move { drop(store.run(&release).await) });
                }
                return Err(problem);
            }
        };
        let draft = turn::draft(&begin, &started.message_id, started.created, before.clone());
        let Started { position, window, known, .. } = started;
        let turn = Turn::of(owner, prefix, begin, draft.opened().clone(), position, before, now());
        let running = Running::new(turn, draft);
        self.running.borrow_mut().push(Rc::clone(&running));
        self.note(&running).await.map_err(|_| Problem::new(Code::Internal).detail("the vault's storage failed"))?;
        let (turns, runs) = (Rc::clone(self), Rc::clone(&running));
        self.state.wait_until(async move { turns.carry(runs, store, window, known).await });
        Ok(follow(running, wire, shown))
    }

    /// Follows the turn that runs in a session.
    pub(super) fn follow(&self, ask: &FollowTurn) -> Option<web_sys::Response> {
        let running = self.named(|running| running.is_named(&ask.session, ask.message.as_ref())).pop()?;
        Some(follow(running, ask.wire, ask.shown))
    }

    /// Stops turns, and says how many when they have ended.
    pub(super) async fn stop(&self, ask: &StopTurn) -> usize {
        let running = self.named(|running| running.is_named(&ask.session, ask.message.as_ref()));
        for running in &running {
            running.stop();
        }
        for running in &running {
            running.is_over().await;
        }
        running.len()
    }

    /// What is due of a turn: its lease is renewed while it runs here, else it is ended.
    pub(super) async fn ring(&self, key: &str) -> Result<()> {
        let Some(running) = self.named(|running| running.turn.key() == key).pop() else {
            return self.settle(key).await;
        };
        let Turn { owner, prefix, begin, .. } = &running.turn;
        self.schedule.set(Kind::Lease, key, now().after(renewal(begin.lease)))?;
        if let Ok(store) = self.store(owner, prefix, None, None) {
            let (session, turn, attempt) = (begin.session.clone(), begin.turn.clone(), begin.attempt.clone());
            // Should this fail, there is time for more tries; should the turn be lost, its finish will say so.
            let _ = store.run(&RenewTurn { session, turn, attempt, now: now(), lease: begin.lease }).await;
        }
        Ok(())
    }

    fn named(&self, is_meant: impl Fn(&Running) -> bool) -> Vec<Rc<Running>> {
        self.running.borrow().iter().filter(|running| is_meant(running)).cloned().collect()
    }

    fn same(&self, begin: &chatkeep_model::plan::BeginTurn) -> std::result::Result<Option<Rc<Running>>, Problem> {
        let same = self.named(|running| running.is_of(begin)).pop();
        match same.filter(|running| running.turn.begin.fingerprint != begin.fingerprint) {
            Some(_) => Err(Problem::new(Code::TurnMismatch).of_turn(&begin.session, &begin.message_id)),
            None => Ok(self.named(|running| running.is_of(begin)).pop()),
        }
    }

    fn config(&self) -> std::result::Result<Rc<Config>, Problem> {
        self.settings.clone().map_err(|error| Problem::new(Code::NotConfigured).detail(error.to_string()))
    }

    fn store(
        &self,
        owner: &Owner,
        prefix: &str,
        sync_token: Option<String>,
        journal: Option<&str>,
    ) -> std::result::Result<Store, Problem> {
        let config = self.config()?;
        let namespace = config.of_prefix(prefix).ok_or_else(|| Problem::new(Code::NotConfigured))?;
        let store = Store::new(config, namespace, self.env.clone(), owner.clone(), sync_token, journal, Rc::default());
        let feed = Rc::clone(&self.feed);
        Ok(store.telling(Telling::Here(Rc::new(move |changes| feed.tell(changes)))))
    }

    /// Notes a turn that runs, so that a later life of this object ends it.
    async fn note(&self, running: &Running) -> Result<()> {
        let storage = self.state.storage();
        let turn = &running.turn;
        in_transaction::<_, Error>(storage.as_raw(), || {
            self.received.begin(turn)?;
            self.schedule.set(Kind::Lease, &turn.key(), turn.since.after(renewal(turn.begin.lease)))
        })?;
        self.schedule.arm(&storage).await
    }

    async fn carry(self: Rc<Self>, running: Rc<Running>, store: Store, window: Vec<Message>, known: Known) {
        let ended = self.generate(&running, &store, &window).await;
        self.tell_text(&running, true);
        let ending = self.store_reply(&running, &store, &known, ended).await;
        self.running.borrow_mut().retain(|other| !Rc::ptr_eq(other, &running));
        running.draft.borrow_mut().end(ending);
        running.grown.tell();
    }

    /// Lets the draft grow until the reply has ended.
    async fn generate(
        &self,
        running: &Running,
        store: &Store,
        window: &[Message],
    ) -> std::result::Result<Ended, Failure> {
        let config = self.config().map_err(|problem| Failure { code: problem.code, detail: String::new() })?;
        let Turn { begin, before, since, .. } = &running.turn;
        let state = match responder::needs_state(&config) {
            true => {
                let unread = |_| Failure { code: Code::StoreUnavailable, detail: "the state can't be read".to_owned() };
                turn::state(store, &begin.session).await.map_err(unread)?
            }
            false => None,
        };
        let earlier = before.clone().map(|parts| Message {
            parts: Some(parts.0),
            ..Message::new(begin.reply_id.clone(), Role::Assistant, String::new(), String::new())
        });
        let question = Question {
            session: &begin.session,
            window,
            state: state.as_ref(),
            before: earlier.as_ref(),
            traceparent: "",
        };
        let Some(reply) = unless(running.is_stopped(), Reply::begin(&config, question)).await else {
            return Ok(Ended::Stopped);
        };
        let mut reply = reply?;
        loop {
            let next = self.next(running, reply.next(config.responder_timeout));
            let Some(Step { pieces, end }) = unless(running.is_stopped(), next).await else {
                return Ok(Ended::Stopped);
            };
            let mut draft = running.draft.borrow_mut();
            let mut batch = running.batch.borrow_mut();
            let taken = pieces.into_iter().try_for_each(|piece| {
                batch.pieces.push(piece.clone());
                draft.take(piece)
            });
            drop((draft, batch));
            running.grown.tell();
            self.tell_text(running, false);
            taken?;
            if let Some(end) = end {
                end?;
                running.draft.borrow_mut().complete()?;
                return Ok(Ended::Whole);
            }
            if now().since(*since) > STREAM_TIME {
                return Err(Failure { code: Code::ResponderTimeout, detail: "the reply took too long".to_owned() });
            }
            self.save(running, false);
        }
    }

    /// Tells those who watch what text has come, some times a second.
    fn tell_text(&self, running: &Running, all: bool) {
        let (mut told, since) = running.told.get();
        let draft = running.draft.borrow();
        if !self.feed.is_heard() || !(all || now().since(since) >= TELLING) {
            return;
        }
        let mut changes = Vec::new();
        loop {
            let rest = draft.text_after(told);
            let text = rest.get(..rest.floor_char_boundary(TOLD_TEXT)).unwrap_or_default();
            if text.is_empty() {
                break;
            }
            told += text.len();
            let Opened { session_id, message_id, reply_id, .. } = draft.opened().clone();
            changes.push(Change::Delta { session_id, message_id, reply_id, text: text.to_owned() });
        }
        if !changes.is_empty() {
            self.feed.tell(&changes);
            running.told.set((told, now()));
        }
    }

    /// The next step of a reply. What came before goes into SQLite meanwhile, when it has waited for long enough.
    async fn next(&self, running: &Running, step: impl Future<Output = Step>) -> Step {
        let mut step = std::pin::pin!(step);
        while !running.batch.borrow().pieces.is_empty() {
            match within(BATCH_TIME, step.as_mut()).await {
                Some(step) => return step,
                None => {
                    self.save(running, true);
                    self.tell_text(running, true);
                }
            }
        }
        step.await
    }

    /// Writes what has come into SQLite, when it is enough or has waited for long enough. Should that fail, a restart in
    /// mid-turn would cost a part of the reply, and nothing else.
    fn save(&self, running: &Running, all: bool) {
        let mut batch = running.batch.borrow_mut();
        let due = all || batch.pieces.len() >= BATCH_PIECES || now().since(batch.since) >= BATCH_TIME;
        if due && !batch.pieces.is_empty() {
            let _ = self.received.add(&running.turn.key(), batch.number, &batch.pieces);
            batch.number += 1;
            batch.pieces.clear();
            batch.since = now();
        }
    }

    /// Stores the reply as it ended, and says how the stream ends.
    async fn store_reply(
        &self,
        running: &Running,
        store: &Store,
        known: &Known,
        ended: std::result::Result<Ended, Failure>,
    ) -> Ending {
        let turn = &running.turn;
        let (ended, failure) = match ended {
            Ok(ended) => (ended, None),
            Err(failure) => (Ended::Interrupted, Some(failure)),
        };
        if let Some(failure) = &failure
            && running.draft.borrow().is_empty()
        {
            let _ = store.run(&turn::release(&turn.begin)).await;
            self.forget(turn);
            let Opened { session_id, message_id, .. } = turn.opened.clone();
            self.feed.tell(&[Change::TurnFailed { session_id, message_id }]);
            return self.failed(turn, failure, true);
        }
        match self.finish(turn, &running.draft, store, Some(known), ended).await {
            Ok(mut response) => {
                self.forget(turn);
                if let Some(failure) = &failure {
                    return self.failed(turn, failure, false);
                }
                response.usage = running.draft.borrow().usage().cloned();
                Ending::Done(Box::new(response))
            }
            Err(problem) => {
                log(&problem);
                if problem.code == Code::StoreUnavailable {
                    self.save(running, true);
                    let _ = self.received.keep(&turn.key(), ended);
                    let _ = self.schedule.set(Kind::Lease, &turn.key(), now().after(AGAIN));
                    let _ = self.schedule.arm(&self.state.storage()).await;
                } else {
                    self.forget(turn);
                }
                Ending::Failed(Box::new(problem.body()))
            }
        }
    }

    async fn finish(
        &self,
        turn: &Turn,
        draft: &RefCell<Draft>,
        store: &Store,
        known: Option<&Known>,
        ended: Ended,
    ) -> std::result::Result<chatkeep_model::wire::ChatResponse, Problem> {
        let status = match ended {
            Ended::Whole => None,
            Ended::Stopped => Some(Status::Stopped),
            Ended::Interrupted => Some(Status::Interrupted),
        };
        let reply = draft.borrow().message(now(), status);
        let state = draft.borrow().state().cloned();
        let ended = turn::Ended {
            begin: &turn.begin,
            created: turn.opened.created,
            message_id: &turn.opened.message_id,
            position: turn.position,
            known,
            reply,
            state: state.as_ref().filter(|_| ended == Ended::Whole),
        };
        turn::finish(store, ended).await.map(|turned| turned.response())
    }

    /// How a stream ends that failed. When something was kept, the same turn can't come to anything else.
    fn failed(&self, turn: &Turn, failure: &Failure, retryable: bool) -> Ending {
        let problem = Problem::new(failure.code).of_turn(&turn.opened.session_id, &turn.opened.message_id);
        let problem = problem.detail(failure.detail.clone());
        log(&problem);
        let mut body = problem.body();
        body.retryable &= retryable;
        Ending::Failed(Box::new(body))
    }

    fn forget(&self, turn: &Turn) {
        // Should this fail, the turn is ended once more, which changes nothing.
        let _ = self.received.forget(&turn.key()).and_then(|()| self.schedule.cancel(Kind::Lease, &turn.key()));
    }

    /// Ends a turn that no longer runs: what had come of its reply is stored, or it is given up when nothing had.
    async fn settle(&self, key: &str) -> Result<()> {
        let Some((turn, ended)) = self.received.turn(key)? else { return self.schedule.cancel(Kind::Lease, key) };
        let mut draft = Draft::new(turn.opened.clone(), turn.before.clone());
        // What came last may have been too much: that ended the reply.
        let _ = self.received.pieces(key)?.into_iter().try_for_each(|piece| draft.take(piece));
        if ended == Some(Ended::Whole) {
            let _ = draft.complete();
        }
        let again = match self.store(&turn.owner, &turn.prefix, None, None) {
            Ok(store) if draft.is_empty() && ended.is_none() => store.run(&turn::release(&turn.begin)).await.is_err(),
            Ok(store) => {
                let draft = RefCell::new(draft);
                let finished = self.finish(&turn, &draft, &store, None, ended.unwrap_or(Ended::Interrupted)).await;
                finished.is_err_and(|problem| problem.code == Code::StoreUnavailable)
            }
            Err(_) => true,
        };
        if again {
            self.schedule.set(Kind::Lease, key, now().after(AGAIN))?;
        } else {
            self.forget(&turn);
        }
        Ok(())
    }
}

fn renewal(lease: Millis) -> Millis {
    RENEWAL.min(Millis(lease.0 / 2))
}
