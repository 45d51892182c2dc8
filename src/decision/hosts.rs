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
pub fn name(authority: &[u8]) -> &[u8] {
    let end = match authority.first() {
        Some(b'[') => authority.iter().position(|byte| *byte == b']').map(|index| index + 1),
        _ => authority.iter().position(|byte| *byte == b':'),
    };
    let host = authority.get(..end.unwrap_or(authority.len())).unwrap_or_default();
    host.strip_suffix(b".").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in ["", "*", "*.", "a:80", "a..b", "a.*.b", "a/b", "ex ample"] {
            assert!(HostPattern::parse(text).is_err(), "{text:?}");
        }
    }
}
