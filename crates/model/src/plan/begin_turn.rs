//! Begin a turn: recognise a repeated one, else create the session where it is absent, append the user message or go back to
//! one that is there, slide the TTL, and give the window for the responder.

use super::{
    CutAfter, Opened, Operation, Room, asked, have_id, index_ttl, is_set_aside, live, may_grow, new_session,
    newest_that_fit, numbers, open, session_from, show_messages,
};
use crate::change::Change;
use crate::fingerprint;
use crate::id::{MessageId, SessionId, TurnId};
use crate::large_reads::ReadSize;
use crate::limits::{PRUNE_PER_CALL, REMEMBERED_TURNS, REPLY_BYTES, TRIM_PER_CALL};
use crate::message::{Message, Role, stored_prefix};
use crate::rate::Charge;
use crate::records::Records;
use crate::redis::script::BEGIN_TURN;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Kind, Unreadable, Visit};
use crate::session::Session;
use crate::time::Millis;
use crate::turn::{PlannedCut, TurnRecord};
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginTurn {
    /// The session, existing or to be created.
    pub session: SessionId,
    /// The turn's id.
    pub turn: TurnId,
    /// Who runs it: minted per request, kept by its retries.
    pub attempt: String,
    /// The fingerprint of its request, or several: see [`crate::fingerprint`].
    pub fingerprint: String,
    /// The user message's id.
    pub message_id: MessageId,
    /// The user message's stored text, which begins with that id; empty where none is stored.
    pub message: String,
    /// What is done with it.
    pub mode: TurnMode,
    /// The id that the reply will have.
    pub reply_id: MessageId,
    /// The title that the session takes when it has none.
    pub title: String,
    /// Never create the session.
    pub existing: bool,
    /// First cut the session after this message: an edit.
    pub cut_after: Option<CutAfter>,
    /// What the turn is charged to, unless it is a repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// 32 random hex digits for a session that is created.
    pub seal: String,
    /// Now.
    pub now: Millis,
    /// The namespace's TTL.
    pub ttl: Millis,
    /// How long the turn is protected from being taken over.
    pub lease: Millis,
    /// The last messages to give, the user message among them.
    pub window: u64,
    /// The messages that a session keeps.
    pub messages_per_session: u64,
    /// And their bytes.
    pub session_bytes: u64,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
    /// The bytes of all of the owner's sessions; 0 for any number.
    #[serde(default)]
    pub owner_bytes: u64,
}

/// What a begin does with the user message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnMode {
    /// It is appended.
    #[default]
    Append,
    /// It takes the place of the one with its id, and what followed that is cut; appended where there is none.
    Edit,
    /// The one that is there is answered anew: what follows it is cut, nothing is appended. The id may also be that of a reply
    /// to it.
    Answer,
}

impl TurnMode {
    fn as_str(self) -> &'static str {
        match self {
            TurnMode::Append => "append",
            TurnMode::Edit => "edit",
            TurnMode::Answer => "answer",
        }
    }
}

/// What a begin comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// The turn runs, under the lease of this attempt.
    Started {
        /// This call created the session.
        created: bool,
        /// The user message's id: of the first attempt, where this one took over.
        message_id: MessageId,
        /// Where the user message is.
        position: u64,
        /// The session, with the user message.
        session: Session,
        /// The last messages as stored, oldest first; the user message is the last.
        window: Vec<String>,
        /// The turns charged in this window of time, this one among them; zero when it is not charged.
        charged: u64,
        /// The turn replaces messages: they are removed when it finishes, and its user message is stored then, if it brings one.
        replaces: bool,
    },
    /// The turn was finished before.
    Replay {
        /// The user message's id.
        message_id: MessageId,
        /// The stored reply.
        reply: String,
        /// The session as it is now.
        session: Session,
    },
    /// Another attempt runs it, protected until then.
    Running {
        /// The lease's end.
        until: Millis,
    },
    /// The turn id was used with another payload.
    Mismatch,
    /// The turn's message or reply is no longer kept.
    Gone,
    /// The owner has begun as many turns in this window of time as one may.
    Limited,
    /// The session is deleted, inside its undo window.
    Deleted,
    /// The session is absent and may not be created.
    Absent,
    /// Another message that is kept has the message's id.
    Repeated,
    /// The message to cut after isn't there.
    Unknown,
    /// The owner has as many sessions as one may have.
    Full,
    /// It would be more bytes than the owner may have.
    StorageFull,
}

