//! From a request to its response: route, gate, body, handler.

mod admin;
mod ai;
mod answer;
mod archived;
mod chat;
mod claim;
mod dialects;
mod events;
mod export;
mod health;
mod history;
mod import;
mod incognito;
mod messages;
mod sessions;
mod state;
mod stream;
mod visitors;

use crate::analytics;
use crate::archive::Archive;
use crate::edge::{self, Headers, Unreadable};
use crate::gate::{self, ADDRESS_PERIOD, Caller};
use crate::settings::{Settings, settings};
use crate::store::{Store, replay_after_recovery, upstash};
use crate::watch::{self, Watch};
pub(crate) use answer::{Answer, Body, Piece};
use chatkeep_model::auth::{By, Credentials, socket};
use chatkeep_model::config::Config;
use chatkeep_model::cors::AllowedOrigins;
use chatkeep_model::depth::is_deeper;
use chatkeep_model::intake::{self, Fresh, Incoming, WritableRoles};
use chatkeep_model::limits::{ADDRESS_BYTES, AI_BODY_BYTES, JSON_DEPTH};
use chatkeep_model::rate::Charge;
use chatkeep_model::route::{Action, Matched, Query, route};
use chatkeep_model::stream::Wire;
use chatkeep_model::version;
use chatkeep_model::{Code, Dialect, Limits, Millis, Namespace, Problem, SessionId};
use std::cell::Cell;
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use uuid::Builder;
use worker::{Context, Env};

/// The `Cache-Control` of what no proxy may change: compressed, an event is held back and an `ETag` becomes a weak one.
const NO_TRANSFORM: &str = "no-store, no-transform";

/// A request inside the gate: what every handler gets.
struct Call<'a> {
    config: Rc<Config>,
    namespace: Rc<Namespace>,
    /// The one that is spoken.
    dialect: Option<Dialect>,
    store: Store,
    /// The long-term archive, where there is one.
    archive: Option<Archive>,
    headers: &'a Headers,
    /// Its body; an import reads it from the request.
    body: String,
    request: &'a web_sys::Request,
    /// The roles that messages of this caller may have.
    roles: WritableRoles,
    /// What stands in the path for `{id}`.
    id: String,
    query: Query<'a>,
    /// Only the head of the answer is asked for.
    is_head: bool,
    fresh: Fresh,
    /// What a turn is charged to.
    charge: Option<Charge>,
    /// The turns charged in this window of time, once one was.
    charged: Cell<Option<u64>>,
    watch: Rc<Watch>,
    /// Takes what may be done after the answer.
    context: &'a Context,
}

impl Call<'_> {
    /// The request, for the intake.
    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            body: &self.body,
            key: self.headers.idempotency_key.as_deref(),
            limits: &self.namespace.limits,
            roles: self.roles,
            fresh: self.fresh,
        }
    }

    /// Takes down how many turns are charged in this window of time, for the answer's headers.
    ///
    /// # Errors
    /// [`Code::RateLimited`] when those are too many.
    fn charged(&self, turns: u64) -> Result<(), Problem> {
        let Some(charge) = &self.charge else { return Ok(()) };
        self.charged.set(Some(turns));
        if turns > charge.most { Err(charge.refusal()) } else { Ok(()) }
    }

    /// The session that the path names.
    fn session(&self) -> Result<SessionId, Problem> {
        intake::session_id(self.id.clone()).inspect(|id| self.watch.about(id))
    }
}

