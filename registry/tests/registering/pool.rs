//! Registrations that each need a one-time token.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::provider::OneTimeToken;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::task::TaskOutcome;
use tessera_registry::use_case::client_work::take;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::record::scan;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{one_time_tokens, providers};

use crate::model::End;
use crate::scene::Scene;
use crate::world::{admin, object};

async fn add(scene: &Scene, tokens: Value) -> Result<Value, Refusal> {
    let body = object(json!({"tokens": tokens}));
    let add = async |cx: &mut Context<'_>| one_time_tokens::add(cx, "idp", &body).await;
    scene.world.act(&admin(), add).await.map(|shown| shown.value)
}

async fn left(scene: &Scene) -> Value {
    let get = async |cx: &mut Context<'_>| providers::get(cx, "idp").await;
    scene.world.act(&admin(), get).await.unwrap().value["authorization"]["one_time_left"].clone()
}

async fn patch(scene: &Scene, change: Value) {
    let change = object(change);
    let patch = async |cx: &mut Context<'_>| providers::patch(cx, "idp", &Expected::Any, &change).await;
    scene.world.act(&admin(), patch).await.unwrap();
}

async fn scenes(more: Value) -> Vec<Scene> {
    let mut settings = object(json!({"authorization": {"type": "one_time"}}));
    settings.extend(object(more));
    Scene::approved(Value::Object(settings)).await
}

#[tokio::test]
async fn each_token_registers_one_client_and_without_one_it_waits_for_some() {
    for scene in scenes(json!({})).await {
        assert_eq!(left(&scene).await, 0);
        assert_eq!(add(&scene, json!(["one"])).await.unwrap()["authorization"]["one_time_left"], 1);
        let (first, second) = (scene.new_client().await, scene.new_client().await);
        scene.work().await;
        assert_eq!((scene.client(&first).await["status"].as_str(), left(&scene).await), (Some("live"), json!(0)));
        let task = scene.open_tasks().await.remove(0);
        let last = task.last.unwrap();
        assert_eq!((last.outcome, last.error.as_deref()), (TaskOutcome::NotDone, Some("no_one_time_token")));
        assert!(last.description.unwrap().contains("/api/v1/providers/idp/registration-tokens"));
        // It is not tried again and again.
        assert_eq!(task.next_at, Some(scene.world.now().plus(Duration::from_secs(300))));
        scene.world.pass(Duration::from_secs(299));
        assert!(scene.due().await.is_empty());
        assert_eq!(scene.client(&second).await["waiting_for"], "registration");
        add(&scene, json!(["two", "three"])).await.unwrap();
        scene.work().await;
        assert_eq!(scene.client(&second).await["status"], "live");
        assert_eq!((scene.model.shown(), left(&scene).await), (vec!["one".to_owned(), "two".into()], json!(1)));
        scene.is_whole().await;
    }
}

#[tokio::test]
async fn a_pool_takes_tokens_that_can_be_sent_each_once_and_tells_nobody() {
    for scene in scenes(json!({})).await {
        add(&scene, json!(["hush-one", "hush-two"])).await.unwrap();
        for wrong in [json!([]), json!(["a b"]), json!([""]), json!([1]), json!("x"), json!(["x", "x"]), Value::Null] {
            assert!(matches!(add(&scene, wrong.clone()).await, Err(Refusal::Invalid(_))), "{wrong}");
        }
        match add(&scene, json!(["hush-three", "hush-two"])).await {
            Err(Refusal::Invalid(faults)) => {
                let [fault] = &faults[..] else { panic!("{faults:?}") };
                assert_eq!((fault.pointer.as_str(), fault.detail.as_str()), ("/tokens/1", "is in the pool already"));
            }
            other => panic!("{other:?}"),
        }
        let many: Vec<String> = (0..999).map(|number| format!("t{number}")).collect();
        assert!(matches!(add(&scene, json!(many)).await, Err(Refusal::LimitReached(_))));
        add(&scene, json!(many[..998])).await.unwrap();
        assert_eq!(left(&scene).await, 1000);
        let entry = scene.world.latest().await;
        assert_eq!((&entry["action"], &entry["subject"]["id"]), (&json!("provider.add_tokens"), &json!("idp")));
        let counts = ["before", "after"].map(|side| entry[side]["authorization"]["one_time_left"].clone());
        assert_eq!(counts, [json!(2), json!(1000)]);
        let mut tx = scene.world.store.read().await.unwrap();
        let kept = scan::<OneTimeToken>(tx.as_mut(), None, 2000).await.unwrap();
        assert!(kept.iter().all(|kept| !kept.thing.token.contains("hush")) && kept.len() == 1000);
        assert!(!entry.to_string().contains("hush"));
        drop(tx);
        patch(&scene, json!({"authorization": {"type": "none"}})).await;
        assert!(matches!(add(&scene, json!(["x"])).await, Err(Refusal::NotSupported(_))));
    }
}

