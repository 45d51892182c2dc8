//! Clients that a real authorization server registers by tokens of which each is good for one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::oidc::{INTROSPECTOR, OPAQUE, OidcProvider};
use crate::place::{PATIENCE, Place};
use crate::postgres;
use crate::registered::until;

async fn catalogue(admin: &Client, server: &OidcProvider) {
    admin.make("/environments", json!({"id": "prod"})).await;
    let provider = json!({
        "id": "idp", "kind": "dcr", "issuer": server.issuer, "timeout": "60s", "authorization": {"type": "one_time"},
        "introspection": {"client_id": INTROSPECTOR.0, "credential": INTROSPECTOR.1},
        "token_parameters": {"resource": OPAQUE},
    });
    admin.make("/providers", provider).await;
    admin.make("/apis", json!({"environment": "prod", "id": "orders", "group": "root", "title": "Orders"})).await;
    let tier = json!({"id": "gold", "approval": "automatic", "scopes": ["orders.read"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
}

/// Adds tokens, and says how many there are then.
async fn added(admin: &Client, tokens: &[String]) -> Value {
    let answer = admin.post("/providers/idp/registration-tokens", &json!({"tokens": tokens})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["authorization"]["one_time_left"].clone()
}

/// Until the registration of this client waits for a token.
async fn lacks(admin: &Client, client: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let tasks = admin.get(&format!("/tasks?client={client}")).await.json();
        if tasks["items"].as_array().unwrap().iter().any(|task| task["last"]["error"] == "no_one_time_token") {
            return;
        }
        assert!(Instant::now() < deadline, "{tasks}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn lives(place: &Place) {
    let server = OidcProvider::one_time(4);
    let served = place.serve();
    let admin = place.admin(&served);
    catalogue(&admin, &server).await;
    let [first, second, third, fourth] = &server.one_time[..] else { panic!("{:?}", server.one_time) };
    assert_eq!(added(&admin, &[first.clone(), second.clone()]).await, 2);
    let application = admin.make("/applications", json!({"group": "root", "name": "Shop"})).await;
    let request = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
    admin.make("/contracts", request).await;
    let path = format!("/applications/{application}/clients");
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(admin.make(&path, json!({"provider": "idp"})).await);
    }
    for client in &clients[..2] {
        until(&admin, &format!("/clients/{client}"), "live").await;
    }
    lacks(&admin, &clients[2]).await;
    // What was used is good for nothing, and the next is taken.
    assert_eq!(added(&admin, &[first.clone(), third.clone(), fourth.clone()]).await, 3);
    until(&admin, &format!("/clients/{}", clients[2]), "live").await;
    let provider = admin.get("/providers/idp").await.json();
    assert_eq!(provider["authorization"]["one_time_left"], 1, "{provider}");
    assert_eq!(admin.list("/providers/idp/orphans").await, Vec::<Value>::new());
    let told = format!("{} {} {provider}", served.log(), json!(admin.list("/audit").await));
    served.end();
    let export = place.run(&["export"]);
    for token in &server.one_time {
        assert!(!told.contains(token) && !export.contains(token), "a token is somewhere");
    }
    assert!(export.contains("\"table\":\"one_time_tokens\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time_tokens_register_one_client_each() {
    lives(&Place::sqlite("log.level = \"trace\"")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time_tokens_register_one_client_each_on_postgresql() {
    lives(&Place::new(&format!("\"{}\"", postgres::shared().database()), "log.level = \"trace\"")).await;
}
