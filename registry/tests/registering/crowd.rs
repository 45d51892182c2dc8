//! Many tasks that cannot have a turn, and what they must not hide.

use std::collections::BTreeSet;

use serde_json::json;
use tessera_registry::domain::client::AppClient;
use tessera_registry::domain::task::{QueuedTask, TaskKind};
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::due_pass::DuePass;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::record::{get, insert};
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{clients, providers};

use crate::scene::Scene;
use crate::world::{admin, developer, object, text};

impl Scene {
    /// So many more clients like that one, each with a task.
    pub async fn like(&self, id: &str, count: usize, kind: Option<TaskKind>) {
        let mut tx = self.world.store.write().await.unwrap();
        let like = get::<AppClient>(tx.as_mut(), "default", id).await.unwrap().unwrap().thing;
        for number in 0..count {
            let id = uuid::Uuid::now_v7().to_string();
            let client_id = like.client_id.as_ref().map(|client_id| format!("{client_id}-{number}"));
            let client = AppClient { id, client_id, gateway_client_id: None, ..like.clone() };
            if let Some(kind) = kind {
                let (id, of) = (uuid::Uuid::now_v7().to_string(), (client.id.as_str(), client.provider.as_str()));
                let task = QueuedTask::of_client(id, kind, of, self.world.now());
                insert(tx.as_mut(), "default", task).await.unwrap();
            }
            insert(tx.as_mut(), "default", client).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn registrations_that_wait_at_a_provider_that_hangs_hide_no_other_task() {
    for mut scene in Scene::approved(json!({})).await {
        scene.world.limits.clients_per_application = 10_000;
        let other = object(json!({"id": "other", "kind": "dcr", "issuer": "https://other.example"}));
        scene.world.act(&admin(), async |cx| providers::create(cx, &other).await).await.unwrap();
        let lives = scene.new_client().await;
        scene.work().await;
        let waits = scene.new_client().await;
        let hangs = scene.taken().await.unwrap();
        assert_eq!(hangs.task.kind, TaskKind::Register);
        scene.like(&waits, 2100, Some(TaskKind::Register)).await;

        scene.delete(&lives).await;
        let deletion = scene.taken().await.expect("what else is to be done at the provider");
        assert_eq!((deletion.task.kind, deletion.task.client.as_deref()), (TaskKind::Delete, Some(lives.as_str())));
        let body = object(json!({"provider": "other"}));
        let create = async |cx: &mut Context<'_>| clients::create(cx, &scene.application, &body).await;
        let elsewhere = scene.world.act(&developer(), create).await.unwrap();
        let registration = scene.taken().await.expect("what is to be done at another provider");
        assert_eq!(registration.task.client.as_deref(), Some(text(&elsewhere, "id")));
        assert!(scene.taken().await.is_none(), "nobody else has a turn");
    }
}

#[tokio::test]
async fn a_pass_that_cannot_look_at_everything_is_gone_on_with() {
    for scene in Scene::approved(json!({})).await {
        let client = scene.new_client().await;
        scene.like(&client, 2600, Some(TaskKind::Verify)).await;
        let (mut pass, mut seen, mut passes) = (DuePass::default(), BTreeSet::new(), Vec::new());
        for _ in 0..3 {
            pass.begin();
            let before = seen.len();
            loop {
                let page = pass.page(scene.world.background(), &[]).await.unwrap();
                if page.is_empty() {
                    break;
                }
                seen.extend(page.into_iter().map(|due| due.id().to_owned()));
            }
            passes.push(seen.len() - before);
        }
        assert_eq!(passes, [2000, 601, 0]);
        // All was looked at: the next one begins at the front.
        pass.begin();
        let first = pass.page(scene.world.background(), &[]).await.unwrap();
        assert!(first.iter().all(|due| seen.contains(due.id())) && first.len() == 500);
    }
}
