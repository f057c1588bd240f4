//! The operations of a store as one type, so that one that waits for its answer can be kept, and applied elsewhere.

use super::log::{Level, Line};
use crate::id::SessionId;
use crate::journal::replay::{Replayable, Settled, Step, place};
use crate::plan::{
    Append, Appended, Condition, Create, Created, Delete, Deletion, Fork, Forked, Import, Imported, Info, Operation,
    Patch, Patched, ReadHistory, ReadList, ReadState, Restore, Restored, Touch, Truncate, Truncated, WriteState,
    Written,
};
use crate::records::MemoryRecords;
use crate::redis::{Call, Keys, Reply, UnexpectedReply};
use crate::seal::{Unreadable, Visit};

macro_rules! any {
    ($($name:ident),* $(,)?) => {
        /// Any of a store's operations.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Asked { $($name($name),)* }

        /// What one of them came to.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Told { $($name(<$name as Operation>::Outcome),)* }

        $(impl From<$name> for Asked {
            fn from(operation: $name) -> Self { Asked::$name(operation) }
        })*

        impl Asked {
            pub(super) fn call(&self, keys: &Keys) -> Call {
                match self { $(Asked::$name(operation) => operation.call(keys),)* }
            }

            pub(super) fn decode(&self, reply: Reply) -> Result<Told, UnexpectedReply> {
                match self { $(Asked::$name(operation) => operation.decode(reply).map(Told::$name),)* }
            }

            /// Shows the texts in it.
            pub(super) fn texts(&mut self, visit: Visit) -> Result<(), Unreadable> {
                match self { $(Asked::$name(operation) => operation.texts(visit),)* }
            }

            /// Shows those in what it came to.
            pub(super) fn told(&self, told: &mut Told, visit: Visit) -> Result<(), Unreadable> {
                match (self, told) {
                    $((Asked::$name(operation), Told::$name(outcome)) => operation.told(outcome, visit),)*
                    _ => Ok(()),
                }
            }

            pub(super) fn apply(&self, records: &mut MemoryRecords) -> Told {
                match self {
                    $(Asked::$name(operation) => match operation.apply(records) { Ok(outcome) => Told::$name(outcome) },)*
                }
            }
        }
    };
}

any!(
    Append,
    Create,
    Delete,
    Fork,
    Import,
    Info,
    Patch,
    ReadHistory,
    ReadList,
    ReadState,
    Restore,
    Touch,
    Truncate,
    WriteState
);

macro_rules! replayed {
    ($($name:ident),* $(,)?) => {
        impl Asked {
            /// The call that replays it as the entry at a position of a journal. What was acknowledged is not decided anew, but
            /// for a state that was written because none was known: it must not take the place of one that Redis knew.
            pub(super) fn replay(&self, position: u64, step: Step, journal: &str, keys: &Keys) -> Call {
                match self {
                    Asked::WriteState(write @ WriteState { condition: Condition::None, .. }) => {
                        place(write, position, journal, keys)
                    }
                    $(Asked::$name(operation) => place(&operation.clone().replayed(step), position, journal, keys),)*
                    _ => self.call(keys),
                }
            }

            /// What it means for its entry that its replay came to that.
            pub(super) fn settle(&self, told: &Told, step: Step) -> Settled {
                match (self, told) {
                    (_, Told::WriteState(Written::Stale)) => Settled::Dropped("precondition_failed"),
                    $((Asked::$name(_), Told::$name(outcome)) => <$name as Replayable>::settle(outcome, step),)*
                    _ => Settled::Done,
                }
            }
        }
    };
}

replayed!(Append, Create, Delete, Fork, Patch, Restore, Touch, Truncate, WriteState);

impl Asked {
    /// Whether it changes anything.
    pub(super) fn writes(&self) -> bool {
        !matches!(self, Asked::Info(_) | Asked::ReadHistory(_) | Asked::ReadList(_) | Asked::ReadState(_))
    }

    /// The sessions that it is about, where it names them.
    pub(super) fn sessions(&self) -> Vec<&SessionId> {
        match self {
            Asked::Append(Append { session, .. })
            | Asked::Create(Create { session, .. })
            | Asked::Import(Import { session, .. })
            | Asked::Info(Info { session, .. })
            | Asked::Patch(Patch { session, .. })
            | Asked::ReadHistory(ReadHistory { session, .. })
            | Asked::Restore(Restore { session, .. })
            | Asked::Touch(Touch { session, .. })
            | Asked::Truncate(Truncate { session, .. })
            | Asked::WriteState(WriteState { session, .. }) => vec![session],
            Asked::Delete(Delete { sessions, .. }) | Asked::ReadState(ReadState { sessions, .. }) => {
                sessions.iter().collect()
            }
            Asked::Fork(Fork { source, target, .. }) => vec![source, target],
            Asked::ReadList(_) => Vec::new(),
        }
    }

    /// About how many bytes it keeps in memory.
    pub(super) fn bytes(&self) -> usize {
        let own = match self {
            Asked::Append(append) => append.messages.iter().map(String::len).sum(),
            Asked::WriteState(write) => write.state.len(),
            Asked::Patch(patch) => patch.metadata.as_ref().map_or(0, String::len),
            _ => 0,
        };
        own + size_of::<Self>()
    }
}

impl Told {
    /// Whether it did what was asked; a refusal changed nothing.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Told::Append(told) => matches!(told, Appended::Stored { .. }),
            Told::Create(told) => matches!(told, Created::Created(_)),
            Told::Import(told) => matches!(told, Imported::Stored(_)),
            Told::Fork(told) => matches!(told, Forked::Created(_)),
            Told::Restore(told) => matches!(told, Restored::Back(_)),
            Told::Truncate(told) => matches!(told, Truncated::Cut(_)),
            Told::WriteState(told) => matches!(told, Written::Stored { .. }),
            Told::Patch(told) => matches!(told, Patched::Done(_)),
            Told::Touch(told) => told.is_some(),
            Told::Delete(told) => matches!(told, Deletion::Gone(_)),
            Told::Info(_) | Told::ReadHistory(_) | Told::ReadList(_) | Told::ReadState(_) => true,
        }
    }
}

impl Told {
    /// What the operator is told of it.
    pub(super) fn line(&self, asked: &Asked) -> Option<Line> {
        let info = |event, message| Line::new(Level::Info, event, message);
        let debug = |event, message| Line::new(Level::Debug, event, message);
        let line = match self {
            Told::Create(Created::Created(_))
            | Told::WriteState(Written::Stored { created: true, .. })
            | Told::Append(Appended::Stored { created: true, .. })
            | Told::Fork(Forked::Created(_)) => info("session_created", "a session was created"),
            Told::Import(Imported::Stored(_)) if matches!(asked, Asked::Import(import) if import.position == 0) => {
                info("session_created", "a session was created")
            }
            Told::WriteState(Written::Stored { .. }) => debug("session_updated", "a session's state was written"),
            Told::Append(Appended::Stored { session, .. }) => {
                debug("message_added", "messages were added").with("total_messages", session.total)
            }
            Told::Delete(Deletion::Gone(gone)) if !gone.is_empty() => info("session_deleted", "sessions were deleted"),
            Told::ReadHistory(Some(page)) => {
                debug("history_read", "history was read").with("messages", page.messages.len())
            }
            _ => return None,
        };
        Some(match asked.sessions().as_slice() {
            [.., last] => line.of(last),
            [] => line,
        })
    }
}
