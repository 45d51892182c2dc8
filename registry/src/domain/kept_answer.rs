//! First answers to requests with an `Idempotency-Key`: what repeats them is answered with them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::principal::Role;
use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// SHA-256 of principal and key.
    pub id: String,
    pub at: Time,
    /// Of the principal then.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// SHA-256 of method, path and body.
    pub request: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// Without secrets.
    pub body: Value,
}

impl KeptAnswer {
    /// Whether whoever has these roles has all that it was given to: who has lost one may not read it any more.
    pub fn is_for(&self, roles: &[Role]) -> bool {
        let held: BTreeSet<String> = roles.iter().map(Role::to_string).collect();
        roles.contains(&Role::Admin) || self.roles.is_subset(&held)
    }
}
