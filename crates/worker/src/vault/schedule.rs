//! The schedule of a vault: what is due when, behind the one alarm that a Durable Object has.

use chatkeep_model::Millis;
use std::cell::Cell;
use std::rc::Rc;
use worker::wasm_bindgen::JsValue;
use worker::{Result, SqlStorage, SqlStorageValue, Storage};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS schedule (
        kind TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS schedule_by_due ON schedule (due);";

/// What can be due. A further kind is a line here, and what is done then a line in the vault's `alarm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sessions end. It has no key: one line stands for the first of them.
    Expiry,
    /// The journal is replayed. It has no key.
    Replay,
    /// A running turn's lease is renewed, or the turn ended when nobody runs it. The key is the turn's.
    Lease,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Expiry, Kind::Replay, Kind::Lease];

    /// The stored form.
    fn as_str(self) -> &'static str {
        match self {
            Kind::Expiry => "expiry",
            Kind::Replay => "replay",
            Kind::Lease => "lease",
        }
    }
}

/// The lines of the schedule: a kind, a key of that kind's own, and when it is due. A kind and key have one line.
///
/// Lines are written inside the transaction of what they belong to; [`Schedule::arm`] follows it.
#[derive(Clone)]
pub(super) struct Schedule {
    sql: SqlStorage,
    prepared: Rc<Cell<bool>>,
    /// Lines were written since the alarm was last set.
    changed: Rc<Cell<bool>>,
    /// When the alarm will ring, as far as this object knows.
    rings_at: Rc<Cell<Option<Millis>>>,
}

impl Schedule {
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self { sql, prepared: Rc::default(), changed: Rc::new(Cell::new(true)), rings_at: Rc::default() }
    }

    /// Makes the table, once in the life of this object.
    pub(super) fn prepare(&self) -> Result<()> {
        if !self.prepared.get() {
            self.sql.exec(SCHEMA, None)?;
            self.prepared.set(true);
        }
        Ok(())
    }

    /// Makes something due at a moment, whenever it was before.
    pub(super) fn set(&self, kind: Kind, key: &str, due: Millis) -> Result<()> {
        let query = "INSERT INTO schedule (kind, key, due) VALUES (?, ?, ?)
            ON CONFLICT (kind, key) DO UPDATE SET due = excluded.due";
        self.sql.exec(query, vec![kind.as_str().into(), key.into(), int(due)])?;
        self.changed.set(true);
        Ok(())
    }

    /// Takes something off.
    pub(super) fn cancel(&self, kind: Kind, key: &str) -> Result<()> {
        self.sql.exec("DELETE FROM schedule WHERE kind = ? AND key = ?", vec![kind.as_str().into(), key.into()])?;
        Ok(())
    }

    /// Whether something is on it.
    pub(super) fn has(&self, kind: Kind, key: &str) -> Result<bool> {
        let query = "SELECT 1 FROM schedule WHERE kind = ? AND key = ?";
        let rows = self.sql.exec(query, vec![kind.as_str().into(), key.into()])?.raw();
        Ok(rows.into_iter().next().transpose()?.is_some())
    }

    /// What is due, the earliest first. It stays on the schedule until it is cancelled or set anew, so that a crash in between
    /// loses nothing.
    pub(super) fn due(&self, now: Millis) -> Result<Vec<(Kind, String)>> {
        let rows = self.sql.exec("SELECT kind, key FROM schedule WHERE due <= ? ORDER BY due", vec![int(now)])?.raw();
        let mut due = Vec::new();
        for row in rows {
            if let [SqlStorageValue::String(kind), SqlStorageValue::String(key)] = row?.as_slice() {
                // A kind that this version doesn't know waits for the one that does.
                due.extend(Kind::ALL.into_iter().find(|one| one.as_str() == kind).map(|kind| (kind, key.clone())));
            }
        }
        Ok(due)
    }

    /// Says that the alarm rang, so that none is set now.
    pub(super) fn rang(&self) {
        self.rings_at.set(None);
        self.changed.set(true);
    }

    /// Sees to it that the alarm rings when the first line is due. One that is set for an earlier time stays: it finds
    /// nothing due and sets the next.
    pub(super) async fn arm(&self, storage: &Storage) -> Result<()> {
        if !self.changed.replace(false) {
            return Ok(());
        }
        let Some(first) = self.first()? else { return Ok(()) };
        if self.rings_at.get().is_some_and(|at| at <= first) {
            return Ok(());
        }
        self.rings_at.set(Some(first));
        // A date makes it absolute. A time that has passed is rung for at once.
        let date = js_sys::Date::new(&JsValue::from_f64(first.0 as f64));
        let set = storage.set_alarm(worker::durable::ScheduledTime::new(date)).await;
        if set.is_err() {
            self.rang();
        }
        set
    }

    fn first(&self) -> Result<Option<Millis>> {
        let kinds = Kind::ALL.map(|kind| format!("'{}'", kind.as_str())).join(",");
        let rows = self.sql.exec(&format!("SELECT min(due) FROM schedule WHERE kind IN ({kinds})"), None)?.raw();
        Ok(match rows.into_iter().next().transpose()?.as_deref() {
            Some([SqlStorageValue::Integer(due)]) => u64::try_from(*due).ok().map(Millis),
            _ => None,
        })
    }
}

fn int(moment: Millis) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(moment.0).unwrap_or(i64::MAX))
}
