//! From a JWT access token to facts (RFC 9068 §4, RFC 8725 §3). What needs no key is judged before one is looked for.

use super::settings::Jwt;
use crate::base::json::{Json, Object, ObjectError, UnusableMember};
use crate::jose::compact::{Jws, JwsError};
use crate::outcome::Outcome;
use crate::token::claims::ClaimNames;
use crate::token::facts::Facts;
use std::fmt;

/// Members that other tokens of an issuer have: ID tokens (OpenID Connect Core §3.3.2.11), security events and logout
/// tokens (RFC 8417 §2.2), signed introspection answers (RFC 9701 §5).
const FOREIGN: [&str; 4] = ["at_hash", "c_hash", "events", "token_introspection"];

/// Members that say what a token is for, where they are there: Cognito, Curity, OpenAM.
const KINDS: [&str; 3] = ["token_use", "purpose", "tokenName"];

/// The times (RFC 7519 §4.1), which are numbers.
const TIMES: [&str; 3] = ["exp", "nbf", "iat"];

/// A token that reads well, before anybody has looked at its signature.
#[derive(Debug)]
pub struct Unverified<'t> {
    pub jws: Jws<'t>,
    pub facts: Facts,
}

/// Why a JWT is no access token of its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessTokenError {
    Jws(JwsError),
    /// Its payload is not one JSON object, or a member is given twice.
    NotAnObject,
    /// `typ` is not one of those accepted.
    Type,
    NoExpiry,
    /// This member has a type or value of no use.
    Unusable(&'static str),
    /// This member is one of another kind of token.
    OtherKind(&'static str),
}

impl Jwt {
    /// Reads a token; its signature is still to be verified.
    ///
    /// # Errors
    /// [`AccessTokenError`] when no signature could make it an access token.
    pub fn read<'t>(&self, token: &'t str, names: &ClaimNames) -> Result<Unverified<'t>, AccessTokenError> {
        let jws = Jws::read(token, &self.algorithms).map_err(AccessTokenError::Jws)?;
        if !self.types.accept(jws.header.typ.as_deref()) {
            return Err(AccessTokenError::Type);
        }
        // Everything is looked at: no member may be given twice.
        let claims = Object::read(&jws.payload, &|_| true)?;
        check_times(&claims)?;
        if let Some(name) = FOREIGN.into_iter().find(|name| claims.get(name).is_some()) {
            return Err(AccessTokenError::OtherKind(name));
        }
        if let Some(name) = KINDS.into_iter().find(|name| claims.present(name).is_some_and(|kind| !is_access(kind))) {
            return Err(AccessTokenError::OtherKind(name));
        }
        let facts = names.facts(&claims)?;
        Ok(Unverified { jws, facts })
    }
}

/// JSON numbers, not negative; `exp` must be there.
fn check_times(claims: &Object<'_>) -> Result<(), AccessTokenError> {
    for name in TIMES {
        match claims.get(name) {
            None => {}
            Some(Json::Number(number)) if number.as_f64().is_some_and(|number| number >= 0.0) => {}
            Some(_) => return Err(AccessTokenError::Unusable(name)),
        }
    }
    claims.get("exp").map(|_| ()).ok_or(AccessTokenError::NoExpiry)
}

/// `access`, `access_token`, `AccessToken`.
fn is_access(kind: &Json<'_>) -> bool {
    kind.as_text().is_some_and(|kind| {
        let letters: String = kind.chars().filter(char::is_ascii_alphabetic).collect();
        matches!(letters.to_ascii_lowercase().as_str(), "access" | "accesstoken")
    })
}

impl AccessTokenError {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Jws(JwsError::AlgorithmNotAccepted) => Outcome::BadSignature,
            Self::Jws(_) | Self::NotAnObject | Self::NoExpiry | Self::Unusable(_) => Outcome::MalformedToken,
            Self::Type | Self::OtherKind(_) => Outcome::WrongTokenType,
        }
    }
}

impl From<ObjectError> for AccessTokenError {
    fn from(_: ObjectError) -> Self {
        Self::NotAnObject
    }
}

impl From<UnusableMember> for AccessTokenError {
    fn from(UnusableMember(name): UnusableMember) -> Self {
        Self::Unusable(name)
    }
}

