//! What an authorization server said about a token: facts, never verdicts.

use super::confirmation::Confirmation;
use crate::base::time::Timestamp;
use std::rc::Rc;

/// The state of a token (RFC 7662 §2.2, `active`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    Active(Rc<Facts>),
    /// Not active; the server says no more.
    Inactive,
}

/// The meta-information of an active token (RFC 7662 §2.2), reduced to what the configuration uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Client the token was issued to; never empty.
    pub client_id: Option<Box<str>>,
    /// `sub`.
    pub subject: Option<Box<str>>,
    /// `username`.
    pub username: Option<Box<str>>,
    /// `iss`.
    pub issuer: Option<Box<str>>,
    /// Scope tokens, in the order of the answer.
    pub scope: Vec<Box<str>>,
    /// `aud`.
    pub audience: Vec<Box<str>>,
    /// End of validity: `exp`, or the answer's arrival plus `expires_in`.
    pub expires_at: Option<Timestamp>,
    pub not_before: Option<Timestamp>,
    /// Said to be another kind of token than an access token: a refresh, ID, offline or logout token.
    pub other_kind: bool,
    /// What it is bound to (`cnf`, or a `token_type` of `DPoP`): good only with a proof of possession.
    pub confirmation: Option<Box<Confirmation>>,
    /// Further members that the configuration asks for, by JSON pointer or by the end of a header's name, as header
    /// text.
    pub claims: Vec<(Box<str>, Box<str>)>,
    /// Of the values that some rule asks for at a JSON pointer, those that stand there, as [`super::scalar::scalar`]
    /// has them.
    pub said: Vec<(Box<str>, Box<str>)>,
}
