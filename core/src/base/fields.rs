//! The grammar of header fields (RFC 9110 §5): names and values, tokens, quoted strings, lists.

use std::time::Duration;

/// Reads a field's value from left to right. The reader does not move past what does not match.
#[derive(Clone, Copy, Debug)]
pub struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    pub fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// Skips separators and empty elements of a list (§5.6.1). False at the end.
    pub fn next_element(&mut self) -> bool {
        self.take_while(|byte| is_space(byte) || byte == b',');
        !self.0.is_empty()
    }

    /// Skips the space after an element. False unless a comma or the end follows.
    pub fn ends_element(&mut self) -> bool {
        self.space();
        matches!(self.0.first(), None | Some(b','))
    }

    /// Skips optional white space (§5.6.3).
    pub fn space(&mut self) {
        self.take_while(is_space);
    }

    /// Skips `byte` if it comes next.
    pub fn take(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    pub fn starts_with(&self, byte: u8) -> bool {
        self.0.first() == Some(&byte)
    }

    /// Takes the bytes for which `is_so` is true.
    pub fn take_while(&mut self, is_so: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !is_so(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        taken
    }

    /// A token (§5.6.2).
    pub fn token(&mut self) -> Option<&'a [u8]> {
        Some(self.take_while(is_tchar)).filter(|token| !token.is_empty())
    }

    /// The content of a quoted string (§5.6.4), of any bytes. `None` when there is none here, or it never ends.
    pub fn quoted_string(&mut self) -> Option<Vec<u8>> {
        let mut rest = self.0.strip_prefix(b"\"")?.iter();
        let mut content = Vec::new();
        loop {
            match rest.next()? {
                b'"' => break,
                b'\\' => content.push(*rest.next()?),
                byte => content.push(*byte),
            }
        }
        self.0 = rest.as_slice();
        Some(content)
    }

    /// A parameter's value: a token or a quoted string (§5.6.6).
    pub fn token_or_quoted_string(&mut self) -> Option<Vec<u8>> {
        match self.0.first() {
            Some(b'"') => self.quoted_string(),
            _ => self.token().map(Into::into),
        }
    }
}

/// `text` as a quoted string (§5.6.4).
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A number of seconds (RFC 9111 §1.2.2), saturating.
pub fn delta_seconds(text: &[u8]) -> Option<Duration> {
    let digit = |sum: u64, byte: &u8| {
        let digit = char::from(*byte).to_digit(10)?;
        Some(sum.saturating_mul(10).saturating_add(digit.into()))
    };
    let seconds = text.iter().try_fold(0, digit).filter(|_| !text.is_empty());
    seconds.map(Duration::from_secs)
}

/// Whether `text` is a token (§5.6.2), such as a method or an authentication scheme.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_tchar(*byte))
}

/// Whether `name` may name a header (§5.1): a token, here in lower case.
pub fn is_header_name(name: &str) -> bool {
    is_token(name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether `value` is a legal field value (§5.5) of visible ASCII and inner spaces.
pub fn is_header_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.iter().all(|byte| (0x20..=0x7e).contains(byte)) && !matches!(bytes, [b' ', ..] | [.., b' '])
}

/// Whether `byte` may be part of a token.
pub fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_is_read_element_by_element() {
        let mut value = FieldReader::new(b", a=1 ,\t, b=\"x, \\\"y\" c");
        assert!(value.next_element());
        assert_eq!((value.token(), value.take(b'=')), (Some(&b"a"[..]), true));
        assert_eq!(value.token_or_quoted_string().as_deref(), Some(&b"1"[..]));
        assert!(value.ends_element() && value.next_element());
        assert_eq!((value.token(), value.take(b';'), value.take(b'=')), (Some(&b"b"[..]), false, true));
        assert_eq!(value.token_or_quoted_string().as_deref(), Some(&b"x, \"y"[..]));
        assert!(!value.ends_element());
        assert_eq!((value.token(), value.token()), (Some(&b"c"[..]), None));
        assert!(value.ends_element() && !value.next_element());
    }

    #[test]
    fn a_quoted_string_that_never_ends_is_none() {
        for text in ["", "a", "\"", "\"a", "\"a\\", "\"a\\\""] {
            let mut value = FieldReader::new(text.as_bytes());
            assert_eq!(value.quoted_string(), None, "{text}");
            assert_eq!(value.0, text.as_bytes());
        }
        assert_eq!(FieldReader::new(b"\"\"").token_or_quoted_string().as_deref(), Some(&b""[..]));
        assert_eq!(FieldReader::new(b"=").token_or_quoted_string(), None);
    }

    #[test]
    fn header_names_and_values_are_what_rfc_9110_allows() {
        assert!(
            is_header_name("x-client-id") && !is_header_name("X-Id") && !is_header_name("") && !is_header_name(":path")
        );
        assert!(is_header_value("a b") && is_header_value(""));
        for bad in [" a", "a ", "a\nb", "é", "a\tb", "\u{7f}"] {
            assert!(!is_header_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn seconds_are_digits_however_many() {
        for (text, seconds) in [("0", 0), ("007", 7), ("99999999999999999999999", u64::MAX)] {
            assert_eq!(delta_seconds(text.as_bytes()), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-1", "+1", "1.5", "1 ", "\u{663}"] {
            assert_eq!(delta_seconds(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text: String) {
            let quoted = quoted(&text);
            let mut value = FieldReader::new(quoted.as_bytes());
            prop_assert_eq!(value.quoted_string(), Some(text.into_bytes()));
            prop_assert!(!value.next_element());
        }
    }
}
