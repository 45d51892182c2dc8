//! What access logs can say of a refusal, and of every request where that is configured.

use crate::caller::{A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration};
use crate::host::{StreamId, Worker};
use crate::{process, worker};
use proxy_wasm::types::{LogLevel, Status};
use serde_json::{Value, json};
use std::time::Duration;

const PROPERTIES: [&str; 6] = ["outcome", "api", "provider", "client_id", "detail", "token"];
/// The first 12 hexadecimal digits of the SHA-256 of `abc` (FIPS 180-4).
const ABC: &str = "ba7816bf8f01";

fn said(worker: &Worker, stream: StreamId) -> [Option<String>; 6] {
    PROPERTIES.map(|name| {
        let value = worker.property(stream, &format!("tessera.{name}"));
        value.map(|value| String::from_utf8(value).expect("text"))
    })
}

#[track_caller]
fn assert_said(worker: &Worker, stream: StreamId, expected: [&str; 6]) {
    assert_eq!(said(worker, stream), expected.map(|text| (!text.is_empty()).then(|| text.to_owned())));
    let outcome = worker.outcome(stream);
    assert_eq!(outcome.reply().details, format!("tessera.{}", expected[0]));
}

fn asked(worker: &Worker, answer: &str) -> StreamId {
    let stream = worker.bearer("abc");
    worker.answer_json(worker.callout().id, answer);
    stream
}

#[test]
fn nothing_is_set_on_a_request_that_passes() {
    let worker = worker(&configuration(json!({})));
    let cold = asked(&worker, &active(json!({"client_id": "portal"})));
    for stream in [cold, worker.bearer("abc")] {
        assert!(worker.outcome(stream).passed());
        assert_eq!(said(&worker, stream), [const { None }; 6]);
        assert_eq!(worker.property(stream, "tessera.cache"), None);
    }
}

#[test]
fn a_refusal_names_api_provider_client_and_token_cold_and_known() {
    for (answer, change, expected) in [
        (INACTIVE.to_owned(), json!({}), ["inactive", "orders-v1", "main", "", "", ABC]),
        (
            active(json!({"client_id": "Jos\u{e9} \"x\" 5%", "scope": "a b"})),
            json!({"scopes": {"all": ["c"]}}),
            ["insufficient_scope", "orders-v1", "main", "Jos%C3%A9 %22x%22 5%25", "scope=a b", ABC],
        ),
        (active(json!({"client_id": "p", "exp": 7})), json!({}), ["expired", "orders-v1", "main", "p", "exp=7", ABC]),
    ] {
        let worker = worker(&configuration(json!({"apis": [api(change)]})));
        let cold = asked(&worker, &answer);
        assert_said(&worker, cold, expected);
        if expected[0] != "expired" {
            assert_said(&worker, worker.bearer("abc"), expected);
        }
    }
}

#[test]
fn a_request_without_a_usable_token_says_why() {
    let worker = worker(&configuration(json!({"apis": [api(json!({"match": {"paths": ["/"]}}))]})));
    for (headers, expected) in [
        (vec![("x-other", "1")], ["missing_token", "orders-v1", "", "", "", ""]),
        (vec![("authorization", "Bearer")], ["invalid_request", "orders-v1", "", "", "an empty access token", ""]),
        (vec![(":path", "/a/../b")], ["invalid_request", "", "", "", "ambiguous host, path or method", ""]),
    ] {
        assert_said(&worker, worker.request(&headers), expected);
    }
    let odd = worker.request(&[("authorization", "Bearer a,b")]);
    assert_eq!(said(&worker, odd)[0].as_deref(), Some("invalid_request"));
}

#[test]
fn a_failure_of_the_server_is_told_as_the_log_tells_it() {
    let worker = worker(&configuration(json!({})));
    let stream = worker.bearer("abc");
    worker.answer(worker.callout().id, 403, &[("content-type", "text/html")], "<html>");
    let detail = "status 403: it refuses the gateway's own credentials; check introspection.client";
    assert_said(&worker, stream, ["provider_error", "orders-v1", "main", "", detail, ABC]);
}

/// What becomes of a call.
type Fate = fn(&Worker, u32);

