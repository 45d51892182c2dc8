//! What readers of YAML that keep to YAML 1.1 make of scalars without quotes: Envoy's (yaml-cpp, as Envoy uses it) and
//! that of kubectl and its like (Go's yaml.v2).

use super::node::Value;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Envoy,
    Kubectl,
}

/// A tag that makes a text of a scalar without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTag {
    /// `!`
    NonSpecific,
    /// `!!str`, or one of somebody's own.
    Named,
}

/// What a reader has for a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Boolean(bool),
    Integer(i128),
    Fraction(f64),
    Text,
}

const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const TRUE: [&str; 4] = ["y", "yes", "true", "on"];
const FALSE: [&str; 4] = ["n", "no", "false", "off"];

impl Reader {
    pub fn name(self) -> &'static str {
        match self {
            Self::Envoy => "Envoy",
            Self::Kubectl => "kubectl",
        }
    }

    /// Whether it takes what this tag says, too. Envoy asks whether there are quotes, which it is told by that tag.
    pub fn heeds(self, tag: TextTag) -> bool {
        match self {
            Self::Envoy => tag == TextTag::NonSpecific,
            Self::Kubectl => tag == TextTag::Named,
        }
    }

    /// Whether it puts the members of what stands at `<<` (YAML 1.1, type merge) beside that key.
    pub fn merges(self) -> bool {
        self == Self::Kubectl
    }

    /// Whether it reads what is JSON by YAML all the same, in a file of this name. kubectl looks at the content.
    pub fn takes_for_yaml(self, name: &str) -> bool {
        self == Self::Envoy && [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
    }

    /// What it reads.
    pub fn scalar(self, text: &str) -> Scalar {
        if NULLS.contains(&text) {
            return Scalar::Null;
        }
        for (words, is) in [(TRUE, true), (FALSE, false)] {
            if words.iter().any(|word| is_word(text, word)) {
                return Scalar::Boolean(is);
            }
        }
        match self {
            Self::Envoy => match integer(text, &["0x", "0X"]) {
                // Larger ones become texts, which protobuf's JSON takes for numbers where it expects some.
                Some(number) if i32::try_from(number).is_ok() => Scalar::Integer(number),
                _ => Scalar::Text,
            },
            Self::Kubectl => go_number(text),
        }
    }

    /// Whether it has the same for the scalar as the document. All keep numbers as `double`s.
    pub fn agrees(self, text: &str, value: &Value) -> bool {
        match (self.scalar(text), value) {
            (Scalar::Null, Value::Null) | (Scalar::Text, Value::Text(_)) => true,
            (Scalar::Boolean(is), Value::Boolean(own)) => is == *own,
            (Scalar::Integer(is), Value::Number(own)) => {
                is_exact(is) && (own.as_i128() == Some(is) || own.as_f64() == Some(is as f64))
            }
            (Scalar::Fraction(is), Value::Number(own)) => own.as_f64() == Some(is),
            _ => false,
        }
    }

    /// The key that it reads, where it is another one.
    pub fn other_key(self, text: &str) -> bool {
        match self.scalar(text) {
            _ if self == Self::Envoy => false,
            Scalar::Text => false,
            Scalar::Boolean(is) => text != is.to_string(),
            Scalar::Integer(is) => text != is.to_string(),
            Scalar::Fraction(is) => text != is.to_string(),
            Scalar::Null => true,
        }
    }
}

/// Whether a `double` is this number and no other.
pub fn is_exact(number: i128) -> bool {
    number.unsigned_abs() <= 1 << 53
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(number) if !is_exact(*number) => "a number with fewer digits",
            Self::Integer(_) | Self::Fraction(_) => "another number",
            Self::Text => "a text",
        })
    }
}

/// In lower case, in upper case, or with the first letter in upper case.
fn is_word(text: &str, word: &str) -> bool {
    let rest = |text: &str| text.get(1..).is_some_and(|rest| Some(rest) == word.get(1..));
    text == word || text.eq_ignore_ascii_case(word) && (rest(text) || text == word.to_ascii_uppercase())
}

/// As C and Go read it where its prefix says the base: octal behind a `0`.
fn integer(text: &str, hexadecimal: &[&str]) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let based = hexadecimal.iter().find_map(|prefix| digits.strip_prefix(prefix)).map(|digits| (digits, 16));
    let (digits, base) = match based {
        Some(based) => based,
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    // A second sign is none here.
    let is_plain = digits.chars().all(|digit| digit.is_digit(base));
    is_plain.then(|| i128::from_str_radix(digits, base).ok()).flatten().map(|number| sign * number)
}

