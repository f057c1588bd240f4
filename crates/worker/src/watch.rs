//! What this isolate tells its operators: a line of the log for each request, and figures that it hands over now and then.

use crate::analytics;
use crate::edge::{self, Headers};
use crate::store::hand_over;
use chatkeep_model::observe::line::{Hex, Hex128, of_owner};
use chatkeep_model::observe::meter::named;
use chatkeep_model::observe::trace::request_id;
use chatkeep_model::observe::{DataPoint, Level, Line, Meter, Trace};
use chatkeep_model::route::Action;
use chatkeep_model::stream::Failure;
use chatkeep_model::{Millis, Owner, Problem, Session, SessionId, StoreError};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;
use worker::{Context, Delay, Env};

/// How long figures are gathered before they are handed over.
const GATHERED: Duration = Duration::from_secs(10);

/// The same while somebody follows the log.
const FOLLOWED: Duration = Duration::from_secs(1);

/// The newest lines that are gathered with them.
const LINES: usize = 100;

thread_local! {
    static METER: RefCell<Meter> = RefCell::default();
    static GATHERED_LINES: RefCell<VecDeque<String>> = RefCell::default();
    /// Somebody followed the log when figures were last handed over.
    static IS_FOLLOWED: Cell<bool> = const { Cell::new(false) };
    /// Someone will hand over what is gathered now.
    static AWAITED: Cell<bool> = const { Cell::new(false) };
    /// Where this isolate's request ids begin, and how many it has given.
    static IDS: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// Counts something in this isolate's figures.
pub(crate) fn meter(count: impl FnOnce(&mut Meter)) {
    METER.with_borrow_mut(count);
}

/// What is known of one request while it is served. The default one watches what nobody asked for: it counts, and writes no line.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    id: u64,
    trace: Option<Trace>,
    began: Millis,
    level: Level,
    action: Cell<Option<Action>>,
    owner: Cell<Option<Hex>>,
    session: RefCell<Option<SessionId>>,
    messages: Cell<Option<u64>>,
    /// What it did, by the last operation that changed or read a session.
    event: Cell<Option<&'static str>>,
    /// Where the sessions are.
    kept_by: Cell<&'static str>,
    store: Cell<u64>,
    responder: Cell<Option<u64>>,
    /// Why it was refused: the code, and what operators are told.
    problem: RefCell<Option<(&'static str, Option<String>)>>,
    /// The type and the code of a responder's error.
    cause: RefCell<Option<String>>,
}

impl Watch {
    /// Begins to watch a request.
    pub(crate) fn begin(headers: &Headers, level: Level) -> Self {
        let id = next_id();
        Self {
            id,
            trace: headers.traceparent.as_deref().and_then(|header| Trace::follow(header, id)),
            began: edge::now(),
            level,
            action: Cell::default(),
            owner: Cell::default(),
            session: RefCell::default(),
            messages: Cell::default(),
            event: Cell::default(),
            kept_by: Cell::default(),
            store: Cell::default(),
            responder: Cell::default(),
            problem: RefCell::default(),
            cause: RefCell::default(),
        }
    }

    /// The `traceparent` of what is asked for this request; empty where it belongs to no trace.
    pub(crate) fn traceparent(&self) -> String {
        self.trace.map(|trace| trace.to_string()).unwrap_or_default()
    }

    /// The request's id, as its lines have it.
    pub(crate) fn id(&self) -> String {
        format!("{:016x}", self.id)
    }

    pub(crate) fn routed(&self, action: Action) {
        self.action.set(Some(action));
    }

    pub(crate) fn entered(&self, owner: &Owner) {
        self.owner.set(Some(of_owner(owner)));
    }

    /// Where the sessions of the request are: `upstash`, `vault`, or `journal` in an outage.
    pub(crate) fn kept_by(&self, store: &'static str) {
        self.kept_by.set(store);
    }

    /// The session that the request is about.
    pub(crate) fn about(&self, session: &SessionId) {
        *self.session.borrow_mut() = Some(session.clone());
    }

    /// The session as the request left it.
    pub(crate) fn left(&self, session: &Session) {
        self.messages.set(Some(session.kept()));
    }

    /// The store was asked for an operation.
    pub(crate) fn stored<T>(&self, operation: &'static str, took: Millis, outcome: &Result<T, StoreError>) {
        self.store.set(self.store.get() + took.0);
        if let Some(event) = event(operation) {
            self.event.set(Some(event));
        }
        meter(|meter| meter.store(operation, outcome.as_ref().map_or_else(StoreError::cause, |_| "ok"), took));
    }

    /// The responder was asked; `outcome` is `ok` or the code of its failure.
    pub(crate) fn responded(&self, outcome: &'static str, took: Millis) {
        self.responder.set(Some(took.0));
        meter(|meter| meter.responder(outcome, took));
    }

    /// The responder failed, with this error of its own.
    pub(crate) fn responder_failed(&self, failure: &Failure) {
        self.cause.replace(failure.cause.clone());
    }

    /// The request is refused, for this reason.
    pub(crate) fn refused(&self, problem: &Problem) {
        meter(|meter| meter.error(problem.code.as_str()));
        // Details are said to callers too, so that they hold nothing that nobody may read; what is the caller's own doing isn't news.
        let detail = problem.detail.clone().filter(|_| problem.code.status() >= 500);
        *self.problem.borrow_mut() = Some((problem.code.as_str(), detail));
    }

    /// The request is answered: counts it, and writes its line.
    pub(crate) fn end(&self, status: u16) {
        let now = edge::now();
        let took = now.since(self.began);
        meter(|meter| meter.request(self.action.get(), status, took));
        let level = if status >= 500 { Level::Error } else { Level::Info };
        let (is_written, is_measured) = (level >= self.level, analytics::is_open());
        if !is_written && !is_measured {
            return;
        }
        let route = named(self.action.get());
        let (session, problem, cause) = (self.session.borrow(), self.problem.borrow(), self.cause.borrow());
        let message = if status < 400 { "A request was answered" } else { "A request was refused" };
        let event = if status < 400 { self.event.get().unwrap_or("request") } else { "refused" };
        let line = Line {
            request_id: Some(Hex(self.id)),
            trace_id: self.trace.map(|trace| Hex128(trace.id)),
            session_id: session.as_ref(),
            owner: self.owner.get(),
            route: Some(&route),
            status: Some(status),
            code: problem.as_ref().map(|(code, _)| *code),
            detail: problem.as_ref().and_then(|(_, detail)| detail.as_deref()),
            cause: cause.as_deref(),
            messages: self.messages.get(),
            duration_ms: Some(took.0),
            store_ms: Some(self.store.get()),
            responder_ms: self.responder.get(),
            ..Line::new(now.to_rfc3339(), level, "worker", event, message)
        };
        if is_written {
            write(&line);
        }
        if is_measured {
            analytics::write(&DataPoint::of(&line, self.kept_by.get()));
        }
    }
}

/// Writes a line. All by one function of the console: the others decorate what they write, and the level is in the line.
pub(crate) fn write(line: &Line) {
    let json = line.to_json();
    worker::console_log!("{json}");
    GATHERED_LINES.with_borrow_mut(|lines| {
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(json);
    });
}

/// Says, and counts, what happened to the store.
pub(crate) fn of_store(level: Level, event: &'static str, message: &str, cause: Option<&str>) {
    happened("store", level, event, message, cause);
}

/// The same of one session, whose owner is named by a digest.
pub(crate) fn of_session(
    level: Level,
    event: &'static str,
    message: &str,
    cause: Option<&str>,
    owner: &Owner,
    session: &SessionId,
) {
    meter(|meter| meter.event(event));
    if crate::settings::log_level() <= level {
        let line = Line::new(edge::now().to_rfc3339(), level, "store", event, message);
        write(&Line { detail: cause, owner: Some(of_owner(owner)), session_id: Some(session), ..line });
    }
}

/// Says, and counts, that an issuer's keys could not be read. Its address is the operator's to know.
pub(crate) fn of_issuer() {
    happened("auth", Level::Warn, "issuer_failing", "An issuer's keys can't be read", None);
}

fn happened(component: &'static str, level: Level, event: &'static str, message: &str, cause: Option<&str>) {
    meter(|meter| meter.event(event));
    if crate::settings::log_level() <= level {
        write(&Line { detail: cause, ..Line::new(edge::now().to_rfc3339(), level, component, event, message) });
    }
}

/// Counts a problem of what runs on after its request, and tells operators of one that is not the caller's doing.
/// `cause` is what a responder says of its error.
pub(crate) fn log(problem: &Problem, cause: Option<&str>) {
    meter(|meter| meter.error(problem.code.as_str()));
    if problem.code.status() >= 500 && crate::settings::log_level() <= Level::Error {
        write(&Line {
            code: Some(problem.code.as_str()),
            detail: problem.detail.as_deref(),
            session_id: problem.session_id.as_ref(),
            cause,
            ..Line::new(
                edge::now().to_rfc3339(),
                Level::Error,
                "vault",
                "turn_failed",
                "A turn that streams has failed",
            )
        });
    }
}

/// What an operation does, as lines name it; nothing for those that only help others.
fn event(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "finish_turn" | "append" => "message_added",
        "create" => "session_created",
        "delete" => "session_deleted",
        "restore" => "session_restored",
        "fork" => "session_forked",
        "patch" | "touch" | "truncate" => "session_changed",
        "import" => "session_imported",
        "info" => "session_read",
        "history" => "history_read",
        "list" => "sessions_listed",
        "read_state" => "state_read",
        "write_state" => "state_written",
        _ => return None,
    })
}

fn next_id() -> u64 {
    let (isolate, number) = IDS.get().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        edge::fill_random(&mut bytes);
        (u64::from_be_bytes(bytes), 0)
    });
    IDS.set(Some((isolate, number + 1)));
    request_id(isolate, number)
}

/// Sees to it that the figures are handed over, some time after the answer.
pub(crate) fn hand_over_later(env: &Env, context: &Context) {
    if AWAITED.replace(true) {
        return;
    }
    let env = env.clone();
    context.wait_until(async move {
        Delay::from(if IS_FOLLOWED.get() { FOLLOWED } else { GATHERED }).await;
        AWAITED.set(false);
        hand_over_now(&env).await;
    });
}

/// Hands the figures over. Those of a failed attempt are lost: counters may have gaps, and never count twice.
pub(crate) async fn hand_over_now(env: &Env) {
    let mut gathered = METER.take();
    let lines: Vec<String> = GATHERED_LINES.take().into();
    if !gathered.is_empty() || !lines.is_empty() {
        IS_FOLLOWED.set(hand_over(env, &gathered.take(), &lines).await.unwrap_or(false));
    }
}

/// Somebody follows the log from here on.
pub(crate) fn is_followed() {
    IS_FOLLOWED.set(true);
}