#[tokio::test]
async fn a_token_whose_use_is_not_known_is_used_no_more() {
    for end in [None, Some(End::LostBefore), Some(End::LostAfter), Some(End::Denied), Some(End::Refused)] {
        for scene in scenes(json!({})).await {
            add(&scene, json!(["one", "two"])).await.unwrap();
            scene.new_client().await;
            scene.model.ends(end.as_slice());
            // Killed before or after the call, where it does not end at all.
            let taken = scene.taken().await.unwrap();
            assert_eq!(left(&scene).await, 1, "it is gone before it is sent");
            let ended = scene.called(&taken).await;
            if end.is_some() {
                scene.concluded(&taken, ended).await;
            }
            scene.world.pass(Duration::from_secs(400));
            scene.settle().await;
            let shown = scene.model.shown();
            assert_eq!(shown[0], "one", "{end:?}");
            assert!(shown.len() == 1 || shown[1..] == ["two".to_owned()], "{end:?} {shown:?}");
            assert_eq!(left(&scene).await, 2 - shown.len());
        }
    }
}

#[tokio::test]
async fn a_token_that_was_not_used_goes_back() {
    for is_moved in [false, true] {
        for scene in scenes(json!({"endpoint": "https://idp.example/register"})).await {
            add(&scene, json!(["one"])).await.unwrap();
            scene.new_client().await;
            scene.model.ends(&[End::NotDone(None)]);
            let taken = scene.taken().await.unwrap();
            let ended = scene.called(&taken).await;
            if is_moved {
                patch(&scene, json!({"endpoint": "https://elsewhere.example/register"})).await;
            }
            scene.concluded(&taken, ended).await;
            assert_eq!(left(&scene).await, usize::from(!is_moved), "never to another endpoint");
            scene.world.pass(Duration::from_secs(400));
            scene.work().await;
            assert_eq!(scene.model.ids().len(), usize::from(!is_moved));
        }
    }
}

#[tokio::test]
async fn a_token_that_is_given_again_while_it_is_out_is_there_once() {
    for scene in scenes(json!({})).await {
        add(&scene, json!(["one"])).await.unwrap();
        scene.new_client().await;
        scene.model.ends(&[End::NotDone(None)]);
        let taken = scene.taken().await.unwrap();
        let ended = scene.called(&taken).await;
        add(&scene, json!(["one"])).await.unwrap();
        scene.concluded(&taken, ended).await;
        assert_eq!(left(&scene).await, 1);
    }
}

#[tokio::test]
async fn a_pool_is_emptied_when_its_tokens_would_go_elsewhere_or_nowhere() {
    for scene in scenes(json!({"endpoint": "https://idp.example/register"})).await {
        for (change, kept) in [
            (json!({"title": "T", "endpoint": "https://idp.example/register", "timeout": "3s"}), 2),
            (json!({"endpoint": "https://elsewhere.example/register"}), 0),
            (json!({"endpoint": null}), 0),
            (json!({"authorization": {"type": "bearer", "credential": "c"}}), 0),
        ] {
            add(&scene, json!(["one", "two"])).await.unwrap();
            patch(&scene, change.clone()).await;
            patch(&scene, json!({"authorization": {"type": "one_time"}})).await;
            assert_eq!(left(&scene).await, kept, "{change}");
            patch(&scene, json!({"authorization": {"type": "none"}})).await;
            patch(&scene, json!({"authorization": {"type": "one_time"}})).await;
        }
        add(&scene, json!(["one", "two"])).await.unwrap();
        let delete = async |cx: &mut Context<'_>| providers::delete(cx, "idp", &Expected::Any).await;
        scene.world.act(&admin(), delete).await.unwrap();
        let mut tx = scene.world.store.read().await.unwrap();
        assert!(scan::<OneTimeToken>(tx.as_mut(), None, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn replicas_take_no_token_twice() {
    for scene in scenes(json!({"parallel": 3})).await {
        add(&scene, json!(["one", "two"])).await.unwrap();
        for _ in 0..3 {
            scene.new_client().await;
        }
        let due = scene.due().await;
        let [first, second, third] = &due[..] else { panic!("{due:?}") };
        let background = scene.world.background();
        let taken = tokio::join!(take(background, first), take(background, second), take(background, third));
        let mut taken: Vec<_> = [taken.0, taken.1, taken.2].into_iter().filter_map(Result::unwrap).collect();
        taken.sort_by(|one, other| one.task.id.cmp(&other.task.id));
        assert_eq!(taken.len(), 2);
        for taken in taken {
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        let mut shown = scene.model.shown();
        shown.sort_unstable();
        assert_eq!(shown, ["one", "two"]);
        add(&scene, json!(["three"])).await.unwrap();
        scene.settle().await;
        assert_eq!((scene.model.ids().len(), left(&scene).await), (3, json!(0)));
    }
}
