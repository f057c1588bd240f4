//! The records of a vault in SQLite.

use chatkeep_model::journal::{Base, Ledger};
use chatkeep_model::limits::{REMEMBERED_TURNS, SESSION_OVERHEAD_BYTES};
use chatkeep_model::message::stored_prefix;
use chatkeep_model::records::{self, Notes, Records};
use chatkeep_model::session::{Card, Flags};
use chatkeep_model::turn::TurnRecord;
use chatkeep_model::{MessageId, Millis, Owner, Session, SessionId, TurnId};
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// The tables; `@` stands for what their names begin with. A session row has a number of its own, so that one that is set aside as deleted keeps its messages while
/// its id is free for another.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS @sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, buried_until INTEGER, title TEXT NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL, expires INTEGER NOT NULL, first INTEGER NOT NULL,
        next INTEGER NOT NULL, total INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL,
        flags TEXT NOT NULL, metadata TEXT, state TEXT, state_revision INTEGER,
        used INTEGER NOT NULL DEFAULT 0, summary TEXT NOT NULL DEFAULT '');
    CREATE UNIQUE INDEX IF NOT EXISTS @sessions_by_id ON @sessions (id) WHERE buried_until IS NULL;
    CREATE INDEX IF NOT EXISTS @sessions_by_expiry ON @sessions (expires, id) WHERE buried_until IS NULL;
    CREATE INDEX IF NOT EXISTS @buried_by_id ON @sessions (id, buried_until) WHERE buried_until IS NOT NULL;
    CREATE TABLE IF NOT EXISTS @messages (
        session INTEGER NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (session, position)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS @turns (
        session INTEGER NOT NULL, turn TEXT NOT NULL, sequence INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (session, turn)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS @turns_by_sequence ON @turns (session, sequence);
    CREATE TABLE IF NOT EXISTS @charges (
        bucket TEXT PRIMARY KEY, count INTEGER NOT NULL, needed_until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS @claimed (one INTEGER PRIMARY KEY, by TEXT NOT NULL, until INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS @bases (
        id TEXT PRIMARY KEY, whole INTEGER NOT NULL, known_from INTEGER NOT NULL, state_known INTEGER NOT NULL) WITHOUT ROWID;";

/// What counts the bytes of the sessions of a vault that was made when they weren't counted.
const COUNT_BYTES: &str = "
    ALTER TABLE @sessions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    UPDATE @sessions SET bytes =
        (SELECT coalesce(sum(octet_length(body)), 0) FROM @messages WHERE session = @sessions.number);";

/// What makes room for notes in a vault that was made without them.
const ADD_NOTES: &str = "
    ALTER TABLE @sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE @sessions ADD COLUMN summary TEXT NOT NULL DEFAULT '';";

/// The number of the live row of an id.
const NUMBER: &str = "(SELECT number FROM @sessions WHERE id = ? AND buried_until IS NULL)";

/// The fields of a session, in the order in which [`session`] reads them.
const FIELDS: &str = "title, created, updated, expires, first, next, total, bytes, revision, flags";

/// The bytes of a session's state and metadata.
const EXTRA_BYTES: &str = "(coalesce(octet_length(state), 0) + coalesce(octet_length(metadata), 0))";

#[derive(Clone)]
pub(super) struct Sqlite {
    sql: SqlStorage,
    /// What the names of its tables begin with: a vault keeps the overlay of a journal beside its sessions.
    prefix: &'static str,
    prepared: Rc<Cell<bool>>,
}

type Row = Vec<SqlStorageValue>;

impl Sqlite {
    pub(super) fn new(sql: SqlStorage, prefix: &'static str) -> Self {
        Self { sql, prefix, prepared: Rc::default() }
    }

    /// Makes the tables or brings them up to date, once in the life of this object.
    pub(super) fn prepare(&mut self) -> Result<()> {
        if !self.prepared.get() {
            self.run(SCHEMA, vec![])?;
            if self.rows("SELECT 1 FROM pragma_table_info('@sessions') WHERE name = 'bytes'", vec![])?.is_empty() {
                self.run(COUNT_BYTES, vec![])?;
            }
            if self.rows("SELECT 1 FROM pragma_table_info('@sessions') WHERE name = 'used'", vec![])?.is_empty() {
                self.run(ADD_NOTES, vec![])?;
            }
            self.prepared.set(true);
        }
        Ok(())
    }

    /// When the first session, live or set aside, ends.
    pub(super) fn first_end(&self) -> Result<Option<Millis>> {
        let rows = self.rows(
            "SELECT min(ending) FROM (SELECT min(expires) AS ending FROM @sessions WHERE buried_until IS NULL
             UNION ALL SELECT min(buried_until) FROM @sessions WHERE buried_until IS NOT NULL)",
            vec![],
        )?;
        Ok(rows.first().and_then(|row| number(row, 0).ok()).map(Millis))
    }

    /// Removes what has ended.
    pub(super) fn remove_ended(&mut self, now: Millis) -> Result<()> {
        let ended = "SELECT number FROM @sessions WHERE coalesce(buried_until, expires) <= ?";
        for table in ["messages", "turns"] {
            self.run(&format!("DELETE FROM @{table} WHERE session IN ({ended})"), vec![int(now.0)])?;
        }
        self.run("DELETE FROM @sessions WHERE coalesce(buried_until, expires) <= ?", vec![int(now.0)])
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.run("DELETE FROM @sessions; DELETE FROM @messages; DELETE FROM @turns; DELETE FROM @bases", vec![])
    }

    fn run(&self, query: &str, bindings: Row) -> Result<()> {
        self.sql.exec(&query.replace('@', self.prefix), bindings).map(drop)
    }

    fn rows(&self, query: &str, bindings: Row) -> Result<Vec<Row>> {
        self.sql.exec(&query.replace('@', self.prefix), bindings)?.raw().collect()
    }

    /// Removes the rows of a session that a condition on its own row names, with its messages and turns.
    fn remove_where(&self, condition: &str, id: &SessionId) -> Result<()> {
        for table in ["messages", "turns"] {
            let query =
                format!("DELETE FROM @{table} WHERE session IN (SELECT number FROM @sessions WHERE {condition})");
            self.run(&query, vec![text(id.as_str())])?;
        }
        self.run(&format!("DELETE FROM @sessions WHERE {condition}"), vec![text(id.as_str())])
    }
}

impl Records for Sqlite {
    type Error = Error;

    fn session(&mut self, id: &SessionId) -> Result<Option<Session>> {
        let query = format!("SELECT {FIELDS} FROM @sessions WHERE id = ? AND buried_until IS NULL");
        self.rows(&query, vec![text(id.as_str())])?.first().map(|row| session(row, 0)).transpose()
    }

    fn put_session(&mut self, id: &SessionId, session: &Session) -> Result<()> {
        let query = format!(
            "INSERT INTO @sessions (id, {FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) WHERE buried_until IS NULL DO UPDATE SET title = excluded.title, updated = excluded.updated,
             expires = excluded.expires, first = excluded.first, next = excluded.next, total = excluded.total,
             bytes = excluded.bytes, revision = excluded.revision, flags = excluded.flags"
        );
        let mut bindings = vec![text(id.as_str()), text(&session.title)];
        bindings.extend([session.created, session.updated, session.expires].map(|moment| int(moment.0)));
        bindings.extend([session.first, session.next, session.total, session.bytes, session.revision].map(int));
        bindings.push(text(&session.flags.stored()));
        self.run(&query, bindings)
    }

    fn remove_session(&mut self, id: &SessionId) -> Result<()> {
        self.remove_where("id = ? AND buried_until IS NULL", id)
    }

    fn messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<String>> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT body FROM @messages WHERE session = {NUMBER} AND position >= ? AND position < ? ORDER BY position"
        );
        let rows = self.rows(&query, vec![text(id.as_str()), int(positions.start), int(positions.end)])?;
        rows.iter().map(|row| string(row, 0)).collect()
    }

    fn message_sizes(&mut self, id: &SessionId, positions: Range<u64>) -> Result<Vec<u64>> {
        let query = format!(
            "SELECT octet_length(body) FROM @messages
             WHERE session = {NUMBER} AND position >= ? AND position < ? ORDER BY position"
        );
        let rows = self.rows(&query, vec![text(id.as_str()), int(positions.start), int(positions.end)])?;
        rows.iter().map(|row| number(row, 0)).collect()
    }

    fn put_message(&mut self, id: &SessionId, position: u64, message: &str) -> Result<()> {
        let query = format!("INSERT OR REPLACE INTO @messages (session, position, body) VALUES ({NUMBER}, ?, ?)");
        self.run(&query, vec![text(id.as_str()), int(position), text(message)])
    }

    fn remove_messages(&mut self, id: &SessionId, positions: Range<u64>) -> Result<()> {
        let query = format!("DELETE FROM @messages WHERE session = {NUMBER} AND position >= ? AND position < ?");
        self.run(&query, vec![text(id.as_str()), int(positions.start), int(positions.end)])
    }

    fn turn(&mut self, id: &SessionId, turn: &TurnId) -> Result<Option<TurnRecord>> {
        let query = format!("SELECT record FROM @turns WHERE session = {NUMBER} AND turn = ?");
        let rows = self.rows(&query, vec![text(id.as_str()), text(turn.as_str())])?;
        let Some(row) = rows.first() else { return Ok(None) };
        TurnRecord::parse(&string(row, 0)?).map(Some).ok_or_else(corrupt)
    }

    fn put_turn(&mut self, id: &SessionId, turn: &TurnId, record: &TurnRecord) -> Result<()> {
        let query = "INSERT INTO @turns (session, turn, sequence, record)
            SELECT number, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM @turns WHERE session = number), ?
            FROM @sessions WHERE id = ? AND buried_until IS NULL
            ON CONFLICT (session, turn) DO UPDATE SET record = excluded.record";
        self.run(query, vec![text(turn.as_str()), text(&record.to_string()), text(id.as_str())])?;
        let query = format!(
            "DELETE FROM @turns WHERE session = {NUMBER} AND sequence <=
             (SELECT max(sequence) FROM @turns WHERE session = {NUMBER}) - ?"
        );
        self.run(&query, vec![text(id.as_str()), text(id.as_str()), int(REMEMBERED_TURNS)])
    }

    fn find_message(&mut self, id: &SessionId, message: &MessageId, positions: Range<u64>) -> Result<Option<u64>> {
        let query = format!(
            "SELECT position FROM @messages WHERE session = {NUMBER} AND position >= ? AND position < ?
             AND substr(body, 1, ?) = ? ORDER BY position DESC LIMIT 1"
        );
        let prefix = stored_prefix(message);
        let bindings =
            vec![text(id.as_str()), int(positions.start), int(positions.end), int(prefix.len() as u64), text(&prefix)];
        self.rows(&query, bindings)?.first().map(|row| number(row, 0)).transpose()
    }

    fn metadata(&mut self, id: &SessionId) -> Result<Option<String>> {
        let query = "SELECT metadata FROM @sessions WHERE id = ? AND buried_until IS NULL AND metadata IS NOT NULL";
        self.rows(query, vec![text(id.as_str())])?.first().map(|row| string(row, 0)).transpose()
    }

    fn put_metadata(&mut self, id: &SessionId, metadata: &str) -> Result<()> {
        let query = "UPDATE @sessions SET metadata = nullif(?, '') WHERE id = ? AND buried_until IS NULL";
        self.run(query, vec![text(metadata), text(id.as_str())])
    }

    fn state(&mut self, id: &SessionId) -> Result<Option<records::State>> {
        let query =
            "SELECT state_revision, state FROM @sessions WHERE id = ? AND buried_until IS NULL AND state IS NOT NULL";
        let rows = self.rows(query, vec![text(id.as_str())])?;
        let read = |row: &Row| Ok(records::State { revision: number(row, 0)?, json: string(row, 1)? });
        rows.first().map(read).transpose()
    }

    fn put_state(&mut self, id: &SessionId, state: &records::State) -> Result<()> {
        let query = "UPDATE @sessions SET state_revision = ?, state = ? WHERE id = ? AND buried_until IS NULL";
        self.run(query, vec![int(state.revision), text(&state.json), text(id.as_str())])
    }

    fn notes(&mut self, id: &SessionId) -> Result<Notes> {
        let query = "SELECT used, summary FROM @sessions WHERE id = ? AND buried_until IS NULL";
        let rows = self.rows(query, vec![text(id.as_str())])?;
        let read = |row: &Row| Ok(Notes { used: number(row, 0)?, summary: string(row, 1)? });
        rows.first().map_or_else(|| Ok(Notes::default()), read)
    }

    fn put_notes(&mut self, id: &SessionId, notes: &Notes) -> Result<()> {
        let query = "UPDATE @sessions SET used = ?, summary = ? WHERE id = ? AND buried_until IS NULL";
        self.run(query, vec![int(notes.used), text(&notes.summary), text(id.as_str())])
    }

    fn bury(&mut self, id: &SessionId, until: Millis) -> Result<()> {
        self.remove_where("id = ? AND buried_until IS NOT NULL", id)?;
        let query = "UPDATE @sessions SET buried_until = ? WHERE id = ? AND buried_until IS NULL";
        self.run(query, vec![int(until.0), text(id.as_str())])
    }

    fn unbury(&mut self, id: &SessionId) -> Result<()> {
        let query = "UPDATE @sessions SET buried_until = NULL WHERE id = ? AND buried_until IS NOT NULL";
        self.run(query, vec![text(id.as_str())])
    }

    fn buried_until(&mut self, id: &SessionId) -> Result<Option<Millis>> {
        let query = "SELECT max(buried_until) FROM @sessions WHERE id = ? AND buried_until IS NOT NULL";
        let rows = self.rows(query, vec![text(id.as_str())])?;
        Ok(rows.first().and_then(|row| number(row, 0).ok()).map(Millis))
    }

    fn count(&mut self, now: Millis) -> Result<u64> {
        let query = "SELECT count(*) FROM @sessions WHERE buried_until IS NULL AND expires > ?
            AND flags NOT LIKE 'i%'";
        let rows = self.rows(query, vec![int(now.0)])?;
        rows.first().map_or(Ok(0), |row| number(row, 0))
    }

    fn extra_bytes(&mut self, id: &SessionId) -> Result<u64> {
        let query = format!("SELECT {EXTRA_BYTES} FROM @sessions WHERE id = ? AND buried_until IS NULL");
        self.rows(&query, vec![text(id.as_str())])?.first().map_or(Ok(0), |row| number(row, 0))
    }

    fn stored_bytes(&mut self, now: Millis) -> Result<u64> {
        let query = format!(
            "SELECT coalesce(sum({SESSION_OVERHEAD_BYTES} + bytes + {EXTRA_BYTES}), 0) FROM @sessions
             WHERE buried_until > ? OR (buried_until IS NULL AND expires > ? AND flags NOT LIKE 'i%')"
        );
        self.rows(&query, vec![int(now.0), int(now.0)])?.first().map_or(Ok(0), |row| number(row, 0))
    }

    fn turns(&mut self, id: &SessionId) -> Result<Vec<(TurnId, TurnRecord)>> {
        let query = format!("SELECT turn, record FROM @turns WHERE session = {NUMBER} ORDER BY sequence");
        let read = |row: &Row| {
            let turn = TurnId::parse(string(row, 0)?).map_err(|_| corrupt())?;
            Ok((turn, TurnRecord::parse(&string(row, 1)?).ok_or_else(corrupt)?))
        };
        self.rows(&query, vec![text(id.as_str())])?.iter().map(read).collect()
    }

    fn claimed_by(&mut self, now: Millis) -> Result<Option<Owner>> {
        let rows = self.rows("SELECT by FROM @claimed WHERE until > ?", vec![int(now.0)])?;
        rows.first().map(|row| string(row, 0).map(Owner::stored)).transpose()
    }

    fn put_claim(&mut self, by: &Owner, until: Millis) -> Result<()> {
        let query = "INSERT OR REPLACE INTO @claimed (one, by, until) VALUES (1, ?, ?)";
        self.run(query, vec![text(by.as_str()), int(until.0)])
    }

    fn charge(&mut self, bucket: &str, now: Millis, lives: Millis) -> Result<u64> {
        self.run("DELETE FROM @charges WHERE needed_until <= ?", vec![int(now.0)])?;
        let query = "INSERT INTO @charges (bucket, count, needed_until) VALUES (?, 1, ?)
            ON CONFLICT (bucket) DO UPDATE SET count = count + 1 RETURNING count";
        let rows = self.rows(query, vec![text(bucket), int(now.after(lives).0)])?;
        rows.first().map_or_else(|| Err(corrupt()), |row| number(row, 0))
    }

    fn cards(&mut self, now: Millis, newest: Option<Millis>, skip: u64, limit: u64) -> Result<Vec<Card>> {
        let query = format!(
            "SELECT id, {FIELDS} FROM @sessions WHERE buried_until IS NULL AND expires > ? AND expires <= ?
             AND flags NOT LIKE 'i%'
             ORDER BY expires DESC, id DESC LIMIT ? OFFSET ?"
        );
        let newest = newest.map_or((1 << 53) - 1, |newest| newest.0);
        self.rows(&query, vec![int(now.0), int(newest), int(limit), int(skip)])?.iter().map(card).collect()
    }

    fn cards_after(&mut self, now: Millis, after: Option<(Millis, &SessionId)>, limit: u64) -> Result<Vec<Card>> {
        let query = format!(
            "SELECT id, {FIELDS} FROM @sessions WHERE buried_until IS NULL AND flags NOT LIKE 'i%' AND expires > ? AND (expires, id) > (?, ?)
             ORDER BY expires, id LIMIT ?"
        );
        let (expires, id) = after.map_or((0, ""), |(expires, id)| (expires.0, id.as_str()));
        self.rows(&query, vec![int(now.0), int(expires), text(id), int(limit)])?.iter().map(card).collect()
    }
}

