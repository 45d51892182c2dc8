//! Configurations that `tessera import-anypoint` makes of MuleSoft's policies (cli/tests/import_anypoint/expected): they
//! decide as the documentation of the policies says.

use crate::caller::{A_TICK, active};
use crate::host::{Callout, Headers, Outcome, Worker};
use crate::markdown::yaml;
use crate::process;
use crate::tokens::base64url;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cli/tests/import_anypoint/expected");

/// A worker with the configuration that was made of a fixture.
fn imported(fixture: &str) -> Worker {
    imported_with(fixture, json!({}))
}

/// The same, with these members in place of those that were made: what is to be filled in by hand.
fn imported_with(fixture: &str, members: Value) -> Worker {
    let path = format!("{EXPECTED}/{fixture}.configuration.yaml");
    let text = fs::read_to_string(&path).expect("the configuration");
    let mut configuration = with_secrets(yaml(&text, &path));
    let Value::Object(members) = members else { panic!("no object: {members}") };
    configuration.as_object_mut().expect("an object").extend(members);
    let process = process();
    ["idp-2", "login"].into_iter().for_each(|cluster| process.set_cluster(cluster, true));
    process.worker(&configuration.to_string()).expect("a configuration that is accepted")
}

/// The contract of a client for an API, and no other.
fn contract(api: &str, client: &str) -> Value {
    json!({"contracts": {"inline": [{"api": api, "client_id": client}]}})
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
    let token = facts.to_string().bytes().map(|byte| format!("{byte:x}")).collect::<String>();
    send_token(worker, request, &token, facts).1
}

/// The same with this token, and what the server was asked.
fn send_token(
    worker: &Worker,
    request: &str,
    token: &str,
    facts: &Value,
) -> (Option<Callout>, Result<Headers, String>) {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let authorization = format!("Bearer {token}");
    let stream = worker.request(&[(":method", method), (":path", path), ("authorization", &authorization)]);
    let call = (worker.outcome(stream) == Outcome::Paused).then(|| worker.callout());
    if let Some(call) = &call {
        worker.answer_json(call.id, &active(facts.clone()));
    }
    let ended = worker.outcome(stream);
    let name = worker.outcome_property(stream);
    worker.hang_up(stream);
    let ended = match ended {
        Outcome::Continued(headers) => Ok(headers),
        _ => Err(name.expect("the name of an outcome")),
    };
    (call, ended)
}

