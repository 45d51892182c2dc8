//! Contracts: what binds an application to an API under a tier, from the request to the end.
//!
//! What can be done to one is in [`super::contract_action`], what a tier says about it in [`super::contract_terms`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::time::Time;
use crate::domain::words::word_of;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContractStatus {
    Pending,
    Active,
    Suspended,
    Rejected,
    Withdrawn,
    Revoked,
}

impl ContractStatus {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("pending", Self::Pending),
        ("active", Self::Active),
        ("suspended", Self::Suspended),
        ("rejected", Self::Rejected),
        ("withdrawn", Self::Withdrawn),
        ("revoked", Self::Revoked),
    ];

    pub fn word(self) -> &'static str {
        word_of(Self::WORDS, self)
    }

    /// The others are final.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Suspended)
    }
}

/// What a contract waits for before it, or a change of its tier, is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContractWait {
    Approval,
    /// A live client of the application at a provider that serves the environment.
    Client,
}

/// A contract as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessContract {
    pub id: String,
    pub environment: String,
    pub api: String,
    pub application: String,
    /// In force, or asked for while it is pending.
    pub tier: String,
    /// Waits for approval while `tier` stays in force.
    pub requested_tier: Option<String>,
    pub name: String,
    pub not_before: Option<Time>,
    pub expires_at: Option<Time>,
    pub status: ContractStatus,
    /// By a person or by the word of `tier`.
    pub approved: bool,
    /// Whether there is a live client for it; kept by whoever changes clients.
    pub has_client: bool,
    pub requested_by: String,
    pub requested_at: Time,
    /// Who asked for the latest change of tier, which has been decided on or not.
    pub changed_by: Option<String>,
    pub decided_by: Option<String>,
    pub decided_at: Option<Time>,
    /// Of the request, then of the last transition.
    pub reason: String,
    pub created_at: Time,
    pub updated_at: Time,
}

impl AccessContract {
    /// The tier that somebody has to decide on.
    pub fn undecided_tier(&self) -> Option<&str> {
        match self.status {
            ContractStatus::Pending => Some(self.tier.as_str()).filter(|_| !self.approved),
            ContractStatus::Active => self.requested_tier.as_deref(),
            _ => None,
        }
    }

    /// The tier whose terms say whether who asked for the contract may decide on it now.
    pub fn tier_in_question(&self) -> Option<&str> {
        match self.status {
            ContractStatus::Suspended => Some(self.tier.as_str()),
            _ => self.undecided_tier(),
        }
    }

    pub fn waiting_for(&self) -> Vec<ContractWait> {
        let approval = self.undecided_tier().map(|_| ContractWait::Approval);
        let client = (self.status == ContractStatus::Pending && !self.has_client).then_some(ContractWait::Client);
        approval.into_iter().chain(client).collect()
    }

    pub fn in_force(&self, now: Time) -> bool {
        self.status == ContractStatus::Active
            && self.not_before.is_none_or(|start| now >= start)
            && self.expires_at.is_none_or(|end| now < end)
    }

    /// Where its API is in the table of APIs.
    pub fn api_key(&self) -> String {
        format!("{}/{}", self.environment, self.api)
    }

    /// What only one open contract has.
    pub fn open_key(&self) -> String {
        format!("{}/{}", self.application, self.api_key())
    }

    /// Where a tier of its API is in the table of tiers.
    pub fn tier_key(&self, tier: &str) -> String {
        format!("{}/{}/{tier}", self.environment, self.api)
    }
}
