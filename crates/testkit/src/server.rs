//! A Redis server of a test's own: a child process on a free port of this machine, gone when the value is.

use crate::redis::RedisExecutor;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, fmt, fs, process, thread};

/// A running Redis server that keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
    directory: PathBuf,
}

/// Why no server runs.
#[derive(Debug)]
pub enum NoServer {
    /// There is no `redis-server` on the `PATH`.
    Missing,
    /// It ended instead of serving; with what it said.
    Ended(String),
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for NoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoServer::Missing => {
                f.write_str("these tests need a Redis server (7.0 or later): there is no `redis-server` on the PATH")
            }
            NoServer::Ended(log) => write!(f, "redis-server ended at once: {log}"),
            NoServer::Io(error) => write!(f, "redis-server could not be started: {error}"),
        }
    }
}

impl std::error::Error for NoServer {}

impl From<io::Error> for NoServer {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { NoServer::Missing } else { NoServer::Io(error) }
    }
}

/// Between looking for a free port and taking it somebody else may take it.
const ATTEMPTS: u32 = 5;

impl RedisServer {
    /// Starts a server and waits until it serves.
    ///
    /// # Errors
    /// [`NoServer`] says why there is none.
    pub fn start() -> Result<Self, NoServer> {
        let mut last = NoServer::Missing;
        for _ in 0..ATTEMPTS {
            match Self::start_once() {
                Err(NoServer::Ended(log)) => last = NoServer::Ended(log),
                settled => return settled,
            }
        }
        Err(last)
    }

    fn start_once() -> Result<Self, NoServer> {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).map_err(NoServer::Io)?.port();
        let directory = env::temp_dir().join(format!("chatkeep-redis-{}-{port}", process::id()));
        fs::create_dir_all(&directory).map_err(NoServer::Io)?;
        let spawned = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"])
            .arg(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let _ = fs::remove_dir_all(&directory);
                return Err(error.into());
            }
        };
        let log = child.stdout.take();
        let server = Self { child, port, directory };
        wait_until_ready(log)?;
        Ok(server)
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// An executor of its own on this server.
    ///
    /// # Panics
    /// The server can't be reached.
    #[must_use]
    pub fn executor(&self) -> RedisExecutor {
        RedisExecutor::connect(&self.url(), "chatkeep:").expect("a server that runs can be reached")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Reads the server's log until it says that it serves; the rest is read and dropped, so that the server never blocks on it.
fn wait_until_ready(log: Option<ChildStdout>) -> Result<(), NoServer> {
    let mut lines = BufReader::new(log.ok_or_else(|| NoServer::Ended("it has no log".to_owned()))?);
    let mut said = String::new();
    loop {
        let before = said.len();
        if lines.read_line(&mut said).map_err(NoServer::Io)? == 0 {
            return Err(NoServer::Ended(said));
        }
        if said[before..].contains("Ready to accept connections") {
            thread::spawn(move || io::copy(&mut lines, &mut io::sink()));
            return Ok(());
        }
    }
}
