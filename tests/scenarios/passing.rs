//! Requests that pass, and what the upstream receives.

use super::gateway::{Gateway, Introspected, Request, orders, portal};
use serde_json::{Value, json};

pub fn an_active_token_passes_with_its_identity<G: Gateway>() {
    const TOKEN: &str = "active-token-6b1f2c77aa01";
    let mut gateway = G::start(&orders());
    gateway.introspection(TOKEN, portal());
    let request = Request::get("/orders/1?a=%2F")
        .bearer(TOKEN)
        .header("X-Client-Id", "spoofed")
        .header("x-client-id", "again")
        .header("x-sla-tier", "platinum")
        .header("x-mine", "kept");
    let exchange = gateway.send(&request);
    assert_eq!(exchange.status, 200);
    assert_eq!(exchange.received("x-client-id").as_deref(), Some("portal"));
    assert_eq!(exchange.received("x-sla-tier").as_deref(), Some("gold"));
    assert_eq!(exchange.received("x-mine").as_deref(), Some("kept"));
    assert_eq!(exchange.received(":path").as_deref(), Some("/orders/1?a=%2F"));
    assert_eq!(exchange.received("authorization"), Some(format!("Bearer {TOKEN}")));
}

pub fn a_spoofed_header_never_arrives_on_a_public_operation<G: Gateway>() {
    let mut gateway = G::start(&orders());
    let request = Request::get("/orders/health")
        .bearer("nobody-looks-at-this-token")
        .header("X-CLIENT-ID", "spoofed")
        .header("x-sla-tier", b"\xff");
    let exchange = gateway.send(&request);
    assert_eq!((exchange.received("x-client-id"), exchange.received("x-sla-tier")), (None, None));
    assert!(gateway.introspections().is_empty());
}

pub fn a_request_that_no_api_claims_passes_without_identity<G: Gateway>() {
    let mut configuration = orders();
    configuration["no_match"] = json!("pass");
    let mut gateway = G::start(&configuration);
    let exchange = gateway.send(&Request::get("/elsewhere").header("x-client-id", "spoofed"));
    assert_eq!((exchange.status, exchange.received("x-client-id")), (200, None));
    gateway.send(&Request::get("/elsewhere/../orders/1")).assert_refused("invalid_request");
}

pub fn a_token_that_is_not_required_may_be_missing_but_not_bad<G: Gateway>() {
    const TOKEN: &str = "optional-token-5e0c2b7a41";
    let mut configuration = orders();
    configuration["apis"][0]["token"] = json!("optional");
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKEN, portal());
    let spoofed = || Request::get("/orders/1").header("x-client-id", "spoofed").header("x-sla-tier", "platinum");
    let anonymous = gateway.send(&spoofed());
    assert_eq!(
        (anonymous.status, anonymous.received("x-client-id"), anonymous.received("x-sla-tier")),
        (200, None, None)
    );
    assert_eq!(gateway.send(&spoofed().bearer(TOKEN)).received("x-client-id").as_deref(), Some("portal"));
    gateway.send(&spoofed().bearer("another-token-0c2b7a41")).assert_refused("inactive");
    gateway.send(&spoofed().header("authorization", "Bearer")).assert_refused("invalid_request");
    for target in ["/orders/%7E", "/orders/%c0%ae", "/orders/a%3bb"] {
        gateway.send(&Request::get(target)).assert_refused("missing_token");
    }
}

pub fn what_a_token_must_say_is_asked_of_it<G: Gateway>() {
    const TOKENS: [&str; 3] = ["said-token-2e1f06", "unsaid-token-2e1f06", "other-token-2e1f06"];
    let mut configuration = orders();
    configuration["apis"][0]["claims"] = json!({"/realm": ["orders"], "/ext/level": [2, "high"]});
    let mut gateway = G::start(&configuration);
    let members = |realm: Value, level: Value| {
        Introspected::active(
            json!({"client_id": "portal", "scope": "orders.read orders.write", "realm": realm, "ext": {"level": level}}),
        )
    };
    gateway.introspection(TOKENS[0], members(json!(["sales", "orders"]), json!(2.0)));
    gateway.introspection(TOKENS[1], members(Value::Null, json!("high")));
    gateway.introspection(TOKENS[2], members(json!("orders"), json!("2")));
    for _ in 0..3 {
        assert_eq!(gateway.send(&Request::get("/orders/1").bearer(TOKENS[0])).status, 200);
        for token in &TOKENS[1..] {
            gateway.send(&Request::get("/orders/1").bearer(token)).assert_refused("wrong_claims");
            let delete = Request::get("/orders/1").method("DELETE");
            gateway.send(&delete.bearer(token)).assert_refused("wrong_claims");
        }
    }
    assert_eq!(gateway.introspections().len(), 3);
}

