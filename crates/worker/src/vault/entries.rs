//! The entries of a vault's journal in SQLite, and whose journal it is. The overlay's tables are [`super::sqlite`]'s.

use crate::edge;
use chatkeep_model::journal::{Entry, Handed};
use chatkeep_model::{MessageId, Millis, Owner, SessionId};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// `about` tells an object that an alarm woke whose it is.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS journal_entries (
        position INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, operation TEXT NOT NULL, json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS journal_about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

/// See the module.
pub(super) struct Entries {
    sql: SqlStorage,
}

/// Whose journal it is.
pub(super) struct About {
    /// The journal's own id.
    pub(super) id: String,
    pub(super) prefix: String,
    pub(super) owner: Owner,
    pub(super) ttl: Millis,
}

impl Entries {
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// Makes the tables.
    pub(super) fn prepare(&self) -> Result<()> {
        self.sql.exec(SCHEMA, None).map(drop)
    }

    /// Remembers whose journal it is, and gives it its id, which no other has: two processes can have one owner's.
    pub(super) fn introduce(&self, handed: &Handed) -> Result<()> {
        if self.about()?.is_some_and(|about| about.ttl == handed.ttl) {
            return Ok(());
        }
        let mut random = [0; 8];
        edge::fill_random(&mut random);
        let id = format!("{:016x}", u64::from_be_bytes(random));
        let (ttl, owner) = (handed.ttl.to_string(), handed.owner.to_string());
        for (name, value, how) in [
            ("id", &id, "IGNORE"),
            ("prefix", &handed.prefix, "IGNORE"),
            ("owner", &owner, "IGNORE"),
            ("ttl", &ttl, "REPLACE"),
        ] {
            let query = format!("INSERT OR {how} INTO journal_about (name, value) VALUES (?, ?)");
            self.sql.exec(&query, vec![name.into(), value.as_str().into()])?;
        }
        Ok(())
    }

    /// Whose journal it is; nothing before it was introduced.
    pub(super) fn about(&self) -> Result<Option<About>> {
        let mut read = [const { None }; 4];
        for row in self.sql.exec("SELECT name, value FROM journal_about", None)?.raw() {
            if let [SqlStorageValue::String(name), SqlStorageValue::String(value)] = row?.as_slice() {
                let place = ["id", "prefix", "owner", "ttl"].iter().zip(&mut read).find(|(one, _)| *one == name);
                if let Some((_, place)) = place {
                    *place = Some(value.clone());
                }
            }
        }
        let [Some(id), Some(prefix), Some(owner), Some(ttl)] = read else { return Ok(None) };
        Ok(Some(About { id, prefix, owner: Owner::stored(owner), ttl: Millis(ttl.parse().unwrap_or(0)) }))
    }

    /// The journal's own id.
    pub(super) fn id(&self) -> Result<String> {
        Ok(self.about()?.map(|about| about.id).unwrap_or_default())
    }

    /// How many entries there are.
    pub(super) fn depth(&self) -> Result<u64> {
        self.number("SELECT count(*) FROM journal_entries")
    }

    /// How many bytes their operations have.
    pub(super) fn bytes(&self) -> Result<u64> {
        self.number("SELECT coalesce(sum(octet_length(json)), 0) FROM journal_entries")
    }

    /// The position of the last entry; 0 without any.
    pub(super) fn last_position(&self) -> Result<u64> {
        self.number("SELECT coalesce(max(position), 0) FROM journal_entries")
    }

    /// The first entry after a position.
    pub(super) fn after(&self, position: u64) -> Result<Option<Entry>> {
        let query = "SELECT position, session, operation, json FROM journal_entries
            WHERE position > ? ORDER BY position LIMIT 1";
        self.entry(query, i64::try_from(position).unwrap_or(i64::MAX).into())
    }

    /// The ids of the messages that all entries about a session bring.
    pub(super) fn brought(&self, session: &SessionId) -> Result<Vec<MessageId>> {
        let query = "SELECT position, session, operation, json FROM journal_entries WHERE session = ?";
        let rows = self.sql.exec(query, vec![session.as_str().into()])?.raw();
        let mut brought = Vec::new();
        for row in rows {
            brought.extend(entry(&row?)?.iter().flat_map(Entry::brings));
        }
        Ok(brought)
    }

    fn entry(&self, query: &str, parameter: SqlStorageValue) -> Result<Option<Entry>> {
        let row = self.sql.exec(query, vec![parameter])?.raw().next().transpose()?;
        row.map_or(Ok(None), |row| entry(&row))
    }

    /// Removes an entry.
    pub(super) fn remove(&self, entry: &Entry) -> Result<()> {
        let position = i64::try_from(entry.position).unwrap_or(i64::MAX);
        self.sql.exec("DELETE FROM journal_entries WHERE position = ?", vec![position.into()]).map(drop)
    }

    fn number(&self, query: &str) -> Result<u64> {
        match self.sql.exec(query, None)?.raw().next().transpose()?.as_deref() {
            Some([SqlStorageValue::Integer(number)]) => Ok(u64::try_from(*number).unwrap_or(0)),
            _ => Ok(0),
        }
    }
}

/// An entry, of the columns of its row; nothing where they are something else.
fn entry(row: &[SqlStorageValue]) -> Result<Option<Entry>> {
    let [
        SqlStorageValue::Integer(position),
        SqlStorageValue::String(session),
        SqlStorageValue::String(operation),
        SqlStorageValue::String(json),
    ] = row
    else {
        return Ok(None);
    };
    Ok(Some(Entry {
        position: u64::try_from(*position).unwrap_or(0),
        session: SessionId::parse(session.as_str()).map_err(|error| Error::RustError(error.to_string()))?,
        operation: operation.clone(),
        json: json.clone(),
    }))
}
