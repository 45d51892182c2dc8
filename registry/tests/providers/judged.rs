//! Whose a token is: what proves it, and what does not.

use std::sync::Arc;

use serde_json::{Value, json};
use tessera_core::jose::base64url;
use tessera_registry::domain::provider::{DcrSettings, EndpointAuth, Introspection};
use tessera_registry::remote::issuers::Issuers;
use tessera_registry::remote::proof_judge::HttpProofJudge;
use tessera_registry::system::SystemClock;
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::proof_judge::{Proof, ProofJudge};

use crate::provider::provider;
use crate::scripted::{Scripted, ScriptedServer};
use crate::signing::{Key, LATER};

const SECRET: &str = "a secret:of/the+registry";

fn judge() -> HttpProofJudge {
    HttpProofJudge::new(Arc::new(Issuers::default()), Arc::new(SystemClock)).unwrap()
}

fn changed(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            change => value[name] = change.clone(),
        }
    }
    value
}

/// An issuer with one key, and a provider of it.
struct Signing {
    key: Key,
    judge: HttpProofJudge,
    open: OpenProvider,
    _server: ScriptedServer,
}

impl Signing {
    fn new() -> Self {
        let key = Key::new();
        let keys = json!({"keys": [key.jwk("k1")]});
        let server = ScriptedServer::start(move |asked, url| match asked.path.as_str() {
            "/jwks" => Scripted::json(200, &keys),
            _ => Scripted::json(200, &json!({"issuer": url, "jwks_uri": format!("{url}/jwks")})),
        });
        Self { key, judge: judge(), open: provider(&server.url, DcrSettings::default()), _server: server }
    }

    /// A token with these changes of header and claims.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let whole = json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"});
        let all = json!({
            "iss": self.open.provider.issuer, "sub": "c1", "aud": "orders", "client_id": "c1", "exp": LATER, "scope": "a b",
        });
        self.key.token(&changed(whole, header), &changed(all, claims))
    }

    async fn proves(&self, token: &str) -> bool {
        match self.judge.judge(&self.open, token).await {
            Proof::Of { client_id, .. } => client_id == "c1",
            Proof::Nothing(_) => false,
            Proof::Unknown => panic!("it is not known: {token}"),
        }
    }
}

#[tokio::test]
async fn a_jwt_of_the_issuer_proves() {
    let signing = Signing::new();
    for (header, claims) in [
        (json!({}), json!({})),
        (json!({"typ": "application/at+JWT"}), json!({})),
        (json!({"typ": "JWT"}), json!({})),
        (json!({"typ": null, "kid": null}), json!({"client_id": null, "azp": "c1"})),
        (json!({}), json!({"scope": null, "auth_time": 1, "aud": "c1"})),
    ] {
        assert!(signing.proves(&signing.token(&header, &claims)).await, "{header} {claims}");
    }
}

/// ID tokens, logout tokens, tokens of others, tokens that are over.
#[tokio::test]
async fn nothing_else_that_an_issuer_signs_proves() {
    let signing = Signing::new();
    let (jwt, at) = (json!({"typ": "JWT"}), json!({}));
    let id_token = json!({"client_id": null, "azp": "c1", "aud": "c1", "scope": null});
    for (header, claims) in [
        (&jwt, id_token.clone()),
        (&json!({"typ": null}), changed(id_token.clone(), &json!({"aud": ["c1"], "nonce": "n"}))),
        (&jwt, json!({"nonce": "n"})),
        (&jwt, json!({"at_hash": "h"})),
        (&jwt, json!({"c_hash": "h"})),
        (&jwt, json!({"auth_time": 1})),
        (&jwt, json!({"typ": "ID"})),
        (&jwt, json!({"token_use": "id"})),
        (&json!({"typ": "logout+jwt"}), json!({})),
        (&json!({"typ": "token-introspection+jwt"}), json!({})),
        (&json!({"crit": ["b64"]}), json!({})),
        (&json!({"alg": "none"}), json!({})),
        (&json!({"alg": "HS256"}), json!({})),
        (&json!({"alg": "ES384"}), json!({})),
        (&json!({"kid": "k2"}), json!({})),
        (&at, json!({"iss": "https://other.example"})),
        (&at, json!({"iss": null})),
        (&at, json!({"exp": 1})),
        (&at, json!({"exp": null})),
        (&at, json!({"nbf": LATER})),
        (&at, json!({"client_id": null})),
        (&at, json!({"client_id": 7, "azp": "c1"})),
    ] {
        assert!(!signing.proves(&signing.token(header, &claims)).await, "{header} {claims}");
    }
}

#[tokio::test]
async fn what_the_issuer_has_not_signed_proves_nothing() {
    let signing = Signing::new();
    let good = signing.token(&json!({}), &json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let wider = signing.token(&json!({}), &json!({"scope": "a b c"}));
    let swapped = format!("{}.{signature}", wider.rsplit_once('.').unwrap().0);
    let other = Signing { key: Key::new(), ..Signing::new() };
    let foreign = other.token(&json!({}), &json!({"iss": signing.open.provider.issuer}));
    let unsigned = format!("{signed}.");
    for wrong in [&unsigned, &foreign, &swapped, &format!("{good}x"), "", "opaque", "a.b.c.d.e"] {
        assert!(!signing.proves(wrong).await, "{wrong}");
    }
    // Which of two is meant is not known.
    let issuer = signing.open.provider.issuer.as_ref().unwrap();
    let claims = format!("{{\"iss\":\"{issuer}\",\"exp\":{LATER},\"client_id\":\"c2\",\"client_id\":\"c1\"}}");
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}).to_string();
    let text = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()));
    assert!(!signing.proves(&signing.key.signed(&text)).await);
}

