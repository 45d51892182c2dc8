//! Values of claims in one form each, so that equal ones are equal texts.

use serde_json::{Number, Value};

/// A string, a number or a boolean: strings differ by every byte, numbers by value (`1`, `1.0`), and `"1"` is not `1`.
/// `None` for `null`, which is absence, and for what has parts.
pub fn scalar(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(string(text)),
        Value::Number(number) => Some(written(number).into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// As [`scalar`], of a string. The quotation mark tells it from the others.
pub fn string(text: &str) -> Box<str> {
    ["\"", text].concat().into()
}

/// Whether `value` is the one that [`scalar`] wrote so. An array may have a hundred thousand: strings are not copied.
pub fn is_scalar(value: &Value, written: &str) -> bool {
    match value {
        Value::String(text) => is_string(text, written),
        other => !written.starts_with('"') && scalar(other).is_some_and(|other| *other == *written),
    }
}

/// As [`is_scalar`], of a string.
pub fn is_string(text: &str, written: &str) -> bool {
    written.strip_prefix('"') == Some(text)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
fn written(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_f64() || float.fract() != 0.0 => number.to_string(),
        Some(float) if (0.0..18_446_744_073_709_551_616.0).contains(&float) => (float as u64).to_string(),
        Some(float) if (-9_223_372_036_854_775_808.0..0.0).contains(&float) => (float as i64).to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_exact_and_numbers_equal_by_value() {
        let same = |one: Value, other: Value| scalar(&one).is_some() && scalar(&one) == scalar(&other);
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (one, other) in
            [("1", "1.0"), ("1", "10e-1"), ("0", "-0.0"), ("-3", "-3.0"), ("1e2", "100"), ("0.5", "5e-1")]
        {
            assert!(same(parsed(one), parsed(other)), "{one} {other}");
        }
        assert!(same(parsed("9223372036854775808"), parsed("9223372036854775808.0")));
        assert!(!same(parsed("9007199254740993"), parsed("9007199254740992.0")));
        for (one, other) in
            [(json!("1"), json!(1)), (json!("a"), json!("A")), (json!("true"), json!(true)), (json!(""), json!(" "))]
        {
            assert!(!same(one.clone(), other.clone()), "{one} {other}");
        }
        for (one, other) in
            [(json!("a"), json!("a")), (json!("1"), json!(1)), (json!(2.0), json!(2)), (json!(true), json!("true"))]
        {
            assert_eq!(is_scalar(&one, &scalar(&other).unwrap()), scalar(&one) == scalar(&other), "{one} {other}");
        }
        for part in [json!(null), json!([]), json!({}), json!(["a"])] {
            assert_eq!(scalar(&part), None);
        }
    }
}
