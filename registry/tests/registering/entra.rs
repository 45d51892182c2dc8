//! Clients in a tenant of Entra ID, of which a stand-in replicates late, throttles and loses answers.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::client::ClientStatus;
use tessera_registry::domain::orphan::OrphanCause;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::registered::{NextSecret, SealedSecret};
use tessera_registry::domain::task::{TaskKind, TaskOutcome};
use tessera_registry::domain::time::Time;
use tessera_registry::use_case::client_calls::Ended;
use tessera_registry::use_case::clients;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Clock as _;
use tessera_registry::use_case::registrar::{Called, Failure};
use tessera_registry::use_case::shown::{Expected, Shown};

use crate::graph::StandIn;
use crate::scene::Scene;
use crate::scripted::Scripted;
use crate::world::{developer, object, text};

/// Longer than any lease here.
const LATER: Duration = Duration::from_secs(400);
const DAY: Duration = Duration::from_secs(86_400);

impl Scene {
    fn stand_in(&self) -> &StandIn {
        &self.tenant.as_ref().unwrap().stand_in
    }

    fn secrets(&self) -> Vec<String> {
        self.tenant.as_ref().unwrap().secrets()
    }

    async fn rotate(&self, id: &str, body: Value) -> Result<Shown, Refusal> {
        let body = object(body);
        self.world.act(&developer(), async |cx| clients::rotate(cx, id, &Expected::Any, &body).await).await
    }

    /// A client that lives, and its first secret.
    async fn live_client(&self) -> (String, String) {
        let id = self.new_client().await;
        self.settle().await;
        let secret = self.secret(&id).await.unwrap();
        (id, secret["client_secret"].as_str().unwrap().to_owned())
    }

    async fn retire_due(&self) -> u64 {
        clients::retire_due(self.world.background()).await.unwrap()
    }
}

fn sealed() -> SealedSecret {
    let (secret, key_id) = (Some("sealed".to_owned()), "k".to_owned());
    SealedSecret { secret, key_id, given_at: Time::from_millis(0), expires_at: None }
}

#[tokio::test]
async fn a_client_is_registered_gets_a_secret_lives_and_goes() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let created = scene.create(json!({})).await.unwrap();
        let id = text(&created, "id");
        assert_eq!(
            (text(&created, "auth_method"), &created.value["grants"]),
            ("client_secret_post", &json!(["client_credentials"]))
        );
        scene.settle().await;
        let live = scene.client(id).await;
        let made = scene.stand_in().applications().remove(0);
        assert_eq!((&live["status"], &live["secret"]), (&json!("live"), &json!("available")), "{live}");
        assert_eq!((&live["client_id"], &live["gateway_client_id"]), (&json!(made.app_id), &json!(made.app_id)));
        assert!(live["secret_expires_at"].is_string() && live["differences"] == json!([]), "{live}");
        assert_eq!(made.name, format!("Shop \u{b7} t-{id}"));
        let shown = scene.secret(id).await.unwrap();
        assert_eq!(scene.secrets(), [shown["client_secret"].as_str().unwrap()]);
        assert_eq!(scene.secret(id).await, Err(Refusal::SecretGone));
        scene.delete(id).await;
        scene.settle().await;
        assert_eq!(scene.client(id).await["status"], "deleted");
        assert_eq!((scene.stand_in().applications().len(), scene.orphans().await.len()), (0, 0));
    }
}

