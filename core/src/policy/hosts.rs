//! Host patterns of an API.

/// A host name, or a name with any labels before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This name (lower case).
    Exact(Box<str>),
    /// One or more labels before this suffix, which begins with a dot (lower case): not the apex.
    Below(Box<str>),
}

impl HostPattern {
    /// Reads `api.example.com` or `*.example.com`.
    ///
    /// # Errors
    /// What is wrong with the text, as a phrase.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("*.").unwrap_or(&lower);
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let bracketed = name.starts_with('[') && name.ends_with(']');
        if !bracketed && !name.split('.').all(label) {
            return Err("must be a host name without a port, or \"*.\" and a host name");
        }
        Ok(match lower.strip_prefix('*') {
            Some(suffix) => Self::Below(suffix.into()),
            None => Self::Exact(lower.into()),
        })
    }

    /// Whether `host` (as [`name`] gives it) matches, without regard to case.
    #[inline]
    pub fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Below(suffix) => {
                let Some(split) = host.len().checked_sub(suffix.len()) else { return false };
                split > 0 && host.get(split..).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix.as_bytes()))
            }
        }
    }
}

/// The host of an authority (RFC 3986 §3.2): without port and without the root's trailing dot.
#[inline]
pub fn name(authority: &[u8]) -> &[u8] {
    let end = match authority.first() {
        Some(b'[') => authority.iter().position(|byte| *byte == b']').map(|index| index + 1),
        _ => authority.iter().position(|byte| *byte == b':'),
    };
    let host = authority.get(..end.unwrap_or(authority.len())).unwrap_or_default();
    host.strip_suffix(b".").unwrap_or(host)
}

/// Whether an upstream could read `authority` differently than a comparison with host names does: several names, user
/// information, escapes, empty labels, no name at all. RFC 9112 §3.2 has a server refuse such a request.
#[inline]
pub fn is_ambiguous(authority: &[u8]) -> bool {
    let host = name(authority);
    let rest = authority.get(host.len()..).unwrap_or_default();
    let port = rest.strip_prefix(b".").unwrap_or(rest);
    let has_plain_port =
        port.is_empty() || port.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    let is_plain = |label: &[u8]| {
        !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_address = host
        .strip_prefix(b"[")
        .and_then(|inner| inner.strip_suffix(b"]"))
        .is_some_and(|inner| inner.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')));
    !(has_plain_port && (is_address || host.split(|byte| *byte == b'.').all(is_plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_port_is_plain_and_all_else_ambiguous() {
        for plain in ["a", "a.b", "A-1_x.b.", "a:80", "a.b.:80", "a:", "127.0.0.1", "[::1]", "[::1]:80"] {
            assert!(!is_ambiguous(plain.as_bytes()), "{plain}");
        }
        for odd in [
            "", ".", ":80", "a,b", "a, b", "u@a", "u:p@a", "a%2eb", "a..b", "a..", ".a", "a:80:80", "a:b", "[::1",
            "::1", "[a]b", "a/b", "a\u{e9}", "a b",
        ] {
            assert!(is_ambiguous(odd.as_bytes()), "{odd:?}");
        }
        assert!(is_ambiguous(b"\xff"));
    }

    #[test]
    fn a_wildcard_takes_labels_but_not_the_apex() {
        let below = HostPattern::parse("*.Example.org").unwrap();
        for host in ["a.example.org", "A.B.EXAMPLE.ORG"] {
            assert!(below.matches(host.as_bytes()), "{host}");
        }
        for host in ["example.org", ".example.org", "aexample.org", "a.example.org.evil", ""] {
            assert!(!below.matches(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn case_port_and_root_dot_do_not_matter() {
        let exact = HostPattern::parse("API.example.com").unwrap();
        for authority in ["api.example.com", "api.EXAMPLE.com:8443", "api.example.com."] {
            assert!(exact.matches(name(authority.as_bytes())), "{authority}");
        }
        assert_eq!(name(b"[::1]:80"), b"[::1]");
        assert_eq!(name(b"\xff:1"), b"\xff");
    }

    #[test]
    fn odd_patterns_are_refused() {
        for text in ["", "*", "*.", "a:80", "a..b", "a.*.b", "a/b", "ex ample", "[::1", "::1]", "[a"] {
            assert!(HostPattern::parse(text).is_err(), "{text:?}");
        }
    }
}