impl Operation for BeginTurn {
    const NAME: &'static str = "begin_turn";
    type Outcome = Begun;

    fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
        visit(Kind::Message, &self.session, &mut self.message)?;
        visit(Kind::Title, &self.session, &mut self.title)?;
        visit(Kind::Fingerprint, &self.session, &mut self.fingerprint)
    }

    fn told(&self, outcome: &mut Self::Outcome, visit: Visit) -> Result<(), Unreadable> {
        match outcome {
            Begun::Started { session, window, .. } => {
                visit(Kind::Title, &self.session, &mut session.title)?;
                show_messages(window, &self.session, visit)
            }
            Begun::Replay { session, reply, .. } => {
                visit(Kind::Title, &self.session, &mut session.title)?;
                visit(Kind::Message, &self.session, reply)
            }
            _ => Ok(()),
        }
    }

    fn read_size(&self) -> ReadSize {
        ReadSize::Window
    }

    fn call(&self, keys: &Keys) -> Call {
        let mut arguments = vec![
            self.session.to_string(),
            self.turn.to_string(),
            self.attempt.clone(),
            self.fingerprint.clone(),
            self.message_id.to_string(),
            self.message.clone(),
            self.reply_id.to_string(),
            self.title.clone(),
            u8::from(self.existing).to_string(),
            self.seal.clone(),
            self.cut_after.as_ref().map_or("", CutAfter::as_str).to_owned(),
            self.mode.as_str().to_owned(),
        ];
        arguments.extend(numbers([
            self.now.0,
            self.ttl.0,
            self.lease.0,
            self.window,
            self.messages_per_session,
            self.session_bytes,
            self.sessions_per_owner,
            index_ttl(self.ttl).0,
            REMEMBERED_TURNS,
            REPLY_BYTES as u64,
            TRIM_PER_CALL,
            PRUNE_PER_CALL,
            self.charge.as_ref().map_or(0, |charge| charge.most),
            self.charge.as_ref().map_or(0, |charge| charge.lives.0),
            self.owner_bytes,
        ]));
        let mut of_session = keys.of_session(&self.session);
        of_session.extend(self.charge.as_ref().map(|charge| keys.charged(&charge.bucket)));
        Call::Script { script: &BEGIN_TURN, keys: of_session, arguments }
    }

    fn decode(&self, reply: Reply) -> Result<Begun, UnexpectedReply> {
        let mut items = reply.items()?;
        let message_id = |text: String| MessageId::parse(text).map_err(|_| UnexpectedReply);
        Ok(match items.text()?.as_str() {
            "begun" => Begun::Started {
                session: session_from(&mut items)?,
                created: items.number()? == 1,
                message_id: message_id(items.text()?)?,
                position: items.number()?,
                window: items.take()?.texts()?,
                charged: items.number()?,
                replaces: items.number()? == 1,
            },
            "replay" => Begun::Replay {
                session: session_from(&mut items)?,
                message_id: message_id(items.text()?)?,
                reply: items.text()?,
            },
            "running" => Begun::Running { until: Millis(items.number()?) },
            "mismatch" => Begun::Mismatch,
            "limited" => Begun::Limited,
            "gone" => Begun::Gone,
            "deleted" => Begun::Deleted,
            "absent" => Begun::Absent,
            "repeated" => Begun::Repeated,
            "unknown" => Begun::Unknown,
            "full" => Begun::Full,
            "storage" => Begun::StorageFull,
            _ => return Err(UnexpectedReply),
        })
    }

    fn changes(&self, outcome: &Begun) -> Vec<Change> {
        let Begun::Started { created, message_id, session, replaces, .. } = outcome else { return Vec::new() };
        let started = Change::TurnStarted {
            session_id: self.session.clone(),
            message_id: message_id.clone(),
            reply_id: self.reply_id.clone(),
        };
        let added = Change::of_message(&self.session, &self.message).filter(|_| !replaces);
        let session = Change::of_session(&self.session, session, *created, self.now);
        [Some(session), added, Some(started)].into_iter().flatten().collect()
    }

    fn apply<R: Records>(&self, records: &mut R) -> Result<Begun, R::Error> {
        let id = &self.session;
        let there = live(records, id, self.now)?;
        if let Some(session) = &there
            && let Some(record) = records.turn(id, &self.turn)?
        {
            return self.repeat(records, session, record);
        }
        if there.is_none() {
            if is_set_aside(records, id, self.now)? {
                return Ok(Begun::Deleted);
            }
            if self.existing || self.mode == TurnMode::Answer {
                return Ok(Begun::Absent);
            }
            if matches!(self.cut_after, Some(CutAfter::Message(_))) {
                return Ok(Begun::Unknown);
            }
        }
        let charged = match &self.charge {
            Some(charge) => records.charge(&charge.bucket, self.now, charge.lives)?,
            None => 0,
        };
        if self.charge.as_ref().is_some_and(|charge| charged > charge.most) {
            return Ok(Begun::Limited);
        }
        let (session, created) = match open(records, id, self.now, self.sessions_per_owner)? {
            Opened::Live(session) => (session, false),
            Opened::New => (new_session(self.now), true),
            Opened::Deleted => return Ok(Begun::Deleted),
            Opened::Full => return Ok(Begun::Full),
        };
        self.start(records, session, created, charged)
    }
}

