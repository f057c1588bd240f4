//! What a journal has to know of each operation: what it may be decided by, what is sent in its stead at replay, and what
//! its outcome means then.

use super::Base;
use super::replay::{Replayable, Settled, Step};
use crate::Operation;
use crate::id::{MessageId, SessionId, TurnId};
use crate::plan::{
    Append, Appended, BeginTurn, Begun, Condition, Create, Created, CutAfter, Delete, Deletion, FinishTurn, Finished,
    Fork, Forked, Info, Patch, Patched, ReadHistory, ReleaseTurn, Restore, Restored, Touch, Truncate, Truncated,
    TurnMode, WriteState, Written,
};
use crate::time::Millis;

/// What happens when the overlay doesn't know whether there is such a session.
pub(super) enum Unknown {
    /// It can't be decided.
    Refused,
    /// The operation makes it.
    Made,
    /// It is taken to be there, with this TTL.
    Assumed(Millis),
}

/// What an outcome is worth.
pub(super) enum Verdict {
    /// Something changed: it becomes an entry.
    Journal,
    /// Nothing changed, and it is true.
    Answer,
    /// It rests on contents that aren't known.
    Unknown,
}

/// An operation on one session that can be accepted.
pub(super) trait Acceptable: Operation {
    fn session(&self) -> &SessionId;

    fn now(&self) -> Millis;

    fn on_unknown(&self) -> Unknown {
        Unknown::Refused
    }

    /// Keeps the operation from giving a title.
    fn leave_title(&mut self) {}

    /// Whether it asks for more than is known.
    fn is_beyond(&self, _: Base) -> bool {
        false
    }

    fn verdict(&self, outcome: &Self::Outcome, base: Base) -> Verdict;

    /// Whether the state is known after it.
    fn tells_state(&self) -> bool {
        false
    }
}

/// What isn't found among all messages is not there; among some of them, nobody knows.
fn if_whole(base: Base) -> Verdict {
    if base.whole { Verdict::Answer } else { Verdict::Unknown }
}

/// A cap on sessions does not hold at replay: what was acknowledged is stored.
const NO_CAP: u64 = 1 << 53;

/// The id under which an acknowledged operation is replayed whose own was used for another request.
fn renamed(operation: TurnId, step: Step) -> TurnId {
    if step.renamed { TurnId::of_message(&MessageId::of_key(&operation, 0)) } else { operation }
}

/// What was acknowledged is made, whatever its id was used for before.
fn again_renamed(step: Step) -> Settled {
    if step.renamed { Settled::Dropped("turn_mismatch") } else { Settled::Again(Step { renamed: true, ..step }) }
}

macro_rules! about {
    () => {
        fn session(&self) -> &SessionId {
            &self.session
        }

        fn now(&self) -> Millis {
            self.now
        }
    };
}

impl Acceptable for BeginTurn {
    about!();

    fn on_unknown(&self) -> Unknown {
        if self.mode == TurnMode::Answer {
            // What is answered anew is out of sight.
            return Unknown::Refused;
        }
        match (&self.cut_after, self.existing) {
            (Some(CutAfter::Message(_)), _) => Unknown::Refused,
            (None, false) => Unknown::Made,
            _ => Unknown::Assumed(self.ttl),
        }
    }

    fn leave_title(&mut self) {
        self.title.clear();
    }

    fn verdict(&self, outcome: &Begun, base: Base) -> Verdict {
        match outcome {
            Begun::Started { .. } => Verdict::Journal,
            Begun::Unknown => if_whole(base),
            _ => Verdict::Answer,
        }
    }
}

impl Replayable for BeginTurn {
    fn replayed(self, step: Step) -> Self {
        let cut_after = self.cut_after.filter(|_| !step.uncut);
        let now = step.now.unwrap_or(self.now);
        // It was charged when it was accepted.
        Self { existing: false, sessions_per_owner: NO_CAP, owner_bytes: 0, cut_after, charge: None, now, ..self }
    }

    fn settle(outcome: &Begun, step: Step) -> Settled {
        match outcome {
            // Another request holds the turn. This one was acknowledged: it takes over as if that lease had ended.
            Begun::Running { until } if step.now.is_none() => Settled::Again(Step { now: Some(*until), ..step }),
            // What it cut after is gone meanwhile. The message itself is not lost for that.
            Begun::Unknown if !step.uncut => Settled::Again(Step { uncut: true, ..step }),
            Begun::Started { .. } | Begun::Replay { .. } => Settled::Done,
            Begun::Deleted => Settled::Dropped("session_deleted"),
            Begun::Mismatch => Settled::Dropped("turn_mismatch"),
            Begun::Repeated => Settled::Dropped("message_exists"),
            _ => Settled::Dropped("message_gone"),
        }
    }
}

