//! While the authorization server is down, facts past their freshness may serve; never past `exp`.

use crate::caller::{A_PAUSE, A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration};
use crate::host::{Outcome, Process, START, Worker};
use crate::process;
use proxy_wasm::types::LogLevel;
use serde_json::{Value, json};
use std::time::Duration;

const PORTAL: &str = r#"{"active":true,"client_id":"portal"}"#;
/// An answer is fresh for 90 s to 100 s, and stale for 60 s after that.
const STALE: u64 = 100;
const LAPSED: u64 = 160;

fn start(process: &Process, change: Value) -> Worker {
    let cache = json!({"max_ttl": "100s", "negative_ttl": "10s", "stale_if_error": "60s", "refresh_ahead": false});
    let mut configuration_change = json!({"cache": cache});
    configuration_change.as_object_mut().expect("members").extend(change.as_object().expect("members").clone());
    process.worker(&configuration(configuration_change)).expect("a configuration that is accepted")
}

fn at(process: &Process, seconds: u64) {
    process.set_clock(Duration::from_secs(START + seconds));
}

/// A request whose question the server does not answer; what became of it, and whether stale facts served.
#[track_caller]
fn during_outage(worker: &Worker, headers: &[(&str, &str)]) -> (Outcome, bool) {
    let stream = worker.request(headers);
    for call in worker.callouts() {
        worker.refuse_connection(call.id);
    }
    let outcome = worker.outcome(stream);
    assert_ne!(outcome, Outcome::Paused);
    // Nothing is set on a request that passes.
    let marked = worker.property(stream, "tessera.cache").as_deref() == Some(b"stale");
    assert!(!(marked && outcome.passed()));
    let stale = marked || outcome.passed();
    worker.hang_up(stream);
    (outcome, stale)
}

const BEARER: [(&str, &str); 1] = [("authorization", "Bearer abc")];

#[test]
fn stale_facts_serve_while_the_server_is_down_and_say_so() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", PORTAL);
    at(&process, STALE);
    let (outcome, stale) = during_outage(&worker, &BEARER);
    assert_eq!(outcome.upstream().text("x-client-id"), Some("portal"));
    assert!(stale);
    let warnings = worker.logs().into_iter().filter(|(level, _)| *level == LogLevel::Warn).map(|(_, line)| line);
    let warnings: Vec<_> = warnings.filter(|line| line.contains("introspection")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("main") && warnings[0].contains("stale_if_error"), "{warnings:?}");
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_cache.result.stale.level.shared"), 1);
    assert_eq!(process.metric("tessera_requests.outcome.allowed.api.orders-v1"), 2);
    assert_eq!(process.metric("tessera_introspections.provider.main.result.unavailable"), 1);
}

#[test]
fn a_server_that_is_down_is_asked_once_a_second_and_nobody_else_waits() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", PORTAL);
    at(&process, STALE);
    during_outage(&worker, &BEARER);
    for _ in 0..10 {
        assert_eq!(during_outage(&worker, &BEARER), (worker.known("abc"), true));
    }
    assert_eq!(worker.sent_callouts().len(), 2);
    at(&process, STALE + 1);
    assert!(during_outage(&worker, &BEARER).1);
    assert_eq!(worker.sent_callouts().len(), 3);
    // Strangers are asked about all the same.
    assert_eq!(worker.outcome(worker.bearer("def")), Outcome::Paused);
}

#[test]
fn trouble_with_one_token_lets_no_other_pass_on_stale_facts() {
    for status in [500, 503, 429] {
        let process = process();
        let workers = [start(&process, json!({})), start(&process, json!({}))];
        workers[0].asked("revoked", PORTAL);
        workers[1].known("revoked");
        at(&process, STALE);
        for worker in &workers {
            // What somebody has found out to upset the server.
            let provoked = worker.bearer("poison");
            worker.answer(worker.callout().id, status, &[("x", "y")], "");
            assert_eq!(worker.outcome(provoked).status(), Some(503));
        }
        assert_eq!(workers[0].asked("revoked", INACTIVE).status(), Some(401), "the server is well");
        assert_eq!(workers[1].known("revoked").status(), Some(401));
    }
}

#[test]
fn each_token_is_asked_about_once_a_second_while_the_server_is_down() {
    let process = process();
    let worker = start(&process, json!({}));
    let tokens = ["abc", "def", "ghi"];
    for token in tokens {
        worker.asked(token, PORTAL);
    }
    at(&process, STALE);
    for second in 0..5 {
        for token in tokens {
            for _ in 0..5 {
                let (outcome, stale) = during_outage(&worker, &[("authorization", &format!("Bearer {token}"))]);
                assert!(outcome.passed() && stale);
            }
        }
        assert_eq!(worker.sent_callouts().len(), tokens.len() * (2 + second));
        worker.advance(A_PAUSE);
    }
}

#[test]
fn the_server_is_believed_again_as_soon_as_it_answers() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", PORTAL);
    at(&process, STALE);
    during_outage(&worker, &BEARER);
    at(&process, STALE + 1);
    assert_eq!(worker.asked("abc", INACTIVE).status(), Some(401));
    at(&process, STALE + 12);
    assert_eq!(during_outage(&worker, &BEARER).0.status(), Some(503), "what was revoked does not come back");
}

#[test]
fn stale_facts_end_with_the_stale_time() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", PORTAL);
    at(&process, 149);
    assert!(during_outage(&worker, &BEARER).1);
    at(&process, LAPSED);
    let (outcome, stale) = during_outage(&worker, &BEARER);
    assert_eq!((outcome.status(), stale), (Some(503), false));
}

