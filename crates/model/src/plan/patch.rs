//! Change a session's title, flags and metadata.

use super::{Details, Operation, Remembered, index_ttl, live, numbers, remembered, session_from};
use crate::change::Change;
use crate::id::{SessionId, TurnId};
use crate::limits::REMEMBERED_TURNS;
use crate::records::{Notes, Records};
use crate::redis::script::PATCH;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::time::Millis;
use crate::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// See the module. What is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// The session.
    pub session: SessionId,
    /// The id of this operation: a second application changes nothing.
    pub operation: TurnId,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// Its new title; empty for none.
    pub title: Option<String>,
    /// Nobody gave that title: one that somebody gave stays.
    pub automatic: bool,
    /// Pinned or not.
    pub pinned: Option<bool>,
    /// Archived or not.
    pub archived: Option<bool>,
    /// Its new metadata, a JSON object; empty for none.
    pub metadata: Option<String>,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
}

/// What a patch comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patched {
    /// The session is as the patch says, now or by an earlier application.
    Done(Details),
    /// The session is absent.
    Absent,
    /// The operation's id was used for another request.
    Mismatch,
}

impl Operation for Patch {
    const NAME: &'static str = "patch";
    type Outcome = Patched;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        let Self { session, title, metadata, fingerprint, .. } = self;
        visit(Kind::Fingerprint, session, fingerprint)?;
        title.as_mut().map_or(Ok(()), |title| visit(Kind::Title, session, title))?;
        metadata.as_mut().map_or(Ok(()), |metadata| visit(Kind::Metadata, session, metadata))
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Patched::Done(details) => details.texts(&self.session, visit),
            _ => Ok(()),
        }
    }

    fn call(&self, keys: &Keys) -> Call {
        let flag = |flag: Option<bool>| flag.map(|set| u8::from(set).to_string()).unwrap_or_default();
        let mut arguments = vec![
            self.session.to_string(),
            self.operation.to_string(),
            self.fingerprint.clone(),
            u8::from(self.title.is_some()).to_string(),
            self.title.clone().unwrap_or_default(),
            flag(self.pinned),
            flag(self.archived),
            u8::from(self.metadata.is_some()).to_string(),
            self.metadata.clone().unwrap_or_default(),
            u8::from(self.automatic).to_string(),
        ];
        arguments.extend(numbers([self.now.0, self.ttl.0, index_ttl(self.ttl).0, REMEMBERED_TURNS]));
        Call::Script { script: &PATCH, keys: keys.of_session(&self.session), arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Patched, UnexpectedReply> {
        let mut items = reply.items()?;
        Ok(match items.text()?.as_str() {
            "patched" => Patched::Done(Details {
                session: session_from(&mut items)?,
                metadata: Some(items.text()?).filter(|text| !text.is_empty()),
                notes: Notes::default(),
            }),
            "absent" => Patched::Absent,
            "mismatch" => Patched::Mismatch,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Patched) -> Vec<Change> {
        let Patched::Done(details) = outcome else { return Vec::new() };
        vec![Change::of_session(&self.session, &details.session, false, self.now)]
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Patched, R::Error> {
        let id = &self.session;
        let Some(mut session) = live(records, id, self.now)? else { return Ok(Patched::Absent) };
        let remembered = remembered(records, id, &self.operation, &self.fingerprint)?;
        if matches!(remembered, Remembered::Other) {
            return Ok(Patched::Mismatch);
        }
        if matches!(remembered, Remembered::Nothing) {
            if let Some(title) = &self.title
                && !(self.automatic && session.flags.named)
            {
                session.title.clone_from(title);
                session.flags.named = !self.automatic && !title.is_empty();
            }
            session.flags.pinned = self.pinned.unwrap_or(session.flags.pinned);
            session.flags.archived = self.archived.unwrap_or(session.flags.archived);
            session.updated = self.now;
            session.expires = session.expires.max(self.now.after(self.ttl));
            session.revision += 1;
            records.put_session(id, &session)?;
            if let Some(metadata) = &self.metadata {
                records.put_metadata(id, metadata)?;
            }
            records.put_turn(id, &self.operation, &self.record())?;
        }
        Ok(Patched::Done(Details { session, metadata: records.metadata(id)?, notes: Notes::default() }))
    }
}

impl Patch {
    fn record(&self) -> TurnRecord {
        TurnRecord::of_operation(&self.operation, &self.fingerprint)
    }
}
