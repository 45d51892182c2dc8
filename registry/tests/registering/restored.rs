//! A backup that comes back when its tasks have long been done.

use serde_json::{Value, json};
use tessera_registry::domain::orphan::OrphanCause;
use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::provider::OneTimeToken;
use tessera_registry::use_case::clients;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::one_time_tokens;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::record::scan;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::transfer::{Arrival, export, import};

use crate::model::End;
use crate::scene::Scene;
use crate::world::{admin, developer, object, text};

async fn backup(scene: &Scene) -> Vec<u8> {
    let mut backup = Vec::new();
    export(&mut *scene.world.store.read().await.unwrap(), scene.world.now(), &mut backup).await.unwrap();
    backup
}

/// `is_lost`: nothing is left of the database that is replaced. How many clients at providers have become orphans.
async fn restore(scene: &Scene, backup: &[u8], is_lost: bool) -> u64 {
    let (caller, mut file) = (Caller::system("default"), backup);
    let mut tx = scene.world.store.write().await.unwrap();
    if is_lost {
        tx.clear().await.unwrap();
    }
    let cx = &mut scene.world.background().context(tx.as_mut(), &caller, scene.world.now());
    let transferred = import(cx, &mut file, Arrival::Restore { replace: true }).await.unwrap();
    tx.commit().await.unwrap();
    transferred.orphans
}

async fn rotate(scene: &Scene, id: &str) -> String {
    let body = object(json!({"overlap": "0s"}));
    let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, id, &Expected::Any, &body).await;
    text(&scene.world.act(&developer(), rotate).await.unwrap(), "id").to_owned()
}

#[tokio::test]
async fn a_registration_that_was_done_since_is_made_anew_and_the_first_is_an_orphan() {
    for is_lost in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            let backup = backup(&scene).await;
            scene.work().await;
            assert_eq!(scene.client(&id).await["client_id"], "client-1");
            let orphans = restore(&scene, &backup, is_lost).await;
            assert_eq!(scene.client(&id).await["waiting_for"], "registration");
            scene.rest().await;
            let live = scene.client(&id).await;
            assert_eq!((&live["status"], &live["client_id"]), (&json!("live"), &json!("client-2")));
            assert_eq!(scene.model.ids(), ["client-1", "client-2"]);
            let known = scene.orphans().await;
            assert_eq!((orphans, known.len()), if is_lost { (0, 0) } else { (1, 1) }, "{known:?}");
            // Its name ends with a marker, and it has the client's id as software: so it is found at the server.
            let first = scene.model.clients.lock().unwrap()["client-1"].clone();
            assert_eq!(first["software_id"], json!(id));
            if let [orphan] = &known[..] {
                assert_eq!((orphan.client_id.as_deref(), orphan.why), (Some("client-1"), OrphanCause::Late));
                let name = first["client_name"].as_str().unwrap();
                assert!(name.ends_with(orphan.marker.as_ref().unwrap()) && orphan.token.is_some());
                scene.is_whole().await;
            }
        }
    }
}

#[tokio::test]
async fn a_registration_that_ran_when_the_backup_was_made_is_an_orphan_with_its_marker() {
    let settings = json!({"authorization": {"type": "bearer", "credential": "s"}, "management": "credential",
        "search_parameter": "q"});
    for (settings, is_found) in [(settings, true), (json!({}), false)] {
        for scene in Scene::approved(settings.clone()).await {
            let id = scene.new_client().await;
            let taken = scene.taken().await.unwrap();
            let backup = backup(&scene).await;
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
            restore(&scene, &backup, true).await;
            // Nobody waits for that answer: the lease of whoever asked ends.
            scene.rest().await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "live");
            // The marker is known, and by that it is found and deleted where clients can be searched.
            let left = (scene.orphans().await.len(), scene.model.ids().len());
            assert_eq!(left, if is_found { (0, 1) } else { (1, 2) });
        }
    }
}

#[tokio::test]
async fn a_deletion_that_was_done_since_is_done_again() {
    for is_lost in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            scene.work().await;
            scene.delete(&id).await;
            let backup = backup(&scene).await;
            scene.settle().await;
            assert!(scene.model.ids().is_empty());
            assert_eq!(restore(&scene, &backup, is_lost).await, 0);
            assert_eq!(scene.client(&id).await["status"], "deleting");
            scene.settle().await;
            // Where nobody knows of its end, a token that is good for nothing may also be one that was exchanged since.
            let left = (scene.client(&id).await["status"].clone(), scene.orphans().await.len());
            assert_eq!(left, (json!("deleted"), usize::from(is_lost)));
        }
    }
}

