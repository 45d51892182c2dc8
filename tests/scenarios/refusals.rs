//! Requests that do not pass, and what their callers are told.

use super::gateway::{Gateway, Introspected, Request, orders, portal};
use serde_json::{Value, json};

/// Sends one request with this token, about which the server answers so.
fn judged<G: Gateway>(token: &str, members: Value) -> super::Exchange {
    let mut gateway = G::start(&orders());
    gateway.introspection(token, Introspected::active(members));
    gateway.send(&Request::get("/orders/1").bearer(token))
}

pub fn without_a_token_the_caller_is_challenged<G: Gateway>() {
    let mut gateway = G::start(&orders());
    for request in [Request::get("/orders/1"), Request::get("/orders/1").header("authorization", "Basic YTpi")] {
        let exchange = gateway.send(&request);
        exchange.assert_refused("missing_token");
        // RFC 6750 section 3.1: no error code where there were no credentials.
        let challenge = exchange.header("www-authenticate");
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="orders", scope="orders.read""#));
    }
    assert!(gateway.introspections().is_empty());
}

pub fn an_unknown_api_is_not_found<G: Gateway>() {
    let mut gateway = G::start(&orders());
    for target in ["/", "/order/1", "/Orders/1", "/orders"] {
        gateway.send(&Request::get(target).bearer("never-asked-token-01")).assert_refused("unknown_api");
    }
    assert!(gateway.introspections().is_empty());
}

pub fn an_inactive_token_is_refused<G: Gateway>() {
    let mut gateway = G::start(&orders());
    let exchange = gateway.send(&Request::get("/orders/1").bearer("inactive-token-33e1c0"));
    exchange.assert_refused("inactive");
    let challenge = exchange.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer realm="orders", error="invalid_token", error_description=""#),
        "{challenge}"
    );
}

pub fn an_expired_token_is_refused<G: Gateway>() {
    for exp in [json!(0), json!("1600000000"), json!(1_600_000_000.5), json!(-1)] {
        let facts = json!({"client_id": "portal", "scope": "orders.read", "exp": exp});
        judged::<G>("expired-token-9d0a11", facts).assert_refused("expired");
    }
}

pub fn a_wrong_scope_is_refused_with_the_scope<G: Gateway>() {
    let exchange = judged::<G>("narrow-token-77aa0b", json!({"client_id": "portal", "scope": "orders.list"}));
    exchange.assert_refused("insufficient_scope");
    let challenge = exchange.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="orders.read""#));
}

pub fn a_client_without_a_contract_is_refused<G: Gateway>() {
    for client in [json!("nobody"), json!(""), Value::Null] {
        let facts = json!({"client_id": client, "scope": "orders.read"});
        judged::<G>("contractless-token-01", facts).assert_refused("no_contract");
    }
}

pub fn a_suspended_contract_is_refused<G: Gateway>() {
    let facts = json!({"client_id": "halted", "scope": "orders.read"});
    judged::<G>("suspended-token-4410", facts).assert_refused("contract_suspended");
}

pub fn an_ambiguous_path_is_refused<G: Gateway>() {
    const TOKEN: &str = "ambiguous-token-1f0c";
    let mut gateway = G::start(&orders());
    gateway.introspection(TOKEN, portal());
    for target in [
        "/orders/../admin",
        "/orders//1",
        "/orders/./1",
        "/orders/..",
        "/orders/%2e%2e/1",
        "/orders/a%2fb",
        "/orders/a%5Cb",
        "/orders/a;b",
        "/orders/health/..",
        "/orders/%zz",
        "//orders/1",
    ] {
        gateway.send(&Request::get(target).bearer(TOKEN)).assert_refused("invalid_request");
    }
    assert!(gateway.introspections().is_empty());
}

pub fn a_token_in_two_places_is_refused<G: Gateway>() {
    const TOKEN: &str = "twofold-token-61cc09";
    let mut configuration = orders();
    configuration["token"] = json!({"sources": [
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
    ]});
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKEN, portal());
    let in_query = format!("/orders/1?access_token={TOKEN}");
    for request in [
        Request::get("/orders/1").bearer(TOKEN).bearer(TOKEN),
        Request::get("/orders/1").header("x-access-token", TOKEN).header("x-access-token", TOKEN),
        Request::get("/orders/1").bearer(TOKEN).header("x-access-token", TOKEN),
        Request::get(&in_query).bearer(TOKEN),
        Request::get(&format!("{in_query}&access_token={TOKEN}")),
    ] {
        gateway.send(&request).assert_refused("invalid_request");
    }
    assert!(gateway.introspections().is_empty());
    assert_eq!(gateway.send(&Request::get(&in_query)).status, 200);
}

pub fn a_token_that_is_no_text_is_refused<G: Gateway>() {
    let mut gateway = G::start(&orders());
    for value in [&b"Bearer \xff\xfe"[..], b"Bearer a b", b"Bearer a,b", b"Bearer", b"bearer =", b"Bearer \xc3\xa9"] {
        let exchange = gateway.send(&Request::get("/orders/1").header("authorization", value));
        exchange.assert_refused("invalid_request");
    }
    let long = "x".repeat(8193);
    gateway.send(&Request::get("/orders/1").bearer(&long)).assert_refused("invalid_request");
    assert!(gateway.introspections().is_empty());
}
