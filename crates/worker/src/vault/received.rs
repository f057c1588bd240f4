//! What has come of the replies of running turns, in SQLite: so that a vault that is restarted in mid-turn knows it.

use crate::seal::as_cipher;
use chatkeep_model::plan::BeginTurn;
use chatkeep_model::seal::{close_bound, open_bound};
use chatkeep_model::stream::{Opened, Piece};
use chatkeep_model::wire::Raw;
use chatkeep_model::{Millis, Owner};
use chatkeep_seal::Keys;
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS running (key TEXT PRIMARY KEY, turn TEXT NOT NULL, ending TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS received (
        key TEXT NOT NULL, number INTEGER NOT NULL, pieces TEXT NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;";

/// What a turn is that runs, as far as it has to be known to end it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) owner: Owner,
    /// The prefix of its namespace.
    pub(super) prefix: String,
    pub(super) begin: BeginTurn,
    pub(super) opened: Opened,
    pub(super) position: u64,
    /// The parts that its reply begins with.
    pub(super) before: Option<Raw>,
    pub(super) since: Millis,
}

impl Turn {
    pub(super) fn of(
        owner: Owner,
        prefix: String,
        begin: BeginTurn,
        opened: Opened,
        position: u64,
        before: Option<Raw>,
        since: Millis,
    ) -> Self {
        Self { owner, prefix, begin, opened, position, before, since }
    }

    /// What it is known by in this vault.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.begin.session, self.begin.turn)
    }
}

/// How a reply ended that could not be stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Whole,
    Stopped,
    Interrupted,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Received {
    sql: SqlStorage,
    /// Seals what is kept here, where sessions are encrypted.
    keys: Option<Rc<Keys>>,
}

impl Received {
    pub(super) fn new(sql: SqlStorage, keys: Option<Rc<Keys>>) -> Self {
        Self { sql, keys }
    }

    fn close(&self, bound: &str, mut text: String) -> String {
        close_bound(as_cipher(&self.keys), bound, &mut text);
        text
    }

    fn open(&self, bound: &str, mut text: String) -> Result<String> {
        let opened = open_bound(as_cipher(&self.keys), bound, &mut text);
        opened.map_err(|error| Error::RustError(error.as_str().to_owned()))?;
        Ok(text)
    }

    /// Makes the tables.
    pub(super) fn prepare(&self) -> Result<()> {
        self.sql.exec(SCHEMA, None).map(drop)
    }

    /// A turn runs now.
    pub(super) fn begin(&self, turn: &Turn) -> Result<()> {
        let query = "INSERT OR REPLACE INTO running (key, turn) VALUES (?, ?)";
        let json = self.close(&format!("running\n{}", turn.key()), serde_json::to_string(turn)?);
        self.sql.exec(query, vec![turn.key().into(), json.into()])?;
        self.sql.exec("DELETE FROM received WHERE key = ?", vec![turn.key().into()]).map(drop)
    }

    /// More of its reply has come.
    pub(super) fn add(&self, key: &str, number: u32, pieces: &[Piece]) -> Result<()> {
        let query = "INSERT OR REPLACE INTO received (key, number, pieces) VALUES (?, ?, ?)";
        let pieces = self.close(&format!("received\n{key}\n{number}"), serde_json::to_string(pieces)?);
        self.sql.exec(query, vec![key.into(), i64::from(number).into(), pieces.into()]).map(drop)
    }

    /// Its reply has ended, but could not be stored.
    pub(super) fn keep(&self, key: &str, ended: Ended) -> Result<()> {
        let query = "UPDATE running SET ending = ? WHERE key = ?";
        self.sql.exec(query, vec![serde_json::to_string(&ended)?.into(), key.into()]).map(drop)
    }

    /// A turn, and how it ended, if it did.
    pub(super) fn turn(&self, key: &str) -> Result<Option<(Turn, Option<Ended>)>> {
        let rows = self.sql.exec("SELECT turn, ending FROM running WHERE key = ?", vec![key.into()])?.raw();
        match rows.into_iter().next().transpose()?.as_deref() {
            Some([SqlStorageValue::String(turn), ending]) => {
                let ended = match ending {
                    SqlStorageValue::String(ending) => Some(serde_json::from_str(ending)?),
                    _ => None,
                };
                let turn = self.open(&format!("running\n{key}"), turn.clone())?;
                Ok(Some((serde_json::from_str(&turn)?, ended)))
            }
            Some(_) => Err(Error::RustError("a row of the running turns has an unknown form".to_owned())),
            None => Ok(None),
        }
    }

    /// The keys of the turns that are here.
    pub(super) fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for row in self.sql.exec("SELECT key FROM running", None)?.raw() {
            if let Some(SqlStorageValue::String(key)) = row?.into_iter().next() {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// What has come of a turn's reply.
    pub(super) fn pieces(&self, key: &str) -> Result<Vec<Piece>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let query = "SELECT number, pieces FROM received WHERE key = ? ORDER BY number";
        for row in self.sql.exec(query, vec![key.into()])?.raw() {
            if let [SqlStorageValue::Integer(number), SqlStorageValue::String(more)] = row?.as_slice() {
                let more = self.open(&format!("received\n{key}\n{number}"), more.clone())?;
                pieces.extend(serde_json::from_str::<Vec<Piece>>(&more)?);
            }
        }
        Ok(pieces)
    }

    /// Forgets a turn.
    pub(super) fn forget(&self, key: &str) -> Result<()> {
        self.sql.exec("DELETE FROM received WHERE key = ?", vec![key.into()])?;
        self.sql.exec("DELETE FROM running WHERE key = ?", vec![key.into()]).map(drop)
    }
}
