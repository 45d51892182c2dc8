//! Every outcome: its status, its answer, the property for access logs, the count.

use crate::caller::{A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, Process, START, StreamId, Worker};
use crate::refusals::{self, REFUSALS};
use crate::{process, worker};
use proxy_wasm::types::{LogLevel, Status};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tessera_core::outcome::Outcome as Named;

/// Everything that a token can fail at: provider with issuer and audience, a scope, contracts of every kind.
fn strict() -> String {
    let contract = |client: &str, more: Value| {
        let mut row = json!({"api": "orders-v1", "client_id": client});
        row.as_object_mut().expect("a row").extend(more.as_object().expect("members").clone());
        row
    };
    configuration(json!({
        "providers": [provider(json!({"issuer": "https://idp.example.com", "audiences": ["https://api.example.com"]}))],
        "apis": [api(json!({
            "match": {"paths": ["/orders/"]},
            "scopes": {"all": ["orders.read"]},
            "claims": {"/realm": ["orders"], "/ext/acr": ["1", 2]},
            "operations": [{"match": {"paths": ["/orders/health"]}, "public": true}],
        }))],
        "contracts": {"inline": [
            contract("portal", json!({"tier": "gold"})),
            contract("halted", json!({"status": "suspended"})),
            contract("asked", json!({"status": "pending"})),
            contract("ended", json!({"status": "revoked"})),
            contract("past", json!({"expires_at": "2025-12-31T23:59:59Z"})),
            contract("future", json!({"not_before": "2026-02-01T00:00:00Z"})),
        ]},
        "replies": {"realm": "orders", "retry_after": "7s"},
    }))
}

fn facts(change: Value) -> Value {
    let mut facts = json!({
        "client_id": "portal", "scope": "orders.read", "iss": "https://idp.example.com",
        "aud": "https://api.example.com", "exp": START + 600, "realm": ["x", "orders"], "ext": {"acr": 2.0},
    });
    facts.as_object_mut().expect("members").extend(change.as_object().expect("members").clone());
    facts
}

fn get(worker: &Worker, path: &str) -> StreamId {
    worker.request(&[("authorization", "Bearer abc"), (":path", path)])
}

#[track_caller]
fn assert_refused(found: &Outcome, outcome: &str) {
    let reply = found.reply();
    let status = u16::try_from(reply.status).expect("a status");
    refusals::assert_refused(outcome, status, &reply.body, |name| reply.headers.text(name).map(str::to_owned));
}

#[track_caller]
fn check(process: &Process, worker: &Worker, stream: StreamId, outcome: &str, api: &str) {
    assert_eq!(worker.outcome_property(stream).as_deref(), Some(outcome));
    assert_refused(&worker.outcome(stream), outcome);
    process.advance(A_TICK);
    assert_eq!(process.metric(&format!("tessera_requests.outcome.{outcome}.api.{api}")), 1);
    let others =
        process.metrics().into_iter().filter(|(name, value)| name.starts_with("tessera_requests") && *value > 0);
    assert_eq!(others.count(), 1, "one request, counted once");
}

/// A fresh process that is asked once and answers so.
#[track_caller]
fn answered(answer: &str, outcome: &str) {
    let process = process();
    let worker = process.worker(&strict()).expect("a configuration that is accepted");
    let stream = get(&worker, "/orders/1");
    worker.answer_json(worker.callout().id, answer);
    check(&process, &worker, stream, outcome, "orders-v1");
}

#[test]
fn the_table_of_refusals_is_complete() {
    let listed: BTreeSet<_> = REFUSALS.iter().map(|refusal| refusal.outcome).collect();
    let refusing = Named::ALL.into_iter().filter(|outcome| outcome.answer().is_some());
    assert_eq!(listed, refusing.map(Named::name).collect());
}

#[test]
fn what_needs_no_asking_is_refused_at_once() {
    let long = "x".repeat(8193);
    for (authorization, path, outcome, api) in [
        ("Bearer abc", "/elsewhere", "unknown_api", "-"),
        ("Bearer abc", "/orders/%2e%2e/1", "invalid_request", "-"),
        ("Bearer abc, Bearer def", "/orders/1", "invalid_request", "orders-v1"),
        ("Bearer", "/orders/1", "invalid_request", "orders-v1"),
        ("Bearer a\u{e9}", "/orders/1", "invalid_request", "orders-v1"),
        (&format!("Bearer {long}"), "/orders/1", "invalid_request", "orders-v1"),
        ("Basic YTpi", "/orders/1", "missing_token", "orders-v1"),
    ] {
        let process = process();
        let worker = process.worker(&strict()).expect("a configuration that is accepted");
        let stream = worker.request(&[("authorization", authorization), (":path", path)]);
        check(&process, &worker, stream, outcome, api);
        assert!(worker.sent_callouts().is_empty());
    }
}

