//! The metadata of a protected resource (RFC 9728), which the filter itself serves.

use super::gateway::{Gateway, Request, orders};
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-protected-resource/orders";

/// The orders API as a resource of an authorization server with an issuer.
fn orders_resource() -> Value {
    let mut configuration = orders();
    configuration["providers"][0]["issuer"] = json!("https://idp.example.com");
    configuration["apis"][0]["resource"] = json!({
        "identifier": "https://api.example.com/orders", "name": "Orders of \"Acme\"",
        "documentation": "https://docs.example.com/orders",
    });
    configuration
}

pub fn the_metadata_of_a_resource_is_for_everybody<G: Gateway>() {
    let mut gateway = G::start(&orders_resource());
    let metadata = json!({
        "resource": "https://api.example.com/orders",
        "authorization_servers": ["https://idp.example.com"],
        "scopes_supported": ["orders.read", "orders.write"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "RS256", "PS256"],
        "tls_client_certificate_bound_access_tokens": true,
        "resource_name": "Orders of \"Acme\"",
        "resource_documentation": "https://docs.example.com/orders",
    });
    for request in [
        Request::get(METADATA),
        Request::get(&format!("{METADATA}/?a=b")).header("authorization", "Bearer never asked about"),
        Request::get(METADATA).header("x-client-id", "forged").header("origin", "https://page.example.com"),
    ] {
        let exchange = gateway.send(&request);
        assert_eq!((exchange.status, exchange.upstream.is_none()), (200, true), "{exchange:?}");
        assert_eq!(serde_json::from_slice::<Value>(&exchange.body).expect("JSON"), metadata);
        assert_eq!(exchange.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(exchange.header("cache-control").as_deref(), Some("public, max-age=3600"));
        assert_eq!(exchange.header("access-control-allow-origin").as_deref(), Some("*"));
    }
    let head = gateway.send(&Request::get(METADATA).method("HEAD"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type").as_deref(), Some("application/json"));
    let preflight = Request::get(METADATA).method("OPTIONS").header("origin", "https://page.example.com");
    let preflight = gateway.send(&preflight.header("access-control-request-headers", "mcp-protocol-version"));
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", "*"),
        ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
    ] {
        assert_eq!(preflight.header(name).as_deref(), Some(value));
    }
    let post = gateway.send(&Request::get(METADATA).method("POST"));
    assert_eq!((post.status, post.upstream.is_none()), (405, true));
    assert_eq!(post.header("allow").as_deref(), Some("GET, HEAD, OPTIONS"));
    assert!(gateway.introspections().is_empty());
}

pub fn a_challenge_names_the_metadata_of_the_resource<G: Gateway>() {
    let mut configuration = orders_resource();
    configuration["replies"]["resource_metadata"] = json!("https://elsewhere.example.com/metadata");
    let others = json!({"id": "others", "match": {"paths": ["/others/"]}, "contract": "none"});
    configuration["apis"].as_array_mut().expect("a list").push(others);
    let mut gateway = G::start(&configuration);
    let mut named = |target: &str, token: Option<&str>| {
        let request = Request::get(target);
        let exchange = gateway.send(&token.into_iter().fold(request, Request::bearer));
        let challenge = exchange.header("www-authenticate").expect("a challenge");
        challenge.rsplit_once("resource_metadata=").expect("an address").1.to_owned()
    };
    let own = "\"https://api.example.com/.well-known/oauth-protected-resource/orders\"";
    assert_eq!(named("/orders/1", None), own);
    assert_eq!(named("/orders/1", Some("inactive-token-for-a-resource")), own);
    assert_eq!(named("/others/1", None), "\"https://elsewhere.example.com/metadata\"");
}
