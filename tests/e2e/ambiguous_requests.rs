//! Requests that an upstream could read differently than the filter does.

use http::Method;
use serde_json::json;

use crate::client::Request;
use crate::gateway::{Gateway, provider};
use crate::http2_client::Http2Request;
use crate::refusal::assert_refused;

#[test]
fn a_method_in_another_case_evades_no_rule_over_http2() {
    let gateway = Gateway::start(json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "orders", "operations": [{"match": {"methods": ["POST"]}, "scopes": {"all": ["orders.write"]}}]}],
    }));
    let token = gateway.token(json!({"client_id": "portal", "scope": "orders.read"}));
    let send = |method: &[u8]| {
        let method = Method::from_bytes(method).expect("a token");
        Http2Request::new(method, "/orders/1").bearer(&token).send(gateway.envoy.port())
    };
    for method in [&b"post"[..], b"Post", b"pOST"] {
        assert_refused(&send(method), "invalid_request");
    }
    assert_refused(&send(b"POST"), "insufficient_scope");
    assert_eq!(gateway.upstream.request_count(), 0);
    assert_eq!(send(b"delete").status, 200, "no rule names it");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn an_escape_evades_no_rule_opens_nothing_and_reaches_the_upstream_as_it_came() {
    let operations = json!([
        {"match": {"paths": ["/orders/open/"]}, "public": true},
        {"match": {"paths": ["/orders/~admin/", "/orders/jobs:run"]}, "scopes": {"all": ["orders.admin"]}},
    ]);
    let gateway = Gateway::start(json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "orders", "match": {"paths": ["/orders/"]}, "operations": operations}],
        "no_match": "pass",
    }));
    let token = gateway.token(json!({"client_id": "portal"}));
    let get = |path: &str| Request::get(path);
    for path in ["/orders/%252e%252e/", "/orders/a%252fb", "/elsewhere/%25252e", "/orders/a%255c", "/orders/a%253b"] {
        assert_refused(&gateway.send(&get(path).bearer(&token)), "invalid_request");
    }
    for path in ["/orders/~admin/1", "/orders/%7Eadmin/1", "/orders/%7e%61dmin/1", "/%6frders/jobs%3Arun"] {
        assert_refused(&gateway.send(&get(path).bearer(&token)), "insufficient_scope");
    }
    for path in ["/orders/%6fpen/1", "/orders/open/%c0%ae", "/orders/open/%ef%bc%8f", "/orders/open/a%3bb"] {
        assert_refused(&gateway.send(&get(path)), "missing_token");
        assert_eq!(gateway.receive(&get(path).bearer(&token)).target, path);
    }
    for path in ["/elsewhere/%7Ea", "/%c0%aeorders/1", "/elsewhere/%ef%bc%8f", "/elsewhere/a%3b"] {
        assert_refused(&gateway.send(&get(path).bearer(&token)), "unknown_api");
    }
    for path in ["/orders/open/a%20b%C3%A9", "/elsewhere/100%25"] {
        assert_eq!(gateway.receive(&get(path)).target, path);
    }
    gateway.envoy.assert_no_vm_reload();
}
