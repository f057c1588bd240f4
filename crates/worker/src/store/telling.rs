//! What the operations of a request have changed, for those who watch the owner's sessions.

use super::Store;
use crate::vault::ask::{Ask, Tell};
use chatkeep_model::change::{Change, Told};
use std::cell::RefCell;
use std::rc::Rc;

/// Tells changes.
type Tells = dyn Fn(&[Change]);

/// What becomes of changes.
#[derive(Clone, Default)]
pub(crate) enum Telling {
    /// Nobody is told.
    #[default]
    Nobody,
    /// They are collected, and told to the owner's vault after the answer.
    Later(Rc<RefCell<Vec<Change>>>),
    /// They are told at once: here is the vault.
    Here(Rc<Tells>),
}

impl Telling {
    /// Takes changes.
    pub(super) fn take(&self, more: Vec<Change>) {
        match self {
            _ if more.is_empty() => {}
            Telling::Nobody => {}
            Telling::Later(changes) => changes.borrow_mut().extend(more),
            Telling::Here(tell) => tell(&more),
        }
    }
}

impl Store {
    /// This store, which tells what it changes.
    pub(crate) fn telling(self, telling: Telling) -> Self {
        Self { telling, ..self }
    }

    /// Takes note of what changed beside the outcomes of operations.
    pub(crate) fn changed(&self, change: Change) {
        if self.is_heard.get() {
            self.telling.take(vec![change]);
        }
    }

    /// Whether changes wait to be told.
    pub(crate) fn has_news(&self) -> bool {
        matches!(&self.telling, Telling::Later(changes) if !changes.borrow().is_empty())
    }

    /// Tells the owner's vault what was collected. A failure costs those who watch a piece of news.
    pub(crate) async fn tell(&self) {
        let Telling::Later(changes) = &self.telling else { return };
        let changes: Vec<Told> = changes.take().iter().filter_map(Told::of).collect();
        if changes.is_empty() {
            return;
        }
        if let Ok(question) = (Tell { changes }).question() {
            let _ = self.ask_vault(&question).await;
        }
    }
}
