//! What is told twice, or of two clients that are one: nothing that somebody has is lost.

use serde_json::json;
use tessera_registry::domain::client::ClientStatus;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::client_calls::{Checked, Ended};
use tessera_registry::use_case::client_scene::Doing;
use tessera_registry::use_case::clients;
use tessera_registry::use_case::registrar::{Called, Failure};

use crate::model::failure;
use crate::scene::Scene;
use crate::world::{admin, developer, object, text};

#[tokio::test]
async fn a_conclusion_that_was_written_and_not_known_to_be_is_written_once() {
    for scene in Scene::approved(json!({"verify": "metadata"})).await {
        let id = scene.new_client().await;
        let taken = scene.taken().await.unwrap();
        let ended = scene.called(&taken).await;
        scene.concluded(&taken, ended.clone()).await;
        assert_eq!(scene.client(&id).await["status"], "live");
        scene.concluded(&taken, ended).await;
        scene.settle().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        assert_eq!((scene.model.ids(), scene.orphans().await.len()), (vec!["client-1".to_owned()], 0));
    }
}

fn by_credential() -> serde_json::Value {
    json!({"authorization": {"type": "bearer", "credential": "s"}, "management": "credential", "search_parameter": "q"})
}

#[tokio::test]
async fn a_provider_that_gives_the_same_client_again_is_not_asked_to_delete_it() {
    for scene in Scene::approved(by_credential()).await {
        let id = scene.new_client().await;
        let taken = scene.taken().await.unwrap();
        let named = Failure { client_id: Some("client-1".to_owned()), ..failure(Some(201), "unreadable") };
        scene.concluded(&taken, Ended::Registered(Called::Unknown(named))).await;
        assert_eq!(scene.orphans().await.len(), 1);
        scene.world.pass(std::time::Duration::from_secs(2));
        let mut later = Vec::new();
        // The registration is tried again before anybody has seen to the orphan.
        while let Some(taken) = scene.taken().await {
            if matches!(taken.doing, Doing::Delete(_)) {
                later.push(taken);
                continue;
            }
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        for taken in later {
            scene.concluded(&taken, Ended::Deleted(Called::NotDone(failure(Some(503), "busy"), None))).await;
        }
        scene.settle().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        assert_eq!((scene.model.ids(), scene.orphans().await.len()), (vec!["client-1".to_owned()], 0));
    }
}

#[tokio::test]
async fn an_orphan_that_cannot_be_looked_for_keeps_its_client_waiting_for_nothing() {
    for scene in Scene::approved(by_credential()).await {
        let id = scene.new_client().await;
        let taken = scene.taken().await.unwrap();
        scene.concluded(&taken, Ended::Registered(Called::Unknown(failure(None, "timeout")))).await;
        for _ in 0..20 {
            scene.world.pass(std::time::Duration::from_secs(400));
            while let Some(taken) = scene.taken().await {
                let ended = match taken.doing {
                    Doing::Search { .. } => Ended::Deleted(Called::NotDone(failure(Some(403), "forbidden"), None)),
                    _ => scene.called(&taken).await,
                };
                scene.concluded(&taken, ended).await;
            }
        }
        assert_eq!(scene.client(&id).await["status"], "live");
        scene.delete(&id).await;
        while let Some(taken) = scene.taken().await {
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        assert_eq!(scene.client(&id).await["status"], "deleted");
    }
}

#[tokio::test]
async fn whoever_only_says_that_a_client_is_his_gives_way_to_the_one_for_whom_it_is_made() {
    for scene in Scene::approved(json!({})).await {
        let other = scene.world.application(&developer()).await.unwrap();
        let body = object(json!({"provider": "idp", "client_id": "client-1"}));
        let claim = scene.world.act(&developer(), async |cx| clients::create(cx, &other, &body).await).await.unwrap();
        assert_eq!(text(&claim, "waiting_for"), "proof");
        let id = scene.new_client().await;
        scene.settle().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        assert_eq!(scene.client(text(&claim, "id")).await["status"], "deleted");
        assert_eq!(scene.model.ids(), ["client-1"]);
        // One that an admin vouches for stays.
        let brought = object(json!({"provider": "idp", "client_id": "client-2"}));
        scene.world.act(&admin(), async |cx| clients::create(cx, &other, &brought).await).await.unwrap();
        let refused = scene.new_client().await;
        scene.rest().await;
        let refused = scene.client(&refused).await;
        assert_eq!((&refused["status"], &refused["error"]["error"]), (&json!("refused"), &json!("client_id_taken")));
        assert!(
            scene.clients().await.iter().any(|client| {
                client.client_id.as_deref() == Some("client-2") && client.status == ClientStatus::Live
            })
        );
        assert!(scene.model.ids().contains(&"client-2".to_owned()), "it is somebody's");
    }
}

#[tokio::test]
async fn tokens_that_name_another_client_id_are_one_applications() {
    for scene in Scene::approved(json!({})).await {
        let named = |id: &str| Ended::Verified(Checked::Good { gateway_client_id: id.to_owned() });
        let id = scene.new_client().await;
        let made = scene.taken().await.unwrap();
        let ended = scene.called(&made).await;
        scene.concluded(&made, ended).await;
        let verifying = scene.taken().await.unwrap();
        scene.concluded(&verifying, named("seen")).await;
        assert_eq!(scene.client(&id).await["gateway_client_id"], "seen");
        let other = scene.world.application(&developer()).await.unwrap();
        let claim = object(json!({"provider": "idp", "client_id": "seen"}));
        for caller in [developer(), admin()] {
            let claimed = scene.world.act(&caller, async |cx| clients::create(cx, &other, &claim).await).await;
            assert!(matches!(claimed, Err(Refusal::Exists(_))), "{claimed:?}");
        }
        let body = object(json!({"provider": "idp", "client_id": "known"}));
        scene.world.act(&admin(), async |cx| clients::create(cx, &other, &body).await).await.unwrap();
        let second = scene.new_client().await;
        let made = scene.taken().await.unwrap();
        let ended = scene.called(&made).await;
        scene.concluded(&made, ended).await;
        let verifying = scene.taken().await.unwrap();
        scene.concluded(&verifying, named("known")).await;
        let refused = scene.client(&second).await;
        assert_eq!((&refused["status"], &refused["error"]["error"]), (&json!("refused"), &json!("client_id_taken")));
        scene.rest().await;
        assert_eq!(scene.model.ids(), ["client-1"], "what nobody may use is deleted");
    }
}
