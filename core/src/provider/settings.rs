//! The settings of one authorization server.

use super::discovery::Discovery;
use super::introspection::request::Introspection;
use super::jwt::settings::Jwt;
use crate::token::bearer::Bearer;
use crate::token::claims::ClaimNames;
use crate::token::digest::{Digest, TokenNames};
use crate::token::issuer::unverified_issuer;
use std::rc::Rc;
use std::time::Duration;

/// One authorization server.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: Box<str>,
    pub slot: usize,
    /// How it is asked, if it is.
    pub introspection: Option<Rc<Introspection>>,
    /// How its JWTs are verified here, if they are.
    pub jwt: Option<Jwt>,
    pub discovery: Option<Discovery>,
    pub checks: TokenChecks,
    pub claims: ClaimNames,
    pub(crate) token_names: TokenNames,
}

/// What a provider's tokens are checked against.
#[derive(Clone, Debug, Default)]
pub struct TokenChecks {
    /// Compared with `iss`, where the answer has one.
    pub issuer: Option<Box<str>>,
    /// One of these must be in `aud`; empty = not checked.
    pub audiences: Vec<Box<str>>,
    /// How far the authorization server's clock may be off.
    pub clock_skew: Duration,
    /// Whether a token bound to a key passes without a proof of possession.
    pub ignore_key_binding: bool,
}

impl Provider {
    /// The first provider, if no other slot is given.
    pub fn new(name: Box<str>, introspection: Option<Introspection>, checks: TokenChecks, claims: ClaimNames) -> Self {
        let token_names = TokenNames::new(&name);
        Self {
            name,
            slot: 0,
            introspection: introspection.map(Rc::new),
            jwt: None,
            discovery: None,
            checks,
            claims,
            token_names,
        }
    }

    /// How the token is verified here, if it is a JWT of this provider's issuer and such tokens are. It is the token
    /// itself that names its issuer: nothing is to be believed of it before.
    pub fn verifies(&self, token: &Bearer) -> Option<&Jwt> {
        let jwt = self.jwt.as_ref()?;
        (unverified_issuer(token.expose()).as_deref() == self.checks.issuer.as_deref()).then_some(jwt)
    }

    /// The token's name in shared data and in messages.
    pub fn token_name(&self, token: &Bearer) -> Digest {
        self.token_names.name(token.expose().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::jwk_set::KeySet;
    use crate::provider::jwt::settings::{KeySource, TokenTypes};
    use crate::token::digest::token_digest;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[test]
    fn only_a_jwt_of_its_own_issuer_is_verified_here() {
        let jwt = Jwt {
            keys: KeySource::Inline(Rc::new(KeySet::read(br#"{"keys":[]}"#).unwrap())),
            algorithms: Vec::new(),
            types: TokenTypes::default(),
            introspects: false,
        };
        let plain = crate::provider::samples::provider("main");
        let checks = TokenChecks { issuer: Some("https://idp".into()), ..TokenChecks::default() };
        let verifying = Provider { jwt: Some(jwt), checks, ..plain.clone() };
        let of = |issuer: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"{issuer}"}}"#)));
        for (token, is_verified) in [
            (of("https://idp"), true),
            (of("https://idp/"), false),
            (of(""), false),
            ("opaque".to_owned(), false),
            ("e30.e30.sig".to_owned(), false),
        ] {
            let token = Bearer::parse(token.as_bytes()).unwrap();
            assert_eq!(verifying.verifies(&token).is_some(), is_verified, "{}", token.expose());
            assert!(plain.verifies(&token).is_none());
        }
    }

    #[test]
    fn a_token_is_named_for_its_provider() {
        let provider = crate::provider::samples::provider("main");
        let token = Bearer::parse(b"abc").unwrap();
        assert_eq!(provider.token_name(&token), token_digest("main", b"abc"));
        assert_ne!(provider.token_name(&token), token_digest("other", b"abc"));
    }
}
