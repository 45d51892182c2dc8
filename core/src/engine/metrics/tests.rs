use super::*;
use crate::cache;
use crate::policy::api::ApiSettings;
use crate::policy::selection::{AmbiguousPaths, Policy, Unmatched};
use crate::provider::samples::provider;
use crate::reply;
use crate::token::extract;
use std::rc::Rc;

fn settings(apis: &[&str], providers: &[&str]) -> Settings {
    let api = |id: &&str| ApiSettings {
        id: (*id).into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: vec![0],
        upstream: Default::default(),
        rule: Default::default(),
        resource: None,
        operations: Vec::new(),
    };
    let providers = providers.iter().enumerate().map(|(slot, name)| Rc::new(Provider { slot, ..provider(name) }));
    let providers: Vec<_> = providers.collect();
    let apis = apis.iter().map(api).collect();
    Settings::new(
        Policy::new(apis, &providers, Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap(),
        providers,
        extract::TokenSettings { sources: Vec::new(), max_length: 100 },
        crate::proof::ProofSettings::default(),
        Rc::default(),
        cache::CacheSettings::default(),
        reply::ReplySettings::default(),
    )
}

/// What is handed over, each as `name value`.
fn drained(metrics: &mut Metrics) -> Vec<String> {
    let mut lines = Vec::new();
    metrics.drain(|sample| {
        lines.push(match sample {
            Sample::Count(name, value) => format!("{name} +{value}"),
            Sample::Shift(name, value) => format!("{name} {value:+}"),
            Sample::Set(name, value) => format!("{name} ={value}"),
            Sample::Observe(name, value) => format!("{name} ~{value}"),
        });
    });
    lines
}

#[test]
fn requests_are_counted_by_outcome_and_api() {
    let settings = settings(&["orders-v1", "b.c/d é"], &["main"]);
    let apis = settings.policy.apis();
    let mut metrics = Metrics::new(&settings);
    assert_eq!(drained(&mut metrics), [""; 0]);
    for api in [Some(&*apis[0]), Some(&*apis[0]), Some(&*apis[1]), None] {
        metrics.request(Outcome::Allowed, api);
    }
    metrics.request(Outcome::InternalError, None);
    assert_eq!(
        drained(&mut metrics),
        [
            "tessera_requests.outcome.allowed.api.orders-v1 +2",
            "tessera_requests.outcome.allowed.api.b_c_d__ +1",
            "tessera_requests.outcome.allowed.api.- +1",
            "tessera_requests.outcome.internal_error.api.- +1",
        ]
    );
    assert_eq!(drained(&mut metrics), [""; 0], "each count is handed over once");
}

#[test]
fn every_outcome_and_api_has_a_count_of_its_own() {
    let settings = settings(&["a", "b"], &["main"]);
    let apis = settings.policy.apis();
    let mut metrics = Metrics::new(&settings);
    for api in [Some((&*apis[0], "a")), Some((&*apis[1], "b")), None] {
        for outcome in Outcome::ALL {
            metrics.request(outcome, api.map(|(api, _)| api));
            let name = api.map_or("-", |(_, name)| name);
            assert_eq!(drained(&mut metrics), [format!("tessera_requests.outcome.{}.api.{name} +1", outcome.name())]);
        }
    }
}

#[test]
fn look_ups_are_counted_by_result_and_level() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main"]));
    let results = [
        (Lookup::Hit, "hit"),
        (Lookup::NegativeHit, "negative_hit"),
        (Lookup::Miss, "miss"),
        (Lookup::Stale, "stale"),
        (Lookup::Coalesced, "coalesced"),
    ];
    for (lookup, result) in results {
        for (level, name) in [(Level::Worker, "worker"), (Level::Shared, "shared")] {
            metrics.lookup(lookup, level);
            assert_eq!(drained(&mut metrics), [format!("tessera_cache.result.{result}.level.{name} +1")]);
        }
    }
}

#[test]
fn introspections_are_counted_and_timed_by_provider() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main", "second"]));
    let results = [
        (Introspected::Active, "active"),
        (Introspected::Inactive, "inactive"),
        (Introspected::Unavailable, "unavailable"),
        (Introspected::Error, "error"),
    ];
    for (slot, name) in ["main", "second"].into_iter().enumerate() {
        for (introspected, result) in results {
            let provider = Provider { slot, ..provider(name) };
            metrics.introspected(&provider, introspected, Duration::from_micros(7_900));
            assert_eq!(
                drained(&mut metrics),
                [
                    format!("tessera_introspections.provider.{name}.result.{result} +1"),
                    format!("tessera_introspection_ms.provider.{name} ~7"),
                ]
            );
        }
    }
}

#[test]
fn durations_beyond_the_bound_are_lost_and_counts_are_not() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main"]));
    for _ in 0..=MAX_DURATIONS {
        metrics.introspected(&provider("main"), Introspected::Active, Duration::from_millis(1));
    }
    let lines = drained(&mut metrics);
    assert_eq!(lines.len(), 1 + MAX_DURATIONS);
    assert_eq!(lines[0], format!("tessera_introspections.provider.main.result.active +{}", MAX_DURATIONS + 1));
}

#[test]
fn calls_in_flight_are_reported_as_changes() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main"]));
    metrics.in_flight(3);
    metrics.in_flight(2);
    assert_eq!(drained(&mut metrics), ["tessera_in_flight +2"]);
    metrics.in_flight(5);
    metrics.in_flight(2);
    assert_eq!(drained(&mut metrics), [""; 0]);
    metrics.in_flight(0);
    assert_eq!(drained(&mut metrics), ["tessera_in_flight -2"]);
}

#[test]
fn contracts_are_reported() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main"]));
    metrics.polls([1, 2, 3], 4);
    metrics.polls([0, 0, 1], 0);
    metrics.gauge("tessera_contracts", 9);
    metrics.gauge("tessera_contracts_age_s", 1);
    assert_eq!(
        drained(&mut metrics),
        [
            "tessera_contract_polls.result.changed +1",
            "tessera_contract_polls.result.unchanged +2",
            "tessera_contract_polls.result.failed +4",
            "tessera_contracts_skipped +4",
            "tessera_contracts =9",
            "tessera_contracts_age_s =1",
        ]
    );
}

#[test]
fn a_slot_of_another_configuration_counts_nothing() {
    let mut metrics = Metrics::new(&settings(&["a"], &["main"]));
    metrics.introspected(&Provider { slot: 900, ..provider("main") }, Introspected::Error, Duration::ZERO);
    assert_eq!(drained(&mut metrics), [""; 0]);
}

#[test]
fn the_version_is_a_name_that_statistics_can_hold() {
    let name = build_info();
    let version = name.strip_prefix("tessera_build_info.version.").unwrap();
    assert!(!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
}
