//! The figures of the whole deployment: one Durable Object adds up what the isolates hand over, and shows operators the lines of the
//! log that come with them.

// The macro's own methods have no docs.
#![allow(missing_docs)]

use crate::edge::now;
use crate::handlers::{Answer, Body, Piece};
use crate::news::News;
use crate::wait::within;
use chatkeep_model::observe::Snapshot;
use chatkeep_model::observe::activity::MINUTES;
use chatkeep_model::sse::KEEP_ALIVE;
use chatkeep_model::wire::ActivityMinute;
use chatkeep_model::{Code, Millis};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object};

/// What it answers to figures while somebody follows the lines.
pub(crate) const FOLLOWED: &str = "followed";

/// How many of the last lines it keeps, in memory alone.
const LINES: usize = 200;

/// After how much silence a follower is shown that the connection lives, and when one is told to come again.
const SILENCE: Millis = Millis(15_000);
const FOLLOWING: Millis = Millis(300_000);

/// The most followers at a time.
const FOLLOWERS: usize = 20;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS figures (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS minutes (
        minute INTEGER PRIMARY KEY, requests INTEGER NOT NULL, failures INTEGER NOT NULL, turns INTEGER NOT NULL,
        store_calls INTEGER NOT NULL, store_ms INTEGER NOT NULL);";

/// The Durable Object class.
///
/// It is asked by `POST` in lines: `add`, figures in JSON, which it adds to its own, and lines of the log; `figures`, which it answers
/// with all of them in Prometheus' text format; `activity` and a number of minutes, of which it gives those in which something happened,
/// as a JSON array of [`ActivityMinute`]; `follow`, which it answers with the lines of the log as they come.
#[durable_object(fetch)]
pub struct Metrics {
    sql: SqlStorage,
    all: RefCell<Option<Snapshot>>,
    log: Rc<Log>,
}

/// The last lines of the log, those who follow them, and until when they are sure to be there.
#[derive(Default)]
struct Log {
    lines: RefCell<VecDeque<String>>,
    /// How many there were before those.
    gone: Cell<u64>,
    grown: News,
    followed_until: Cell<Millis>,
}

impl DurableObject for Metrics {
    fn new(state: State, _env: Env) -> Self {
        Self { sql: state.storage().sql(), all: RefCell::new(None), log: Rc::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.text().await?;
        let (what, rest) = body.split_once('\n').unwrap_or((&body, ""));
        if what == "follow" {
            return Ok(self.follow().into());
        }
        let mut all = match self.all.take() {
            Some(all) => all,
            None => self.stored()?,
        };
        let answer = match what {
            "add" => self.add(&mut all, rest),
            "activity" => self.activity(rest.parse().unwrap_or(0)),
            _ => Ok(all.to_prometheus()),
        };
        *self.all.borrow_mut() = Some(all);
        Response::ok(answer?)
    }
}

impl Metrics {
    fn stored(&self) -> Result<Snapshot> {
        self.sql.exec(SCHEMA, None)?;
        let rows = self.sql.exec("SELECT json FROM figures WHERE id = 0", None)?;
        match rows.raw().next().transpose()?.as_deref() {
            Some([SqlStorageValue::String(json)]) => Ok(serde_json::from_str(json)?),
            _ => Ok(Snapshot::default()),
        }
    }

    fn add(&self, all: &mut Snapshot, handed: &str) -> Result<String> {
        let (figures, lines) = handed.split_once('\n').unwrap_or((handed, ""));
        let figures: Snapshot = serde_json::from_str(figures)?;
        let ActivityMinute { requests, failures, turns, store_calls, store_ms, .. } = figures.activity();
        all.add(figures);
        // One row, whatever is counted: a write of it costs as much as a write of one series.
        let query = "INSERT INTO figures (id, json) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json";
        self.sql.exec(query, vec![serde_json::to_string(&all)?.into()])?;
        let minute = now().0 / 60_000;
        let query = "INSERT INTO minutes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
            requests = requests + excluded.requests, failures = failures + excluded.failures, turns = turns + excluded.turns,
            store_calls = store_calls + excluded.store_calls, store_ms = store_ms + excluded.store_ms";
        let sums = [minute, requests, failures, turns, store_calls, store_ms];
        self.sql.exec(query, sums.map(|sum| i64::try_from(sum).unwrap_or(0).into()).to_vec())?;
        self.sql.exec(
            "DELETE FROM minutes WHERE minute < ?",
            vec![i64::try_from(minute.saturating_sub(MINUTES)).unwrap_or(0).into()],
        )?;
        self.log.grow(lines);
        Ok(if self.log.followed_until.get() > now() { FOLLOWED } else { "" }.to_owned())
    }

    fn activity(&self, minutes: u64) -> Result<String> {
        let since = i64::try_from((now().0 / 60_000).saturating_sub(minutes)).unwrap_or(0);
        let rows = self.sql.exec("SELECT * FROM minutes WHERE minute > ? ORDER BY minute", vec![since.into()])?;
        let mut found = Vec::new();
        for row in rows.raw() {
            let row = row?;
            let number = |at: usize| match row.get(at) {
                Some(SqlStorageValue::Integer(number)) => u64::try_from(*number).unwrap_or(0),
                _ => 0,
            };
            found.push(ActivityMinute {
                at: Millis(number(0) * 60_000).to_rfc3339(),
                requests: number(1),
                failures: number(2),
                turns: number(3),
                store_calls: number(4),
                store_ms: number(5),
            });
        }
        Ok(serde_json::to_string(&found)?)
    }

    /// Shows the lines that are kept, and then those that come. The follower pulls: one that is gone takes no room.
    fn follow(&self) -> web_sys::Response {
        if Rc::strong_count(&self.log) > FOLLOWERS {
            // Whoever asked makes a problem of it.
            return Answer::empty().status(Code::RateLimited.status()).respond(Vec::new());
        }
        let (log, until) = (Rc::clone(&self.log), now().after(FOLLOWING));
        let shown = Rc::new(Cell::new(0));
        log.followed_until.set(now().after(Millis(2 * SILENCE.0)));
        let pull = move || -> Piece {
            let (log, shown) = (Rc::clone(&log), Rc::clone(&shown));
            Box::pin(async move {
                if now() > until {
                    return Ok(None);
                }
                log.followed_until.set(now().after(Millis(2 * SILENCE.0)));
                let read = within(SILENCE, log.grown.wait_for(|| log.after(&shown))).await;
                Ok(read.or_else(|| Some(KEEP_ALIVE.to_owned())))
            })
        };
        let answer = Answer::text(200, "text/event-stream; charset=utf-8", String::new());
        answer.with_body(Body::Stream(Box::new(pull))).respond(Vec::new())
    }
}

impl Log {
    fn grow(&self, more: &str) {
        let mut lines = self.lines.borrow_mut();
        lines.extend(more.lines().map(str::to_owned));
        let over = lines.len().saturating_sub(LINES);
        lines.drain(..over);
        self.gone.set(self.gone.get() + over as u64);
        drop(lines);
        self.grown.tell();
    }

    /// The lines after so many, as events; says how many have been shown then.
    fn after(&self, shown: &Cell<u64>) -> Option<String> {
        let lines = self.lines.borrow();
        let skip = usize::try_from(shown.get().saturating_sub(self.gone.get())).unwrap_or(usize::MAX);
        let events: String = lines.iter().skip(skip).map(|line| format!("data: {line}\n\n")).collect();
        shown.set(self.gone.get() + lines.len() as u64);
        (!events.is_empty()).then_some(events)
    }
}
