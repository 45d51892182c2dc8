use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::contract::ContractWait;

const NOW: Time = Time::from_millis(1_767_225_600_000);
const DAY: Duration = Duration::from_secs(86_400);

fn terms(tier: &str, automatic: bool) -> TierTerms {
    TierTerms { tier: tier.to_owned(), automatic, self_approval: false, max_duration: None }
}

fn request(has_client: bool) -> AccessRequest {
    AccessRequest {
        id: "c".into(),
        environment: "prod".into(),
        api: "orders".into(),
        application: "a".into(),
        name: "shop".into(),
        dates: Dates::default(),
        has_client,
    }
}

fn by(by: &str) -> Act<'_> {
    Act { by, reason: "why", now: NOW }
}

fn requested(has_client: bool) -> AccessContract {
    AccessContract::request(request(has_client), &terms("gold", false), &by("user:dev")).unwrap()
}

fn active() -> AccessContract {
    let mut contract = requested(true);
    contract.approve(&terms("gold", false), &Dates::default(), &by("user:owner")).unwrap();
    contract
}

fn possible(contract: &AccessContract) -> Vec<&'static str> {
    ContractAction::ALL.into_iter().filter(|action| contract.is_possible(*action)).map(ContractAction::word).collect()
}

#[test]
fn each_state_has_its_actions() {
    let in_state = |status| AccessContract { status, ..active() };
    assert_eq!(possible(&requested(true)), ["approve", "reject", "withdraw", "tier"]);
    assert_eq!(possible(&AccessContract { approved: true, ..requested(false) }), ["reject", "withdraw", "tier"]);
    assert_eq!(possible(&active()), ["suspend", "revoke", "tier"]);
    let changing = AccessContract { requested_tier: Some("silver".into()), ..active() };
    assert_eq!(possible(&changing), ["approve", "reject", "withdraw", "suspend", "revoke", "tier"]);
    assert_eq!(possible(&in_state(ContractStatus::Suspended)), ["resume", "revoke"]);
    for status in [ContractStatus::Rejected, ContractStatus::Withdrawn, ContractStatus::Revoked] {
        assert!(possible(&in_state(status)).is_empty());
    }
}

#[test]
fn approval_and_client_come_in_either_order() {
    let mut contract = requested(false);
    assert_eq!(contract.waiting_for(), [ContractWait::Approval, ContractWait::Client]);
    contract.approve(&terms("gold", false), &Dates::default(), &by("user:owner")).unwrap();
    assert_eq!((contract.status, contract.waiting_for()), (ContractStatus::Pending, vec![ContractWait::Client]));
    contract.set_client(true, NOW);
    assert_eq!((contract.status, contract.waiting_for()), (ContractStatus::Active, vec![]));
    contract.set_client(false, NOW);
    assert_eq!((contract.status, contract.waiting_for()), (ContractStatus::Pending, vec![ContractWait::Client]));
    contract.set_client(true, NOW);
    assert_eq!(contract.status, ContractStatus::Active);
    assert_eq!(requested(true).waiting_for(), [ContractWait::Approval]);
}

#[test]
fn an_automatic_tier_approves_at_once() {
    let contract = AccessContract::request(request(true), &terms("free", true), &by("user:dev")).unwrap();
    assert_eq!((contract.status, contract.decided_by.as_deref()), (ContractStatus::Active, Some("system")));
}

#[test]
fn another_tier_waits_while_the_old_one_stays_in_force() {
    let mut contract = active();
    contract.change_tier(&terms("silver", false), &by("user:dev")).unwrap();
    assert_eq!((contract.status, contract.tier.as_str()), (ContractStatus::Active, "gold"));
    assert_eq!(contract.waiting_for(), [ContractWait::Approval]);
    let mut dropped = contract.clone();
    dropped.end_or_pause(ContractAction::Reject, &by("user:owner")).unwrap();
    assert_eq!((dropped.status, dropped.tier.as_str(), dropped.requested_tier), (ContractStatus::Active, "gold", None));
    contract.approve(&terms("silver", false), &Dates::default(), &by("user:owner")).unwrap();
    assert_eq!((contract.tier.as_str(), contract.requested_tier.clone()), ("silver", None));
    contract.change_tier(&terms("free", true), &by("user:dev")).unwrap();
    assert_eq!((contract.status, contract.tier.as_str()), (ContractStatus::Active, "free"));
}

#[test]
fn another_tier_voids_the_approval_of_what_is_pending() {
    let mut contract = requested(false);
    contract.approve(&terms("gold", false), &Dates::default(), &by("user:owner")).unwrap();
    contract.change_tier(&terms("silver", false), &by("user:dev")).unwrap();
    assert_eq!((contract.approved, contract.tier.as_str(), contract.decided_by.clone()), (false, "silver", None));
    contract.change_tier(&terms("free", true), &by("user:dev")).unwrap();
    assert!(contract.approved);
}

#[test]
fn nobody_approves_what_he_asked_for() {
    let party = |principal| Party { principal, owns_api: true, develops: true };
    let mut contract = requested(true);
    contract.change_tier(&terms("silver", false), &by("user:other")).unwrap();
    let mut silver = terms("silver", false);
    let may_approve = |contract: &AccessContract, who, terms: &TierTerms| {
        contract.allowed(&party(who), Some(terms)).contains(&ContractAction::Approve)
    };
    assert!(!may_approve(&contract, "user:dev", &silver) && !may_approve(&contract, "user:other", &silver));
    assert!(may_approve(&contract, "user:owner", &silver));
    silver.self_approval = true;
    assert!(may_approve(&contract, "user:dev", &silver) && may_approve(&contract, "user:other", &silver));
}

