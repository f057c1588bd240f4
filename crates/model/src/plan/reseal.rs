//! Put texts of a session that were sealed anew in the places of those that were read, each where that one is still there.
//!
//! For who looks at it the session stays as it was: neither its revision nor its end moves. What was changed since it was read stays as it is.

use super::{Operation, Tag, index_ttl, readable};
use crate::id::SessionId;
use crate::records::{Notes, Records, State};
use crate::redis::script::RESEAL;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::Kind;
use crate::session::Session;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to how many texts it put. Its texts are as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Reseal {
    pub session: SessionId,
    /// Each field once.
    pub texts: Vec<Anew>,
    pub now: Millis,
    pub ttl: Millis,
}

/// A text that was sealed anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anew {
    /// Where it belongs.
    pub field: Field,
    /// What was read there; empty for a state, which its tag names.
    pub was: String,
    /// What shall be there.
    pub text: String,
}

/// A field of a session that holds a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The title.
    Title,
    /// The metadata.
    Metadata,
    /// The state that has this tag.
    State(Tag),
    /// The summary in its stored form.
    Summary,
    /// The message at a position.
    Message(u64),
}

impl Field {
    /// What its text is.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Field::Title => Kind::Title,
            Field::Metadata => Kind::Metadata,
            Field::State(_) => Kind::State,
            Field::Summary => Kind::Summary,
            Field::Message(_) => Kind::Message,
        }
    }

    /// Its name in Redis.
    fn name(self) -> String {
        match self {
            Field::Title => "title".to_owned(),
            Field::Metadata => "meta".to_owned(),
            Field::State(_) => "state".to_owned(),
            Field::Summary => "sum".to_owned(),
            Field::Message(position) => format!("m:{position}"),
        }
    }
}

impl Operation for Reseal {
    const NAME: &'static str = "reseal";
    type Outcome = u64;

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![self.session.to_string(), self.now.to_string(), index_ttl(self.ttl).to_string()];
        for Anew { field, was, text } in &self.texts {
            let was = match field {
                Field::State(tag) => tag.to_text(),
                _ => was.clone(),
            };
            arguments.extend([field.name(), was, text.clone()]);
        }
        let keys = vec![keys.session(&self.session), keys.index(), keys.cards()];
        Call::Script { script: &RESEAL, keys, arguments }
    }

    fn decode(&self, reply: Reply) -> Result<u64, UnexpectedReply> {
        reply.number()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<u64, R::Error> {
        let Some(mut session) = readable(records, &self.session, self.now)? else { return Ok(0) };
        let mut put = 0;
        for anew in &self.texts {
            put += u64::from(anew.put(records, &self.session, &mut session)?);
        }
        if put > 0 {
            records.put_session(&self.session, &session)?;
        }
        Ok(put)
    }
}

impl Anew {
    /// Puts it where what was read is still there; says whether it is.
    fn put<R: Records>(&self, records: &mut R, id: &SessionId, session: &mut Session) -> Result<bool, R::Error> {
        let Self { field, was, text } = self;
        match *field {
            Field::Title => {
                let same = session.title == *was;
                if same {
                    session.title.clone_from(text);
                }
                Ok(same)
            }
            Field::Metadata => {
                let same = records.metadata(id)?.is_some_and(|metadata| metadata == *was);
                if same {
                    records.put_metadata(id, text)?;
                }
                Ok(same)
            }
            Field::State(tag) => {
                let revision = records.state(id)?.map(|state| state.revision);
                let same = revision == Some(tag.revision) && session.created == tag.created;
                if same {
                    records.put_state(id, &State { revision: tag.revision, json: text.clone() })?;
                }
                Ok(same)
            }
            Field::Summary => {
                let notes = records.notes(id)?;
                let same = !notes.summary.is_empty() && notes.summary == *was;
                if same {
                    records.put_notes(id, &Notes { summary: text.clone(), ..notes })?;
                }
                Ok(same)
            }
            Field::Message(position) => {
                let same = records.messages(id, position..position + 1)?.pop().is_some_and(|message| message == *was);
                if same {
                    records.put_message(id, position, text)?;
                    session.bytes = (session.bytes + text.len() as u64).saturating_sub(was.len() as u64);
                }
                Ok(same)
            }
        }
    }
}