/// Where a turn's user message stands or will stand.
struct Place {
    position: u64,
    message_id: MessageId,
    /// What is from here on is cut.
    kept: u64,
}

impl BeginTurn {
    /// Starts the turn in a session. Nothing is cut: what it replaces stays until it finishes.
    fn start<R: Records>(
        &self,
        records: &mut R,
        mut session: Session,
        created: bool,
        charged: u64,
    ) -> Result<Begun, R::Error> {
        let id = &self.session;
        let Some(Place { position, message_id, kept }) = self.place(records, &session)? else {
            return Ok(Begun::Unknown);
        };
        let replaces = kept < session.next;
        let answers = self.mode == TurnMode::Answer;
        let from = session.first.max((position + 1).saturating_sub(self.window));
        let earlier = records.messages(id, from..kept)?;
        let mut window = newest_that_fit(earlier, REPLY_BYTES.saturating_sub(self.message.len()), false);
        if !answers {
            let before = session.first..position;
            if have_id(&window, &self.message_id)
                || (self.turn.as_str() != self.message_id.as_str() && asked(records, id, &self.message_id, before)?)
            {
                return Ok(Begun::Repeated);
            }
            window.push(self.message.clone());
        }
        // A derived title follows the first message when that is edited.
        let follows = position == 0 && !answers && replaces && !session.flags.named;
        let there = Some(&session).filter(|_| !created);
        if !may_grow(records, id, there, self.message.len() as u64, self.owner_bytes, self.now)? {
            return Ok(Begun::StorageFull);
        }

        // Room is made for the reply too, so that finishing need not; but its bytes are not known yet.
        let appends = !answers && !replaces;
        if appends {
            let room = Room::beside([self.message.as_str()].into_iter(), self.messages_per_session, self.session_bytes);
            Room { messages: self.messages_per_session.saturating_sub(2), ..room }.make(records, id, &mut session)?;
        }
        if session.title.is_empty() || (follows && !self.title.is_empty()) {
            session.title.clone_from(&self.title);
        }
        session.updated = self.now;
        session.expires = session.expires.max(self.now.after(self.ttl));
        let planned = replaces.then_some(PlannedCut { to: kept, total: session.total });
        session.revision += 1;
        if appends {
            session.next = position + 1;
            session.total += 1;
            session.bytes += self.message.len() as u64;
        }
        records.put_session(id, &session)?;
        if appends {
            records.put_message(id, position, &self.message)?;
        }
        let record = TurnRecord {
            done: false,
            attempt: self.attempt.clone(),
            lease_until: self.now.after(self.lease),
            reply_id: Some(self.reply_id.clone()),
            fingerprint: fingerprint::stored(&self.fingerprint).to_owned(),
            message_id: Some(message_id.clone()),
            message_position: Some(position).filter(|_| answers || appends),
            reply_position: None,
            cut: planned,
        };
        records.put_turn(id, &self.turn, &record)?;
        Ok(Begun::Started { created, message_id, position, session, window, charged, replaces })
    }

