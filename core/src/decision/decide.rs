//! The verdict on one request: facts and contract against the rule, now.

use crate::base::time::Timestamp;
use crate::contract::contract::{Contract, Status};
use crate::contract::contracts::Holding;
use crate::outcome::Outcome;
use crate::policy::api::{Api, Guard};
use crate::policy::rule::ContractRule;
use crate::provider::{Provider, TokenChecks};
use crate::token::facts::{Facts, TokenState};
use std::rc::Rc;

/// Proof that a request may pass. Only this module can build one.
#[derive(Clone, Debug)]
pub struct Permit {
    facts: Rc<Facts>,
    contract: Option<Rc<Contract>>,
    api: Rc<Api>,
    provider: Rc<Provider>,
}

impl Permit {
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The contract that grants, if one was looked up and does.
    pub fn contract(&self) -> Option<&Contract> {
        self.contract.as_deref()
    }

    pub fn api(&self) -> &Rc<Api> {
        &self.api
    }

    pub fn provider(&self) -> &Provider {
        &self.provider
    }
}

/// Judges a request. `prove` is asked whether it proves possession of what its token is bound to, where that is to be
/// enforced, and `holding` for the client's contract only when the rule wants one.
///
/// # Errors
/// The first check that fails, in the order of the outcomes.
pub fn decide(
    state: &TokenState,
    provider: &Rc<Provider>,
    Guard { api, rule, .. }: &Guard,
    now: Timestamp,
    prove: impl FnOnce(&Facts) -> Result<(), Outcome>,
    holding: impl FnOnce(Option<&str>) -> Holding,
) -> Result<Permit, Outcome> {
    let facts = match state {
        TokenState::Inactive => return Err(Outcome::Inactive),
        TokenState::Active(facts) => facts,
    };
    check_facts(facts, &provider.checks, now)?;
    if !rule.claims.iter().all(|claim| claim.is_met_by(&facts.said)) {
        return Err(Outcome::WrongClaims);
    }
    if !provider.checks.ignore_key_binding {
        prove(facts)?;
    }
    if !rule.scopes.is_met_by(&facts.scope) {
        return Err(Outcome::InsufficientScope);
    }
    let contract = match rule.contract {
        ContractRule::None => None,
        ContractRule::Required => Some(granting(holding(facts.client_id.as_deref()), now)?),
        ContractRule::Optional => granting(holding(facts.client_id.as_deref()), now).ok(),
    };
    Ok(Permit { facts: Rc::clone(facts), contract, api: Rc::clone(api), provider: Rc::clone(provider) })
}

/// What a token must be whatever it is used for.
///
/// # Errors
/// The first check that fails.
pub fn check_facts(facts: &Facts, checks: &TokenChecks, now: Timestamp) -> Result<(), Outcome> {
    expiry(facts, checks, now)?;
    not_before(facts, checks, now)?;
    issuer(facts, checks)?;
    audience(facts, checks)?;
    token_type(facts)
}

/// # Errors
/// [`Outcome::Expired`].
#[inline]
pub fn expiry(facts: &Facts, checks: &TokenChecks, now: Timestamp) -> Result<(), Outcome> {
    let has_ended = facts.expires_at.is_some_and(|end| now >= end.plus(checks.clock_skew));
    if has_ended { Err(Outcome::Expired) } else { Ok(()) }
}

/// # Errors
/// [`Outcome::NotYetValid`].
#[inline]
pub fn not_before(facts: &Facts, checks: &TokenChecks, now: Timestamp) -> Result<(), Outcome> {
    let is_early = facts.not_before.is_some_and(|start| now.plus(checks.clock_skew) < start);
    if is_early { Err(Outcome::NotYetValid) } else { Ok(()) }
}

/// # Errors
/// [`Outcome::WrongIssuer`].
#[inline]
pub fn issuer(facts: &Facts, checks: &TokenChecks) -> Result<(), Outcome> {
    match (&checks.issuer, &facts.issuer) {
        (Some(expected), Some(issuer)) if expected != issuer => Err(Outcome::WrongIssuer),
        _ => Ok(()),
    }
}

/// # Errors
/// [`Outcome::WrongAudience`].
#[inline]
pub fn audience(facts: &Facts, checks: &TokenChecks) -> Result<(), Outcome> {
    let fits = checks.audiences.is_empty() || checks.audiences.iter().any(|audience| facts.audience.contains(audience));
    if fits { Ok(()) } else { Err(Outcome::WrongAudience) }
}

/// # Errors
/// [`Outcome::WrongTokenType`].
#[inline]
pub fn token_type(facts: &Facts) -> Result<(), Outcome> {
    if facts.other_kind { Err(Outcome::WrongTokenType) } else { Ok(()) }
}

/// The contract, if it grants now.
///
/// # Errors
/// Why it does not.
pub fn granting(holding: Holding, now: Timestamp) -> Result<Rc<Contract>, Outcome> {
    let contract = match holding {
        Holding::Held(contract) => contract,
        Holding::None => return Err(Outcome::NoContract),
        Holding::NotLoaded => return Err(Outcome::ContractsNotLoaded),
    };
    match contract.status {
        Status::Active => {}
        Status::Suspended => return Err(Outcome::ContractSuspended),
        Status::Pending | Status::Revoked | Status::Unknown => return Err(Outcome::NoContract),
    }
    if contract.expires_at.is_some_and(|end| now >= end) {
        return Err(Outcome::ContractExpired);
    }
    if contract.not_before.is_some_and(|start| now < start) {
        return Err(Outcome::NoContract);
    }
    Ok(contract)
}

#[cfg(test)]
mod tests;