/// Serves one request.
pub(crate) async fn serve(request: web_sys::Request, env: Env, context: &Context) -> web_sys::Response {
    let settings = settings(&env);
    let mut headers = edge::read_headers(&request);
    if let (None, Ok(config)) = (&headers.address, &settings) {
        headers.address = edge::client_address(&request, &config.trusted_proxies);
    }
    let allowed = settings.as_ref().map(|config| &config.allowed_origins);
    let origin = headers.origin.as_deref();
    if let Ok(allowed) = allowed
        && request.method() == "OPTIONS"
        && *allowed != AllowedOrigins::default()
    {
        return Answer::empty().respond(allowed.preflight_headers(origin, headers.requested_headers.as_deref()));
    }
    let mut common = allowed.map(|allowed| allowed.headers(origin)).unwrap_or_default();
    // What is said in a session is never a page, whatever a browser would make of it.
    common.push(("x-content-type-options", "nosniff".to_owned()));
    common.push(("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()));
    let level = settings.as_ref().map(|config| config.log_level).unwrap_or_default();
    let watch = Rc::new(Watch::begin(&headers, level));
    watch::hand_over_later(&env, context);
    analytics::open(&env);
    let answer = answer(&request, &headers, env, &settings, context, &watch).await;
    let answer = answer.unwrap_or_else(|problem| refusal(problem, &watch));
    watch.end(answer.status);
    if answer.is_event_stream() {
        // A proxy on the way hands each event on as it comes: it neither compresses nor gathers them.
        common.push(("cache-control", NO_TRANSFORM.to_owned()));
        common.push(("x-accel-buffering", "no".to_owned()));
        if request.method() == "HEAD" {
            return answer.without_stream().respond(common);
        }
    } else {
        common.push(("cache-control", "no-store".to_owned()));
    }
    answer.respond(common)
}

/// A problem as its answer, which operators find in the log by its id.
fn refusal(problem: Problem, watch: &Watch) -> Answer {
    watch.refused(&problem);
    Answer::refusal(problem, watch.id())
}

async fn answer(
    request: &web_sys::Request,
    headers: &Headers,
    env: Env,
    settings: &Settings,
    context: &Context,
    watch: &Rc<Watch>,
) -> Result<Answer, Problem> {
    let url = request.url();
    if url.len() > ADDRESS_BYTES {
        return Err(Problem::new(Code::AddressTooLong));
    }
    let (own_origin, path, query) = url_parts(&url);
    let method = &request.method();
    let root = settings.as_ref().ok().and_then(|config| config.root);
    let Matched { action, dialect, id } = route(method, path, root)?;
    watch.routed(action);
    match action {
        Action::Health => return health::health(settings, env).await,
        Action::Live => return health::live(),
        Action::Ready => return health::ready(settings, env).await,
        _ => {}
    }
    version::admit(headers.client.as_deref())?;
    let config = match settings {
        Ok(config) => Rc::clone(config),
        Err(error) => return Err(Problem::new(Code::NotConfigured).detail(error.to_string())),
    };
    if gate::is_too_many(&env, headers.address.as_deref()).await {
        return Err(Problem::new(Code::RateLimited).retry_after(ADDRESS_PERIOD));
    }
    let socket = (action == Action::Events).then(|| edge::read_socket_headers(request));
    let bearer = socket.as_ref().and_then(|asked| socket::authorization(&asked.protocols));
    let mut shown = credentials(headers, own_origin, method, &config.allowed_origins);
    if let Some(asked) = &socket {
        shown.authorization = shown.authorization.or(bearer.as_deref());
        // What a browser lets any page open is no safer than what changes something.
        shown.safe &= !asked.upgrades;
        if asked.upgrades {
            socket::check_origin(&shown, &config.allowed_origins)?;
        }
    }
    let who = gate::enter(&config.access, &shown, action.needs()).await?;
    let namespace = Rc::clone(config.namespace(dialect));
    let body = body(request, action, &namespace.limits).await?;
    if action == Action::NewVisitor {
        return visitors::create(&config.access, &shown, who, &body).await;
    }
    let Caller { owner, by } = who.ok_or(Problem::new(Code::Internal))?;
    let namespace = namespace.of_owner(&owner);
    watch.entered(&owner);
    watch.kept_by(if config.upstash.is_some() { "upstash" } else { "vault" });
    if action == Action::Metrics {
        return admin::metrics(&env).await;
    }
    let fresh = fresh(action);
    let charge = config.rates.charge(&by, headers.address.as_deref(), fresh.now);
    let store = {
        let (sync_token, journal) = (headers.sync_token.clone(), headers.journal.as_deref());
        let (config, namespace) = (Rc::clone(&config), Rc::clone(&namespace));
        let store =
            Store::new(Rc::clone(&config), namespace, env.clone(), owner, sync_token, journal, Rc::clone(watch));
        events::collecting(store, &config)
    };
    let archive = Archive::of(&env, &config, &namespace, &store);
    let roles = config.writable_roles(&by);
    let call = Call {
        store,
        config,
        namespace,
        dialect,
        archive,
        headers,
        body,
        request,
        roles,
        id,
        query: Query(query),
        is_head: method == "HEAD",
        fresh,
        charge,
        charged: Cell::default(),
        watch: Rc::clone(watch),
        context,
    };
    // In a box each: as parts of this future they would all be one function, which an isolate compiles before its first answer.
    let answering: Pin<Box<dyn Future<Output = Result<Answer, Problem>> + '_>> = match action {
        // Answered above: a new visitor is nobody yet.
        Action::Health | Action::Live | Action::Ready | Action::Metrics | Action::NewVisitor => {
            Box::pin(ready(Err(Problem::new(Code::Internal))))
        }
        Action::Chat => Box::pin(chat::chat(&call)),
        Action::AiChat => Box::pin(ai::chat(&call)),
        Action::AiStream => Box::pin(stream::follow(&call, Wire::UiMessages)),
        Action::AiMessages => Box::pin(ai::messages(&call)),
        Action::FollowTurn => Box::pin(stream::follow(&call, Wire::Own)),
        Action::StopTurn | Action::AiStop => Box::pin(stream::stop(&call)),
        Action::Events => match socket {
            Some(asked) => Box::pin(events::watch(&call, asked)),
            None => Box::pin(ready(Err(Problem::new(Code::Internal)))),
        },
        Action::CreateSession => Box::pin(sessions::create(&call)),
        Action::ListSessions => Box::pin(sessions::list(&call)),
        Action::DeleteAll => Box::pin(sessions::delete_all(&call)),
        Action::SessionInfo => Box::pin(sessions::info(&call)),
        Action::PatchSession => Box::pin(sessions::patch(&call)),
        Action::DeleteSession => Box::pin(sessions::delete(&call)),
        Action::RestoreSession => Box::pin(sessions::restore(&call)),
        Action::ForkSession => Box::pin(history::fork(&call)),
        Action::TruncateSession => Box::pin(history::truncate(&call)),
        Action::TouchSession => Box::pin(sessions::touch(&call)),
        Action::History => Box::pin(history::history(&call)),
        Action::PostMessages => Box::pin(messages::post(&call)),
        Action::ReadState => Box::pin(state::read(&call)),
        Action::WriteState => Box::pin(state::write(&call)),
        Action::ExportSession => Box::pin(export::export_session(&call)),
        Action::ExportAll => Box::pin(export::export_all(&call)),
        Action::Import => Box::pin(import::import(&call)),
        Action::ListOwners => Box::pin(admin::owners(&call)),
        Action::AdminStats => Box::pin(admin::stats(&call, &env)),
        Action::AdminSessions => Box::pin(admin::list(&call)),
        Action::AdminDelete => Box::pin(admin::delete(&call, &env)),
        Action::AdminExport => Box::pin(export::export_everyones(&call)),
        Action::AdminImport => Box::pin(import::import_everyones(&call)),
        Action::AdminEvents => Box::pin(admin::follow(&call, &env)),
        Action::Rebuild => Box::pin(admin::rebuild(&call)),
        Action::MoveHouse => Box::pin(admin::move_house(&call)),
        Action::Reseal => Box::pin(admin::reseal(&call)),
        Action::Dialect(dialect, verb) => Box::pin(dialects::serve(&call, dialect, verb)),
        Action::ClaimVisitor => Box::pin(claim::claim(&call, &shown)),
    };
    let answer = answering.await;
    let store = &call.store;
    if matches!(by, By::Visitor(_)) && answer.as_ref().is_err_and(claim::may_be_under_way) {
        let (store, namespace, archive) = (store.clone(), Rc::clone(&call.namespace), call.archive.clone());
        context.wait_until(async move { claim::go_on(&store, archive, &namespace.limits).await });
    }
    let traced = action.writes() && answer.as_ref().is_ok_and(|answer| !answer.traceless);
    if traced && !store.is_degraded() && store.note_is_due(call.fresh.now) {
        let (store, now) = (store.clone(), call.fresh.now);
        context.wait_until(async move { store.note(now).await });
    }
    if store.has_news() {
        let store = store.clone();
        context.wait_until(async move { store.tell().await });
    }
    if upstash::recovered() {
        context.wait_until(replay_after_recovery(env, Millis(10_000)));
    }
    let mut answer = answer.unwrap_or_else(|problem| refusal(problem, watch));
    if store.is_degraded() {
        watch.kept_by("journal");
        answer = answer.degraded();
    }
    answer.headers.push(("server-timing", store.timing().header(edge::now().since(call.fresh.now))));
    if !answer.is_relayed() {
        answer.headers.extend(store.headers());
    }
    if let (Some(charge), Some(charged)) = (&call.charge, call.charged.get()) {
        answer.headers.extend(charge.headers(charged));
    }
    Ok(answer)
}

/// What a request shows of itself.
fn credentials<'a>(
    headers: &'a Headers,
    own_origin: &'a str,
    method: &str,
    allowed: &AllowedOrigins,
) -> Credentials<'a> {
    Credentials {
        api_key: headers.api_key.as_deref(),
        authorization: headers.authorization.as_deref(),
        cookie: headers.cookie.as_deref(),
        user: headers.user.as_deref(),
        issuer: headers.issuer.as_deref(),
        origin: headers.origin.as_deref(),
        is_listed_origin: headers.origin.as_deref().is_some_and(|origin| allowed.allows(origin)),
        host: headers.host.as_deref(),
        fetch_site: headers.fetch_site.as_deref(),
        rewrites_url: [&headers.mf_original_url, &headers.x_original_url, &headers.x_rewrite_url]
            .into_iter()
            .any(Option::is_some),
        own_origin,
        safe: matches!(method, "GET" | "HEAD"),
    }
}

