//! A list of sessions, and where it is asked for them, named members of their states.

use super::answer::{ListAnswer, SessionAnswer};
use super::job::{Next, Options, done, page_size};
use super::operation::Told;
use crate::error::{Code, Problem};
use crate::limits::{LIST_PAGE, SEARCHED_SESSIONS, SESSIONS_PER_CALL, STATE_FIELDS};
use crate::plan::{Cursor, ReadList, ReadState, Stated};
use crate::search::{Normalizer, Search};
use crate::time::Millis;
use crate::wire::StateFields;

/// A list under way.
#[derive(Debug)]
pub(super) struct List {
    limit: u64,
    search: Option<Search>,
    fields: Vec<String>,
    /// What is listed, and of how many of them the state is known.
    sessions: Vec<SessionAnswer>,
    known: usize,
    count: u64,
    next_cursor: Option<String>,
    truncated: bool,
}

impl List {
    pub(super) fn begin(options: Options, now: Millis, normalizer: Normalizer) -> Result<(Self, ReadList), Problem> {
        let wrong = |detail: &str| Problem::new(Code::InvalidParameter).detail(detail);
        let limit = page_size(options.limit, LIST_PAGE)?;
        let cursor = options.cursor.map(|text| Cursor::parse(&text).ok_or_else(|| wrong("cursor is one of a list")));
        let cursor = cursor.transpose()?;
        let search = options.search.map(|text| Search::new(&text, normalizer));
        if cursor.is_some() && search.is_some() {
            return Err(wrong("cursor and search exclude each other"));
        }
        if options.fields.len() > STATE_FIELDS {
            return Err(wrong("fields names too many members"));
        }
        let read = ReadList { now, limit: if search.is_some() { SEARCHED_SESSIONS } else { limit }, cursor };
        let (sessions, known, count, next_cursor, truncated) = (Vec::new(), 0, 0, None, false);
        Ok((Self { limit, search, fields: options.fields, sessions, known, count, next_cursor, truncated }, read))
    }

    pub(super) fn next(&mut self, told: Told, now: Millis) -> Result<Next, Problem> {
        match told {
            Told::ReadList(listed) => {
                let titles = || listed.cards.iter().map(|card| card.title.as_str());
                let found = self.search.as_ref().map(|search| search.matches(titles()));
                let found = found.unwrap_or_else(|| vec![true; listed.cards.len()]);
                let cards = listed.cards.iter().zip(found).filter(|(_, is_found)| *is_found).take(self.limit as usize);
                self.sessions = cards.map(|(card, _)| SessionAnswer::of_card(card, now)).collect();
                self.count = listed.count;
                self.truncated = listed.next.is_some() && self.search.is_some();
                self.next_cursor = listed.next.filter(|_| self.search.is_none()).map(Cursor::to_text);
            }
            Told::ReadState(found) => {
                if found.is_empty() {
                    return Err(Problem::new(Code::Internal));
                }
                for (session, stated) in self.sessions.iter_mut().skip(self.known).zip(found) {
                    if let Stated::State(_, json) = stated {
                        session.state = Some(members(&json, &self.fields));
                    }
                    self.known += 1;
                }
            }
            _ => return Err(Problem::new(Code::Internal)),
        }
        let waiting = self.sessions.iter().skip(self.known).take(SESSIONS_PER_CALL);
        let waiting: Vec<_> = waiting.map(|session| session.id().clone()).collect();
        if !self.fields.is_empty() && !waiting.is_empty() {
            return Ok(Next::ask(ReadState { sessions: waiting, now }));
        }
        let (sessions, next_cursor) = (std::mem::take(&mut self.sessions), self.next_cursor.take());
        done(&ListAnswer { sessions, count: self.count, next_cursor, truncated: self.truncated })
    }
}

/// The named members of a state. One that is no object has none.
fn members(json: &str, fields: &[String]) -> StateFields {
    let members: StateFields = serde_json::from_str(json).unwrap_or_default();
    members.into_iter().filter(|(name, _)| fields.contains(name)).collect()
}
