//! Clients that the registry registers, at a real authorization server: from the request to the end.

use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{Client, http, sent};
use crate::oidc::{INITIAL_TOKEN, INTROSPECTOR, OPAQUE, OidcProvider};
use crate::place::{PATIENCE, Place};
use crate::postgres;

pub async fn until(client: &Client, path: &str, status: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = client.get(path).await;
        if seen.status == 200 && seen.json()["status"] == status {
            return seen.json();
        }
        assert!(Instant::now() < deadline, "not {status}: {seen:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The status of a token request with these credentials.
async fn token_status(server: &OidcProvider, id: &str, secret: &str) -> u16 {
    status_for(server, (id, secret), "orders.read").await
}

async fn status_for(server: &OidcProvider, (id, secret): (&str, &str), scope: &str) -> u16 {
    let form = [("grant_type", "client_credentials"), ("scope", scope), ("resource", OPAQUE)];
    sent(http().post(format!("{}/token", server.issuer)).basic_auth(id, Some(secret)).form(&form)).await.unwrap().status
}

/// The client, when nothing is asked for any more.
pub async fn changed(client: &Client, path: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = client.get(path).await.json();
        if seen["requested"].is_null() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not changed: {seen}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// An API with a tier of two scopes, and the server as a provider.
async fn publishes(admin: &Client, server: &OidcProvider) {
    admin.make("/environments", json!({"id": "prod"})).await;
    let provider = json!({
        "id": "idp", "kind": "dcr", "issuer": server.issuer, "timeout": "60s",
        "authorization": {"type": "bearer", "credential": INITIAL_TOKEN},
        "introspection": {"client_id": INTROSPECTOR.0, "credential": INTROSPECTOR.1},
        "token_parameters": {"resource": OPAQUE},
    });
    admin.make("/providers", provider).await;
    let api = json!({"environment": "prod", "id": "orders", "group": "root", "title": "Orders"});
    admin.make("/apis", api).await;
    let tier = json!({"id": "gold", "approval": "automatic", "scopes": ["orders.read", "orders.write"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
}

async fn lives(place: &Place) {
    let server = OidcProvider::start();
    let served = place.serve();
    let admin = place.admin(&served);
    let developer = admin.with_token(&place.run(&["token", "create", "--role", "root:developer"]));
    publishes(&admin, &server).await;
    let application = developer.make("/applications", json!({"group": "root", "name": "Shop"})).await;
    let clients = format!("/applications/{application}/clients");
    let client = developer.make(&clients, json!({"provider": "idp"})).await;
    let request = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
    let contract = developer.make("/contracts", request).await;
    let path = format!("/clients/{client}");
    let live = until(&admin, &path, "live").await;
    assert_eq!((&live["differences"], &live["scopes"]), (&json!([]), &json!(["orders.read", "orders.write"])));
    until(&admin, &format!("/contracts/{contract}"), "active").await;
    let shown = developer.post(&format!("{path}/secret"), &json!({})).await.json();
    let (id, secret) = (shown["client_id"].as_str().unwrap(), shown["client_secret"].as_str().unwrap());
    assert_eq!(developer.post(&format!("{path}/secret"), &json!({})).await.status, 410);
    assert_eq!(token_status(&server, id, secret).await, 200);

    // Its registration token is another one after each of these.
    for scopes in [json!(["orders.read"]), json!(["orders.read", "orders.write"]), json!(["orders.read"])] {
        let asked = developer.call("PATCH", &path, Some(&json!({"scopes": scopes}))).await;
        assert_eq!((asked.status, &asked.json()["requested"]["scopes"]), (200, &scopes), "{asked:?}");
        let changed = changed(&admin, &path).await;
        let (error, state) = (&changed["error"], &changed["secret"]);
        assert_eq!((&changed["scopes"], error, state), (&scopes, &Value::Null, &json!("shown")), "{changed}");
    }
    assert_eq!(token_status(&server, id, secret).await, 200, "the secret is the same");
    assert_eq!(status_for(&server, (id, secret), "orders.write").await, 400, "this it may not any more");

    let rotated = developer.post(&format!("{path}/rotate"), &json!({"overlap": "0s"})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let new = format!("/clients/{}", rotated.id());
    until(&admin, &new, "live").await;
    until(&admin, &path, "deleted").await;
    assert_eq!(token_status(&server, id, secret).await, 401, "the first is gone");
    let deleted = developer.call("DELETE", &new, None).await;
    assert_eq!(deleted.status, 202, "{deleted:?}");
    until(&admin, &new, "deleted").await;
    assert_eq!(admin.list("/providers/idp/orphans").await, Vec::<Value>::new());
    until(&admin, &format!("/contracts/{contract}"), "pending").await;
    let (log, audit) = (served.log(), json!(admin.list("/audit").await).to_string());
    assert!(!log.contains(secret) && !audit.contains(secret), "the secret is somewhere");
    served.end();
    let export = place.run(&["export"]);
    assert!(!export.contains(secret) && !export.contains(INITIAL_TOKEN), "a secret is in the export");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_registered_rotated_and_deleted() {
    lives(&Place::sqlite("log.level = \"trace\"")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_registered_rotated_and_deleted_on_postgresql() {
    lives(&Place::new(&format!("\"{}\"", postgres::shared().database()), "log.level = \"trace\"")).await;
}
