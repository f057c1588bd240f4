//! An archive in SQLite's SQL, for Cloudflare D1: every session and every message as they were stored.
//!
//! A session that was made anew under an old id is another generation of it here: `created` is part of its identity. All of them
//! together are what comes back: see [`super::generations`]. A deletion leaves the time up to which nothing is kept any more.

use super::Place;
use crate::Owner;
use crate::id::MessageId;
use crate::plan::Details;
use crate::records::Notes;
use crate::session::Session;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// A statement with its parameters, `?1` and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement(pub &'static str, pub Vec<Parameter>);

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Parameter {
    Text(String),
    Number(u64),
    Null,
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Parameter::Text(text.to_owned())
    }
}

impl From<u64> for Parameter {
    fn from(number: u64) -> Self {
        Parameter::Number(number)
    }
}

/// The tables.
pub const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS chatkeep_sessions (
        namespace TEXT NOT NULL, owner TEXT NOT NULL, session_id TEXT NOT NULL, created INTEGER NOT NULL,
        updated INTEGER NOT NULL, next INTEGER NOT NULL, total INTEGER NOT NULL, revision INTEGER NOT NULL,
        last_id TEXT NOT NULL, title TEXT NOT NULL, flags TEXT NOT NULL, metadata TEXT, state TEXT,
        used INTEGER NOT NULL DEFAULT 0, summary TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (namespace, owner, session_id, created)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS chatkeep_messages (
        namespace TEXT NOT NULL, owner TEXT NOT NULL, session_id TEXT NOT NULL, created INTEGER NOT NULL,
        position INTEGER NOT NULL, message TEXT NOT NULL,
        PRIMARY KEY (namespace, owner, session_id, created, position)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS chatkeep_sessions_by_time ON chatkeep_sessions (updated)",
    "CREATE TABLE IF NOT EXISTS chatkeep_deletions (
        namespace TEXT NOT NULL, owner TEXT NOT NULL, session_id TEXT NOT NULL, deleted INTEGER NOT NULL,
        PRIMARY KEY (namespace, owner, session_id)) WITHOUT ROWID",
];

/// Fails where the tables were made before sessions had notes.
pub const HAS_NOTES: &str = "SELECT used, summary FROM chatkeep_sessions LIMIT 0";

/// Makes room for them there.
pub const ADD_NOTES: [&str; 2] = [
    "ALTER TABLE chatkeep_sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chatkeep_sessions ADD COLUMN summary TEXT NOT NULL DEFAULT ''",
];

/// What the archive knows of a session.
#[derive(Debug, Clone, Deserialize)]
pub struct Known {
    /// The session's revision then.
    pub revision: u64,
    /// When it had changed last.
    pub updated: u64,
    /// The position after the last message archived.
    pub next: u64,
    /// The id of that message; empty for none.
    pub last_id: String,
}

/// Asks for [`Known`].
#[must_use]
pub fn known(place: &Place, created: Millis) -> Statement {
    let query = "SELECT revision, updated, next, last_id FROM chatkeep_sessions
        WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created = ?4";
    let mut parameters = of_place(place);
    parameters.push(created.0.into());
    Statement(query, parameters)
}

/// What of a session is written only where it was not deleted since it was made, at `?4`.
macro_rules! unless_deleted {
    ($values:literal) => {
        concat!(
            $values,
            " WHERE NOT EXISTS (SELECT 1 FROM chatkeep_deletions
                WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND deleted >= ?4)"
        )
    };
}

/// Keeps messages, the first of them at a position.
#[must_use]
pub fn insert(place: &Place, created: Millis, from: u64, messages: &[String]) -> Vec<Statement> {
    let query = unless_deleted!("INSERT OR REPLACE INTO chatkeep_messages SELECT ?1, ?2, ?3, ?4, ?5, ?6");
    let row = |(position, message): (u64, &String)| {
        let mut parameters = of_place(place);
        parameters.extend([created.0.into(), position.into(), message.as_str().into()]);
        Statement(query, parameters)
    };
    (from..).zip(messages).map(row).collect()
}

/// Keeps the session itself, after its messages: from here on they count as archived. What a cut removed goes.
#[must_use]
pub fn complete(place: &Place, details: &Details, state: Option<&str>, last_id: Option<&MessageId>) -> Vec<Statement> {
    let session = &details.session;
    let cut = "DELETE FROM chatkeep_messages
        WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created = ?4 AND position >= ?5";
    let keep = unless_deleted!(
        "INSERT OR REPLACE INTO chatkeep_sessions (namespace, owner, session_id, created, updated, next, total,
        revision, last_id, title, flags, metadata, state, used, summary)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15"
    );
    let mut of_cut = of_place(place);
    of_cut.extend([session.created.0.into(), session.next.into()]);
    let optional = |text: Option<&str>| text.map_or(Parameter::Null, Parameter::from);
    let mut of_session = of_place(place);
    of_session.extend([session.created, session.updated].map(|moment| Parameter::from(moment.0)));
    of_session.extend([session.next, session.total, session.revision].map(Parameter::from));
    of_session.extend([
        last_id.map_or("", MessageId::as_str).into(),
        session.title.as_str().into(),
        session.flags.stored().as_str().into(),
        optional(details.metadata.as_deref()),
        optional(state),
        details.notes.used.into(),
        details.notes.summary.as_str().into(),
    ]);
    vec![Statement(cut, of_cut), Statement(keep, of_session)]
}

