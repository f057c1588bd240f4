//! A reply that grows, and those who read it while it does.

use crate::handlers::{Answer, Body, Piece};
use crate::news::News;
use crate::wait::within;
use chatkeep_model::Millis;
use chatkeep_model::sse::KEEP_ALIVE;
use chatkeep_model::stream::{Draft, Read, Reader, Wire};
use std::cell::RefCell;
use std::rc::Rc;

/// After how much silence a reader is shown that the connection lives.
const SILENCE: Millis = Millis(15_000);

/// See the module.
pub(crate) struct Growing {
    pub(crate) draft: RefCell<Draft>,
    /// The draft has grown or ended.
    pub(crate) grown: News,
}

impl Growing {
    pub(crate) fn new(draft: Draft) -> Rc<Self> {
        Rc::new(Self { draft: RefCell::new(draft), grown: News::default() })
    }

    /// The answer to a reader who has seen the first events of it. The reader pulls: one that is slow, or gone, takes no room.
    pub(crate) fn answer(self: &Rc<Self>, wire: Wire, shown: u64) -> Answer {
        let reader = Rc::new(RefCell::new(Reader::new(wire, shown)));
        let growing = Rc::clone(self);
        let pull = move || -> Piece {
            let (growing, reader) = (Rc::clone(&growing), Rc::clone(&reader));
            Box::pin(async move {
                let look = || match reader.borrow_mut().read(&mut growing.draft.borrow_mut()) {
                    Read::Some(text) => Some(Some(text)),
                    Read::Over => Some(None),
                    Read::Nothing => None,
                };
                let read = within(SILENCE, growing.grown.wait_for(look)).await;
                Ok(read.unwrap_or_else(|| Some(KEEP_ALIVE.to_owned())))
            })
        };
        let mut answer = Answer::text(200, "text/event-stream; charset=utf-8", String::new());
        for (name, value) in wire.headers() {
            answer = answer.header(name, (*value).to_owned());
        }
        answer.with_body(Body::Stream(Box::new(pull)))
    }
}