#[tokio::test]
async fn what_entra_does_not_offer_is_refused() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]});
        for wrong in [
            json!({"jwks": keys}),
            json!({"grants": ["authorization_code"], "redirect_uris": ["https://app.example/back"]}),
            json!({"auth_method": "private_key_jwt"}),
            json!({"auth_method": "none"}),
        ] {
            assert!(matches!(scene.create(wrong.clone()).await, Err(Refusal::Invalid(_))), "{wrong}");
        }
        let (id, _) = scene.live_client().await;
        let refused = scene.rotate(&id, json!({"jwks": keys})).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_not_replicated_yet_is_waited_for_and_is_no_failed_check() {
    for scene in Scene::approved_at_entra(json!({})).await {
        scene.tenant.as_ref().unwrap().with(|state| state.lag = 12);
        let id = scene.new_client().await;
        let mut is_late = false;
        for _ in 0..200 {
            scene.work().await;
            for task in scene.open_tasks().await {
                is_late |= task.kind == TaskKind::Verify && task.last.is_some() && task.failures == 0;
            }
            scene.world.pass(Duration::from_secs(10));
        }
        assert!(is_late, "it had to wait");
        assert_eq!(scene.client(&id).await["status"], "live");
        scene.settle().await;
    }
}

#[tokio::test]
async fn what_never_is_replicated_is_refused_in_the_end_and_deleted() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let id = scene.new_client().await;
        // Registered; its secret is lost to all replicas.
        for _ in 0..2 {
            let taken = scene.taken().await.unwrap();
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        scene
            .tenant
            .as_ref()
            .unwrap()
            .with(|state| state.applications.values_mut().for_each(|known| known.secrets.clear()));
        let begun = scene.world.now();
        while scene.client(&id).await["status"] == "pending" {
            scene.work().await;
            scene.world.pass(Duration::from_secs(10));
            assert!(scene.world.now().since(begun) < Duration::from_secs(700), "it waits for ever");
        }
        assert!(scene.world.now().since(begun) > Duration::from_secs(600), "it may still come");
        scene.settle().await;
        let refused = scene.client(&id).await;
        assert_eq!((&refused["status"], &refused["error"]["error"]), (&json!("refused"), &json!("not_replicated")));
        assert!(scene.stand_in().applications().is_empty());
    }
}

#[tokio::test]
async fn whoever_is_killed_at_any_step_leaves_one_application_with_one_secret() {
    // From the request to the end: register, add a secret, verify, delete.
    for step in 0..4 {
        for is_called in [false, true] {
            for scene in Scene::approved_at_entra(json!({})).await {
                let id = scene.new_client().await;
                for done in 0..4 {
                    if done == 3 {
                        let client = scene.client(&id).await;
                        assert_eq!(client["status"], "live", "{step} {client}");
                        scene.settle().await;
                        assert_eq!((scene.stand_in().applications().len(), scene.secrets().len()), (1, 1), "{step}");
                        scene.delete(&id).await;
                    }
                    let taken = scene.taken().await.unwrap();
                    if done == step {
                        if is_called {
                            scene.called(&taken).await;
                        }
                        assert!(scene.taken().await.is_none(), "somebody has it");
                        scene.world.pass(LATER);
                        let again = scene.taken().await.unwrap();
                        assert_eq!(again.task.id, taken.task.id);
                        let ended = scene.called(&again).await;
                        scene.concluded(&again, ended).await;
                    } else {
                        let ended = scene.called(&taken).await;
                        scene.concluded(&taken, ended).await;
                    }
                }
                scene.settle().await;
                assert_eq!(scene.client(&id).await["status"], "deleted");
                assert_eq!((scene.stand_in().applications().len(), scene.orphans().await.len()), (0, 0));
            }
        }
    }
}

