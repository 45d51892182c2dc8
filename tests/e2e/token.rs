//! A token's way through the filter: none, active, inactive, revoked.

use serde_json::{Value, json};

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Request, Response};
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::http2_client::Http2Request;
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};

/// One API for everything, its facts from `endpoint`; the client's secret comes from the VM's environment.
fn configuration(endpoint: &str, client_id: &str) -> Value {
    json!({
        "providers": [{
            "name": "main",
            "introspection": {
                "endpoint": endpoint,
                "cluster": "idp",
                "timeout": "30s",
                "client": {"id": client_id, "auth": "client_secret_basic", "secret": {"env": "IDP_CLIENT_SECRET"}},
            },
        }],
        "apis": [{"id": "orders-v1", "scopes": {"all": ["orders.read"]}}],
        "replies": {"realm": "orders"},
    })
}

fn guarded_by(server: &AuthorizationServer) -> EnvoyBuilder {
    let secret = secrecy::secret("gateway-secret");
    secrecy::register_client("gateway", &secret);
    Envoy::builder()
        .plugin(configuration("http://idp.example.com/introspect", "gateway"))
        .environment("IDP_CLIENT_SECRET", &secret)
        .cluster("idp", server.port())
}

#[track_caller]
fn assert_refused(response: &Response, status: u16, error: &str) {
    assert_eq!(response.status, status, "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.json()["error"], error);
}

#[test]
fn without_a_token_the_caller_is_challenged_and_nobody_is_asked() {
    let (server, upstream) = (AuthorizationServer::start(), Upstream::start());
    let envoy = guarded_by(&server).upstream(&upstream).start();
    let response = Request::get("/orders/1").send(envoy.port());
    assert_refused(&response, 401, "missing_token");
    // RFC 6750 section 3.1: no error code where there were no credentials.
    let challenge = response.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"orders\"") && !challenge.contains("error="), "{challenge}");
    assert_eq!(envoy.await_accesses(1)[0].outcome, "missing_token");
    assert_eq!((server.call_count(), upstream.request_count()), (0, 0));
    envoy.assert_no_vm_reload();
}

#[test]
fn an_active_token_passes_with_the_identity_headers_on_every_worker() {
    let (server, upstream) = (AuthorizationServer::start(), Upstream::start());
    let token = secrecy::secret("token");
    server.activate(&token, json!({"client_id": "portal", "scope": "orders.read"}));
    let envoy = guarded_by(&server).upstream(&upstream).start();
    let request =
        Request::get("/orders/1").bearer(&token).header("X-Client-Id", "spoofed").header("x-sla-tier", "gold");
    for connection in &mut envoy.connections_on_every_worker() {
        let received = Received::from(&connection.send(&request));
        assert_eq!(received.headers.only("x-client-id"), Some("portal"));
        assert_eq!(received.headers.only("x-sla-tier"), None);
    }
    let call = &server.calls()[0];
    assert_eq!((call.token(), call.request.method.as_str()), (token.as_str(), "POST"));
    assert_eq!(call.request.target, "/introspect");
    assert_eq!(call.request.headers.only("host"), Some("idp.example.com"));
    // Only refusals name their outcome: a property costs a host call that the warm path does not make.
    assert_eq!(envoy.await_accesses(1)[0].outcome, "-");
    envoy.assert_no_vm_reload();
}

#[test]
fn an_inactive_token_is_refused_over_http1_http2_and_grpc() {
    let (server, upstream) = (AuthorizationServer::start(), Upstream::start());
    let token = secrecy::secret("token");
    let envoy = guarded_by(&server).upstream(&upstream).start();
    let responses = [
        Request::get("/orders/1").bearer(&token).send(envoy.port()),
        Http2Request::new(http::Method::GET, "/orders/1").bearer(&token).send(envoy.port()),
    ];
    for response in responses {
        assert_refused(&response, 401, "invalid_token");
        assert!(response.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    let response = Http2Request::grpc("/orders.Orders/List").bearer(&token).send(envoy.port());
    assert_eq!((response.status, response.grpc_status()), (200, Some(16)));
    assert!(response.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert!(envoy.await_accesses(3).iter().all(|access| access.outcome == "inactive"));
    assert_eq!(upstream.request_count(), 0);
    envoy.assert_no_vm_reload();
}

#[test]
fn a_server_that_is_gone_is_no_fault_of_the_token() {
    let server = AuthorizationServer::start();
    let token = secrecy::secret("token");
    server.activate(&token, json!({"client_id": "portal", "scope": "orders.read"}));
    server.go_away();
    let envoy = guarded_by(&server).start();
    let refused = Request::get("/").bearer(&token).send(envoy.port());
    assert_refused(&refused, 503, "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    server.come_back();
    // A worker asks about a token whose question failed again after a second.
    eventually(SOON, "the token being asked about again", || {
        (Request::get("/").bearer(&token).send(envoy.port()).status == 200).then_some(())
    });
    assert_eq!(envoy.await_accesses(2)[0].outcome, "provider_unavailable");
    envoy.assert_no_vm_reload();
}

#[test]
fn tokens_of_a_real_authorization_server_are_known_until_revoked() {
    let portal = Client::application("portal", "orders.read orders.write");
    let gateway = Client::gateway("gateway");
    let server = OidcProvider::start(&[portal.clone(), gateway.clone()]);
    let envoy = Envoy::builder()
        .plugin_struct(configuration(&format!("{}/token/introspection", server.issuer()), gateway.id()))
        .environment("IDP_CLIENT_SECRET", gateway.secret())
        .cluster("idp", server.port())
        .start();
    let ask = |token: &str| Request::get("/orders/1").bearer(token).send(envoy.port());
    let good = server.token(&portal, "orders.read", oidc::OPAQUE);
    let revoked = server.token(&portal, "orders.read", oidc::OPAQUE);
    let narrow = server.token(&portal, "orders.write", oidc::OPAQUE);
    server.revoke(&portal, &revoked);
    assert_eq!(ask(&good).status, 200);
    assert_refused(&ask(&revoked), 401, "invalid_token");
    assert_refused(&ask(&narrow), 403, "insufficient_scope");
    // This server lets no answer be kept (`Cache-Control: no-store`), as most do.
    for connection in &mut envoy.connections_on_every_worker() {
        for (token, status) in [(&good, 200), (&revoked, 401), (&narrow, 403)] {
            let response = connection.send(&Request::get("/orders/1").bearer(token));
            assert_eq!(response.status, status);
        }
    }
    assert_eq!(envoy.stat("cluster.idp.upstream_rq_total"), Some(3), "each token is asked about once");
    drop(server);
    assert_eq!(ask(&good).status, 200, "a known token while the server is down");
    assert_refused(&ask(&secrecy::secret("token")), 503, "temporarily_unavailable");
    envoy.assert_no_vm_reload();
}
