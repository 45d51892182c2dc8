//! Preferences of a request, and those that a server says it has applied (RFC 7240).

/// What the first `wait` of a list has for a value; empty where it has none.
pub fn wait(list: &[u8]) -> Option<&[u8]> {
    list.split(|byte| *byte == b',').find_map(|preference| {
        let preference = preference.split(|byte| *byte == b';').next()?;
        let mut parts = preference.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let is_wait = parts.next()?.eq_ignore_ascii_case(b"wait");
        is_wait.then(|| parts.next().unwrap_or_default())
    })
}

/// A number of seconds, which may stand in quotation marks. One that is too large for a number is the largest.
pub fn seconds(value: &[u8]) -> Option<u64> {
    let bare = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    let digits = std::str::from_utf8(bare).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(u64::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wait_of_a_list_counts() {
        for (list, value) in [
            ("wait=20", Some("20")),
            ("respond-async, WAIT = \"5\" ; x=1, wait=7", Some("\"5\"")),
            ("wait", Some("")),
            ("wait;x=1", Some("")),
            ("", None),
            ("awaited, wait-for-it=1, x=wait", None),
        ] {
            assert_eq!(wait(list.as_bytes()), value.map(str::as_bytes), "{list}");
        }
        for (value, number) in
            [("20", Some(20)), ("\"5\"", Some(5)), ("", None), ("-1", None), ("+1", None), ("1.5", None)]
        {
            assert_eq!(seconds(value.as_bytes()), number, "{value}");
        }
        assert_eq!(seconds(b"99999999999999999999"), Some(u64::MAX));
    }
}
