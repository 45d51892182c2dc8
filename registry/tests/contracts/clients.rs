//! Clients that are brought: proof, rotation, retirement, deletion.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Proof;
use tessera_registry::use_case::shown::{Deleted, Expected};
use tessera_registry::use_case::{clients, contracts, providers};

use crate::world::{World, admin, asked, caller, developer, object, owner, text};

async fn live_id(world: &World, application: &str) -> String {
    let list = async |cx: &mut Context<'_>| clients::list(cx, application, &asked(&[("status", "live")])).await;
    world.act(&admin(), list).await.unwrap().items[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rotated_client_stays_for_the_overlap() {
    for world in World::each().await {
        let (application, _) = world.active().await;
        let old = live_id(&world, &application).await;
        let rotate = async |caller, body: Value| {
            let body = object(body);
            world.act(&caller, async |cx| clients::rotate(cx, &old, &Expected::Any, &body).await).await
        };
        assert!(matches!(rotate(developer(), json!({})).await, Err(Refusal::Invalid(_))));
        assert!(matches!(rotate(developer(), json!({"client_id": "shop"})).await, Err(Refusal::Exists(_))));
        assert!(matches!(
            rotate(developer(), json!({"client_id": "n", "overlap": "31d"})).await,
            Err(Refusal::Invalid(_))
        ));
        let new = rotate(developer(), json!({"client_id": "new", "overlap": "1h"})).await.unwrap();
        assert_eq!((text(&new, "status"), text(&new, "replaces")), ("pending", old.as_str()));
        assert_eq!(world.rows().await.len(), 1);
        let body = object(json!({"reason": "known"}));
        let confirm = async |cx: &mut Context<'_>| clients::confirm(cx, text(&new, "id"), &Expected::Any, &body).await;
        world.act(&admin(), confirm).await.unwrap();
        assert_eq!(world.rows().await.len(), 2);
        let get = async |cx: &mut Context<'_>| clients::get(cx, &old).await;
        let retiring = world.act(&developer(), get).await.unwrap();
        assert_eq!((text(&retiring, "status"), text(&retiring, "retire_at")), ("retiring", "2026-01-01T01:00:00.000Z"));
        assert!(matches!(rotate(developer(), json!({"client_id": "x"})).await, Err(Refusal::Transition { .. })));
        world.pass(Duration::from_secs(3599));
        assert_eq!(clients::retire_due(world.background()).await, Ok(0));
        world.pass(Duration::from_secs(1));
        assert_eq!(clients::retire_due(world.background()).await, Ok(1));
        assert_eq!(clients::retire_due(world.background()).await, Ok(0));
        assert_eq!(world.rows().await, [("active".to_owned(), "new".to_owned())]);
        world.audited().await;
    }
}

#[tokio::test]
async fn without_overlap_one_takes_the_place_of_the_other_at_once() {
    for world in World::each().await {
        let (application, contract) = world.active().await;
        let old = live_id(&world, &application).await;
        let body = object(json!({"client_id": "new", "overlap": "0s"}));
        let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, &old, &Expected::Any, &body).await;
        world.act(&admin(), rotate).await.unwrap();
        assert_eq!(world.rows().await, [("active".to_owned(), "new".to_owned())]);
        let contract = world.act(&owner(), async |cx| contracts::get(cx, &contract).await).await.unwrap();
        assert_eq!(text(&contract, "status"), "active");
    }
}

#[tokio::test]
async fn the_last_client_takes_the_contract_out_of_force() {
    for world in World::each().await {
        let (application, contract) = world.active().await;
        let id = live_id(&world, &application).await;
        let delete = async |cx: &mut Context<'_>| clients::delete(cx, &id, &Expected::Any).await;
        assert_eq!(world.act(&developer(), delete).await, Ok(Deleted::Gone));
        assert!(world.rows().await.is_empty());
        let contract = world.act(&owner(), async |cx| contracts::get(cx, &contract).await).await.unwrap();
        assert_eq!((text(&contract, "status"), &contract.value["waiting_for"]), ("pending", &json!(["client"])));
        let delete = async |cx: &mut Context<'_>| clients::delete(cx, &id, &Expected::Any).await;
        let again = world.act(&developer(), delete).await;
        assert_eq!(again, Err(Refusal::Transition { current: "deleted", allowed: vec![] }));
        let listed = async |filters: &[(&str, &str)]| {
            let asked = asked(filters);
            world.act(&developer(), async |cx| clients::list(cx, &application, &asked).await).await.unwrap().items.len()
        };
        assert_eq!((listed(&[]).await, listed(&[("status", "deleted")]).await), (0, 1));
        // An admin vouches for the next one: the approval has stayed.
        world.client(&admin(), &application, "shop").await.unwrap();
        assert_eq!(world.rows().await.len(), 1);
    }
}

#[tokio::test]
async fn a_proof_is_of_this_client() {
    for world in World::each().await {
        let application = world.application(&developer()).await.unwrap();
        let client = world.client(&developer(), &application, "shop").await.unwrap();
        let id = text(&client, "id");
        let body = object(json!({"access_token": "t"}));
        let to_prove = async |cx: &mut Context<'_>| clients::to_prove(cx, id, &body).await;
        assert!(matches!(world.act(&developer(), to_prove).await, Err(Refusal::NotSupported(_))));
        let provider = object(json!({"id": "idp", "kind": "manual", "issuer": "https://idp.example"}));
        world.act(&admin(), async |cx| providers::create(cx, &provider).await).await.unwrap();
        let elsewhere = object(json!({"provider": "idp", "client_id": "shop"}));
        let create = async |cx: &mut Context<'_>| clients::create(cx, &application, &elsewhere).await;
        let client = world.act(&developer(), create).await.unwrap();
        let id = text(&client, "id");
        let to_prove = async |cx: &mut Context<'_>| clients::to_prove(cx, id, &body).await;
        let wanted = world.act(&developer(), to_prove).await.unwrap();
        assert_eq!(format!("{wanted:?}"), "ProofWanted { provider: \"idp\", .. }");
        let prove = async |proof| world.act(&developer(), async |cx| clients::prove(cx, id, proof).await).await;
        let other = Proof::Of { client_id: "other".into(), scopes: None };
        assert!(matches!(prove(other).await, Err(Refusal::Invalid(_))));
        assert!(matches!(prove(Proof::Nothing("is not active")).await, Err(Refusal::Invalid(_))));
        assert_eq!(prove(Proof::Unknown).await, Err(Refusal::ProviderUnavailable("idp".to_owned())));
        let live = prove(Proof::Of { client_id: "shop".into(), scopes: None }).await.unwrap();
        assert_eq!((text(&live, "status"), &live.value["waiting_for"]), ("live", &Value::Null));
    }
}

#[tokio::test]
async fn bodies_of_clients_are_judged_whole() {
    for world in World::each().await {
        let application = world.application(&developer()).await.unwrap();
        let create = async |body: Value| {
            let body = object(body);
            world.act(&developer(), async |cx| clients::create(cx, &application, &body).await).await
        };
        let wrong = json!({"provider": "none", "client_id": "a", "grants": [], "jwks": {}, "status": "live", "x": 1});
        let Err(Refusal::Invalid(faults)) = create(wrong).await else { panic!() };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/grants", "/jwks", "/status", "/provider", "/x"]);
        for client_id in ["", "é", "a\n", &"a".repeat(1025)] {
            let refused = create(json!({"provider": "main", "client_id": client_id})).await;
            assert!(matches!(refused, Err(Refusal::Invalid(_))), "{client_id}");
        }
        assert!(matches!(create(json!({"provider": "main"})).await, Err(Refusal::NotSupported(_))));
        create(json!({"provider": "main", "client_id": "a".repeat(1024)})).await.unwrap();
    }
}

#[tokio::test]
async fn secrets_are_for_developers() {
    for world in World::each().await {
        let application = world.application(&developer()).await.unwrap();
        let client = world.client(&developer(), &application, "shop").await.unwrap();
        let secret = async |caller| {
            let body = object(json!({}));
            world.act(&caller, async |cx| clients::secret(cx, text(&client, "id"), &body).await).await
        };
        assert_eq!(secret(admin()).await, Err(Refusal::Forbidden));
        assert!(matches!(secret(developer()).await, Err(Refusal::NotSupported(_))));
        assert!(matches!(secret(caller("both", &["admin", "root:developer"])).await, Err(Refusal::NotSupported(_))));
    }
}

#[tokio::test]
async fn who_only_claims_a_client_gives_way_to_an_admin() {
    for world in World::each().await {
        let (squatter, rightful) =
            (world.application(&developer()).await.unwrap(), world.application(&developer()).await.unwrap());
        let claim = world.client(&developer(), &squatter, "shop").await.unwrap();
        assert!(matches!(world.client(&developer(), &rightful, "shop").await, Err(Refusal::Exists(_))));
        // In its own application it is to be confirmed.
        assert!(matches!(world.client(&admin(), &squatter, "shop").await, Err(Refusal::Exists(_))));
        let live = world.client(&admin(), &rightful, "shop").await.unwrap();
        assert_eq!(text(&live, "status"), "live");
        let get = async |cx: &mut Context<'_>| clients::get(cx, text(&claim, "id")).await;
        assert_eq!(text(&world.act(&developer(), get).await.unwrap(), "status"), "deleted");
        assert!(matches!(world.client(&admin(), &squatter, "shop").await, Err(Refusal::Exists(_))));
        world.audited().await;
    }
}
