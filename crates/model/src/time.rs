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

impl Millis {
    /// Reads a moment in RFC 3339, or, as other systems write it, with a space for the `T` or without its zone: UTC then. Fractions under
    /// a millisecond are cut off.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Millis> {
        let (date, time) = text.trim().split_once(['T', 't', ' '])?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at_checked(zone)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut time = time.splitn(3, ':').map(|part| part.parse::<u64>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next().unwrap_or(Some(0))?);
        let milli: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_before(year, month, day);
        let moment = days * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + milli;
        let (sign, offset) = zone.split_at_checked(1).unwrap_or(("", ""));
        let (hours, minutes) =
            offset.split_once(':').unwrap_or((offset.get(..2).unwrap_or(offset), offset.get(2..).unwrap_or("")));
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        if hours > 23 || minutes > 59 || (!offset.is_empty() && matches!(sign, "Z" | "z")) {
            return None;
        }
        let offset = (hours * 60 + minutes) * 60_000;
        let moment = if sign == "-" { moment.saturating_add(offset) } else { moment.saturating_sub(offset) };
        // A day that its month doesn't have is another month's; a year of five digits can't be written.
        let (real, writable) = (civil_date(days) == (year, month, day), civil_date(moment / DAY).0 <= 9999);
        (real && writable).then_some(Millis(moment))
    }
}

/// The days from 1970 to a date of the Gregorian calendar.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
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
    fn moments_are_read_as_they_are_printed() {
        for moment in [0, 1, 951_782_400_000, 951_868_799_999, 1_763_717_400_123, 4_102_444_800_000, 32_503_679_999_999]
        {
            assert_eq!(Millis::parse_rfc3339(&Millis(moment).to_rfc3339()), Some(Millis(moment)));
        }
        let noon = Millis::parse_rfc3339("2025-11-14T12:00:00Z");
        for same in [
            "2025-11-14 12:00:00",
            "2025-11-14T12:00:00.000999",
            "2025-11-14T14:00:00+02:00",
            "2025-11-14T10:00:00-0200",
            "2025-11-14T12:00",
        ] {
            assert_eq!(Millis::parse_rfc3339(same), noon, "{same}");
        }
        for wrong in [
            "",
            "T",
            "2025-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2025-11-14",
            "1969-01-01T00:00:00Z",
            "2025-11-14T24:00:00Z",
            "2025-11-14T12:00:00Z01",
            "2025-11-14T12:00:00+24:00",
            "2025-11-14T12:00:00+9725421000421000000",
            "9999-12-31T23:59:59-00:01",
            "t-x",
        ] {
            assert_eq!(Millis::parse_rfc3339(wrong), None, "{wrong}");
        }
    }

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
