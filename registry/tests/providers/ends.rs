//! Whatever a server answers to a registration, it is known what that means, and no secret is told.

use std::net::TcpListener;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera_registry::domain::provider::{Authorization, DcrSettings};
use tessera_registry::domain::text::Span;
use tessera_registry::use_case::registrar::{Called, Registrar};

use crate::provider::{discovered, done, ended, metadata, provider, registered, registrar, with_credential};
use crate::scripted::{Scripted, ScriptedServer};

const CREDENTIAL: &str = "initial-access-token+/with=odd%characters";

/// What becomes of a registration that is answered so.
async fn ends(answer: Scripted, seconds: u64) -> (Called<()>, ScriptedServer) {
    let server = ScriptedServer::start(move |asked, url| discovered(asked, url).unwrap_or_else(|| answer.clone()));
    let settings =
        DcrSettings { authorization: Authorization::Bearer { credential: "sealed".into() }, ..DcrSettings::default() };
    let mut open = with_credential(provider(&server.url, settings), CREDENTIAL);
    open.provider.timeout = Span::seconds(seconds);
    let called = match registrar().register(&open, None, &metadata()).await {
        Called::Done(_) => Called::Done(()),
        Called::Refused(failure) => Called::Refused(failure),
        Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
        Called::Unknown(failure) => Called::Unknown(failure),
    };
    (called, server)
}

/// A good answer with changes.
async fn changed(change: impl FnOnce(&mut Value, &str)) -> (&'static str, Option<String>) {
    // The port is not known before: the address is relative to one that is.
    let change = {
        let mut answer = registered("URL");
        change(&mut answer, "URL");
        answer.to_string()
    };
    let server = ScriptedServer::start(move |asked, url| {
        discovered(asked, url).unwrap_or_else(|| Scripted::text(201, &change.replace("URL", url)))
    });
    let open = provider(&server.url, DcrSettings::default());
    let (end, failure) = ended(registrar().register(&open, None, &metadata()).await);
    (end, failure.client_id)
}

#[tokio::test]
async fn a_status_has_one_end() {
    let error = json!({"error": "invalid_client_metadata", "error_description": "no"});
    for (end, statuses) in [
        ("refused", vec![301, 302, 303, 307, 308, 400, 402, 404, 405, 409, 410, 413, 415, 422, 451]),
        ("not_done", vec![401, 403, 408, 425, 429, 503]),
        ("unknown", vec![500, 501, 502, 504, 507]),
    ] {
        for status in statuses {
            for body in ["", "<html>", "\u{0}", &error.to_string(), &"x".repeat(300_000)] {
                let answer = Scripted::text(status, body).with("location", "/elsewhere");
                let (called, server) = ends(answer, 30).await;
                let (word, failure) = ended(called);
                assert_eq!((word, failure.status, failure.client_id), (end, Some(status), None), "{status}");
                let is_told = body.starts_with('{');
                assert_eq!(
                    failure.error.as_deref(),
                    is_told.then_some("invalid_client_metadata"),
                    "{status} {body:.10}"
                );
                assert_eq!(server.count("POST", "/reg"), 1, "it is not repeated here");
                assert!(server.asked().iter().all(|asked| asked.path != "/elsewhere"), "redirects are not followed");
            }
        }
    }
}