impl Replayable for FinishTurn {
    fn settle(outcome: &Finished, _: Step) -> Settled {
        match outcome {
            Finished::Stored(_) => Settled::Done,
            Finished::Superseded => Settled::Dropped("superseded"),
            Finished::Gone => Settled::Dropped("message_gone"),
            Finished::Absent => Settled::Dropped("session_not_found"),
        }
    }
}

impl Replayable for ReleaseTurn {
    fn settle(_: &bool, _: Step) -> Settled {
        Settled::Done
    }
}

impl Acceptable for Append {
    about!();

    fn on_unknown(&self) -> Unknown {
        if self.existing { Unknown::Assumed(self.ttl) } else { Unknown::Made }
    }

    fn leave_title(&mut self) {
        self.title.clear();
    }

    fn verdict(&self, outcome: &Appended, _: Base) -> Verdict {
        if matches!(outcome, Appended::Stored { .. }) { Verdict::Journal } else { Verdict::Answer }
    }
}

impl Replayable for Append {
    fn replayed(self, step: Step) -> Self {
        let operation = renamed(self.operation, step);
        Self { existing: false, sessions_per_owner: NO_CAP, owner_bytes: 0, operation, ..self }
    }

    fn settle(outcome: &Appended, step: Step) -> Settled {
        match outcome {
            Appended::Stored { .. } => Settled::Done,
            Appended::Mismatch => again_renamed(step),
            Appended::Repeated => Settled::Dropped("message_exists"),
            _ => Settled::Dropped("session_deleted"),
        }
    }
}

impl Acceptable for Create {
    about!();

    fn on_unknown(&self) -> Unknown {
        Unknown::Made
    }

    fn verdict(&self, outcome: &Created, _: Base) -> Verdict {
        if matches!(outcome, Created::Created(_)) { Verdict::Journal } else { Verdict::Answer }
    }
}

impl Replayable for Create {
    fn replayed(self, _: Step) -> Self {
        Self { sessions_per_owner: NO_CAP, owner_bytes: 0, ..self }
    }

    fn settle(outcome: &Created, _: Step) -> Settled {
        if *outcome == Created::Deleted { Settled::Dropped("session_deleted") } else { Settled::Done }
    }
}

impl Acceptable for Patch {
    about!();

    fn on_unknown(&self) -> Unknown {
        Unknown::Assumed(self.ttl)
    }

    fn verdict(&self, outcome: &Patched, _: Base) -> Verdict {
        if matches!(outcome, Patched::Done(_)) { Verdict::Journal } else { Verdict::Answer }
    }
}

impl Replayable for Patch {
    fn replayed(self, step: Step) -> Self {
        let operation = renamed(self.operation, step);
        Self { operation, ..self }
    }

    fn settle(outcome: &Patched, step: Step) -> Settled {
        match outcome {
            Patched::Done(_) => Settled::Done,
            Patched::Mismatch => again_renamed(step),
            Patched::Absent => Settled::Dropped("session_not_found"),
        }
    }
}

impl Acceptable for Touch {
    about!();

    fn on_unknown(&self) -> Unknown {
        Unknown::Assumed(self.ttl)
    }

    fn verdict(&self, outcome: &Self::Outcome, _: Base) -> Verdict {
        if outcome.is_some() { Verdict::Journal } else { Verdict::Answer }
    }
}

impl Replayable for Touch {
    fn settle(outcome: &Self::Outcome, _: Step) -> Settled {
        if outcome.is_some() { Settled::Done } else { Settled::Dropped("session_not_found") }
    }
}

impl Acceptable for Truncate {
    about!();

    fn on_unknown(&self) -> Unknown {
        if self.after == CutAfter::Nothing { Unknown::Assumed(self.ttl) } else { Unknown::Refused }
    }

    fn verdict(&self, outcome: &Truncated, base: Base) -> Verdict {
        match outcome {
            Truncated::Cut(_) => Verdict::Journal,
            Truncated::Unknown => if_whole(base),
            Truncated::Absent | Truncated::Mismatch => Verdict::Answer,
        }
    }
}