/// Reads the body. Only who is inside the gate gets here.
async fn body(request: &web_sys::Request, action: Action, limits: &Limits) -> Result<String, Problem> {
    let limit = match action {
        // They read it themselves, piece by piece.
        Action::Import | Action::AdminImport => return Ok(String::new()),
        Action::AiChat => limits.body_bytes.max(AI_BODY_BYTES),
        Action::WriteState => limits.body_bytes.max(limits.state_bytes),
        _ => limits.body_bytes,
    };
    let body = edge::read_body(request, limit).await.map_err(|unreadable| match unreadable {
        Unreadable::TooLarge if action == Action::AiChat => Problem::new(Code::BodyTooLarge).detail(format!(
            "the limit is {limit} bytes: send the last message alone, by the transport's prepareSendMessagesRequest"
        )),
        Unreadable::TooLarge => Problem::new(Code::BodyTooLarge).detail(format!("the limit is {limit} bytes")),
        Unreadable::Broken => Problem::new(Code::InvalidJson),
    })?;
    // The AI SDK sends the whole history, of which the last message alone is read: its depth is checked there.
    if action != Action::AiChat && is_deeper(&body, JSON_DEPTH) {
        return Err(Problem::new(Code::JsonTooDeep).detail(format!("the limit is {JSON_DEPTH} levels")));
    }
    Ok(body)
}

/// Origin, path and query of an absolute URL as the platform gives it.
fn url_parts(url: &str) -> (&str, &str, &str) {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let host = before.find("://").map_or(0, |at| at + 3);
    match before.get(host..).and_then(|rest| rest.find('/')) {
        Some(at) => {
            let (origin, path) = before.split_at(host + at);
            (origin, path, query)
        }
        None => (before, "/", query),
    }
}

/// The time, and randomness in one draught: each costs a call of JavaScript. What only reads needs no randomness.
fn fresh(action: Action) -> Fresh {
    let now = edge::now();
    let mut random = [0; 52];
    if action.writes() {
        edge::fill_random(&mut random);
    }
    Fresh::of(now, &random, |millis, random| Builder::from_unix_timestamp_millis(millis, random).into_uuid().as_u128())
}