    /// Finds the place of the user message; none when what it is to follow, or to be, isn't there.
    fn place<R: Records>(&self, records: &mut R, session: &Session) -> Result<Option<Place>, R::Error> {
        let all = session.first..session.next;
        let position = match (self.mode, &self.cut_after) {
            (TurnMode::Answer, _) => return self.asked(records, session),
            (TurnMode::Edit, _) => {
                let known = records.find_message(&self.session, &self.message_id, all)?;
                Some(known.unwrap_or(session.next))
            }
            (TurnMode::Append, None) => Some(session.next),
            (TurnMode::Append, Some(cut)) => cut.position(records, &self.session, session)?,
        };
        Ok(position.map(|position| Place { position, message_id: self.message_id.clone(), kept: position }))
    }

    /// The user message that is to be answered anew: the one that is named, or the one that the named reply answers.
    fn asked<R: Records>(&self, records: &mut R, session: &Session) -> Result<Option<Place>, R::Error> {
        let mut wanted = self.message_id.clone();
        for _ in 0..2 {
            let all = session.first..session.next;
            let Some(position) = records.find_message(&self.session, &wanted, all)? else { return Ok(None) };
            let stored = records.messages(&self.session, position..position + 1)?.pop();
            let message = stored.and_then(|stored| Message::of_stored(&stored));
            match message {
                Some(Message { role: Role::User, id, .. }) => {
                    return Ok(Some(Place { position, message_id: id, kept: position + 1 }));
                }
                Some(Message { parent: Some(parent), .. }) => wanted = parent,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The turn is known: what it comes to now.
    fn repeat<R: Records>(&self, records: &mut R, session: &Session, record: TurnRecord) -> Result<Begun, R::Error> {
        if !record.is_of(&self.fingerprint) {
            return Ok(Begun::Mismatch);
        }
        if !record.done && record.attempt != self.attempt && record.lease_until > self.now {
            return Ok(Begun::Running { until: record.lease_until });
        }
        if record.cut.is_some() {
            // Nothing of it is in the history yet: it begins anew.
            return self.start(records, session.clone(), false, 0);
        }
        let (Some(message_id), Some(position), Some(reply_id)) =
            (record.message_id.clone(), record.message_position, record.reply_id.clone())
        else {
            return Ok(Begun::Gone);
        };
        if record.done {
            let at = record.reply_position.unwrap_or(u64::MAX);
            if at < session.first || at >= session.next {
                return Ok(Begun::Gone);
            }
            let reply = records.messages(&self.session, at..at + 1)?.pop();
            return Ok(match reply.filter(|reply| reply.starts_with(&stored_prefix(&reply_id))) {
                Some(reply) => Begun::Replay { message_id, reply, session: session.clone() },
                None => Begun::Gone,
            });
        }
        if position < session.first || position >= session.next {
            return Ok(Begun::Gone);
        }
        let from = session.first.max((position + 1).saturating_sub(self.window));
        let window = newest_that_fit(records.messages(&self.session, from..position + 1)?, REPLY_BYTES, false);
        if !window.last().is_some_and(|message| message.starts_with(&stored_prefix(&message_id))) {
            return Ok(Begun::Gone);
        }
        let taken = TurnRecord { attempt: self.attempt.clone(), lease_until: self.now.after(self.lease), ..record };
        records.put_turn(&self.session, &self.turn, &taken)?;
        Ok(Begun::Started {
            created: false,
            message_id,
            position,
            session: session.clone(),
            window,
            charged: 0,
            replaces: false,
        })
    }
}
