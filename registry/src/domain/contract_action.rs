//! The transitions of contracts: who may do what in which state, and what it leads to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::contract::{AccessContract, ContractStatus};
use crate::domain::contract_terms::{Dates, TierTerms};
use crate::domain::fault::Fault;
use crate::domain::time::Time;

/// Who decides when a tier does.
const SYSTEM: &str = "system";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContractAction {
    Approve,
    Reject,
    Withdraw,
    Suspend,
    Resume,
    Revoke,
    Tier,
}

/// What somebody is to a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'a> {
    pub principal: &'a str,
    /// Owner of the API's group.
    pub owns_api: bool,
    /// Developer of the application's group.
    pub develops: bool,
}

/// Who acts, why and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub now: Time,
}

/// Why an action does not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unacted {
    /// Not in this state.
    Impossible,
    /// Its dates cannot be.
    Dates(Vec<Fault>),
}

impl From<Vec<Fault>> for Unacted {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Dates(faults)
    }
}

/// A request for access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    pub id: String,
    pub environment: String,
    pub api: String,
    pub application: String,
    pub name: String,
    pub dates: Dates,
    pub has_client: bool,
}

impl ContractAction {
    pub const ALL: [Self; 7] =
        [Self::Approve, Self::Reject, Self::Withdraw, Self::Suspend, Self::Resume, Self::Revoke, Self::Tier];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
            Self::Tier => "tier",
        }
    }

    /// Whether it is theirs to do, in whichever state.
    pub const fn may(self, party: &Party<'_>) -> bool {
        match self {
            Self::Approve | Self::Reject | Self::Suspend | Self::Resume => party.owns_api,
            Self::Withdraw | Self::Tier => party.develops,
            Self::Revoke => party.owns_api || party.develops,
        }
    }

    /// Whether it lets a contract be used: not for who asked for the contract. Where the tier gives the approval,
    /// nobody else has to resume it either.
    pub const fn is_four_eyes(self, automatic: bool) -> bool {
        match self {
            Self::Approve => true,
            Self::Resume => !automatic,
            _ => false,
        }
    }
}

impl AccessContract {
    /// A new contract. An automatic tier approves it at once.
    ///
    /// # Errors
    /// Dates that cannot be.
    pub fn request(request: AccessRequest, terms: &TierTerms, act: &Act<'_>) -> Result<Self, Vec<Fault>> {
        let mut contract = Self {
            id: request.id,
            environment: request.environment,
            api: request.api,
            application: request.application,
            tier: terms.tier.clone(),
            requested_tier: None,
            name: request.name,
            not_before: None,
            expires_at: None,
            status: ContractStatus::Pending,
            approved: false,
            has_client: request.has_client,
            requested_by: act.by.to_owned(),
            requested_at: act.now,
            changed_by: None,
            decided_by: None,
            decided_at: None,
            reason: act.reason.to_owned(),
            created_at: act.now,
            updated_at: act.now,
        };
        if terms.automatic {
            contract.agree(&request.dates, terms, act.now)?;
            contract.be_approved(SYSTEM, act.now);
        } else {
            contract.ask(&request.dates)?;
        }
        contract.settle();
        Ok(contract)
    }

    pub fn is_possible(&self, action: ContractAction) -> bool {
        use ContractAction as A;
        match (self.status, action) {
            (ContractStatus::Pending, A::Approve) => !self.approved,
            (ContractStatus::Pending, A::Reject | A::Withdraw | A::Tier)
            | (ContractStatus::Active, A::Suspend | A::Revoke | A::Tier)
            | (ContractStatus::Suspended, A::Resume | A::Revoke) => true,
            (ContractStatus::Active, A::Approve | A::Reject | A::Withdraw) => self.requested_tier.is_some(),
            _ => false,
        }
    }

    /// Whether they would decide on what they asked for themselves; `terms` are those of the tier that it is about.
    pub fn is_own(&self, party: &Party<'_>, terms: &TierTerms) -> bool {
        let asked = self.requested_by == party.principal || self.changed_by.as_deref() == Some(party.principal);
        asked && !terms.self_approval
    }

