//! Clients of that authorization server, whose secrets are all put to use.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FOUND, keyed};
use crate::client::Client;
use crate::registered::{changed, until};
use crate::scripted::ScriptedServer;

fn keys() -> Value {
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})
}

async fn providers(admin: &Client, url: &str) {
    let bearer = |credential: &str| json!({"type": "bearer", "credential": credential});
    let machine = json!({"type": "client_credentials", "client_id": "registry", "credential": "hush-dcr-machine"});
    for (id, authorization, endpoint, management) in [
        ("pool", json!({"type": "one_time"}), "register", "registration_token"),
        ("lacking", json!({"type": "one_time"}), "register", "registration_token"),
        ("bearer", bearer("hush-dcr-bearer"), "register", "registration_token"),
        ("machine", machine, "register", "credential"),
        ("refusing", bearer("hush-dcr-refused"), "refusing", "registration_token"),
        ("losing", bearer("hush-dcr-lost"), "losing", "none"),
    ] {
        let body = json!({"id": id, "kind": "dcr", "issuer": url, "endpoint": format!("{url}/{endpoint}"),
            "authorization": authorization, "management": management, "timeout": "60s",
            "introspection": {"client_id": "registry", "credential": "hush-dcr-inspector"}});
        let made = keyed(admin, "/providers", id, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    for (key, tokens, status) in [
        ("tokens", json!(["hush-dcr-one-time-1", "hush-dcr-one-time-2", "hush-dcr-one-time-3"]), 200),
        ("tokens", json!(["hush-dcr-one-time-1", "hush-dcr-one-time-2", "hush-dcr-one-time-3"]), 200),
        ("again", json!(["hush-dcr-one-time-3"]), 422),
        ("blank", json!(["hush-dcr-one-time 4"]), 422),
    ] {
        let added = keyed(admin, "/providers/pool/registration-tokens", key, &json!({"tokens": tokens})).await;
        assert_eq!(added.status, status, "{added:?}");
    }
}

/// With a contract of two scopes.
async fn application(admin: &Client) -> String {
    let application = admin.make("/applications", json!({"group": "team", "name": "registering"})).await;
    let tier = json!({"id": "scoped", "approval": "automatic", "scopes": ["a", "b"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
    let contract = json!({"environment": "prod", "api": "orders", "application": application, "tier": "scoped"});
    admin.make("/contracts", contract).await;
    application
}

async fn patched(admin: &Client, path: &str) {
    let patched = admin.call("PATCH", path, Some(&json!({"scopes": ["a"]}))).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(changed(admin, path).await["scopes"], json!(["a"]));
}

/// Puts all of them to use; some clients' secrets are never shown, and one task is stuck.
pub async fn used(admin: &Client, server: &ScriptedServer) {
    providers(admin, &server.url).await;
    let application = application(admin).await;
    let clients = format!("/applications/{application}/clients");
    let new = async |provider: &str| format!("/clients/{}", admin.make(&clients, json!({"provider": provider})).await);
    let (pool, bearer, machine) = (new("pool").await, new("bearer").await, new("machine").await);
    let (refusing, losing) = (new("refusing").await, new("losing").await);
    new("lacking").await;
    for live in [&pool, &bearer, &machine, &losing] {
        until(admin, live, "live").await;
    }
    let refused = until(admin, &refusing, "refused").await;
    assert_eq!(refused["error"]["error"], "invalid_client_metadata", "{refused}");
    for path in [&pool, &machine] {
        patched(admin, path).await;
    }
    let secret = format!("{bearer}/secret");
    for told in [json!(true), json!(false)] {
        let answer = keyed(admin, &secret, "secret", &json!({})).await;
        assert_eq!((answer.status, json!(answer.json()["client_secret"].is_string())), (200, told), "{answer:?}");
    }
    let rotated = admin.post(&format!("{bearer}/rotate"), &json!({"overlap": "0s"})).await.id();
    until(admin, &format!("/clients/{rotated}"), "live").await;
    until(admin, &bearer, "deleted").await;
    assert_eq!(admin.call("DELETE", &machine, None).await.status, 202);
    until(admin, &machine, "deleted").await;
    proved(admin, &clients).await;
    assert!(!admin.list("/providers/losing/orphans").await.is_empty());
}

/// A client with a key of its own shows a token.
async fn proved(admin: &Client, clients: &str) {
    let path = format!("/clients/{}", admin.make(clients, json!({"provider": "bearer", "jwks": keys()})).await);
    let mut client = json!(null);
    while client["waiting_for"] != "proof" {
        client = until(admin, &path, "pending").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = format!("hush-dcr-proof-{}", client["client_id"].as_str().unwrap());
    let answer = keyed(admin, &format!("{path}/prove"), "proved", &json!({"access_token": token})).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("live")), "{answer:?}");
}

/// What lists tell of all that.
pub async fn told(admin: &Client) -> String {
    let mut told = Vec::new();
    for application in admin.list("/applications").await {
        let id = application["id"].as_str().unwrap();
        told.extend(admin.list(&format!("/applications/{id}/clients")).await);
    }
    for provider in ["pool", "bearer", "machine", "refusing", "losing"] {
        told.extend(admin.list(&format!("/providers/{provider}/orphans")).await);
    }
    format!("{FOUND} {}", json!(told))
}
