//! The imports that an isolate has running: how many of each owner, and whose turn it is.
//!
//! An import holds a line and the messages of one call in memory. One import at a time reads and asks the store, so that what the
//! platform holds besides stays small, however many imports there are.

use crate::time::Millis;

/// After how much silence an import counts as left: the platform doesn't say when a client goes.
const IDLE_TIMEOUT: Millis = Millis(5_000);

/// The running imports of an isolate.
#[derive(Debug, Default)]
pub struct RunningImports {
    imports: Vec<RunningImport>,
    last: u64,
}

#[derive(Debug)]
struct RunningImport {
    number: u64,
    owner: String,
    active: Millis,
    has_turn: bool,
}

impl RunningImports {
    /// Begins an import of an owner, unless so many of the owner's run; gives its number.
    pub fn begin(&mut self, owner: &str, limit: usize, now: Millis) -> Option<u64> {
        self.forget_left(now);
        if self.imports.iter().filter(|import| import.owner == owner).count() >= limit {
            return None;
        }
        self.last += 1;
        let (number, owner) = (self.last, owner.to_owned());
        self.imports.push(RunningImport { number, owner, active: now, has_turn: false });
        Some(self.last)
    }

    /// Notes that an import goes on.
    pub fn touch(&mut self, number: u64, now: Millis) {
        if let Some(import) = self.imports.iter_mut().find(|import| import.number == number) {
            import.active = now;
        }
    }

    /// Takes the turn for an import, unless another has it; says whether it has it now.
    pub fn take_turn(&mut self, number: u64, now: Millis) -> bool {
        self.touch(number, now);
        self.forget_left(now);
        if self.imports.iter().any(|import| import.has_turn && import.number != number) {
            return false;
        }
        self.set_turn(number, true);
        true
    }

    /// Gives the turn of an import to whoever asks next.
    pub fn release_turn(&mut self, number: u64, now: Millis) {
        self.touch(number, now);
        self.set_turn(number, false);
    }

    /// Ends an import.
    pub fn end(&mut self, number: u64) {
        self.imports.retain(|import| import.number != number);
    }

    fn set_turn(&mut self, number: u64, has_turn: bool) {
        if let Some(import) = self.imports.iter_mut().find(|import| import.number == number) {
            import.has_turn = has_turn;
        }
    }

    fn forget_left(&mut self, now: Millis) {
        self.imports.retain(|import| now.since(import.active) < IDLE_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_so_many_imports_and_others_have_theirs() {
        let mut running = RunningImports::default();
        let first = running.begin("a", 2, Millis(0));
        assert!(first.is_some() && running.begin("a", 2, Millis(0)).is_some());
        assert_eq!(running.begin("a", 2, Millis(1)), None);
        assert!(running.begin("b", 2, Millis(1)).is_some());
        running.end(first.unwrap_or_default());
        assert!(running.begin("a", 2, Millis(2)).is_some());
    }

    #[test]
    fn an_import_that_its_client_left_makes_room() {
        let mut running = RunningImports::default();
        let (one, other) = (running.begin("a", 2, Millis(0)), running.begin("a", 2, Millis(0)));
        assert!(running.take_turn(one.unwrap_or_default(), Millis(0)));
        running.touch(other.unwrap_or_default(), Millis(4_000));
        assert_eq!(running.begin("a", 2, Millis(4_999)), None);
        // The one whose turn it was has left, and holds up nobody.
        assert!(running.take_turn(other.unwrap_or_default(), Millis(5_000)));
        assert!(running.begin("a", 2, Millis(5_000)).is_some());
    }

    #[test]
    fn one_import_at_a_time_has_its_turn() {
        let mut running = RunningImports::default();
        let mut begin = |owner| running.begin(owner, 2, Millis(0)).unwrap_or_default();
        let (one, other) = (begin("a"), begin("b"));
        assert!(running.take_turn(one, Millis(1)) && !running.take_turn(other, Millis(2)));
        running.release_turn(one, Millis(3));
        assert!(running.take_turn(other, Millis(4)) && !running.take_turn(one, Millis(5)));
        running.end(other);
        assert!(running.take_turn(one, Millis(6)));
    }
}
