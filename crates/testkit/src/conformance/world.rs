//! Where a scenario happens: a store, an owner, a clock, and short ways to say operations and check what they come to.

use crate::clock::SimulatedClock;
use crate::executor::Executor;
use chatkeep_model::fingerprint::{RequestKind, of_request};
use chatkeep_model::message::Message;
use chatkeep_model::plan::TurnMode;
use chatkeep_model::plan::{
    BeginTurn, Begun, Create, Created, Cursor, Delete, FinishTurn, Finished, Info, Listed, Page, ReadHistory, ReadList,
    ReleaseTurn,
};
use chatkeep_model::session::Flags;
use chatkeep_model::session::derived_title;
use chatkeep_model::{Limits, MessageId, Millis, Operation, Owner, Role, Session, SessionId, TurnId};

/// What is random of a session that is created.
pub const SEAL: &str = "0123456789abcdef0123456789abcdef";

/// A scenario's store, owner and time.
#[derive(Debug)]
pub struct World<E> {
    executor: E,
    /// The name of its first owner, which the others' begin with: a store that is not fresh has met none of them.
    name: String,
    owner: Owner,
    clock: SimulatedClock,
    /// The limits that operations are made with from here on.
    pub limits: Limits,
}

impl<E: Executor> World<E> {
    /// A world whose owner is the user `name`.
    #[must_use]
    pub fn new(executor: E, name: &str) -> Self {
        Self::starting(SimulatedClock::default().now(), executor, name)
    }

    /// The same from a time on.
    #[must_use]
    pub fn starting(now: Millis, executor: E, name: &str) -> Self {
        Self {
            executor,
            name: name.to_owned(),
            owner: user(name),
            clock: SimulatedClock::starting(now),
            limits: Limits::default(),
        }
    }

