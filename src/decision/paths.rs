//! Path patterns, and the paths that no pattern can be trusted with.

/// A path, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// This path, byte for byte.
    Exact(Box<str>),
    /// Every path that begins so.
    Prefix(Box<str>),
}

impl PathPattern {
    /// Reads `/exact`, `/prefix/` or `/prefix*`.
    ///
    /// # Errors
    /// What is wrong with the text, as a phrase.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let prefix = text.strip_suffix('*');
        let literal = prefix.unwrap_or(text);
        if !text.starts_with('/') && text != "*" {
            return Err("must begin with \"/\"");
        }
        if literal.contains('*') {
            return Err("may hold \"*\" at its end only");
        }
        if literal.contains('?') {
            return Err("must not hold a query: it takes no part in matching");
        }
        if is_ambiguous(literal.as_bytes()) {
            return Err("can never match: requests for such a path are ambiguous");
        }
        Ok(if prefix.is_some() || text.ends_with('/') {
            Self::Prefix(literal.into())
        } else {
            Self::Exact(text.into())
        })
    }

    /// Whether `path` (without its query) matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => path == exact.as_bytes(),
            Self::Prefix(prefix) => path.starts_with(prefix.as_bytes()),
        }
    }
}

/// The path of a request target, without its query.
pub fn without_query(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// Whether an upstream could read `path` differently than a byte-by-byte comparison does: empty and dot segments,
/// backslashes, parameters, fragments, bytes outside printable ASCII, broken escapes, and escapes that a normalising
/// server (RFC 3986 §6.2.2) would undo or take for a separator.
pub fn is_ambiguous(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| *byte == b'/').peekable();
    let mut first = true;
    while let Some(segment) = segments.next() {
        let inner = !first && segments.peek().is_some();
        if (inner && segment.is_empty()) || segment == b"." || segment == b".." {
            return true;
        }
        first = false;
    }
    let mut rest = path;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'\\' | b';' | b'#' => return true,
            b'%' => match tail.split_first_chunk::<2>() {
                Some((digits, after)) if !is_ambiguous_escape(*digits) => rest = after,
                _ => return true,
            },
            0x21..=0x7e => {}
            _ => return true,
        }
    }
    false
}

/// Broken, an unreserved character (`%2e`, `%61`), or a separator (`%2f`, `%5c`, `%00`).
fn is_ambiguous_escape([high, low]: [u8; 2]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (Some(high), Some(low)) = (digit(high), digit(low)) else { return true };
    let byte = high * 16 + low;
    byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_trailing_slash_or_star_makes_a_prefix() {
        let matches = |pattern: &str, path: &str| PathPattern::parse(pattern).unwrap().matches(path.as_bytes());
        assert!(matches("/orders/", "/orders/7"));
        assert!(!matches("/orders/", "/orders"));
        assert!(matches("/orders*", "/orders-old"));
        assert!(matches("/orders", "/orders"));
        assert!(!matches("/orders", "/orders/"));
        assert!(!matches("/orders", "/Orders"));
        assert!(matches("/", "/anything"));
        assert!(matches("*", "*"));
        for bad in ["", "orders", "/a*b", "/a?b", "/a//b", "/a/../b"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_an_upstream_could_read_differently_is_ambiguous() {
        for path in [
            "//a",
            "/a//b",
            "/a//",
            "/./a",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "/a/.",
            "/..",
            "/.",
            "/%2e%2E/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5C",
            "/a\\b",
            "/a;b",
            "/a;x=1/b",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%u0041",
            "/a\u{7f}",
            "/a\tb",
            "/a b",
            "/\u{e9}",
            "/a#b",
            "/%61dmin",
            "/%7Euser",
            "/a%00",
        ] {
            assert!(is_ambiguous(path.as_bytes()), "{path:?}");
        }
        for path in ["/", "/a", "/a/", "/a.b/..c/...", "/a%20b", "/%C3%A9", "/a=b&c,d:e@f!$'()*+~_-", "*", "/%25"] {
            assert!(!is_ambiguous(path.as_bytes()), "{path:?}");
        }
        assert!(is_ambiguous(b"/\xff"));
    }

    proptest! {
        /// Decoding and dot-removal leave an unambiguous path's segments as they were.
        #[test]
        fn an_unambiguous_path_has_one_reading(path in "/[a-c./%2eEfF5;\\\\]{0,12}") {
            if !is_ambiguous(path.as_bytes()) {
                let decoded: Vec<u8> = percent_encoding::percent_decode(path.as_bytes()).collect();
                let separators = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
                prop_assert_eq!(separators(&decoded), separators(path.as_bytes()));
                let dotted = decoded.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b"..");
                prop_assert!(!dotted);
            }
        }
    }
}
