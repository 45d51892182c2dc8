//! `resource`: what is refused, and what the metadata says.

use super::{accepted, problems, provider, smallest, with};
use serde_json::{Value, json};

/// The metadata of the first API.
fn metadata(configuration: &Value) -> Value {
    let settings = accepted(configuration);
    let url = settings.policy.apis()[0].resource.as_ref().unwrap().identifier.metadata_url().to_string();
    let (authority, path) = url.strip_prefix("https://").unwrap().split_at(url.find(".com").unwrap() - 4);
    let (_, document) = settings.resources.at(authority.as_bytes(), path.as_bytes()).unwrap();
    serde_json::from_str(document).unwrap()
}

fn orders(api: Value) -> Value {
    let mut configuration = with(smallest(), "/apis/0", api);
    configuration["apis"][0]["id"] = json!("orders");
    with(configuration, "/apis/0/resource", json!({"identifier": "https://api.example.com/orders"}))
}

#[test]
fn the_least_that_metadata_says() {
    let ignoring = with(orders(json!({})), "/providers/0/proof_of_possession", json!("ignore"));
    let least = json!({"resource": "https://api.example.com/orders", "bearer_methods_supported": ["header"]});
    assert_eq!(metadata(&ignoring), least);
}

#[test]
fn proofs_are_taken_where_they_are_enforced() {
    let configuration = with(orders(json!({})), "/dpop", json!({"algorithms": ["ES256", "EdDSA"]}));
    let metadata = metadata(&configuration);
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], json!(true));
}

#[test]
fn dpop_proofs_are_taken_where_a_header_takes_their_scheme() {
    let sources = json!({"sources": [{"header": "x-access-token"}, {"query": "access_token"}]});
    let metadata = metadata(&with(orders(json!({})), "/token", sources));
    assert_eq!(metadata.get("dpop_signing_alg_values_supported"), None);
}

#[test]
fn authorization_servers_are_the_issuers_of_the_providers_of_the_api() {
    let issued = |name: &str| with(provider(name), "/issuer", json!(format!("https://{name}.example.com/")));
    let mut configuration = orders(json!({"providers": ["c", "a"]}));
    configuration["providers"] = json!([issued("a"), issued("b"), issued("c")]);
    let servers = metadata(&configuration)["authorization_servers"].clone();
    assert_eq!(servers, json!(["https://c.example.com/", "https://a.example.com/"]));
}

#[test]
fn scopes_are_those_that_some_rule_asks_for_each_once() {
    let configuration = orders(json!({"scopes": {"all": ["b", "a"]}, "operations": [
        {"match": {"methods": ["GET"]}, "public": true},
        {"match": {"methods": ["PUT"]}, "scopes": {"any": ["c", "a"]}},
        {"match": {"methods": ["HEAD"]}, "scopes": {"all": []}},
        {"match": {"methods": ["POST"]}, "max_age": "1s"},
    ]}));
    assert_eq!(metadata(&configuration)["scopes_supported"], json!(["b", "a", "c"]));
}

#[test]
fn bearer_methods_are_those_of_rfc_6750() {
    for (sources, methods) in [
        (
            json!([{"query": "access_token"}, {"header": "authorization", "scheme": "bearer"}]),
            json!(["query", "header"]),
        ),
        (json!([{"header": "x-access-token"}, {"cookie": "access_token"}, {"query": "token"}]), json!([])),
        (json!([{"header": "authorization", "scheme": "Token"}]), json!([])),
    ] {
        let configuration = with(orders(json!({})), "/token", json!({"sources": sources}));
        assert_eq!(metadata(&configuration)["bearer_methods_supported"], methods);
    }
}

#[test]
fn any_name_stays_a_string() {
    let name = "Bestellungen \u{201e}\"\\\u{201c} \u{2028}";
    let described = with(orders(json!({})), "/apis/0/resource/name", json!(name));
    let documented = with(described, "/apis/0/resource/documentation", json!("https://docs.example.com/?a=\"b"));
    assert_eq!(metadata(&documented)["resource_name"], name);
    assert_eq!(metadata(&documented)["resource_documentation"], "https://docs.example.com/?a=\"b");
}

#[test]
fn identifiers_that_cannot_be_one() {
    for (identifier, reason) in [
        ("orders", "must begin with \"https://\" or \"http://\""),
        ("http://api.example.com", "must begin with \"https://\": only a loopback host may have \"http://\""),
        ("https://api.example.com/#a", "must not hold a fragment"),
        ("https://api.example.com/?a", "must not hold a query: matching ignores it"),
        ("https://api.example.com/a//b", "must have a path that can be read in one way only"),
    ] {
        let configuration = with(smallest(), "/apis/0/resource", json!({"identifier": identifier}));
        assert_eq!(problems(&configuration), [format!("apis[0].resource.identifier: {reason}, got {identifier:?}")]);
    }
    let wrong = json!({"name": "", "documentation": "orders.html"});
    assert_eq!(
        problems(&with(smallest(), "/apis/0/resource", wrong)),
        [
            "apis[0].resource.documentation: must begin with \"https://\" or \"http://\"",
            "apis[0].resource.identifier: is required",
            "apis[0].resource.name: must not be empty",
        ]
    );
    let null = with(smallest(), "/apis/0/resource", Value::Null);
    assert_eq!(problems(&null), ["apis[0].resource: must be an object, got null"]);
}

#[test]
fn two_apis_with_one_address_are_noticed_whatever_else_is_wrong() {
    let api = |id: Value, identifier: &str| json!({"id": id, "resource": {"identifier": identifier}});
    let apis = json!([
        api(json!("a"), "https://api.example.com/orders"),
        api(json!(1), "https://API.example.com:8443/orders/"),
        api(json!("c"), "https://api.example.com/"),
    ]);
    assert_eq!(
        problems(&with(smallest(), "/apis", apis)),
        [
            "apis[1].id: must be a string, got a number",
            "apis[1].resource: has its metadata where another API has: identifiers must differ in host or path, and not \
             only in case, port or a slash at the end",
        ]
    );
}
