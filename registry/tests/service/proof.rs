//! Clients that are brought: an access token of the client proves it, at a real authorization server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Client, http, sent};
use crate::oidc::{INTROSPECTOR, JWT, OPAQUE, OidcProvider};
use crate::place::Place;

const PORTAL: (&str, &str) = ("portal", "portal-secret-of-tests");
const OTHER: (&str, &str) = ("other", "other-secret-of-tests");

/// A token by client credentials (RFC 6749, 4.4).
async fn token(server: &OidcProvider, (id, secret): (&str, &str), resource: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "orders.read"), ("resource", resource)];
    let request = http().post(format!("{}/token", server.issuer)).basic_auth(id, Some(secret)).form(&form);
    let answer = sent(request).await.unwrap();
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn server() -> OidcProvider {
    OidcProvider::with(&json!([
        {"id": INTROSPECTOR.0, "secret": INTROSPECTOR.1},
        {"id": PORTAL.0, "secret": PORTAL.1, "scope": "orders.read"},
        {"id": OTHER.0, "secret": OTHER.1, "scope": "orders.read"},
    ]))
}

/// A client of an application that nobody has vouched for.
async fn brought(developer: &Client, provider: &str) -> String {
    let name = format!("shop of {provider}");
    let application = developer.make("/applications", json!({"group": "root", "name": name})).await;
    let body = json!({"provider": provider, "client_id": PORTAL.0});
    let made = developer.post(&format!("/applications/{application}/clients"), &body).await;
    assert_eq!(made.json()["waiting_for"], json!("proof"), "{made:?}");
    made.id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_client_proves_it() {
    let server = server();
    let place = Place::sqlite("");
    let served = place.serve();
    let admin = place.admin(&served);
    let developer = admin.with_token(&place.run(&["token", "create", "--role", "root:developer"]));
    let introspection = json!({"client_id": INTROSPECTOR.0, "credential": INTROSPECTOR.1});
    for (id, kind, introspection) in [
        ("opaque", "manual", introspection.clone()),
        ("signed", "manual", Value::Null),
        ("dynamic", "dcr", introspection),
    ] {
        let provider = json!({
            "id": id, "kind": kind, "issuer": server.issuer, "introspection": introspection, "timeout": "60s",
        });
        admin.make("/providers", provider).await;
    }
    admin.make("/environments", json!({"id": "prod"})).await;
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for (provider, resource) in [("opaque", OPAQUE), ("signed", JWT), ("dynamic", OPAQUE)] {
        let client = brought(&developer, provider).await;
        let prove = format!("/clients/{client}/prove");
        let others = token(&server, OTHER, resource).await;
        for wrong in [&others, "nonsense", &format!("{}x", others)] {
            let refused = developer.post(&prove, &json!({"access_token": wrong})).await;
            assert_eq!(
                (refused.status, &refused.json()["errors"][0]["pointer"]),
                (422, &json!("/access_token")),
                "{refused:?}"
            );
            assert!(!refused.text.contains(wrong));
        }
        let own = token(&server, PORTAL, resource).await;
        let proven = developer.post(&prove, &json!({"access_token": own})).await;
        assert_eq!((proven.status, &proven.json()["status"]), (200, &json!("live")), "{proven:?}");
        used.insert(provider.to_owned(), own);
    }
    let log = served.log();
    assert!(used.values().all(|token| !log.contains(token)), "a token is in the log");
    served.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_proves_nothing_yet() {
    let server = server();
    let place = Place::sqlite("");
    let served = place.serve();
    let admin = place.admin(&served);
    let developer = admin.with_token(&place.run(&["token", "create", "--role", "root:developer"]));
    let introspection = json!({"client_id": INTROSPECTOR.0, "credential": INTROSPECTOR.1});
    let provider = json!({"id": "main", "kind": "manual", "issuer": server.issuer, "introspection": introspection});
    admin.make("/providers", provider).await;
    let client = brought(&developer, "main").await;
    let own = token(&server, PORTAL, OPAQUE).await;
    drop(server);
    let answer = developer.post(&format!("/clients/{client}/prove"), &json!({"access_token": own})).await;
    assert_eq!(
        (answer.status, &answer.json()["detail"]),
        (503, &json!("the issuer of provider main could not be asked, or gave no answer that counts")),
        "{answer:?}"
    );
    assert!(!answer.text.contains("database"), "{answer:?}");
    let client = developer.get(&format!("/clients/{client}")).await;
    assert_eq!((&client.json()["status"], &client.json()["waiting_for"]), (&json!("pending"), &json!("proof")));
    served.end();
}
