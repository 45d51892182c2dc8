//! Request methods that no rule is reliable for.

use crate::base::fields::is_token;

/// Whether an upstream could read `method` as another one than a comparison with the `configured` ones does. Methods
/// have case (RFC 9110 §9.1), but frameworks convert them to capitals before they compare, with the rules of Unicode
/// (`poſt`). HTTP/2 lets every case through.
#[inline]
pub fn is_ambiguous(method: &[u8], configured: &[Box<str>]) -> bool {
    let is_configured = configured.iter().any(|name| name.as_bytes() == method);
    !is_configured && (!is_token(method) || configured.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(method)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_case_of_configured_methods_matters() {
        let configured: Vec<Box<str>> = vec!["POST".into(), "purge".into()];
        for plain in ["POST", "purge", "GET", "get", "PURGED", "M-SEARCH", "POS"] {
            assert!(!is_ambiguous(plain.as_bytes(), &configured), "{plain}");
        }
        for odd in ["post", "Post", "PURGE", "poſt", "POST ", " POST", "PO\tST", "POST,GET", "", "gét"] {
            assert!(is_ambiguous(odd.as_bytes(), &configured), "{odd:?}");
        }
        assert!(is_ambiguous(b"\xff", &configured));
    }
}