/// A card, of its id and a session's fields.
fn card(row: &Row) -> Result<Card> {
    let id = SessionId::parse(string(row, 0)?).map_err(|_| corrupt())?;
    Ok(Card::of(id, &session(row, 1)?))
}

impl Ledger for Sqlite {
    fn base(&mut self, id: &SessionId) -> Result<Option<Base>> {
        let rows =
            self.rows("SELECT whole, known_from, state_known FROM @bases WHERE id = ?", vec![text(id.as_str())])?;
        let read = |row: &Row| {
            Ok(Base { whole: number(row, 0)? == 1, known_from: number(row, 1)?, state_known: number(row, 2)? == 1 })
        };
        rows.first().map(read).transpose()
    }

    fn put_base(&mut self, id: &SessionId, base: Base) -> Result<()> {
        let query = "INSERT OR REPLACE INTO @bases (id, whole, known_from, state_known) VALUES (?, ?, ?, ?)";
        let [whole, known_from, state_known] =
            [u64::from(base.whole), base.known_from, u64::from(base.state_known)].map(int);
        self.run(query, vec![text(id.as_str()), whole, known_from, state_known])
    }

    fn knows_any(&mut self) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM @bases LIMIT 1", vec![])?.is_empty())
    }

    fn push(&mut self, session: &SessionId, operation: &'static str, json: &str) -> Result<()> {
        let query = "INSERT INTO journal_entries (session, operation, json) VALUES (?, ?, ?)";
        self.run(query, vec![text(session.as_str()), text(operation), text(json)])
    }
}

