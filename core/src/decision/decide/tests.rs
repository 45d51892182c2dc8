use super::*;
use crate::policy::api::ApiSettings;
use crate::policy::claims::ClaimRule;
use crate::policy::rule::Rule;
use crate::policy::scopes::ScopeRule;
use crate::policy::selection::{AmbiguousPaths, Policy, Selection, Target, Unmatched};
use crate::token::confirmation::Confirmation;
use crate::token::scalar::string;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn seconds(from_now: i64) -> Option<Timestamp> {
    Some(Timestamp::from_secs(NOW.as_millis() / 1000).plus(Duration::ZERO)).map(|now| match from_now {
        0.. => now.plus(Duration::from_secs(from_now.unsigned_abs())),
        _ => now.minus(Duration::from_secs(from_now.unsigned_abs())),
    })
}

fn bound() -> Option<Box<Confirmation>> {
    Some(Box::new(Confirmation::Of { key: Some([1; 32]), certificate: None }))
}

fn contract(status: Status) -> Contract {
    Contract { status, tier: None, name: None, not_before: None, expires_at: None }
}

/// A request under this rule, with a token that is checked so.
fn under(rule: Rule, checks: TokenChecks) -> (Guard, Rc<Provider>) {
    let provider = Rc::new(Provider { checks, ..crate::provider::samples::provider("main") });
    let api = ApiSettings {
        id: "orders".into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: vec![0],
        upstream: Default::default(),
        rule,
        resource: None,
        operations: Vec::new(),
    };
    let policy = Policy::new(vec![api], &[Rc::clone(&provider)], Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap();
    let Selection::Guarded(guard) = policy.select(Target::default()) else { panic!("not guarded") };
    (guard, provider)
}

/// Nobody proves anything.
fn unproved(facts: &Facts) -> Result<(), Outcome> {
    if facts.confirmation.is_some() { Err(Outcome::ProofMissing) } else { Ok(()) }
}

struct Case {
    facts: Facts,
    checks: TokenChecks,
    rule: Rule,
    holding: Holding,
}

impl Case {
    fn good() -> Self {
        Self {
            facts: Facts {
                client_id: Some("portal".into()),
                issuer: Some("https://idp".into()),
                scope: vec!["read".into()],
                audience: vec!["orders".into()],
                expires_at: seconds(60),
                not_before: seconds(-60),
                ..Facts::default()
            },
            checks: TokenChecks {
                issuer: Some("https://idp".into()),
                audiences: vec!["other".into(), "orders".into()],
                clock_skew: Duration::from_secs(10),
                ignore_key_binding: false,
            },
            rule: Rule {
                scopes: ScopeRule::All(vec!["read".into()]),
                contract: ContractRule::Required,
                ..Rule::default()
            },
            holding: Holding::Held(Rc::new(contract(Status::Active))),
        }
    }

    fn judge(self) -> Result<Permit, Outcome> {
        let state = TokenState::Active(Rc::new(self.facts));
        let (guard, provider) = under(self.rule, self.checks);
        decide(&state, &provider, &guard, NOW, unproved, |_| self.holding)
    }

    fn outcome(self) -> Outcome {
        self.judge().err().unwrap_or(Outcome::Allowed)
    }
}

fn after(change: impl FnOnce(&mut Case)) -> Outcome {
    let mut case = Case::good();
    change(&mut case);
    case.outcome()
}

#[test]
fn a_permit_says_who_and_for_what() {
    let permit = Case::good().judge().unwrap();
    assert_eq!((&*permit.api().id, &*permit.provider().name), ("orders", "main"));
    assert_eq!(permit.facts().client_id.as_deref(), Some("portal"));
    assert!(permit.contract().is_some());
}

#[test]
fn an_inactive_token_is_refused_before_anything_else() {
    let Case { checks, rule, .. } = Case::good();
    let (guard, provider) = under(rule, checks);
    let verdict =
        decide(&TokenState::Inactive, &provider, &guard, NOW, |_| panic!("not asked"), |_| panic!("not asked"));
    assert_eq!(verdict.err(), Some(Outcome::Inactive));
}

#[test]
fn time_is_judged_with_the_skew() {
    for (end, expected) in [(-11, Outcome::Expired), (-10, Outcome::Expired), (-9, Outcome::Allowed)] {
        assert_eq!(after(|case| case.facts.expires_at = seconds(end)), expected, "exp {end}");
    }
    for (start, expected) in [(11, Outcome::NotYetValid), (10, Outcome::Allowed)] {
        assert_eq!(after(|case| case.facts.not_before = seconds(start)), expected, "nbf {start}");
    }
    let unbounded = |case: &mut Case| (case.facts.expires_at, case.facts.not_before) = (None, None);
    assert_eq!(after(unbounded), Outcome::Allowed);
    assert_eq!(after(|case| case.facts.expires_at = Some(Timestamp::default())), Outcome::Expired);
    assert_eq!(after(|case| case.facts.expires_at = Some(Timestamp::MAX)), Outcome::Allowed);
}

#[test]
fn issuer_audience_and_key_binding_are_checked() {
    assert_eq!(after(|case| case.facts.issuer = Some("https://idp/".into())), Outcome::WrongIssuer);
    assert_eq!(after(|case| case.facts.issuer = None), Outcome::Allowed);
    assert_eq!(after(|case| case.facts.audience = vec!["order".into()]), Outcome::WrongAudience);
    assert_eq!(after(|case| case.facts.audience.clear()), Outcome::WrongAudience);
    let another = |case: &mut Case| (case.facts.other_kind, case.facts.confirmation) = (true, bound());
    assert_eq!(after(another), Outcome::WrongTokenType);
    assert_eq!(after(|case| case.facts.confirmation = bound()), Outcome::ProofMissing);
    let ignored = |case: &mut Case| (case.facts.confirmation, case.checks.ignore_key_binding) = (bound(), true);
    assert_eq!(after(ignored), Outcome::Allowed);
}

#[test]
fn every_claim_must_be_met_by_one_of_its_values() {
    let claim = |pointer: &str, values: &[&str]| ClaimRule {
        pointer: pointer.into(),
        values: values.iter().map(|value| string(value)).collect(),
    };
    let judged = |said: &[(&str, &str)]| {
        after(|case| {
            case.rule.claims = vec![claim("/realm", &["x"]), claim("/acr", &["1", "2"])];
            case.facts.said = said.iter().map(|(pointer, value)| ((*pointer).into(), string(value))).collect();
        })
    };
    assert_eq!(judged(&[("/realm", "x"), ("/acr", "2")]), Outcome::Allowed);
    assert_eq!(judged(&[("/acr", "1"), ("/acr", "2"), ("/realm", "x")]), Outcome::Allowed);
    for said in [&[("/realm", "x")][..], &[("/acr", "1")], &[], &[("/realm", "1"), ("/acr", "1")]] {
        assert_eq!(judged(said), Outcome::WrongClaims, "{said:?}");
    }
    let number = |case: &mut Case| {
        case.rule.claims = vec![claim("/acr", &["1"])];
        case.facts.said = vec![("/acr".into(), "1".into())];
    };
    assert_eq!(after(number), Outcome::WrongClaims, "a number is no string");
    let scope_too = |case: &mut Case| {
        case.rule.claims = vec![claim("/acr", &["1"])];
        case.facts.scope.clear();
    };
    assert_eq!(after(scope_too), Outcome::WrongClaims);
}

#[test]
fn scopes_come_before_the_contract() {
    let neither = |case: &mut Case| {
        case.facts.scope.clear();
        case.holding = Holding::None;
    };
    assert_eq!(after(neither), Outcome::InsufficientScope);
    assert_eq!(after(|case| case.holding = Holding::None), Outcome::NoContract);
}

#[test]
fn only_an_active_contract_within_its_dates_grants() {
    let held = |change: fn(&mut Contract)| {
        let mut contract = contract(Status::Active);
        change(&mut contract);
        after(|case| case.holding = Holding::Held(Rc::new(contract)))
    };
    assert_eq!(held(|_| ()), Outcome::Allowed);
    assert_eq!(held(|contract| contract.status = Status::Pending), Outcome::NoContract);
    assert_eq!(held(|contract| contract.status = Status::Revoked), Outcome::NoContract);
    assert_eq!(held(|contract| contract.status = Status::Unknown), Outcome::NoContract);
    assert_eq!(held(|contract| contract.status = Status::Suspended), Outcome::ContractSuspended);
    assert_eq!(held(|contract| contract.expires_at = Some(NOW)), Outcome::ContractExpired);
    assert_eq!(held(|contract| contract.expires_at = seconds(1)), Outcome::Allowed);
    assert_eq!(held(|contract| contract.not_before = seconds(1)), Outcome::NoContract);
    assert_eq!(held(|contract| contract.not_before = Some(NOW)), Outcome::Allowed);
    assert_eq!(after(|case| case.holding = Holding::NotLoaded), Outcome::ContractsNotLoaded);
}

#[test]
fn an_optional_contract_is_used_and_never_missed() {
    for holding in [Holding::None, Holding::NotLoaded, Holding::Held(Rc::new(contract(Status::Suspended)))] {
        let mut case = Case::good();
        (case.rule.contract, case.holding) = (ContractRule::Optional, holding);
        assert!(case.judge().unwrap().contract().is_none());
    }
    let mut case = Case::good();
    case.rule.contract = ContractRule::Optional;
    assert!(case.judge().unwrap().contract().is_some());
    let mut case = Case::good();
    (case.rule.contract, case.holding) = (ContractRule::None, Holding::NotLoaded);
    assert!(case.judge().unwrap().contract().is_none());
}
