//! Tokens bound to a key or a certificate, in real Envoy: by npm's `dpop`, and over TLS.

use serde_json::{Value, json};

use crate::harness::certificates::{Authority, Certificate};
use crate::harness::client::{Request, Response};
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::gateway::with;
use crate::harness::node::{DpopClient, TlsTunnel};
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::upstream::{Received, Upstream};
use crate::jwt::only;

const URL: &str = "http://api.example.com/orders/1";

/// A server with a client of each kind, and a gateway that takes its opaque tokens and its JWTs.
struct Scene {
    server: OidcProvider,
    by_key: Client,
    by_certificate: Client,
    unbound: Client,
    gateway: Client,
    upstream: Upstream,
}

impl Scene {
    fn start() -> Self {
        let by_key = Client::application("by-key", "orders.read").bound_by_dpop();
        let by_certificate = Client::application("by-certificate", "orders.read").bound_by_certificate();
        let unbound = Client::application("unbound", "orders.read");
        let gateway = Client::gateway("gateway");
        let clients = [by_key.clone(), by_certificate.clone(), unbound.clone(), gateway.clone()];
        let server = OidcProvider::start(&clients);
        Self { server, by_key, by_certificate, unbound, gateway, upstream: Upstream::start() }
    }

    fn configuration(&self) -> Value {
        let server = &self.server;
        let client = json!({"id": self.gateway.id(), "secret": {"env": "IDP_CLIENT_SECRET"}});
        let endpoint = format!("{}/token/introspection", server.issuer());
        only(json!({
            "name": "main", "issuer": server.issuer(),
            "introspection": {"endpoint": endpoint, "cluster": "idp", "client": client},
            "jwt": {"keys": {"url": server.keys_url(), "cluster": "idp"}, "algorithms": ["RS256"]},
        }))
    }

    fn builder(&self) -> EnvoyBuilder {
        self.builder_of(self.configuration())
    }

    fn builder_of(&self, configuration: Value) -> EnvoyBuilder {
        Envoy::builder()
            .plugin(configuration)
            .environment("IDP_CLIENT_SECRET", self.gateway.secret())
            .cluster("idp", self.server.port())
            .upstream(&self.upstream)
    }

    /// A token that is bound to this client's key.
    fn token_for(&self, client: &mut DpopClient, resource: &str) -> String {
        let proof = client.proof("POST", &format!("{}/token", self.server.issuer()), None);
        self.server.token_with(&self.by_key, "orders.read", resource, &[("dpop", &proof)])
    }

    /// A token that is bound to this certificate.
    fn token_of(&self, certificate: &Certificate, resource: &str) -> String {
        let headers = [("x-client-certificate", certificate.base64())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.server.token_with(&self.by_certificate, "orders.read", resource, &headers)
    }
}

fn bound(token: &str) -> Request {
    Request::get("/orders/1").header("authorization", format!("DPoP {token}"))
}

#[track_caller]
fn assert_unauthorized(response: &Response, what: &str) {
    assert_eq!(response.status, 401, "{what}: {response:?}");
    let challenge = response.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\""), "{what}: {challenge}");
}

#[test]
fn a_token_bound_to_a_key_needs_a_new_proof_for_each_request() {
    let scene = Scene::start();
    let envoy = scene.builder().start();
    let (mut owner, mut thief) = (DpopClient::start("ES256"), DpopClient::start("ES256"));
    let mut connections = envoy.connections_on_every_worker();
    for resource in [oidc::OPAQUE, oidc::JWT] {
        let token = scene.token_for(&mut owner, resource);
        let other = scene.token_for(&mut owner, resource);
        for connection in &mut connections {
            let proof = owner.proof("GET", URL, Some(&token));
            let received = Received::from(&connection.send(&bound(&token).header("dpop", &proof)));
            assert_eq!(received.headers.only("x-client-id"), Some("by-key"));
        }
        // Once in the whole process, on whichever worker.
        let used = owner.proof("GET", URL, Some(&token));
        let mut passed = 0;
        for connection in &mut connections {
            let response = connection.send(&bound(&token).header("dpop", &used));
            passed += usize::from(response.status == 200);
        }
        assert_eq!(passed, 1, "a proof is good once");
        let passed = scene.upstream.request_count();
        let mut refuse = |request: &Request, what: &str| {
            for connection in &mut connections {
                assert_unauthorized(&connection.send(request), what);
            }
        };
        refuse(&bound(&token), "no proof");
        for (what, proof) in [
            ("another method", owner.proof("POST", URL, Some(&token))),
            ("another path", owner.proof("GET", "http://api.example.com/orders/2", Some(&token))),
            ("another host", owner.proof("GET", "http://www.example.com/orders/1", Some(&token))),
            ("another scheme", owner.proof("GET", "https://api.example.com/orders/1", Some(&token))),
            ("another token", owner.proof("GET", URL, Some(&other))),
            ("no token", owner.proof("GET", URL, None)),
            ("another key", thief.proof("GET", URL, Some(&token))),
        ] {
            refuse(&bound(&token).header("dpop", &proof), what);
        }
        let proof = owner.proof("GET", URL, Some(&token));
        refuse(&Request::get("/orders/1").bearer(&token).header("dpop", &proof), "as a bearer");
        let unbound = scene.server.token(&scene.unbound, "orders.read", resource);
        let proof = owner.proof("GET", URL, Some(&unbound));
        refuse(&bound(&unbound).header("dpop", &proof), "not bound");
        assert_eq!(scene.upstream.request_count(), passed);
        assert_eq!(Request::get("/orders/1").bearer(&unbound).send(envoy.port()).status, 200);
    }
    envoy.assert_no_vm_reload();
}

