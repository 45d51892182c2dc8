//! An access token as text (RFC 6750 §2.1, `b64token`).

use std::fmt;

/// A well-formed access token. `Debug` hides it, so that it appears in no log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bearer(Box<str>);

impl Bearer {
    /// Takes `bytes` as a token if they form a `b64token`: one or more of `A–Z a–z 0–9 - . _ ~ + /`, then any number of
    /// `=`. `!` is taken too: Salesforce tokens contain it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let core_end = bytes.iter().rposition(|byte| *byte != b'=')?;
        let core = bytes.get(..=core_end)?;
        let well_formed = core.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/!".contains(byte));
        if !well_formed {
            return None;
        }
        std::str::from_utf8(bytes).ok().map(|text| Self(text.into()))
    }

    /// The token itself. Each call is a place where it could leak.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_what_rfc_6750_calls_a_b64token_and_nothing_else() {
        for good in ["a", "mF_9.B5f-4.1JqM", "a+b/c~d", "abc==", "A===", "00D30!AQ4"] {
            assert_eq!(Bearer::parse(good.as_bytes()).unwrap().expose(), good);
        }
        for bad in ["", "=", "==", "a=b", "a b", "a,b", "a%20", "a&b", "a\u{e9}", "a\n", "\"a\""] {
            assert_eq!(Bearer::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Bearer::parse(b"\xff"), None);
        assert_eq!(format!("{:?}", Bearer::parse(b"secret")), "Some(Bearer(…))");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes: Vec<u8>) {
            if let Some(token) = Bearer::parse(&bytes) {
                prop_assert_eq!(token.expose().as_bytes(), &bytes[..]);
            }
        }
    }
}