#[tokio::test]
async fn a_client_that_was_rotated_or_deleted_since_is_live_again_and_its_server_does_not_know_it() {
    for is_lost in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            scene.work().await;
            let backup = backup(&scene).await;
            let new = rotate(&scene, &id).await;
            scene.settle().await;
            assert_eq!((scene.client(&new).await["status"].clone(), scene.model.ids().len()), (json!("live"), 1));
            let orphans = restore(&scene, &backup, is_lost).await;
            assert_eq!((scene.client(&id).await["status"].clone(), orphans), (json!("live"), u64::from(!is_lost)));
            assert!(!scene.model.ids().contains(&"client-1".to_owned()), "it is of no use");
            // A rotation puts that right.
            let next = rotate(&scene, &id).await;
            scene.rest().await;
            assert_eq!(scene.client(&next).await["status"], "live");
            assert_eq!(scene.client(&id).await["status"], "deleted");
            let [orphan] = &scene.orphans().await[..] else { panic!("{:?}", scene.orphans().await) };
            assert_eq!(orphan.client_id.as_deref(), Some(if is_lost { "client-1" } else { "client-2" }));
        }
    }
}

#[tokio::test]
async fn a_registration_token_that_was_exchanged_since_is_known_or_its_client_an_orphan() {
    for is_lost in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            scene.work().await;
            let backup = backup(&scene).await;
            let change = object(json!({"scopes": ["a"]}));
            let patch = async |cx: &mut Context<'_>| clients::patch(cx, &id, &Expected::Any, &change).await;
            scene.world.act(&developer(), patch).await.unwrap();
            scene.settle().await;
            restore(&scene, &backup, is_lost).await;
            scene.delete(&id).await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            let left = (scene.model.ids().len(), scene.orphans().await.len());
            assert_eq!(left, if is_lost { (1, 1) } else { (0, 0) });
        }
    }
}

#[tokio::test]
async fn a_secret_that_was_shown_since_is_shown_once_more_only_where_nobody_knows() {
    for is_lost in [false, true] {
        for scene in Scene::approved(json!({})).await {
            let id = scene.new_client().await;
            scene.work().await;
            let backup = backup(&scene).await;
            scene.secret(&id).await.unwrap();
            restore(&scene, &backup, is_lost).await;
            let state = if is_lost { "available" } else { "shown" };
            assert_eq!(scene.client(&id).await["secret"], state);
            assert_eq!(scene.secret(&id).await.is_ok(), is_lost);
            scene.delete(&id).await;
            scene.settle().await;
            assert!(scene.model.ids().is_empty());
        }
    }
}

#[tokio::test]
async fn orphans_and_unknown_ends_that_came_since_stay_known() {
    for scene in Scene::approved(json!({})).await {
        let backup = backup(&scene).await;
        scene.model.ends(&[End::LostAfter]);
        scene.new_client().await;
        scene.work().await;
        let orphans = scene.orphans().await;
        assert_eq!((orphans.len(), orphans[0].why), (1, OrphanCause::Unknown));
        // Another one is asked for when the database is replaced.
        scene.new_client().await;
        let taken = scene.taken().await.unwrap();
        scene.called(&taken).await;
        assert_eq!(restore(&scene, &backup, false).await, 2);
        assert!(scene.clients().await.is_empty());
        let known = scene.orphans().await;
        assert!(known.contains(&orphans[0]) && known.len() == 2, "{known:?}");
        scene.is_whole().await;
    }
}

#[tokio::test]
async fn one_time_tokens_come_back_sealed_and_a_used_one_is_good_for_nothing() {
    for scene in Scene::approved(json!({"authorization": {"type": "one_time"}})).await {
        let body = object(json!({"tokens": ["hush-one", "hush-two"]}));
        let add = async |cx: &mut Context<'_>| one_time_tokens::add(cx, "idp", &body).await;
        scene.world.act(&admin(), add).await.unwrap();
        scene.new_client().await;
        let backup = backup(&scene).await;
        assert!(!String::from_utf8_lossy(&backup).contains("hush"));
        scene.work().await;
        restore(&scene, &backup, false).await;
        // The server takes the first no more.
        scene.model.ends(&[End::Denied]);
        scene.rest().await;
        assert_eq!(scene.model.shown(), ["hush-one", "hush-one", "hush-two"]);
        let mut tx = scene.world.store.read().await.unwrap();
        assert!(scan::<OneTimeToken>(tx.as_mut(), None, 10).await.unwrap().is_empty());
        let live: Vec<Value> = scene.clients().await.iter().map(|client| json!(client.status)).collect();
        assert_eq!(live, ["live"]);
    }
}
