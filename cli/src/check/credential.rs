//! Texts that may hold a credential although they stand in no place for one.

use tessera_core::base::http::HttpUrl;

/// Whether it is a URL that may carry a credential.
pub fn may_hold_credentials(text: &str) -> bool {
    let rest = text.split_once("://").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.contains('?') || rest.split("@sha256:").next().is_some_and(|rest| rest.contains('@')))
}

/// Whether a key looks like a name, or like an origin: one of another form may be a header or a URL with a credential.
pub fn is_plain_key(key: &str) -> bool {
    let is_name = |name: &str| {
        !name.contains(|letter: char| letter.is_whitespace() || letter.is_control() || ":@?=;,\"".contains(letter))
    };
    is_name(key.strip_prefix('@').unwrap_or(key)) || (HttpUrl::parse(key).is_ok() && !may_hold_credentials(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_origins_are_plain() {
        for key in ["", "env", "@type", "x-key", "a.b[0]", "<<", "a/b", "https://idp.example.com:8443", "größe"] {
            assert!(is_plain_key(key), "{key}");
        }
        for key in [
            "authorization: Bearer x",
            "Authorization:Basic",
            "u:p@idp",
            "https://u:p@idp",
            "https://idp/?k=x",
            "a b",
            "a\nb",
            "u@idp",
            "https://",
        ] {
            assert!(!is_plain_key(key), "{key}");
        }
    }
}
