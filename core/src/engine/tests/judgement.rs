//! A token that is known is judged as one that is not.

use super::{Sample, answer, ask, at, provider, worker};
use crate::base::time::Timestamp;
use crate::cache;
use crate::contract::row::Row;
use crate::contract::settings::ContractSettings;
use crate::policy::claims::ClaimRule;
use crate::policy::rule::{ContractRule, Rule};
use crate::policy::scopes::ScopeRule;
use crate::port::memory::MemoryStore;
use crate::token::scalar::string;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::time::Duration;

const START: u64 = 1_700_000_000;

/// Few names, so that what is asked for is often what there is.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 0..=most)
}

/// A date within the time of the test, in seconds.
fn date() -> impl Strategy<Value = u64> {
    (0..140_u64).prop_map(|seconds| START - 20 + seconds)
}

fn boxed(names: Vec<String>) -> Vec<Box<str>> {
    names.into_iter().map(Into::into).collect()
}

fn rule() -> impl Strategy<Value = Rule> {
    let scopes = prop_oneof![
        Just(ScopeRule::None),
        prop::collection::vec(name(), 1..3).prop_map(|list| ScopeRule::All(boxed(list))),
        prop::collection::vec(name(), 1..3).prop_map(|list| ScopeRule::Any(boxed(list))),
    ];
    let contract = prop::sample::select(vec![ContractRule::Required, ContractRule::Optional, ContractRule::None]);
    let max_age = prop::option::of((1..60_000_u64).prop_map(Duration::from_millis));
    let values = prop::collection::vec(name().prop_map(|name| string(&name)), 1..3);
    let claim = (prop::sample::select(vec!["/iss", "/aud"]), values)
        .prop_map(|(pointer, values)| ClaimRule { pointer: pointer.into(), values });
    (scopes, contract, max_age, prop::collection::vec(claim, 0..2))
        .prop_map(|(scopes, contract, max_age, claims)| Rule { scopes, contract, max_age, claims, ..Rule::default() })
}

fn asked_values(rule: &Rule) -> Vec<(Box<str>, Box<str>)> {
    let pairs = rule.claims.iter().flat_map(|claim| claim.values.iter().map(|value| (&claim.pointer, value)));
    pairs.map(|(pointer, value)| (pointer.clone(), value.clone())).collect()
}

