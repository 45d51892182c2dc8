//! One JSON object (RFC 8259), member by member, its strings borrowed from its text.
//!
//! Strings without escapes, whole numbers and the three literals are read here; every other value is left to
//! `serde_json`. So most answers are read without a copy, and nothing that is hard to read is read twice.

use serde::de::{Deserialize, IgnoredAny};
use serde_json::{Deserializer, Value};
use std::borrow::Cow;

/// A member's value.
#[derive(Debug, PartialEq)]
pub enum Json<'a> {
    /// A string, copied only where it is written with escapes.
    Text(Cow<'a, str>),
    /// Anything but a string.
    Other(Value),
}

impl Json<'_> {
    /// The string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}

impl From<Value> for Json<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            other => Self::Other(other),
        }
    }
}

/// What is left of a text.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Reads the one object in `text`: gives `each` every member's name, and the reader to take or to skip its value with.
/// `None` when it is not one object, or when `each` says so.
pub fn object<'a>(text: &'a str, mut each: impl FnMut(Cow<'a, str>, &mut Reader<'a>) -> Option<()>) -> Option<()> {
    let mut reader = Reader { text, at: 0 };
    reader.expect(b'{')?;
    if reader.expect(b'}').is_none() {
        loop {
            let name = reader.name()?;
            reader.expect(b':')?;
            each(name, &mut reader)?;
            if reader.expect(b',').is_none() {
                reader.expect(b'}')?;
                break;
            }
        }
    }
    reader.next().is_none().then_some(())
}

impl<'a> Reader<'a> {
    /// Takes the value that comes next.
    pub fn value(&mut self) -> Option<Json<'a>> {
        match self.plain() {
            Some(plain) => Some(plain),
            None => self.serde::<Value>().map(Json::from),
        }
    }

    /// Passes over the value that comes next; only its syntax is checked.
    pub fn skip(&mut self) -> Option<()> {
        match self.plain() {
            Some(_) => Some(()),
            None => self.serde::<IgnoredAny>().map(|_| ()),
        }
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        self.next().filter(|byte| *byte == b'"')?;
        match self.plain_text() {
            Some(name) => Some(Cow::Borrowed(name)),
            None => self.serde::<String>().map(Cow::Owned),
        }
    }

    /// A value that needs no work; nothing is taken when it does.
    fn plain(&mut self) -> Option<Json<'a>> {
        match self.next()? {
            b'"' => self.plain_text().map(|text| Json::Text(Cow::Borrowed(text))),
            b'0'..=b'9' => self.whole_number().map(|number| Json::Other(number.into())),
            b't' => self.literal(b"true", Value::Bool(true)),
            b'f' => self.literal(b"false", Value::Bool(false)),
            b'n' => self.literal(b"null", Value::Null),
            _ => None,
        }
    }

    /// The string that begins here, unless it has escapes or is none.
    fn plain_text(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let end = start + rest.iter().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'))?;
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// The digits that begin here, if they are a number for themselves and fit.
    fn whole_number(&mut self) -> Option<u64> {
        let digits = self.rest();
        let mut number = 0_u64;
        let mut length = 0;
        for byte in digits {
            match byte {
                b'0'..=b'9' => number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
                b'.' | b'e' | b'E' => return None,
                _ => break,
            }
            length += 1;
        }
        if length > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.at += length;
        Some(number)
    }

    fn literal(&mut self, word: &[u8], value: Value) -> Option<Json<'a>> {
        self.rest().starts_with(word).then(|| {
            self.at += word.len();
            Json::Other(value)
        })
    }

    fn serde<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = Deserializer::from_slice(self.rest()).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.next().filter(|next| *next == byte)?;
        self.at += 1;
        Some(())
    }

    /// The first byte behind any white space, which is passed over.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
