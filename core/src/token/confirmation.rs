//! The key that a token is bound to (RFC 7800 §3.1, `cnf`): a fact about the token. Whether a request proves possession
//! of it is judged anew each time.

use crate::base::json::{Json, Object, UnusableMember};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The SHA-256 that names a key or a certificate.
pub type Thumbprint = [u8; 32];

/// What a request has to prove possession of. Where both are named, both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// One of them at least.
    Of {
        /// `jkt`: the thumbprint of a public key (RFC 9449 §6.1).
        key: Option<Thumbprint>,
        /// `x5t#S256`: the thumbprint of a client's certificate (RFC 8705 §3.1).
        certificate: Option<Thumbprint>,
    },
    /// Bound to something that nobody can prove here.
    Unprovable,
}

impl Confirmation {
    /// What the claims say. A member of `cnf` that is not understood would leave something unproved: RFC 7800 §3.1 lets
    /// it be ignored, but not where all of a binding is to be enforced.
    ///
    /// # Errors
    /// [`UnusableMember`] when `token_type` is no string.
    pub fn of(claims: &Object<'_>) -> Result<Option<Box<Self>>, UnusableMember> {
        let is_dpop = claims.text("token_type")?.is_some_and(|name| name.eq_ignore_ascii_case("DPoP"));
        let confirmation = match claims.present("cnf") {
            None if !is_dpop => return Ok(None),
            None => Self::Unprovable,
            Some(cnf) => Self::read(cnf).unwrap_or(Self::Unprovable),
        };
        // RFC 9449 §5: a token of this type is bound to the key of a proof.
        Ok(Some(Box::new(if is_dpop && !confirmation.is_of_key() { Self::Unprovable } else { confirmation })))
    }

    /// Whether a DPoP proof is asked for.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::Of { key: Some(_), .. })
    }

    fn read(cnf: &Json<'_>) -> Option<Self> {
        let Json::Object(members) = cnf else { return None };
        let (mut key, mut certificate) = (None, None);
        for (name, value) in members.iter().filter(|(_, value)| !matches!(value, Json::Null)) {
            let place = match name {
                "jkt" => &mut key,
                "x5t#S256" => &mut certificate,
                _ => return None,
            };
            *place = Some(thumbprint(value.as_text()?)?);
        }
        (key.is_some() || certificate.is_some()).then_some(Self::Of { key, certificate })
    }
}

/// The one spelling of a thumbprint as text: base64url without padding (RFC 7515 §2), no bit left over.
pub fn thumbprint(text: &str) -> Option<Thumbprint> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONES: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    const TWOS: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

    fn of(claims: &str) -> Result<Option<Confirmation>, UnusableMember> {
        let claims = Object::read(claims.as_bytes(), &|_| true).unwrap();
        Confirmation::of(&claims).map(|found| found.map(|boxed| *boxed))
    }

    fn key_and_certificate(key: Option<u8>, certificate: Option<u8>) -> Result<Option<Confirmation>, UnusableMember> {
        let [key, certificate] = [key, certificate].map(|byte| byte.map(|byte| [byte; 32]));
        Ok(Some(Confirmation::Of { key, certificate }))
    }

    #[test]
    fn each_member_is_read_and_two_mean_both() {
        assert_eq!(of(&format!(r#"{{"cnf":{{"jkt":"{ONES}"}}}}"#)), key_and_certificate(Some(1), None));
        assert_eq!(of(&format!(r#"{{"cnf":{{"x5t#S256":"{TWOS}"}}}}"#)), key_and_certificate(None, Some(2)));
        let both = format!(r#"{{"cnf":{{"x5t#S256":"{TWOS}","jkt":"{ONES}"}},"token_type":"dpop"}}"#);
        assert_eq!(of(&both), key_and_certificate(Some(1), Some(2)));
        let null = format!(r#"{{"cnf":{{"x5t#S256":null,"jkt":"{ONES}"}}}}"#);
        assert_eq!(of(&null), key_and_certificate(Some(1), None));
        for none in ["{}", r#"{"cnf":null}"#, r#"{"token_type":"Bearer"}"#, r#"{"token_type":null}"#] {
            assert_eq!(of(none), Ok(None), "{none}");
        }
    }

    #[test]
    fn what_is_not_understood_cannot_be_proved() {
        for cnf in [
            "{}".to_owned(),
            "[]".to_owned(),
            "true".to_owned(),
            format!("\"{ONES}\""),
            r#"{"jkt":null}"#.to_owned(),
            r#"{"jkt":1}"#.to_owned(),
            r#"{"jkt":""}"#.to_owned(),
            r#"{"kid":"a"}"#.to_owned(),
            format!(r#"{{"jkt":"{ONES}","kid":"a"}}"#),
            format!(r#"{{"jkt":"{ONES}","x5t#S256":[]}}"#),
            format!(r#"{{"jkt":["{ONES}"]}}"#),
            format!(r#"{{"JKT":"{ONES}"}}"#),
            // Padded, not canonical, of another alphabet, and too long.
            format!(r#"{{"jkt":"{ONES}="}}"#),
            format!(r#"{{"jkt":"{}F"}}"#, &ONES[..42]),
            format!(r#"{{"jkt":"+{}"}}"#, &ONES[1..]),
            format!(r#"{{"jkt":"AQ{ONES}"}}"#),
        ] {
            assert_eq!(of(&format!(r#"{{"cnf":{cnf}}}"#)), Ok(Some(Confirmation::Unprovable)), "{cnf}");
        }
    }

    #[test]
    fn a_token_of_type_dpop_is_bound_to_a_key() {
        for unprovable in [
            r#"{"token_type":"DPoP"}"#.to_owned(),
            r#"{"token_type":"dpop","cnf":null}"#.to_owned(),
            format!(r#"{{"token_type":"DPOP","cnf":{{"x5t#S256":"{ONES}"}}}}"#),
        ] {
            assert_eq!(of(&unprovable), Ok(Some(Confirmation::Unprovable)), "{unprovable}");
        }
        assert_eq!(of(r#"{"token_type":1}"#), Err(UnusableMember("token_type")));
    }

    proptest! {
        #[test]
        fn a_thumbprint_has_one_spelling(text in "[A-Za-z0-9_-]{43}", bytes: Thumbprint) {
            if let Some(read) = thumbprint(&text) {
                prop_assert_eq!(URL_SAFE_NO_PAD.encode(read), text);
            }
            prop_assert_eq!(thumbprint(&URL_SAFE_NO_PAD.encode(bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_read(text: String) {
            thumbprint(&text);
        }
    }
}
