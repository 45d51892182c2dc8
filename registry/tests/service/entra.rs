//! Clients in a tenant of Entra ID, through the administration API; of the tenant there is a stand-in, which replicates
//! late.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, http, sent};
use crate::graph::{REGISTRY, StandIn, TENANT};
use crate::place::{PATIENCE, Place, Served};
use crate::postgres;

const PAUSE: Duration = Duration::from_millis(50);

async fn until(client: &Client, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = client.get(path).await;
        if seen.status == 200 && is_so(&seen.json()) {
            return seen.json();
        }
        assert!(Instant::now() < deadline, "{seen:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_secrets(stand_in: &StandIn, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while stand_in.applications()[0].secrets.len() != count {
        assert!(Instant::now() < deadline, "{:?}", stand_in.applications());
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the tenant gives a token to whoever has these.
async fn is_given(stand_in: &StandIn, id: &str, secret: &str) -> bool {
    let url = format!("{}/{TENANT}/oauth2/v2.0/token", stand_in.server.url);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", "api://orders/.default"),
    ];
    sent(http().post(url).form(&form)).await.unwrap().status == 200
}

/// The secret, which is asked for as soon as there is one.
async fn shown(developer: &Client, path: &str) -> (String, String) {
    until(developer, path, |client| client["secret"] == "available").await;
    let shown = developer.post(&format!("{path}/secret"), &json!({})).await.json();
    let text = |name: &str| shown[name].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

async fn prepared(stand_in: &StandIn, place: &Place, served: &Served) -> (Client, Client, String) {
    let admin = place.admin(served);
    let developer = admin.with_token(&place.run(&["token", "create", "--role", "root:developer"]));
    admin.make("/environments", json!({"id": "prod"})).await;
    let url = &stand_in.server.url;
    let provider = json!({
        "id": "entra", "kind": "entra", "issuer": stand_in.issuer(), "tenant": TENANT, "client_id": REGISTRY.0,
        "credential": REGISTRY.1, "graph": url, "login": url, "timeout": "60s",
        "token_parameters": {"scope": "api://orders/.default"},
    });
    admin.make("/providers", provider).await;
    admin.make("/apis", json!({"environment": "prod", "id": "orders", "group": "root", "title": "Orders"})).await;
    admin.make("/apis/prod/orders/tiers", json!({"id": "gold", "approval": "automatic", "scopes": ["orders"]})).await;
    let application = developer.make("/applications", json!({"group": "root", "name": "Shop"})).await;
    let request = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
    developer.make("/contracts", request).await;
    (admin, developer, application)
}

async fn lives(place: &Place) {
    let stand_in = StandIn::start();
    stand_in.state.lock().unwrap().lag = 2;
    let served = place.serve();
    let (admin, developer, application) = prepared(&stand_in, place, &served).await;
    let client = developer.make(&format!("/applications/{application}/clients"), json!({"provider": "entra"})).await;
    let path = format!("/clients/{client}");
    let live = until(&admin, &path, |client| client["status"] == "live").await;
    assert_eq!(live["client_id"], json!(stand_in.applications()[0].app_id), "{live}");
    let (id, first) = shown(&developer, &path).await;
    assert!(is_given(&stand_in, &id, &first).await);

    let patched = developer.call("PATCH", &path, Some(&json!({"scopes": []}))).await;
    assert_eq!((patched.status, &patched.json()["type"]), (409, &json!("http://127.0.0.1/problems/not_supported")));
    let rotate = format!("{path}/rotate");
    let rotated = developer.post(&rotate, &json!({"overlap": "1h"})).await;
    assert_eq!((rotated.status, rotated.id()), (200, client.clone()), "{rotated:?}");
    let (_, second) = shown(&developer, &path).await;
    stand_in.state.lock().unwrap().lag = 0;
    let overlapping = developer.get(&path).await.json();
    assert!(overlapping["retire_at"].is_string() && overlapping["status"] == "live", "{overlapping}");
    until_secrets(&stand_in, 2).await;
    for secret in [&first, &second] {
        assert!(is_given(&stand_in, &id, secret).await, "both are good");
    }
    assert_eq!(developer.post(&rotate, &json!({"overlap": "0s"})).await.status, 200);
    let (_, third) = shown(&developer, &path).await;
    until_secrets(&stand_in, 1).await;
    for (secret, is_good) in [(&first, false), (&second, false), (&third, true)] {
        assert_eq!(is_given(&stand_in, &id, secret).await, is_good);
    }

    let metrics = sent(http().get(format!("{}/metrics", served.url("ops")))).await.unwrap().text;
    for operation in ["register", "add_secret", "token", "remove_secret"] {
        let line = format!("provider_calls_total{{provider=\"entra\",operation=\"{operation}\",result=\"done\"}}");
        assert!(metrics.contains(&line), "{operation}: {metrics}");
    }
    assert_eq!(developer.call("DELETE", &path, None).await.status, 202);
    until(&admin, &path, |client| client["status"] == "deleted").await;
    assert!(stand_in.applications().is_empty());
    assert_eq!(admin.list("/providers/entra/orphans").await, Vec::<Value>::new());
    let (log, audit) = (served.log(), json!(admin.list("/audit").await).to_string());
    served.end();
    let export = place.run(&["export"]);
    for secret in [&first, &second, &third, REGISTRY.1] {
        assert!(!log.contains(secret) && !audit.contains(secret) && !export.contains(secret), "a secret is somewhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_entra_lives_with_secrets_that_overlap() {
    lives(&Place::sqlite("log.level = \"trace\"")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_entra_lives_with_secrets_that_overlap_on_postgresql() {
    lives(&Place::new(&format!("\"{}\"", postgres::shared().database()), "log.level = \"trace\"")).await;
}
