//! Secrets that expire.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::task::TaskKind;
use tessera_registry::domain::webhook::{NoticeKind, Subscriber, Subscribers};
use tessera_registry::use_case::clients;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::expiring::tell_expiring;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::shown::Expected;

use crate::scene::Scene;
use crate::world::{admin, developer, object};

const DAY: Duration = Duration::from_secs(86_400);

/// Live clients whose secrets expire after so many days, with somebody who is told.
async fn live(days: u32) -> Vec<(Scene, String)> {
    let mut scenes = Vec::new();
    for mut scene in Scene::approved(json!({})).await {
        let events = Some(vec![NoticeKind::SecretExpiring]);
        let one = Subscriber { organisation: "default".into(), url: "https://hook.example".into(), events };
        scene.world.subscribers = Subscribers { origin: "https://registry.example".into(), all: vec![one] };
        *scene.model.expires_at.lock().unwrap() = Some(scene.world.now().plus(DAY * days));
        let id = scene.new_client().await;
        scene.work().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        scenes.push((scene, id));
    }
    scenes
}

/// Two replicas look; how many notices there are by then.
async fn told(scene: &Scene) -> usize {
    let background = scene.world.background();
    let (one, other) = tokio::join!(tell_expiring(background), tell_expiring(background));
    assert!(one.unwrap() + other.unwrap() <= 1);
    bodies(scene).await.len()
}

async fn bodies(scene: &Scene) -> Vec<Value> {
    let tasks = scene.tasks().await;
    let deliveries = tasks.iter().filter(|task| task.kind == TaskKind::Webhook);
    deliveries.map(|task| serde_json::from_str(&task.delivery.as_ref().unwrap().body).unwrap()).collect()
}

#[tokio::test]
async fn it_is_told_thirty_seven_and_one_days_before_each_once() {
    for (scene, id) in live(40).await {
        let seen = scene.client(&id).await;
        let mut passed = Duration::ZERO;
        let millisecond = Duration::from_millis(1);
        for (after, before) in [(10, 0), (33, 1), (39, 2)] {
            scene.world.pass(DAY * after - passed - millisecond);
            assert_eq!(told(&scene).await, before, "too early");
            scene.world.pass(millisecond);
            passed = DAY * after;
            for _ in 0..2 {
                assert_eq!(told(&scene).await, before + 1, "after {after} days");
            }
        }
        scene.world.pass(DAY * 30);
        assert_eq!(told(&scene).await, 3);
        let body = &bodies(&scene).await[0];
        assert_eq!((&body["type"], &body["data"]["client"]["id"]), (&json!("client.secret_expiring"), &json!(id)));
        assert_eq!(body["data"]["url"], json!(format!("https://registry.example/clients/{id}")));
        assert_eq!(body["data"]["client"]["secret_expires_at"], seen["secret_expires_at"]);
        assert!(!body.to_string().contains("secret-of") && !body.to_string().contains("token-of"), "{body}");
        let now = scene.client(&id).await;
        assert_eq!(now["updated_at"], seen["updated_at"], "it is no change of the client");
    }
}

#[tokio::test]
async fn what_had_passed_when_the_secret_was_given_is_not_told() {
    for (days, after, notices) in [(30, 0, 0), (5, 3, 0), (5, 4, 1), (1, 1, 0)] {
        for (scene, _) in live(days).await {
            scene.world.pass(DAY * after);
            assert_eq!(told(&scene).await, notices, "{days} {after}");
        }
    }
}

#[tokio::test]
async fn of_what_nobody_has_told_the_last_is_enough() {
    for (scene, _) in live(40).await {
        scene.world.pass(DAY * 34);
        assert_eq!(told(&scene).await, 1);
        scene.world.pass(DAY * 5);
        assert_eq!(told(&scene).await, 2);
    }
}

#[tokio::test]
async fn another_secret_is_told_of_anew() {
    for (scene, id) in live(40).await {
        scene.world.pass(DAY * 39);
        assert_eq!(told(&scene).await, 1);
        *scene.model.new_secrets.lock().unwrap() = true;
        *scene.model.expires_at.lock().unwrap() = Some(scene.world.now().plus(DAY * 8));
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.work().await;
        assert_eq!(told(&scene).await, 1);
        scene.world.pass(DAY);
        assert_eq!(told(&scene).await, 2);
    }
}

#[tokio::test]
async fn nobody_is_told_of_a_client_that_goes_or_is_replaced() {
    for (scene, id) in live(40).await {
        let body = object(json!({"overlap": "30d"}));
        let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, &id, &Expected::Any, &body).await;
        scene.world.act(&developer(), rotate).await.unwrap();
        *scene.model.expires_at.lock().unwrap() = None;
        scene.work().await;
        assert_eq!(scene.client(&id).await["status"], "retiring");
        scene.world.pass(DAY * 20);
        assert_eq!(told(&scene).await, 0);
        let end = async |cx: &mut Context<'_>| clients::delete(cx, &id, &Expected::Any).await;
        scene.world.act(&admin(), end).await.unwrap();
        scene.world.pass(DAY * 14);
        assert_eq!(told(&scene).await, 0);
    }
}
