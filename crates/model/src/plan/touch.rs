//! Slide a session's TTL. A straggler changes nothing: the end of a session never moves nearer.

use super::{Operation, index_ttl, live, session_from};
use crate::id::SessionId;
use crate::records::Records;
use crate::redis::script::TOUCH;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to nothing when the session is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Touch {
    pub session: SessionId,
    pub now: Millis,
    pub ttl: Millis,
}

impl Operation for Touch {
    const NAME: &'static str = "touch";
    type Outcome = Option<Session>;

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        outcome.as_mut().map_or(Ok(()), |session| visit(Kind::Title, &self.session, &mut session.title))
    }

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &TOUCH,
            keys: keys.of_session(&self.session),
            arguments: vec![
                self.session.to_string(),
                self.now.to_string(),
                self.ttl.to_string(),
                index_ttl(self.ttl).to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Option<Session>, UnexpectedReply> {
        let mut items = reply.items()?;
        match items.text()?.as_str() {
            "absent" => Ok(None),
            "touched" => session_from(&mut items).map(Some),
            _ => Err(UnexpectedReply),
        }
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Session>, R::Error> {
        let Some(mut session) = live(records, &self.session, self.now)? else { return Ok(None) };
        session.expires = session.expires.max(self.now.after(self.ttl));
        records.put_session(&self.session, &session)?;
        Ok(Some(session))
    }
}
