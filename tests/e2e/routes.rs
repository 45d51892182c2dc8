//! Routes that match on what the filter sets.

use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::gateway::{Gateway, provider};
use crate::harness::host::Host;

/// What the caller gets of a gateway with a route of its own for gold clients.
#[track_caller]
fn served(upstream: Value) -> String {
    let configuration = json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "orders-v1", "upstream": upstream}],
        "contracts": {"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]},
    });
    let gold = json!({"prefix": "/", "headers": [{"name": "x-sla-tier", "string_match": {"exact": "gold"}}]});
    let answers = |body: &str| json!({"status": 200, "body": {"inline_string": body}});
    let routes = json!([
        {"match": gold, "direct_response": answers("gold")},
        {"match": {"prefix": "/"}, "direct_response": answers("any")},
    ]);
    let hosts = json!([{"name": "all", "domains": ["*"], "routes": routes}]);
    let gateway = Gateway::start_with(configuration, |builder| {
        builder.connection_manager_has(json!({"route_config": {"virtual_hosts": hosts}}))
    });
    let response = gateway.send(&Request::get("/orders/1").bearer(&gateway.token(json!({"client_id": "portal"}))));
    assert_eq!(response.status, 200, "{response:?}");
    String::from_utf8(response.body).unwrap()
}

#[test]
fn the_route_is_chosen_anew_where_that_is_asked_for() {
    assert_eq!(served(json!({"rematch_route": true})), "gold");
}

#[test]
fn otherwise_it_is_chosen_anew_in_wasm_alone() {
    let expected = if Host::of_tests() == Host::Wasm { "gold" } else { "any" };
    assert_eq!(served(json!({})), expected);
}
