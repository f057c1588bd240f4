//! An archive of one row for each finished turn, in a table behind `PostgREST` (as Supabase has it): the columns `id`,
//! `conversation_id`, `question`, `answer`, `sources`, `timestamp`, and no others.
//!
//! Requests: <https://docs.postgrest.org/en/v12/references/api/tables_views.html>.

use super::{NAMED, Place};
use crate::dialect::{sources, uuid_text};
use crate::id::{MessageId, SessionId};
use crate::message::{Message, Role};
use crate::percent::encode;
use crate::seal::{Kind, Unreadable, Visit};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// Where the table is.
#[derive(Clone, PartialEq, Eq)]
pub struct RowStore {
    /// The URL of the table, without a query.
    pub url: String,
    /// What opens it.
    pub key: String,
}

impl fmt::Debug for RowStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowStore")
    }
}

/// A row, as it is sent and comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// A UUID that follows from the conversation and the reply's id.
    pub id: String,
    /// The conversation: [`Place::name`].
    pub conversation_id: String,
    /// What the user said.
    pub question: String,
    /// The reply.
    pub answer: String,
    /// Where the reply is from.
    #[serde(default)]
    pub sources: Option<Vec<String>>,
    /// When it was given.
    pub timestamp: String,
}

impl Row {
    /// Replaces what PostgreSQL has no text for: the character U+0000 becomes U+FFFD.
    #[must_use]
    pub fn without_null(mut self) -> Self {
        for text in [&mut self.question, &mut self.answer].into_iter().chain(self.sources.iter_mut().flatten()) {
            if text.contains('\0') {
                *text = text.replace('\0', "\u{fffd}");
            }
        }
        self
    }

    /// Shows its texts.
    ///
    /// # Errors
    /// What `visit` refuses.
    pub fn texts(&mut self, session: &SessionId, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Row, session, &mut self.question)?;
        visit(Kind::Row, session, &mut self.answer)?;
        self.sources.iter_mut().flatten().try_for_each(|source| visit(Kind::Row, session, source))
    }
}

/// A finished turn whose row has no id yet.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The reply's id.
    pub reply: MessageId,
    /// The row without its id.
    pub row: Row,
}

/// How a restored reply's id begins; its row's id follows, so that it keeps that row.
const RESTORED: &str = "row-";

impl Pair {
    /// What to digest by SHA-256 for the row's id.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}\n{}", self.row.conversation_id, self.reply)
    }

    /// The row, with the digest of [`Pair::identity`] in hex.
    #[must_use]
    pub fn row(self, sha256: &str) -> Row {
        let restored = self.reply.as_str().strip_prefix(RESTORED);
        let digested = || sha256.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default();
        // Version 8 and the variant of RFC 9562, section 5.8: custom.
        let custom = |bits: u128| bits & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
        let id = restored.map_or_else(|| uuid_text(custom(digested())), str::to_owned);
        Row { id, ..self.row }.without_null()
    }
}

/// Makes pairs of the messages that pass, oldest first.
#[derive(Debug, Default)]
pub struct Pairing {
    /// The latest user messages, which still may get their replies.
    asked: Vec<Message>,
}

/// How many user messages may wait for their replies at once.
const WAITING: usize = 64;

impl Pairing {
    /// Takes the next message; a reply makes a pair with the message that it answers, or without one named, with the last.
    pub fn pair(&mut self, place: &Place, message: Message) -> Option<Pair> {
        match message.role {
            Role::System => None,
            Role::User => {
                if self.asked.len() == WAITING {
                    self.asked.remove(0);
                }
                self.asked.push(message);
                None
            }
            Role::Assistant => {
                let answered = |asked: &Message| message.parent.as_ref().is_none_or(|parent| *parent == asked.id);
                let at = self.asked.iter().rposition(answered)?;
                let asked = self.asked.remove(at);
                let text =
                    |source: &RawValue| serde_json::from_str(source.get()).unwrap_or_else(|_| source.get().to_owned());
                let sources = sources(&message).iter().map(|source| text(source)).collect();
                let row = Row {
                    id: String::new(),
                    conversation_id: place.name(),
                    question: asked.content,
                    answer: message.content,
                    sources: Some(sources),
                    timestamp: message.created,
                };
                Some(Pair { reply: message.id, row })
            }
        }
    }
}

/// A request to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The `Prefer` header.
    pub prefer: &'static str,
    /// The body, JSON or empty.
    pub body: String,
}

