//! One-time tokens: initial access tokens (RFC 7591, 3) of which each registers one client.

use serde::{Deserialize, Serialize};

use crate::domain::members::Members;
use crate::domain::provider::credential::bearer_credential;
use crate::domain::reader::set;
use crate::domain::time::Time;

/// Tokens that a pool has at most.
pub const MAX_ONE_TIME: usize = 1000;

/// One that has not been used, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeToken {
    pub id: String,
    pub provider: String,
    /// Sealed.
    pub token: String,
    pub created_at: Time,
}

/// Where the token itself is.
pub fn one_time_place(id: &str) -> String {
    format!("one_time_tokens/{id}/token")
}

/// Tokens as they are given: in the clear, to be sealed at once; none of them twice.
pub fn given_tokens(members: &mut Members<'_>) -> Vec<String> {
    let mut tokens = Vec::new();
    let token = |value: &serde_json::Value| bearer_credential(value).map(str::to_owned);
    members.required("tokens", &mut tokens, set(1..=MAX_ONE_TIME, token));
    tokens
}
