//! Requests that an upstream could read differently than the filter does.

use http::Method;
use serde_json::json;

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
