//! How a turn is carried: its reply grows, is kept as it comes, and is stored when it has ended.

use super::received::{Ended, Turn};
use super::running::Running;
use super::schedule::Kind;
use super::turns::{AGAIN, Turns};
use crate::after;
use crate::edge::now;
use crate::responder::{self, Question, Reply, Step};
use crate::store::Store;
use crate::turn::{self, Known};
use crate::wait::{unless, within};
use crate::watch::log;
use chatkeep_model::limits::{STREAM_TIME, TOLD_TEXT};
use chatkeep_model::message::Status;
use chatkeep_model::stream::{Draft, Ending, Failure, Opened};
use chatkeep_model::turn::Turned;
use chatkeep_model::{Change, Code, Message, Millis, Problem, Role};
use std::cell::RefCell;
use std::rc::Rc;

/// How long what has come may be in memory alone, and how many pieces of it.
const BATCH_TIME: Millis = Millis(250);
const BATCH_PIECES: usize = 64;

/// How often those who watch are told more of a text.
const TELLING: Millis = Millis(100);

impl Turns {
    /// Carries a turn to its end.
    pub(super) async fn carry(self: Rc<Self>, running: Rc<Running>, store: Store, window: Vec<Message>, known: Known) {
        let ended = self.generate(&running, &store, &window).await;
        self.tell_text(&running, true);
        let ending = self.store_reply(&running, &store, &known, ended).await;
        self.running.borrow_mut().retain(|other| !Rc::ptr_eq(other, &running));
        running.reply.draft.borrow_mut().end(ending);
        running.reply.grown.tell();
    }

    /// Lets the draft grow until the reply has ended.
    async fn generate(
        &self,
        running: &Running,
        store: &Store,
        window: &[Message],
    ) -> std::result::Result<Ended, Failure> {
        let config = self.config().map_err(|problem| Failure::new(problem.code, ""))?;
        let Turn { begin, before, since, .. } = &running.turn;
        let state = match responder::needs_state(&config) {
            true => {
                let unread = |_| Failure::new(Code::StoreUnavailable, "the state can't be read");
                turn::state(store, &begin.session).await.map_err(unread)?
            }
            false => None,
        };
        let earlier = before.clone().map(|parts| Message {
            parts: Some(parts.0),
            ..Message::new(begin.reply_id.clone(), Role::Assistant, String::new(), String::new())
        });
        let summary = turn::summary(store, &config, &begin.session, running.turn.position, window).await;
        let question = Question {
            session: &begin.session,
            window,
            state: state.as_ref(),
            before: earlier.as_ref(),
            summary: summary.as_deref(),
            traceparent: "",
        };
        let Some(reply) = unless(running.is_stopped(), Reply::begin(&config, question, true)).await else {
            return Ok(Ended::Stopped);
        };
        let mut reply = reply?;
        loop {
            let next = self.next(running, reply.next(config.responder_timeout));
            let Some(Step { pieces, end }) = unless(running.is_stopped(), next).await else {
                return Ok(Ended::Stopped);
            };
            let mut draft = running.reply.draft.borrow_mut();
            let mut batch = running.batch.borrow_mut();
            let taken = pieces.into_iter().try_for_each(|piece| {
                batch.pieces.push(piece.clone());
                draft.take(piece)
            });
            drop((draft, batch));
            running.reply.grown.tell();
            self.tell_text(running, false);
            taken?;
            if let Some(end) = end {
                end?;
                running.reply.draft.borrow_mut().complete()?;
                return Ok(Ended::Whole);
            }
            if now().since(*since) > STREAM_TIME {
                return Err(Failure::new(Code::ResponderTimeout, "the reply took too long"));
            }
            self.save(running, false);
        }
    }

    /// Tells those who watch what text has come, some times a second.
    fn tell_text(&self, running: &Running, all: bool) {
        let (mut told, since) = running.told.get();
        let draft = running.reply.draft.borrow();
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
            let Opened { message_id, reply_id, .. } = draft.opened().clone();
            let session_id = running.turn.begin.session.clone();
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
            && running.reply.draft.borrow().is_empty()
        {
            let _ = store.run(&turn::release(&turn.begin)).await;
            self.forget(turn);
            let (session_id, message_id) = (turn.begin.session.clone(), turn.opened.message_id.clone());
            self.feed.tell(&[Change::TurnFailed { session_id, message_id }]);
            return self.failed(running, failure, true);
        }
        match self.finish(turn, &running.reply.draft, store, Some(known), ended).await {
            Ok(turned) => {
                self.forget(turn);
                if let Some(failure) = &failure {
                    return self.failed(running, failure, false);
                }
                self.follow_up(turn, store, &turned);
                let mut response = turned.response();
                (response.degraded, response.journal) = (store.is_degraded(), store.marker());
                Ending::Done(Box::new(response))
            }
            Err(problem) => {
                log(&problem, None);
                if problem.code == Code::StoreUnavailable {
                    self.save(running, true);
                    let _ = self.received.keep(&turn.key(), ended);
                    let _ = self.schedule.set(Kind::Lease, &turn.key(), now().after(AGAIN));
                    let _ = self.schedule.arm(&self.state.storage()).await;
                } else {
                    self.forget(turn);
                }
                Ending::Failed(Box::new(problem.body_of(running.request_id.clone())))
            }
        }
    }

    /// Stores a reply, and archives it where that is done before it is answered.
    pub(super) async fn finish(
        &self,
        turn: &Turn,
        draft: &RefCell<Draft>,
        store: &Store,
        known: Option<&Known>,
        ended: Ended,
    ) -> std::result::Result<Turned, Problem> {
        let status = match ended {
            Ended::Whole => None,
            Ended::Stopped => Some(Status::Stopped),
            Ended::Interrupted => Some(Status::Interrupted),
        };
        let reply = draft.borrow().message(now(), status);
        let (state, usage) = (draft.borrow().state().cloned(), draft.borrow().usage().cloned());
        let finish = draft.borrow().finish();
        let ended = turn::Ended {
            begin: &turn.begin,
            created: turn.opened.created,
            message_id: &turn.opened.message_id,
            position: turn.position,
            known,
            reply,
            state: state.as_ref().filter(|_| ended == Ended::Whole),
            usage: usage.as_ref(),
            finish,
        };
        turn::finish(store, self.archive(turn, store).as_ref(), ended).await
    }

    /// Sees to what comes after a reply.
    fn follow_up(&self, turn: &Turn, store: &Store, turned: &Turned) {
        let Some(config) = self.config().ok().filter(|config| after::is_wanted(config)) else { return };
        let (times, asked) = ((turn.begin.ttl, turn.begin.window), turn.begin.message.clone());
        self.state.wait_until(after::turn(config, store.clone(), times, asked, turned.clone()));
    }

    /// How a stream ends that failed. When something was kept, the same turn can't come to anything else.
    fn failed(&self, running: &Running, failure: &Failure, retryable: bool) -> Ending {
        let turn = &running.turn;
        let problem = failure.clone().problem().of_turn(&turn.begin.session, &turn.opened.message_id);
        log(&problem, failure.cause.as_deref());
        let mut body = problem.body_of(running.request_id.clone());
        body.retryable &= retryable;
        Ending::Failed(Box::new(body))
    }
}
