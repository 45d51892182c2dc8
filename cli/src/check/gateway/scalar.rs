//! Numbers, flags and durations as other programs write them.

use super::cursor::Cursor;
use crate::document::node::Value;
use std::time::Duration;

/// In every spelling that a reader of YAML 1.1 takes for true, as Envoy and kubectl are.
pub fn is_true(cursor: &Cursor<'_>) -> bool {
    match &cursor.node.value {
        Value::Boolean(is) => *is,
        Value::Text(text) => ["y", "yes", "on", "true"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// Whether nothing is written there: a variable with such a value counts as absent.
pub fn is_empty(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.node.value, Value::Null) || cursor.text() == Some("")
}

pub fn number(cursor: &Cursor<'_>) -> Option<u64> {
    if let Value::Number(number) = &cursor.node.value { number.as_u64() } else { None }
}

/// `0.25s` as Envoy writes it, `1h2m` and `500ms` as Go does.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (digits, tail) = rest.split_at_checked(end)?;
        let number: f64 = digits.parse().ok()?;
        let end = tail.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_read_as_envoy_and_go_write_them() {
        for (text, millis) in
            [("5s", 5000), ("0.25s", 250), ("1h", 3_600_000), ("1m30s", 90_000), ("500ms", 500), ("0s", 0)]
        {
            assert_eq!(duration(text).map(|span| span.as_millis()), Some(millis), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1w", "5 s", "1..2s", "99999999999999999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
