//! The vault: a Durable Object with SQLite that keeps one owner's sessions of one namespace.

// The macro's own methods have no docs.
#![allow(missing_docs)]

pub(crate) mod ask;
mod carry;
mod entries;
mod feed;
mod journal;
mod moving;
mod received;
mod replayed;
mod running;
mod schedule;
mod sqlite;
mod turns;

use crate::edge::{in_transaction, now};
use crate::handlers::Answer;
use crate::seal;
use crate::settings::settings;
use ask::{Ask, FollowTurn, HEARD, RunTurn, StopTurn, Tell, Watch};
use chatkeep_model::config::Config;
use chatkeep_model::moving::{Moving, Told};
use chatkeep_model::plan::apply_named;
use chatkeep_model::redis::Keys;
use chatkeep_model::seal::Seal;
use chatkeep_model::{Millis, StoreError};
use feed::Feed;
use journal::Journal;
use moving::move_out;
use schedule::{Kind, Schedule};
use sqlite::Sqlite;
use std::cell::Cell;
use std::rc::Rc;
use turns::Turns;
use worker::wasm_bindgen::JsValue;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

/// The Durable Object class.
///
/// It is asked by `POST` with an operation's name, a line break and the operation in JSON, and answers with the outcome in
/// JSON. `journal` instead of a name hands it an operation that Redis can't take ([`chatkeep_model::journal::Handed`]), and
/// `replay` and milliseconds have it replay what it has, and wait so long at most; that is answered with how many entries are left. `move` has it send its own sessions to
/// Redis ([`chatkeep_model::moving::Moving`]). What [`ask`] lists has names of its own, and a WebSocket watches what changes. Only
/// this Worker can reach it.
#[durable_object]
pub struct Vault {
    state: Rc<State>,
    turns: Rc<Turns>,
    feed: Rc<Feed>,
    asked: Cell<bool>,
    records: Sqlite,
    schedule: Schedule,
    /// When the schedule says that the first session ends.
    expiry: Cell<Option<Millis>>,
    journal: Rc<Journal>,
    config: Option<Rc<Config>>,
    /// A move runs.
    moving: Cell<bool>,
}