#[test]
fn what_the_host_answers_itself_is_told_from_what_the_server_answers() {
    let unconnected = "no connection came about, or it was lost: check the cluster's address, its TLS and its CA";
    let unasked = "not asked: Envoy did not take the call; check that it has the cluster, a healthy endpoint in it, and \
                   room in its circuit breaker";
    let fates: [(Fate, &str); 6] = [
        (|worker, call| worker.time_out(call), "no answer in time"),
        (|worker, call| worker.answer(call, 504, &[("x", "y")], ""), "status 504: it cannot answer now"),
        (|worker, call| worker.refuse_connection(call), unconnected),
        (|worker, call| worker.break_circuit(call), unasked),
        (|worker, call| worker.answer(call, 503, &[("x", "y")], ""), "status 503: it cannot answer now"),
        (|worker, call| worker.fail(call), "the answer broke off, or is too large for Envoy"),
    ];
    for (fate, said) in fates {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        let stream = worker.bearer("abc");
        fate(&worker, worker.callout().id);
        assert_said(&worker, stream, ["provider_unavailable", "orders-v1", "main", "", said, ABC]);
        assert_eq!(worker.outcome(stream).status(), Some(503), "{said}");
        let line = (LogLevel::Warn, format!("provider \"main\": introspection failed: {said}"));
        assert!(worker.logs().contains(&line), "{:?}", worker.logs());
        process.advance(A_TICK);
        assert_eq!(process.metric("tessera_requests.outcome.provider_unavailable.api.orders-v1"), 1, "{said}");
        assert_eq!(process.metric("tessera_introspections.provider.main.result.unavailable"), 1, "{said}");
        assert_eq!(process.samples("tessera_introspection_ms.provider.main").len(), 1, "{said}");
        assert_eq!(process.metric("tessera_in_flight"), 0, "{said}");
    }
}

#[test]
fn keys_metadata_and_contracts_that_come_too_late_say_so() {
    let issuer = |host: &str| format!("https://{host}.example.com");
    let (keys, metadata) = (issuer("keys"), issuer("metadata"));
    let worker = worker(&configuration(json!({
        "providers": [
            {"name": "keys", "issuer": keys, "jwt": {
                "keys": {"url": format!("{keys}/jwks"), "cluster": "idp", "timeout": "1s"}, "algorithms": ["ES256"],
            }},
            {"name": "metadata", "issuer": metadata, "discovery": {"cluster": "idp"},
             "introspection": {"client": {"auth": "none"}}},
        ],
        "contracts": {"source": {"url": "https://contracts/v1", "cluster": "contracts", "timeout": "1s"}},
    })));
    worker.advance(Duration::from_secs(10));
    for line in [
        "provider \"keys\": its keys could not be fetched: no answer in time; ",
        "provider \"metadata\": its metadata could not be fetched: no answer in time; ",
        "contracts: poll failed, no answer in time; ",
    ] {
        assert!(worker.logs().iter().any(|(_, text)| text.starts_with(line)), "{line}: {:?}", worker.logs());
    }
}

#[test]
fn a_contract_that_is_not_held_names_the_client() {
    let process = process();
    let contracts: Value = json!({"contracts": {"inline": [{"api": "orders-v1", "client_id": "other"}]}});
    let worker = process.worker(&configuration(contracts)).expect("a configuration that is accepted");
    let stream = asked(&worker, &active(json!({"client_id": "portal"})));
    assert_said(&worker, stream, ["no_contract", "orders-v1", "main", "portal", "", ABC]);
    process.advance(A_TICK);
}

#[test]
fn no_log_line_carries_an_identity_that_a_caller_made_up() {
    let other = json!({"id": "other", "match": {"paths": ["/other/"]}, "upstream": {"headers": {"x-user": "subject"}}});
    let worker = worker(&configuration(json!({"apis": [other, api(json!({}))]})));
    let forged = [("x-client-id", "admin"), ("x_client_id", "admin"), ("x-user", "root"), ("x-mine", "1")];
    for line in [("x-no", "token"), ("authorization", "Bearer"), ("authorization", "Bearer abc")] {
        let stream = worker.request(&[&forged[..], &[line]].concat());
        if let Some(call) = worker.callouts().first() {
            worker.answer_json(call.id, INACTIVE);
        }
        assert!(worker.outcome(stream).status().is_some());
        let logged = worker.request_headers(stream);
        for name in ["x-client-id", "x_client_id", "x-user"] {
            assert_eq!(logged.get(name), None, "{name}");
        }
        assert_eq!(logged.text("x-mine"), Some("1"));
    }
}

#[test]
fn stale_facts_that_do_not_suffice_say_so_themselves() {
    let change =
        json!({"cache": {"stale_if_error": "1h", "max_ttl": "1m"}, "apis": [api(json!({"scopes": {"all": ["c"]}}))]});
    let process = process();
    let worker = process.worker(&configuration(change)).expect("a configuration that is accepted");
    asked(&worker, &active(json!({"client_id": "p", "scope": "a b"})));
    process.advance(Duration::from_secs(90));
    let stream = worker.bearer("abc");
    for call in worker.callouts() {
        worker.refuse_connection(call.id);
    }
    for call in worker.callouts() {
        worker.refuse_connection(call.id);
    }
    assert_said(&worker, stream, ["insufficient_scope", "orders-v1", "main", "p", "scope=a b", ABC]);
}

