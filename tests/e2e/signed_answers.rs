//! Signed introspection answers (RFC 9701) in real Envoy.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::envoy::Envoy;
use crate::harness::gateway::{Gateway, introspection, with};
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};
use crate::jwt::{ISSUER, now, only};
use crate::tokens::{Issuer, KeyKind};

const TYPE: &str = "application/token-introspection+jwt";

fn configuration(provider: Value) -> Value {
    let mut configuration = only(provider);
    configuration["apis"][0]["upstream"] =
        json!({"headers": {"x-client-id": "client_id", "x-introspection": "introspection_jwt"}});
    configuration
}

#[test]
fn answers_that_a_real_authorization_server_signs_are_believed_and_handed_on() {
    let portal = Client::application("portal", "orders.read");
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let gateway = Client::gateway("gateway").answered_with(algorithm);
        let server = OidcProvider::start(&[portal.clone(), gateway.clone()]);
        let upstream = Upstream::start();
        let client = json!({"id": gateway.id(), "secret": {"env": "IDP_CLIENT_SECRET"}});
        let introspection = json!({
            "endpoint": format!("{}/token/introspection", server.issuer()), "cluster": "idp", "client": client,
            "response": "jwt",
        });
        let jwt = json!({"keys": {"url": server.keys_url(), "cluster": "idp"}, "algorithms": [algorithm]});
        let provider = json!({"name": "main", "issuer": server.issuer(), "introspection": introspection, "jwt": jwt});
        let envoy = Envoy::builder()
            .plugin(configuration(provider))
            .environment("IDP_CLIENT_SECRET", gateway.secret())
            .cluster("idp", server.port())
            .upstream(&upstream)
            .start();
        let token = server.token(&portal, "orders.read", oidc::OPAQUE);
        for connection in &mut envoy.connections_on_every_worker() {
            let received = Received::from(&connection.send(&Request::get("/").bearer(&token)));
            assert_eq!(received.headers.only("x-client-id"), Some("portal"), "{algorithm}");
            let answer = received.headers.only("x-introspection").expect("the signed answer");
            assert_eq!(answer.split('.').count(), 3, "{algorithm}");
        }
        assert_eq!(server.asked_for("introspections"), 1, "{algorithm}");
        let revoked = server.token(&portal, "orders.read", oidc::OPAQUE);
        server.revoke(&portal, &revoked);
        assert_refused(&Request::get("/").bearer(&revoked).send(envoy.port()), "inactive");
        envoy.assert_no_vm_reload();
    }
}

#[test]
fn an_answer_that_is_not_signed_for_us_is_an_error_and_nothing_of_it_is_believed() {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256]);
    let forger = Issuer::new(ISSUER, now(), &[KeyKind::P256]);
    let keys = json!({"keys": {"inline": issuer.jwks()}, "algorithms": ["ES256"]});
    let asked = with(
        introspection("idp", json!({"response": "jwt", "retries": 0})),
        json!({
            "client": {"id": "gateway", "auth": "none"},
        }),
    );
    let provider = json!({"name": "main", "issuer": ISSUER, "introspection": asked, "jwt": keys});
    let gateway = Gateway::start(configuration(provider));
    let active = || json!({"active": true, "client_id": "portal"});
    let good = issuer.introspection("ES256", "gateway", active());
    let signed = |text: String| Answer::status(200).header("content-type", TYPE).body(text);
    let kid = issuer.key("ES256").key_id.clone();
    let forged = forger.introspection_with(
        "ES256",
        json!({"kid": kid}),
        json!({"aud": "gateway", "token_introspection": active()}),
    );
    let bad = [
        Answer::json(active()),
        signed(forged),
        signed(issuer.introspection("ES256", "somebody else", active())),
        signed(issuer.token("ES256", json!({"active": true}))),
        signed(issuer.introspection_with("ES256", json!({}), json!({"aud": "gateway", "active": true}))),
        signed(format!("{good}x")),
        signed(String::new()),
    ];
    for answer in bad {
        let token = secrecy::secret("token");
        gateway.server.answer_for(&token, answer);
        assert_refused(&gateway.send(&Request::get("/").bearer(&token)), "provider_error");
    }
    let token = secrecy::secret("token");
    gateway.server.answer_for(&token, signed(good.clone()));
    let received = gateway.receive(&Request::get("/").bearer(&token));
    assert_eq!(received.headers.only("x-introspection"), Some(good.as_str()));
    gateway.envoy.assert_no_vm_reload();
}