#[tokio::test]
async fn answers_that_are_lost_or_late_leave_nothing() {
    for lost in ["uniqueName", "servicePrincipals", "addPassword"] {
        for scene in Scene::approved_at_entra(json!({})).await {
            let id = scene.new_client().await;
            let lose = |word| scene.tenant.as_ref().unwrap().with(|state| state.loses = word);
            lose(Some(lost));
            scene.work().await;
            let task = scene.open_tasks().await.remove(0);
            assert_eq!(task.last.map(|last| last.outcome), Some(TaskOutcome::Unknown), "{lost}");
            lose(None);
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "live");
            assert_eq!((scene.stand_in().applications().len(), scene.secrets().len()), (1, 1), "{lost}");
            assert_eq!(scene.orphans().await.len(), 0, "{lost}");
        }
    }
    for step in 0..2 {
        for scene in Scene::approved_at_entra(json!({})).await {
            let id = scene.new_client().await;
            for _ in 0..step {
                let taken = scene.taken().await.unwrap();
                let ended = scene.called(&taken).await;
                scene.concluded(&taken, ended).await;
            }
            let slow = scene.taken().await.unwrap();
            scene.world.pass(LATER);
            let other = scene.taken().await.unwrap();
            let ended = scene.called(&other).await;
            scene.concluded(&other, ended).await;
            scene.settle().await;
            // It was away for all that time.
            let late = scene.called(&slow).await;
            scene.concluded(&slow, late).await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "live");
            assert_eq!((scene.stand_in().applications().len(), scene.secrets().len()), (1, 1), "{step}");
        }
    }
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_found_and_deleted() {
    for is_refused in [false, true] {
        for scene in Scene::approved_at_entra(json!({})).await {
            let id = scene.new_client().await;
            scene.tenant.as_ref().unwrap().with(|state| state.loses = Some("uniqueName"));
            scene.work().await;
            scene.tenant.as_ref().unwrap().with(|state| {
                state.loses = None;
                state
                    .instead
                    .extend(is_refused.then(|| Scripted::json(400, &json!({"error": {"code": "Request_BadRequest"}}))));
            });
            if !is_refused {
                scene.delete(&id).await;
            }
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], if is_refused { "refused" } else { "deleted" });
            assert_eq!((scene.stand_in().applications().len(), scene.orphans().await.len()), (0, 0));
            if is_refused {
                let body = object(json!({}));
                let retry = async |cx: &mut Context<'_>| clients::retry(cx, &id, &Expected::Any, &body).await;
                scene.world.act(&developer(), retry).await.unwrap();
                scene.settle().await;
                assert_eq!(scene.client(&id).await["status"], "live");
            }
        }
    }
    for scene in Scene::approved_at_entra(json!({"on_delete": "keep"})).await {
        let (id, _) = scene.live_client().await;
        scene.delete(&id).await;
        scene.settle().await;
        let orphans = scene.orphans().await;
        assert_eq!((orphans.len(), orphans[0].why), (1, OrphanCause::Kept));
        assert_eq!(scene.stand_in().applications().len(), 1);
    }
}

#[tokio::test]
async fn graph_is_not_asked_before_it_wants_to_be() {
    for scene in Scene::approved_at_entra(json!({})).await {
        scene
            .tenant
            .as_ref()
            .unwrap()
            .with(|state| state.instead.push(Scripted::text(429, "").with("retry-after", "600")));
        scene.new_client().await;
        scene.work().await;
        let task = scene.open_tasks().await.remove(0);
        assert_eq!(task.next_at, Some(scene.world.now().plus(Duration::from_secs(600))));
        scene.settle().await;
        assert_eq!(scene.stand_in().applications().len(), 1);
    }
}

