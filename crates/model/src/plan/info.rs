//! Read a session's fields.

use super::{Operation, readable, session_from};
use crate::id::SessionId;
use crate::records::{Notes, Records};
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to nothing when the session is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Info {
    pub session: SessionId,
    pub now: Millis,
}

/// A session with what lists leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Its fields.
    pub session: Session,
    /// Its metadata, a JSON object.
    pub metadata: Option<String>,
    /// What else is noted; nothing after a patch.
    #[serde(default)]
    pub notes: Notes,
}

impl Details {
    /// Shows its texts.
    ///
    /// # Errors
    /// What `visit` refuses.
    pub fn texts(&mut self, id: &SessionId, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Title, id, &mut self.session.title)?;
        self.notes.texts(id, visit)?;
        self.metadata.as_mut().map_or(Ok(()), |metadata| visit(Kind::Metadata, id, metadata))
    }
}

impl Operation for Info {
    const NAME: &'static str = "info";
    type Outcome = Option<Details>;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.as_mut().map_or(Ok(()), |details| details.texts(&self.session, visit))
    }

    fn call(&self, keys: &Keys) -> Call {
        let key = keys.session(&self.session);
        let fields = [
            "title", "created", "updated", "exp", "first", "next", "total", "bytes", "rev", "flags", "meta", "used",
            "sum",
        ];
        Call::Command(["HMGET", &key].into_iter().chain(fields).map(str::to_owned).collect())
    }

    fn decode(&self, reply: Reply) -> Result<Option<Details>, UnexpectedReply> {
        if let Reply::Array(items) = &reply
            && items.iter().all(|item| *item == Reply::Nil)
        {
            return Ok(None);
        }
        let mut items = reply.items()?;
        let session = session_from(&mut items)?;
        let metadata = match items.take()? {
            Reply::Nil => None,
            text => Some(text.text()?).filter(|text| !text.is_empty()),
        };
        let used = match items.take()? {
            Reply::Nil => 0,
            used => used.number()?,
        };
        let summary = match items.take()? {
            Reply::Nil => String::new(),
            text => text.text()?,
        };
        let notes = Notes { used, summary };
        Ok(Some(Details { session, metadata, notes }).filter(|details| details.session.is_readable(self.now)))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Details>, R::Error> {
        let Some(session) = readable(records, &self.session, self.now)? else { return Ok(None) };
        let (metadata, notes) = (records.metadata(&self.session)?, records.notes(&self.session)?);
        Ok(Some(Details { session, metadata, notes }))
    }
}