#[test]
fn roles_decide_what_is_allowed() {
    let owner = Party { principal: "user:owner", owns_api: true, develops: false };
    let developer = Party { principal: "user:dev", owns_api: false, develops: true };
    let other = Party { principal: "user:x", owns_api: false, develops: false };
    let words = |contract: &AccessContract, party| -> Vec<_> {
        let undecided = contract.undecided_tier().map(|tier| terms(tier, false));
        contract.allowed(party, undecided.as_ref()).into_iter().map(ContractAction::word).collect()
    };
    assert_eq!(words(&requested(true), &owner), ["approve", "reject"]);
    assert_eq!(words(&requested(true), &developer), ["withdraw", "tier"]);
    assert_eq!(words(&active(), &owner), ["suspend", "revoke"]);
    assert_eq!(words(&active(), &developer), ["revoke", "tier"]);
    assert!(words(&active(), &other).is_empty());
}

#[test]
fn dates_are_at_most_and_by_default_what_the_tier_allows() {
    let limited = TierTerms { max_duration: Some(DAY), ..terms("gold", false) };
    let approve = |contract: &AccessContract, dates| {
        let mut contract = contract.clone();
        contract.approve(&limited, &dates, &by("user:owner")).map(|()| (contract.not_before, contract.expires_at))
    };
    let end = |millis| Dates { expires_at: Some(Some(NOW.plus(Duration::from_millis(millis)))), ..Dates::default() };
    let day = NOW.plus(DAY);
    assert_eq!(approve(&requested(true), Dates::default()), Ok((None, Some(day))));
    assert_eq!(approve(&requested(true), Dates { expires_at: Some(None), ..Dates::default() }), Ok((None, Some(day))));
    assert_eq!(approve(&requested(true), end(86_400_000)), Ok((None, Some(day))));
    assert!(matches!(approve(&requested(true), end(86_400_001)), Err(Unacted::Dates(_))));
    let late = Dates { not_before: Some(Some(day)), expires_at: None };
    assert!(
        matches!(approve(&requested(true), late), Err(Unacted::Dates(faults)) if faults[0].pointer == "/not_before")
    );
    let asked = AccessContract { expires_at: Some(day.plus(DAY)), ..requested(true) };
    assert_eq!(approve(&asked, Dates::default()), Ok((None, Some(day))));
    let mut contract = active();
    assert!(contract.set_end(None, &limited, NOW).is_err() && contract.set_end(Some(day), &limited, NOW).is_ok());
    assert!(contract.in_force(NOW) && !contract.in_force(day));
}

#[derive(Clone, Debug)]
enum Step {
    Client(bool),
    Act { action: ContractAction, by: &'static str, automatic: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop::sample::select(ContractAction::ALL.to_vec());
    let who = prop::sample::select(vec!["user:a", "user:b", "user:c"]);
    prop_oneof![
        any::<bool>().prop_map(Step::Client),
        (action, who, any::<bool>()).prop_map(|(action, by, automatic)| Step::Act { action, by, automatic }),
    ]
}

/// As a use case does: what is not allowed does not happen.
fn take(contract: &mut AccessContract, action: ContractAction, who: &str, automatic: bool) -> Result<(), Unacted> {
    let undecided = contract.undecided_tier().map(|tier| terms(tier, false));
    let party = Party { principal: who, owns_api: true, develops: true };
    if !contract.allowed(&party, undecided.as_ref()).contains(&action) {
        return Err(Unacted::Impossible);
    }
    match (action, undecided) {
        (ContractAction::Approve, Some(undecided)) => contract.approve(&undecided, &Dates::default(), &by(who)),
        (ContractAction::Tier, _) => contract.change_tier(&terms("other", automatic), &by(who)),
        _ => contract.end_or_pause(action, &by(who)),
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold(
        automatic in any::<bool>(),
        has_client in any::<bool>(),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut contract =
            AccessContract::request(request(has_client), &terms("gold", automatic), &by("user:a")).unwrap();
        for step in steps {
            let before = contract.clone();
            match step {
                Step::Client(has) => contract.set_client(has, NOW),
                Step::Act { action, by: who, automatic } => {
                    let taken = take(&mut contract, action, who, automatic);
                    prop_assert!(taken.is_ok() || contract == before);
                    // Four eyes: who decided did not ask.
                    if taken.is_ok() && action == ContractAction::Approve {
                        prop_assert!(before.requested_by != who && before.changed_by.as_deref() != Some(who));
                    }
                }
            }
            if !before.status.is_open() {
                prop_assert_eq!(&contract, &before);
            }
            if contract.status == ContractStatus::Active {
                prop_assert!(contract.approved && contract.has_client);
            }
            // What is approved and has a client does not wait.
            if contract.status == ContractStatus::Pending {
                prop_assert!(!contract.waiting_for().is_empty());
            }
            prop_assert_eq!(contract.undecided_tier().is_some(), contract.waiting_for().contains(&ContractWait::Approval));
        }
    }
}
