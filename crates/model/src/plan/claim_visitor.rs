//! Claim a visitor's sessions for a user: the visitor's own namespace remembers whose they become. See [`crate::claim`].

use super::Operation;
use crate::owner::Owner;
use crate::records::Records;
use crate::redis::script::CLAIM_VISITOR;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// See the module. Comes to who has claimed the sessions, after this; another than `by` came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimVisitor {
    /// Who claims; without it, nobody does, and it is only asked.
    pub by: Option<Owner>,
    /// Now.
    pub now: Millis,
    /// How long the claim is remembered.
    pub lives: Millis,
}

impl Operation for ClaimVisitor {
    const NAME: &'static str = "claim_visitor";
    type Outcome = Option<Owner>;

    fn call(&self, keys: &Keys) -> Call {
        Call::Script {
            script: &CLAIM_VISITOR,
            keys: vec![keys.claimed()],
            arguments: vec![
                self.by.as_ref().map(Owner::to_string).unwrap_or_default(),
                self.now.to_string(),
                self.lives.to_string(),
            ],
        }
    }

    fn decode(&self, reply: Reply) -> Result<Option<Owner>, UnexpectedReply> {
        Ok(Some(reply.text()?).filter(|by| !by.is_empty()).map(Owner::stored))
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Option<Owner>, R::Error> {
        let before = records.claimed_by(self.now)?;
        match &self.by {
            Some(by) if before.as_ref().is_none_or(|before| before == by) => {
                records.put_claim(by, self.now.after(self.lives))?;
                Ok(Some(by.clone()))
            }
            _ => Ok(before),
        }
    }
}
