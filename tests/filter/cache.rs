//! What is remembered, for how long, and where it must not matter.

use crate::caller::{A_PAUSE, A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, Process, START, Worker};
use crate::{process, worker};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

pub const PORTAL: &str = r#"{"active":true,"client_id":"portal","scope":"orders.read"}"#;

/// Answers live for 100 s, of which jitter takes a tenth at most; renewal stays out of the way.
pub fn cached(cache: Value) -> String {
    let mut settings = json!({"max_ttl": "100s", "negative_ttl": "10s", "refresh_ahead": false});
    settings.as_object_mut().expect("members").extend(cache.as_object().expect("members").clone());
    configuration(json!({"cache": settings}))
}

pub fn start(process: &Process, configuration: &str) -> Worker {
    process.worker(configuration).expect("a configuration that is accepted")
}

pub fn at(process: &Process, millis: u64) {
    process.set_clock(Duration::from_secs(START) + Duration::from_millis(millis));
}

pub fn entries(process: &Process, area: &str) -> Vec<(String, Vec<u8>)> {
    process.shared_data().into_iter().filter(|(key, _)| key.contains(area)).collect()
}

#[test]
fn an_answer_lives_for_max_ttl_less_a_tenth_at_most() {
    for _ in 0..20 {
        let process = process();
        let worker = start(&process, &cached(json!({})));
        worker.asked("abc", PORTAL);
        at(&process, 89_999);
        assert!(worker.known("abc").passed());
        at(&process, 100_000);
        assert!(worker.asked("abc", PORTAL).passed());
    }
}

#[test]
fn the_time_that_an_answer_was_under_way_counts() {
    let process = process();
    let slow = provider(json!({"introspection": {"timeout": "60s"}}));
    let settings = json!({"max_ttl": "100s", "refresh_ahead": false});
    let worker = start(&process, &configuration(json!({"providers": [slow], "cache": settings})));
    let stream = worker.bearer("abc");
    at(&process, 50_000);
    worker.answer_json(worker.callout().id, PORTAL);
    assert!(worker.outcome(stream).passed());
    at(&process, 89_999);
    assert!(worker.known("abc").passed());
    at(&process, 100_000);
    assert!(worker.asked("abc", PORTAL).passed());
}

#[test]
fn no_answer_outlives_exp() {
    for exp in [json!(START + 50), json!(format!("{}", START + 50)), json!((START + 50) as f64 + 0.9)] {
        let process = process();
        let worker = start(&process, &cached(json!({})));
        let answer = active(json!({"exp": exp}));
        worker.asked("abc", &answer);
        at(&process, 44_999);
        assert!(worker.known("abc").passed());
        at(&process, 50_000);
        assert!(worker.asked("abc", &answer).passed(), "within the skew, but asked anew each time");
        assert!(worker.asked("abc", &answer).passed());
        at(&process, 60_000);
        assert_eq!(worker.asked("abc", &answer).status(), Some(401));
    }
}

#[test]
fn expires_in_counts_from_the_answer() {
    let process = process();
    let worker = start(&process, &cached(json!({})));
    worker.asked("abc", &active(json!({"expires_in": "20"})));
    at(&process, 17_999);
    assert!(worker.known("abc").passed());
    at(&process, 20_000);
    worker.asked("abc", INACTIVE);
}

#[test]
fn cache_control_takes_nothing_away_unless_it_is_respected() {
    for value in ["no-store", "no-cache, private", "max-age=0, must-revalidate", "="] {
        for body in [PORTAL, INACTIVE] {
            let process = process();
            let worker = start(&process, &cached(json!({"stale_if_error": "60s"})));
            let stream = worker.bearer("abc");
            worker.answer(worker.callout().id, 200, &[("cache-control", value), ("pragma", "no-cache")], body);
            let (first, again) = (worker.outcome(stream), worker.known("abc"));
            assert_eq!(first.status(), again.status(), "{value}");
            assert_eq!(
                start(&process, &cached(json!({"stale_if_error": "60s"}))).known("abc").status(),
                first.status()
            );
            worker.hang_up(stream);
        }
    }
}

#[test]
fn a_known_token_passes_while_a_server_that_lets_nothing_be_kept_is_down() {
    let process = process();
    let worker = start(&process, &cached(json!({})));
    let stream = worker.bearer("abc");
    worker.answer(worker.callout().id, 200, &[("cache-control", "no-store")], PORTAL);
    worker.hang_up(stream);
    process.set_cluster("idp", false);
    at(&process, 89_999);
    assert!(worker.known("abc").passed());
    assert_eq!(worker.outcome(worker.bearer("def")).status(), Some(503));
}