#[test]
fn a_request_that_the_host_lets_down_names_its_api() {
    let worker = worker(&configuration(json!({})));
    worker.asked("abc", &active(json!({"client_id": "portal"})));
    worker.fail_next("proxy_replace_header_map_value", Status::InternalFailure);
    let stream = worker.request(&[("authorization", "Bearer abc"), ("x-client-id", "admin"), ("x_client_id", "admin")]);
    assert_said(&worker, stream, ["internal_error", "orders-v1", "", "", "", ""]);
    let logged = worker.request_headers(stream);
    assert_eq!(["x-client-id", "x_client_id"].map(|name| logged.get(name)), [None; 2]);
}

/// Outcome and cache as `access_log: "all"` sets them.
fn told(worker: &Worker, stream: StreamId) -> [Option<String>; 2] {
    ["tessera.outcome", "tessera.cache"].map(|name| {
        let value = worker.property(stream, name);
        value.map(|value| String::from_utf8(value).expect("text"))
    })
}

fn as_told(outcome: &str, cache: &str) -> [Option<String>; 2] {
    [outcome, cache].map(|text| (!text.is_empty()).then(|| text.to_owned()))
}

#[test]
fn all_requests_say_how_they_ended_and_those_that_were_no_hit_how_their_token_was_found() {
    let process = process();
    let apis = json!([
        {"id": "open", "match": {"paths": ["/open/"]}, "operations": [{"match": {"paths": ["/open/"]}, "public": true}]},
        {"id": "free", "match": {"paths": ["/free/"]}, "token": "optional"},
        {"id": "orders-v1", "match": {"paths": ["/orders/"]}},
    ]);
    let change = json!({"access_log": "all", "no_match": "pass", "apis": apis});
    let workers: Vec<_> = (0..2).map(|_| process.worker(&configuration(change.clone())).expect("accepted")).collect();
    let bearer = |worker: &Worker| worker.request(&[(":path", "/orders/1"), ("authorization", "Bearer abc")]);
    let (first, other) = (&workers[0], &workers[1]);
    let asked: Vec<_> = [first, first, other].map(|worker| (worker, bearer(worker))).into();
    first.answer_json(first.callout().id, &active(json!({"client_id": "portal"})));
    other.turn();
    for ((worker, stream), cache) in asked.into_iter().zip(["miss", "coalesced", "coalesced"]) {
        assert_eq!(told(worker, stream), as_told("allowed", cache));
    }
    assert_eq!(told(first, bearer(first)), as_told("allowed", ""));
    for (path, outcome) in [("/open/", "public"), ("/free/", "anonymous"), ("/elsewhere", "unmatched")] {
        let stream = first.request(&[(":path", path)]);
        assert!(first.outcome(stream).passed());
        assert_eq!(told(first, stream), as_told(outcome, ""));
        assert_eq!(said(first, stream)[1..], [const { None }; 5], "identity is for headers");
    }
    let refused = first.request(&[(":path", "/orders/1")]);
    assert_eq!(told(first, refused), as_told("missing_token", ""));
}

#[test]
fn stale_facts_are_told_of_where_all_requests_are_logged() {
    let worker = worker(&configuration(json!({
        "access_log": "all", "cache": {"stale_if_error": "1h", "max_ttl": "1m"},
    })));
    assert_eq!(told(&worker, asked(&worker, &active(json!({})))), as_told("allowed", "miss"));
    worker.advance(Duration::from_secs(90));
    let stream = worker.bearer("abc");
    while let Some(call) = worker.callouts().first() {
        worker.refuse_connection(call.id);
    }
    assert_eq!(told(&worker, stream), as_told("allowed", "stale"));
    // Nobody is asked within the second after a failure.
    assert_eq!(told(&worker, worker.bearer("abc")), as_told("allowed", "stale"));
}

#[test]
fn a_refusal_says_how_its_token_was_found_whatever_is_logged() {
    let worker = worker(&configuration(json!({})));
    assert_eq!(told(&worker, asked(&worker, INACTIVE)), as_told("inactive", "miss"));
    assert_eq!(told(&worker, worker.bearer("abc")), as_told("inactive", ""));
}

#[test]
fn a_request_that_the_host_lets_down_at_the_end_is_logged_as_what_it_became() {
    let worker = worker(&configuration(json!({"access_log": "all"})));
    worker.asked("abc", &active(json!({"client_id": "portal"})));
    worker.fail_next("proxy_add_header_map_value", Status::InternalFailure);
    assert_eq!(told(&worker, worker.bearer("abc"))[0].as_deref(), Some("internal_error"));
    worker.fail_next("proxy_set_property", Status::InternalFailure);
    let unlogged = worker.bearer("abc");
    assert!(worker.outcome(unlogged).passed());
    assert_eq!(told(&worker, unlogged), as_told("", ""));
}

#[test]
fn a_known_token_costs_one_property_where_all_requests_are_logged() {
    let worker = worker(&configuration(json!({"access_log": "all"})));
    worker.asked("abc", &active(json!({})));
    worker.reset_hostcalls();
    worker.known("abc");
    assert_eq!(worker.hostcalls().get("proxy_set_property"), Some(&1));
}
