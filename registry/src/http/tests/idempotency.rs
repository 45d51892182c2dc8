//! Requests that are repeated.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{Reply, World};

const ADMIN: &str = "ann.default~admin";

impl World {
    async fn keyed(&self, path: &str, token: &str, key: &str, body: &Value) -> Reply {
        self.call("POST", path, token, &[&format!("idempotency-key: {key}")], Some(&body.to_string())).await
    }
}

#[tokio::test]
async fn a_repeated_request_has_its_first_answer_and_one_effect() {
    let world = World::new().await;
    let body = json!({"id": "team"});
    let first = world.keyed("/groups", ADMIN, "k", &body).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = world.keyed("/groups", ADMIN, "\"k\"", &body).await;
    assert_eq!(
        (again.status, again.json(), again.header("idempotency-replayed")),
        (first.status, first.json(), "true")
    );
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name));
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    for other in [json!({"id": "team", "title": "T"}), json!({}), json!([])] {
        assert_eq!(world.keyed("/groups", ADMIN, "k", &other).await.slug(), "key_reused");
    }
    assert_eq!(world.keyed("/environments", ADMIN, "k", &body).await.slug(), "key_reused");
    assert_eq!(world.keyed("/groups", "bob.default~admin", "k", &body).await.slug(), "exists", "a key is one caller's");
    assert_eq!(world.keyed("/groups", "ann.other~admin", "k", &body).await.status, 201);
    world.time.pass(Duration::from_secs(86_400));
    assert_eq!(world.keyed("/groups", ADMIN, "k", &body).await.slug(), "exists", "it was forgotten");
}

#[tokio::test]
async fn faults_are_kept_but_not_who_was_refused() {
    let world = World::new().await;
    let first = world.keyed("/groups", ADMIN, "k", &json!({"id": "X"})).await;
    let again = world.keyed("/groups", ADMIN, "k", &json!({"id": "X"})).await;
    assert_eq!((first.slug().as_str(), again.header("idempotency-replayed")), ("invalid", "true"));
    assert_eq!((again.status, again.bytes), (first.status, first.bytes));
    assert_eq!(again.headers["content-type"], "application/problem+json");
    let refused = world.keyed("/groups", "bob.default~root/owner", "k", &json!({"id": "x"})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(world.keyed("/groups", "bob.default~admin", "k", &json!({"id": "x"})).await.status, 201);
    let missing = world.keyed("/contracts/x/approve", ADMIN, "m", &json!({})).await;
    assert_eq!(missing.status, 404, "{missing:?}");
    assert_eq!(world.keyed("/contracts/x/approve", ADMIN, "m", &json!({"x": 1})).await.status, 404, "not kept either");
    for wrong in ["", "a b", &"k".repeat(256)] {
        assert_eq!(world.keyed("/groups", ADMIN, wrong, &json!({"id": "y"})).await.slug(), "invalid_header", "{wrong}");
    }
}

#[tokio::test]
async fn who_has_lost_a_role_does_not_read_his_first_answer_again() {
    let world = World::new().await;
    let body = json!({"id": "team"});
    assert_eq!(world.keyed("/groups", "ann.default~root/owner~admin", "k", &body).await.status, 201);
    for (token, status, replayed) in [
        ("ann.default~admin", 201, "true"),
        ("ann.default~admin~root/owner", 201, "true"),
        ("ann.default~root/owner", 403, ""),
        ("ann.default~root/auditor", 403, ""),
        ("ann.default", 403, ""),
    ] {
        let again = world.keyed("/groups", token, "k", &body).await;
        assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (status, replayed), "{token}");
    }
    // Neither a fault, nor that the key is taken.
    let fault = world.keyed("/groups", "eve.default~admin", "k", &json!({"id": "X"})).await;
    assert_eq!(fault.status, 422);
    assert_eq!(world.keyed("/groups", "eve.default~root/owner", "k", &json!({"id": "X"})).await.status, 403);
    assert_eq!(world.keyed("/groups", "eve.default~root/owner", "k", &json!({"id": "Y"})).await.status, 403);
}

#[tokio::test]
async fn one_key_in_two_organisations_at_once_is_two_keys() {
    let world = World::new().await;
    let outside = &world.registry.outside;
    // Whoever comes first waits for this transaction.
    let held = outside.store.write().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for token in ["ann.default~admin", "ann.other~admin"] {
        let router = world.router.clone();
        tasks.spawn(async move { World::send_to(router, "/groups", token, "k", json!({"id": "a"}).to_string()).await });
    }
    let mut answered = Vec::new();
    while world.registry.at_once.running() < 2 && answered.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        answered.extend(tasks.try_join_next().map(Result::unwrap));
    }
    drop(held);
    answered.extend(tasks.join_all().await);
    assert_eq!(answered, [201, 201]);
}

#[tokio::test]
async fn a_secret_is_not_in_a_repeated_answer() {
    let world = World::new().await;
    world.post("/environments", ADMIN, &json!({"id": "prod"})).await;
    let gateway = world.post("/gateways", ADMIN, &json!({"environment": "prod", "title": "G"})).await.json();
    let path = format!("/gateways/{}/tokens", gateway["id"].as_str().unwrap());
    let first = world.keyed(&path, ADMIN, "k", &json!({})).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert!(first.json()["token"].as_str().unwrap().starts_with("trg_"));
    let again = world.keyed(&path, ADMIN, "k", &json!({})).await.json();
    assert_eq!((&again["id"], &again["token"]), (&first.json()["id"], &Value::Null));
}

#[tokio::test]
async fn of_many_at_once_with_one_key_one_has_an_effect() {
    let world = World::new().await;
    let body = json!({"environment": "prod", "title": "G"});
    world.post("/environments", ADMIN, &json!({"id": "prod"})).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (router, text) = (world.router.clone(), body.to_string());
        tasks.spawn(async move { World::send_to(router, "/gateways", ADMIN, "k", text).await });
    }
    let mut counts = std::collections::BTreeMap::<u16, u32>::new();
    for status in tasks.join_all().await {
        *counts.entry(status).or_default() += 1;
    }
    assert!(counts.keys().all(|status| [201, 409].contains(status)), "{counts:?}");
    assert_eq!(world.get("/gateways", ADMIN).await.json()["items"].as_array().unwrap().len(), 1);
}