#[tokio::test]
async fn a_server_says_when_it_wants_to_be_asked_again() {
    async fn pause(value: &str) -> Option<Duration> {
        match ends(Scripted::text(503, "").with("retry-after", value), 30).await.0 {
            Called::NotDone(_, pause) => pause,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pause("7").await, Some(Duration::from_secs(7)));
    assert_eq!(pause("999999").await, Some(Duration::from_secs(3600)));
    assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT").await, Some(Duration::ZERO));
    let later = pause("Fri, 01 Jan 2100 00:00:00 GMT").await;
    assert_eq!(later, Some(Duration::from_secs(3600)));
    for wrong in ["soon", "-1", "1.5", ""] {
        assert_eq!(pause(wrong).await, None, "{wrong}");
    }
    let (called, _) = ends(Scripted::text(400, "").with("retry-after", "7"), 30).await;
    assert!(matches!(called, Called::Refused(_)));
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_cannot_be_read_leaves_it_open() {
    let whole = registered("http://x").to_string();
    let twice = whole.replacen('{', "{\"scope\": \"a\", ", 1);
    for (name, answer) in [
        ("closed", Scripted::Closed),
        ("cut", Scripted::Cut { status: 201, body: whole.as_bytes().to_vec() }),
        ("html", Scripted::text(201, "<!doctype html><title>Welcome</title>")),
        ("no content", Scripted::text(204, "")),
        ("empty", Scripted::text(201, "")),
        ("long", Scripted::text(201, &format!("{{\"x\": \"{}\"}}", "x".repeat(10 << 20)))),
        ("no utf-8", Scripted::Whole { status: 201, headers: Vec::new(), body: b"{\"client_id\": \"\xff\"}".to_vec() }),
        ("array", Scripted::text(201, "[]")),
        ("two", Scripted::text(201, &format!("{whole}{whole}"))),
        ("no id", Scripted::text(201, "{}")),
        ("error", Scripted::text(200, "{\"error\": \"server_error\"}")),
        ("deep", Scripted::text(201, &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)))),
        ("accepted", Scripted::text(202, "")),
    ] {
        let (word, failure) = ended(ends(answer, 30).await.0);
        assert_eq!((word, failure.client_id), ("unknown", None), "{name}");
    }
    for (name, answer) in [("silent", Scripted::Silent), ("stalled", Scripted::Stalled { status: 201 })] {
        assert_eq!(ended(ends(answer, 2).await.0).0, "unknown", "{name}");
    }
    assert_eq!(ended(ends(Scripted::Stalled { status: 400 }, 2).await.0).0, "refused", "its head says it");
    let (word, failure) = ended(ends(Scripted::text(201, &twice), 30).await.0);
    assert_eq!((word, failure.client_id.as_deref()), ("unknown", Some("c1")), "who is named may be there");
    let ambiguous = whole.replacen('{', "{\"client_id\": \"c2\", ", 1);
    assert_eq!(ended(ends(Scripted::text(201, &ambiguous), 30).await.0).1.client_id, None);
    for id in [
        json!(null),
        json!(7),
        json!(""),
        json!("a\nb"),
        json!("\u{e4}"),
        json!("x".repeat(1025)),
        json!(format!("c-{CREDENTIAL}")),
    ] {
        let answer = Scripted::json(201, &json!({"client_id": id, "client_secret": "s"}));
        assert_eq!(word_of(answer).await, ("unknown", None), "{id}");
    }
}

async fn word_of(answer: Scripted) -> (&'static str, Option<String>) {
    let (word, failure) = ended(ends(answer, 30).await.0);
    (word, failure.client_id)
}

#[tokio::test]
async fn nobody_there_is_not_done() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = DcrSettings { endpoint: Some(format!("http://{gone}/reg")), ..DcrSettings::default() };
    let open = provider("http://127.0.0.1:1", settings);
    let (end, failure) = ended(registrar().register(&open, None, &metadata()).await);
    assert_eq!((end, failure.status, failure.error.as_deref()), ("not_done", None, Some("no_connection")));
    // Without an endpoint of its own: the metadata cannot be had, or names another issuer, or no endpoint.
    let server = ScriptedServer::start(|_, url| Scripted::json(200, &json!({"issuer": format!("{url}/other")})));
    let bare = ScriptedServer::start(|_, url| Scripted::json(200, &json!({"issuer": url})));
    let plain = ScriptedServer::start(|_, url| {
        Scripted::json(200, &json!({"issuer": url, "registration_endpoint": "http://idp.example/reg"}))
    });
    for issuer in [&format!("http://{gone}"), &server.url, &bare.url, &plain.url] {
        let open = provider(issuer, DcrSettings::default());
        let (end, failure) = ended(registrar().register(&open, None, &metadata()).await);
        assert_eq!((end, failure.error.as_deref()), ("not_done", Some("no_endpoint")), "{issuer}");
    }
}

