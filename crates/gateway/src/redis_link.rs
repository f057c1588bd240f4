//! The live connection to Redis: made when it can be, watched, and made again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, pending};
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, Value};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::Error as TlsError;

use crate::cluster::Cluster;
use crate::command_table::CommandTable;
use crate::connection::Connection;
use crate::monitor::Monitor;
use crate::nesting::Shallow;
use crate::target::RedisTarget;

/// The gateway's way to Redis.
#[derive(Debug)]
pub(crate) struct RedisLink {
    target: RedisTarget,
    state: watch::Sender<State>,
}

/// A connection that works, until it doesn't.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Connection,
    spare: Mutex<Vec<Connection>>,
    /// The commands of this Redis.
    pub(crate) table: CommandTable,
}

/// Redis can't be reached, or stopped answering. What was sent before may have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreachable;

#[derive(Debug, Clone)]
enum State {
    /// An attempt is under way, and nothing speaks against it.
    Connecting,
    Up(Arc<Session>),
    Down(Option<Refusal>),
}

/// What keeps Redis from being reached until its operator mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No authority that is trusted vouches for its certificate.
    Certificate,
    /// The handshake of TLS fails otherwise: the port may not speak it.
    Tls,
    /// It doesn't let this user in with this password.
    Login,
}

/// Why an attempt to connect failed.
#[derive(Debug)]
struct Failed {
    refusal: Option<Refusal>,
    /// In a few words. Redis doesn't repeat a password in its errors, and the library doesn't either.
    reason: String,
}

impl From<RedisError> for Failed {
    fn from(error: RedisError) -> Self {
        let login =
            error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"));
        Self { refusal: login.then_some(Refusal::Login), reason: error.to_string() }
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        let refusal = error.get_ref().and_then(|inner| inner.downcast_ref()).map(|error| match error {
            TlsError::InvalidCertificate(_) => Refusal::Certificate,
            _ => Refusal::Tls,
        });
        Self { refusal, reason: error.to_string() }
    }
}

