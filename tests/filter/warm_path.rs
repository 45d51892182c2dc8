//! What a request with a known token costs: the host calls that it makes, each of them.

use crate::caller::{A_TICK, active};
use crate::configuration::{api, configuration, provider};
use crate::host::Worker;
use crate::{process, worker};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HEADERS: &str = "proxy_get_header_map_pairs";
const TIME: &str = "proxy_get_current_time_nanoseconds";
const ADD: &str = "proxy_add_header_map_value";
const SET: &str = "proxy_replace_header_map_value";
const REMOVE: &str = "proxy_remove_header_map_value";

/// The host calls of one request with a known token.
fn calls(worker: &Worker, headers: &[(&str, &str)]) -> BTreeMap<&'static str, u64> {
    let facts = json!({"client_id": "portal", "scope": "orders.read", "sub": "u7", "org": "acme"});
    let stream = worker.request(headers);
    worker.answer_json(worker.callout().id, &active(facts));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
    worker.reset_hostcalls();
    let outcome = worker.exchange(headers);
    assert!(outcome.passed(), "{outcome:?}");
    worker.hostcalls()
}

#[track_caller]
fn assert_calls(change: Value, headers: &[(&str, &str)], expected: &[(&'static str, u64)]) {
    let worker = worker(&configuration(change));
    assert_eq!(calls(&worker, headers), expected.iter().copied().collect());
}

const BEARER: [(&str, &str); 1] = [("authorization", "Bearer abc")];

#[test]
fn the_smallest_configuration_reads_the_token_and_the_time() {
    // x-client-id is set; x-sla-tier has no value, and nobody sent one.
    assert_calls(json!({}), &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1)]);
}

#[test]
fn what_a_client_forges_costs_a_removal_each() {
    let forged = [BEARER[0], ("x-client-id", "a"), ("x_sla_tier", "b"), ("x-other", "c")];
    assert_calls(json!({}), &forged, &[(TIME, 1), (HEADERS, 1), (SET, 1), (REMOVE, 2)]);
}

#[test]
fn a_contract_costs_no_call() {
    let contracts = json!({"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]});
    assert_calls(json!({"contracts": contracts}), &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 2)]);
}

#[test]
fn a_contract_from_a_source_costs_no_call_either() {
    let source = json!({"url": "https://contracts.internal/v1/contracts", "cluster": "contracts"});
    let process = process();
    let change = json!({"contracts": {"source": source}});
    let worker = process.worker(&configuration(change)).expect("a configuration that is accepted");
    process.advance(A_TICK);
    let document = json!({"contracts": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]});
    worker.answer_json(worker.callout().id, &document.to_string());
    process.advance(A_TICK);
    assert_eq!(calls(&worker, &BEARER), BTreeMap::from([(TIME, 1), (HEADERS, 1), (ADD, 2)]));
}

#[test]
fn no_identity_headers_cost_no_call() {
    let change = json!({"apis": [api(json!({"upstream": {"headers": null}}))]});
    assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1)]);
    let none = json!({"apis": [{"id": "orders-v1", "upstream": {"headers": {}}}]});
    assert_calls(none, &BEARER, &[(TIME, 1), (HEADERS, 1)]);
}

#[test]
fn rules_on_parts_of_the_request_cost_no_call() {
    let operation = |matching: Value| json!({"match": matching, "scopes": {"all": ["orders.read"]}});
    for api_change in [
        json!({"match": {"paths": ["/"]}}),
        json!({"match": {"hosts": ["api.example.com"], "paths": ["/"]}}),
        json!({"operations": [operation(json!({"methods": ["GET"]}))]}),
        json!({"operations": [
            operation(json!({"methods": ["POST"], "paths": ["/a", "/b/"]})),
            operation(json!({"methods": ["PUT"], "paths": ["/c", "/d/"]})),
        ]}),
        json!({"scopes": {"all": ["orders.read"]}}),
    ] {
        let change = json!({"apis": [api(api_change)]});
        assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1)]);
    }
}

#[test]
fn claims_headers_cost_one_call_each() {
    let headers = json!({"x-user": "subject", "x-org": "claim:/org", "x-scope": "scope"});
    let change = json!({"apis": [{"id": "orders-v1", "upstream": {"headers": headers}}]});
    assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 3)]);
    let prefixed = json!({"apis": [{"id": "orders-v1", "upstream": {"headers": {}, "claims_prefix": "x-agw-"}}]});
    // client_id, scope, sub, org and active.
    assert_calls(prefixed, &BEARER, &[(TIME, 1), (HEADERS, 1), (SET, 5)]);
}

#[test]
fn a_hidden_token_costs_one_removal() {
    let change = json!({"apis": [api(json!({"upstream": {"forward_token": false}}))]});
    assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1), (REMOVE, 1)]);
}

#[test]
fn further_sources_cost_no_call() {
    let change = json!({"token": {"sources": [
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "t"}, {"cookie": "at"},
    ]}});
    assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1)]);
}

#[test]
fn several_providers_cost_no_call() {
    let other = provider(json!({"name": "other", "issuer": "https://other.example.com"}));
    let change = json!({"providers": [provider(json!({"issuer": "https://idp.example.com"})), other]});
    assert_calls(change, &BEARER, &[(TIME, 1), (HEADERS, 1), (ADD, 1)]);
}

#[test]
fn neither_shared_data_nor_callouts_nor_metrics_belong_to_a_hit() {
    let worker = worker(&configuration(json!({"cache": {"stale_if_error": "1h"}})));
    calls(&worker, &BEARER);
    worker.reset_hostcalls();
    for _ in 0..100 {
        worker.known("abc");
    }
    let made = worker.hostcalls();
    assert!(made.keys().all(|call| [TIME, HEADERS, ADD].contains(call)), "{made:?}");
    assert!(made.values().all(|count| *count == 100), "{made:?}");
}
