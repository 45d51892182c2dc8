//! JWT access tokens in real Envoy: verified where they arrive, by the host and by the module.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection, with};
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};
use crate::tokens::{Issuer, KeyKind};

pub const ISSUER: &str = "https://idp.example.com";
const ALL: [&str; 10] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

/// A token of the issuer, which is not to be seen anywhere.
pub fn token(issuer: &Issuer, algorithm: &str, claims: Value) -> String {
    let token = issuer.token(algorithm, claims);
    secrecy::register(&token);
    token
}

/// The token with the signature of another one.
pub fn spoilt(token: &str, other: &str) -> String {
    let (text, _) = token.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    let spoilt = format!("{text}.{signature}");
    secrecy::register(&spoilt);
    spoilt
}

/// A configuration with this provider alone.
pub fn only(provider: Value) -> Value {
    json!({"providers": [provider], "apis": [{"id": "all"}]})
}

fn inline(issuer: &Issuer, further: Value) -> Value {
    let jwt = with(json!({"keys": {"inline": issuer.jwks()}, "algorithms": ALL}), further);
    json!({"name": "main", "issuer": ISSUER, "jwt": jwt})
}

#[test]
fn a_token_of_each_algorithm_passes_on_every_worker_and_a_spoilt_one_does_not() {
    let issuer = Issuer::new(ISSUER, now(), &KeyKind::ALL);
    let upstream = Upstream::start();
    let envoy = Envoy::builder().plugin(only(inline(&issuer, json!({})))).upstream(&upstream).start();
    let tokens = ALL.map(|algorithm| token(&issuer, algorithm, json!({})));
    let others = ALL.map(|algorithm| token(&issuer, algorithm, json!({"sub": "somebody else"})));
    let mut connections = envoy.connections_on_every_worker();
    for connection in &mut connections {
        for (token, other) in tokens.iter().zip(&others) {
            let received = Received::from(&connection.send(&Request::get("/").bearer(token)));
            assert_eq!(received.headers.only("x-client-id"), Some("portal"));
            assert_refused(&connection.send(&Request::get("/").bearer(&spoilt(token, other))), "bad_signature");
        }
    }
    // RS* and ES* by the host, PS* and EdDSA by the module; a token that is known is not verified again.
    let name = |result: &str, by: &str| format!("wasmcustom.tessera_signatures.provider.main.result.{result}.by.{by}");
    eventually(SOON, "the signatures being counted", || {
        let stats = envoy.stats();
        let counted = |result, by| stats.get(&name(result, by)).copied().unwrap_or_default();
        (counted("good", "host") == 12 && counted("good", "module") == 8 && counted("bad", "host") >= 12).then_some(())
    });
    assert_eq!(upstream.request_count(), connections.len() * ALL.len());
    envoy.assert_no_vm_reload();
}

#[test]
fn what_a_token_must_say_is_asked_before_its_signature() {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256]);
    let provider = with(inline(&issuer, json!({})), json!({"audiences": ["https://api.example.com"]}));
    let envoy = Envoy::builder().plugin(only(provider)).start();
    for (claims, outcome) in [
        (json!({"exp": issuer.now - 60}), "expired"),
        (json!({"nbf": issuer.now + 600}), "not_yet_valid"),
        (json!({"aud": "https://elsewhere.example.com"}), "wrong_audience"),
        (json!({"iss": "https://elsewhere.example.com"}), "wrong_issuer"),
        (json!({"exp": null}), "malformed_token"),
    ] {
        let token = token(&issuer, "ES256", claims.clone());
        assert_refused(&Request::get("/").bearer(&token).send(envoy.port()), outcome);
    }
    let id_token = issuer.token_with("ES256", json!({"typ": "JWT"}), json!({"at_hash": "x"}));
    assert_refused(&Request::get("/").bearer(&id_token).send(envoy.port()), "wrong_token_type");
    let good = token(&issuer, "ES256", json!({}));
    assert_eq!(Request::get("/").bearer(&good).send(envoy.port()).status, 200);
    envoy.assert_no_vm_reload();
}

