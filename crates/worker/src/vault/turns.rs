//! The streamed turns of a vault. A turn runs here, whether somebody follows it or not, until its reply is stored.

use super::ask::{FollowTurn, RunTurn, StopTurn};
use super::feed::Feed;
use super::received::{Ended, Received, Turn};
use super::running::Running;
use super::schedule::{Kind, Schedule};
use crate::archive::Archive;
use crate::edge::{in_transaction, now};
use crate::handlers::Answer;
use crate::seal;
use crate::settings::{Settings, settings};
use crate::store::{Store, Telling};
use crate::turn::{self, Beginning, Started};
use chatkeep_model::config::Config;
use chatkeep_model::plan::{BeginTurn, RenewTurn};
use chatkeep_model::stream::{Draft, Opened};
use chatkeep_model::{Code, Millis, Owner, Problem};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use worker::{Env, Error, Result, State};

/// How far ahead a running turn's line on the schedule is at most.
const RENEWAL: Millis = Millis(30_000);

/// After how long it is tried again to store a reply.
pub(super) const AGAIN: Millis = Millis(2_000);

/// See the module.
pub(super) struct Turns {
    env: Env,
    settings: Settings,
    pub(super) state: Rc<State>,
    pub(super) received: Received,
    pub(super) schedule: Schedule,
    pub(super) feed: Rc<Feed>,
    pub(super) running: RefCell<Vec<Rc<Running>>>,
    /// Turns that are being begun.
    beginning: Cell<usize>,
    recovered: Cell<bool>,
}

impl Turns {
    pub(super) fn new(env: Env, state: Rc<State>, schedule: Schedule, feed: Rc<Feed>) -> Rc<Self> {
        let settings = settings(&env);
        let keys = settings.as_ref().ok().and_then(|config| seal::cipher(config));
        Rc::new(Self {
            settings,
            env,
            received: Received::new(state.storage().sql(), keys),
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
    pub(super) async fn run(self: &Rc<Self>, ask: RunTurn) -> std::result::Result<Answer, Problem> {
        let RunTurn { owner, prefix, sync_token, journal, begin, before, wire, shown, request_id } = ask;
        if let Some(running) = self.same(&begin)? {
            return Ok(running.reply.answer(wire, shown));
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
                if let Some(archive) = self.archive(&turn, &store) {
                    archive.write_through(&turn.begin.session, None).await;
                }
                return Ok(Running::new(turn, draft, request_id)
                    .reply
                    .answer(wire, shown)
                    .with_headers(store.headers()));
            }
            Ok(Beginning::Running(until)) => {
                let running = self.same(&begin)?.ok_or_else(|| turn::in_progress(&begin, until))?;
                return Ok(running.reply.answer(wire, shown));
            }
            Err(problem) => return Ok(self.refusal(problem, &begin, store, request_id)),
        };
        let Started { position, window, known, charged, message_id, created } = started;
        let degraded = store.is_degraded();
        let opened = Opened { degraded, ..turn::opened(&begin, &message_id, created) };
        let draft = Draft::new(opened, before.clone());
        let charge = begin.charge.as_ref().filter(|_| charged > 0).map(|charge| charge.headers(charged));
        let turn = Turn::of(owner, prefix, begin, draft.opened().clone(), position, before, now());
        let running = Running::new(turn, draft, request_id);
        self.running.borrow_mut().push(Rc::clone(&running));
        self.note(&running).await.map_err(|_| Problem::new(Code::Internal).detail("the vault's storage failed"))?;
        let answer = running.reply.answer(wire, shown).with_headers(store.headers());
        let turns = Rc::clone(self);
        self.state.wait_until(async move { turns.carry(running, store, window, known).await });
        Ok(answer.with_headers(charge.into_iter().flatten()))
    }

    /// A turn that could not begin.
    fn refusal(&self, problem: Problem, begin: &BeginTurn, store: Store, request_id: String) -> Answer {
        if problem.code == Code::StoreUnavailable {
            let release = turn::release(begin);
            self.state.wait_until(async move { drop(store.run(&release).await) });
        } else if let (Code::RateLimited, Some(charge)) = (problem.code, &begin.charge) {
            let refusal = charge.refusal().of_turn(&begin.session, &begin.message_id);
            return Answer::refusal(refusal, request_id).with_headers(charge.headers(charge.most));
        }
        Answer::refusal(problem, request_id)
    }

    /// Follows the turn that runs in a session.
    pub(super) fn follow(&self, ask: &FollowTurn) -> Option<Answer> {
        let running = self.named(|running| running.is_named(&ask.session, ask.message.as_ref())).pop()?;
        Some(running.reply.answer(ask.wire, ask.shown))
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

    fn same(&self, begin: &BeginTurn) -> std::result::Result<Option<Rc<Running>>, Problem> {
        let same = self.named(|running| running.is_of(begin)).pop();
        match same.filter(|running| running.turn.begin.fingerprint != begin.fingerprint) {
            Some(_) => Err(Problem::new(Code::TurnMismatch).of_turn(&begin.session, &begin.message_id)),
            None => Ok(self.named(|running| running.is_of(begin)).pop()),
        }
    }

    pub(super) fn config(&self) -> std::result::Result<Rc<Config>, Problem> {
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

    /// The archive of a turn's owner, where there is one.
    pub(super) fn archive(&self, turn: &Turn, store: &Store) -> Option<Archive> {
        let config = self.config().ok()?;
        Archive::of(&self.env, &config, &config.of_prefix(&turn.prefix)?, store)
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

    pub(super) fn forget(&self, turn: &Turn) {
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