#[test]
fn a_configuration_that_respects_cache_control_finds_nothing_that_another_has_kept_against_it() {
    let process = process();
    let worker = start(&process, &cached(json!({})));
    let stream = worker.bearer("abc");
    worker.answer(worker.callout().id, 200, &[("cache-control", "no-store")], PORTAL);
    worker.hang_up(stream);
    start(&process, &cached(json!({"cache_control": "respect"}))).asked("abc", PORTAL);
}

#[test]
fn every_line_of_cache_control_is_respected() {
    let worker = worker(&cached(json!({"cache_control": "respect"})));
    let stream = worker.bearer("abc");
    let lines = [("cache-control", "private"), ("cache-control", "no-store")];
    worker.answer(worker.callout().id, 200, &lines, PORTAL);
    worker.hang_up(stream);
    worker.asked("abc", PORTAL);
}

#[test]
fn cache_control_that_is_respected_may_only_shorten() {
    for (value, known_until, asked_from) in [
        ("no-store", 0, 0),
        ("private, No-Store", 0, 0),
        ("max-age=0", 0, 0),
        ("max-age=10", 8_999, 10_000),
        ("max-age=\"10\"", 8_999, 10_000),
        ("max-age=100000", 89_999, 100_000),
        ("public, s-maxage=5000", 89_999, 100_000),
        ("private, ,odd=1,", 89_999, 100_000),
        ("max-age=60, =", 0, 0),
    ] {
        let process = process();
        let worker = start(&process, &cached(json!({"cache_control": "respect"})));
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, 200, &[("cache-control", value)], PORTAL);
        assert!(worker.outcome(stream).passed());
        worker.hang_up(stream);
        if known_until > 0 {
            at(&process, known_until);
            assert!(worker.known("abc").passed(), "{value} at {known_until}");
        }
        at(&process, asked_from);
        assert!(worker.asked("abc", PORTAL).passed(), "{value}");
    }
}

#[test]
fn a_negative_answer_lives_for_negative_ttl() {
    let process = process();
    let (one, two) = (start(&process, &cached(json!({}))), start(&process, &cached(json!({}))));
    one.asked("bad", INACTIVE);
    at(&process, 8_999);
    for worker in [&one, &two] {
        assert_eq!(worker.known("bad").status(), Some(401));
    }
    at(&process, 10_000);
    assert!(one.asked("bad", PORTAL).passed());
    assert!(two.known("bad").passed(), "the good answer has displaced the bad one");
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_cache.result.negative_hit.level.worker"), 1);
    assert_eq!(process.metric("tessera_cache.result.negative_hit.level.shared"), 1);
}

#[test]
fn negative_ttl_zero_remembers_no_bad_token() {
    let worker = worker(&cached(json!({"negative_ttl": "0s"})));
    worker.asked("bad", INACTIVE);
    worker.asked("bad", INACTIVE);
}

#[test]
fn a_flood_of_bad_tokens_pushes_no_good_one_out() {
    let process = process();
    let configuration = cached(json!({"entries": 8}));
    let worker = start(&process, &configuration);
    for number in 0..8 {
        worker.asked(&format!("good-{number}"), PORTAL);
    }
    for number in 0..2000 {
        worker.asked(&format!("bad-{number}"), INACTIVE);
    }
    let other = start(&process, &configuration);
    for number in 0..8 {
        for worker in [&worker, &other] {
            assert!(worker.known(&format!("good-{number}")).passed());
        }
    }
    let bytes: usize = process.shared_data().values().map(Vec::len).sum();
    assert!(bytes <= 8 * 2048 + 64 * 59, "{bytes} bytes");
}

#[test]
fn entries_zero_keeps_nothing() {
    let process = process();
    let worker = start(&process, &cached(json!({"entries": 0})));
    for _ in 0..3 {
        assert!(worker.asked("abc", PORTAL).passed());
        assert_eq!(worker.asked("bad", INACTIVE).status(), Some(401));
    }
    let sets = entries(&process, "/slots/");
    assert!(sets.iter().all(|(_, value)| value.len() == 1), "nothing but the format: {sets:?}");
    let streams = [worker.bearer("abc"), worker.bearer("abc")];
    worker.answer_json(worker.callout().id, PORTAL);
    for stream in streams {
        assert!(worker.outcome(stream).passed());
        worker.hang_up(stream);
    }
}