impl fmt::Display for AccessTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jws(error) => error.fmt(f),
            Self::NotAnObject => f.write_str("the payload is not a JSON object, or a member is given twice"),
            Self::Type => f.write_str("typ is not one of jwt.types"),
            Self::NoExpiry => f.write_str("no exp"),
            Self::Unusable(name) => write!(f, "{name} has a type or value of no use"),
            Self::OtherKind(name) => write!(f, "{name} is that of another kind of token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::http::HttpUrl;
    use crate::feed::fresh_document::Freshening;
    use crate::jose::algorithm::Algorithm;
    use crate::jose::base64url::encode;
    use crate::provider::jwt::settings::{KeySource, TokenTypes};
    use serde_json::{Value, json};
    use std::time::Duration;

    fn jwt() -> Jwt {
        let url = HttpUrl::parse("https://idp/jwks").ok();
        Jwt {
            keys: KeySource::Fetched {
                url,
                cluster: None,
                freshening: Freshening { refresh: Duration::ZERO, timeout: Duration::ZERO },
            },
            algorithms: vec![Algorithm::Rs256],
            types: TokenTypes::default(),
            introspects: false,
        }
    }

    /// What becomes of a token with this header and payload: whose it is.
    fn read(header: &Value, payload: &str) -> Result<Option<Box<str>>, AccessTokenError> {
        let parts = [header.to_string(), payload.to_owned(), "signature".to_owned()];
        let token = parts.map(|part| encode(part.as_bytes())).join(".");
        jwt().read(&token, &ClaimNames::default()).map(|unverified| unverified.facts.client_id)
    }

    /// A good one with this member, if it is not null.
    fn with(name: &str, value: Value) -> Result<Option<Box<str>>, AccessTokenError> {
        let mut payload = json!({"client_id": "portal", "exp": 2_000_000_000});
        payload.as_object_mut().unwrap().insert(name.to_owned(), value);
        read(&json!({"alg": "RS256"}), &payload.to_string())
    }

    #[test]
    fn an_access_token_says_whose_it_is() {
        assert_eq!(with("nbf", json!(0)), Ok(Some("portal".into())));
        assert_eq!(with("iat", json!(1.5e9)), Ok(Some("portal".into())));
    }

    #[test]
    fn times_are_numbers_from_0_on_and_one_is_when_it_expires() {
        for name in ["exp", "nbf", "iat"] {
            for value in [json!(-1), json!(-0.5), json!("5"), json!(null), json!([5])] {
                assert_eq!(with(name, value.clone()), Err(AccessTokenError::Unusable(name)), "{value}");
            }
        }
        let header = json!({"alg": "RS256"});
        assert_eq!(read(&header, r#"{"client_id":"portal","iat":5}"#), Err(AccessTokenError::NoExpiry));
    }

    #[test]
    fn other_kinds_of_tokens_are_refused() {
        for name in ["at_hash", "c_hash", "events", "token_introspection"] {
            assert_eq!(with(name, json!(null)), Err(AccessTokenError::OtherKind(name)));
        }
        for name in ["token_use", "purpose", "tokenName"] {
            for kind in [json!("id"), json!("refresh_token"), json!(""), json!(1)] {
                assert_eq!(with(name, kind.clone()), Err(AccessTokenError::OtherKind(name)), "{kind}");
            }
            for kind in ["access", "access_token", "AccessToken"] {
                assert!(with(name, json!(kind)).is_ok(), "{kind}");
            }
        }
        let typed = |typ: &str| read(&json!({"alg": "RS256", "typ": typ}), r#"{"exp":5}"#);
        assert_eq!(typed("id+jwt"), Err(AccessTokenError::Type));
        assert_eq!(typed("at+jwt"), Ok(None));
    }

    #[test]
    fn each_refusal_says_why_and_what_it_comes_to() {
        let header = json!({"alg": "RS256"});
        let refusals = [
            (read(&json!({"alg": "none"}), "{}"), "", Outcome::BadSignature),
            (read(&header, "[]"), "payload", Outcome::MalformedToken),
            (read(&header, r#"{"exp":5,"exp":6}"#), "twice", Outcome::MalformedToken),
            (read(&header, "{}"), "no exp", Outcome::MalformedToken),
            (with("exp", json!("5")), "exp has", Outcome::MalformedToken),
            (with("sub", json!(5)), "sub has", Outcome::MalformedToken),
            (with("events", json!({})), "events is", Outcome::WrongTokenType),
            (read(&json!({"alg": "RS256", "typ": "x"}), r#"{"exp":5}"#), "typ", Outcome::WrongTokenType),
        ];
        for (refusal, said, outcome) in refusals {
            let error = refusal.unwrap_err();
            assert_eq!(error.outcome(), outcome, "{error}");
            let text = error.to_string();
            assert!(!text.is_empty() && text.contains(said), "{text}");
        }
    }
}
