//! Configurations that `tessera import-anypoint` makes of MuleSoft's policies (cli/tests/import_anypoint/expected): they
//! decide as the documentation of the policies says.

use crate::caller::{A_TICK, active};
use crate::host::{Headers, Outcome, Worker};
use crate::markdown::yaml;
use crate::process;
use serde_json::{Value, json};
use std::fs;

/// A worker with the configuration that was made of a fixture.
fn imported(fixture: &str) -> Worker {
    let path =
        format!("{}/cli/tests/import_anypoint/expected/{fixture}.configuration.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("the configuration");
    let configuration = with_secrets(yaml(&text, &path));
    process().worker(&configuration.to_string()).expect("a configuration that is accepted")
}

/// With secrets in the place of variables of the environment.
fn with_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("env") => json!("secret"),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, with_secrets(value))).collect(),
        Value::Array(elements) => elements.into_iter().map(with_secrets).collect(),
        value => value,
    }
}

/// How a request with a token of these facts ends: the name of its outcome, or the headers that went on.
fn send(worker: &Worker, request: &str, facts: &Value) -> Result<Headers, String> {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let token = facts.to_string().bytes().map(|byte| format!("{byte:x}")).collect::<String>();
    let authorization = format!("Bearer {token}");
    let stream = worker.request(&[(":method", method), (":path", path), ("authorization", &authorization)]);
    if worker.outcome(stream) == Outcome::Paused {
        worker.answer_json(worker.callout().id, &active(facts.clone()));
    }
    let ended = worker.outcome(stream);
    let name = worker.outcome_property(stream);
    worker.hang_up(stream);
    match ended {
        Outcome::Continued(headers) => Ok(headers),
        _ => Err(name.expect("the name of an outcome")),
    }
}

/// The name of the outcome, or `passes`.
fn verdict(worker: &Worker, request: &str, facts: &Value) -> String {
    send(worker, request, facts).map_or_else(|name| name, |_| "passes".to_owned())
}

#[test]
fn with_and_a_token_needs_every_scope_and_its_client_a_contract() {
    let worker = imported("inline");
    let contracts = json!({"contracts": [{"api": "orders-v1", "client_id": "portal"}]});
    worker.advance(A_TICK);
    worker.answer_json(worker.callout().id, &contracts.to_string());
    for (client, scope, expected) in [
        ("portal", "orders.list orders.read", "passes"),
        ("portal", "orders.read", "insufficient_scope"),
        ("portal", "orders.list", "insufficient_scope"),
        ("portal", "", "insufficient_scope"),
        ("other", "orders.read orders.list", "no_contract"),
    ] {
        let facts = json!({"client_id": client, "scope": scope, "azp": "portal"});
        assert_eq!(verdict(&worker, "GET /orders/1", &facts), expected, "{facts}");
    }
    let all = json!({"client_id": "portal", "scope": "orders.read orders.list"});
    assert_eq!(verdict(&worker, "GET /orders", &all), "passes");
    assert_eq!(verdict(&worker, "GET /ordersx", &all), "unknown_api");
    let other_name = json!({"azp": "portal", "scope": "orders.read orders.list"});
    assert_eq!(verdict(&worker, "GET /orders/1", &other_name), "no_contract", "the consumer is client_id alone");
}

#[test]
fn with_or_a_token_needs_one_scope_and_the_consumer_is_the_username() {
    let worker = imported("old_names");
    for (scope, expected) in [
        ("orders.read", "passes"),
        ("x orders.admin", "passes"),
        ("x", "insufficient_scope"),
        ("", "insufficient_scope"),
    ] {
        let facts = json!({"username": "alice", "client_id": "nobody-knows", "scope": scope});
        assert_eq!(verdict(&worker, "POST /anything", &facts), expected, "{facts}");
    }
    let facts = json!({"username": "alice", "client_id": "portal", "scope": "orders.read", "realm": "shop"});
    let headers = send(&worker, "GET /", &facts).expect("it passes");
    assert_eq!(headers.text("x-client-id"), Some("alice"));
    for (name, value) in [("username", "alice"), ("client_id", "portal"), ("scope", "orders.read"), ("realm", "shop")] {
        assert_eq!(headers.text(&format!("x-agw-{name}")), Some(value), "{name}");
    }
}

