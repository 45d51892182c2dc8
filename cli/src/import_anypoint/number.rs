//! Numbers and flags as the policies write them, and durations as this configuration does.

use crate::document::node::{Node, Value};

/// A whole number; in exports of API Manager it may be in quotes. Numbers beyond 64 bits count as the nearest.
pub fn whole(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Number(number) => number.as_i64().or_else(|| from_float(number.as_f64()?)),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a float that is too large becomes the nearest number")]
fn from_float(float: f64) -> Option<i64> {
    (float.fract() == 0.0 || float.abs() > 9e15).then_some(float as i64)
}

pub fn flag(node: &Node) -> Option<bool> {
    match &node.value {
        Value::Boolean(flag) => Some(*flag),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Milliseconds in the largest unit that fits.
pub fn duration(millis: i64) -> String {
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis >= *unit && millis % unit == 0)
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::node::{Place, Span};

    fn node(value: Value) -> Node {
        let place = Place { line: 1, column: 1 };
        Node { value, span: Span { start: place, end: place } }
    }

    fn number(text: &str) -> Node {
        node(Value::Number(serde_json::from_str(text).unwrap()))
    }

    #[test]
    fn whole_numbers_are_read_whatever_they_look_like() {
        for (text, expected) in
            [("0", 0), ("-1", -1), ("600.0", 600), ("1e3", 1000), ("9007199254740993", 9_007_199_254_740_993)]
        {
            assert_eq!(whole(&number(text)), Some(expected), "{text}");
        }
        assert_eq!(whole(&number("1e300")), Some(i64::MAX));
        assert_eq!(whole(&number("-1e300")), Some(i64::MIN));
        assert_eq!(whole(&number("18446744073709551615")), Some(i64::MAX));
        assert_eq!(whole(&node(Value::Text(" 600 ".into()))), Some(600));
        for other in [number("1.5"), node(Value::Text("10s".into())), node(Value::Null), node(Value::Boolean(true))] {
            assert_eq!(whole(&other), None);
        }
    }

    #[test]
    fn flags_may_be_in_quotes() {
        assert_eq!(flag(&node(Value::Boolean(true))), Some(true));
        assert_eq!(flag(&node(Value::Text("false".into()))), Some(false));
        assert_eq!(flag(&node(Value::Text("yes".into()))), None);
        assert_eq!(flag(&number("1")), None);
    }

    #[test]
    fn durations_have_the_largest_unit_that_fits() {
        for (millis, text) in [
            (1, "1ms"),
            (1_000, "1s"),
            (1_500, "1500ms"),
            (60_000, "1m"),
            (90_000, "90s"),
            (600_000, "10m"),
            (2_592_000_000, "30d"),
        ] {
            assert_eq!(duration(millis), text);
        }
    }
}
