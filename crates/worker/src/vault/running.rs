//! One streamed turn that runs: its reply, and the wish that it stop.

use super::received::Turn;
use crate::growing::Growing;
use crate::news::News;
use chatkeep_model::plan::{BeginTurn, TurnMode};
use chatkeep_model::stream::{Draft, Piece as ReplyPiece};
use chatkeep_model::{MessageId, Millis, SessionId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// See the module.
pub(super) struct Running {
    pub(super) turn: Turn,
    pub(super) reply: Rc<Growing>,
    /// The id of the request that began it.
    pub(super) request_id: String,
    stopped: Cell<bool>,
    stops: News,
    /// The bytes of text that those who watch were told, and when.
    pub(super) told: Cell<(usize, Millis)>,
    /// What has come and isn't in SQLite yet.
    pub(super) batch: RefCell<Batch>,
}

/// Pieces that go into SQLite together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) pieces: Vec<ReplyPiece>,
    pub(super) number: u32,
    pub(super) since: Millis,
}

impl Running {
    pub(super) fn new(turn: Turn, draft: Draft, request_id: String) -> Rc<Self> {
        let batch = Batch { since: turn.since, ..Batch::default() };
        Rc::new(Self {
            turn,
            reply: Growing::new(draft),
            request_id,
            stopped: Cell::new(false),
            stops: News::default(),
            told: Cell::default(),
            batch: RefCell::new(batch),
        })
    }

    /// Whether a begin is this turn: by its id, or because it answers the same message anew at the same time.
    pub(super) fn is_of(&self, begin: &BeginTurn) -> bool {
        let ours = &self.turn.begin;
        let anew = ours.mode == TurnMode::Answer && begin.mode == TurnMode::Answer;
        ours.session == begin.session
            && (ours.turn == begin.turn
                || (anew && ours.message_id == begin.message_id && ours.reply_id != begin.message_id))
    }

    /// Whether it is in a session and, where one is given, a message is its message or its reply.
    pub(super) fn is_named(&self, session: &SessionId, message: Option<&MessageId>) -> bool {
        let opened = &self.turn.opened;
        self.turn.begin.session == *session
            && message.is_none_or(|id| opened.message_id == *id || opened.reply_id == *id)
    }

    /// Asks it to stop.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        self.stops.tell();
    }

    /// Waits until it is asked to stop.
    pub(super) async fn is_stopped(&self) {
        self.stops.wait_for(|| self.stopped.get().then_some(())).await;
    }

    /// Waits until it has ended.
    pub(super) async fn is_over(&self) {
        self.reply.grown.wait_for(|| self.reply.draft.borrow().is_over().then_some(())).await;
    }
}
