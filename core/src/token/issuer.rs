//! Reads the issuer that a JWT-shaped token names, only to choose which provider to ask. It is not trusted.

use crate::base::json::Object;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The unverified `iss` (RFC 7519 §4.1.1) of a token in JWS compact form (RFC 7515 §3.1); `None` for an opaque token.
pub fn unverified_issuer(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || header.is_empty() {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims = Object::read(&json, &|name| name == "iss").ok()?;
    claims.get("iss")?.as_text().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("eyJ9.{}.sig", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn reads_iss_from_what_looks_like_a_jwt_only() {
        assert_eq!(unverified_issuer(&token(r#"{"sub":"s","iss":"https://a"}"#)).as_deref(), Some("https://a"));
        assert_eq!(unverified_issuer(&token(r#"{"iss":7}"#)), None);
        assert_eq!(unverified_issuer(&token(r#"{"iss":"a","iss":"b"}"#)), None);
        assert_eq!(unverified_issuer(&token("[]")), None);
        assert_eq!(unverified_issuer(&token(r#"["https://a"]"#)), None);
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://a"}"#);
        for shape in ["eyJ9.P.sig.x", "eyJ9.P.sig.", ".P.sig", "eyJ9.P", "P"] {
            assert_eq!(unverified_issuer(&shape.replace('P', &payload)), None, "{shape}");
        }
        for opaque in ["abc", "a.b", "a.b.c.d", "..", "a.!.c", "a..c"] {
            assert_eq!(unverified_issuer(opaque), None, "{opaque}");
        }
    }
}
