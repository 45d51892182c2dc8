//! The settings of one authorization server.

use super::introspection::request::Introspection;
use crate::token::bearer::Bearer;
use crate::token::claims::ClaimNames;
use crate::token::digest::{Digest, TokenNames};
use std::rc::Rc;
use std::time::Duration;

/// One authorization server.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: Box<str>,
    pub slot: usize,
    /// How it is asked, if it is.
    pub introspection: Option<Rc<Introspection>>,
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
        Self { name, slot: 0, introspection: introspection.map(Rc::new), checks, claims, token_names }
    }

    /// The token's name in shared data and in messages.
    pub fn token_name(&self, token: &Bearer) -> Digest {
        self.token_names.name(token.expose().as_bytes())
    }
}
