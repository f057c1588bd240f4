//! What a turn comes to, and the record of it, kept in its session under the turn's id: what makes a repeated request change nothing.

use crate::fingerprint;
use crate::id::{MessageId, SessionId, TurnId};
use crate::message::{Message, Status};
use crate::session::Session;
use crate::stream::Finish;
use crate::time::Millis;
use crate::wire::{ChatResponse, Raw};
use std::fmt;

/// What a turn came to: its reply is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Turned {
    /// Its session's id.
    pub session_id: SessionId,
    /// The user message.
    pub message_id: MessageId,
    /// The reply.
    pub reply: Message,
    /// The session with both.
    pub session: Session,
    /// The turn opened the session.
    pub created: bool,
    /// The turn had been finished before; this is its stored reply.
    pub replayed: bool,
    /// When it is answered.
    pub at: Millis,
    /// What the model's API counted.
    pub usage: Option<Raw>,
    /// Why the reply ends, as the responder says it.
    pub finish: Option<Finish>,
}

impl Turned {
    /// The answer to `POST /v1/chat`.
    #[must_use]
    pub fn response(self) -> ChatResponse {
        ChatResponse {
            session: self.session.body(&self.session_id, self.at),
            response: self.reply.content,
            session_id: self.session_id,
            message_id: self.message_id,
            reply_id: self.reply.id,
            created: self.created,
            replayed: self.replayed,
            stopped: self.reply.status == Some(Status::Stopped),
            interrupted: self.reply.status == Some(Status::Interrupted),
            parts: self.reply.parts.map(Raw),
            metadata: self.reply.metadata.map(Raw),
            usage: self.usage,
            finish: self.finish,
            degraded: false,
            journal: None,
        }
    }
}

/// What a session remembers of one turn, or of another operation that carries an id.
///
/// Its stored form, the same in every store, is eight words: `state attempt lease_until reply_id fingerprint message_id
/// message_position reply_position`, with `-` for none. An open turn that replaces messages has `POSITION/TOTAL` as its last word: see
/// [`PlannedCut`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// Finished, or not yet.
    pub done: bool,
    /// Who runs it: an id minted per request.
    pub attempt: String,
    /// Until when nobody else may take it over.
    pub lease_until: Millis,
    /// The id that its reply has, or will have. None for an operation that isn't a turn.
    pub reply_id: Option<MessageId>,
    /// The fingerprint of its request: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// The user message.
    pub message_id: Option<MessageId>,
    /// Where the user message is.
    pub message_position: Option<u64>,
    /// Where the reply is.
    pub reply_position: Option<u64>,
    /// What the finish of an open turn removes.
    pub cut: Option<PlannedCut>,
}

/// A cut that an open turn plans and its finish makes, so that a turn that fails leaves what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedCut {
    /// The position from which on messages are removed.
    pub to: u64,
    /// The messages that the session had ever stored at the begin: the cut is made where that is still so.
    pub total: u64,
}

impl PlannedCut {
    fn parse(word: &str) -> Option<Self> {
        let (to, total) = word.split_once('/')?;
        Some(Self { to: to.parse().ok()?, total: total.parse().ok()? })
    }
}

impl TurnRecord {
    /// The record of a finished operation that isn't a turn, of a request that brings these fingerprints.
    #[must_use]
    pub fn of_operation(operation: &TurnId, fingerprints: &str) -> Self {
        Self {
            done: true,
            attempt: operation.as_str().to_owned(),
            lease_until: Millis(0),
            reply_id: None,
            fingerprint: fingerprint::stored(fingerprints).to_owned(),
            message_id: None,
            message_position: None,
            reply_position: None,
            cut: None,
        }
    }

    /// Whether it is of a request that brings these fingerprints.
    #[must_use]
    pub fn is_of(&self, fingerprints: &str) -> bool {
        fingerprint::is_same(&self.fingerprint, fingerprints)
    }