#[test]
fn what_a_client_says_of_the_scheme_counts_except_at_the_edge() {
    let scene = Scene::start();
    let mut owner = DpopClient::start("ES256");
    let token = scene.token_for(&mut owner, oidc::OPAQUE);
    for (is_edge, lie, truth) in [(false, 200, 401), (true, 401, 200)] {
        let members = json!({"use_remote_address": is_edge});
        let envoy = scene.builder().connection_manager_has(members).start();
        for (scheme, expected) in [("https", lie), ("http", truth)] {
            let proof = owner.proof("GET", &format!("{scheme}://api.example.com/orders/1"), Some(&token));
            let request = bound(&token).header("x-forwarded-proto", "https").header("dpop", &proof);
            assert_eq!(request.send(envoy.port()).status, expected, "{is_edge} {scheme}");
            let again = request.send(envoy.port());
            assert_unauthorized(&again, "it was used, or never good");
        }
        envoy.assert_no_vm_reload();
    }
}

#[test]
fn a_token_bound_to_a_certificate_passes_with_that_certificate_only() {
    let scene = Scene::start();
    let authority = Authority::new();
    let envoy = scene.builder().tls(&authority).start();
    let (ours, theirs) = (authority.certificate("client"), authority.certificate("client"));
    let [none, right, wrong] =
        [None, Some(&ours), Some(&theirs)].map(|certificate| TlsTunnel::start(envoy.port(), certificate));
    let mut owner = DpopClient::start("ES256");
    for resource in [oidc::OPAQUE, oidc::JWT] {
        let token = scene.token_of(&ours, resource);
        let request = Request::get("/orders/1").bearer(&token);
        let passed = scene.upstream.request_count();
        assert_eq!(request.send(none.port()).status, 401);
        assert_eq!(request.send(wrong.port()).status, 401);
        // A header counts only where it is said to.
        let hash = ours.thumbprint();
        let forged = request.clone().header("x-forwarded-client-cert", format!("Hash={hash}"));
        assert_eq!(forged.send(wrong.port()).status, 401);
        assert_eq!(scene.upstream.request_count(), passed);
        for _ in 0..4 {
            let received = Received::from(&request.send(right.port()));
            assert_eq!(received.headers.only("x-client-id"), Some("by-certificate"));
        }
        assert_eq!(request.send(wrong.port()).status, 401, "it is known now");
        // The scheme of a proof is the connection's.
        let token = scene.token_for(&mut owner, resource);
        let proof = owner.proof("GET", "https://api.example.com/orders/1", Some(&token));
        assert_eq!(bound(&token).header("dpop", &proof).send(none.port()).status, 200);
        let proof = owner.proof("GET", URL, Some(&token));
        assert_unauthorized(&bound(&token).header("dpop", &proof).send(none.port()), "another scheme");
    }
    envoy.assert_no_vm_reload();
}

#[test]
fn a_certificate_that_a_proxy_before_this_one_has_seen_counts_where_that_is_configured() {
    let scene = Scene::start();
    let authority = Authority::new();
    let configuration = with(scene.configuration(), json!({"client_certificate": "forwarded"}));
    // The header comes by cleartext, from a proxy that nobody else can stand in for.
    let members = json!({"forward_client_cert_details": "ALWAYS_FORWARD_ONLY"});
    let behind = scene.builder_of(configuration).connection_manager_has(members).start();
    // A proxy that replaces whatever a client says of its certificate by what it has seen.
    let before = Envoy::builder()
        .tls(&authority)
        .connection_manager_has(json!({"forward_client_cert_details": "SANITIZE_SET"}))
        .route_to(behind.port())
        .start();
    let (ours, theirs) = (authority.certificate("client"), authority.certificate("client"));
    let [none, right, wrong] =
        [None, Some(&ours), Some(&theirs)].map(|certificate| TlsTunnel::start(before.port(), certificate));
    for resource in [oidc::OPAQUE, oidc::JWT] {
        let request = Request::get("/orders/1").bearer(&scene.token_of(&ours, resource));
        let hash = ours.sha256();
        let forged = request.clone().header("x-forwarded-client-cert", format!("Hash={hash}"));
        let passed = scene.upstream.request_count();
        for _ in 0..2 {
            for (what, request, tunnel) in [
                ("no certificate", &request, &none),
                ("another one", &request, &wrong),
                ("none, and a forged header", &forged, &none),
                ("another one, and a forged header", &forged, &wrong),
            ] {
                assert_eq!(request.send(tunnel.port()).status, 401, "{what}");
            }
            assert_eq!(scene.upstream.request_count(), passed);
        }
        for request in [&request, &forged] {
            let received = Received::from(&request.send(right.port()));
            assert_eq!(received.headers.only("x-client-id"), Some("by-certificate"));
        }
        assert_eq!(request.send(wrong.port()).status, 401, "it is known now");
        // Who reaches the listener itself is believed: so only the proxy may.
        assert_eq!(forged.send(behind.port()).status, 200);
    }
    behind.assert_no_vm_reload();
}
