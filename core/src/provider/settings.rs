//! The settings of one authorization server.

use super::introspection::request::Endpoint;
use crate::token::bearer::Bearer;
use crate::token::claims::ClaimNames;
use crate::token::digest::{Digest, TokenNames};
use std::time::Duration;

/// One authorization server.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: Box<str>,
    pub slot: usize,
    /// How it is asked.
    pub endpoint: Endpoint,
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
    pub fn new(name: Box<str>, endpoint: Endpoint, checks: TokenChecks, claims: ClaimNames) -> Self {
        let token_names = TokenNames::new(&name);
        Self { name, slot: 0, endpoint, checks, claims, token_names }
    }

    /// The token's name in shared data and in messages.
    pub fn token_name(&self, token: &Bearer) -> Digest {
        self.token_names.name(token.expose().as_bytes())
    }
}
