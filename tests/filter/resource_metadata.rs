//! The metadata of protected resources (RFC 9728): where it is served and where not, and what that costs.

use crate::caller::{A_TICK, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, Worker};
use crate::{process, worker};
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-protected-resource/orders";

fn resource(identifier: &str) -> Value {
    json!({"resource": {"identifier": identifier}})
}

fn orders() -> String {
    configuration(json!({"apis": [api(resource("https://api.example.com/orders"))]}))
}

fn get(worker: &Worker, authority: &str, path: &str) -> Outcome {
    worker.exchange(&[(":authority", authority), (":path", path)])
}

#[track_caller]
fn described(outcome: &Outcome) -> Value {
    let reply = outcome.reply();
    assert_eq!((reply.status, reply.details.as_str()), (200, "tessera.resource_metadata"), "{reply:?}");
    serde_json::from_slice(&reply.body).expect("a JSON body")
}

#[test]
fn whatever_the_rules_say_the_metadata_is_served() {
    for change in [
        json!({"match": {"hosts": ["other.example.com"]}}),
        json!({"match": {"paths": ["/orders/"]}}),
        json!({"match": {"paths": ["/"]}, "operations": [{"match": {"methods": ["GET"]}, "scopes": {"all": ["a"]}}]}),
        json!({"token": "optional"}),
    ] {
        let mut changed = api(change);
        changed["resource"] = json!({"identifier": "https://api.example.com/orders"});
        for no_match in ["refuse", "pass"] {
            let worker = worker(&configuration(json!({"apis": [changed.clone()], "no_match": no_match})));
            let metadata = described(&get(&worker, "API.example.com:8443", METADATA));
            assert_eq!(metadata["resource"], "https://api.example.com/orders");
            assert!(worker.sent_callouts().is_empty());
        }
    }
}

#[test]
fn no_other_address_is_served() {
    let worker = worker(&orders());
    for (authority, path) in [
        ("api.example.com", "/.well-known/oauth-protected-resource"),
        ("api.example.com", "/.well-known/oauth-protected-resource/orders/1"),
        ("api.example.com", "/.well-known/oauth-protected-resource/orders/../orders"),
        ("api.example.com", "/.well-known/oauth-protected-resource//orders"),
        ("api.example.com", "/.well-known/%6fauth-protected-resource/orders"),
        ("api.example.com", "/.well-known/oauth-protected-resource/orders;a"),
        ("api.example.com", "/.well-known/oauth-authorization-server"),
        ("other.example.com", METADATA),
        ("evil@api.example.com", METADATA),
        ("", METADATA),
    ] {
        assert_eq!(get(&worker, authority, path).status(), Some(401), "{authority}{path}");
    }
}

#[test]
fn each_of_several_resources_has_its_own() {
    let apis = json!([
        {"id": "orders", "match": {"paths": ["/orders/"]}, "resource": {"identifier": "https://api.example.com/orders/"}},
        {"id": "host", "match": {"paths": ["/host/"]}, "resource": {"identifier": "https://api.example.com"}},
        {"id": "other", "match": {"paths": ["/o/"]}, "resource": {"identifier": "https://other.example.com/orders"}},
        {"id": "none", "match": {"paths": ["/none/"]}},
    ]);
    let worker = worker(&configuration(json!({"apis": apis})));
    for (authority, path, identifier) in [
        ("api.example.com", METADATA, "https://api.example.com/orders/"),
        ("api.example.com", &format!("{METADATA}/"), "https://api.example.com/orders/"),
        ("api.example.com", "/.well-known/oauth-protected-resource", "https://api.example.com"),
        ("other.example.com", METADATA, "https://other.example.com/orders"),
    ] {
        assert_eq!(described(&get(&worker, authority, path))["resource"], identifier);
    }
    worker.advance(A_TICK);
}

#[test]
fn forged_headers_are_gone_from_a_request_for_metadata_too() {
    let worker = worker(&orders());
    let stream = worker.request(&[(":path", METADATA), ("x-client-id", "admin"), ("x_sla_tier", "gold")]);
    described(&worker.outcome(stream));
    let logged = worker.request_headers(stream);
    assert!(logged.pairs().all(|(name, _)| !name.ends_with("client-id") && !name.ends_with("tier")), "{logged:?}");
    assert_eq!(worker.outcome_property(stream).as_deref(), Some("resource_metadata"));
}

#[test]
fn it_is_counted_for_its_api() {
    let process = process();
    let worker = process.worker(&orders()).expect("a configuration that is accepted");
    described(&get(&worker, "api.example.com", METADATA));
    assert_eq!(worker.exchange(&[(":path", METADATA), (":method", "POST")]).status(), Some(405));
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_requests.outcome.resource_metadata.api.orders-v1"), 2);
}

#[test]
fn a_known_token_of_a_resource_costs_no_call() {
    let worker = worker(&orders());
    assert!(worker.asked("abc", &active(json!({"client_id": "portal"}))).passed());
    worker.reset_hostcalls();
    assert!(worker.known("abc").passed());
    let calls: Vec<_> = worker.hostcalls().into_values().collect();
    assert_eq!(calls, [1, 1, 1], "headers, time, one header set");
}

#[test]
fn the_log_says_when_metadata_leads_nowhere() {
    let advice = |issuer: Value, matching: Value| {
        let mut api = api(resource("https://api.example.com/orders"));
        api["match"] = matching;
        let worker = worker(&configuration(json!({"providers": [provider(json!({"issuer": issuer}))], "apis": [api]})));
        let lines = worker.logs().into_iter().map(|(_, line)| line);
        lines.filter(|line| line.contains("the metadata of")).collect::<Vec<_>>().join("")
    };
    let issuer = json!("https://idp.example.com");
    assert!(advice(Value::Null, json!({})).contains("set providers[].issuer"));
    assert!(advice(issuer.clone(), json!({"hosts": ["a.example.com"]})).contains("match.hosts leaves out"));
    assert_eq!(advice(issuer, json!({"hosts": ["*.example.com"]})), "");
}