#[test]
fn headers_are_exposed_only_where_the_policy_says_so() {
    let worker = imported("unsaid_rules");
    let facts = json!({"client_id": "portal", "realm": "shop"});
    let headers = send(&worker, "GET /users", &facts).expect("it passes");
    assert_eq!(headers.text("x-client-id"), Some("portal"));
    assert_eq!(headers.text("x-agw-realm"), None);
}

#[test]
fn without_contracts_everybody_is_refused_where_the_client_is_validated() {
    let worker = imported("manager");
    let facts = json!({"client_id": "portal"});
    for guarded in ["GET /users", "PUT /users/7", "POST /anything"] {
        assert_eq!(verdict(&worker, guarded, &facts), "no_contract", "{guarded}");
    }
    for open in ["DELETE /users/7", "GET /usersx", "GET /"] {
        assert_eq!(worker.exchange(&split(open)).status(), None, "{open}");
    }
}

fn split(request: &str) -> [(&str, &str); 2] {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    [(":method", method), (":path", path)]
}

#[test]
fn a_policy_with_rules_guards_what_they_match_and_nothing_else() {
    let worker = imported("rules");
    let facts = |scope: &str| json!({"client_id": "portal", "scope": scope});
    for (request, scope, expected) in [
        ("GET /shop/orders", "orders.read", "passes"),
        ("HEAD /shop/orders/7", "orders.read", "passes"),
        ("GET /shop/orders", "orders.write", "insufficient_scope"),
        ("GET /shop/stock/items/1", "", "insufficient_scope"),
        ("POST /shop/orders/7", "orders.read", "insufficient_scope"),
        ("POST /shop/orders/7", "orders.write", "no_contract"),
        ("DELETE /shop/orders/7", "orders.admin", "no_contract"),
        ("GET /shop/refunds", "orders.read", "insufficient_scope"),
    ] {
        assert_eq!(verdict(&worker, request, &facts(scope)), expected, "{request} {scope}");
    }
    for open in
        ["PUT /shop/orders/7", "POST /shop/orders", "GET /shop/stock", "GET /shop/refunds/1", "GET /shop/ordersx"]
    {
        assert!(worker.exchange(&split(open)).passed(), "{open}");
    }
    for guarded in ["GET /shop/orders", "POST /shop/orders/7", "PATCH /shop/refunds"] {
        assert_eq!(worker.exchange(&split(guarded)).status(), Some(401), "{guarded}");
    }
    assert_eq!(worker.exchange(&split("GET /elsewhere")).status(), Some(404));
}

#[test]
fn a_rule_that_cannot_be_said_guards_the_whole_api() {
    let worker = imported("unsaid_rules");
    for request in ["GET /users", "POST /users/7/orders", "GET /anything"] {
        assert_eq!(worker.exchange(&split(request)).status(), Some(401), "{request}");
        assert_eq!(verdict(&worker, request, &json!({"client_id": "portal"})), "passes", "{request}");
    }
}

#[test]
fn open_id_connect_validates_no_client_unless_it_is_told_to() {
    for (fixture, scope, expected) in [
        ("openid_connect", "WRITE", "passes"),
        ("openid_connect", "write", "insufficient_scope"),
        ("openid_connect_defaults", "", "passes"),
    ] {
        let worker = imported(fixture);
        let facts = json!({"client_id": "anybody", "scope": scope});
        assert_eq!(verdict(&worker, "GET /orders", &facts), expected, "{fixture} {scope}");
    }
}

#[test]
fn an_api_that_cannot_be_told_from_another_is_reached_by_nobody() {
    let worker = imported("same_paths");
    for request in ["GET /", "GET /left", "POST /right/1"] {
        assert_eq!(verdict(&worker, request, &json!({"client_id": "portal"})), "unknown_api", "{request}");
    }
}

#[test]
fn an_api_within_another_comes_first() {
    let worker = imported("several_instances");
    for (request, api) in
        [("GET /orders/1", "orders"), ("GET /orders/refunds/1", "refunds"), ("GET /billing", "orders-2")]
    {
        let facts = json!({"client_id": "portal"});
        assert_eq!(verdict(&worker, request, &facts), "passes", "{request} {api}");
    }
    assert_eq!(worker.exchange(&split("GET /open")).status(), Some(404));
}
