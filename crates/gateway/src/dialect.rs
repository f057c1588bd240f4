//! One request of the dialect from its head to its response: method, token, form, faults, commands.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::access_log;
use crate::auth;
use crate::body::Body;
use crate::command::Command;
use crate::config::Config;
use crate::counters::Counters;
use crate::events;
use crate::execute::Executor;
use crate::faults::{Effect, Faults};
use crate::redis_link::{RedisLink, Unreachable};
use crate::reply::{Encoding, Outcome};
use crate::request::{self, Form, Request};
use crate::response::{self, Answer};
use crate::rules::{Access, Refusal, Rules};
use crate::script::ScriptAliases;
use crate::sync_token::SyncToken;
use crate::texts;

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Dialect {
    config: Config,
    link: RedisLink,
    aliases: ScriptAliases,
    sync_token: SyncToken,
    faults: Faults,
    counters: Counters,
    closing: watch::Receiver<bool>,
}

/// The connection is to be closed without a response.
#[derive(Debug)]
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("dropped by a fault")
    }
}

impl std::error::Error for Dropped {}

/// What the access log says about the commands of a request: the first names, and how many there are.
type Names = (Vec<String>, usize);

/// The service limits commands, not bodies; this only keeps a body from taking all memory.
const LONGEST_BODY: usize = 512 * 1024 * 1024;

/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

impl Dialect {
    /// The dialect as configured; streams end when `closing` turns true.
    pub(crate) fn new(config: Config, closing: watch::Receiver<bool>) -> Self {
        Self {
            link: RedisLink::new(config.redis.clone()),
            counters: Counters::new(config.faults),
            config,
            aliases: ScriptAliases::default(),
            sync_token: SyncToken::new(),
            faults: Faults::default(),
            closing,
        }
    }

    /// The way to Redis.
    pub(crate) fn link(&self) -> &RedisLink {
        &self.link
    }

    /// Whether tests may order faults and read counters.
    pub(crate) fn faults_enabled(&self) -> bool {
        self.config.faults
    }

    /// The faults in store.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The counters.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Answers a request, unless a fault drops it.
    pub(crate) async fn respond(&self, request: HttpRequest<Incoming>) -> Result<Response<Body>, Dropped> {
        if !self.config.access_log {
            return self.answer(request, &mut None).await;
        }
        let start = Instant::now();
        let method = request.method().clone();
        let form = Form::of(request.uri().path());
        let trace = request.headers().get("traceparent").cloned();
        let mut names = Some(Names::default());
        let response = self.answer(request, &mut names).await;
        let (names, count) = names.unwrap_or_default();
        let status = response.as_ref().ok().map(Response::status);
        access_log::Line::new(&method, form.name(), (&names, count), status, start.elapsed())
            .in_trace(trace.as_ref().and_then(|header| header.to_str().ok()))
            .print();
        response
    }

