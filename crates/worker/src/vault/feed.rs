//! What changes in a vault's sessions, told to those who watch: over hibernating WebSockets, and as event streams.

use crate::edge::{broadcast, now};
use crate::handlers::{Answer, Body, Piece};
use crate::news::News;
use crate::wait::within;
use chatkeep_model::change::{Change, Told};
use chatkeep_model::feed::{FeedReader, Recent};
use chatkeep_model::limits::{WATCHER_BYTES, WATCHERS};
use chatkeep_model::sse::KEEP_ALIVE;
use chatkeep_model::stream::Read;
use chatkeep_model::{Code, Millis};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use worker::{Response, Result, State, WebSocketPair, WebSocketRequestResponsePair};

/// After how much silence a reader of an event stream is shown that the connection lives.
const SILENCE: Millis = Millis(15_000);

/// A reader who didn't ask for more for so long has left. The platform doesn't always say so: github.com/cloudflare/workerd/issues/6832.
const GONE: Millis = Millis(60_000);

/// See the module.
pub(super) struct Feed {
    state: Rc<State>,
    recent: RefCell<Recent>,
    news: News,
    /// The WebSockets that there are at most: they outlive this object's memory, and leave without a word.
    sockets: Cell<usize>,
    /// When each of those who read an event stream has last asked for more.
    readers: RefCell<Vec<Weak<Cell<Millis>>>>,
    /// Until when what changes is kept for a reader that comes back.
    kept_until: Cell<Millis>,
}

impl Feed {
    pub(super) fn new(state: Rc<State>) -> Rc<Self> {
        Rc::new(Self {
            sockets: Cell::new(state.get_websockets().len()),
            state,
            recent: RefCell::new(Recent::new(now().0)),
            news: News::default(),
            readers: RefCell::default(),
            kept_until: Cell::default(),
        })
    }

    /// Whether anybody watches, or may come back for what they missed.
    pub(super) fn is_heard(&self) -> bool {
        self.sockets.get() > 0 || self.kept_until.get() > now()
    }

    /// Tells some changes.
    pub(super) fn tell(&self, changes: &[Change]) {
        if self.is_heard() {
            self.pass_on(changes.iter().filter_map(Told::of).collect());
        }
    }

    /// Passes on what is told elsewhere.
    pub(super) fn pass_on(&self, told: Vec<Told>) {
        if self.sockets.get() > 0 {
            let texts: Vec<_> = told.iter().map(|one| one.json.as_str()).collect();
            self.sockets.set(broadcast(self.state.as_raw(), &texts.join("\n"), WATCHER_BYTES));
        }
        told.into_iter().for_each(|one| self.recent.borrow_mut().push(one));
        self.news.tell();
    }

    /// Takes a WebSocket. It sleeps while nothing is told, and this object with it.
    pub(super) fn connect(&self) -> Result<Response> {
        self.sockets.set(self.state.get_websockets().len());
        if self.sockets.get() >= WATCHERS {
            return Ok(too_many().into());
        }
        let pair = WebSocketPair::new()?;
        self.state.set_websocket_auto_response(&WebSocketRequestResponsePair::new("ping", "pong")?);
        self.state.accept_web_socket(&pair.server);
        self.sockets.set(self.sockets.get() + 1);
        Response::from_websocket(pair.client)
    }

    /// Answers with an event stream that is closed after a time, from where the reader was when it says so.
    pub(super) fn follow(self: &Rc<Self>, cursor: Option<&str>, lives: Millis) -> web_sys::Response {
        let mut readers = self.readers.borrow_mut();
        readers.retain(|asked| asked.upgrade().is_some_and(|asked| now().since(asked.get()) < GONE));
        if readers.len() >= WATCHERS {
            return too_many();
        }
        let asked = Rc::new(Cell::new(now()));
        readers.push(Rc::downgrade(&asked));
        let ends = now().after(lives);
        // It may come back as late again, and finds what it missed where this object still lives.
        self.kept_until.set(self.kept_until.get().max(ends.after(lives)));
        let reader = Rc::new(RefCell::new(FeedReader::new(&self.recent.borrow(), cursor, ends)));
        let feed = Rc::clone(self);
        let pull = move || -> Piece {
            asked.set(now());
            let (feed, reader) = (Rc::clone(&feed), Rc::clone(&reader));
            Box::pin(async move {
                let look = || match reader.borrow_mut().read(&feed.recent.borrow(), now()) {
                    Read::Some(text) => Some(Some(text)),
                    Read::Over => Some(None),
                    Read::Nothing => None,
                };
                let wait = SILENCE.min(reader.borrow().patience(now()));
                let read = within(wait, feed.news.wait_for(look)).await;
                // Either it is silent, or its time is over: then it says so the next time.
                Ok(read.unwrap_or_else(|| Some(KEEP_ALIVE.to_owned())))
            })
        };
        let answer = Answer::text(200, "text/event-stream; charset=utf-8", String::new());
        answer.with_body(Body::Stream(Box::new(pull))).respond(Vec::new())
    }
}

fn too_many() -> web_sys::Response {
    // Whoever asked makes a problem of it.
    Answer::empty().status(Code::TooManyWatchers.status()).respond(Vec::new())
}