#[tokio::test]
async fn an_answer_of_which_no_client_can_be_made_is_refused_with_its_id() {
    let c1 = Some("c1".to_owned());
    let without =
        |name: &'static str| move |answer: &mut Value, _: &str| drop(answer.as_object_mut().unwrap().remove(name));
    let with = |name: &'static str, value: Value| move |answer: &mut Value, _: &str| answer[name] = value;
    assert_eq!(changed(|_, _| {}).await, ("done", None));
    assert_eq!(changed(without("client_secret")).await, ("refused", c1.clone()));
    assert_eq!(changed(without("client_secret_expires_at")).await, ("done", None));
    assert_eq!(changed(without("registration_client_uri")).await, ("done", None));
    for (name, value) in [
        ("client_secret", json!("")),
        ("client_secret", json!(5)),
        ("client_secret", json!("a\nb")),
        ("client_secret_expires_at", json!("0")),
        ("client_secret_expires_at", json!(-1)),
        ("client_secret_expires_at", json!(1.5)),
        ("client_secret_expires_at", json!(1_767_225_600_000_u64 * 1000)),
        ("registration_access_token", json!("")),
        ("registration_access_token", json!("a b")),
        ("registration_access_token", json!("a\r\nx-evil: 1")),
        ("registration_access_token", json!([])),
        ("registration_client_uri", json!("/reg/c1")),
        ("registration_client_uri", json!("https://evil.example/reg/c1")),
        ("registration_client_uri", json!("URL@evil.example/reg/c1")),
        ("registration_client_uri", json!("URL.evil.example/reg/c1")),
        ("registration_client_uri", json!(7)),
    ] {
        assert_eq!(changed(with(name, value.clone())).await, ("refused", c1.clone()), "{name}: {value}");
    }
}

#[tokio::test]
async fn what_is_issued_is_read() {
    let server = ScriptedServer::start(|asked, url| {
        discovered(asked, url).unwrap_or_else(|| {
            let mut answer = registered(url);
            answer["client_secret_expires_at"] = json!(1_900_000_000);
            answer["client_id_issued_at"] = json!(1);
            answer["note"] = json!("the secret is very-secret-secret");
            answer["scope"] = json!("orders.write");
            Scripted::json(200, &answer)
        })
    });
    let open = provider(&server.url, DcrSettings::default());
    let issued = done(registrar().register(&open, None, &metadata()).await);
    assert_eq!(issued.secret.as_ref().unwrap().expose_secret(), "very-secret-secret");
    assert_eq!(issued.secret_expires_at.unwrap().to_string(), "2030-03-17T17:46:40.000Z");
    assert_eq!(issued.managed.token.as_ref().unwrap().expose_secret(), "rat-token-1");
    assert_eq!(issued.managed.uri, Some(format!("{}/reg/c1", server.url)));
    assert_eq!(issued.metadata["scope"], "orders.write", "what differs is for others to judge");
    let kept = Value::Object(issued.metadata.clone()).to_string();
    for secret in ["very-secret", "rat-token", "issued_at", "expires_at", "client_uri"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert!(!format!("{issued:?}").contains("rat-token") && !format!("{issued:?}").contains("very-secret"));
    let asked = server.asked().pop().unwrap();
    assert_eq!((asked.json(), asked.header("content-type")), (Value::Object(metadata()), Some("application/json")));
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn what_a_server_says_has_no_secret_and_no_end_of_line() {
    let encoded: String = CREDENTIAL.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("Bearer {CREDENTIAL}"));
    let hex: String = CREDENTIAL.bytes().map(|byte| format!("{byte:02x}")).collect();
    for form in [CREDENTIAL, &encoded, &base64, &hex, &json!(json!(CREDENTIAL).to_string()).to_string()] {
        let said = json!({"error": format!("bad {form}"), "error_description": format!("no\r\nsuch token: {form}!")});
        for status in [400, 401, 500, 302] {
            let failure = ended(ends(Scripted::json(status, &said), 30).await.0).1;
            let told = format!("{failure:?}");
            assert!(told.contains("withheld") && !told.contains("\\n"), "{told}");
            for piece in [&form[..form.len() / 2], &form[form.len() / 2..], "initial-access"] {
                assert!(!told.contains(piece), "{told}");
            }
        }
    }
    let long = json!({"error": "e".repeat(10_000), "error_description": "\u{202e}d\u{0}".repeat(10_000)});
    let failure = ended(ends(Scripted::json(400, &long), 30).await.0).1;
    assert_eq!((failure.error.unwrap().len(), failure.description.unwrap()), (100, "d".repeat(500)));
}