    async fn answer(
        &self,
        request: HttpRequest<Incoming>,
        names: &mut Option<Names>,
    ) -> Result<Response<Body>, Dropped> {
        match *request.method() {
            Method::OPTIONS => return Ok(response::preflight(request.headers())),
            Method::HEAD | Method::GET | Method::POST | Method::PUT => {}
            _ => return Ok(response::empty(StatusCode::METHOD_NOT_ALLOWED)),
        }
        let (head, body) = request.into_parts();
        let Some(access) = auth::access(&self.config.tokens, &head.headers, head.uri.query()) else {
            return Ok(response::error(StatusCode::UNAUTHORIZED, texts::UNAUTHORIZED));
        };
        if auth::is_foreign(&self.config.tokens, &head.headers, &head.uri) {
            return Ok(response::error(StatusCode::FORBIDDEN, texts::FOREIGN));
        }
        if head.method == Method::HEAD {
            return Ok(response::empty(StatusCode::OK));
        }
        let encoding = match response::wanted_encoding(&head.headers) {
            Ok(encoding) => encoding,
            Err(text) => return Ok(response::error(StatusCode::BAD_REQUEST, &text)),
        };
        let Ok(collected) = timeout(BODY_TIMEOUT, Limited::new(body, LONGEST_BODY).collect()).await else {
            return Ok(response::error(StatusCode::REQUEST_TIMEOUT, texts::SLOW_BODY));
        };
        let body = match collected {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let text = texts::too_large(LONGEST_BODY, LONGEST_BODY.saturating_add(1));
                return Ok(response::error(StatusCode::PAYLOAD_TOO_LARGE, &text));
            }
            // The client went away in the middle of its request.
            Err(_) => return Err(Dropped),
        };
        let (path, query) = (head.uri.path(), head.uri.query());
        match request::parse(path, query, &body) {
            Ok(request) => self.run(request, access, encoding, names).await,
            Err(text) => Ok(response::error(StatusCode::BAD_REQUEST, &text)),
        }
    }

    async fn run(
        &self,
        request: Request<'_>,
        access: Access,
        encoding: Encoding,
        names: &mut Option<Names>,
    ) -> Result<Response<Body>, Dropped> {
        let mut delay_response = None;
        let mut drop_response = false;
        if self.config.faults {
            let command_names: Vec<&str> = request.commands().iter().map(|command| command.name.as_str()).collect();
            self.counters.count(command_names.iter().copied());
            match self.faults.take(&command_names, self.config.max_request_size) {
                None => {}
                Some(Effect::Drop { run: false }) => return Err(Dropped),
                Some(Effect::Drop { run: true }) => drop_response = true,
                Some(Effect::Delay { pause, before: true }) => sleep(pause).await,
                Some(Effect::Delay { pause, before: false }) => delay_response = Some(pause),
                Some(Effect::NotJson(status)) => return Ok(response::text(status, texts::EDGE_ERROR)),
                Some(Effect::Fail { text, status }) => return Ok(failure(&request, &text, status, encoding)),
            }
        }
        let response = match self.execute(request, access, encoding, names).await {
            Ok(response) => response,
            Err(Unreachable) => {
                let text = self.link.refusal().map_or(texts::UNREACHABLE, texts::refused);
                response::error(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        };
        if let Some(pause) = delay_response {
            sleep(pause).await;
        }
        if drop_response { Err(Dropped) } else { Ok(response) }
    }

    async fn execute(
        &self,
        request: Request<'_>,
        access: Access,
        encoding: Encoding,
        names: &mut Option<Names>,
    ) -> Result<Response<Body>, Unreachable> {
        match request {
            Request::Subscribe { patterns, names } => {
                let receiver = events::subscribe(&self.link, patterns, names, self.closing.clone()).await?;
                return Ok(response::events(receiver));
            }
            Request::Monitor if access == Access::ReadOnly => {
                return Ok(response::error(StatusCode::BAD_REQUEST, &texts::no_permission("monitor")));
            }
            Request::Monitor => {
                return Ok(match self.link.monitor().await? {
                    Some(monitor) => response::events(events::monitor(monitor, self.closing.clone())),
                    None => response::error(StatusCode::BAD_REQUEST, &texts::not_available("MONITOR")),
                });
            }
            _ => {}
        }
        let session = self.link.session().await?;
        let rules =
            Rules { table: &session.table, aliases: &self.aliases, access, max_size: self.config.max_request_size };
        if let Some(names) = names {
            *names = log_names(request.commands(), &rules);
        }
        let executor = Executor { link: &self.link, session: &session, rules };
        let (answer, wrote) = match request {
            Request::Single(command) => match executor.single(command).await? {
                Ok(run) => (Answer::one(&run.outcome, encoding), run.wrote),
                Err(refusal) => (refused(refusal, encoding), false),
            },
            Request::Pipeline(commands) => {
                let run = executor.pipeline(commands).await?;
                (Answer::all(&run.outcome, encoding), run.wrote)
            }
            Request::Transaction(commands) => match executor.transaction(commands).await? {
                Ok(run) => (Answer::all(&run.outcome, json_only(encoding)), run.wrote),
                Err(refusal) => (refused(refusal, json_only(encoding)), false),
            },
            Request::Subscribe { .. } | Request::Monitor => return Err(Unreachable),
        };
        Ok(answer.into_response(Some(&self.sync_token.after(wrote))))
    }
}

fn refused(refusal: Refusal, encoding: Encoding) -> Answer {
    let mut answer = Answer::one(&Outcome::Error(refusal.text), encoding);
    answer.status = refusal.status;
    answer
}

/// Transactions are answered in JSON, whatever format the request asks for.
fn json_only(encoding: Encoding) -> Encoding {
    if encoding == Encoding::Resp2 { Encoding::Json } else { encoding }
}

/// The response of a fault: an error in the place of each command of a pipeline, or one error.
fn failure(request: &Request<'_>, text: &str, status: Option<StatusCode>, encoding: Encoding) -> Response<Body> {
    let outcome = Outcome::Error(text.to_owned());
    let is_per_command = status.is_none_or(|status| status == StatusCode::OK);
    let mut answer = match request {
        Request::Pipeline(commands) if is_per_command => Answer::all(&vec![outcome; commands.len()], encoding),
        _ => Answer::one(&outcome, encoding),
    };
    answer.status = status.unwrap_or(answer.status);
    answer.into_response(None)
}

fn log_names(commands: &[Command<'_>], rules: &Rules<'_>) -> Names {
    let name = |command: &Command<'_>| {
        if rules.table.lists(&command.name) { command.name.clone() } else { "?".to_owned() }
    };
    (commands.iter().take(access_log::MOST_NAMES).map(name).collect(), commands.len())
}
