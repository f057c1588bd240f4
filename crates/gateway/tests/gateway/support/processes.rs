//! Child processes that end with their test: `redis-server` and the gateway.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::Client;
use super::ports::free_port;

/// A Redis without persistence.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
}

/// Three servers that share the slots among them.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Redis>,
}

/// A gateway on a port of its own.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    error_lines: Mutex<Receiver<String>>,
}

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of this test's own.
pub(crate) fn fresh_directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", free_port()));
    std::fs::create_dir_all(&directory).expect("directory");
    directory
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_on_free_port(&[])
    }

    /// A Redis with these arguments, on another port where it finds one taken.
    pub(crate) fn start_on_free_port(arguments: &[&str]) -> Self {
        let mut attempts = (0..5).map(|_| Self::try_start(free_port(), arguments));
        attempts.find_map(Result::ok).expect("a Redis that starts")
    }

    /// A Redis on this port with these arguments besides.
    pub(crate) fn start_with(port: u16, arguments: &[&str]) -> Self {
        Self::try_start(port, arguments).unwrap_or_else(|said| panic!("redis-server on {port}: {said}"))
    }

    /// The error is what it said before it ended.
    fn try_start(port: u16, arguments: &[&str]) -> Result<Self, String> {
        let mut child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server must be installed");
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let lines = lines_of(stdout);
        let redis = Self { child, port };
        let mut said = String::new();
        for line in lines.iter() {
            if line.contains("Ready to accept connections") {
                return Ok(redis);
            }
            said.push_str(&line);
        }
        Err(said)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(mut self) -> u16 {
        end(&mut self.child);
        self.port
    }
}

impl Cluster {
    /// A cluster whose slots are all served.
    pub(crate) fn start() -> Self {
        let servers: Vec<Redis> = (0..3).map(|_| Self::start_server()).collect();
        let places: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        cli(&[&["--cluster", "create"], &places[..], &["--cluster-yes"]].concat());
        let cluster = Self { servers };
        cluster.wait_until_settled();
        cluster
    }

    /// A server of a cluster.
    pub(crate) fn start_server() -> Redis {
        let directory = fresh_directory("cluster");
        let directory = directory.to_string_lossy();
        let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--dir", &directory];
        Redis::start_on_free_port(&cluster)
    }

    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        format!("redis+cluster://{}", places.join(","))
    }

    /// Moves so many slots from one server to another.
    pub(crate) fn reshard(&self, from: usize, to: usize, slots: u16) {
        let id = |at: usize| cli(&["-p", &self.servers[at].port.to_string(), "CLUSTER", "MYID"]).trim().to_owned();
        let place = format!("127.0.0.1:{}", self.servers[0].port);
        let (from, to, slots) = (id(from), id(to), slots.to_string());
        let names = ["--cluster-from", &from, "--cluster-to", &to, "--cluster-slots", &slots, "--cluster-yes"];
        cli(&[&["--cluster", "reshard", &place][..], &names].concat());
    }

    fn wait_until_settled(&self) {
        let deadline = Instant::now() + PATIENCE;
        for server in &self.servers {
            while !cli(&["-p", &server.port.to_string(), "CLUSTER", "INFO"]).contains("cluster_state:ok") {
                assert!(Instant::now() < deadline, "the cluster does not settle");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// What redis-cli prints.
fn cli(words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(words).output().expect("redis-cli must be installed");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {printed}");
    printed
}

impl Gateway {
    /// A gateway with nothing in its environment but these variables.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chatkeep-gateway"))
            .env_clear()
            .env("GATEWAY_PORT", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gateway");
        let error_lines = lines_of(BufReader::new(child.stderr.take().expect("stderr")));
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("first line");
        let address = line.trim().strip_prefix("chatkeep-gateway listening on http://").expect(&line);
        let address = address.parse().expect("address");
        Self { child, address, error_lines: Mutex::new(error_lines) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Waits until standard error has a line with this text, and returns the line.
    pub(crate) fn wait_for_error_line(&self, text: &str) -> String {
        wait_for(&self.error_lines.lock().expect("lines"), text)
    }

    /// Asks it to stop and returns how it ended, and what it still said.
    pub(crate) fn stop(mut self) -> (ExitStatus, Vec<String>) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        let status = self.child.wait().expect("status");
        (status, self.error_lines.lock().expect("lines").iter().collect())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn lines_of(reader: BufReader<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    // Reads to the end, so that the child never waits for room in the pipe.
    std::thread::spawn(move || reader.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    receiver
}

fn wait_for(lines: &Receiver<String>, text: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let patience = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(patience).unwrap_or_else(|_| panic!("no line with {text:?}"));
        if line.contains(text) {
            return line;
        }
    }
}
