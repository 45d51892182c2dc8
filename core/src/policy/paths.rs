//! Path patterns, and the paths that no pattern is reliable for.

use super::escapes;
use std::borrow::Cow;

/// A path, or a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// This path, byte for byte.
    Exact(Box<str>),
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
            return Err("may contain \"*\" only at its end");
        }
        if literal.contains('?') {
            return Err("must not contain a query: matching ignores it");
        }
        if text == "*" {
            return Ok(Self::Prefix("".into()));
        }
        let path = Path::read(literal.as_bytes());
        if path.certainty == Certainty::Ambiguous {
            return Err("can never match: requests for such a path are ambiguous");
        }
        if path.compared != path.written {
            return Err("must hold no escape of a character that may stand in a path as it is");
        }
        let literal = String::from_utf8_lossy(&path.written).into();
        Ok(if prefix.is_some() || text.ends_with('/') { Self::Prefix(literal) } else { Self::Exact(literal) })
    }

    #[inline]
    pub fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => path == exact.as_bytes(),
            Self::Prefix(prefix) => path.starts_with(prefix.as_bytes()),
        }
    }

    /// Whether what it matches can be plain.
    pub fn is_plain(&self) -> bool {
        let (Self::Exact(text) | Self::Prefix(text)) = self;
        text.is_empty() || Path::read(text.as_bytes()).certainty == Certainty::Plain
    }
}

/// In how many ways a path can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Plain,
    /// One for a server that does what the RFCs say, another for one that decodes more than it should, or that does not
    /// decode what it may. Rules hold for such a path, but it opens nothing.
    Doubtful,
    /// Several: no rule can be trusted with it.
    Ambiguous,
}

/// A path as it is compared with patterns.
#[derive(Clone, Debug)]
pub struct Path<'a> {
    /// As it stands, with the digits of its escapes in capitals.
    pub written: Cow<'a, [u8]>,
    /// As servers read it that decode escapes. An ambiguous path is compared as it stands.
    pub compared: Cow<'a, [u8]>,
    pub certainty: Certainty,
}

impl<'a> Path<'a> {
    /// A path that no rule looks at.
    pub fn irrelevant() -> Self {
        Self { written: Cow::Borrowed(b""), compared: Cow::Borrowed(b""), certainty: Certainty::Plain }
    }

    pub fn has_escapes(&self) -> bool {
        matches!(self.written, Cow::Owned(_))
    }

    /// Reads the path of a request target (without its query). Allocates for escapes only.
    #[inline]
    pub fn read(path: &'a [u8]) -> Self {
        let as_it_stands = |certainty| Path { written: Cow::Borrowed(path), compared: Cow::Borrowed(path), certainty };
        let Some(has_escapes) = literals(path) else { return as_it_stands(Certainty::Ambiguous) };
        if !has_escapes {
            return as_it_stands(Certainty::Plain);
        }
        let Some(escaped) = escapes::read(path) else { return as_it_stands(Certainty::Ambiguous) };
        let certainty = if escaped.doubtful { Certainty::Doubtful } else { Certainty::Plain };
        Self { written: escaped.written.into(), compared: escaped.compared.into(), certainty }
    }
}

/// The path of a request target, without its query.
#[inline]
pub fn without_query(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// Whether the path holds escapes; `None` where an upstream could read what is no escape differently than a comparison
/// byte by byte does: no path at all, empty and dot segments, backslashes, parameters, fragments, bytes outside
/// printable ASCII.
#[inline]
fn literals(path: &[u8]) -> Option<bool> {
    let mut segments = path.split(|byte| *byte == b'/').peekable();
    let mut first = true;
    while let Some(segment) = segments.next() {
        let inner = !first && segments.peek().is_some();
        if (inner && segment.is_empty()) || segment == b"." || segment == b".." {
            return None;
        }
        first = false;
    }
    let mut has_escapes = false;
    for byte in path {
        match byte {
            b'\\' | b';' | b'#' => return None,
            b'%' => has_escapes = true,
            0x21..=0x7e => {}
            _ => return None,
        }
    }
    (!path.is_empty()).then_some(has_escapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certainty(path: &[u8]) -> Certainty {
        Path::read(path).certainty
    }

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
        for bad in ["", "orders", "/a*b", "/a?b", "/a//b", "/a/../b", "/%61", "/%7Euser", "/a%40b", "/a%2fb"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(PathPattern::parse("/caf%c3%a9/").unwrap(), PathPattern::Prefix("/caf%C3%A9/".into()));
        assert!(!PathPattern::parse("/a%3Bb").unwrap().is_plain());
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
            "/a%00",
            "",
        ] {
            assert_eq!(certainty(path.as_bytes()), Certainty::Ambiguous, "{path:?}");
        }
        for path in ["/", "/a", "/a/", "/a.b/..c/...", "/a%20b", "/%C3%A9", "/a=b&c,d:e@f!$'()*+~_-", "*", "/%25"] {
            assert_eq!(certainty(path.as_bytes()), Certainty::Plain, "{path:?}");
        }
        for path in ["/%61dmin", "/%7Euser", "/a%3bb", "/%c0%ae", "/%ef%bc%8f"] {
            assert_eq!(certainty(path.as_bytes()), Certainty::Doubtful, "{path:?}");
        }
        assert_eq!(certainty(b"/\xff"), Certainty::Ambiguous);
    }

    #[test]
    fn only_a_path_that_is_read_has_escapes() {
        for (path, has_escapes) in
            [("/a%20b", true), ("/%C3%A9", true), ("/a%3bb", true), ("/", false), ("/a", false), ("/a%2fb", false)]
        {
            assert_eq!(Path::read(path.as_bytes()).has_escapes(), has_escapes, "{path}");
        }
        assert!(!Path::irrelevant().has_escapes());
    }
}