#[tokio::test]
async fn without_keys_nothing_is_known() {
    let token = Key::new().token(&json!({"alg": "ES256", "typ": "at+jwt"}), &json!({}));
    for status in [200, 404, 500] {
        let server = ScriptedServer::start(move |_, url| Scripted::json(status, &json!({"issuer": url})));
        let open = provider(&server.url, DcrSettings::default());
        assert_eq!(judge().judge(&open, &token).await, Proof::Unknown, "{status}");
    }
}

fn introspecting(url: &str, auth: EndpointAuth, endpoint: Option<String>) -> OpenProvider {
    let mut open = provider(url, DcrSettings::default());
    open.introspection = Some(SECRET.into());
    let (client_id, credential) = ("the registry".to_owned(), "sealed".to_owned());
    open.provider.introspection = Some(Introspection { endpoint, client_id, auth, credential });
    open
}

/// A server that says this of every token.
fn saying(answer: Scripted) -> ScriptedServer {
    ScriptedServer::start(move |asked, url| match asked.path.as_str() {
        "/introspect" | "/other" => answer.clone(),
        _ => Scripted::json(200, &json!({"issuer": url, "introspection_endpoint": format!("{url}/introspect")})),
    })
}

#[tokio::test]
async fn the_server_is_asked_as_whom_and_where_it_wants() {
    let server = saying(Scripted::json(200, &json!({"active": true, "client_id": "c1", "scope": "a"})));
    let other = format!("{}/other", server.url);
    for (auth, endpoint) in [
        (EndpointAuth::ClientSecretBasic, None),
        (EndpointAuth::ClientSecretPost, None),
        (EndpointAuth::ClientSecretBasic, Some(other)),
    ] {
        let open = introspecting(&server.url, auth, endpoint.clone());
        let proof = judge().judge(&open, "to ken&x=1").await;
        assert_eq!(proof, Proof::Of { client_id: "c1".into(), scopes: Some(vec!["a".into()]) });
        let asked = server.asked().pop().unwrap();
        assert!(asked.is("POST", if endpoint.is_some() { "/other" } else { "/introspect" }));
        assert_eq!(asked.field("token").as_deref(), Some("to ken&x=1"));
        let basic = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            "the+registry:a+secret%3Aof%2Fthe%2Bregistry",
        );
        let is_basic = auth == EndpointAuth::ClientSecretBasic;
        assert_eq!(asked.header("authorization"), is_basic.then_some(format!("Basic {basic}").as_str()));
        assert_eq!(asked.field("client_secret").as_deref(), (!is_basic).then_some(SECRET));
    }
}

#[tokio::test]
async fn what_is_said_of_a_token_counts_only_if_it_makes_it_an_access_token() {
    let all = json!({"active": true, "client_id": "c1", "exp": LATER, "token_type": "Bearer"});
    for (changes, proves) in [
        (json!({}), true),
        (json!({"exp": null, "token_type": null}), true),
        (json!({"active": false}), false),
        (json!({"active": "true"}), false),
        (json!({"active": 1}), false),
        (json!({"active": null}), false),
        (json!({"exp": 1}), false),
        (json!({"iss": "https://other.example"}), false),
        (json!({"client_id": null}), false),
        (json!({"token_type": "refresh_token"}), false),
        (json!({"token_use": "refresh_token"}), false),
        (json!({"typ": "Refresh"}), false),
        (json!({"typ": "ID"}), false),
        (json!({"nonce": "n"}), false),
        (json!({"at_hash": "h"}), false),
    ] {
        let server = saying(Scripted::json(200, &changed(all.clone(), &changes)));
        let open = introspecting(&server.url, EndpointAuth::ClientSecretBasic, None);
        let proof = judge().judge(&open, "opaque").await;
        assert_eq!(matches!(proof, Proof::Of { .. }), proves, "{changes} {proof:?}");
        assert_ne!(proof, Proof::Unknown, "{changes}");
    }
    // An ID token proves nothing, whatever a server calls it.
    let server = saying(Scripted::json(200, &all));
    let open = introspecting(&server.url, EndpointAuth::ClientSecretBasic, None);
    let id_token = Key::new().token(&json!({"alg": "ES256"}), &json!({"iss": server.url, "aud": "c1", "azp": "c1"}));
    assert!(matches!(judge().judge(&open, &id_token).await, Proof::Nothing(_)));
    assert_eq!(server.count("POST", "/introspect"), 0);
}

#[tokio::test]
async fn a_server_that_does_not_say_leaves_it_open() {
    for answer in [
        Scripted::text(200, "<html>"),
        Scripted::text(200, "[]"),
        Scripted::text(200, "{\"active\": true, \"active\": true, \"client_id\": \"c1\"}"),
        Scripted::text(
            200,
            &format!("{{\"active\": true, \"client_id\": \"c1\", \"x\": \"{}\"}}", "x".repeat(300_000)),
        ),
        Scripted::text(401, "{\"active\": true, \"client_id\": \"c1\"}"),
        Scripted::text(201, "{\"active\": true, \"client_id\": \"c1\"}"),
        Scripted::text(302, "").with("location", "/other"),
        Scripted::text(500, ""),
        Scripted::Closed,
        Scripted::Cut { status: 200, body: b"{\"active\": true, \"client_id\": \"c1\"}".to_vec() },
    ] {
        let server = saying(answer.clone());
        let open = introspecting(&server.url, EndpointAuth::ClientSecretBasic, None);
        assert_eq!(judge().judge(&open, "opaque").await, Proof::Unknown, "{answer:?}");
        assert_eq!(server.count("GET", "/other"), 0);
        let closed = OpenProvider { introspection: None, ..open };
        assert_eq!(judge().judge(&closed, "opaque").await, Proof::Unknown, "no key opens the credential");
    }
}
