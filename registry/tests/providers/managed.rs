//! Clients that are there: read, changed, deleted and found.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera_registry::domain::provider::{Authorization, DcrSettings, Management};
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::registrar::{Called, Managed, Registrar};

use crate::provider::{client, discovered, done, ended, metadata, provider, registrar, with_credential};
use crate::scripted::{Scripted, ScriptedServer};

fn answering(answer: impl Fn(&str) -> Scripted + Send + Sync + 'static) -> ScriptedServer {
    ScriptedServer::start(move |asked, url| discovered(asked, url).unwrap_or_else(|| answer(url)))
}

/// One whose clients are managed by a standing credential.
fn standing(url: &str) -> OpenProvider {
    let settings = DcrSettings {
        authorization: Authorization::Bearer { credential: "sealed".into() },
        management: Management::Credential,
        search_parameter: Some("q".into()),
        ..DcrSettings::default()
    };
    with_credential(provider(url, settings), "standing-credential")
}

#[tokio::test]
async fn a_registration_token_goes_to_its_own_address_only() {
    let server = answering(|_| Scripted::text(200, ""));
    let open = provider(&server.url, DcrSettings::default());
    let registrar = registrar();
    let own = client(&server.url);
    done(registrar.read(&open, &own).await);
    done(registrar.update(&open, &own, &metadata()).await);
    assert!(matches!(registrar.delete(&open, &own).await, Called::Done(())));
    let asked = server.asked();
    let calls: Vec<_> = asked.iter().filter(|asked| !asked.path.starts_with("/.well-known")).collect();
    assert_eq!(calls.iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(), ["GET", "PUT", "DELETE"]);
    for asked in &calls {
        assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/reg/c1", Some("Bearer rat-token-1")));
    }
    assert_eq!(calls[1].json()["client_id"], "c1");
    let evil = answering(|_| Scripted::text(200, ""));
    let elsewhere = [
        evil.url.clone(),
        server.url.replace("127.0.0.1", "localhost"),
        format!("{}@{}", server.url, evil.url.trim_start_matches("http://")),
    ];
    for uri in elsewhere {
        let moved = Managed { uri: Some(format!("{uri}/reg/c1")), ..own.clone() };
        for end in [
            ended(registrar.read(&open, &moved).await).0,
            ended(registrar.update(&open, &moved, &metadata()).await).0,
            ended(registrar.delete(&open, &moved).await).0,
        ] {
            assert_eq!(end, "refused", "{uri}");
        }
    }
    for lacking in [Managed { uri: None, ..own.clone() }, Managed { token: None, ..own.clone() }] {
        assert_eq!(ended(registrar.delete(&open, &lacking).await).0, "refused");
    }
    assert!(evil.asked().is_empty() && server.asked().len() == asked.len());
}

#[tokio::test]
async fn a_redirect_takes_no_token_along() {
    let evil = answering(|_| Scripted::text(200, ""));
    let to = evil.url.clone();
    let server = answering(move |_| Scripted::text(307, "").with("location", &format!("{to}/reg/c1")));
    let open = provider(&server.url, DcrSettings::default());
    assert_eq!(ended(registrar().read(&open, &client(&server.url)).await).0, "refused");
    assert_eq!(ended(registrar().delete(&open, &client(&server.url)).await).0, "refused");
    assert!(evil.asked().is_empty());
}

#[tokio::test]
async fn a_standing_credential_manages_below_the_endpoint() {
    let server = answering(|_| Scripted::text(204, ""));
    let open = standing(&server.url);
    let named = |id: &str| Managed { client_id: id.into(), uri: Some("https://evil.example/".into()), token: None };
    for (id, path) in [("c1", "/reg/c1"), ("a/../b c?d#e%2f", "/reg/a%2F..%2Fb%20c%3Fd%23e%252f")] {
        assert!(matches!(registrar().delete(&open, &named(id)).await, Called::Done(())));
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("DELETE", path));
        assert_eq!(asked.header("authorization"), Some("Bearer standing-credential"));
    }
    let asked = server.asked().len();
    for id in [".", ".."] {
        assert_eq!(ended(registrar().delete(&open, &named(id)).await).0, "refused", "{id}");
    }
    let settings = DcrSettings { management: Management::None, ..DcrSettings::default() };
    let unmanaged = provider(&server.url, settings);
    assert_eq!(ended(registrar().delete(&unmanaged, &client(&server.url)).await).0, "refused");
    assert_eq!(server.asked().iter().filter(|asked| asked.method == "DELETE").count(), 2, "{asked}");
}

#[tokio::test]
async fn what_is_gone_is_deleted() {
    for (status, by_client, by_registry) in [
        (200, "done", "done"),
        (202, "done", "done"),
        (204, "done", "done"),
        (404, "done", "done"),
        (410, "done", "done"),
        // To a registration token it says that the client is gone; to the registry's own credential it does not.
        (401, "done", "not_done"),
        (403, "not_done", "not_done"),
        (400, "refused", "refused"),
        (405, "refused", "refused"),
        (302, "refused", "refused"),
        (429, "not_done", "not_done"),
        (503, "not_done", "not_done"),
        (500, "unknown", "unknown"),
        (502, "unknown", "unknown"),
    ] {
        let server = answering(move |_| Scripted::text(status, "<html>"));
        let own = provider(&server.url, DcrSettings::default());
        assert_eq!(ended(registrar().delete(&own, &client(&server.url)).await).0, by_client, "{status}");
        let open = standing(&server.url);
        assert_eq!(ended(registrar().delete(&open, &client(&server.url)).await).0, by_registry, "{status}");
    }
    let closed = answering(|_| Scripted::Closed);
    let own = provider(&closed.url, DcrSettings::default());
    assert_eq!(ended(registrar().delete(&own, &client(&closed.url)).await).0, "unknown");
    let cut = answering(|_| Scripted::Cut { status: 200, body: b"{".to_vec() });
    let own = provider(&cut.url, DcrSettings::default());
    assert_eq!(ended(registrar().delete(&own, &client(&cut.url)).await).0, "done", "its head says it");
}

