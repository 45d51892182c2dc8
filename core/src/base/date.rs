//! Dates (RFC 3339).

use super::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads a date. Those before 1970 are all equally past.
pub fn parse(text: &str) -> Option<Timestamp> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    Some(Timestamp::from_millis(u64::try_from(nanos / 1_000_000).unwrap_or(0)))
}

/// Writes a date in UTC with milliseconds. `None` after the year 9999, for which there is none.
pub fn written(time: Timestamp) -> Option<String> {
    let nanos = i128::from(time.as_millis()) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().filter(|at| at.year() <= 9999)?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second, millis) = at.to_hms_milli();
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_in_utc_with_milliseconds() {
        let shown = |millis| written(Timestamp::from_millis(millis));
        assert_eq!(shown(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(shown(1_780_315_200_050).as_deref(), Some("2026-06-01T12:00:00.050Z"));
        assert_eq!(shown(253_402_300_799_999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!(shown(253_402_300_800_000), None);
        assert_eq!(written(Timestamp::MAX), None);
        assert_eq!(parse("2026-06-01T14:00:00.05+02:00"), Some(Timestamp::from_millis(1_780_315_200_050)));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(Timestamp::from_millis(0)));
        assert_eq!(parse("2026-06-31T00:00:00Z"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0..253_402_300_800_000_u64) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(written(time).and_then(|text| parse(&text)), Some(time));
        }
    }
}