fn go_number(text: &str) -> Scalar {
    let first = text.bytes().next().unwrap_or_default();
    if !first.is_ascii_digit() && !b"+-.".contains(&first) {
        return Scalar::Text;
    }
    let plain = if first == b'.' { text.to_owned() } else { text.replace('_', "") };
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if [".inf", ".Inf", ".INF"].contains(&unsigned) || [".nan", ".NaN", ".NAN"].contains(&text) {
        return Scalar::Fraction(f64::INFINITY);
    }
    let of_base = |prefix: &str, base| {
        let digits = unsigned.to_ascii_lowercase();
        let digits = digits.strip_prefix(prefix)?.to_owned();
        let number = i128::from_str_radix(&digits, base).ok().filter(|_| !digits.starts_with(['-', '+']))?;
        Some(if plain.starts_with('-') { -number } else { number })
    };
    let whole = integer(&plain, &["0x", "0X"]).or_else(|| of_base("0b", 2)).or_else(|| of_base("0o", 8));
    match whole {
        Some(number) => Scalar::Integer(number),
        None if is_decimal(unsigned) => match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Scalar::Fraction(number),
            _ => Scalar::Text,
        },
        None => Scalar::Text,
    }
}

/// Digits with a point and an exponent, or without.
fn is_decimal(text: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !before.is_empty() || !after.is_empty();
    has_digits && !exponent.is_empty() && [before, after, exponent].into_iter().all(is_digits)
}

#[cfg(test)]
mod tests {
    use super::Scalar::{Boolean, Fraction, Integer, Null, Text};
    use super::*;

    /// What Envoy 1.36.4 and 1.40.0 had in `/server_info` for `node.metadata`, and what Go's `resolve` is written to do.
    #[test]
    fn scalars_are_what_the_readers_make_of_them() {
        let infinite = Fraction(f64::INFINITY);
        for (text, envoy, kubectl) in [
            ("on", Boolean(true), Boolean(true)),
            ("Off", Boolean(false), Boolean(false)),
            ("YES", Boolean(true), Boolean(true)),
            ("n", Boolean(false), Boolean(false)),
            ("Y", Boolean(true), Boolean(true)),
            ("oN", Text, Text),
            ("tRue", Text, Text),
            ("TRUE", Boolean(true), Boolean(true)),
            ("~", Null, Null),
            ("010", Integer(8), Integer(8)),
            ("+010", Integer(8), Integer(8)),
            ("0777", Integer(511), Integer(511)),
            ("08", Text, Fraction(8.0)),
            ("00", Integer(0), Integer(0)),
            ("0o17", Text, Integer(15)),
            ("0x1F", Integer(31), Integer(31)),
            ("-0x1", Integer(-1), Integer(-1)),
            ("0b11", Text, Integer(3)),
            ("1_000", Text, Integer(1000)),
            ("1_000.5", Text, Fraction(1000.5)),
            ("1:30", Text, Text),
            ("1.50", Text, Fraction(1.5)),
            ("1e3", Text, Fraction(1000.0)),
            (".5", Text, Fraction(0.5)),
            ("1e999", Text, Text),
            (".inf", Text, infinite),
            ("2147483647", Integer(2_147_483_647), Integer(2_147_483_647)),
            ("2147483648", Text, Integer(2_147_483_648)),
            ("-2147483649", Text, Integer(-2_147_483_649)),
            ("2026-01-01", Text, Text),
            ("10s", Text, Text),
            ("-", Text, Text),
            ("0x", Text, Text),
            ("--1", Text, Text),
            ("<<", Text, Text),
            ("_1", Text, Text),
        ] {
            assert_eq!((Reader::Envoy.scalar(text), Reader::Kubectl.scalar(text)), (envoy, kubectl), "{text}");
        }
    }

    #[test]
    fn numbers_agree_up_to_where_a_double_has_gaps() {
        let number = |text: &str| Value::Number(serde_json::from_str(text).unwrap());
        assert!(Reader::Kubectl.agrees("9007199254740992", &number("9007199254740992")));
        assert!(!Reader::Kubectl.agrees("9007199254740993", &number("9007199254740993")));
        assert!(Reader::Kubectl.agrees("1.0", &number("1.0")) && !Reader::Envoy.agrees("1.0", &number("1.0")));
        assert!(!Reader::Kubectl.agrees("010", &number("10")));
    }

    #[test]
    fn of_keys_kubectl_makes_texts() {
        for (key, is_other) in [("on", true), ("010", true), ("1.10", true), ("~", true), ("10", false), ("x", false)] {
            assert_eq!((Reader::Kubectl.other_key(key), Reader::Envoy.other_key(key)), (is_other, false), "{key}");
        }
    }
}
