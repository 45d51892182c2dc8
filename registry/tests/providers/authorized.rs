//! With what registrations are authorized.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::compact::Jws;
use tessera_registry::domain::provider::{Authorization, DcrSettings};
use tessera_registry::use_case::registrar::{Called, Registrar};

use crate::provider::{discovered, done, ended, metadata, provider, registered, registrar, with_credential};
use crate::scripted::{Scripted, ScriptedServer};

const SECRET: &str = "s e:c/r+e%t";

fn settings(authorization: Authorization) -> DcrSettings {
    DcrSettings { authorization, ..DcrSettings::default() }
}

fn by_secret(scope: Option<&str>) -> Authorization {
    let (client_id, credential) = ("the registry".to_owned(), "sealed".to_owned());
    Authorization::ClientCredentials { client_id, credential, scope: scope.map(str::to_owned) }
}

/// Registers whoever shows something; gives tokens of this life that are good for so many registrations.
fn server(expires_in: Value, uses: usize) -> ScriptedServer {
    let (given, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    ScriptedServer::start(move |asked, url| {
        if let Some(metadata) = discovered(asked, url) {
            return metadata;
        }
        if asked.path == "/token" {
            let count = given.fetch_add(1, Ordering::SeqCst);
            used.store(0, Ordering::SeqCst);
            let token = json!({"access_token": format!("t{count}"), "token_type": "bearer", "expires_in": expires_in});
            return Scripted::json(200, &token);
        }
        match used.fetch_add(1, Ordering::SeqCst) < uses {
            true => Scripted::json(201, &registered(url)),
            false => Scripted::text(401, ""),
        }
    })
}

#[tokio::test]
async fn what_stands_there_is_shown() {
    let server = server(json!(600), usize::MAX);
    let sealed = || "sealed".to_owned();
    for (authorization, header, value) in [
        (Authorization::Bearer { credential: sealed() }, "authorization", "Bearer the-credential"),
        (
            Authorization::Header { name: "Authorization".into(), credential: sealed() },
            "authorization",
            "the-credential",
        ),
        (Authorization::Header { name: "X-Api-Key".into(), credential: sealed() }, "x-api-key", "the-credential"),
    ] {
        let open = with_credential(provider(&server.url, settings(authorization)), "the-credential");
        done(registrar().register(&open, None, &metadata()).await);
        assert_eq!(server.asked().pop().unwrap().header(header), Some(value));
        // Where no key opens the credential, nobody is asked.
        let asked = server.count("POST", "/reg");
        let closed = tessera_registry::use_case::open_provider::OpenProvider { authorization: None, ..open };
        let (end, failure) = ended(registrar().register(&closed, None, &metadata()).await);
        assert_eq!((end, failure.error.as_deref()), ("not_done", Some("no_credential")));
        assert_eq!(server.count("POST", "/reg"), asked);
    }
    let pool = provider(&server.url, settings(Authorization::OneTime));
    done(registrar().register(&pool, Some("one-time".into()), &metadata()).await);
    assert_eq!(server.asked().pop().unwrap().header("authorization"), Some("Bearer one-time"));
    assert_eq!(ended(registrar().register(&pool, None, &metadata()).await).0, "not_done");
}

#[tokio::test]
async fn a_token_is_got_by_a_secret_and_kept_while_it_is_good() {
    let server = server(json!(600), usize::MAX);
    let registrar = registrar();
    let open = with_credential(provider(&server.url, settings(by_secret(Some("dcr.create")))), SECRET);
    for _ in 0..3 {
        done(registrar.register(&open, None, &metadata()).await);
        assert_eq!(server.asked().pop().unwrap().header("authorization"), Some("Bearer t0"));
    }
    assert_eq!(server.count("POST", "/token"), 1);
    let asked = server.asked().into_iter().find(|asked| asked.path == "/token").unwrap();
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "the+registry:s+e%3Ac%2Fr%2Be%25t");
    assert_eq!(asked.header("authorization"), Some(format!("Basic {basic}").as_str()));
    let field = |name: &str| asked.field(name);
    assert_eq!(
        (field("grant_type").as_deref(), field("scope").as_deref()),
        (Some("client_credentials"), Some("dcr.create"))
    );
    assert!(field("client_id").is_none() && field("client_secret").is_none());
    // Another secret, or another scope, is another token.
    for other in [
        with_credential(open.clone(), "other"),
        with_credential(provider(&server.url, settings(by_secret(None))), SECRET),
    ] {
        done(registrar.register(&other, None, &metadata()).await);
        done(registrar.register(&other, None, &metadata()).await);
    }
    assert_eq!(server.count("POST", "/token"), 3);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_not_kept() {
    for expires_in in [json!(0), json!(30)] {
        let (server, registrar) = (server(expires_in.clone(), usize::MAX), registrar());
        let open = with_credential(provider(&server.url, settings(by_secret(None))), SECRET);
        for _ in 0..2 {
            done(registrar.register(&open, None, &metadata()).await);
        }
        assert_eq!(server.count("POST", "/token"), 2, "{expires_in}");
    }
}

#[tokio::test]
async fn a_token_that_is_good_no_more_is_got_anew_once() {
    let (one, registrar) = (server(json!(600), 1), registrar());
    let open = with_credential(provider(&one.url, settings(by_secret(None))), SECRET);
    for tokens in 1..=3 {
        done(registrar.register(&open, None, &metadata()).await);
        assert_eq!(one.count("POST", "/token"), tokens);
    }
    let none = server(json!(600), 0);
    let open = with_credential(provider(&none.url, settings(by_secret(None))), SECRET);
    assert_eq!(ended(registrar.register(&open, None, &metadata()).await).0, "not_done");
    assert_eq!((none.count("POST", "/token"), none.count("POST", "/reg")), (2, 2));
    // What stands there cannot be got anew.
    let bearer = settings(Authorization::Bearer { credential: "sealed".into() });
    let open = with_credential(provider(&none.url, bearer), SECRET.replace(' ', "").as_str());
    assert_eq!(ended(registrar.register(&open, None, &metadata()).await).0, "not_done");
    assert_eq!(none.count("POST", "/reg"), 3);
}

#[tokio::test]
async fn without_a_token_nothing_is_done() {
    for (status, body) in [
        (400, json!({"error": "invalid_client", "error_description": format!("{SECRET} is wrong")})),
        (401, json!({"error": "invalid_client"})),
        (503, json!({})),
        (500, json!({})),
        (200, json!({"access_token": "a b", "token_type": "Bearer"})),
        (200, json!({"access_token": "a", "token_type": "DPoP"})),
        (200, json!([])),
    ] {
        let answer = Scripted::json(status, &body);
        let server = ScriptedServer::start(move |asked, url| discovered(asked, url).unwrap_or_else(|| answer.clone()));
        let open = with_credential(provider(&server.url, settings(by_secret(None))), SECRET);
        let (end, failure) = ended(registrar().register(&open, None, &metadata()).await);
        assert_eq!(end, "not_done", "{status} {body}");
        assert!(!format!("{failure:?}").contains(SECRET) && failure.description.is_some(), "{failure:?}");
        assert_eq!(server.count("POST", "/reg"), 0);
    }
}

const KEYS: [(&str, &str); 5] = [
    ("p256", include_str!("../../../core/src/jose/sign/samples/p256.pem")),
    ("p384", include_str!("../../../core/src/jose/sign/samples/p384.pem")),
    ("p521", include_str!("../../../core/src/jose/sign/samples/p521.pem")),
    ("ed25519", include_str!("../../../core/src/jose/sign/samples/ed25519.pem")),
    ("rsa", include_str!("../../../core/src/jose/sign/samples/rsa.pem")),
];

#[tokio::test]
async fn a_token_is_got_by_a_signature_of_every_algorithm() {
    for (algorithm, key) in [
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("ES512", "p521"),
        ("EdDSA", "ed25519"),
        ("RS256", "rsa"),
        ("RS384", "rsa"),
        ("RS512", "rsa"),
    ] {
        let server = server(json!(600), usize::MAX);
        let authorization = Authorization::PrivateKeyJwt {
            client_id: "the registry".into(),
            credential: "sealed".into(),
            key_id: Some("k7".into()),
            algorithm: algorithm.into(),
            scope: None,
        };
        let pem = KEYS.iter().find(|(name, _)| *name == key).unwrap().1;
        let open = with_credential(provider(&server.url, settings(authorization)), pem);
        let registrar = registrar();
        for _ in 0..2 {
            done(registrar.register(&open, None, &metadata()).await);
        }
        assert_eq!(server.count("POST", "/token"), 1);
        let asked = server.asked().into_iter().find(|asked| asked.path == "/token").unwrap();
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.field("client_id").as_deref(), Some("the registry"));
        let kind = asked.field("client_assertion_type").unwrap();
        assert_eq!(kind, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let assertion = asked.field("client_assertion").unwrap();
        let jws = Jws::read(&assertion, &Algorithm::ALL).unwrap();
        assert_eq!((jws.header.algorithm.name(), jws.header.key_id.as_deref()), (algorithm, Some("k7")));
        let claims: Value = serde_json::from_slice(&jws.payload).unwrap();
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("the registry"), &json!("the registry")));
        assert_eq!(claims["aud"], format!("{}/token", server.url));
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert!(life <= 60 && claims["jti"].as_str().is_some_and(|jti| jti.len() == 36), "{claims}");
    }
}