#[tokio::test]
async fn a_rotation_gives_the_same_client_a_second_secret_and_removes_the_first_in_time() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let (id, first) = scene.live_client().await;
        let rotated = scene.rotate(&id, json!({})).await.unwrap();
        assert_eq!((text(&rotated, "id"), text(&rotated, "status")), (id.as_str(), "live"));
        let again = scene.rotate(&id, json!({})).await;
        assert_eq!(again, Err(Refusal::Transition { current: "live", allowed: Vec::new() }));
        assert_eq!(scene.world.rows().await.len(), 1, "it goes on holding its contract");
        scene.settle().await;
        let client = scene.client(&id).await;
        assert_eq!((&client["status"], &client["secret"]), (&json!("live"), &json!("available")));
        assert_eq!(client["retire_at"], json!(scene.world.now().plus(DAY)));
        let second = scene.secret(&id).await.unwrap()["client_secret"].as_str().unwrap().to_owned();
        assert_eq!(scene.secrets(), [first.clone(), second.clone()]);
        // Whoever exports or seals anew has each secret that is kept.
        let mut kept = scene.clients().await.remove(0).registered.unwrap();
        assert!(kept.secret.is_none() && kept.sealed("c").is_empty());
        kept.next = Some(NextSecret { added: Some(sealed()), ..NextSecret::default() });
        assert_eq!(kept.sealed("c").len(), 1);
        scene.world.pass(DAY.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(scene.retire_due().await, 0);
        scene.world.pass(Duration::from_millis(1));
        assert_eq!((scene.retire_due().await, scene.retire_due().await), (1, 0));
        scene.settle().await;
        assert_eq!(scene.secrets(), std::slice::from_ref(&second));
        assert_eq!(scene.client(&id).await["retire_at"], Value::Null);
        // At once.
        scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
        scene.settle().await;
        let third = scene.secret(&id).await.unwrap();
        assert_eq!(scene.secrets(), [third["client_secret"].as_str().unwrap()]);
        let kept = scene.clients().await.remove(0).registered.unwrap();
        assert!(kept.secret.is_none() && kept.next.is_none() && kept.retiring.is_none());
    }
}

#[tokio::test]
async fn a_rotation_cuts_no_overlap_that_was_agreed_on_but_for_one_without_any() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let (id, first) = scene.live_client().await;
        let mut known = vec![first];
        let shown = async || scene.secret(&id).await.unwrap()["client_secret"].as_str().unwrap().to_owned();
        scene.rotate(&id, json!({"overlap": "1h"})).await.unwrap();
        scene.settle().await;
        known.push(shown().await);
        let before = scene.client(&id).await;
        for body in [json!({"overlap": "1s"}), json!({})] {
            let refused = scene.rotate(&id, body).await;
            assert!(matches!(refused, Err(Refusal::Transition { current: "live", .. })), "{refused:?}");
        }
        assert_eq!((scene.client(&id).await, scene.secrets()), (before, known.clone()));
        // Somebody may have got hold of both.
        scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
        scene.settle().await;
        known.push(shown().await);
        assert_eq!(scene.secrets(), known[2..]);

        scene.rotate(&id, json!({"overlap": "1h"})).await.unwrap();
        scene.settle().await;
        known.push(shown().await);
        assert_eq!(scene.secrets(), known[2..]);
        // Its time has come, though nobody has seen to that.
        scene.world.pass(Duration::from_secs(3600));
        scene.rotate(&id, json!({"overlap": "1h"})).await.unwrap();
        scene.settle().await;
        known.push(shown().await);
        assert_eq!(scene.secrets(), known[3..]);
    }
}

#[tokio::test]
async fn a_rotation_that_is_refused_changes_nothing() {
    for is_added in [false, true] {
        for scene in Scene::approved_at_entra(json!({})).await {
            let (id, first) = scene.live_client().await;
            scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
            if is_added {
                let taken = scene.taken().await.unwrap();
                let ended = scene.called(&taken).await;
                scene.concluded(&taken, ended).await;
                // It never works.
                scene.tenant.as_ref().unwrap().with(|state| {
                    for known in state.applications.values_mut() {
                        known.secrets.last_mut().unwrap().secret = "another".into();
                    }
                });
                for _ in 0..70 {
                    scene.work().await;
                    scene.world.pass(Duration::from_secs(10));
                }
            } else {
                let refused = Scripted::json(400, &json!({"error": {"code": "Request_BadRequest"}}));
                scene.tenant.as_ref().unwrap().with(|state| state.instead.push(refused));
            }
            scene.settle().await;
            let client = scene.client(&id).await;
            assert_eq!((&client["status"], &client["secret"]), (&json!("live"), &json!("shown")), "{client}");
            assert_eq!(client["error"]["outcome"], "refused", "{client}");
            assert_eq!(scene.secrets(), [first]);
            scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
            scene.settle().await;
            assert_eq!(scene.client(&id).await["error"], Value::Null);
        }
    }
}

