//! From the request to the end of a client.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Proof;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::{applications, clients, providers};

use crate::scene::Scene;
use crate::world::{admin, developer, object, text};

fn keys() -> Value {
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})
}

#[tokio::test]
async fn a_client_waits_for_approval_lives_shows_its_secret_once_and_goes() {
    for scene in Scene::each(json!({})).await {
        let client = scene.create(json!({})).await.unwrap();
        assert_eq!((text(&client, "status"), text(&client, "waiting_for")), ("pending", "approval"));
        assert_eq!(text(&client, "auth_method"), "client_secret_basic");
        let id = text(&client, "id");
        scene.work().await;
        assert!(scene.model.ids().is_empty(), "nobody has approved it");
        scene.approve().await;
        assert_eq!(scene.client(id).await["waiting_for"], "registration");
        scene.work().await;
        let live = scene.client(id).await;
        assert_eq!((&live["status"], &live["secret"]), (&json!("live"), &json!("available")), "{live}");
        assert_eq!((&live["client_id"], &live["gateway_client_id"]), (&json!("client-1"), &json!("client-1")));
        assert_eq!((&live["grants"], &live["scopes"]), (&json!(["client_credentials"]), &json!(["a", "b"])));
        scene.is_whole().await;
        let secret = scene.secret(id).await.unwrap();
        assert_eq!(
            (&secret["client_id"], &secret["client_secret"]),
            (&json!("client-1"), &json!("secret-of-client-1"))
        );
        assert_eq!(scene.secret(id).await, Err(Refusal::SecretGone));
        assert_eq!(scene.client(id).await["secret"], "shown");
        scene.delete(id).await;
        assert!(scene.world.rows().await.is_empty(), "the rows go first");
        assert_eq!(scene.client(id).await["status"], "deleting");
        scene.work().await;
        assert_eq!(scene.client(id).await["status"], "deleted");
        assert!(scene.model.ids().is_empty());
        scene.is_whole().await;
    }
}

#[tokio::test]
async fn a_secret_that_nobody_asks_for_lapses() {
    for scene in Scene::approved(json!({})).await {
        let id = scene.new_client().await;
        scene.work().await;
        scene.world.pass(Duration::from_secs(86_399));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(0));
        scene.world.pass(Duration::from_secs(1));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(1));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(0));
        assert_eq!(scene.client(&id).await["secret"], "lapsed");
        assert_eq!(scene.secret(&id).await, Err(Refusal::SecretGone));
        scene.is_whole().await;
    }
}

#[tokio::test]
async fn a_secret_whose_day_has_passed_is_gone_before_anybody_has_erased_it() {
    for scene in Scene::approved(json!({})).await {
        let [shown, late] = [scene.new_client().await, scene.new_client().await];
        scene.work().await;
        scene.world.pass(Duration::from_millis(86_399_999));
        assert!(scene.secret(&shown).await.is_ok());
        scene.world.pass(Duration::from_millis(1));
        assert_eq!(scene.secret(&late).await, Err(Refusal::SecretGone));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(1));
    }
}

#[tokio::test]
async fn secrets_lapse_however_many_they_are() {
    for mut scene in Scene::approved(json!({})).await {
        scene.world.limits.clients_per_application = 1000;
        let id = scene.new_client().await;
        scene.work().await;
        scene.like(&id, 450, None).await;
        scene.world.pass(Duration::from_secs(86_400));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(451));
        assert_eq!(clients::lapse_due(scene.world.background()).await, Ok(0));
    }
}

#[tokio::test]
async fn a_client_with_a_key_of_its_own_has_no_secret_and_waits_for_proof() {
    for scene in Scene::approved(json!({})).await {
        let client = scene.create(json!({"jwks": keys()})).await.unwrap();
        assert_eq!(text(&client, "auth_method"), "private_key_jwt");
        let id = text(&client, "id");
        scene.work().await;
        assert_eq!(scene.client(id).await["waiting_for"], "proof");
        let prove = async |scopes: &[&str]| {
            let scopes = Some(scopes.iter().map(|scope| (*scope).to_owned()).collect());
            let proof = Proof::Of { client_id: "client-1".into(), scopes };
            let prove = async |cx: &mut Context<'_>| clients::prove(cx, id, proof.clone()).await;
            scene.world.act(&developer(), prove).await
        };
        assert!(matches!(prove(&["a", "c"]).await, Err(Refusal::Invalid(_))), "wider than asked");
        assert_eq!(text(&prove(&["a"]).await.unwrap(), "status"), "live");
        scene.is_whole().await;
    }
}

#[tokio::test]
async fn what_no_tier_allows_is_refused() {
    for scene in Scene::each(json!({"grants": ["client_credentials", "authorization_code"]})).await {
        let before = scene.create(json!({"scopes": ["z"]})).await.unwrap();
        for wrong in [
            json!({"auth_method": "client_secret_post"}),
            json!({"grants": ["refresh_token"]}),
            json!({"grants": ["authorization_code"]}),
            json!({"auth_method": "private_key_jwt"}),
            json!({"redirect_uris": ["javascript:alert(1)"]}),
            json!({"jwks": {"keys": []}}),
        ] {
            assert!(matches!(scene.create(wrong.clone()).await, Err(Refusal::Invalid(_))), "{wrong}");
        }
        scene.approve().await;
        let refused = scene.client(text(&before, "id")).await;
        assert_eq!((&refused["status"], &refused["error"]["error"]), (&json!("refused"), &json!("not_allowed")));
        for wrong in [
            json!({"scopes": ["z"]}),
            json!({"grants": ["authorization_code"], "redirect_uris": ["https://app.example/back"]}),
        ] {
            assert!(matches!(scene.create(wrong.clone()).await, Err(Refusal::Invalid(_))), "{wrong}");
        }
        scene.settle().await;
        assert!(scene.model.ids().is_empty());
    }
}

