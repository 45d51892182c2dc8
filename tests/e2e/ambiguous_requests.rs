//! Requests that an upstream could read differently than the filter does.

use http::Method;
use serde_json::json;

use crate::harness::client::Request;
use crate::harness::gateway::{Gateway, provider};
use crate::harness::http2_client::Http2Request;
use crate::harness::refusal::assert_refused;

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

#[test]
fn no_second_token_survives_beside_the_checked_one() {
    let sources = json!([
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
        {"cookie": "at"},
    ]);
    let api = |id: &str, token: &str| json!({"id": id, "match": {"paths": [format!("/{id}/")]}, "token": token});
    let gateway = Gateway::start(json!({
        "providers": [provider("main", json!({}))],
        "apis": [api("strict", "required"), api("open", "optional")],
        "token": {"sources": sources},
    }));
    let token = gateway.token(json!({"client_id": "portal"}));
    let request = |path: &str, lines: &[(&str, &str)]| {
        lines.iter().fold(Request::get(path), |request, (name, value)| request.header(name, value))
    };
    for (query, lines) in [
        ("", &[("authorization", "Basic YTpi"), ("authorization", "Bearer evil")][..]),
        ("", &[("authorization", "Basic YTpi, Bearer evil")]),
        ("", &[("x_access_token", "evil")]),
        ("?x=1;access_token=evil", &[]),
        ("?access_token[]=evil", &[]),
        ("", &[("cookie", "theme=x,at=evil")]),
        ("", &[("cookie", "at =evil")]),
        ("", &[("cookie", "a=\"x; at=evil; b=y\"")]),
    ] {
        for api in ["strict", "open"] {
            let path = format!("/{api}/1{query}");
            assert_refused(&gateway.send(&request(&path, lines)), "invalid_request");
            let beside = if lines.iter().any(|(name, _)| *name == "cookie") {
                request(&path, lines).header("x-access-token", &token)
            } else {
                request(&path, lines).header("cookie", format!("at={token}"))
            };
            assert_refused(&gateway.send(&beside), "invalid_request");
        }
    }
    assert_eq!(gateway.counts(), (0, 0));
    let apart = request("/strict/1", &[("cookie", "theme=\"x"), ("cookie", &format!("at={token}"))]);
    assert_eq!(gateway.send(&apart).status, 200);
    gateway.envoy.assert_no_vm_reload();
}
