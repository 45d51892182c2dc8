//! What each check says.

use super::{Case, case};
use serde_json::{Value, json};

/// The check of that name: verdict, path and detail.
#[track_caller]
fn check(told: &Value, name: &str) -> (String, Value, String) {
    let checks = told["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}: {told}"));
    let text = |member: &str| found[member].as_str().expect("text").to_owned();
    (text("verdict"), found["path"].clone(), text("detail"))
}

#[test]
fn every_check_is_told_in_its_order_with_what_it_compared() {
    let told = case().json();
    let expected = [
        ("request", "ok", Value::Null, "host, path, method can be read in one way only"),
        ("api", "ok", json!("apis[0].match"), "orders-v1, host matches \"api.example.com\", path matches \"/orders/\""),
        ("operation", "ok", Value::Null, "none matches, the API's own rule holds"),
        ("token", "ok", Value::Null, "authorization, Bearer, 21 bytes"),
        ("provider", "ok", json!("providers[0]"), "main, the only one of the API"),
        ("signature", "skipped", Value::Null, "this provider verifies none"),
        ("facts", "ok", json!("providers[0].introspection"), "active, client portal"),
        ("expiry", "ok", Value::Null, "exp 2026-06-01T12:10:00Z, now 2026-06-01T12:00:00Z, clock_skew 10s"),
        ("not_before", "ok", Value::Null, "nbf 2026-06-01T11:50:00Z, now 2026-06-01T12:00:00Z, clock_skew 10s"),
        (
            "issuer",
            "ok",
            json!("providers[0].issuer"),
            "iss \"https://idp.example.com\", configured \"https://idp.example.com\"",
        ),
        ("audience", "ok", json!("providers[0].audiences"), "aud \"orders\", one of \"orders\""),
        ("token_type", "ok", Value::Null, "not said to be another kind of token"),
        ("claims", "ok", json!("apis[0].claims"), "/acr say what is asked for"),
        ("proof", "skipped", Value::Null, "the token is bound to nothing"),
        ("scopes", "ok", json!("apis[0].scopes"), "scope \"orders.read\", all of \"orders.read\""),
        ("contract", "ok", Value::Null, "(orders-v1, portal) is active, tier gold"),
    ];
    let checks = told["checks"].as_array().expect("checks");
    assert_eq!(checks.len(), expected.len(), "{told}");
    for (found, (name, verdict, path, detail)) in checks.iter().zip(expected) {
        assert_eq!(found, &json!({"check": name, "verdict": verdict, "path": path, "detail": detail}));
    }
}

#[test]
fn what_nobody_asks_for_is_skipped() {
    let case = case().configured(|it| {
        it["providers"][0]
            .as_object_mut()
            .expect("an object")
            .retain(|name, _| name == "name" || name == "introspection");
        it["apis"] = json!([{"id": "orders-v1", "contract": "none"}]);
    });
    let told = Case { facts: Some(json!({"active": true})), ..case }.json();
    assert_eq!(told["outcome"], "allowed");
    for name in [
        "request",
        "operation",
        "signature",
        "expiry",
        "not_before",
        "issuer",
        "audience",
        "claims",
        "proof",
        "scopes",
        "contract",
    ] {
        assert_eq!(check(&told, name).0, "skipped", "{name}: {told}");
    }
}

#[test]
fn a_rule_is_shown_where_it_is_written() {
    let told = case().with(&["-X", "DELETE"]).json();
    assert_eq!(told["operation"], 1);
    assert_eq!(check(&told, "operation").1, "apis[0].operations[1]");
    assert_eq!(check(&told, "claims").1, "apis[0].claims");
    let (verdict, path, detail) = check(&told, "scopes");
    assert_eq!((&*verdict, path), ("failed", json!("apis[0].operations[1].scopes")));
    assert_eq!(detail, "scope \"orders.read\", all of \"orders.write\"");
}

#[test]
fn the_reply_is_the_filters() {
    let told = case().facts(json!({"client_id": "halted"})).json();
    let reply = json!({
        "status": 403,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": {"error": "unauthorized_client", "error_description": "The client's contract for this API is suspended."},
    });
    assert_eq!((&told["reply"], &told["client_id"]), (&reply, &json!("halted")));
}

#[test]
fn the_upstream_is_told_what_is_set_and_what_is_gone() {
    let told = case().with(&["-H", "X-Client-Id: forged", "-H", "x_sla_tier: forged", "-H", "x-mine: kept"]).json();
    let upstream = json!({
        "path": "/orders/1", "set": {"x-client-id": "portal", "x-sla-tier": "gold"}, "removed": ["x_sla_tier"],
        "credential": "forwarded",
    });
    assert_eq!(told["upstream"], upstream);
    let hidden = case().configured(|it| it["apis"][0]["upstream"] = json!({"forward_token": false}));
    let upstream = &hidden.json()["upstream"];
    assert_eq!((&upstream["removed"], &upstream["credential"]), (&json!(["authorization"]), &json!("removed")));
    let public = case().url("/orders/health").without_token();
    assert_eq!(public.json()["upstream"]["credential"], "none");
}
