//! One deployment over HTTP: its answers as values, its problems as failures.

use chatkeep_model::percent;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader};
use std::time::Duration;
use std::{fmt, thread};
use ureq::http::Response;
use ureq::{Agent, Body};

/// Why something did not happen.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The deployment refused: its status, and what it said.
    Refused(u16, String),
    /// It could not be reached, or broke off.
    Unreachable(String),
    /// Something here.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(status, said) => write!(f, "{status} {said}"),
            Failure::Unreachable(why) => write!(f, "the deployment can't be reached: {why}"),
            Failure::Other(what) => f.write_str(what),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Other(error.to_string())
    }
}

impl Failure {
    /// Whether the same, asked again, may go well.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Failure::Unreachable(_) | Failure::Refused(429 | 500..=599, _))
    }
}

/// How often something that failed for now is asked again, after a pause that doubles.
const TRIES: u32 = 6;

/// The deployment, in one namespace.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    /// Its URL with the namespace's folder.
    base: String,
    key: Option<String>,
}

/// A problem, as far as it is shown.
#[derive(Deserialize)]
struct Problem {
    code: String,
    title: String,
    detail: Option<String>,
}

impl Client {
    pub(crate) fn new(url: &str, key: Option<String>, namespace: Option<&str>) -> Self {
        let folder = namespace.map(|name| format!("/{}", name.trim_matches('/'))).unwrap_or_default();
        let config = Agent::config_builder().http_status_as_error(false).timeout_connect(Some(Duration::from_secs(10)));
        Self {
            agent: config.build().into(),
            base: format!("{}{folder}", url.trim_end_matches('/')),
            key: key.filter(|key| !key.is_empty()),
        }
    }

    fn send(&self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> Result<Response<Body>, Failure> {
        let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", percent::encode(value))).collect();
        let url = format!("{}{path}{}{}", self.base, if pairs.is_empty() { "" } else { "?" }, pairs.join("&"));
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/x-ndjson");
        }
        let request = request.body(body.to_owned()).map_err(|error| Failure::Other(error.to_string()))?;
        let mut answer = self.agent.run(request).map_err(|error| Failure::Unreachable(error.to_string()))?;
        let status = answer.status().as_u16();
        if status < 300 {
            return Ok(answer);
        }
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let said = serde_json::from_str(&text).map_or_else(
            |_| "the answer is none of Chatkeep's: is the URL right?".to_owned(),
            |Problem { code, title, detail }| format!("{code}: {}", detail.unwrap_or(title)),
        );
        Err(Failure::Refused(status, said))
    }

    /// Asks, and asks again while it fails for now.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: &str,
    ) -> Result<T, Failure> {
        patiently(|| {
            let mut answer = self.send(method, path, query, body)?;
            let body = answer.body_mut().with_config().limit(64 << 20);
            let text = body.read_to_string().map_err(|error| Failure::Unreachable(error.to_string()))?;
            serde_json::from_str(&text)
                .map_err(|error| Failure::Other(format!("an answer is not as expected: {error}")))
        })
    }

    /// Asks for one answer after the other, until one names no next cursor.
    pub(crate) fn ask_all<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        mut each: impl FnMut(T) -> Result<Option<String>, Failure>,
    ) -> Result<(), Failure> {
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            cursor = each(self.ask(method, path, &query, "")?)?;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Asks for what comes as lines.
    pub(crate) fn lines(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<impl Iterator<Item = Result<String, Failure>> + use<>, Failure> {
        let answer = self.send("GET", path, query, "")?;
        let reader = BufReader::new(answer.into_body().into_reader());
        Ok(reader.lines().map(|line| line.map_err(|error| Failure::Unreachable(error.to_string()))))
    }
}

/// Does something, and does it again while it fails for now.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pause = Duration::from_millis(200);
    for _ in 1..TRIES {
        match attempt() {
            Err(failure) if failure.is_passing() => thread::sleep(pause),
            settled => return settled,
        }
        pause *= 2;
    }
    attempt()
}

/// A query of what is given.
pub(crate) fn given<'a>(pairs: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect()
}
