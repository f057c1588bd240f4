//! Moments and durations in milliseconds, and their RFC 3339 form on the wire.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment: milliseconds since the Unix epoch. Or, where a name says so, a duration in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

const DAY: u64 = 86_400_000;

impl Millis {
    /// The moment `duration` later.
    #[must_use]
    pub fn after(self, duration: Millis) -> Millis {
        Millis(self.0.saturating_add(duration.0))
    }

    /// How long it is from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Millis) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// A duration of so many seconds.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    /// The moment in RFC 3339, UTC, with milliseconds: `2026-11-21T09:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = civil_date(self.0 / DAY);
        let of_day = self.0 % DAY;
        let (hour, minute, second, milli) =
            (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
        // Digit by digit: a list prints hundreds of moments, and `format!` would be a fifth of what it costs.
        let mut text = String::with_capacity(24);
        for (number, places, end) in [
            (year, &[1000, 100, 10, 1][..], '-'),
            (month, &[10, 1], '-'),
            (day, &[10, 1], 'T'),
            (hour, &[10, 1], ':'),
            (minute, &[10, 1], ':'),
            (second, &[10, 1], '.'),
            (milli, &[100, 10, 1], 'Z'),
        ] {
            text.extend(places.iter().map(|place| char::from(b'0' + (number / place % 10) as u8)));
            text.push(end);
        }
        text
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Year, month and day of a day counted from 1970-01-01, by counting in eras of 400 years that begin in March.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_rfc3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_795_253_400_123, "2026-11-21T09:30:00.123Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Millis(millis).to_rfc3339(), text);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Millis(1).since(Millis(2)), Millis(0));
        assert_eq!(Millis(u64::MAX).after(Millis(1)), Millis(u64::MAX));
    }
}