#[tokio::test]
async fn whoever_is_killed_while_secrets_are_rotated_leaves_those_that_are_wanted() {
    // A secret is added, checked, and the first one removed.
    for step in 0..3 {
        for is_called in [false, true] {
            for scene in Scene::approved_at_entra(json!({})).await {
                let (id, first) = scene.live_client().await;
                scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
                for done in 0..3 {
                    let mut taken = scene.taken().await.unwrap();
                    if done == step {
                        if is_called {
                            scene.called(&taken).await;
                        }
                        scene.world.pass(LATER);
                        taken = scene.taken().await.unwrap();
                    }
                    let ended = scene.called(&taken).await;
                    scene.concluded(&taken, ended).await;
                }
                scene.settle().await;
                let second = scene.secret(&id).await.unwrap()["client_secret"].as_str().unwrap().to_owned();
                assert_ne!(first, second);
                assert_eq!(scene.secrets(), [second], "{step} {is_called}");
            }
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_not_checked_in_a_day_is_erased() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let (id, first) = scene.live_client().await;
        scene.rotate(&id, json!({})).await.unwrap();
        let taken = scene.taken().await.unwrap();
        let ended = scene.called(&taken).await;
        scene.concluded(&taken, ended).await;
        scene.world.pass(DAY);
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(1));
        let kept = scene.clients().await.remove(0).registered.unwrap();
        assert!(kept.next.unwrap().added.unwrap().secret.is_none());
        scene.settle().await;
        assert_eq!(scene.client(&id).await["secret"], "shown");
        assert_eq!(scene.secrets(), [first]);
    }
}

#[tokio::test]
async fn that_a_secret_was_added_is_in_the_audit() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let id = scene.new_client().await;
        while scene.client(&id).await["waiting_for"] == "registration" {
            let taken = scene.taken().await.unwrap();
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        }
        let (entry, client) = (scene.world.latest().await, scene.client(&id).await);
        assert_eq!((&entry["action"], &client["waiting_for"]), (&json!("client.secret_added"), &json!("verification")));
        assert_eq!(entry["before"]["waiting_for"], "registration");
        assert_eq!(entry["after"], client);
    }
}

#[tokio::test]
async fn a_secret_that_is_not_removed_is_no_secret_forgotten() {
    for scene in Scene::approved_at_entra(json!({})).await {
        let (id, _) = scene.live_client().await;
        scene.rotate(&id, json!({"overlap": "0s"})).await.unwrap();
        let taken = loop {
            let taken = scene.taken().await.unwrap();
            if taken.task.kind == TaskKind::RemoveSecret {
                break taken;
            }
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
        };
        assert_eq!(scene.secrets().len(), 2);
        let denied = Failure { status: Some(400), ..Failure::default() };
        scene.concluded(&taken, Ended::KeptSecrets(Called::Refused(denied))).await;
        let task = scene.open_tasks().await.remove(0);
        assert_eq!((task.kind, task.last.unwrap().outcome), (TaskKind::RemoveSecret, TaskOutcome::NotDone));
        scene.settle().await;
        assert_eq!(scene.secrets().len(), 1);
    }
}

#[tokio::test]
async fn a_client_that_is_deleted_while_it_rotates_goes() {
    for steps in 0..3 {
        for scene in Scene::approved_at_entra(json!({})).await {
            let (id, _) = scene.live_client().await;
            scene.rotate(&id, json!({})).await.unwrap();
            for _ in 0..steps {
                if let Some(taken) = scene.taken().await {
                    let ended = scene.called(&taken).await;
                    scene.concluded(&taken, ended).await;
                }
            }
            scene.delete(&id).await;
            scene.settle().await;
            assert_eq!(scene.clients().await[0].status, ClientStatus::Deleted);
            assert!(scene.stand_in().applications().is_empty() && scene.orphans().await.is_empty());
        }
    }
}
