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