#[test]
fn facts_that_fail_their_check_are_refused() {
    for (change, outcome) in [
        (json!({"exp": START - 10}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": null, "expires_in": 0}), "expired"),
        (json!({"exp": []}), "provider_error"),
        (json!({"nbf": START + 11}), "not_yet_valid"),
        (json!({"iss": "https://evil.example.com"}), "wrong_issuer"),
        (json!({"aud": ["https://other.example.com"]}), "wrong_audience"),
        (json!({"aud": null}), "wrong_audience"),
        (json!({"token_use": "refresh_token"}), "wrong_token_type"),
        (json!({"typ": "ID"}), "wrong_token_type"),
        (json!({"typ": ["access", {"also": "Offline"}]}), "wrong_token_type"),
        (json!({"realm": "Orders"}), "wrong_claims"),
        (json!({"realm": null}), "wrong_claims"),
        (json!({"realm": [["orders"]]}), "wrong_claims"),
        (json!({"ext": {"acr": "2"}}), "wrong_claims"),
        (json!({"ext": {"acr": 1}}), "wrong_claims"),
        (json!({"ext": []}), "wrong_claims"),
        (json!({"cnf": {"jkt": "x"}}), "proof_missing"),
        (json!({"token_type": "dpop"}), "proof_missing"),
        (json!({"scope": "orders.readx"}), "insufficient_scope"),
        (json!({"scope": null}), "insufficient_scope"),
        (json!({"client_id": "nobody"}), "no_contract"),
        (json!({"client_id": null}), "no_contract"),
        (json!({"client_id": ""}), "no_contract"),
        (json!({"client_id": "asked"}), "no_contract"),
        (json!({"client_id": "ended"}), "no_contract"),
        (json!({"client_id": "future"}), "no_contract"),
        (json!({"client_id": "halted"}), "contract_suspended"),
        (json!({"client_id": "past"}), "contract_expired"),
    ] {
        answered(&active(facts(change)), outcome);
    }
    answered(INACTIVE, "inactive");
}

#[test]
fn times_that_are_null_are_absent() {
    let worker = worker(&strict());
    let stream = get(&worker, "/orders/1");
    let nulls = json!({"exp": null, "nbf": null, "iat": null, "expires_in": null});
    worker.answer_json(worker.callout().id, &active(facts(nulls)));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
}

#[test]
fn without_clock_skew_a_token_ends_with_its_exp() {
    let process = process();
    let providers = [provider(json!({"clock_skew": "0s"}))];
    let worker = process.worker(&configuration(json!({"providers": providers}))).expect("accepted");
    let stream = get(&worker, "/orders/1");
    worker.answer_json(worker.callout().id, &active(json!({"exp": START + 1, "nbf": START})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
    process.set_clock(Duration::from_secs(START + 1));
    let stream = get(&worker, "/orders/1");
    worker.answer_json(worker.callout().id, &active(json!({"exp": START + 1})));
    assert_eq!(worker.outcome_property(stream).as_deref(), Some("expired"));
}

#[test]
fn an_operation_may_ask_for_no_scope_where_its_api_asks_for_some() {
    let operation = json!({"match": {"paths": ["/orders/me"]}, "scopes": {"all": []}});
    let apis = [api(json!({"scopes": {"all": ["orders.read"]}, "operations": [operation]}))];
    let worker = worker(&configuration(json!({"apis": apis})));
    let stream = get(&worker, "/orders/me");
    worker.answer_json(worker.callout().id, &active(json!({"scope": "other"})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
    assert_eq!(worker.outcome_property(get(&worker, "/orders/1")).as_deref(), Some("insufficient_scope"));
}

#[test]
fn another_kind_of_token_is_refused_from_memory_too() {
    let process = process();
    let start = || process.worker(&strict()).expect("a configuration that is accepted");
    let (one, two) = (start(), start());
    let stream = get(&one, "/orders/1");
    one.answer_json(one.callout().id, &active(facts(json!({"token_use": "refresh_token"}))));
    for (worker, stream) in [(&one, stream), (&one, get(&one, "/orders/1")), (&two, get(&two, "/orders/1"))] {
        assert_eq!(worker.outcome_property(stream).as_deref(), Some("wrong_token_type"));
        assert_eq!(worker.outcome(stream).status(), Some(401));
    }
    assert!(two.sent_callouts().is_empty(), "known through shared data");
}

#[test]
fn the_log_recommends_audiences_where_none_are_set() {
    let advice = |audiences: Value| {
        let worker = worker(&configuration(json!({"providers": [provider(json!({"audiences": audiences}))]})));
        let logs = worker.logs().into_iter();
        logs.filter(|(level, line)| *level == LogLevel::Warn && line.contains("audiences")).count()
    };
    assert_eq!(advice(Value::Null), 1);
    assert_eq!(advice(json!([])), 1);
    assert_eq!(advice(json!(["https://api.example.com"])), 0);
}

#[test]
fn the_first_check_that_fails_names_the_outcome() {
    let everything = json!({
        "exp": START - 60, "nbf": START + 60, "iss": "x", "aud": "x", "typ": "ID", "realm": "x", "cnf": {}, "scope": "",
        "client_id": "nobody",
    });
    let order = [
        ("exp", "expired"),
        ("nbf", "not_yet_valid"),
        ("iss", "wrong_issuer"),
        ("aud", "wrong_audience"),
        ("typ", "wrong_token_type"),
        ("realm", "wrong_claims"),
        ("cnf", "proof_missing"),
        ("scope", "insufficient_scope"),
        ("client_id", "no_contract"),
    ];
    let mut wrong = everything;
    for (member, outcome) in order {
        answered(&active(facts(wrong.clone())), outcome);
        wrong.as_object_mut().expect("members").remove(member);
    }
}

#[test]
fn an_answer_that_is_not_an_introspection_differs_from_an_outage() {
    for (status, body, outcome) in [
        (200, "", "provider_error"),
        (200, "<html>", "provider_error"),
        (200, "[]", "provider_error"),
        (200, "{}", "provider_error"),
        (200, r#"{"active":"true"}"#, "provider_error"),
        (200, r#"{"active":1}"#, "provider_error"),
        (200, r#"{"active":null}"#, "provider_error"),
        (200, r#"{"active":true,"active":false}"#, "provider_error"),
        (200, r#"{"active":true,"exp":"soon"}"#, "provider_error"),
        (204, "", "provider_error"),
        (301, "", "provider_error"),
        (400, r#"{"error":"invalid_request"}"#, "provider_error"),
        (400, r#"{"error":"invalid_token"}"#, "inactive"),
        (401, r#"{"error":"unsupported_token_type"}"#, "inactive"),
        (401, r#"{"error":"invalid_client"}"#, "provider_error"),
        (403, "<html>", "provider_error"),
        (404, "", "provider_error"),
        (429, "", "provider_unavailable"),
        (500, "", "provider_unavailable"),
        (503, r#"{"active":true,"client_id":"portal"}"#, "provider_unavailable"),
    ] {
        let process = process();
        let worker = process.worker(&strict()).expect("a configuration that is accepted");
        let stream = get(&worker, "/orders/1");
        worker.answer(worker.callout().id, status, &[("content-type", "text/html; charset=utf-8")], body);
        check(&process, &worker, stream, outcome, "orders-v1");
        let shown = String::from_utf8_lossy(&worker.outcome(stream).reply().body).into_owned();
        assert!(!shown.contains("html") && !shown.contains("idp"), "{shown}");
    }
    let huge = format!(r#"{{"active":true,"padding":"{}"}}"#, "x".repeat(256 * 1024));
    answered(&huge, "provider_error");
}

#[test]
fn a_good_token_and_a_public_operation_pass() {
    for (path, outcome) in [("/orders/1", "allowed"), ("/orders/health", "public")] {
        let process = process();
        let worker = process.worker(&strict()).expect("a configuration that is accepted");
        let stream = get(&worker, path);
        if outcome == "allowed" {
            worker.answer_json(worker.callout().id, &active(facts(json!({"nbf": START + 10, "exp": START - 9}))));
        }
        assert!(worker.outcome(stream).passed(), "within the skew: {path}");
        assert!(worker.sent_callouts().len() <= 1);
        process.advance(A_TICK);
        assert_eq!(process.metric(&format!("tessera_requests.outcome.{outcome}.api.orders-v1")), 1);
        worker.hang_up(stream);
    }
}

#[test]
fn what_no_api_claims_may_pass_if_the_configuration_says_so() {
    let process = process();
    let change = json!({"no_match": "pass", "apis": [api(json!({"match": {"paths": ["/orders/"]}}))]});
    let worker = process.worker(&configuration(change)).expect("a configuration that is accepted");
    let passed = worker.exchange(&[(":path", "/elsewhere"), ("x-client-id", "spoofed"), ("x-mine", "1")]);
    assert_eq!((passed.upstream().get("x-client-id"), passed.upstream().text("x-mine")), (None, Some("1")));
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_requests.outcome.unmatched.api.-"), 1);
}

#[test]
fn contracts_from_a_source_that_has_not_answered_are_not_loaded() {
    let process = process();
    let change =
        json!({"contracts": {"source": {"url": "https://contracts.internal/v1/contracts", "cluster": "contracts"}}});
    let worker = process.worker(&configuration(change)).expect("a configuration that is accepted");
    let stream = worker.bearer("abc");
    let asked = worker.callouts().into_iter().find(|call| call.cluster == "idp").expect("an introspection");
    worker.answer_json(asked.id, &active(json!({"client_id": "portal"})));
    check(&process, &worker, stream, "contracts_not_loaded", "orders-v1");
}

#[test]
fn a_challenge_names_the_scopes_of_the_operation() {
    let operation = json!({"match": {"methods": ["POST"]}, "scopes": {"any": ["orders.write", "orders.admin"]}});
    let worker = worker(&configuration(json!({
        "apis": [api(json!({"scopes": {"all": ["orders.read"]}, "operations": [operation]}))],
        "replies": {"realm": "the \"orders\"", "resource_metadata": "https://api.example.com/.well-known"},
    })));
    let challenge = |method: &str| {
        let outcome = worker.exchange(&[(":method", method)]);
        outcome.reply().headers.text("www-authenticate").expect("a challenge").to_owned()
    };
    let metadata = "resource_metadata=\"https://api.example.com/.well-known\"";
    assert_eq!(challenge("GET"), format!(r#"Bearer realm="the \"orders\"", scope="orders.read", {metadata}"#));
    assert!(challenge("POST").contains(r#"scope="orders.write orders.admin""#));
}

#[test]
fn a_call_is_sent_in_the_callback_of_its_request_and_outlives_it() {
    let worker = worker(&configuration(json!({})));
    let first = worker.arrive(&[("authorization", "Bearer abc")], true);
    let call = worker.callout();
    worker.hang_up(first);
    let second = worker.bearer("abc");
    assert_eq!(worker.sent_callouts().len(), 1);
    worker.answer_json(call.id, &active(json!({"client_id": "portal"})));
    assert!(worker.outcome(second).passed());
    worker.hang_up(second);
}

#[test]
fn whatever_host_call_fails_with_whatever_status_is_an_internal_error() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    worker.asked("abc", &active(json!({"client_id": "portal"})));
    let honest = [("authorization", "Bearer abc")].as_slice();
    let forging = [("authorization", "Bearer abc"), ("x-client-id", "forged")].as_slice();
    let statuses = [Status::InternalFailure, Status::NotFound, Status::BadArgument, Status::Empty];
    let calls = [
        ("proxy_get_current_time_nanoseconds", forging),
        ("proxy_get_header_map_pairs", forging),
        ("proxy_remove_header_map_value", forging),
        ("proxy_replace_header_map_value", forging),
        ("proxy_add_header_map_value", honest),
    ];
    for ((call, headers), status) in calls.into_iter().flat_map(|call| statuses.map(|status| (call, status))) {
        worker.fail_next(call, status);
        let stream = worker.request(headers);
        assert_eq!(worker.outcome(stream).status(), Some(500), "{call}");
        assert_eq!(worker.outcome_property(stream).as_deref(), Some("internal_error"));
    }
    process.advance(A_TICK);
    let counted = |api: &str| process.metric(&format!("tessera_requests.outcome.internal_error.api.{api}"));
    assert_eq!((counted("-"), counted("orders-v1")), (12, 8));
}

#[test]
fn more_tokens_than_are_asked_about_at_once_is_overloaded() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let mut last = StreamId(0);
    for number in 0..=1024 {
        last = worker.bearer(&format!("token-{number}"));
    }
    assert_eq!(worker.sent_callouts().len(), 1024);
    check(&process, &worker, last, "overloaded", "orders-v1");
    assert_eq!(process.metric("tessera_in_flight"), 1024);
    // What is asked about already may still be waited for.
    assert_eq!(worker.outcome(worker.bearer("token-7")), Outcome::Paused);
}

#[test]
fn the_clock_may_stand_at_either_end_of_time() {
    // The last moment that the host can tell in nanoseconds.
    let last = Duration::from_nanos(u64::MAX);
    for (clock, exp, outcome) in [
        (Duration::ZERO, 1, None),
        (Duration::ZERO, START, None),
        (last, START, Some("expired")),
        (last, u64::MAX, None),
    ] {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        process.set_clock(clock);
        let stream = worker.bearer("abc");
        worker.answer_json(worker.callout().id, &active(json!({"exp": exp})));
        assert_eq!(worker.outcome_property(stream).as_deref(), outcome, "{exp} at {clock:?}");
        worker.hang_up(stream);
    }
}
