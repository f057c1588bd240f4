//! Read a session's fields.

use super::{Operation, session_from};
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
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

impl Operation for Info {
    const NAME: &'static str = "info";
    type Outcome = Option<Session>;

    fn call(&self, keys: &Keys) -> Call {
        let key = keys.session(&self.session);
        let words = ["HMGET", &key, "title", "created", "updated", "exp", "first", "next", "total", "rev"];
        Call::Command(words.map(str::to_owned).to_vec())
    }

    fn decode(&self, reply: Reply) -> Result<Option<Session>, UnexpectedReply> {
        if let Reply::Array(items) = &reply
            && items.iter().all(|item| *item == Reply::Nil)
        {
            return Ok(None);
        }
        Ok(Some(session_from(&mut reply.items()?)?).filter(|session| session.is_live(self.now)))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Session>, R::Error> {
        Ok(records.session(&self.session)?.filter(|session| session.is_live(self.now)))
    }
}
