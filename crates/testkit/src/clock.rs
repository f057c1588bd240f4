//! A clock that stands still until it is told to move.

use chatkeep_model::Millis;

/// The simulated time. Operations take their `now` from it, so a test jumps over leases, TTLs and undo windows.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    now: Millis,
}

impl Default for SimulatedClock {
    /// 2026-11-21T09:26:40Z: a time of the present, so that scores and texts have the digits that they have in service.
    fn default() -> Self {
        Self { now: Millis(1_795_253_200_000) }
    }
}

impl SimulatedClock {
    /// A clock that shows a time.
    #[must_use]
    pub fn starting(now: Millis) -> Self {
        Self { now }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Moves on.
    pub fn advance(&mut self, duration: Millis) {
        self.now = self.now.after(duration);
    }
}
