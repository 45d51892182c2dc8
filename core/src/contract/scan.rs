//! Reads JSON value by value from arbitrary bytes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, Visitor};

/// Largest value that is read or passed over at once, in bytes: bounds the longest step.
pub(super) const MAX_VALUE: usize = 1 << 20;

/// Why a document cannot be read. Static texts: never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DocumentError(pub &'static str);

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

pub(super) const BROKEN: DocumentError = DocumentError("the document is not a JSON object");
pub(super) const TRUNCATED: DocumentError = DocumentError("the document ends too early");
pub(super) const TOO_LARGE: DocumentError = DocumentError("a single value is too large");

/// A value, by how it is handled. Reading one never fails, so that one bad value does not hide the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Scanned<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Other,
}

/// A position in some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    /// Number of bytes that have been read.
    pub at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn value(&mut self) -> Result<Scanned<'a>, DocumentError> {
        let first = self.peek()?;
        if first == b'"'
            && let Some(Text(text)) = self.try_read()?
        {
            return Ok(Scanned::Text(text));
        }
        self.pass_over()?;
        Ok(if first == b'n' { Scanned::Null } else { Scanned::Other })
    }

    /// Reads a member's name and goes behind the colon.
    pub(super) fn name(&mut self) -> Result<Scanned<'a>, DocumentError> {
        if self.peek()? != b'"' {
            return Err(BROKEN);
        }
        let name = self.value()?;
        self.take(b':')?;
        Ok(name)
    }

    /// Passes over one value. Its texts may not be Unicode.
    pub(super) fn pass_over(&mut self) -> Result<(), DocumentError> {
        self.peek()?;
        self.try_read::<IgnoredAny>()?.map(|_| ()).ok_or(BROKEN)
    }

    /// Stays before what is not of that kind.
    fn try_read<T: Deserialize<'a>>(&mut self) -> Result<Option<T>, DocumentError> {
        let rest = self.rest();
        let window = rest.get(..MAX_VALUE).unwrap_or(rest);
        let mut values = serde_json::Deserializer::from_slice(window).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(Some(value))
            }
            Some(Err(error)) if !error.is_eof() => Ok(None),
            Some(Err(_)) | None if window.len() < rest.len() => Err(TOO_LARGE),
            Some(Err(_)) | None => Err(TRUNCATED),
        }
    }

    /// Passes over `byte`, which has to come next.
    pub(super) fn take(&mut self, byte: u8) -> Result<(), DocumentError> {
        if self.peek()? != byte {
            return Err(BROKEN);
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Result<u8, DocumentError> {
        self.skip_space();
        self.rest().first().copied().ok_or(TRUNCATED)
    }

    /// True when nothing but white space comes.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    fn skip_space(&mut self) {
        let space = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        self.at += space.count();
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_does_not_end_is_cut_off_or_too_large() {
        let passed = |text: &[u8]| Scan::new(text, 0).pass_over();
        assert_eq!([passed(b"[1"), passed(b"[1,2]")], [Err(TRUNCATED), Ok(())]);
        let spread = |bytes: usize| format!("[{}", " ".repeat(bytes - 1)).into_bytes();
        assert_eq!(passed(&spread(MAX_VALUE)), Err(TRUNCATED));
        assert_eq!(passed(&spread(MAX_VALUE + 1)), Err(TOO_LARGE));
        assert_eq!(TRUNCATED.to_string(), "the document ends too early");
    }
}
