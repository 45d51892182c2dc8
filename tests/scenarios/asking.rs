//! What the authorization server is asked, how often, and what its failures become.

use super::gateway::{Gateway, Introspected, Request, orders, portal};
use serde_json::json;

pub fn a_server_that_refuses_us_is_an_error<G: Gateway>() {
    for status in [400, 401, 403] {
        let token = format!("refused-gateway-token-{status}");
        let mut gateway = G::start(&orders());
        gateway.introspection(&token, Introspected::html(status));
        let exchange = gateway.send(&Request::get("/orders/1").bearer(&token));
        exchange.assert_refused("provider_error");
        assert!(!String::from_utf8_lossy(&exchange.body).contains("internal detail"));
    }
}

pub fn a_server_that_is_down_is_an_outage<G: Gateway>() {
    for status in [500, 503, 429] {
        let token = format!("unanswered-token-{status}");
        let mut gateway = G::start(&orders());
        gateway.introspection(&token, Introspected::html(status));
        let exchange = gateway.send(&Request::get("/orders/1").bearer(&token));
        exchange.assert_refused("provider_unavailable");
        assert_eq!(exchange.header("retry-after").as_deref(), Some("7"));
    }
}

pub fn a_server_that_says_nothing_sensible_is_an_error<G: Gateway>() {
    let mut gateway = G::start(&orders());
    let bodies = [
        json!({"client_id": "portal", "scope": "orders.read"}),
        json!({"active": "true", "client_id": "portal", "scope": "orders.read"}),
        json!({"active": 1, "client_id": "portal", "scope": "orders.read"}),
        json!({"active": true, "client_id": "portal", "scope": 7}),
        json!({"active": true, "client_id": "portal", "scope": "orders.read", "exp": "soon"}),
        json!([true]),
    ];
    let tokens: Vec<_> = (0..bodies.len()).map(|number| format!("nonsense-token-b01d55-{number}")).collect();
    for (token, body) in tokens.iter().zip(&bodies) {
        gateway.introspection(token, Introspected::json(200, body));
        gateway.send(&Request::get("/orders/1").bearer(token)).assert_refused("provider_error");
    }
    gateway.introspection("sensible-token-5be1d0", portal());
    assert_eq!(gateway.send(&Request::get("/orders/1").bearer("sensible-token-5be1d0")).status, 200);
    assert_eq!(gateway.introspections().len(), bodies.len() + 1);
}

pub fn a_known_token_is_asked_about_once<G: Gateway>() {
    const TOKEN: &str = "known-token-8812fa07";
    let mut gateway = G::start(&orders());
    gateway.introspection(TOKEN, portal());
    for _ in 0..6 {
        let exchange = gateway.send(&Request::get("/orders/1").bearer(TOKEN).header("x-client-id", "spoofed"));
        assert_eq!(exchange.received("x-client-id").as_deref(), Some("portal"));
    }
    assert_eq!(gateway.introspections(), [TOKEN]);
}

pub fn a_known_bad_token_is_asked_about_once<G: Gateway>() {
    const TOKEN: &str = "known-bad-token-20cc";
    let mut gateway = G::start(&orders());
    for _ in 0..6 {
        gateway.send(&Request::get("/orders/1").bearer(TOKEN)).assert_refused("inactive");
    }
    assert_eq!(gateway.introspections(), [TOKEN]);
}

pub fn a_known_token_is_judged_anew_by_each_operation<G: Gateway>() {
    const TOKEN: &str = "reader-token-55d3e0b1";
    let mut gateway = G::start(&orders());
    gateway.introspection(TOKEN, portal());
    for _ in 0..3 {
        assert_eq!(gateway.send(&Request::get("/orders/1").bearer(TOKEN)).status, 200);
        let exchange = gateway.send(&Request::get("/orders/1").method("DELETE").bearer(TOKEN));
        exchange.assert_refused("insufficient_scope");
    }
    assert_eq!(gateway.introspections(), [TOKEN]);
}

pub fn a_token_arrives_at_the_server_as_it_was_sent<G: Gateway>() {
    const TOKEN: &str = "a+b/c.d~e_f-9012345==";
    let mut gateway = G::start(&orders());
    gateway.introspection(TOKEN, portal());
    assert_eq!(
        gateway.send(&Request::get("/orders/1").header("Authorization", format!("bEARER   {TOKEN}"))).status,
        200
    );
    assert_eq!(gateway.introspections(), [TOKEN]);
}

pub fn a_retry_is_another_call<G: Gateway>() {
    const TOKEN: &str = "retried-token-aa4190";
    let mut configuration = orders();
    configuration["providers"][0]["introspection"]["retries"] = json!(2);
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKEN, Introspected::html(503));
    let exchange = gateway.send(&Request::get("/orders/1").bearer(TOKEN));
    exchange.assert_refused("provider_unavailable");
    assert_eq!(gateway.introspections(), [TOKEN; 3]);
}
