//! Claim values in one form each, so that equal values are equal texts.

use crate::base::json::Json;
use serde_json::Number;

/// A string, a number or a boolean: strings differ by every byte, numbers by value (`1`, `1.0`), and `"1"` is not `1`.
/// `None` for `null`, which is absence, and for what has parts.
pub fn scalar(value: &Json<'_>) -> Option<Box<str>> {
    match value {
        Json::Text(text) => Some(string(text)),
        Json::Number(number) => Some(written(number).into()),
        Json::Boolean(flag) => Some(flag.to_string().into()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// As [`scalar`], of a string. The quotation mark sets it apart from the others.
pub fn string(text: &str) -> Box<str> {
    ["\"", text].concat().into()
}

/// Whether `value` is the one that [`scalar`] wrote so. An array may have a hundred thousand: strings are not copied.
pub fn is_scalar(value: &Json<'_>, written: &str) -> bool {
    match value {
        Json::Text(text) => written.strip_prefix('"') == Some(text),
        other => !written.starts_with('"') && scalar(other).is_some_and(|other| *other == *written),
    }
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

    #[test]
    fn strings_are_exact_and_numbers_equal_by_value() {
        let same = |one: Json<'_>, other: Json<'_>| scalar(&one).is_some() && scalar(&one) == scalar(&other);
        let parsed = |text: &'static str| Json::read(text.as_bytes()).unwrap();
        for (one, other) in
            [("1", "1.0"), ("1", "10e-1"), ("0", "-0.0"), ("-3", "-3.0"), ("1e2", "100"), ("0.5", "5e-1")]
        {
            assert!(same(parsed(one), parsed(other)), "{one} {other}");
        }
        assert!(same(parsed("9223372036854775808"), parsed("9223372036854775808.0")));
        assert!(!same(parsed("9007199254740993"), parsed("9007199254740992.0")));
        for (one, other) in [
            ("\"1\"", "1"),
            ("\"a\"", "\"A\""),
            ("\"true\"", "true"),
            ("\"\"", "\" \""),
            ("1e300", "2e300"),
            ("-1e300", "-2e300"),
            ("1e300", "9223372036854775807"),
            ("18446744073709551616.0", "18446744073709551615"),
        ] {
            assert!(!same(parsed(one), parsed(other)), "{one} {other}");
        }
        for (one, other) in [
            ("\"a\"", "\"a\""),
            ("\"1\"", "1"),
            ("2.0", "2"),
            ("true", "\"true\""),
            ("1", "2"),
            ("true", "false"),
            ("1", "\"1\""),
        ] {
            let (value, form) = (parsed(one), scalar(&parsed(other)));
            assert_eq!(is_scalar(&value, form.as_deref().unwrap()), scalar(&value) == form, "{one} {other}");
        }
        for part in ["null", "[]", "{}", "[\"a\"]"] {
            assert_eq!(scalar(&parsed(part)), None);
        }
    }
}
