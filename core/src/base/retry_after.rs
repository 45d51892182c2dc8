//! `Retry-After` of an answer (RFC 9110 §10.2.3).

use super::fields::delta_seconds;
use super::http::HttpAnswer;
use super::time::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

/// How long the server asks for a pause, at most `longest`: a number of seconds or a date. `None` when it asks
/// for nothing that can be read.
pub fn retry_after(answer: &HttpAnswer, now: Timestamp, longest: Duration) -> Option<Duration> {
    let value = answer.header("retry-after")?.trim_ascii();
    let wait = match delta_seconds(value) {
        Some(wait) => wait,
        None => {
            let date = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
            let since_epoch = date.duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_secs(since_epoch.as_secs()).since(now)
        }
    };
    Some(wait.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(784_111_777 - 90);

    fn read(value: &[u8]) -> Option<u64> {
        let headers = vec![("retry-after".to_owned(), value.to_vec())];
        let answer = HttpAnswer { headers, ..HttpAnswer::default() };
        retry_after(&answer, NOW, Duration::from_secs(3600)).map(|wait| wait.as_secs())
    }

    #[test]
    fn it_is_seconds_or_a_date() {
        assert_eq!(read(b"120"), Some(120));
        assert_eq!(read(b" 0 "), Some(0));
        assert_eq!(read(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(90));
        assert_eq!(read(b"Tue, 06 Nov 1984 08:49:37 GMT"), Some(0));
        assert_eq!(read(b"99999999999999999999"), Some(3600));
        for junk in ["", "soon", "-1", "1.5", "+1"] {
            assert_eq!(read(junk.as_bytes()), None, "{junk}");
        }
        assert_eq!(read(b"\xff"), None);
        assert_eq!(retry_after(&HttpAnswer::default(), NOW, Duration::MAX), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_none_lasts_longer_than_the_longest(value: Vec<u8>) {
            prop_assert!(read(&value).unwrap_or_default() <= 3600);
        }
    }
}