#[tokio::test]
async fn a_token_that_is_rotated_is_told_whatever_else_the_answer_says() {
    for (name, change, uri) in [
        ("same", json!({}), "/reg/c1"),
        ("moved here", json!({"registration_client_uri": "URL/other/c1"}), "/other/c1"),
        ("moved away", json!({"registration_client_uri": "https://evil.example/reg/c1"}), "/reg/c1"),
        ("wider", json!({"scope": "everything", "grant_types": ["password"]}), "/reg/c1"),
        ("odd", json!({"client_secret": 7, "client_secret_expires_at": "soon"}), "/reg/c1"),
    ] {
        let server = answering(move |url| {
            let mut answer =
                json!({"client_id": "c1", "registration_access_token": "rat-token-2", "scope": "orders.read"});
            answer.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            Scripted::text(200, &answer.to_string().replace("URL", url))
        });
        let open = provider(&server.url, DcrSettings::default());
        for issued in [
            done(registrar().read(&open, &client(&server.url)).await),
            done(registrar().update(&open, &client(&server.url), &metadata()).await),
        ] {
            assert_eq!(issued.managed.token.as_ref().unwrap().expose_secret(), "rat-token-2", "{name}");
            assert_eq!(issued.managed.uri, Some(format!("{}{uri}", server.url)), "{name}");
            assert!(issued.secret.is_none() && !format!("{issued:?}").contains("rat-token"), "{issued:?}");
        }
    }
}

#[tokio::test]
async fn an_update_sends_all_that_is_wanted_and_nothing_that_is_read_only() {
    let server =
        answering(|url| Scripted::json(201, &json!({"client_id": "c1", "uri": url, "client_secret": "new-secret"})));
    let open = provider(&server.url, DcrSettings::default());
    let mut wanted = metadata();
    for name in ["client_secret", "client_secret_expires_at", "registration_access_token", "registration_client_uri"] {
        wanted.insert(name.to_owned(), json!("x"));
    }
    wanted.insert("client_id".to_owned(), json!("another"));
    let issued = done(registrar().update(&open, &client(&server.url), &wanted).await);
    assert_eq!(issued.secret.unwrap().expose_secret(), "new-secret");
    let mut sent = metadata();
    sent.insert("client_id".to_owned(), json!("c1"));
    assert_eq!(server.asked().pop().unwrap().json(), Value::Object(sent));
}

#[tokio::test]
async fn an_answer_about_another_client_is_not_taken() {
    let server = answering(|_| Scripted::json(200, &json!({"client_id": "c2", "registration_access_token": "t"})));
    let open = provider(&server.url, DcrSettings::default());
    assert_eq!(ended(registrar().read(&open, &client(&server.url)).await).0, "refused");
    for (body, end) in [("", "done"), ("{}", "done"), ("<html>", "unknown"), ("{\"a\":1,\"a\":1}", "unknown")] {
        let server = answering(move |_| Scripted::text(200, body));
        let open = provider(&server.url, DcrSettings::default());
        assert_eq!(ended(registrar().update(&open, &client(&server.url), &metadata()).await).0, end, "{body}");
    }
    for (status, end) in [(401, "not_done"), (404, "refused"), (409, "refused"), (500, "unknown")] {
        let server = answering(move |_| Scripted::text(status, ""));
        let open = provider(&server.url, DcrSettings::default());
        assert_eq!(ended(registrar().update(&open, &client(&server.url), &metadata()).await).0, end, "{status}");
    }
}

#[tokio::test]
async fn clients_are_found_by_their_marker() {
    let listed = json!([
        {"client_id": "c1", "client_name": "App \u{b7} t-m1"},
        {"client_id": "c2", "client_name": "App \u{b7} t-m12"},
        {"client_id": "c3", "client_name": "App t-m1"},
        {"client_id": "c4", "client_name": "Other \u{b7} t-m1"},
        {"client_id": 5, "client_name": "App \u{b7} t-m1"},
        "c6", {"client_id": "c7"},
    ]);
    for body in [listed.clone(), json!({"total": 7, "items": listed})] {
        let server = answering(move |_| Scripted::json(200, &body));
        let found = registrar().find(&standing(&server.url), "m1").await;
        assert_eq!(found, Called::Done(vec!["c1".to_owned(), "c4".to_owned()]));
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/reg?q=m1"));
        assert_eq!(asked.header("authorization"), Some("Bearer standing-credential"));
    }
    for (answer, end) in [
        (Scripted::text(200, "{}"), "unknown"),
        (Scripted::text(200, "<html>"), "unknown"),
        (Scripted::text(403, ""), "not_done"),
        (Scripted::text(405, ""), "refused"),
    ] {
        let server = answering(move |_| answer.clone());
        assert_eq!(ended(registrar().find(&standing(&server.url), "m1").await).0, end);
    }
    let server = answering(|_| Scripted::text(200, "[]"));
    let open = provider(&server.url, DcrSettings::default());
    assert_eq!(ended(registrar().find(&open, "m1").await).0, "refused", "it has no search parameter");
}