/// Keeps what was said from memory, where the store that has the rest can't be read: messages with their positions, the sealed
/// title. The session itself is there with them, and is archived whole once the store can be read again.
#[must_use]
pub fn keep_said(place: &Place, session: &Session, title: &str, said: &[(u64, String)]) -> Vec<Statement> {
    let message = unless_deleted!("INSERT OR IGNORE INTO chatkeep_messages SELECT ?1, ?2, ?3, ?4, ?5, ?6");
    let keep = concat!(
        unless_deleted!(
            "INSERT INTO chatkeep_sessions (namespace, owner, session_id, created, updated, next, total, revision, last_id,
            title, flags) SELECT ?1, ?2, ?3, ?4, ?5, 0, ?6, 0, '', ?7, ?8"
        ),
        " ON CONFLICT DO UPDATE SET updated = max(updated, excluded.updated), total = max(total, excluded.total), revision = 0"
    );
    let mut statements: Vec<Statement> = Vec::with_capacity(said.len() + 1);
    for (position, text) in said {
        let mut parameters = of_place(place);
        parameters.extend([session.created.0.into(), (*position).into(), text.as_str().into()]);
        statements.push(Statement(message, parameters));
    }
    let mut of_session = of_place(place);
    of_session.extend([session.created.0, session.updated.0, session.total].map(Parameter::from));
    of_session.extend([title.into(), session.flags.stored().as_str().into()]);
    statements.push(Statement(keep, of_session));
    statements
}

/// A session as it was archived.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs)]
pub struct Kept {
    pub created: u64,
    pub updated: u64,
    pub next: u64,
    pub total: u64,
    pub title: String,
    pub flags: String,
    pub metadata: Option<String>,
    pub state: Option<String>,
    #[serde(flatten)]
    pub notes: Notes,
}

/// Asks for the generations of an id, the newest first.
#[must_use]
pub fn generations(place: &Place) -> Statement {
    let query =
        "SELECT created, updated, next, total, title, flags, metadata, state, used, summary FROM chatkeep_sessions
        WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 ORDER BY created DESC LIMIT 16";
    Statement(query, of_place(place))
}

/// Asks for the heads of the messages of all of them, the newest first.
#[must_use]
pub fn heads(place: &Place, limit: u64) -> Statement {
    let query = "SELECT created, position, substr(message, 1, 160) AS head FROM chatkeep_messages
        WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 ORDER BY created DESC, position DESC LIMIT ?4";
    let mut parameters = of_place(place);
    parameters.push(limit.into());
    Statement(query, parameters)
}

/// A session's id alone.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs)]
pub struct Named {
    pub session_id: String,
}

/// Asks for some of the sessions of an owner.
#[must_use]
pub fn owned(namespace: &str, owner: &Owner, limit: u64) -> Statement {
    let query = "SELECT DISTINCT session_id FROM chatkeep_sessions
        WHERE namespace = ?1 AND owner = ?2 ORDER BY session_id LIMIT ?3";
    Statement(query, vec![namespace.into(), owner.as_str().into(), limit.into()])
}

/// An owner alone.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs)]
pub struct Keeper {
    pub owner: Owner,
}

/// Asks for some of those who have sessions here.
#[must_use]
pub fn owners(namespace: &str, limit: u64) -> Statement {
    let query = "SELECT DISTINCT owner FROM chatkeep_sessions WHERE namespace = ?1 ORDER BY owner LIMIT ?2";
    Statement(query, vec![namespace.into(), limit.into()])
}

/// A message as it was archived.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs)]
pub struct KeptMessage {
    pub position: u64,
    pub message: String,
}

/// Asks for messages from a position on, oldest first.
#[must_use]
pub fn messages(place: &Place, created: u64, from: u64, limit: u64) -> Statement {
    let query = "SELECT position, message FROM chatkeep_messages
        WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created = ?4 AND position >= ?5
        ORDER BY position LIMIT ?6";
    let mut parameters = of_place(place);
    parameters.extend([created, from, limit].map(Parameter::from));
    Statement(query, parameters)
}