impl DurableObject for Vault {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let storage = state.storage();
        let schedule = Schedule::new(storage.sql());
        let config = settings(&env).ok();
        let journal = Journal::new(env.clone(), config.clone(), storage.sql(), state.storage(), schedule.clone());
        let feed = Feed::new(Rc::clone(&state));
        let turns = Turns::new(env, Rc::clone(&state), schedule.clone(), Rc::clone(&feed));
        let (asked, expiry, moving) = (Cell::new(false), Cell::new(None), Cell::new(false));
        let records = Sqlite::new(storage.sql(), "");
        Self { state, turns, feed, asked, records, schedule, expiry, journal, config, moving }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if request.headers().get("upgrade")?.is_some() {
            return self.feed.connect();
        }
        let body = request.text().await?;
        let Some((name, operation)) = body.split_once('\n') else { return Response::error("no operation", 400) };
        if self.is_first() {
            self.prepare()?;
            self.turns.recover().await?;
        }
        match name {
            RunTurn::NAME => {
                let ask: RunTurn = serde_json::from_str(operation)?;
                let request_id = ask.request_id.clone();
                let streamed = self.turns.run(ask).await;
                let answer = streamed.unwrap_or_else(|problem| Answer::refusal(problem, request_id));
                return Ok(answer.respond(Vec::new()).into());
            }
            FollowTurn::NAME => {
                let followed = self.turns.follow(&serde_json::from_str(operation)?);
                return Ok(followed.unwrap_or_else(Answer::empty).respond(Vec::new()).into());
            }
            Watch::NAME => {
                let ask: Watch = serde_json::from_str(operation)?;
                return Ok(self.feed.follow(ask.cursor.as_deref(), ask.lives).into());
            }
            Tell::NAME => {
                let ask: Tell = serde_json::from_str(operation)?;
                if self.feed.is_heard() {
                    self.feed.pass_on(ask.changes);
                }
                return Response::ok("");
            }
            StopTurn::NAME => {
                return Response::ok(self.turns.stop(&serde_json::from_str(operation)?).await.to_string());
            }
            "journal" => {
                let taken = self.journal.take(serde_json::from_str(operation)?).await?;
                return Response::ok(serde_json::to_string(&taken)?);
            }
            "replay" => {
                let left = self.journal.replay_within(Millis(operation.parse().unwrap_or(0))).await?;
                return Response::ok(left.to_string());
            }
            "move" => {
                let told = self.move_out(&serde_json::from_str(operation)?).await?;
                return Response::ok(serde_json::to_string(&told)?);
            }
            _ => {}
        }
        let mut records = self.records.clone();
        let storage = self.state.storage();
        let outcome = in_transaction(storage.as_raw(), || {
            self.prepare()?;
            let outcome = apply_named(name, operation, &mut records);
            let outcome = outcome.map_err(|error| error.map_or(Failed::Unknown, Failed::Storage))?;
            self.schedule_expiry()?;
            Ok(outcome)
        });
        match outcome {
            Ok(outcome) => {
                self.schedule.arm(&storage).await?;
                let status = if self.feed.is_heard() { HEARD } else { 200 };
                Ok(Response::ok(outcome)?.with_status(status))
            }
            Err(Failed::Unknown) => Response::error("no such operation", 400),
            Err(Failed::Storage(error)) => Err(error),
        }
    }

    // What a watcher says is nothing to us; its pings are answered without waking this object.
    async fn websocket_message(&self, _: WebSocket, _: WebSocketIncomingMessage) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        // The other side may have gone without a word.
        let _ = socket.close::<String>(Some(1000), None);
        Ok(())
    }

    async fn websocket_error(&self, _: WebSocket, _: Error) -> Result<()> {
        Ok(())
    }

    async fn alarm(&self) -> Result<Response> {
        let storage = self.state.storage();
        self.schedule.rang();
        let due = in_transaction(storage.as_raw(), || {
            self.prepare()?;
            self.schedule_expiry()?;
            self.schedule.due(now())
        })?;
        for (kind, key) in due {
            match kind {
                Kind::Expiry => in_transaction(storage.as_raw(), || {
                    self.records.clone().remove_ended(now())?;
                    self.schedule.cancel(kind, &key)?;
                    self.expiry.set(None);
                    self.schedule_expiry()
                })?,
                Kind::Replay => self.journal.ring().await?,
                Kind::Lease => self.turns.ring(&key).await?,
            }
        }
        self.schedule.arm(&storage).await?;
        Response::ok("")
    }
}

/// Why an operation was not applied.
enum Failed {
    /// It isn't one.
    Unknown,
    /// The storage failed.
    Storage(worker::Error),
}

impl From<JsValue> for Failed {
    fn from(thrown: JsValue) -> Self {
        Failed::Storage(thrown.into())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Storage(error)
    }
}

impl Vault {
    /// Sends this vault's own sessions to Redis.
    async fn move_out(&self, moving: &Moving) -> Result<Told> {
        self.prepare()?;
        let Some(upstash) = self.config.as_ref().and_then(|config| config.upstash.as_ref()) else {
            return Ok(Told::Refused("no_upstash".to_owned()));
        };
        let keys = Keys::new(&moving.prefix, &moving.owner);
        let (mut records, storage) = (self.records.clone(), self.state.storage());
        let cipher = self.config.as_ref().and_then(|config| seal::cipher(config));
        let seal = Seal { cipher: seal::as_cipher(&cipher), prefix: &moving.prefix, owner: &moving.owner };
        Ok(match move_out(&mut records, &storage, &self.moving, upstash, &keys, moving.ttl, seal).await? {
            Ok(moved) => Told::Moved(moved),
            Err(StoreError::Unavailable(outage)) => Told::Away(outage.as_str().to_owned()),
            Err(error) => Told::Refused(error.cause().to_owned()),
        })
    }

    /// Whether this is the first that this object is asked since it was made.
    fn is_first(&self) -> bool {
        !self.asked.replace(true)
    }

    fn prepare(&self) -> Result<()> {
        self.schedule.prepare()?;
        self.turns.prepare()?;
        self.records.clone().prepare()
    }

    /// Sees to it that the first end of a session is on the schedule. Sliding only moves ends away, so a line that is there
    /// already stays, and what comes too early sets the next.
    fn schedule_expiry(&self) -> Result<()> {
        let Some(first) = self.records.first_end()? else { return Ok(()) };
        if self.expiry.get().is_some_and(|at| at <= first) {
            return Ok(());
        }
        self.schedule.set(Kind::Expiry, "", first)?;
        self.expiry.set(Some(first));
        Ok(())
    }
}