impl RowStore {
    fn request(&self, method: &'static str, query: &str) -> Request {
        Request { method, url: format!("{}?{query}", self.url), prefer: "", body: String::new() }
    }

    /// Asks for the newest rows of a conversation, newest first.
    #[must_use]
    pub fn newest(&self, place: &Place, limit: u64) -> Request {
        let name = encode(&place.name());
        self.request("GET", &format!("conversation_id=eq.{name}&order=timestamp.desc,id&limit={limit}"))
    }

    /// Stores rows; those that are there already stay as they are.
    #[must_use]
    pub fn insert(&self, rows: &[Row]) -> Request {
        let body = serde_json::to_string(rows).unwrap_or_default();
        let prefer = "resolution=ignore-duplicates,return=minimal";
        Request { prefer, body, ..self.request("POST", "on_conflict=id") }
    }

    /// Asks for rows of whatever conversation, by their ids, after one of them.
    #[must_use]
    pub fn after(&self, id: Option<&str>, limit: u64) -> Request {
        let after = id.map(|id| format!("id=gt.{}&", encode(id))).unwrap_or_default();
        self.request("GET", &format!("{after}order=id&limit={limit}"))
    }

    /// Writes the texts of a row anew, if it is still there.
    #[must_use]
    pub fn rewrite(&self, row: &Row) -> Request {
        let Row { question, answer, sources, .. } = row;
        let body = serde_json::json!({ "question": question, "answer": answer, "sources": sources }).to_string();
        let prefer = "return=minimal";
        Request { prefer, body, ..self.request("PATCH", &format!("id=eq.{}", encode(&row.id))) }
    }

    /// Removes rows by their ids.
    #[must_use]
    pub fn remove(&self, ids: &[String]) -> Request {
        self.request("DELETE", &format!("id=in.({})", ids.join(",")))
    }

    /// Removes all rows of a conversation, and gives their ids.
    #[must_use]
    pub fn erase(&self, place: &Place) -> Request {
        let query = format!("conversation_id=eq.{}&select=id", encode(&place.name()));
        Request { prefer: "return=representation", ..self.request("DELETE", &query) }
    }

    /// Asks for names of conversations that begin with this, which is all of them that have no slash after it.
    #[must_use]
    pub fn named(&self, stem: &str, limit: u64) -> Request {
        // An owner can have what stands for other letters in a pattern.
        let stem = encode(&stem.replace('%', "\\%").replace('_', "\\_"));
        let query = format!(
            "select=conversation_id&conversation_id=like.{stem}*&conversation_id=not.like.{stem}*/*&order=conversation_id&limit={limit}"
        );
        self.request("GET", &query)
    }

    /// Asks for names of conversations in a namespace, of whomever. In the one whose names have no prefix the others' are left out.
    #[must_use]
    pub fn everyones(&self, namespace: &str, limit: u64) -> Request {
        let which: String = match namespace {
            "openta" => NAMED.iter().map(|other| format!("&conversation_id=not.like.{}/*", encode(other))).collect(),
            _ => format!("&conversation_id=like.{}/*", encode(namespace)),
        };
        self.request("GET", &format!("select=conversation_id{which}&order=conversation_id&limit={limit}"))
    }

    /// Removes rows from before a moment.
    #[must_use]
    pub fn retire(&self, before: Millis) -> Request {
        self.request("DELETE", &format!("timestamp=lt.{}", before.to_rfc3339()))
    }
}

/// The messages of rows, which came newest first: each a question and an answer, oldest first, with ids that name the rows.
#[must_use]
pub fn messages(rows: Vec<Row>) -> Vec<Message> {
    let mut messages = Vec::with_capacity(rows.len() * 2);
    for row in rows.into_iter().rev() {
        let id = |prefix: &str| MessageId::parse(format!("{prefix}{}", row.id)).ok();
        let (Some(asked), Some(answered)) = (id("q-row-"), id(RESTORED)) else { continue };
        let created = in_milliseconds(&row.timestamp);
        let metadata = row
            .sources
            .filter(|sources| !sources.is_empty())
            .and_then(|sources| serde_json::value::to_raw_value(&serde_json::json!({ "sources": sources })).ok());
        messages.push(Message::new(asked.clone(), Role::User, row.question, created.clone()));
        let answer = Message::new(answered, Role::Assistant, row.answer, created);
        messages.push(Message { parent: Some(asked), metadata, ..answer });
    }
    messages
}

