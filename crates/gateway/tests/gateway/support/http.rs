//! As much of an HTTP client as the tests need, on a connection of its own per request.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Sends requests to one gateway.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client with the default token.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }.header("Authorization", "Bearer local")
    }

    /// The same client with a header more, or another value of it.
    pub(crate) fn header(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(present, _)| present != name);
        changed.headers.push((name.to_owned(), value.to_owned()));
        changed
    }

    /// The same client without a header.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(present, _)| present != name);
        changed
    }

    /// `POST /` with this body.
    pub(crate) fn run(&self, body: &str) -> Response {
        self.post("/", body)
    }

    /// The `result` of a command that succeeds.
    pub(crate) fn result(&self, body: &str) -> Value {
        let response = self.run(body);
        assert_eq!(response.status, 200, "{body}: {}", response.text());
        response.json()["result"].clone()
    }

    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("POST", path, body.as_ref())
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, b"")
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8]) -> Response {
        self.try_send(method, path, body).expect("no response")
    }

    /// The response; none if the connection closes without one.
    pub(crate) fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Option<Response> {
        let mut reader = self.open(method, path, body);
        let (status, headers) = read_head(&mut reader)?;
        let mut body = Vec::new();
        if method != "HEAD" {
            reader.read_to_end(&mut body).expect("body");
        }
        Some(Response { status, headers, body })
    }

    /// The lines of a response that goes on, after its head.
    pub(crate) fn stream(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let mut reader = self.open("GET", path, b"");
        let (status, headers) = read_head(&mut reader).expect("no response");
        assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
        reader.lines().map_while(Result::ok).filter(|line| line.starts_with("data: "))
    }

    fn open(&self, method: &str, path: &str, body: &[u8]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).expect("head");
        // A refusal may arrive before all of the body has been sent.
        let _ = stream.write_all(body);
        BufReader::new(stream)
    }
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the `error` field.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().expect("error").to_owned()
    }

    pub(crate) fn sync_token(&self) -> &str {
        &self.headers["upstash-sync-token"]
    }
}

fn read_head(reader: &mut impl BufRead) -> Option<(u16, HashMap<String, String>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => return Some((status, headers)),
        };
    }
}