    /// What they may do now. `terms` are those of the [tier in question](Self::tier_in_question), if there is one.
    pub fn allowed(&self, party: &Party<'_>, terms: Option<&TierTerms>) -> Vec<ContractAction> {
        let is_own = terms.is_some_and(|terms| self.is_own(party, terms));
        let automatic = terms.is_some_and(|terms| terms.automatic);
        let is_allowed = |action: &ContractAction| {
            self.is_possible(*action) && action.may(party) && !(action.is_four_eyes(automatic) && is_own)
        };
        ContractAction::ALL.into_iter().filter(is_allowed).collect()
    }

    /// Approves the request, or the change of tier, that waits. `terms` are those of the tier that is not decided on.
    ///
    /// # Errors
    /// The state, or dates that cannot be.
    pub fn approve(&mut self, terms: &TierTerms, dates: &Dates, act: &Act<'_>) -> Result<(), Unacted> {
        self.must_be_possible(ContractAction::Approve)?;
        self.agree(dates, terms, act.now)?;
        self.tier.clone_from(&terms.tier);
        self.requested_tier = None;
        self.be_approved(act.by, act.now);
        act.reason.clone_into(&mut self.reason);
        self.settle();
        Ok(())
    }

    /// Asks for another tier. `terms` are those of that tier.
    ///
    /// # Errors
    /// The state, or a beginning that its longest duration does not reach.
    pub fn change_tier(&mut self, terms: &TierTerms, act: &Act<'_>) -> Result<(), Unacted> {
        self.must_be_possible(ContractAction::Tier)?;
        if terms.automatic {
            self.agree(&Dates::default(), terms, act.now)?;
            self.tier.clone_from(&terms.tier);
            self.requested_tier = None;
            self.be_approved(SYSTEM, act.now);
        } else if self.status == ContractStatus::Pending {
            self.tier.clone_from(&terms.tier);
            self.requested_tier = None;
            self.approved = false;
            (self.decided_by, self.decided_at) = (None, None);
        } else {
            self.requested_tier = Some(terms.tier.clone());
        }
        self.changed_by = Some(act.by.to_owned());
        self.updated_at = act.now;
        act.reason.clone_into(&mut self.reason);
        self.settle();
        Ok(())
    }

    /// Does what needs no tier.
    ///
    /// # Errors
    /// The state.
    pub fn end_or_pause(&mut self, action: ContractAction, act: &Act<'_>) -> Result<(), Unacted> {
        self.must_be_possible(action)?;
        let drops_change = self.status == ContractStatus::Active && self.requested_tier.is_some();
        match action {
            ContractAction::Reject | ContractAction::Withdraw if drops_change => {
                (self.requested_tier, self.changed_by) = (None, None);
            }
            ContractAction::Reject => self.status = ContractStatus::Rejected,
            ContractAction::Withdraw => self.status = ContractStatus::Withdrawn,
            ContractAction::Suspend => self.status = ContractStatus::Suspended,
            ContractAction::Resume => self.status = ContractStatus::Active,
            ContractAction::Revoke => self.status = ContractStatus::Revoked,
            ContractAction::Approve | ContractAction::Tier => return Err(Unacted::Impossible),
        }
        self.be_decided(act.by, act.now);
        act.reason.clone_into(&mut self.reason);
        self.settle();
        Ok(())
    }

    /// Whether there is a live client for it now. An ended contract does not care.
    pub fn set_client(&mut self, has_client: bool, now: Time) {
        if self.status.is_open() && self.has_client != has_client {
            (self.has_client, self.updated_at) = (has_client, now);
            self.settle();
        }
    }

    fn must_be_possible(&self, action: ContractAction) -> Result<(), Unacted> {
        if self.is_possible(action) { Ok(()) } else { Err(Unacted::Impossible) }
    }

    fn be_approved(&mut self, by: &str, now: Time) {
        self.approved = true;
        self.be_decided(by, now);
    }

    fn be_decided(&mut self, by: &str, now: Time) {
        self.decided_by = Some(by.to_owned());
        self.decided_at = Some(now);
        self.updated_at = now;
    }

    /// What happens by itself: activation, and the loss of the last client. What has ended waits for no other tier.
    fn settle(&mut self) {
        match self.status {
            ContractStatus::Pending if self.approved && self.has_client => self.status = ContractStatus::Active,
            ContractStatus::Active if !self.has_client => self.status = ContractStatus::Pending,
            status if !status.is_open() => self.requested_tier = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
