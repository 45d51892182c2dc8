//! What scalars of YAML are, by its core schema (YAML 1.2.2 §10.3).

use super::node::Value;
use super::readers::TextTag;
use saphyr_parser::{ScalarStyle, Tag};
use serde_json::Number;

/// The value of a scalar. What JSON has no value for, such as `.inf`, stays a text.
pub fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let core = tag.map(|tag| tag.is_yaml_core_schema().then_some(tag.suffix.as_str()));
    match core {
        Some(Some("null")) => Value::Null,
        Some(Some("bool" | "int" | "float")) => plain(text),
        Some(_) => Value::Text(text.into()),
        None if style == ScalarStyle::Plain => plain(text),
        None => Value::Text(text.into()),
    }
}

/// What makes a text of any scalar, if this tag does.
pub fn text_tag(tag: &Tag) -> Option<TextTag> {
    let is_other = tag.is_yaml_core_schema() && ["null", "bool", "int", "float"].contains(&&*tag.suffix);
    match (&*tag.handle, &*tag.suffix) {
        _ if is_other => None,
        ("", "!") => Some(TextTag::NonSpecific),
        _ => Some(TextTag::Named),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true),
        "false" | "False" | "FALSE" => Value::Boolean(false),
        _ => number(text).map_or_else(|| Value::Text(text.into()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_digits(unsigned) {
        let whole = text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
        return whole.or_else(|| Number::from_f64(text.parse().ok()?));
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = match before.is_empty() {
        true => is_digits(after),
        false => is_digits(before) && after.bytes().all(|byte| byte.is_ascii_digit()),
    };
    if is_mantissa && is_digits(exponent) { Number::from_f64(text.parse().ok()?) } else { None }
}

fn based(digits: &str, base: u32) -> Option<Number> {
    let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base));
    all.then(|| u64::from_str_radix(digits, base).ok().map(Number::from)).flatten()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_the_core_schema_says() {
        let json = |text: &str| match plain(text) {
            Value::Null => "null".to_owned(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => format!("{text:?}"),
            _ => unreachable!(),
        };
        for (text, is) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "\"nULL\""),
            ("True", "true"),
            ("FALSE", "false"),
            ("yes", "\"yes\""),
            ("no", "\"no\""),
            ("0", "0"),
            ("-12", "-12"),
            ("+7", "7"),
            ("010", "10"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("0x", "\"0x\""),
            ("-0x1", "\"-0x1\""),
            ("1.5", "1.5"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("1e3", "1000.0"),
            ("1e", "\"1e\""),
            (".", "\".\""),
            ("e1", "\"e1\""),
            (".e1", "\".e1\""),
            ("1_000", "\"1_000\""),
            ("18446744073709551615", "18446744073709551615"),
            (".inf", "\".inf\""),
            (".nan", "\".nan\""),
            ("1e999", "\"1e999\""),
            ("10s", "\"10s\""),
            ("2026-01-01", "\"2026-01-01\""),
            ("<<", "\"<<\""),
            ("-", "\"-\""),
            ("+", "\"+\""),
            ("0b1", "\"0b1\""),
            ("1:20", "\"1:20\""),
        ] {
            assert_eq!(json(text), is, "{text}");
        }
    }
}