/// Reads [`FIELDS`], which begin at a column.
fn session(row: &Row, at: usize) -> Result<Session> {
    Ok(Session {
        title: string(row, at)?,
        created: Millis(number(row, at + 1)?),
        updated: Millis(number(row, at + 2)?),
        expires: Millis(number(row, at + 3)?),
        first: number(row, at + 4)?,
        next: number(row, at + 5)?,
        total: number(row, at + 6)?,
        bytes: number(row, at + 7)?,
        revision: number(row, at + 8)?,
        flags: Flags::parse(&string(row, at + 9)?),
    })
}

fn text(value: &str) -> SqlStorageValue {
    SqlStorageValue::String(value.to_owned())
}

/// Moments and counts are far below 2^53, so that JavaScript's numbers hold them exactly.
fn int(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn string(row: &Row, column: usize) -> Result<String> {
    if let Some(SqlStorageValue::String(text)) = row.get(column) { Ok(text.clone()) } else { Err(corrupt()) }
}

fn number(row: &Row, column: usize) -> Result<u64> {
    match row.get(column) {
        Some(SqlStorageValue::Integer(number)) => u64::try_from(*number).map_err(|_| corrupt()),
        _ => Err(corrupt()),
    }
}

fn corrupt() -> Error {
    Error::RustError("a row of the vault has an unknown form".to_owned())
}