#[tokio::test]
async fn a_rotation_makes_a_second_client_and_a_refused_one_changes_nothing() {
    for scene in Scene::approved(json!({})).await {
        let old = scene.new_client().await;
        scene.work().await;
        let rotate = async |body: Value| {
            let body = object(body);
            scene.world.act(&developer(), async |cx| clients::rotate(cx, &old, &Expected::Any, &body).await).await
        };
        scene.model.ends(&[crate::model::End::Refused]);
        let refused = text(&rotate(json!({})).await.unwrap(), "id").to_owned();
        scene.work().await;
        assert_eq!(scene.client(&refused).await["status"], "refused");
        assert_eq!(scene.client(&old).await["status"], "live");
        let new = rotate(json!({"overlap": "1h"})).await.unwrap();
        assert_eq!((text(&new, "replaces"), text(&new, "status")), (old.as_str(), "pending"));
        scene.work().await;
        assert_eq!(scene.world.rows().await.len(), 2, "both hold the contract");
        assert_eq!(scene.client(&old).await["status"], "retiring");
        scene.world.pass(Duration::from_secs(3600));
        assert_eq!(clients::retire_due(scene.world.background()).await, Ok(1));
        assert_eq!(scene.world.rows().await.len(), 1);
        scene.settle().await;
        assert_eq!(scene.model.ids().len(), 1);
    }
}

#[tokio::test]
async fn a_client_at_another_provider_authenticates_as_that_one_offers() {
    for scene in Scene::approved(json!({})).await {
        let old = scene.new_client().await;
        scene.work().await;
        let other = object(json!({"id": "other", "kind": "dcr", "issuer": "https://other.example",
            "auth_methods": ["private_key_jwt", "client_secret_post"]}));
        scene.world.act(&admin(), async |cx| providers::create(cx, &other).await).await.unwrap();
        let body = object(json!({"provider": "other"}));
        let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, &old, &Expected::Any, &body).await;
        let new = scene.world.act(&developer(), rotate).await.unwrap();
        assert_eq!((text(&new, "provider"), text(&new, "auth_method")), ("other", "client_secret_post"));
        scene.settle().await;
        assert_eq!(scene.client(text(&new, "id")).await["status"], "live");
        assert_eq!(scene.client(&old).await["status"], "retiring");
    }
}

#[tokio::test]
async fn an_application_goes_when_its_last_client_has_gone() {
    for scene in Scene::approved(json!({})).await {
        let id = scene.new_client().await;
        scene.work().await;
        let delete = async |cx: &mut Context<'_>| applications::delete(cx, &scene.application, &Expected::Any).await;
        scene.world.act(&developer(), delete).await.unwrap();
        let get = async |cx: &mut Context<'_>| applications::get(cx, &scene.application).await;
        assert_eq!(text(&scene.world.act(&admin(), get).await.unwrap(), "status"), "deleting");
        assert_eq!(scene.client(&id).await["status"], "deleting");
        scene.settle().await;
        assert_eq!(scene.world.act(&admin(), get).await, Err(Refusal::NotFound));
        assert!(scene.model.ids().is_empty());
    }
}

#[tokio::test]
async fn what_is_not_deleted_becomes_an_orphan() {
    for settings in [json!({"on_delete": "keep"}), json!({"management": "none"}), json!({"can_delete": false})] {
        for scene in Scene::approved(settings.clone()).await {
            let id = scene.new_client().await;
            scene.work().await;
            scene.delete(&id).await;
            scene.settle().await;
            assert_eq!(scene.client(&id).await["status"], "deleted");
            let orphans = scene.orphans().await;
            assert_eq!((orphans.len(), orphans[0].client_id.as_deref()), (1, Some("client-1")), "{orphans:?}");
        }
    }
}

#[tokio::test]
async fn who_waits_for_an_approval_is_looked_at_when_the_provider_serves_other_environments() {
    for scene in Scene::approved(json!({"environments": ["test"]})).await {
        let (id, other) = (scene.new_client().await, scene.create(json!({"scopes": ["z"]})).await.unwrap());
        assert_eq!(scene.client(&id).await["waiting_for"], "approval", "what is approved is elsewhere");
        let serve = async |environments: Value| {
            let body = object(json!({"environments": environments}));
            let patch = async |cx: &mut Context<'_>| providers::patch(cx, "idp", &Expected::Any, &body).await;
            scene.world.act(&admin(), patch).await.unwrap();
        };
        serve(json!([])).await;
        assert_eq!(scene.client(&id).await["waiting_for"], "approval");
        serve(json!(["prod"])).await;
        assert_eq!(scene.client(&id).await["waiting_for"], "registration");
        assert_eq!(scene.client(text(&other, "id")).await["error"]["error"], "not_allowed");
        scene.settle().await;
        assert_eq!((&scene.client(&id).await["status"], scene.world.rows().await.len()), (&json!("live"), 1));
    }
}