#[test]
fn stale_facts_never_serve_past_exp() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", &active(json!({"client_id": "portal", "exp": START + 120})));
    at(&process, 119);
    assert!(during_outage(&worker, &BEARER).1);
    at(&process, 120);
    assert_eq!(during_outage(&worker, &BEARER).0.status(), Some(503));
}

#[test]
fn stale_facts_are_judged_like_others() {
    let process = process();
    let operation = json!({"match": {"methods": ["POST"]}, "scopes": {"all": ["orders.write"]}});
    let contracts = json!([{"api": "orders-v1", "client_id": "portal", "expires_at": "2026-01-01T00:02:00Z"}]);
    let worker =
        start(&process, json!({"apis": [api(json!({"operations": [operation]}))], "contracts": {"inline": contracts}}));
    worker.asked("abc", PORTAL);
    at(&process, STALE);
    assert!(during_outage(&worker, &BEARER).0.passed());
    let (outcome, stale) = during_outage(&worker, &[BEARER[0], (":method", "POST")]);
    assert_eq!((outcome.status(), stale), (Some(403), true));
    at(&process, 120);
    assert_eq!(during_outage(&worker, &BEARER).0.error(), "unauthorized_client");
}

#[test]
fn stale_facts_do_not_serve_where_max_age_is_shorter() {
    let process = process();
    let operation = json!({"match": {"methods": ["POST"]}, "max_age": "30s"});
    let worker = start(&process, json!({"apis": [api(json!({"operations": [operation]}))]}));
    worker.asked("abc", PORTAL);
    let post = [BEARER[0], (":method", "POST")];
    at(&process, 31);
    assert_eq!(during_outage(&worker, &post).0.status(), Some(503), "fresh, but not fresh enough");
    at(&process, STALE);
    assert_eq!(during_outage(&worker, &post).0.status(), Some(503));
    assert!(during_outage(&worker, &BEARER).1);
}

#[test]
fn an_answer_that_is_none_is_not_an_outage() {
    let process = process();
    let worker = start(&process, json!({}));
    worker.asked("abc", PORTAL);
    at(&process, STALE);
    for (second, status) in [200, 403, 302].into_iter().enumerate() {
        at(&process, STALE + second as u64);
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, status, &[("content-type", "text/html")], "<html>");
        assert_eq!(worker.outcome(stream).status(), Some(502));
        // Nor is it one for those who come in the second after.
        assert_eq!(worker.known("abc").status(), Some(502));
    }
}

#[test]
fn timeouts_broken_streams_and_5xx_are_outages() {
    let fates: [fn(&Worker); 5] = [
        |worker| worker.advance(Duration::from_secs(2)),
        |worker| worker.fail(worker.callout().id),
        |worker| worker.answer(worker.callout().id, 500, &[("x", "y")], ""),
        |worker| worker.answer(worker.callout().id, 429, &[("x", "y")], ""),
        |worker| {
            worker.lose(worker.callout().id);
            worker.advance(Duration::from_secs(3));
        },
    ];
    for fate in fates {
        let process = process();
        let worker = start(&process, json!({}));
        worker.asked("abc", PORTAL);
        at(&process, STALE);
        let stream = worker.bearer("abc");
        fate(&worker);
        assert!(worker.outcome(stream).passed());
        worker.hang_up(stream);
    }
}

#[test]
fn a_worker_that_knows_nothing_takes_the_stale_facts_of_the_process() {
    let process = process();
    start(&process, json!({})).asked("abc", PORTAL);
    at(&process, STALE);
    let other = start(&process, json!({}));
    let (outcome, stale) = during_outage(&other, &BEARER);
    assert!(outcome.passed() && stale);
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_cache.result.stale.level.shared"), 1);
}

/// Two workers that knew a token, of which the first has seen it revoked since.
fn revoked_before_one_of_two(process: &Process) -> (Worker, Worker) {
    let (one, two) = (start(process, json!({})), start(process, json!({})));
    one.asked("abc", PORTAL);
    two.known("abc");
    at(process, STALE);
    one.asked("abc", INACTIVE);
    (one, two)
}

#[test]
fn what_one_worker_has_seen_revoked_no_other_serves_stale() {
    let process = process();
    let (one, two) = revoked_before_one_of_two(&process);
    // While the negative answer is known, and after it.
    assert_eq!(two.known("abc").status(), Some(401));
    at(&process, STALE + 11);
    for worker in [&one, &two] {
        assert_eq!(during_outage(worker, &BEARER).0.status(), Some(503));
    }
}

#[test]
fn what_one_worker_has_seen_revoked_no_other_serves_stale_that_was_not_asked_meanwhile() {
    let process = process();
    let (_one, two) = revoked_before_one_of_two(&process);
    at(&process, STALE + 11);
    assert_eq!(during_outage(&two, &BEARER).0.status(), Some(503));
}

#[test]
fn must_revalidate_and_a_zero_stale_time_forbid_it() {
    for (cache_control, stale_if_error) in [("must-revalidate", "60s"), ("no-store", "60s"), ("private", "0s")] {
        let process = process();
        let cache = json!({"max_ttl": "100s", "stale_if_error": stale_if_error, "cache_control": "respect"});
        let worker = start(&process, json!({"cache": cache}));
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, 200, &[("cache-control", cache_control)], PORTAL);
        worker.hang_up(stream);
        at(&process, STALE);
        assert_eq!(during_outage(&worker, &BEARER).0.status(), Some(503), "{cache_control}");
    }
}