    /// The record as it goes to another owner: nobody there can compute its fingerprint.
    #[must_use]
    pub fn widened(self) -> Self {
        Self { fingerprint: fingerprint::widened(&self.fingerprint), ..self }
    }

    /// The form in Redis: `=` stands for the ids that follow from the turn's.
    #[must_use]
    pub fn in_short(&self, turn: &TurnId) -> String {
        let reply = turn.reply_id();
        let word = |(at, word)| match at {
            3 if word == reply.as_str() => "=",
            5 if word == turn.as_str() => "=",
            _ => word,
        };
        self.to_string().split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Reads the form in Redis.
    #[must_use]
    pub fn parse_short(turn: &TurnId, stored: &str) -> Option<Self> {
        let reply = turn.reply_id();
        let word = |(at, word)| match (at, word) {
            (3, "=") => reply.as_str(),
            (5, "=") => turn.as_str(),
            _ => word,
        };
        Self::parse(&stored.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" "))
    }

    /// Reads the stored form.
    #[must_use]
    pub fn parse(stored: &str) -> Option<Self> {
        fn optional<T>(word: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
            if word == "-" { Some(None) } else { read(word).map(Some) }
        }
        let mut words = stored.split(' ');
        let done = match words.next()? {
            "done" => true,
            "open" => false,
            _ => return None,
        };
        let attempt = words.next()?.to_owned();
        let lease_until = Millis(words.next()?.parse().ok()?);
        let reply_id = optional(words.next()?, |word| MessageId::parse(word).ok())?;
        let fingerprint = words.next()?.to_owned();
        let message_id = optional(words.next()?, |word| MessageId::parse(word).ok())?;
        let message_position = optional(words.next()?, |word| word.parse().ok())?;
        let last = words.next()?;
        let cut = PlannedCut::parse(last).filter(|_| !done);
        let reply_position = if cut.is_some() { None } else { optional(last, |word| word.parse().ok())? };
        let record = Self {
            done,
            attempt,
            lease_until,
            reply_id,
            fingerprint,
            message_id,
            message_position,
            reply_position,
            cut,
        };
        words.next().is_none().then_some(record)
    }
}

impl fmt::Display for TurnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = |position: Option<u64>| position.map_or_else(|| "-".to_owned(), |number| number.to_string());
        write!(
            f,
            "{} {} {} {} {} {} {} {}",
            if self.done { "done" } else { "open" },
            self.attempt,
            self.lease_until,
            self.reply_id.as_ref().map_or("-", MessageId::as_str),
            self.fingerprint,
            self.message_id.as_ref().map_or("-", MessageId::as_str),
            position(self.message_position),
            self.cut.map_or_else(|| position(self.reply_position), |cut| format!("{}/{}", cut.to, cut.total)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_in_redis_leaves_out_what_follows() -> Result<(), crate::id::InvalidId> {
        let turn = TurnId::parse("m1")?;
        for (long, short) in [
            ("open a1 17 r-m1 00ff m1 4 -", "open a1 17 = 00ff = 4 -"),
            ("done a 0 r-m2 0 m2 4 5", "done a 0 r-m2 0 m2 4 5"),
        ] {
            let record = TurnRecord::parse(long);
            assert_eq!(record.as_ref().map(|record| record.in_short(&turn)).as_deref(), Some(short));
            assert_eq!(TurnRecord::parse_short(&turn, short), record);
        }
        Ok(())
    }

    #[test]
    fn records_come_back_as_they_were() {
        for stored in [
            "open a1 17 r-m1 00ff m1 4 -",
            "done a1 0 r-m1 00ff m1 4 5",
            "done op 0 - - - - -",
            "open a1 17 r-m1 00ff m1 - 4/9",
        ] {
            let record = TurnRecord::parse(stored);
            assert_eq!(record.map(|record| record.to_string()).as_deref(), Some(stored));
        }
        for wrong in ["", "open", "shut a 0 - - - - -", "done a x - - - - -", "done a 0 - - - - - more"] {
            assert_eq!(TurnRecord::parse(wrong), None, "{wrong}");
        }
    }
}
