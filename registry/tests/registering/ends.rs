//! Every end of an attempt.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::orphan::OrphanCause;
use tessera_registry::domain::task::{TaskKind, TaskOutcome};
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::record::insert;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::tables::TASKS;
use tessera_registry::use_case::{clients, tiers};

use crate::model::End;
use crate::scene::Scene;
use crate::world::{admin, developer, object};

#[tokio::test]
async fn a_registration_ends_as_the_provider_has_answered() {
    for (end, status, clients, orphans) in [
        (End::Usual, "live", 1, 0),
        (End::Fewer, "live", 1, 0),
        (End::Refused, "refused", 0, 0),
        (End::Wider, "refused", 0, 0),
        (End::NotDone(None), "live", 1, 0),
        (End::LostBefore, "live", 1, 1),
        (End::LostAfter, "live", 2, 1),
    ] {
        for scene in Scene::approved(json!({})).await {
            scene.model.ends(&[end]);
            let id = scene.new_client().await;
            scene.settle().await;
            let client = scene.client(&id).await;
            assert_eq!(client["status"], status, "{end:?} {client}");
            assert_eq!((scene.model.ids().len(), scene.orphans().await.len()), (clients, orphans), "{end:?}");
            assert!(scene.orphans().await.iter().all(|orphan| orphan.why == OrphanCause::Unknown));
            let differs = client["differences"].as_array().unwrap().len();
            assert_eq!(differs, usize::from(matches!(end, End::Fewer | End::Wider)), "{client}");
            assert_eq!(client["error"].is_object(), status == "refused");
        }
    }
}

#[tokio::test]
async fn a_registration_is_not_tried_before_the_provider_wants_to_be_asked() {
    for scene in Scene::approved(json!({})).await {
        scene.model.ends(&[End::NotDone(Some(600)), End::NotDone(None)]);
        scene.new_client().await;
        scene.work().await;
        let task = scene.open_tasks().await.remove(0);
        assert_eq!(task.last.as_ref().map(|last| last.outcome), Some(TaskOutcome::NotDone));
        assert_eq!(task.next_at, Some(scene.world.now().plus(Duration::from_secs(600))));
        scene.world.pass(Duration::from_secs(599));
        scene.work().await;
        assert!(scene.model.ids().is_empty());
        scene.world.pass(Duration::from_secs(1));
        scene.work().await;
        let pause = scene.open_tasks().await[0].next_at.unwrap().since(scene.world.now());
        assert!(pause >= Duration::from_millis(1600) && pause <= Duration::from_millis(2400), "{pause:?}");
        scene.settle().await;
    }
}

#[tokio::test]
async fn credentials_that_do_not_work_are_refused_after_three_checks() {
    for scene in Scene::approved(json!({})).await {
        *scene.model.is_deaf.lock().unwrap() = true;
        let id = scene.new_client().await;
        for _ in 0..2 {
            scene.work().await;
            assert_eq!(scene.client(&id).await["waiting_for"], "verification");
            assert!(scene.world.rows().await.is_empty());
            scene.world.pass(Duration::from_secs(10));
        }
        scene.work().await;
        let refused = scene.client(&id).await;
        assert_eq!((&refused["status"], &refused["error"]["status"]), (&json!("refused"), &json!(401)), "{refused}");
        assert_eq!((&refused["client_id"], &refused["secret"]), (&Value::Null, &json!("none")));
        scene.settle().await;
        assert!(scene.model.ids().is_empty(), "it was deleted");
        *scene.model.is_deaf.lock().unwrap() = false;
        // It named no scopes, so that it gets those that the tier has by now.
        let tier = object(json!({"scopes": ["a", "c"]}));
        let change =
            async |cx: &mut Context<'_>| tiers::patch(cx, ("prod", "orders", "scoped"), &Expected::Any, &tier).await;
        scene.world.act(&admin(), change).await.unwrap();
        let body = object(json!({}));
        let retry = async |cx: &mut Context<'_>| clients::retry(cx, &id, &Expected::Any, &body).await;
        scene.world.act(&developer(), retry).await.unwrap();
        scene.settle().await;
        let live = scene.client(&id).await;
        assert_eq!((&live["status"], &live["scopes"]), (&json!("live"), &json!(["a", "c"])), "{live}");
        // A change of the one leaves the other, though nobody named either at first.
        scene.change(&id, json!({"grants": ["client_credentials"], "scopes": ["a"]})).await.unwrap();
        scene.settle().await;
        scene.change(&id, json!({"grants": ["client_credentials"]})).await.unwrap();
        scene.settle().await;
        assert_eq!(scene.client(&id).await["scopes"], json!(["a"]));
    }
}

#[tokio::test]
async fn clocks_that_differ_have_no_registration_and_deletion_wait_for_each_other() {
    for scene in Scene::approved(json!({})).await {
        *scene.model.is_deaf.lock().unwrap() = true;
        let id = scene.new_client().await;
        while scene.client(&id).await["status"] != "refused" {
            match scene.taken().await {
                Some(taken) => {
                    let ended = scene.called(&taken).await;
                    scene.concluded(&taken, ended).await;
                }
                None => scene.world.pass(Duration::from_secs(10)),
            }
        }
        *scene.model.is_deaf.lock().unwrap() = false;
        let body = object(json!({}));
        let retry = async |cx: &mut Context<'_>| clients::retry(cx, &id, &Expected::Any, &body).await;
        scene.world.act(&developer(), retry).await.unwrap();
        let mut open = scene.open_tasks().await;
        assert_eq!(open.iter().map(|task| task.kind).collect::<Vec<_>>(), [TaskKind::Delete, TaskKind::Register]);
        // As a replica would have written it whose clock is behind.
        let [deletion, registration] = &mut open[..] else { unreachable!() };
        std::mem::swap(&mut deletion.id, &mut registration.id);
        let mut tx = scene.world.store.write().await.unwrap();
        for task in open {
            tx.delete(&TASKS, "default", &task.id).await.unwrap();
            insert(tx.as_mut(), "default", task).await.unwrap();
        }
        tx.commit().await.unwrap();
        scene.settle().await;
        assert_eq!((&scene.client(&id).await["status"], scene.model.ids().len()), (&json!("live"), 1));
    }
}

#[tokio::test]
async fn a_deletion_ends_as_the_provider_has_answered() {
    for (end, clients, orphans) in
        [(End::Refused, 1, 1), (End::NotDone(None), 0, 0), (End::LostBefore, 0, 0), (End::Usual, 0, 0)]
    {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            scene.work().await;
            scene.delete(&id).await;
            scene.model.ends(&[end]);
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            assert_eq!((scene.model.ids().len(), scene.orphans().await.len()), (clients, orphans), "{end:?}");
        }
    }
}

#[tokio::test]
async fn orphans_that_can_be_found_are_deleted() {
    let settings = json!({"authorization": {"type": "bearer", "credential": "s"}, "management": "credential",
        "search_parameter": "q"});
    for scene in Scene::approved(settings).await {
        scene.model.ends(&[End::LostAfter, End::LostBefore]);
        let id = scene.new_client().await;
        scene.settle().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        // The one that never came to be is not found, and stays on the list.
        assert_eq!((scene.model.ids().len(), scene.orphans().await.len()), (1, 1));
    }
}
