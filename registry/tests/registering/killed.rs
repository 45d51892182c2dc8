//! Workers that are killed, late or many.

use std::time::Duration;

use serde_json::json;
use tessera_registry::domain::orphan::OrphanCause;
use tessera_registry::domain::task::TaskKind;
use tessera_registry::use_case::client_work::{lease, take};
use tessera_registry::use_case::due_pass::DuePass;

use crate::scene::Scene;

/// Longer than any lease here.
const LATER: Duration = Duration::from_secs(400);

#[tokio::test]
async fn whoever_is_killed_at_any_step_leaves_nothing_that_is_nobodys() {
    // Attempts from the request to the end: register, verify, delete; killed in each, before or after the call.
    for step in 0..3 {
        for is_called in [false, true] {
            for scene in Scene::approved(json!({})).await {
                let id = scene.new_client().await;
                for done in 0..3 {
                    if done == 2 {
                        scene.delete(&id).await;
                    }
                    let taken = scene.taken().await.unwrap();
                    if done != step {
                        let ended = scene.called(&taken).await;
                        scene.concluded(&taken, ended).await;
                        continue;
                    }
                    if is_called {
                        scene.called(&taken).await;
                    }
                    assert!(scene.taken().await.is_none(), "somebody has it");
                    scene.world.pass(LATER);
                    let taken = scene.taken().await.unwrap();
                    let ended = scene.called(&taken).await;
                    scene.concluded(&taken, ended).await;
                }
                scene.settle().await;
                assert_eq!(scene.client(&id).await["status"], "deleted");
                let orphans = scene.orphans().await;
                assert_eq!(orphans.len(), usize::from(step == 0), "{step} {is_called}");
                assert_eq!(scene.model.ids().len(), usize::from(step == 0 && is_called));
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_an_orphan_and_deleted() {
    for scene in Scene::approved(json!({})).await {
        let id = scene.new_client().await;
        let slow = scene.taken().await.unwrap();
        let late = scene.called(&slow).await;
        scene.world.pass(LATER);
        let other = scene.taken().await.unwrap();
        assert_ne!(other.task.marker, slow.task.marker);
        scene.concluded(&slow, late).await;
        let orphans = scene.orphans().await;
        assert_eq!((orphans.len(), orphans[0].why), (1, OrphanCause::Late), "{orphans:?}");
        assert_eq!(orphans[0].client_id.as_deref(), Some("client-1"));
        let ended = scene.called(&other).await;
        scene.concluded(&other, ended).await;
        scene.settle().await;
        assert_eq!(scene.client(&id).await["client_id"], "client-2");
        assert_eq!((scene.model.ids(), scene.orphans().await.len()), (vec!["client-2".to_owned()], 0));
    }
}

#[tokio::test]
async fn a_client_that_is_deleted_while_it_is_registered_goes() {
    for is_killed in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            let taken = scene.taken().await.unwrap();
            let ended = scene.called(&taken).await;
            scene.delete(&id).await;
            assert!(scene.taken().await.is_none(), "one at a time");
            if !is_killed {
                scene.concluded(&taken, ended).await;
            }
            scene.world.pass(LATER);
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            let (clients, orphans) = (scene.model.ids().len(), scene.orphans().await.len());
            assert_eq!((clients, orphans), (usize::from(is_killed), usize::from(is_killed)));
        }
    }
}

#[tokio::test]
async fn replicas_have_one_task_of_a_client_and_as_many_registrations_as_the_provider_takes() {
    for scene in Scene::approved(json!({"parallel": 2})).await {
        for _ in 0..3 {
            scene.new_client().await;
        }
        let mut taken = Vec::new();
        for due in scene.due().await {
            let background = scene.world.background();
            let (one, other) = tokio::join!(take(background, &due), take(background, &due));
            let (one, other) = (one.unwrap(), other.unwrap());
            assert!(one.is_none() || other.is_none(), "both have it");
            taken.extend(one.or(other));
        }
        assert_eq!(taken.len(), 2);
        assert!(lease(&taken[0].provider.provider) > Duration::from_secs(60));
        for taken in taken {
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        scene.settle().await;
        assert_eq!((scene.model.ids().len(), scene.world.rows().await.len()), (3, 3));
    }
}

/// Of what is due, what may have a turn in one pass.
async fn may_be_taken(scene: &Scene) -> usize {
    let (mut pass, mut count) = (DuePass::default(), 0);
    for due in scene.due().await {
        count += usize::from(pass.may_take(scene.world.background(), &due).await.unwrap());
    }
    count
}

#[tokio::test]
async fn registrations_that_cannot_have_a_turn_are_passed_by() {
    for mut scene in Scene::approved(json!({})).await {
        scene.world.limits.clients_per_application = 4;
        let first = scene.new_client().await;
        scene.work().await;
        for _ in 0..3 {
            scene.new_client().await;
        }
        scene.delete(&first).await;
        assert_eq!(may_be_taken(&scene).await, 4);
        let taken = scene.taken().await.unwrap();
        assert_eq!(taken.task.kind, TaskKind::Register);
        assert_eq!(may_be_taken(&scene).await, 1, "the deletion");
        let ended = scene.called(&taken).await;
        scene.concluded(&taken, ended).await;
        assert_eq!(may_be_taken(&scene).await, 4, "with the check of the new one");
        scene.settle().await;
    }
}