/// A text in a table, and the row that has it.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs)]
pub struct KeptTexts {
    pub owner: String,
    pub session_id: String,
    pub created: u64,
    /// Of a message.
    #[serde(default)]
    pub position: u64,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub metadata: Option<String>,
    #[serde(default)]
    pub state: Option<String>,
    /// In its stored form.
    #[serde(default)]
    pub summary: Option<String>,
}

/// Asks for sessions of a namespace with their texts, after a row: its owner, its id and when it was made.
#[must_use]
pub fn sessions_after(namespace: &str, row: (&str, &str, u64), limit: u64) -> Statement {
    let query = "SELECT owner, session_id, created, title, metadata, state, summary FROM chatkeep_sessions
        WHERE namespace = ?1 AND (owner, session_id, created) > (?2, ?3, ?4)
        ORDER BY owner, session_id, created LIMIT ?5";
    let (owner, session, created) = row;
    Statement(query, vec![namespace.into(), owner.into(), session.into(), created.into(), limit.into()])
}

/// Asks for messages of a namespace after a row: as above, and its position.
#[must_use]
pub fn messages_after(namespace: &str, row: (&str, &str, u64), position: u64, limit: u64) -> Statement {
    let query = "SELECT owner, session_id, created, position, message FROM chatkeep_messages
        WHERE namespace = ?1 AND (owner, session_id, created, position) > (?2, ?3, ?4, ?5)
        ORDER BY owner, session_id, created, position LIMIT ?6";
    let (owner, session, created) = row;
    let mut parameters = vec![namespace.into(), owner.into(), session.into()];
    parameters.extend([created, position, limit].map(Parameter::from));
    Statement(query, parameters)
}

/// A text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Column {
    Title,
    Metadata,
    State,
    Summary,
    /// Of the message at a position.
    Message(u64),
}

/// The query that writes a column of a session anew.
macro_rules! of_session {
    ($column:literal) => {
        concat!(
            "UPDATE chatkeep_sessions SET ",
            $column,
            " = ?6 WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created = ?4 AND ",
            $column,
            " = ?5 RETURNING 1 AS one"
        )
    };
}

/// Writes a text anew where it is still what it was; gives a row where it is.
#[must_use]
pub fn rewrite(place: &Place, created: u64, column: Column, was: &str, text: &str) -> Statement {
    let query = match column {
        Column::Title => of_session!("title"),
        Column::Metadata => of_session!("metadata"),
        Column::State => of_session!("state"),
        Column::Summary => of_session!("summary"),
        Column::Message(_) => {
            "UPDATE chatkeep_messages SET message = ?6 WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3
            AND created = ?4 AND message = ?5 AND position = ?7 RETURNING 1 AS one"
        }
    };
    let mut parameters = of_place(place);
    parameters.extend([created.into(), was.into(), text.into()]);
    if let Column::Message(position) = column {
        parameters.push(position.into());
    }
    Statement(query, parameters)
}

/// Removes all that is kept of a session that was deleted at a moment, and sees to it that nothing of it is kept later. The last of
/// them says how many generations that were.
#[must_use]
pub fn erase(place: &Place, deleted: Millis) -> Vec<Statement> {
    [
        "INSERT INTO chatkeep_deletions VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET deleted = max(deleted, excluded.deleted)",
        "DELETE FROM chatkeep_messages WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created <= ?4",
        "DELETE FROM chatkeep_sessions WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3 AND created <= ?4
            RETURNING 1 AS gone",
    ]
    .map(|query| {
        let mut parameters = of_place(place);
        parameters.push(deleted.0.into());
        Statement(query, parameters)
    })
    .to_vec()
}

/// Lets a deleted session be kept again: it was restored.
#[must_use]
pub fn spare(place: &Place) -> Statement {
    let query = "DELETE FROM chatkeep_deletions WHERE namespace = ?1 AND owner = ?2 AND session_id = ?3";
    Statement(query, of_place(place))
}

/// Forgets deletions from before a moment: nothing that was deleted then is anywhere any more.
#[must_use]
pub fn forget_deletions(before: Millis) -> Statement {
    Statement("DELETE FROM chatkeep_deletions WHERE deleted < ?1", vec![before.0.into()])
}

/// Removes what was last changed before a moment.
#[must_use]
pub fn retire(before: Millis) -> Vec<Statement> {
    [
        "DELETE FROM chatkeep_messages WHERE (namespace, owner, session_id, created) IN
            (SELECT namespace, owner, session_id, created FROM chatkeep_sessions WHERE updated < ?1)",
        "DELETE FROM chatkeep_sessions WHERE updated < ?1",
    ]
    .map(|query| Statement(query, vec![before.0.into()]))
    .to_vec()
}

fn of_place(place: &Place) -> Vec<Parameter> {
    [place.namespace, place.owner.as_str(), place.session.as_str()].map(Parameter::from).to_vec()
}
