//! APIs and operations that need no token, and what tokens must say.

use crate::caller::{A_TICK, active};
use crate::configuration::{api, configuration};
use crate::host::Worker;
use crate::{process, worker};
use serde_json::{Value, json};

fn with_api(change: Value) -> Worker {
    worker(&configuration(json!({"apis": [api(change)]})))
}

const SPOOFS: [(&str, &str); 2] = [("x-client-id", "root"), ("x-sla-tier", "platinum")];

#[test]
fn without_a_token_a_request_passes_without_an_identity_and_is_counted() {
    let process = process();
    let change = json!({"token": "optional", "scopes": {"all": ["read"]}});
    let worker = process.worker(&configuration(json!({"apis": [api(change)]}))).expect("a sound configuration");
    for more in [&[][..], &[("authorization", "Basic YTpi")]] {
        let passed = worker.exchange(&[&SPOOFS[..], more].concat());
        for (name, _) in SPOOFS {
            assert_eq!(passed.upstream().get(name), None, "{name}");
        }
    }
    assert!(worker.sent_callouts().is_empty());
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_requests.outcome.anonymous.api.orders-v1"), 2);
}

#[test]
fn with_a_token_a_request_is_judged_as_any_other() {
    let worker = with_api(json!({"token": "optional", "scopes": {"all": ["read"]}}));
    let good = worker.asked("good", &active(json!({"client_id": "portal", "scope": "read"})));
    assert_eq!(good.upstream().text("x-client-id"), Some("portal"));
    assert_eq!(worker.asked("narrow", &active(json!({"client_id": "portal"}))).error(), "insufficient_scope");
    assert_eq!(worker.asked("gone", r#"{"active":false}"#).error(), "invalid_token");
    for value in ["Bearer", "Bearer a b", "Bearer \u{e9}"] {
        assert_eq!(worker.exchange(&[("authorization", value)]).error(), "invalid_request", "{value}");
    }
}

#[test]
fn an_operation_may_say_otherwise_than_its_api() {
    for (of_the_api, of_the_operation) in [("optional", "required"), ("required", "optional")] {
        let operations = json!([{"match": {"paths": ["/a/"]}, "token": of_the_operation}]);
        let worker = with_api(json!({"token": of_the_api, "operations": operations}));
        for (path, rule) in [("/a/1", of_the_operation), ("/b", of_the_api)] {
            let outcome = worker.exchange(&[(":path", path)]);
            assert_eq!(outcome.passed(), rule == "optional", "{path}");
        }
    }
}

#[test]
fn a_path_that_is_not_plain_waives_no_token() {
    let operations = json!([{"match": {"paths": ["/open/", "/jobs:list"]}, "token": "optional"}]);
    for ambiguous in ["refuse", "literal"] {
        let change = json!({"apis": [api(json!({"operations": operations}))], "ambiguous_paths": ambiguous});
        let worker = worker(&configuration(change));
        for path in ["/open/1", "/open/a%20b", "/jobs:list"] {
            assert!(worker.exchange(&[(":path", path)]).passed(), "{path}");
        }
        for path in ["/%6fpen/1", "/open/%7E", "/open/%c0%ae", "/open/%ef%bc%8f", "/open/a%3bb", "/jobs%3Alist"] {
            assert_eq!(worker.exchange(&[(":path", path)]).error(), "missing_token", "{path}");
        }
        let expected = if ambiguous == "literal" { "missing_token" } else { "invalid_request" };
        for path in ["/open/../1", "/open/%252e", "/open/a;b"] {
            assert_eq!(worker.exchange(&[(":path", path)]).error(), expected, "{path}");
        }
    }
}

#[test]
fn claims_are_judged_anew_on_each_request_and_operation_also_when_known_from_another_worker() {
    let process = process();
    let operations = json!([
        {"match": {"paths": ["/step-up"]}, "claims": {"/acr": ["2", 3]}},
        {"match": {"paths": ["/anyone"]}, "claims": {}},
    ]);
    let change = json!({"apis": [api(json!({"claims": {"/realm": ["x"]}, "operations": operations}))]});
    let [one, other] = [(); 2].map(|()| process.worker(&configuration(change.clone())).expect("a sound configuration"));
    let at = |worker: &Worker, path: &str| worker.exchange(&[("authorization", "Bearer abc"), (":path", path)]);
    let first = one.request(&[("authorization", "Bearer abc"), (":path", "/step-up")]);
    let facts = json!({"client_id": "portal", "realm": ["w", "x"], "acr": 3.0, "levels": [1, 2]});
    one.answer_json(one.callout().id, &active(facts));
    assert!(one.outcome(first).passed());
    one.hang_up(first);
    for worker in [&other, &one] {
        for path in ["/", "/step-up", "/anyone"] {
            assert!(at(worker, path).passed(), "{path}");
        }
    }
    assert_eq!((one.sent_callouts().len(), other.sent_callouts().len()), (1, 0));
    let wrong = one.request(&[("authorization", "Bearer def"), (":path", "/")]);
    one.answer_json(one.callout().id, &active(json!({"client_id": "portal", "acr": "3"})));
    assert_eq!(one.outcome_property(wrong).as_deref(), Some("wrong_claims"));
    let wrong = other.request(&[("authorization", "Bearer def"), (":path", "/step-up")]);
    assert_eq!(other.outcome_property(wrong).as_deref(), Some("wrong_claims"), "a string is no number");
    let passed = other.exchange(&[("authorization", "Bearer def"), (":path", "/anyone")]);
    assert!(passed.passed() && other.sent_callouts().is_empty());
}

#[test]
fn a_challenge_for_a_claim_lists_no_scopes() {
    let worker = with_api(json!({"scopes": {"all": ["read"]}, "claims": {"/acr": ["2"]}}));
    let refused = worker.asked("abc", &active(json!({"scope": "read"})));
    assert_eq!(
        refused.reply().headers.text("www-authenticate"),
        Some(
            "Bearer error=\"insufficient_scope\", \
             error_description=\"The access token lacks a claim that this operation requires.\""
        )
    );
}

#[test]
fn configurations_that_ask_for_different_claims_share_no_answers() {
    let process = process();
    let with = |values: Value| configuration(json!({"apis": [api(json!({"claims": {"/acr": values}}))]}));
    let one = process.worker(&with(json!(["1"]))).expect("a sound configuration");
    let other = process.worker(&with(json!(["2"]))).expect("a sound configuration");
    let answer = active(json!({"client_id": "portal", "acr": "2"}));
    assert_eq!(one.asked("abc", &answer).error(), "insufficient_scope");
    assert!(other.asked("abc", &answer).passed());
    assert_eq!(other.sent_callouts().len(), 1);
}
