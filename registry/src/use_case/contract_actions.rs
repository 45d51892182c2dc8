//! What is done to contracts.

use crate::domain::application::Application;
use crate::domain::contract::AccessContract;
use crate::domain::contract_action::{Act, ContractAction, Unacted};
use crate::domain::contract_terms::{Dates, TierTerms};
use crate::domain::members::{Members, Object};
use crate::domain::reader::{lines, slug};
use crate::domain::refusal::Refusal;
use crate::domain::text::MAX_REASON;
use crate::domain::tier::TierOfApi;
use crate::use_case::client_registration::wake;
use crate::use_case::context::Context;
use crate::use_case::contract_access::{Bound, audit_contract, bound, terms, terms_of};
use crate::use_case::contract_notices::tell;
use crate::use_case::contract_requests::read_dates;
use crate::use_case::holdings::Holdings;
use crate::use_case::keeping::{find, hold};
use crate::use_case::permission::Reach;
use crate::use_case::publishing::Publication;
use crate::use_case::record::{Kept, update};
use crate::use_case::shown::{Expected, Shown};

/// The body of an action.
#[derive(Default)]
struct Doing {
    reason: String,
    dates: Dates,
    tier: String,
}

impl Doing {
    fn read(members: &mut Members<'_>, action: ContractAction) -> Self {
        let mut doing = Self::default();
        match action {
            ContractAction::Reject | ContractAction::Suspend | ContractAction::Revoke => {
                members.required("reason", &mut doing.reason, lines(1..=MAX_REASON));
            }
            _ => members.optional("reason", &mut doing.reason, String::new(), lines(0..=MAX_REASON)),
        }
        match action {
            ContractAction::Approve => doing.dates = read_dates(members),
            ContractAction::Tier => members.required("tier", &mut doing.tier, slug),
            _ => {}
        }
        doing
    }
}

/// A contract that the caller may read. Nobody else changes it, or its application, until the transaction ends.
///
/// # Errors
/// There is none for the caller; those of the store.
pub async fn held_contract(cx: &mut Context<'_>, reach: &Reach, id: &str) -> Result<Bound, Refusal> {
    let application = find::<AccessContract>(cx, id).await?.thing.application;
    hold::<Application>(cx, &application).await?;
    let kept: Kept<AccessContract> = find(cx, id).await?;
    bound(cx, reach, kept).await
}

/// # Errors
/// There is none for the caller; no permission, or a request of his own; a precondition; faults of the body; another
/// state; those of the store.
pub async fn act(
    cx: &mut Context<'_>,
    id: &str,
    action: ContractAction,
    expected: &Expected,
    body: &Object,
) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut bound = held_contract(cx, &reach, id).await?;
    if !action.may(&bound.party()) {
        return Err(Refusal::Forbidden);
    }
    let before = bound.contract.thing.clone();
    let in_question = match before.tier_in_question() {
        Some(tier) => terms(cx, &before, tier).await?,
        None => None,
    };
    let is_own = || in_question.as_ref().is_some_and(|terms| before.is_own(&bound.party(), terms));
    let automatic = in_question.as_ref().is_some_and(|terms| terms.automatic);
    if action.is_four_eyes(automatic) && is_own() {
        return Err(Refusal::OwnRequest);
    }
    expected.check(bound.contract.revision)?;
    let mut members = Members::of_new(body);
    let doing = Doing::read(&mut members, action);
    let asked = asked_tier(cx, &before, &doing, &mut members).await?;
    members.finish()?;
    let by = cx.caller.principal.to_string();
    let act = Act { by: &by, reason: &doing.reason, now: cx.now };
    let contract = &mut bound.contract.thing;
    let acted = match action {
        ContractAction::Approve => match &in_question {
            Some(terms) => contract.approve(terms, &doing.dates, &act),
            None => Err(Unacted::Impossible),
        },
        ContractAction::Tier => match &asked {
            Some(terms) => contract.change_tier(terms, &act),
            None => Err(Unacted::Impossible),
        },
        _ => contract.end_or_pause(action, &act),
    };
    acted.map_err(|unacted| match unacted {
        Unacted::Dates(faults) => Refusal::Invalid(faults),
        Unacted::Impossible => impossible(&before, &bound, in_question.as_ref()),
    })?;
    finish(cx, &mut bound, action, &before).await?;
    bound.shown(cx).await
}

fn impossible(contract: &AccessContract, bound: &Bound, in_question: Option<&TierTerms>) -> Refusal {
    let allowed = contract.allowed(&bound.party(), in_question).into_iter().map(ContractAction::word).collect();
    Refusal::Transition { current: contract.status.word(), allowed }
}

/// The terms of the tier that is asked for, which stays until the transaction ends; or a fault of the body.
async fn asked_tier(
    cx: &mut Context<'_>,
    contract: &AccessContract,
    doing: &Doing,
    members: &mut Members<'_>,
) -> Result<Option<TierTerms>, Refusal> {
    if doing.tier.is_empty() {
        return Ok(None);
    }
    if doing.tier == contract.tier {
        members.fault("tier", "is the contract's tier already");
        return Ok(None);
    }
    match hold::<TierOfApi>(cx, &contract.tier_key(&doing.tier)).await {
        Ok(kept) => Ok(Some(terms_of(&kept.thing.tier))),
        Err(Refusal::NotFound) => {
            members.fault("tier", "the API has no such tier");
            Ok(None)
        }
        Err(refusal) => Err(refusal),
    }
}

/// Writes, tells and publishes what has become of the contract.
async fn finish(
    cx: &mut Context<'_>,
    bound: &mut Bound,
    action: ContractAction,
    before: &AccessContract,
) -> Result<(), Refusal> {
    // All that can be read is read before the audit locks the organisation.
    let holdings = Holdings::without_contracts(cx, bound.application.clone()).await?;
    let mut publication = Publication::default();
    publication.add(holdings.rows_of(before)?, holdings.rows_of(&bound.contract.thing)?);
    update(cx.tx, &mut bound.contract).await?;
    let after = &bound.contract.thing;
    let reason = Some(after.reason.as_str()).filter(|reason| !reason.is_empty());
    audit_contract(cx, &bound.application, action.word(), reason, Some(before), after).await?;
    tell(cx, Some(action), after).await?;
    if matches!(action, ContractAction::Approve | ContractAction::Tier) {
        wake(cx, &bound.application).await?;
    }
    publication.publish(cx).await
}
