//! Where an API listens, and whether APIs can be told apart by that.

use super::policy::Api;
use tessera_core::policy::paths::PathPattern;

/// An address such as `http://0.0.0.0:8081/orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host and port.
    pub authority: Box<str>,
    /// The path without a slash at its end.
    pub base: Box<str>,
    /// Whether the path could be read; else `base` is empty.
    pub is_sound: bool,
}

pub fn read(text: &str) -> Address {
    let text = text.trim();
    let after_scheme = text.find("://").map_or(0, |at| at + 3);
    let end = text.get(after_scheme..).and_then(|rest| rest.find(['/', '?', '#'])).map(|at| after_scheme + at);
    let (authority, path) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    let base = path.strip_suffix('/').unwrap_or(path);
    let is_pattern =
        |base: &str| PathPattern::parse(base).is_ok_and(|pattern| pattern.is_plain()) && !base.ends_with('*');
    let is_sound = base.is_empty() || is_pattern(base);
    Address {
        authority: authority.to_ascii_lowercase().into(),
        base: if is_sound { base.into() } else { "".into() },
        is_sound,
    }
}

/// The order in which APIs are tried: that of the input, but one that lies within another before it.
pub fn order(apis: &[&Api]) -> Vec<usize> {
    let mut left: Vec<(usize, &Api)> = apis.iter().copied().enumerate().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let has_none_within = |api: &Api| !left.iter().any(|(_, other)| is_within(&other.base, &api.base));
        // There always is one: nothing lies within itself.
        let next = left.iter().position(|(_, api)| has_none_within(api)).unwrap_or_default();
        order.push(left.remove(next).0);
    }
    order
}

/// Whether paths that begin with `inner` are all below `outer`.
fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a request could be meant for either API: they have the same paths, or one lies within the other at another
/// address, which is not looked at here.
pub fn are_confused(one: &Api, other: &Api) -> bool {
    let at_one_address = one.authority.is_some() && one.authority == other.authority;
    one.base == other.base
        || (!at_one_address && (is_within(&one.base, &other.base) || is_within(&other.base, &one.base)))
}

/// A host name that nobody has (RFC 2606), made of an id.
pub fn nobodys_host(id: &str) -> String {
    let label: String =
        id.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '-' }).collect();
    format!("{}.invalid", label.to_ascii_lowercase().chars().take(63).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::node::Place;
    use crate::import_anypoint::change::At;

    #[test]
    fn the_path_of_an_address_is_what_paths_begin_with() {
        for (text, authority, base, is_sound) in [
            ("http://0.0.0.0:8081", "http://0.0.0.0:8081", "", true),
            ("http://0.0.0.0:8081/", "http://0.0.0.0:8081", "", true),
            ("HTTPS://0.0.0.0:8081/orders/v1/", "https://0.0.0.0:8081", "/orders/v1", true),
            ("0.0.0.0:80/orders", "0.0.0.0:80", "/orders", true),
            ("http://h:1/a//b", "http://h:1", "", false),
            ("http://h:1/a*", "http://h:1", "", false),
            ("http://h:1/{x}?a=b", "http://h:1", "", false),
            ("http://h:1?a=b", "http://h:1", "", false),
            ("", "", "", true),
        ] {
            let expected = Address { authority: authority.into(), base: base.into(), is_sound };
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn apis_are_confused_where_only_the_address_tells_them_apart() {
        let api = |authority: Option<&str>, base: &str| Api {
            id: "x".into(),
            at: At { file: 0, place: Place { line: 1, column: 1 } },
            authority: authority.map(Into::into),
            base: base.into(),
        };
        let (a, b) = (Some("http://a:1"), Some("http://b:1"));
        for (one, other, expected) in [
            (api(a, ""), api(a, "/x"), false),
            (api(a, ""), api(b, "/x"), true),
            (api(a, "/x"), api(b, "/x"), true),
            (api(a, "/x"), api(a, "/x"), true),
            (api(a, "/x"), api(b, "/xy"), false),
            (api(a, "/x"), api(b, "/y"), false),
            (api(None, ""), api(None, ""), true),
            (api(None, ""), api(a, "/x"), true),
        ] {
            assert_eq!(are_confused(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(are_confused(&other, &one), expected);
        }
        let apis = [api(a, "/z"), api(a, "/x"), api(a, ""), api(a, "/x/y"), api(a, "/x/y/z"), api(a, "/xy")];
        assert_eq!(order(&apis.iter().collect::<Vec<_>>()), [0, 4, 3, 1, 5, 2]);
        assert_eq!(nobodys_host("Orders v1.2"), "orders-v1-2.invalid");
    }
}