/// A new connection and what drives it.
type Driven = (Connection, BoxFuture<'static, ()>);

/// One attempt to connect, handshakes included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A request that meets the first attempt waits this long for it.
const REQUEST_PATIENCE: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A connection that vanished without a word is noticed by asking. Long scripts are no reason to give up.
const HEARTBEAT: Duration = Duration::from_secs(15);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections of their own that are kept for the next transaction.
const MOST_SPARE: usize = 8;

impl RedisLink {
    /// A link that isn't connected yet; `maintain` does that.
    pub(crate) fn new(target: RedisTarget) -> Self {
        Self { target, state: watch::Sender::new(State::Connecting) }
    }

    /// The present session. Answers at once if Redis is known to be away.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, Unreachable> {
        match &*self.state.borrow() {
            State::Up(session) => return Ok(Arc::clone(session)),
            State::Down(_) => return Err(Unreachable),
            State::Connecting => {}
        }
        let mut states = self.state.subscribe();
        let settled = timeout(REQUEST_PATIENCE, states.wait_for(|state| !matches!(state, State::Connecting))).await;
        match settled {
            Ok(Ok(state)) => match &*state {
                State::Up(session) => Ok(Arc::clone(session)),
                _ => Err(Unreachable),
            },
            _ => Err(Unreachable),
        }
    }

    /// Whether there is a session now.
    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(_))
    }

    /// What keeps it from being reached, where that is known to need somebody who mends it.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match &*self.state.borrow() {
            State::Down(refusal) => *refusal,
            _ => None,
        }
    }

    /// A connection for subscriptions.
    pub(crate) async fn subscriber(&self) -> Result<PubSub, Unreachable> {
        let open = async { Ok::<_, Failed>(PubSub::new(self.target.login(), self.target.open().await?).await?) };
        match timeout(CONNECT_TIMEOUT, open).await {
            Ok(Ok(subscriber)) => Ok(subscriber),
            _ => Err(Unreachable),
        }
    }

    /// Every command that Redis gets, as text lines. A cluster has no one place where all of them pass.
    pub(crate) async fn monitor(&self) -> Result<Option<Monitor>, Unreachable> {
        if self.target.is_cluster() {
            return Ok(None);
        }
        match timeout(CONNECT_TIMEOUT, Monitor::open(&self.target)).await {
            Ok(Ok(monitor)) => Ok(Some(monitor)),
            _ => Err(Unreachable),
        }
    }

    /// A connection that nobody else uses. Give it back with `Session::keep` if it is in its first state again.
    pub(crate) async fn own_connection(&self, session: &Session) -> Result<Connection, Unreachable> {
        let spare = session.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = spare {
            return Ok(connection);
        }
        match timeout(CONNECT_TIMEOUT, connect(&self.target)).await {
            Ok(Ok((connection, driver))) => {
                tokio::spawn(driver);
                Ok(connection)
            }
            _ => Err(Unreachable),
        }
    }

    /// Keeps the link connected, and tells the operator on standard error. Never returns.
    pub(crate) async fn maintain(&self) {
        let place = self.target.redacted();
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            match timeout(CONNECT_TIMEOUT, self.open_session()).await {
                Ok(Ok((session, driver))) => {
                    eprintln!("connected to Redis at {place}");
                    (pause, told) = (FIRST_PAUSE, false);
                    let connection = session.shared.clone();
                    self.state.send_replace(State::Up(session));
                    watch_over(connection, driver).await;
                    eprintln!("lost the connection to Redis at {place}; reconnecting");
                    self.state.send_replace(State::Connecting);
                }
                failed => {
                    let timed_out = || Failed { refusal: None, reason: "timed out".to_owned() };
                    let failed = failed.ok().and_then(Result::err).unwrap_or_else(timed_out);
                    self.state.send_replace(State::Down(failed.refusal));
                    if !told {
                        eprintln!("Redis at {place} is not reachable yet; retrying ({})", failed.reason);
                        told = true;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn open_session(&self) -> Result<(Arc<Session>, tokio::task::JoinHandle<()>), Failed> {
        let (shared, driver) = connect(&self.target).await?;
        let driver = tokio::spawn(driver);
        let Ok(reply) = shared.clone().run(&redis::cmd("COMMAND")).await else {
            driver.abort();
            return Err(Failed { refusal: None, reason: "it went away at once".to_owned() });
        };
        // A replica that is loading, a wrong login: these answer, but not to anything useful.
        if let Value::ServerError(error) = &reply
            && error.code() != "NOPERM"
        {
            driver.abort();
            return Err(RedisError::from(error.clone()).into());
        }
        let table = CommandTable::from_reply(&reply);
        Ok((Arc::new(Session { shared, spare: Mutex::default(), table }), driver))
    }
}

impl Session {
    /// The connection that all requests share.
    pub(crate) fn shared(&self) -> Connection {
        self.shared.clone()
    }

    /// Takes back a connection from `RedisLink::own_connection`.
    pub(crate) fn keep(&self, connection: Connection) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE && matches!(connection, Connection::Server(_)) {
            spare.push(connection);
        }
    }
}

async fn connect(target: &RedisTarget) -> Result<Driven, Failed> {
    if target.is_cluster() {
        let cluster = Cluster::connect(target, CONNECT_TIMEOUT).await?;
        // It drives itself, and comes back to each server by itself.
        return Ok((Connection::Cluster(cluster), Box::pin(pending())));
    }
    // How long an answer may take is the caller's business: a script can be slow for a good reason.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_connection_timeout(None)
        .set_pipeline_buffer_size(512);
    let stream = Shallow::new(target.open().await?);
    let (connection, driver) = MultiplexedConnection::new_with_config(target.login(), stream, config).await?;
    Ok((Connection::Server(connection), Box::pin(driver)))
}

/// Returns when the connection is gone.
async fn watch_over(mut connection: Connection, mut driver: tokio::task::JoinHandle<()>) {
    let heartbeat = async {
        loop {
            sleep(HEARTBEAT).await;
            let ping = redis::cmd("PING");
            if !matches!(timeout(HEARTBEAT_TIMEOUT, connection.run(&ping)).await, Ok(Ok(_))) {
                return;
            }
        }
    };
    tokio::select! {
        _ = &mut driver => {}
        () = heartbeat => driver.abort(),
    }
}