#[test]
fn failures_are_remembered_for_a_second_only() {
    let worker = worker(&cached(json!({})));
    for status in [500, 403, 200] {
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, status, &[("content-type", "text/html")], "<html>");
        assert!(worker.outcome(stream).status().is_some_and(|status| status >= 500));
        worker.advance(A_PAUSE);
    }
    assert!(worker.asked("abc", PORTAL).passed());
}

#[test]
fn max_age_asks_again_where_it_is_set_and_only_there() {
    let process = process();
    let operation = json!({"match": {"methods": ["DELETE"]}, "max_age": "30s"});
    let change = json!({"apis": [api(json!({"operations": [operation]}))], "cache": {"refresh_ahead": false}});
    let worker = start(&process, &configuration(change));
    let send = |method: &str| worker.exchange(&[(":method", method), ("authorization", "Bearer abc")]);
    worker.asked("abc", PORTAL);
    at(&process, 30_000);
    assert!(send("DELETE").passed());
    at(&process, 30_001);
    assert!(send("GET").passed());
    assert_eq!(send("DELETE"), Outcome::Paused);
    worker.answer_json(worker.callout().id, PORTAL);
    at(&process, 60_000);
    assert!(send("DELETE").passed(), "the new answer serves");
    assert_eq!(worker.sent_callouts().len(), 2);
}

#[test]
fn a_clock_that_goes_back_ends_what_was_learned_later() {
    let process = process();
    let worker = start(&process, &cached(json!({})));
    at(&process, 5_000);
    worker.asked("abc", PORTAL);
    at(&process, 4_000);
    assert!(worker.known("abc").passed(), "a second is not worth a call");
    at(&process, 3_999);
    assert!(worker.asked("abc", PORTAL).passed());
    assert!(worker.known("abc").passed());
    process.set_clock(Duration::from_secs(1));
    assert!(worker.asked("abc", PORTAL).passed());
    let other = start(&process, &cached(json!({})));
    assert!(other.known("abc").passed(), "what was learned under the new time is shared");
}

/// Two operations, checks of every kind, a contract that ends.
fn judging(entries: u32) -> String {
    let operation = json!({"match": {"methods": ["POST"]}, "scopes": {"all": ["orders.write"]}, "contract": "none"});
    configuration(json!({
        "providers": [provider(json!({"audiences": ["a", "b"], "issuer": "https://idp.example.com"}))],
        "apis": [api(json!({"scopes": {"any": ["orders.read", "orders.write"]}, "operations": [operation]}))],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold", "expires_at": "2026-01-01T00:00:40Z"},
            {"api": "orders-v1", "client_id": "mobile", "status": "suspended"},
        ]},
        "cache": {"entries": entries, "refresh_ahead": false},
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hit_decides_as_a_miss_does(
        scope in prop::sample::select(vec!["", "orders.read", "orders.write", "orders.read orders.write"]),
        client in prop::sample::select(vec!["portal", "mobile", "nobody", ""]),
        audience in prop::sample::select(vec!["a", "b", "c"]),
        issuer in prop::sample::select(vec!["https://idp.example.com", "https://other.example.com"]),
        ends in prop::option::of(0_u64..120),
        begins in prop::option::of(0_u64..60),
        later in prop::collection::vec(0_u64..30_000, 1..5),
        methods in prop::collection::vec(any::<bool>(), 5),
    ) {
        let mut facts = json!({"scope": scope, "client_id": client, "aud": audience, "iss": issuer});
        if let Some(ends) = ends {
            facts["exp"] = json!(START + ends);
        }
        if let Some(begins) = begins {
            facts["nbf"] = json!(START + begins);
        }
        let process = process();
        let (remembering, forgetful) = (start(&process, &judging(100)), start(&process, &judging(0)));
        let mut now = 0;
        for (step, post) in later.iter().zip(&methods) {
            let method = if *post { "POST" } else { "GET" };
            let [hit, miss] = [&remembering, &forgetful].map(|worker| {
                let stream = worker.request(&[(":method", method), ("authorization", "Bearer abc")]);
                if let Some(call) = worker.callouts().first() {
                    worker.answer_json(call.id, &active(facts.clone()));
                }
                let outcome = worker.outcome(stream);
                worker.hang_up(stream);
                outcome
            });
            prop_assert_eq!(hit, miss);
            now += step;
            at(&process, now);
        }
        prop_assert!(forgetful.sent_callouts().len() == later.len());
    }
}
