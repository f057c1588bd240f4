//! How Redis is reached just now, and when it is tried again: exponential backoff.

use crate::id::digest;
use crate::time::Millis;

/// The shortest and the longest pause between two tries.
const PAUSES: (u64, u64) = (250, 30_000);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// As far as is known, it answers.
    Up,
    /// It didn't answer, and is left alone until then.
    Down { retry_at: Millis, failures: u32, cause: &'static str },
    /// It is being tried, and told what changed; unless nothing comes of that until then.
    Replaying { until: Millis, failures: u32, cause: &'static str, probed: bool },
}

impl Link {
    pub(super) fn is_down(&self) -> bool {
        matches!(self, Link::Down { .. })
    }

    /// Whether it is time for a try: a pause is over, or a try ended with the call that it was made in.
    pub(super) fn may_try(&self, now: Millis) -> bool {
        match self {
            Link::Up => false,
            Link::Down { retry_at, .. } => now >= *retry_at,
            Link::Replaying { until, .. } => now >= *until,
        }
    }

    /// A try failed.
    pub(super) fn fail(&mut self, now: Millis) {
        let failures = self.failures() + 1;
        let pause = (PAUSES.0 << (failures - 1).min(16)).min(PAUSES.1);
        // Up to a quarter less, so that processes that lost Redis together don't come back together.
        let less = digest([now.0.to_le_bytes().as_slice(), &failures.to_le_bytes()]) % (pause / 4);
        *self = Link::Down { retry_at: now.after(Millis(pause - less)), failures, cause: self.cause().unwrap_or("") };
    }

    pub(super) fn name_cause(&mut self, name: &'static str) {
        if let Link::Down { cause, .. } | Link::Replaying { cause, .. } = self {
            *cause = name;
        }
    }

    /// A try begins, or goes on, and is given up at that time.
    pub(super) fn try_again(&mut self, until: Millis) {
        let (failures, cause, probed) = (self.failures(), self.cause().unwrap_or(""), self.was_probed());
        *self = Link::Replaying { until, failures, cause, probed };
    }

    /// It is asked whether it is there.
    pub(super) fn probe(&mut self) {
        if let Link::Replaying { probed, .. } = self {
            *probed = true;
        }
    }

    pub(super) fn was_probed(&self) -> bool {
        matches!(self, Link::Replaying { probed: true, .. })
    }

    /// Why it isn't up.
    pub(super) fn cause(&self) -> Option<&'static str> {
        match self {
            Link::Up => None,
            Link::Down { cause, .. } | Link::Replaying { cause, .. } => Some(cause),
        }
    }

    fn failures(&self) -> u32 {
        match self {
            Link::Up => 0,
            Link::Down { failures, .. } | Link::Replaying { failures, .. } => *failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut link = Link::Up;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            link.fail(Millis(1000));
            let Link::Down { retry_at, .. } = link else { panic!("not down") };
            assert!(!link.may_try(Millis(retry_at.0 - 1)) && link.may_try(retry_at));
            pauses.push(retry_at.0 - 1000);
            link.try_again(Millis(5000));
        }
        assert!(pauses.iter().zip(PAUSES.0..).all(|(pause, _)| *pause <= PAUSES.1));
        assert!((188..=250).contains(&pauses[0]) && (375..=500).contains(&pauses[1]), "{pauses:?}");
        assert!(*pauses.last().unwrap() > PAUSES.1 / 2, "{pauses:?}");
    }

    #[test]
    fn a_try_that_nobody_ends_is_made_again() {
        let mut link = Link::Up;
        link.fail(Millis(0));
        link.try_again(Millis(5000));
        assert!(!link.may_try(Millis(4999)) && link.may_try(Millis(5000)));
    }
}
