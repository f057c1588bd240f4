//! One streamed turn that runs: its draft, those who follow it, and the wish that it stop.

use super::received::Turn;
use crate::handlers::{Answer, Body, Piece};
use crate::news::News;
use crate::wait::within;
use chatkeep_model::plan::{BeginTurn, TurnMode};
use chatkeep_model::sse::KEEP_ALIVE;
use chatkeep_model::stream::{Draft, Piece as ReplyPiece, Read, Reader, Wire};
use chatkeep_model::{MessageId, Millis, SessionId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// After how much silence a reader is shown that the connection lives.
const SILENCE: Millis = Millis(15_000);

/// See the module.
pub(super) struct Running {
    pub(super) turn: Turn,
    pub(super) draft: RefCell<Draft>,
    /// The draft has grown or ended.
    pub(super) grown: News,
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
    pub(super) fn new(turn: Turn, draft: Draft) -> Rc<Self> {
        let batch = Batch { since: turn.since, ..Batch::default() };
        Rc::new(Self {
            turn,
            draft: RefCell::new(draft),
            grown: News::default(),
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
        opened.session_id == *session && message.is_none_or(|id| opened.message_id == *id || opened.reply_id == *id)
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
        self.grown.wait_for(|| self.draft.borrow().is_over().then_some(())).await;
    }
}

/// The answer to a reader who has seen the first events of a turn. The reader pulls: one that is slow, or gone, takes no room.
pub(super) fn follow(running: Rc<Running>, wire: Wire, shown: u64) -> web_sys::Response {
    let reader = Rc::new(RefCell::new(Reader::new(wire, shown)));
    let pull = move || -> Piece {
        let (running, reader) = (Rc::clone(&running), Rc::clone(&reader));
        Box::pin(async move {
            let look = || match reader.borrow_mut().read(&mut running.draft.borrow_mut()) {
                Read::Some(text) => Some(Some(text)),
                Read::Over => Some(None),
                Read::Nothing => None,
            };
            let read = within(SILENCE, running.grown.wait_for(look)).await;
            Ok(read.unwrap_or_else(|| Some(KEEP_ALIVE.to_owned())))
        })
    };
    let mut answer = Answer::text(200, "text/event-stream; charset=utf-8", String::new());
    for (name, value) in wire.headers() {
        answer = answer.header(name, (*value).to_owned());
    }
    answer.with_body(Body::Stream(Box::new(pull))).respond(vec![("cache-control", "no-cache".to_owned())])
}