/// A time as PostgREST gives it, without its zone and the zeros at its end, as a message has it.
fn in_milliseconds(timestamp: &str) -> String {
    let timestamp = timestamp.trim_end_matches('Z');
    let (seconds, fraction) = timestamp.split_once('.').unwrap_or((timestamp, ""));
    format!("{seconds}.{}Z", format!("{fraction:0<3}").chars().take(3).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{InvalidId, SessionId};
    use crate::owner::Owner;

    fn place() -> Result<Place, InvalidId> {
        Ok(Place { namespace: "openta", owner: Owner::app(), session: SessionId::parse("c1")? })
    }

    fn said(id: &str, role: Role, parent: Option<&str>, metadata: Option<&str>) -> Result<Message, InvalidId> {
        let created = "2026-11-21T09:30:00.000Z".to_owned();
        Ok(Message {
            parent: parent.map(MessageId::parse).transpose()?,
            metadata: metadata.and_then(|text| RawValue::from_string(text.to_owned()).ok()),
            ..Message::new(MessageId::parse(id)?, role, format!("text of {id}"), created)
        })
    }

    #[test]
    fn replies_find_the_messages_that_they_answer() -> Result<(), InvalidId> {
        let mut pairing = Pairing::default();
        let mut rows = Vec::new();
        for message in [
            said("u1", Role::User, None, None)?,
            said("u2", Role::User, None, None)?,
            said("r1", Role::Assistant, Some("u1"), Some(r#"{"sources":["Paper_1",{"url":"x"}]}"#))?,
            said("r2", Role::Assistant, None, None)?,
            said("lost", Role::Assistant, Some("gone"), None)?,
        ] {
            rows.extend(pairing.pair(&place()?, message).map(|pair| pair.row(&"0f".repeat(32))));
        }
        let seen: Vec<_> = rows.iter().map(|row| (row.question.as_str(), row.answer.as_str())).collect();
        assert_eq!(seen, [("text of u1", "text of r1"), ("text of u2", "text of r2")]);
        assert_eq!(rows[0].sources.as_deref(), Some(&["Paper_1".to_owned(), r#"{"url":"x"}"#.to_owned()][..]));
        assert_eq!(rows[0].id, "0f0f0f0f-0f0f-8f0f-8f0f-0f0f0f0f0f0f");
        Ok(())
    }

    #[test]
    fn a_restored_turn_keeps_its_row() -> Result<(), InvalidId> {
        let row = Row {
            id: "0f0f0f0f-0f0f-8f0f-8f0f-0f0f0f0f0f0f".to_owned(),
            conversation_id: "c1".to_owned(),
            question: "q".to_owned(),
            answer: "a".to_owned(),
            sources: Some(vec!["Paper_1".to_owned()]),
            timestamp: "2026-11-21T09:30:00".to_owned(),
        };
        let mut pairing = Pairing::default();
        let restored = messages(vec![row.clone()]);
        let pairs: Vec<_> = restored.into_iter().filter_map(|message| pairing.pair(&place().ok()?, message)).collect();
        let again = pairs.into_iter().next().map(|pair| pair.row(&"ff".repeat(32)));
        for (given, kept) in [("T09:30:00", "T09:30:00.000Z"), ("T1.12", "T1.120Z"), ("T1.123456Z", "T1.123Z")] {
            assert_eq!(in_milliseconds(given), kept);
        }
        assert_eq!(again.map(|again| (again.id, again.sources)), Some((row.id, row.sources)));
        Ok(())
    }

    #[test]
    fn requests_have_golden_forms() -> Result<(), InvalidId> {
        let store = RowStore { url: "https://x/rest/v1/t".into(), key: "k".into() };
        let place = Place { owner: Owner::stored("u-a%40b".into()), ..place()? };
        assert_eq!(
            store.newest(&place, 2).url,
            "https://x/rest/v1/t?conversation_id=eq.u-a%2540b%2Fc1&order=timestamp.desc,id&limit=2"
        );
        assert_eq!(store.remove(&["a".into(), "b".into()]).url, "https://x/rest/v1/t?id=in.(a,b)");
        assert_eq!(store.insert(&[]).body, "[]");
        Ok(())
    }

    #[test]
    fn everyones_names_are_those_of_a_namespace() {
        let table = RowStore { url: "https://x/rest/v1/t".into(), key: String::new() };
        assert_eq!(
            table.everyones("jarvis", 5).url,
            "https://x/rest/v1/t?select=conversation_id&conversation_id=like.jarvis/*&order=conversation_id&limit=5"
        );
        let url = table.everyones("openta", 5).url;
        assert!(url.contains("&conversation_id=not.like.storage-guide/*&") && !url.contains("=like."), "{url}");
    }
}