#[test]
fn a_token_is_introspected_after_its_signature_where_that_is_wanted() {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::Rsa]);
    let provider = with(
        inline(&issuer, json!({"introspect": "always"})),
        json!({"introspection": introspection("idp", json!({}))}),
    );
    let gateway = Gateway::start(only(provider));
    let [active, revoked, other] = ["1", "2", "3"].map(|number| token(&issuer, "RS256", json!({"jti": number})));
    gateway.server.activate(&active, json!({"scope": "orders.read"}));
    gateway.server.activate(&spoilt(&active, &other), json!({}));
    let received = gateway.receive(&Request::get("/").bearer(&active));
    assert_eq!(received.headers.only("x-client-id"), Some("portal"), "what the answer leaves out is the token's");
    assert_refused(&gateway.send(&Request::get("/").bearer(&revoked)), "inactive");
    assert_eq!(gateway.server.call_count(), 2);
    assert_refused(&gateway.send(&Request::get("/").bearer(&spoilt(&active, &other))), "bad_signature");
    assert_eq!(gateway.counts(), (2, 1), "nobody is asked about a token that is not the issuer's");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn tokens_of_a_real_authorization_server_pass_while_their_key_is_in_the_set() {
    let portal = Client::application("portal", "orders.read");
    let server = OidcProvider::start(std::slice::from_ref(&portal));
    let keys = json!({"url": server.keys_url(), "cluster": "idp", "refresh": "1s", "timeout": "30s"});
    let jwt = json!({"keys": keys, "algorithms": ["RS256", "PS256", "ES256", "EdDSA"]});
    let provider = json!({"name": "main", "issuer": server.issuer(), "jwt": jwt});
    let envoy = Envoy::builder().plugin(only(provider)).cluster("idp", server.port()).start();
    let status = |token: &str| Request::get("/").bearer(token).send(envoy.port()).status;
    let resources = [oidc::JWT, oidc::JWT_PS256, oidc::JWT_ES256, oidc::JWT_EDDSA];
    let issue = || resources.map(|resource| server.token(&portal, "orders.read", resource));
    let old = issue();
    assert_eq!(old.each_ref().map(|token| status(token)), [200; 4]);
    server.rotate_keys();
    // Their keys are looked for at once.
    let new = issue();
    assert_eq!(new.each_ref().map(|token| status(token)), [200; 4]);
    assert_eq!(old.each_ref().map(|token| status(token)), [200; 4], "the old keys are in the set");
    server.drop_old_keys();
    let mut connections = envoy.connections_on_every_worker();
    eventually(SOON, "the old keys being out of force on every worker", || {
        let refused = |token: &String| {
            let all = connections.iter_mut().map(|connection| connection.send(&Request::get("/").bearer(token)).status);
            all.collect::<Vec<_>>().iter().all(|status| *status == 401)
        };
        old.iter().all(refused).then_some(())
    });
    assert_eq!(new.each_ref().map(|token| status(token)), [200; 4]);
    assert_eq!(server.asked_for("introspections"), 0);
    envoy.assert_no_vm_reload();
}

#[test]
fn keys_and_introspection_endpoint_of_a_real_authorization_server_are_found() {
    let portal = Client::application("portal", "orders.read");
    let gateway = Client::gateway("gateway");
    let server = OidcProvider::start(&[portal.clone(), gateway.clone()]);
    let client = json!({"id": gateway.id(), "secret": {"env": "IDP_CLIENT_SECRET"}});
    let introspection = json!({"client": client, "timeout": "30s"});
    let provider = json!({
        "name": "main", "issuer": server.issuer(), "discovery": {"cluster": "idp", "timeout": "30s"},
        "jwt": {"algorithms": ["RS256"]}, "introspection": introspection,
    });
    let envoy = Envoy::builder()
        .plugin(only(provider))
        .environment("IDP_CLIENT_SECRET", gateway.secret())
        .cluster("idp", server.port())
        .start();
    for resource in [oidc::JWT, oidc::OPAQUE] {
        let token = server.token(&portal, "orders.read", resource);
        assert_eq!(Request::get("/").bearer(&token).send(envoy.port()).status, 200, "{resource}");
    }
    assert_eq!(server.asked_for("introspections"), 1);
    assert!(server.asked_for("metadata") > 0);
    envoy.assert_no_vm_reload();
}
