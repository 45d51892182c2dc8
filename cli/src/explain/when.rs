//! Points in time, as people and RFC 3339 write them.

use tessera_core::base::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time in UTC, to the second.
pub fn when(at: Timestamp) -> String {
    let secs = at.as_millis() / 1000;
    let date = i64::try_from(secs).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    date.map_or_else(
        || secs.to_string(),
        |date| {
            let (day, time) = (date.date(), date.time());
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                day.year(),
                u8::from(day.month()),
                day.day(),
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}

/// Reads a time; `None` for what is none, or before 1970.
pub fn parse(text: &str) -> Option<Timestamp> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    u64::try_from(nanos / 1_000_000).ok().map(Timestamp::from_millis)
}
