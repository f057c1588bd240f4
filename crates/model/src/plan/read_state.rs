//! Read the states of sessions: of one, or of a page of a list. Reading does not slide the TTL.

use super::{Operation, live};
use crate::id::SessionId;
use crate::large_reads::ReadSize;
use crate::limits::REPLY_BYTES;
use crate::records::Records;
use crate::redis::script::READ_STATE;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to what was found of as many of the sessions, in their order, as fit into [`REPLY_BYTES`]; at
/// least of the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadState {
    pub sessions: Vec<SessionId>,
    pub now: Millis,
}

/// Names one writing of one session's state: the strong `ETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// When the session was made, which tells it from an earlier one of the same id.
    pub created: Millis,
    /// The state's revision.
    pub revision: u64,
}

impl Tag {
    /// The tag's text, without quotes.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}-{}", self.created, self.revision)
    }

    /// Reads a tag's text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (created, revision) = text.split_once('-')?;
        Some(Self { created: Millis(created.parse().ok()?), revision: revision.parse().ok()? })
    }
}

/// What was found of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// Its state, any JSON.
    State(Tag, String),
    /// It is there, and has none.
    None,
    /// It is absent.
    Absent,
}

impl Operation for ReadState {
    const NAME: &'static str = "read_state";
    type Outcome = Vec<Stated>;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        self.sessions.iter().zip(outcome).try_for_each(|(id, stated)| match stated {
            Stated::State(_, json) => visit(Kind::State, id, json),
            _ => Ok(()),
        })
    }

    fn read_size(&self) -> ReadSize {
        ReadSize::Page(REPLY_BYTES)
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &READ_STATE,
            keys: self.sessions.iter().map(|id| keys.session(id)).collect(),
            arguments: vec![self.now.to_string(), REPLY_BYTES.to_string()],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Vec<Stated>, UnexpectedReply> {
        let mut items = reply.items()?;
        let mut found = Vec::new();
        while !items.is_empty() {
            let mut one = items.take()?.items()?;
            let first = one.number()?;
            found.push(match (one.is_empty(), first) {
                (true, 0) => Stated::Absent,
                (true, _) => Stated::None,
                (false, created) => {
                    Stated::State(Tag { created: Millis(created), revision: one.number()? }, one.text()?)
                }
            });
        }
        Ok(found)
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Vec<Stated>, R::Error> {
        let mut found = Vec::new();
        let mut room = REPLY_BYTES;
        for id in &self.sessions {
            let Some(session) = live(records, id, self.now)? else {
                found.push(Stated::Absent);
                continue;
            };
            let Some(state) = records.state(id)? else {
                found.push(Stated::None);
                continue;
            };
            match room.checked_sub(state.json.len()) {
                Some(left) => room = left,
                None if found.is_empty() => room = 0,
                None => break,
            }
            found.push(Stated::State(Tag { created: session.created, revision: state.revision }, state.json));
        }
        Ok(found)
    }
}