/// The server that is asked about a token: the cluster, the URL, and by which credentials.
fn asked(worker: &Worker, request: &str, token: &str, facts: &Value) -> [String; 4] {
    let call = send_token(worker, request, token, facts).0.expect("a call");
    let header = |name: &str| call.headers.text(name).unwrap_or("-").to_owned();
    [call.cluster.clone(), header(":authority"), header(":path"), header("authorization")]
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

/// What the command makes of a table is served as the command has printed it.
#[test]
fn imported_contracts_decide_as_the_table_says() {
    for (table, cases) in [
        (
            "contracts_csv",
            &[
                ("GET /orders/1", "portal", Ok(Some("gold"))),
                ("GET /orders/1", "batch", Err("no_contract")),
                ("GET /orders/1", "old", Err("no_contract")),
                ("GET /orders/1", "nobody", Err("no_contract")),
                ("GET /other", "portal", Err("no_contract")),
            ][..],
        ),
        (
            "contracts_json",
            &[
                // Its last row is another one than the first.
                ("GET /orders/1", "portal", Err("contract_suspended")),
                ("GET /orders/1", "batch", Err("no_contract")),
                ("GET /orders/1", "rejected", Err("no_contract")),
                ("GET /orders/1", "nobody", Err("no_contract")),
                ("GET /other", "portal", Err("no_contract")),
                ("GET /other", "batch", Err("no_contract")),
            ],
        ),
    ] {
        let apis = json!([
            {"id": "orders-v1", "match": {"paths": ["/orders/"]}},
            {"id": "other", "match": {"paths": ["/other"]}},
        ]);
        let worker = imported_with("inline", json!({"apis": apis}));
        worker.advance(A_TICK);
        let document = fs::read_to_string(format!("{EXPECTED}/{table}.json")).expect("a document");
        worker.answer_json(worker.callout().id, &document);
        for (request, client, expected) in cases {
            let ended = send(&worker, request, &json!({"client_id": client}));
            let tier = ended.as_ref().map(|headers| headers.text("x-sla-tier")).map_err(String::as_str);
            assert_eq!(tier, *expected, "{table}: {request} of {client}");
        }
    }
}

/// The feed of a registry that has adopted API Manager's contracts (registry/tests/command.rs).
#[test]
fn contracts_that_came_through_the_registry_decide_as_api_manager_said() {
    let apis = json!([
        {"id": "orders-v1", "match": {"paths": ["/orders/"]}},
        {"id": "users-v1", "match": {"paths": ["/users"]}},
    ]);
    let worker = imported_with("inline", json!({"apis": apis}));
    worker.advance(A_TICK);
    let document = fs::read_to_string(format!("{EXPECTED}/registry.feed.json")).expect("a document");
    worker.answer_json(worker.callout().id, &document);
    for (request, client, expected) in [
        ("GET /orders/1", "4f1c9a0e7d3b4c55a1b2c3d4e5f60718", Ok(Some("gold-plus"))),
        ("GET /users", "4f1c9a0e7d3b4c55a1b2c3d4e5f60718", Ok(Some("default"))),
        ("GET /orders/1", "9e8d7c6b5a49483726150f1e2d3c4b5a", Err("no_contract")),
        ("GET /users", "9e8d7c6b5a49483726150f1e2d3c4b5a", Err("contract_suspended")),
        ("GET /orders/1", "00000000000000000000000000000003", Err("no_contract")),
        ("GET /orders/1", "00000000000000000000000000000004", Ok(Some("free"))),
        ("GET /orders/1", "00000000000000000000000000000005", Ok(Some("b-odd-b"))),
        ("GET /users", "00000000000000000000000000000005", Err("no_contract")),
        ("GET /orders/1", "nobody", Err("no_contract")),
    ] {
        let ended = send(&worker, request, &json!({"client_id": client}));
        let tier = ended.as_ref().map(|headers| headers.text("x-sla-tier")).map_err(String::as_str);
        assert_eq!(tier, expected, "{request} of {client}");
    }
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

#[test]
fn what_a_policy_does_not_say_has_the_defaults_of_its_documentation() {
    let facts = json!({"client_id": "portal", "realm": "shop"});
    let worker = imported("defaults");
    let server = asked(&worker, "GET /orders", "abc", &facts);
    assert_eq!(server, ["idp", "idp.example.com", "/oauth2/introspect", "Bearer secret"]);
    // The client is validated, and there are no contracts yet.
    assert_eq!(verdict(&worker, "GET /orders", &facts), "no_contract");
    let worker = imported_with("defaults", contract("orders-v1", "portal"));
    let headers = send(&worker, "DELETE /anything", &facts).expect("no scope is asked for");
    assert_eq!((headers.text("x-client-id"), headers.text("x-agw-realm")), (Some("portal"), None));
    assert_eq!(verdict(&worker, "GET /", &json!({"username": "portal"})), "no_contract", "the consumer is client_id");
    let (call, _) = send_token(&worker, "GET /", "kept-for-ten-minutes", &facts);
    assert_eq!(call.expect("a call").timeout, Duration::from_secs(10));
    worker.advance(Duration::from_secs(5 * 60));
    assert!(send_token(&worker, "GET /", "kept-for-ten-minutes", &facts).0.is_none());
    worker.advance(Duration::from_secs(6 * 60));
    assert!(send_token(&worker, "GET /", "kept-for-ten-minutes", &facts).0.is_some());
}

#[test]
fn a_policy_that_is_bound_from_outside_sends_its_value_as_it_is() {
    let facts = json!({"username": "alice", "client_id": "portal", "scope": "a", "realm": "shop"});
    let worker = imported("binding");
    let server = asked(&worker, "GET /orders/1", "abc", &facts);
    assert_eq!(server, ["login", "idp.shop.svc:8080", "/introspect", "secret"]);
    assert_eq!(verdict(&worker, "GET /orders/1", &facts), "no_contract", "a text that says false is false");
    let worker = imported_with("binding", contract("ingress", "alice"));
    let headers = send(&worker, "PUT /orders/1", &facts).expect("the consumer is the username");
    for (name, value) in [("x-client-id", "alice"), ("x-agw-username", "alice"), ("x-agw-scope", "a")] {
        assert_eq!(headers.text(name), Some(value), "{name}");
    }
    assert_eq!(verdict(&worker, "GET /", &json!({"client_id": "alice"})), "no_contract");
}

#[test]
fn each_api_asks_the_server_of_its_policy() {
    let worker = imported("several_servers");
    for (request, client, server) in [
        (
            "GET /orders/1",
            "portal",
            // The client of the fixture, and the secret of the test.
            ["idp", "login.example.com", "/realms/shop/introspect", "Basic Z2F0ZXdheTpzZWNyZXQ="],
        ),
        ("GET /staff", "alice", ["idp", "login.example.com", "/realms/staff/introspect", "Bearer secret"]),
        ("GET /partners/1", "portal", ["idp-2", "idp.partner.example", "/introspect", "Bearer secret"]),
    ] {
        let facts = json!({"client_id": "portal", "username": "alice"});
        assert_eq!(asked(&worker, request, request.split_once("/").expect("a path").1, &facts), server, "{request}");
        let headers = send(&worker, request, &facts).expect("it passes");
        assert_eq!(headers.text("x-client-id"), Some(client), "{request}");
    }
    let elsewhere = json!({"client_id": "portal", "iss": "https://idp.partner.example"});
    assert_eq!(verdict(&worker, "GET /staff", &elsewhere), "wrong_issuer");
    assert_eq!(verdict(&worker, "GET /partners", &elsewhere), "passes");
}

#[test]
fn a_request_that_two_policies_hold_for_satisfies_both() {
    let worker = imported("two_policies");
    for (request, scope, expected) in [
        ("GET /", "a", "passes"),
        ("POST /x", "b", "passes"),
        ("GET /", "c", "insufficient_scope"),
        ("DELETE /", "a b c", "passes"),
        // Either of the first policy's scopes would do there; more is asked for.
        ("DELETE /", "a c", "insufficient_scope"),
        ("DELETE /", "c", "insufficient_scope"),
        ("DELETE /", "a b", "insufficient_scope"),
    ] {
        assert_eq!(
            verdict(&worker, request, &json!({"scope": scope, "client_id": "p"})),
            expected,
            "{request} {scope}"
        );
    }
    let facts = json!({"scope": "a b c", "client_id": "portal", "iss": "https://other.example.com"});
    let claims = base64url(json!({"iss": "https://other.example.com"}).to_string());
    let token = format!("{}.{claims}.{}", base64url(r#"{"alg":"ES256"}"#), base64url("signature"));
    let server = asked(&worker, "DELETE /", &token, &facts);
    assert_eq!(server, ["idp-2", "other.example.com", "/introspect", "Bearer secret"], "told by its issuer");
    let headers = send(&worker, "GET /", &json!({"scope": "a", "realm": "shop"})).expect("it passes");
    assert_eq!(headers.text("x-agw-realm"), Some("shop"), "one of the policies exposes headers");
}

#[test]
fn what_a_policy_says_amiss_refuses_more_and_never_less() {
    let worker = imported("odd_values");
    let facts = |scope: &str| json!({"client_id": "portal", "scope": scope, "realm": "shop"});
    let server = asked(&worker, "GET /types", "abc", &facts("x"));
    assert_eq!(server, ["idp", "idp.example.com", "/oauth2/introspect", "secret"]);
    for (request, scope, expected) in [
        ("GET /types/1", "orders.write", "insufficient_scope"),
        ("GET /types/1", "orders.read", "no_contract"),
        ("GET /numbers", "", "passes"),
        ("GET /nothing/1", "", "passes"),
        ("GET /typesx", "orders.read", "unknown_api"),
    ] {
        assert_eq!(verdict(&worker, request, &facts(scope)), expected, "{request} {scope}");
    }
    assert_eq!(send(&worker, "GET /numbers", &facts("x")).expect("it passes").text("x-agw-realm"), None);
    // Kept for as long as the shortest of them says, which is nothing.
    for _ in 0..3 {
        worker.advance(Duration::from_millis(10));
        assert!(send_token(&worker, "GET /nothing", "asked-each-time", &facts("x")).0.is_some());
    }
}

#[test]
fn what_is_no_policy_of_tokens_changes_nothing() {
    let worker = imported("disabled_and_unknown");
    let credentials = [(":path", "/orders"), ("authorization", "Basic Z2F0ZXdheTpwYXNzd29yZA==")];
    assert_eq!(worker.exchange(&credentials).status(), Some(401));
    let facts = json!({"client_id": "portal"});
    assert_eq!(asked(&worker, "GET /orders", "abc", &facts)[3], "Bearer secret");
    assert_eq!(verdict(&worker, "GET /orders", &facts), "no_contract");
    let worker = imported_with("disabled_and_unknown", contract("orders-v1", "portal"));
    assert_eq!(verdict(&worker, "GET /orders", &facts), "passes");
}

#[test]
fn every_fixture_is_decided_here() {
    let text = include_str!("imported.rs");
    let names = fs::read_dir(EXPECTED).expect("the fixtures").map(|entry| entry.expect("an entry").file_name());
    let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".configuration.yaml")?.to_owned()));
    let missing: Vec<String> = names.filter(|name| !text.contains(&format!("(\"{name}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