#[tokio::test]
async fn a_client_gets_its_token() {
    use secrecy::ExposeSecret;
    use tessera_registry::domain::client::AuthMethod;
    use tessera_registry::use_case::registrar::ClientCredentials;

    let server = server(json!(600), 0);
    let parameters = [("resource".to_owned(), "https://orders.example.com".to_owned())];
    let settings = DcrSettings { token_parameters: parameters.into(), ..DcrSettings::default() };
    let open = provider(&server.url, settings);
    let scopes = ["a".to_owned(), "b".to_owned()];
    for (method, secret, end) in [
        (AuthMethod::ClientSecretBasic, Some(SECRET), "done"),
        (AuthMethod::ClientSecretPost, Some(SECRET), "done"),
        (AuthMethod::None, None, "done"),
        (AuthMethod::PrivateKeyJwt, None, "refused"),
        (AuthMethod::ClientSecretBasic, None, "refused"),
    ] {
        let asked = server.count("POST", "/token");
        let credentials = ClientCredentials { client_id: "c 1".into(), method, secret: secret.map(Into::into) };
        let called = registrar().token(&open, &credentials, &scopes).await;
        if end == "refused" {
            assert_eq!((ended(called).0, server.count("POST", "/token")), (end, asked));
            continue;
        }
        assert!(matches!(&called, Called::Done(token) if token.expose_secret().starts_with('t')));
        let asked = server.asked().pop().unwrap();
        let field = |name: &str| asked.field(name);
        assert_eq!(field("scope").as_deref(), Some("a b"));
        assert_eq!(field("resource").as_deref(), Some("https://orders.example.com"));
        let is_basic = method == AuthMethod::ClientSecretBasic;
        assert_eq!((asked.header("authorization").is_some(), field("client_id").is_none()), (is_basic, is_basic));
        assert_eq!(field("client_secret").as_deref(), (method == AuthMethod::ClientSecretPost).then_some(SECRET));
    }
}
