//! The directory of owners: one shard of it as a Durable Object, for when there is no Redis; and who was noted lately. The archive
//! keeps two registers of its own in such objects, of other names than owners'.

// The macro's own methods have no docs.
#![allow(missing_docs)]

use chatkeep_model::plan::directory::Noted;
use chatkeep_model::{Millis, Owner};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object};

/// The most owners that an isolate remembers to have noted. Beyond them it forgets all, and notes once more than needed.
const REMEMBERED: usize = 10_000;

thread_local! {
    static LATELY: RefCell<BTreeMap<(String, Owner), Millis>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether an owner is due to be noted in the directory of a prefix, as it is after an interval; if so, it counts as noted from now on.
pub(crate) fn is_due(prefix: &str, owner: &Owner, now: Millis, interval: Millis) -> bool {
    LATELY.with_borrow_mut(|lately| {
        let noted = (prefix.to_owned(), owner.clone());
        if lately.get(&noted).is_some_and(|at| now.since(*at) < interval) {
            return false;
        }
        if lately.len() >= REMEMBERED {
            lately.clear();
        }
        lately.insert(noted, now);
        true
    })
}

/// The Durable Object class.
///
/// It is asked by `POST` in lines: `note`, the owner, the time in milliseconds, and the time before which owners drop out; or
/// `read`, a time, how many, and maybe an owner; or `find`, `has` or `forget` and an owner. A read is answered with a JSON array of
/// [`Noted`], the longest inactive first, after that owner at that time; a find with one of that owner at most; the last two with how
/// many owners there are, and whether that one is among them: `0 false`.
#[durable_object(fetch)]
pub struct Directory {
    sql: SqlStorage,
    prepared: Cell<bool>,
}

impl DurableObject for Directory {
    fn new(state: State, _env: Env) -> Self {
        Self { sql: state.storage().sql(), prepared: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if !self.prepared.replace(true) {
            let table =
                "CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS owners_by_time ON owners (seen)";
            self.sql.exec(table, None)?;
        }
        let body = request.text().await?;
        let mut lines = body.lines();
        let (what, first) = (lines.next(), lines.next());
        let mut number = || lines.next().and_then(|number| number.parse::<i64>().ok());
        match (what, first, number()) {
            (Some("note"), Some(owner), Some(now)) => {
                self.sql.exec("DELETE FROM owners WHERE seen < ?", vec![number().unwrap_or(0).into()])?;
                let query = "INSERT INTO owners (owner, seen) VALUES (?, ?)
                    ON CONFLICT (owner) DO UPDATE SET seen = max(seen, excluded.seen)";
                self.sql.exec(query, vec![owner.into(), now.into()])?;
                Response::ok("")
            }
            (Some("find"), Some(owner), _) => {
                let query = "SELECT owner, seen FROM owners WHERE owner = ?";
                self.answer(query, vec![owner.into()])
            }
            (Some("read"), Some(seen), Some(limit)) => {
                let seen = seen.parse::<i64>().unwrap_or(0);
                let query = "SELECT owner, seen FROM owners WHERE (seen, owner) > (?, ?) ORDER BY seen, owner LIMIT ?";
                self.answer(query, vec![seen.into(), lines.next().unwrap_or_default().into(), limit.into()])
            }
            (Some(what @ ("has" | "forget")), Some(owner), _) => {
                if what == "forget" {
                    self.sql.exec("DELETE FROM owners WHERE owner = ?", vec![owner.into()])?;
                }
                let query = "SELECT count(*), coalesce(max(owner = ?), 0) FROM owners";
                let row = self.sql.exec(query, vec![owner.into()])?.raw().next().transpose()?;
                match row.as_deref() {
                    Some([SqlStorageValue::Integer(count), SqlStorageValue::Integer(has)]) => {
                        Response::ok(format!("{count} {}", *has == 1))
                    }
                    _ => Response::error("no answer", 500),
                }
            }
            _ => Response::error("no such question", 400),
        }
    }
}

impl Directory {
    fn answer(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Response> {
        let rows = self.sql.exec(query, bindings)?.raw();
        let noted = rows.map(|row| noted(&row?)).collect::<Result<Vec<_>>>()?;
        Response::ok(serde_json::to_string(&noted)?)
    }
}

fn noted(row: &[SqlStorageValue]) -> Result<Noted> {
    match row {
        [SqlStorageValue::String(owner), SqlStorageValue::Integer(seen)] => {
            Ok(Noted { owner: Owner::stored(owner.clone()), seen: Millis(u64::try_from(*seen).unwrap_or(0)) })
        }
        _ => Err(worker::Error::RustError("a row of the directory has an unknown form".to_owned())),
    }
}