pub fn an_optional_contract_gives_its_tier<G: Gateway>() {
    const TOKENS: [&str; 2] = ["holder-token-0d4e8f12ab", "stranger-token-1d4e8f12ab"];
    let mut configuration = orders();
    configuration["apis"][0]["contract"] = json!("optional");
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKENS[0], portal());
    gateway.introspection(TOKENS[1], Introspected::active(json!({"client_id": "nobody", "scope": "orders.read"})));
    let [holder, stranger] =
        TOKENS.map(|token| gateway.send(&Request::get("/orders/1").bearer(token).header("x-sla-tier", "spoofed")));
    assert_eq!(holder.received("x-sla-tier").as_deref(), Some("gold"));
    assert_eq!(stranger.received("x-client-id").as_deref(), Some("nobody"));
    assert_eq!(stranger.received("x-sla-tier"), None);
}

pub fn an_optional_contract_that_is_suspended_gives_nothing<G: Gateway>() {
    const TOKEN: &str = "halted-token-77be30c1d9";
    let mut configuration = orders();
    configuration["apis"][0]["contract"] = json!("optional");
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKEN, Introspected::active(json!({"client_id": "halted", "scope": "orders.read"})));
    let exchange = gateway.send(&Request::get("/orders/1").bearer(TOKEN));
    assert_eq!(exchange.received("x-client-id").as_deref(), Some("halted"));
    assert_eq!(exchange.received("x-sla-tier"), None);
}

pub fn a_token_that_is_not_forwarded_is_gone<G: Gateway>() {
    const TOKEN: &str = "hidden-token-a9c3315e42";
    let mut configuration = orders();
    configuration["apis"][0]["upstream"] = json!({"forward_token": false});
    configuration["token"] = json!({"sources": [
        {"header": "authorization", "scheme": "Bearer"}, {"query": "access_token"}, {"cookie": "at"},
    ]});
    let mut gateway = G::start(&configuration);
    gateway.introspection(TOKEN, portal());
    let by_header = gateway.send(&Request::get("/orders/1").bearer(TOKEN));
    assert_eq!(by_header.received("authorization"), None);
    let by_query = gateway.send(&Request::get(&format!("/orders/1?a=1&access_token={TOKEN}&b=%41")));
    assert_eq!(by_query.received(":path").as_deref(), Some("/orders/1?a=1&b=%41"));
    let by_cookie = gateway.send(&Request::get("/orders/1").header("cookie", format!("a=1; at={TOKEN}; b=2")));
    assert_eq!(by_cookie.received("cookie").as_deref(), Some("a=1; b=2"));
    for exchange in [by_header, by_query, by_cookie] {
        let received = format!("{:?}", exchange.upstream.map(|lines| lines.into_iter().map(text).collect::<Vec<_>>()));
        assert!(!received.contains(TOKEN), "{received}");
    }
}

pub fn a_value_that_no_header_can_hold_is_encoded<G: Gateway>() {
    const TOKEN: &str = "encoded-token-5f1e20aa83";
    let mut configuration = orders();
    configuration["apis"][0]["upstream"] =
        json!({"headers": {"x-user": "username", "x-org": "claim:/org/name"}, "claims_prefix": "x-agw-"});
    let mut gateway = G::start(&configuration);
    let facts = json!({
        "client_id": "portal", "scope": "orders.read", "username": "José\r\nx-admin: 1", "org": {"name": "ACME"},
        "Level": 3, "beta": true,
    });
    gateway.introspection(TOKEN, Introspected::active(facts));
    let request = Request::get("/orders/1").bearer(TOKEN).header("x-agw-admin", "1").header("X-Agw-Level", "9");
    let exchange = gateway.send(&request);
    assert_eq!(exchange.received("x-user").as_deref(), Some("Jos%C3%A9%0D%0Ax-admin: 1"));
    assert_eq!(exchange.received("x-org").as_deref(), Some("ACME"));
    assert_eq!(exchange.received("x-agw-level").as_deref(), Some("3"));
    assert_eq!(exchange.received("x-agw-beta").as_deref(), Some("true"));
    assert_eq!((exchange.received("x-admin"), exchange.received("x-agw-admin")), (None, None));
}

fn text((name, value): (String, Vec<u8>)) -> (String, String) {
    (name, String::from_utf8_lossy(&value).into_owned())
}