    /// Acts for another owner from here on.
    pub fn act_for(&mut self, name: &str) {
        self.owner = if name == self.name { user(name) } else { user(&format!("{}.{name}", self.name)) };
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn wait(&mut self, duration: Millis) {
        self.clock.advance(duration);
        self.executor.pass(duration);
    }

    /// Carries out an operation.
    ///
    /// # Panics
    /// The store fails.
    pub fn run<O: Operation>(&mut self, operation: &O) -> O::Outcome {
        self.try_run(operation).unwrap_or_else(|error| panic!("{}: {error:?}", O::NAME))
    }

    /// Carries out an operation where the store may fail.
    ///
    /// # Errors
    /// The store fails.
    pub fn try_run<O: Operation>(&mut self, operation: &O) -> Result<O::Outcome, E::Error> {
        self.executor.run(&self.owner, operation)
    }

    /// The store.
    pub fn store(&mut self) -> &mut E {
        &mut self.executor
    }

    /// The owner who acts.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The begin of a turn with this user text, by an attempt of the turn's name and the message `u-{turn}`.
    #[must_use]
    pub fn begin(&self, session: &str, turn: &str, text: &str) -> BeginTurn {
        let id = message_id(&format!("u-{turn}"));
        BeginTurn {
            session: session_id(session),
            turn: turn_id(turn),
            attempt: format!("{turn}-1"),
            fingerprint: of_request(RequestKind::Turn, [text]),
            message: stored(&id, Role::User, text, None),
            message_id: id,
            mode: TurnMode::Append,
            reply_id: turn_id(turn).reply_id(),
            title: derived_title(text),
            cut_after: None,
            charge: None,
            existing: false,
            seal: SEAL.to_owned(),
            now: self.now(),
            ttl: self.limits.ttl,
            lease: self.limits.lease,
            window: self.limits.window,
            messages_per_session: self.limits.messages_per_session,
            session_bytes: self.limits.session_bytes,
            sessions_per_owner: self.limits.sessions_per_owner,
            owner_bytes: self.limits.owner_bytes,
        }
    }

    /// The finish of what was begun, with this reply text.
    ///
    /// # Panics
    /// It was not begun.
    #[must_use]
    pub fn finish(&self, begin: &BeginTurn, begun: &Begun, text: &str) -> FinishTurn {
        let Begun::Started { message_id, position, replaces, .. } = begun else { panic!("not started: {begun:?}") };
        FinishTurn {
            session: begin.session.clone(),
            turn: begin.turn.clone(),
            attempt: begin.attempt.clone(),
            message: if *replaces { begin.message.clone() } else { String::new() },
            reply: stored(&begin.reply_id, Role::Assistant, text, Some(message_id)),
            message_id: message_id.clone(),
            position: *position,
            now: self.now(),
            ttl: self.limits.ttl,
            messages_per_session: self.limits.messages_per_session,
            used: text.len() as u64,
        }
    }

    /// Runs a whole turn and gives its finish; the reply is the text in capitals.
    ///
    /// # Panics
    /// The turn does not go through.
    pub fn exchange(&mut self, session: &str, turn: &str, text: &str) -> FinishTurn {
        let begin = self.begin(session, turn, text);
        let begun = self.run(&begin);
        let finish = self.finish(&begin, &begun, &text.to_uppercase());
        let finished = self.run(&finish);
        assert!(matches!(finished, Finished::Stored(_)), "{finished:?}");
        finish
    }

    /// Gives a turn up.
    pub fn release(&mut self, begin: &BeginTurn) -> bool {
        self.run(&ReleaseTurn {
            session: begin.session.clone(),
            turn: begin.turn.clone(),
            attempt: begin.attempt.clone(),
            now: self.now(),
        })
    }

    /// Creates a session.
    pub fn create(&mut self, session: &str, operation: &str, title: &str) -> Created {
        self.run(&Create {
            session: session_id(session),
            operation: turn_id(operation),
            fingerprint: of_request(RequestKind::Create, []),
            title: title.to_owned(),
            flags: Flags::default(),
            seal: SEAL.to_owned(),
            now: self.now(),
            ttl: self.limits.ttl,
            sessions_per_owner: self.limits.sessions_per_owner,
            owner_bytes: self.limits.owner_bytes,
        })
    }

    /// A session's fields.
    pub fn info(&mut self, session: &str) -> Option<Session> {
        self.run(&Info { session: session_id(session), now: self.now() }).map(|details| details.session)
    }

    /// The fields of a session that is there.
    ///
    /// # Panics
    /// It isn't.
    pub fn session(&mut self, session: &str) -> Session {
        self.info(session).unwrap_or_else(|| panic!("{session} is absent"))
    }

    /// A page of a session that is there.
    ///
    /// # Panics
    /// It isn't.
    pub fn page(&mut self, session: &str, limit: u64, before: Option<u64>) -> Page {
        let read = ReadHistory { session: session_id(session), now: self.now(), limit, before };
        self.run(&read).unwrap_or_else(|| panic!("{session} is absent"))
    }

    /// The contents of the newest 500 messages.
    pub fn contents(&mut self, session: &str) -> Vec<String> {
        contents(&self.page(session, 500, None).messages)
    }

    /// A page of the list.
    pub fn list(&mut self, limit: u64, cursor: Option<Cursor>) -> Listed {
        self.run(&ReadList { now: self.now(), limit, cursor })
    }

    /// The ids in the list.
    pub fn listed(&mut self) -> Vec<String> {
        self.list(200, None).cards.iter().map(|card| card.id.to_string()).collect()
    }

    /// Deletes a session.
    pub fn delete(&mut self, session: &str) -> bool {
        let deleted = self.run(&Delete {
            sessions: vec![session_id(session)],
            operation: None,
            fingerprint: String::new(),
            now: self.now(),
            undo: self.limits.undo,
        });
        !deleted.gone().is_empty()
    }
}

/// The owner who is the user of this name.
fn user(name: &str) -> Owner {
    serde_json::from_value(format!("u-{name}").into()).expect("names of tests are names of users")
}

/// A session id.
///
/// # Panics
/// It is none.
#[must_use]
pub fn session_id(text: &str) -> SessionId {
    SessionId::parse(text).expect("a session id")
}

/// A turn id.
///
/// # Panics
/// It is none.
#[must_use]
pub fn turn_id(text: &str) -> TurnId {
    TurnId::parse(text).expect("a turn id")
}

/// A message id.
///
/// # Panics
/// It is none.
#[must_use]
pub fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).expect("a message id")
}

/// A message's stored text.
///
/// # Panics
/// It does not serialise.
#[must_use]
pub fn stored(id: &MessageId, role: Role, text: &str, parent: Option<&MessageId>) -> String {
    let created = "2026-11-21T09:26:40.000Z".to_owned();
    let message = Message { parent: parent.cloned(), ..Message::new(id.clone(), role, text.to_owned(), created) };
    message.to_json().expect("a message serialises")
}

/// The contents of stored messages.
///
/// # Panics
/// One of them is no message.
#[must_use]
pub fn contents(messages: &[String]) -> Vec<String> {
    messages.iter().map(|stored| serde_json::from_str::<Message>(stored).expect("a stored message").content).collect()
}
