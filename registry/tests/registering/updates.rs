//! Clients that are changed.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::fault::Fault;
use tessera_registry::domain::orphan::OrphanCause;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::task::{QueuedTask, TaskStatus};
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::{audit, clients, providers};

use crate::model::End;
use crate::scene::Scene;
use crate::world::{admin, asked, developer, object, text};

/// Longer than any lease here.
const LATER: Duration = Duration::from_secs(400);

fn keys(kid: &str) -> Value {
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})
}

async fn live(settings: Value) -> Vec<(Scene, String)> {
    let mut scenes = Vec::new();
    for scene in Scene::approved(settings).await {
        let id = scene.new_client().await;
        scene.work().await;
        assert_eq!(scene.client(&id).await["status"], "live");
        scenes.push((scene, id));
    }
    scenes
}

/// The scopes of the first client at the server.
fn there(scene: &Scene) -> String {
    scene.model.clients.lock().unwrap()["client-1"].get("scope").map_or("", |scope| scope.as_str().unwrap()).to_owned()
}

fn pointers(refused: Result<impl std::fmt::Debug, Refusal>) -> Vec<String> {
    match refused {
        Err(Refusal::Invalid(faults)) => faults.into_iter().map(|Fault { pointer, .. }| pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_change_is_done_at_the_provider_before_it_holds() {
    for (scene, id) in live(json!({})).await {
        let asked = scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        assert_eq!((text(&asked, "status"), &asked.value["scopes"]), ("live", &json!(["a", "b"])));
        assert_eq!(asked.value["requested"]["scopes"], json!(["a"]));
        assert_eq!(scene.world.rows().await.len(), 1, "it holds its contracts all the while");
        let name = scene.model.clients.lock().unwrap()["client-1"]["client_name"].clone();
        scene.work().await;
        let done = scene.client(&id).await;
        assert_eq!((&done["scopes"], &done["requested"], &done["error"]), (&json!(["a"]), &Value::Null, &Value::Null));
        assert_eq!(
            (there(&scene).as_str(), &scene.model.clients.lock().unwrap()["client-1"]["client_name"]),
            ("a", &name)
        );
        assert_eq!(done["secret"], "available");
        assert_eq!(scene.secret(&id).await.unwrap()["client_secret"], "secret-of-client-1");
        // Another token, and the same secret, which nobody is shown again.
        scene.change(&id, json!({"scopes": null})).await.unwrap();
        scene.work().await;
        let done = scene.client(&id).await;
        assert_eq!((&done["scopes"], &done["secret"]), (&json!(["a", "b"]), &json!("shown")));
        scene.delete(&id).await;
        scene.settle().await;
        assert!(scene.model.ids().is_empty() && scene.orphans().await.is_empty());
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_no_change() {
    for (scene, id) in live(json!({})).await {
        for body in [json!({}), json!({"scopes": ["a", "b"]}), json!({"provider": "idp", "client_id": "client-1"})] {
            let before = scene.client(&id).await;
            assert_eq!(scene.change(&id, body).await.unwrap().value, before);
            assert!(scene.open_tasks().await.is_empty());
        }
        let stale = async |cx: &mut Context<'_>| {
            clients::patch(cx, &id, &Expected::Revisions(vec![99]), &object(json!({"scopes": ["a"]}))).await
        };
        assert_eq!(scene.world.act(&developer(), stale).await, Err(Refusal::PreconditionFailed));
    }
}

#[tokio::test]
async fn what_provider_or_tiers_do_not_allow_is_not_asked_for() {
    for (scene, id) in live(json!({})).await {
        for (body, faulty) in [
            (json!({"scopes": ["a", "z"]}), "/scopes"),
            (json!({"grants": ["authorization_code"]}), "/grants"),
            (json!({"grants": []}), "/grants"),
            (json!({"redirect_uris": ["https://app.example/back"]}), "/redirect_uris"),
            (json!({"redirect_uris": ["http://app.example/back"]}), "/redirect_uris"),
            (json!({"jwks": keys("1")}), "/jwks"),
            (json!({"auth_method": "private_key_jwt"}), "/auth_method"),
            (json!({"requested": null}), "/requested"),
        ] {
            let pointers = pointers(scene.change(&id, body.clone()).await);
            assert!(pointers.iter().any(|pointer| pointer.starts_with(faulty)), "{body} {pointers:?}");
        }
        assert!(scene.open_tasks().await.is_empty());
    }
}

#[tokio::test]
async fn a_key_is_exchanged_also_when_nothing_is_approved_any_more() {
    for scene in Scene::approved(json!({})).await {
        let client = scene.create(json!({"jwks": keys("1")})).await.unwrap();
        let id = text(&client, "id").to_owned();
        scene.work().await;
        // While it waits for a proof: the key was the wrong one.
        scene.change(&id, json!({"jwks": keys("2")})).await.unwrap();
        scene.work().await;
        assert_eq!(scene.client(&id).await["waiting_for"], "proof");
        let body = object(json!({"reason": "known"}));
        let confirm = async |cx: &mut Context<'_>| clients::confirm(cx, &id, &Expected::Any, &body).await;
        scene.world.act(&admin(), confirm).await.unwrap();
        let revoke = tessera_registry::domain::contract_action::ContractAction::Revoke;
        scene.world.contract(&admin(), &scene.contract, revoke, json!({"reason": "over"})).await.unwrap();
        scene.change(&id, json!({"jwks": keys("3")})).await.unwrap();
        scene.work().await;
        assert_eq!(scene.client(&id).await["jwks"], keys("3"));
        assert_eq!(scene.model.clients.lock().unwrap()["client-1"]["jwks"], keys("3"));
        assert_eq!(pointers(scene.change(&id, json!({"scopes": ["b"]})).await), ["/scopes"]);
        assert_eq!(pointers(scene.change(&id, json!({"jwks": null})).await), ["/jwks"]);
    }
}

#[tokio::test]
async fn who_cannot_be_changed_says_so() {
    for settings in [json!({"can_update": false}), json!({"management": "none"})] {
        for (scene, id) in live(settings.clone()).await {
            assert!(matches!(scene.change(&id, json!({"scopes": ["a"]})).await, Err(Refusal::NotSupported(_))));
            assert!(matches!(scene.change(&id, json!({"scopes": ["z"]})).await, Err(Refusal::Invalid(_))));
        }
    }
    for (scene, id) in live(json!({})).await {
        scene.delete(&id).await;
        let gone = scene.change(&id, json!({"scopes": ["a"]})).await;
        assert!(matches!(gone, Err(Refusal::Transition { current: "deleting", .. })), "{gone:?}");
        let body = json!({"client_id": "brought"});
        let brought = text(&scene.create(body).await.unwrap(), "id").to_owned();
        assert_eq!(pointers(scene.change(&brought, json!({"scopes": ["a"]})).await), ["/scopes"]);
    }
}

#[tokio::test]
async fn what_is_nowhere_yet_is_changed_at_once() {
    for scene in Scene::each(json!({})).await {
        let id = scene.new_client().await;
        let changed = scene.change(&id, json!({"scopes": ["a", "z"]})).await.unwrap();
        assert_eq!((&changed.value["scopes"], &changed.value["requested"]), (&json!(["a", "z"]), &Value::Null));
        scene.approve().await;
        assert_eq!(scene.client(&id).await["status"], "refused");
        assert_eq!(pointers(scene.change(&id, json!({"scopes": ["z"]})).await), ["/scopes"]);
        let all = scene.change(&id, json!({"scopes": null})).await.unwrap();
        assert_eq!(all.value["scopes"], json!(["a", "b"]));
        let body = object(json!({}));
        let retry = async |cx: &mut Context<'_>| clients::retry(cx, &id, &Expected::Any, &body).await;
        scene.world.act(&developer(), retry).await.unwrap();
        // It is being registered now: the change comes after that.
        let taken = scene.taken().await.unwrap();
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        let ended = scene.called(&taken).await;
        scene.concluded(&taken, ended).await;
        assert_eq!(there(&scene), "a b");
        scene.settle().await;
        let live = scene.client(&id).await;
        assert_eq!((&live["status"], &live["scopes"], there(&scene).as_str()), (&json!("live"), &json!(["a"]), "a"));
    }
}

#[tokio::test]
async fn what_was_asked_for_of_a_client_that_is_refused_is_in_the_audit_when_it_holds() {
    for scene in Scene::approved(json!({})).await {
        *scene.model.is_deaf.lock().unwrap() = true;
        let id = scene.new_client().await;
        scene.work().await;
        assert_eq!(scene.client(&id).await["waiting_for"], "verification");
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.settle().await;
        let client = scene.client(&id).await;
        assert_eq!((&client["status"], &client["scopes"]), (&json!("refused"), &json!(["a"])));
        let subject = format!("client:{id}");
        let of = asked(&[("subject", subject.as_str()), ("action", "client.updated")]);
        let entries = scene.world.act(&admin(), async |cx| audit::list(cx, &of).await).await.unwrap().items;
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((&entry["before"]["scopes"], &entry["after"]["scopes"]), (&json!(["a", "b"]), &json!(["a"])));
    }
}

#[tokio::test]
async fn an_update_ends_as_the_provider_has_answered() {
    for (end, scopes, held, error) in [
        (End::Usual, "a", json!(["a"]), Value::Null),
        (End::NotDone(Some(3600)), "a", json!(["a"]), Value::Null),
        (End::LostBefore, "a", json!(["a"]), Value::Null),
        (End::Fewer, "", json!(["a"]), Value::Null),
        (End::Refused, "a b", json!(["a", "b"]), json!("invalid_client_metadata")),
        // The provider has again what holds here.
        (End::Wider, "a b", json!(["a", "b"]), json!("wider")),
    ] {
        for (scene, id) in live(json!({})).await {
            scene.model.ends(&[end]);
            scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
            scene.work().await;
            let is_again = matches!(end, End::NotDone(_) | End::LostBefore);
            assert_eq!(scene.client(&id).await["requested"].is_object(), is_again, "{end:?}");
            scene.rest().await;
            let client = scene.client(&id).await;
            assert_eq!((&client["status"], &client["scopes"]), (&json!("live"), &held), "{end:?}");
            assert_eq!((&client["error"]["error"], &client["requested"]), (&error, &Value::Null), "{end:?} {client}");
            assert_eq!(there(&scene), scopes, "{end:?}");
            assert_eq!(client["differences"].as_array().unwrap().len(), usize::from(end == End::Fewer), "{client}");
            // It can be changed, and go.
            scene.change(&id, json!({"scopes": ["b"]})).await.unwrap();
            scene.settle().await;
            let client = scene.client(&id).await;
            assert_eq!((&client["error"], there(&scene).as_str()), (&Value::Null, "b"), "{end:?}");
            scene.delete(&id).await;
            scene.settle().await;
            assert!(scene.model.ids().is_empty() && scene.orphans().await.is_empty(), "{end:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_always_gives_more_is_not_asked_for_ever() {
    for (scene, id) in live(json!({})).await {
        scene.model.ends(&[End::Wider, End::Wider, End::Wider]);
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.settle().await;
        assert_eq!(*scene.model.calls.lock().unwrap(), ["update", "update"], "one to change, one to take it back");
        let client = scene.client(&id).await;
        assert_eq!((&client["error"]["error"], &client["differences"][0]["got"]), (&json!("wider"), &json!("a b c")));
        let tasks = scene.tasks().await;
        let refused: Vec<&QueuedTask> = tasks.iter().filter(|task| task.status == TaskStatus::Refused).collect();
        assert_eq!(refused.len(), 2);
        assert_eq!(refused[0].last.as_ref().unwrap().error.as_deref(), Some("wider"));
    }
}

#[tokio::test]
async fn a_token_that_went_with_a_lost_answer_is_told_and_the_client_is_an_orphan_in_the_end() {
    for is_deleted_first in [false, true] {
        for (scene, id) in live(json!({})).await {
            scene.model.ends(&[End::LostAfter]);
            scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
            scene.work().await;
            if !is_deleted_first {
                scene.settle().await;
                let client = scene.client(&id).await;
                assert_eq!((&client["status"], &client["requested"]), (&json!("live"), &Value::Null));
                assert_eq!(client["error"]["error"], "registration_token_lost", "{client}");
                assert_eq!(*scene.model.calls.lock().unwrap(), ["update", "update"], "it is not tried for ever");
                let again = scene.change(&id, json!({"scopes": ["b"]})).await;
                assert!(matches!(again, Err(Refusal::NotSupported(_))), "{again:?}");
            }
            scene.delete(&id).await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            let orphans = scene.orphans().await;
            assert_eq!((scene.model.ids().len(), orphans.len()), (1, 1), "it is there, and known to be");
            assert_eq!((orphans[0].client_id.as_deref(), orphans[0].why), (Some("client-1"), OrphanCause::Kept));
        }
    }
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_where_the_registry_has_a_credential_of_its_own() {
    let settings = json!({"authorization": {"type": "bearer", "credential": "s"}, "management": "credential"});
    for (scene, id) in live(settings).await {
        scene.model.ends(&[End::LostAfter, End::Refused]);
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.settle().await;
        // The second said no; the first was done for all that, and is taken back.
        let client = scene.client(&id).await;
        assert_eq!((&client["scopes"], there(&scene).as_str()), (&json!(["a", "b"]), "a b"), "{client}");
        scene.delete(&id).await;
        scene.settle().await;
        assert!(scene.model.ids().is_empty() && scene.orphans().await.is_empty());
    }
}

#[tokio::test]
async fn a_doubtful_client_is_looked_at_before_it_is_deleted() {
    for (read, clients, orphans) in [(End::Usual, 0, 0), (End::NotDone(None), 0, 0), (End::Refused, 1, 1)] {
        for (scene, id) in live(json!({})).await {
            scene.model.ends(&[End::LostBefore, read]);
            scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
            scene.work().await;
            scene.delete(&id).await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            assert_eq!((scene.model.ids().len(), scene.orphans().await.len()), (clients, orphans), "{read:?}");
        }
    }
}

#[tokio::test]
async fn a_new_secret_is_shown_once() {
    for (scene, id) in live(json!({})).await {
        scene.secret(&id).await.unwrap();
        *scene.model.new_secrets.lock().unwrap() = true;
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.settle().await;
        assert_eq!(scene.client(&id).await["secret"], "available");
        assert_eq!(scene.secret(&id).await.unwrap()["client_secret"], "secret-of-client-1-1");
        assert_eq!(scene.secret(&id).await, Err(Refusal::SecretGone));
    }
}

#[tokio::test]
async fn what_is_asked_for_meanwhile_comes_next() {
    for first in [End::Usual, End::Refused, End::Wider, End::NotDone(None), End::LostBefore] {
        for (scene, id) in live(json!({})).await {
            scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
            let taken = scene.taken().await.unwrap();
            let asked = scene.change(&id, json!({"scopes": ["b"]})).await.unwrap();
            assert_eq!(asked.value["requested"]["scopes"], json!(["b"]));
            assert!(scene.taken().await.is_none(), "one at a time");
            scene.model.ends(&[first]);
            let ended = scene.called(&taken).await;
            scene.concluded(&taken, ended).await;
            assert_eq!(scene.client(&id).await["requested"]["scopes"], json!(["b"]), "{first:?}");
            scene.settle().await;
            let client = scene.client(&id).await;
            assert_eq!((&client["scopes"], there(&scene).as_str()), (&json!(["b"]), "b"), "{first:?}");
            assert_eq!((&client["requested"], &client["error"]), (&Value::Null, &Value::Null), "{first:?}");
        }
    }
}

#[tokio::test]
async fn changes_of_one_client_are_put_together() {
    for scene in Scene::approved(json!({})).await {
        let client = scene.create(json!({"jwks": keys("1")})).await.unwrap();
        let id = text(&client, "id").to_owned();
        scene.work().await;
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        scene.change(&id, json!({"jwks": keys("2")})).await.unwrap();
        assert_eq!(scene.open_tasks().await.len(), 1);
        scene.settle().await;
        let client = scene.client(&id).await;
        assert_eq!((&client["scopes"], &client["jwks"]), (&json!(["a"]), &keys("2")));
    }
}

#[tokio::test]
async fn a_client_that_goes_or_is_replaced_while_it_is_changed_does_so() {
    for is_killed in [false, true] {
        for (scene, id) in live(json!({})).await {
            scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
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
            // The token of an answer that nobody has read is nobody's.
            let left = usize::from(is_killed);
            assert_eq!((scene.model.ids().len(), scene.orphans().await.len()), (left, left));
        }
    }
    for (scene, old) in live(json!({})).await {
        scene.change(&old, json!({"scopes": ["a"]})).await.unwrap();
        let body = object(json!({"overlap": "1h"}));
        let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, &old, &Expected::Any, &body).await;
        let new = text(&scene.world.act(&developer(), rotate).await.unwrap(), "id").to_owned();
        scene.settle().await;
        assert_eq!((&scene.client(&old).await["status"], there(&scene).as_str()), (&json!("retiring"), "a"));
        assert_eq!(scene.client(&new).await["scopes"], json!(["a"]));
        let late = scene.change(&old, json!({"scopes": ["b"]})).await;
        assert!(matches!(late, Err(Refusal::Transition { current: "retiring", .. })), "{late:?}");
    }
}

#[tokio::test]
async fn of_two_replicas_the_late_one_keeps_only_the_token() {
    for (scene, id) in live(json!({})).await {
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        let slow = scene.taken().await.unwrap();
        let late = scene.called(&slow).await;
        scene.world.pass(LATER);
        let other = scene.taken().await.unwrap();
        let ended = scene.called(&other).await;
        scene.concluded(&slow, late).await;
        assert_eq!(scene.client(&id).await["scopes"], json!(["a", "b"]), "whoever has it now says what holds");
        scene.concluded(&other, ended).await;
        scene.settle().await;
        let client = scene.client(&id).await;
        assert_eq!((&client["scopes"], &client["error"]), (&json!(["a"]), &Value::Null), "{client}");
        scene.delete(&id).await;
        scene.settle().await;
        assert!(scene.model.ids().is_empty(), "by the token that came late");
    }
    // The other has given up by then.
    for (scene, id) in live(json!({})).await {
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        let slow = scene.taken().await.unwrap();
        let late = scene.called(&slow).await;
        scene.world.pass(LATER);
        scene.work().await;
        assert_eq!(scene.client(&id).await["error"]["error"], "registration_token_lost");
        scene.concluded(&slow, late).await;
        assert_eq!(scene.client(&id).await["error"]["error"], "late");
        scene.settle().await;
        assert_eq!((&scene.client(&id).await["scopes"], there(&scene).as_str()), (&json!(["a", "b"]), "a b"));
        scene.change(&id, json!({"scopes": ["b"]})).await.unwrap();
        scene.settle().await;
        assert_eq!((&scene.client(&id).await["error"], there(&scene).as_str()), (&Value::Null, "b"));
    }
}

#[tokio::test]
async fn a_provider_that_changes_no_clients_any_more_is_not_asked() {
    for (scene, id) in live(json!({})).await {
        scene.change(&id, json!({"scopes": ["a"]})).await.unwrap();
        let body = object(json!({"can_update": false}));
        let patch = async |cx: &mut Context<'_>| providers::patch(cx, "idp", &Expected::Any, &body).await;
        scene.world.act(&admin(), patch).await.unwrap();
        scene.settle().await;
        let client = scene.client(&id).await;
        assert_eq!((&client["error"]["error"], &client["requested"]), (&json!("not_supported"), &Value::Null));
        assert_eq!(scene.tasks().await.last().unwrap().status, TaskStatus::Refused);
        assert!(scene.model.calls.lock().unwrap().is_empty());
    }
}