fn row() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec!["active", "active", "active", "pending", "suspended", "revoked", "odd"]);
    let day = |seconds: u64| {
        let seconds = seconds - START;
        format!("2023-11-14T22:{:02}:{:02}Z", 13 + (seconds + 20) / 60, (seconds + 20) % 60)
    };
    let provider = prop::option::of(prop::sample::select(vec!["main", "other"]));
    let dates = (prop::option::weighted(0.3, START..START + 120), prop::option::weighted(0.3, START..START + 120));
    (name(), status, provider, dates).prop_map(move |(client, status, provider, (from, to))| {
        let mut row = json!({"api": "orders", "client_id": client, "status": status, "tier": status});
        for (name, value) in
            [("provider", provider.map(str::to_owned)), ("not_before", from.map(day)), ("expires_at", to.map(day))]
        {
            if let Some(value) = value {
                row[name] = value.into();
            }
        }
        Row::from_json(row.to_string().as_bytes()).unwrap()
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let checks = (prop::option::of(name()), names(2), 0..15_000_u64, any::<bool>());
    let cache = (prop::sample::select(vec![0_usize, 1, 100]), 1..120_000_u64, 0..60_000_u64, any::<bool>());
    (rule(), checks, cache, prop::collection::vec(row(), 0..6)).prop_map(|(rule, checks, cache, inline)| {
        let mut provider = provider("main");
        provider.checks.issuer = checks.0.map(Into::into);
        provider.checks.audiences = boxed(checks.1);
        provider.checks.clock_skew = Duration::from_millis(checks.2);
        provider.checks.ignore_key_binding = checks.3;
        provider.claims.asked = asked_values(&rule);
        Sample {
            rule,
            provider,
            cache: cache::CacheSettings {
                entries: cache.0,
                max_ttl: Duration::from_millis(cache.1),
                negative_ttl: Duration::from_millis(cache.2),
                refresh_ahead: cache.3,
                ..cache::CacheSettings::default()
            },
            contracts: ContractSettings { inline, ..ContractSettings::default() },
        }
    })
}

/// What the server says, now as then: no relative times.
fn introspection() -> impl Strategy<Value = String> {
    let members = (
        prop::option::weighted(0.9, name()),
        prop::option::of(names(3).prop_map(|list| list.join(" "))),
        prop::option::of(name()),
        prop::option::of(names(2)),
        prop::option::weighted(0.5, date()),
        prop::option::weighted(0.3, date()),
        prop::option::weighted(0.1, Just("DPoP")),
    );
    (prop::bool::weighted(0.9), members).prop_map(
        |(active, (client, scope, issuer, audience, exp, nbf, token_type))| {
            let given = [
                ("client_id", client.map(Value::from)),
                ("scope", scope.map(Value::from)),
                ("iss", issuer.map(Value::from)),
                ("aud", audience.map(Value::from)),
                ("exp", exp.map(Value::from)),
                ("nbf", nbf.map(Value::from)),
                ("token_type", token_type.map(Value::from)),
            ];
            let mut members = Map::new();
            members.insert("active".to_owned(), active.into());
            members.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            Value::Object(members).to_string()
        },
    )
}

/// How long an answer surely is kept: jitter takes a tenth at most.
fn surely_kept(sample: &Sample, json: &str, now: Timestamp) -> Duration {
    let answer: Value = serde_json::from_str(json).unwrap();
    if sample.cache.entries == 0 {
        return Duration::ZERO;
    }
    let ttl = match answer["active"] {
        Value::Bool(true) => sample.cache.max_ttl,
        _ => sample.cache.negative_ttl,
    };
    let left = match (&answer["active"], answer["exp"].as_u64()) {
        (Value::Bool(true), Some(exp)) => ttl.min(Timestamp::from_secs(exp).since(now)),
        _ => ttl,
    };
    let kept = left * 9 / 10;
    sample.rule.max_age.map_or(kept, |max_age| kept.min(max_age))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_remembered_is_judged_as_what_was_just_learned(
        sample in sample(),
        json in introspection(),
        first in 0..60_000_u64,
        later in prop_oneof![0..2_000_u64, 0..90_000_u64],
    ) {
        let kept = surely_kept(&sample, &json, at(first));
        let settings = sample.settings();
        let (result, now) = (answer(&json), at(first + later));
        let (store, elsewhere) = (MemoryStore::default(), MemoryStore::default());

        let mut warm = worker(&settings, 1);
        let (_, asked) = ask(&mut warm, "t0ken", &result, &store, at(first));
        prop_assert_eq!(asked, 1);
        let (again, asked_again) = ask(&mut warm, "t0ken", &result, &store, now);
        let (fresh, asked_fresh) = ask(&mut worker(&settings, 2), "t0ken", &result, &elsewhere, now);
        prop_assert_eq!(&again, &fresh);
        prop_assert_eq!(asked_fresh, 1);

        // The test would prove nothing if nothing were remembered.
        if Duration::from_millis(later) < kept {
            let renewal = usize::from(settings.cache.refresh_ahead);
            prop_assert!(asked_again <= renewal, "asked again after {later} of {kept:?}");
            let mut neighbour = worker(&settings, 3);
            let (shared, asked_shared) = ask(&mut neighbour, "t0ken", &result, &store, now);
            prop_assert_eq!(&shared, &fresh);
            prop_assert_eq!(asked_shared, 0);
        }
    }
}

#[test]
fn the_dates_of_these_tests_are_within_their_time() {
    let row = Row::from_json(br#"{"api":"a","client_id":"c","not_before":"2023-11-14T22:13:20Z"}"#).unwrap();
    assert_eq!(row.contract.not_before, Some(at(0)));
    assert_eq!(at(0), Timestamp::from_secs(START));
}
