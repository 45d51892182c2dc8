//! What was found out about a provider by trying it.

use serde::Serialize;
use serde_json::Value;

use crate::domain::client::AuthMethod;
use crate::domain::provider::Management;
use crate::domain::tier::Grant;
use crate::domain::time::Time;

/// All of it, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeReport {
    pub provider: String,
    pub at: Time,
    /// A client that is registered there would become live.
    pub usable: bool,
    pub steps: Vec<ProbeStep>,
    pub found: Findings,
    pub warnings: Vec<String>,
    /// Ids of clients that are there still.
    pub left_behind: Vec<String>,
    /// The provider as it was found, without credentials.
    pub block: Value,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeStep {
    pub step: &'static str,
    pub outcome: &'static str,
    pub status: Option<u16>,
    pub ms: u64,
    pub detail: Option<String>,
}

/// `None` is what was not learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    pub management: Option<Management>,
    pub can_update: Option<bool>,
    pub can_delete: Option<bool>,
    pub registration_token_rotates: Option<bool>,
    pub secret_in_read: Option<bool>,
    pub scope: Option<ScopeFinding>,
    pub auth_methods: Option<Vec<AuthMethod>>,
    pub grants: Option<Vec<Grant>>,
    pub parallel: Option<u8>,
    pub token: Option<TokenForm>,
    pub introspection: Option<IntrospectionFinding>,
    pub client_id_claim: Option<String>,
    pub active_after_delete: Option<bool>,
}

/// What an answer says of the scope that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeFinding {
    Kept,
    Missing,
    Fewer,
    Wider,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenForm {
    Opaque,
    Jwt,
}

/// What introspection says of a token that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IntrospectionFinding {
    Active,
    Inactive,
    /// It does not say anything.
    Refused,
    /// The provider has none.
    None,
}