impl Replayable for Truncate {
    fn replayed(self, step: Step) -> Self {
        let operation = renamed(self.operation, step);
        Self { operation, ..self }
    }

    fn settle(outcome: &Truncated, step: Step) -> Settled {
        match outcome {
            Truncated::Cut(_) => Settled::Done,
            Truncated::Mismatch => again_renamed(step),
            Truncated::Unknown => Settled::Dropped("message_not_found"),
            Truncated::Absent => Settled::Dropped("session_not_found"),
        }
    }
}

impl Acceptable for Restore {
    about!();

    fn verdict(&self, outcome: &Restored, _: Base) -> Verdict {
        if matches!(outcome, Restored::Back(_)) { Verdict::Journal } else { Verdict::Answer }
    }
}

impl Replayable for Restore {
    fn replayed(self, _: Step) -> Self {
        Self { sessions_per_owner: NO_CAP, ..self }
    }

    fn settle(outcome: &Restored, _: Step) -> Settled {
        if *outcome == Restored::Absent { Settled::Dropped("session_not_found") } else { Settled::Done }
    }
}

impl Acceptable for WriteState {
    about!();

    fn on_unknown(&self) -> Unknown {
        if self.condition == Condition::Any { Unknown::Assumed(self.ttl) } else { Unknown::Refused }
    }

    fn is_beyond(&self, base: Base) -> bool {
        self.condition != Condition::Any && !base.state_known
    }

    fn verdict(&self, outcome: &Written, _: Base) -> Verdict {
        if matches!(outcome, Written::Stored { .. }) { Verdict::Journal } else { Verdict::Answer }
    }

    fn tells_state(&self) -> bool {
        true
    }
}

impl Replayable for WriteState {
    fn replayed(self, step: Step) -> Self {
        let operation = renamed(self.operation, step);
        // The condition held when it was accepted.
        Self { condition: Condition::Any, sessions_per_owner: NO_CAP, owner_bytes: 0, operation, ..self }
    }

    fn settle(outcome: &Written, step: Step) -> Settled {
        match outcome {
            Written::Stored { .. } => Settled::Done,
            Written::Mismatch => again_renamed(step),
            _ => Settled::Dropped("session_deleted"),
        }
    }
}

/// The session that it is about is the new one.
impl Acceptable for Fork {
    fn session(&self) -> &SessionId {
        &self.target
    }

    fn now(&self) -> Millis {
        self.now
    }

    fn on_unknown(&self) -> Unknown {
        Unknown::Made
    }

    fn verdict(&self, outcome: &Forked, _: Base) -> Verdict {
        match outcome {
            Forked::Created(_) => Verdict::Journal,
            // The source may be in Redis, or be longer there.
            Forked::Absent | Forked::Unknown => Verdict::Unknown,
            _ => Verdict::Answer,
        }
    }

    fn tells_state(&self) -> bool {
        true
    }
}

impl Replayable for Fork {
    const SESSION: usize = 2;

    fn replayed(self, _: Step) -> Self {
        Self { sessions_per_owner: NO_CAP, owner_bytes: 0, ..self }
    }

    fn settle(outcome: &Forked, _: Step) -> Settled {
        match outcome {
            Forked::Created(_) | Forked::Exists | Forked::Mismatch => Settled::Done,
            Forked::Unknown => Settled::Dropped("message_not_found"),
            Forked::Deleted => Settled::Dropped("session_deleted"),
            _ => Settled::Dropped("session_not_found"),
        }
    }
}

impl Replayable for Delete {
    const SESSION: usize = 3;
    const ASIDE: usize = 4;

    fn replayed(self, step: Step) -> Self {
        let operation = self.operation.map(|operation| renamed(operation, step));
        Self { operation, ..self }
    }

    fn settle(outcome: &Deletion, step: Step) -> Settled {
        match outcome {
            Deletion::Gone(_) => Settled::Done,
            Deletion::Mismatch => again_renamed(step),
        }
    }
}

impl Acceptable for Info {
    about!();

    fn verdict(&self, _: &Self::Outcome, _: Base) -> Verdict {
        Verdict::Answer
    }
}

impl Acceptable for ReadHistory {
    about!();

    fn is_beyond(&self, base: Base) -> bool {
        !base.whole && base.known_from > 0 && self.before.is_some_and(|before| before <= base.known_from)
    }

    fn verdict(&self, _: &Self::Outcome, _: Base) -> Verdict {
        Verdict::Answer
    }
}
