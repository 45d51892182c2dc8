//! The URI that a request is for, in the one form in which two of them are compared (RFC 9449 §4.3).

/// An `http` or `https` URI without query and fragment, normalized as RFC 3986 §6.2.2 and §6.2.3 have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetUri(Box<str>);

/// The SHA-256 of a URI in that form.
pub(super) type TargetDigest = [u8; 32];

impl TargetUri {
    /// The URI of a request with this scheme, authority and path; `None` when they form none. What follows the path is
    /// passed over.
    pub(super) fn new(scheme: &[u8], authority: &[u8], path: &[u8]) -> Option<Self> {
        let schemes = [("https", &b"443"[..]), ("http", b"80")];
        let mut schemes = schemes.into_iter();
        let (scheme, default_port) = schemes.find(|(name, _)| scheme.eq_ignore_ascii_case(name.as_bytes()))?;
        let (host, port) = host_and_port(authority)?;
        let mut uri = [scheme, "://"].concat();
        uri.extend(host.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        if !port.is_empty() && port != default_port {
            uri.push(':');
            uri.extend(port.iter().copied().map(char::from));
        }
        let end = path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
        push_path(&mut uri, path.get(..end)?)?;
        Some(Self(uri.into()))
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> TargetDigest {
        hmac_sha256::Hash::hash(self.0.as_bytes())
    }

    /// The URI in a text.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        Self::new(scheme.as_bytes(), authority.as_bytes(), path.as_bytes())
    }
}

/// A host of the characters that a name, or an address in brackets, has; and a port, which may be empty.
fn host_and_port(authority: &[u8]) -> Option<(&[u8], &[u8])> {
    let address = match authority.first() {
        Some(b'[') => authority.iter().position(|byte| *byte == b']')? + 1,
        _ => authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(address)?;
    let port = if rest.is_empty() { rest } else { rest.strip_prefix(b":")? };
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let is_sound = match host {
        [b'[', address @ .., b']'] => !address.is_empty() && address.iter().all(is_of_address),
        name => !name.is_empty() && name.iter().all(|byte| is_unreserved(*byte) || b"!$&'()*+,;=".contains(byte)),
    };
    (is_sound && port.iter().all(u8::is_ascii_digit)).then_some((host, port))
}

/// Appends a path, or `/` for an empty one.
fn push_path(uri: &mut String, path: &[u8]) -> Option<()> {
    let normal = unescaped(path)?;
    let segments = if normal.is_empty() { "" } else { normal.strip_prefix('/')? };
    // RFC 3986 §5.2.4: dot segments are removed; one at the end leaves a `/` there.
    let mut kept = Vec::new();
    let mut ends_in_dots = false;
    for segment in segments.split('/') {
        ends_in_dots = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    if ends_in_dots {
        kept.push("");
    }
    uri.push('/');
    uri.push_str(&kept.join("/"));
    Some(())
}

/// The path with unreserved characters as they are and other escapes in capitals (RFC 3986 §6.2.2.1, §6.2.2.2). `None`
/// when it has bytes that no path has, or a torn escape.
fn unescaped(path: &[u8]) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let (high, low) = (rest.next()?, rest.next()?);
                let decoded = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
                if is_unreserved(decoded) {
                    normal.push(char::from(decoded));
                } else {
                    normal.push('%');
                    normal.extend([high, low].map(|digit| char::from(digit.to_ascii_uppercase())));
                }
            }
            0x21..=0x7e => normal.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(normal)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(uri: &str) -> Option<String> {
        TargetUri::parse(uri).map(|target| target.0.into())
    }

    #[test]
    fn what_does_not_count_is_gone() {
        for (uri, expected) in [
            ("https://api.example.com/orders", "https://api.example.com/orders"),
            ("HTTPS://API.Example.COM:443/Orders?a=/b#c", "https://api.example.com/Orders"),
            ("http://a:80/b", "http://a/b"),
            ("http://a:443/b", "http://a:443/b"),
            ("https://a:80/b", "https://a:80/b"),
            ("https://a:8443/b", "https://a:8443/b"),
            ("https://a:", "https://a/"),
            ("https://a", "https://a/"),
            ("https://a?b", "https://a/"),
            ("https://a#b", "https://a/"),
            ("https://a/#b", "https://a/"),
            ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
            ("https://a/%7euser/%41%2f%e2%82%ac", "https://a/~user/A%2F%E2%82%AC"),
            ("https://a/b/./c/../d", "https://a/b/d"),
            ("https://a/b/%2e%2E/c/.", "https://a/c/"),
            ("https://a/../..", "https://a/"),
            ("https://a/b/..", "https://a/"),
            ("https://a//b/", "https://a//b/"),
            ("https://a/b//../c", "https://a/b/c"),
            ("https://a/b|c;d=1", "https://a/b|c;d=1"),
        ] {
            assert_eq!(normal(uri).as_deref(), Some(expected), "{uri}");
            assert_eq!(normal(expected).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_uri_of_http_is_none() {
        for other in [
            "",
            "a",
            "/a",
            "//a/b",
            "https:a",
            "https:/a/b",
            "ftp://a/b",
            "https://",
            "https:///a",
            "https://:443/a",
            "https://user@a/b",
            "https://a:b/c",
            "https://a:1:2/c",
            "https://[::1/a",
            "https://[]/a",
            "https://[::1]2/a",
            "https://[::g]/a",
            "https://a%2eb/c",
            "https://é/c",
            "https://a b/c",
            "https://a/b c",
            "https://a/é",
            "https://a/%",
            "https://a/%4",
            "https://a/%zz",
            "https://a\\b",
            " https://a/b",
        ] {
            assert_eq!(normal(other), None, "{other}");
        }
        assert_eq!(TargetUri::new(b"https", b"a", b"*"), None);
        assert_eq!(TargetUri::new(b"https,http", b"a", b"/"), None);
        assert_eq!(TargetUri::new(b"https", b"a", b"/\xff"), None);
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own(uri in "https?://[a-cA-C.:0-9]{1,9}(/(\\.|%2[eE]|%[4-6][0-9a-fA-F]|[a-z]){0,4}){0,5}") {
            if let Some(target) = TargetUri::parse(&uri) {
                prop_assert_eq!(TargetUri::parse(&target.0), Some(target.clone()));
            }
        }

        #[test]
        fn any_bytes_are_read(scheme: Vec<u8>, authority: Vec<u8>, path: Vec<u8>, uri: String) {
            TargetUri::new(&scheme, &authority, &path);
            TargetUri::new(b"https", &authority, &path);
            TargetUri::new(b"https", b"a", &path);
            TargetUri::parse(&uri);
        }
    }
}
