//! Gateways and their tokens.

use serde_json::json;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::gateway_tokens::{self, gateway_of, is_due, note_poll};
use tessera_registry::use_case::shown::{Deleted, Expected};
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{apis, environments, gateways};

use crate::apis::{make_api, with_groups};
use crate::call;
use crate::database::every;
use crate::world::{World, asked, caller, object, pointers};

async fn make_gateway(world: &World, more: serde_json::Value) -> String {
    let admin = caller("default", &["admin"]);
    let mut body = object(json!({"environment": "prod", "title": "Edge"}));
    body.extend(object(more));
    let made = call!(world, &admin, |cx| gateways::create(cx, &body).await).unwrap();
    made.value["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_gateway_names_apis_that_are_there() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "x", "a", json!({})).await;
        let admin = caller("default", &["admin"]);
        for (body, expected) in [
            (json!({}), &["/environment", "/title"][..]),
            (json!({"environment": "gone", "title": "t", "apis": []}), &["/apis", "/environment"]),
            (json!({"environment": "prod", "title": "t", "apis": ["x", "y", "z"]}), &["/apis", "/apis"]),
            (json!({"environment": "prod", "title": "t", "apis": ["x", "x"], "tokens": []}), &["/apis/1", "/tokens"]),
            (
                json!({"environment": "prod", "title": "t", "apis": (0..1001).map(|n| n.to_string()).collect::<Vec<_>>()}),
                &["/apis"],
            ),
        ] {
            let refused = call!(world, &admin, |cx| gateways::create(cx, &object(body.clone())).await);
            assert_eq!(pointers(refused), expected, "{body}");
        }
        let id = make_gateway(&world, json!({"apis": ["x"]})).await;
        let in_use = call!(world, &admin, |cx| apis::delete(cx, ("prod", "x"), &Expected::Any).await);
        assert!(matches!(in_use, Err(Refusal::InUse(_))));
        let all = object(json!({"apis": null}));
        let first = call!(world, &admin, |cx| gateways::get(cx, &id).await).unwrap().revision;
        let expected = Expected::Revisions(vec![first]);
        let done = call!(world, &admin, |cx| gateways::patch(cx, &id, &expected, &all).await).unwrap();
        assert_eq!((done.revision, &done.value["apis"]), (first + 1, &json!(null)));
        call!(world, &admin, |cx| apis::delete(cx, ("prod", "x"), &Expected::Any).await).unwrap();
        let in_use = call!(world, &admin, |cx| environments::delete(cx, "prod", &Expected::Any).await);
        assert!(matches!(in_use, Err(Refusal::InUse(_))));
    }
}

#[tokio::test]
async fn gateways_are_the_admins_and_read_by_the_auditor_of_all() {
    for files in every() {
        let world = with_groups(files).await;
        let id = make_gateway(&world, json!({})).await;
        let auditor = caller("default", &["root:auditor"]);
        call!(world, &auditor, |cx| gateways::get(cx, &id).await).unwrap();
        assert_eq!(
            call!(world, &auditor, |cx| gateways::list(cx, &asked(&[("environment", "prod")])).await)
                .unwrap()
                .items
                .len(),
            1
        );
        assert!(
            call!(world, &auditor, |cx| gateways::list(cx, &asked(&[("environment", "x")])).await)
                .unwrap()
                .items
                .is_empty()
        );
        let empty = object(json!({}));
        let refused = [
            call!(world, &auditor, |cx| gateways::create(cx, &empty).await),
            call!(world, &auditor, |cx| gateways::patch(cx, &id, &Expected::Nothing, &empty).await),
            call!(world, &auditor, |cx| gateway_tokens::create(cx, &id).await),
        ];
        assert!(refused.iter().all(|refused| *refused == Err(Refusal::Forbidden)), "{refused:?}");
        for who in [caller("default", &["root:owner", "a:auditor"]), caller("other", &["admin"])] {
            assert_eq!(call!(world, &who, |cx| gateways::get(cx, &id).await), Err(Refusal::NotFound));
            assert_eq!(call!(world, &who, |cx| gateway_tokens::create(cx, &id).await), Err(Refusal::NotFound));
            assert!(call!(world, &who, |cx| gateways::list(cx, &asked(&[])).await).unwrap().items.is_empty());
        }
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_at_most_two_are_valid() {
    for files in every() {
        let world = with_groups(files).await;
        let (id, other) = (make_gateway(&world, json!({})).await, make_gateway(&world, json!({})).await);
        let admin = caller("default", &["admin"]);
        let revision = call!(world, &admin, |cx| gateways::get(cx, &id).await).unwrap().revision;
        let first = call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await).unwrap().value;
        let (token, token_id) = (first["token"].as_str().unwrap(), first["id"].as_str().unwrap());
        assert!(token.starts_with("trg_") && token.len() == 47);
        call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await).unwrap();
        let third = call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await);
        assert!(matches!(third, Err(Refusal::LimitReached(_))));
        let shown = call!(world, &admin, |cx| gateways::get(cx, &id).await).unwrap();
        assert_eq!((shown.revision, shown.value["tokens"].as_array().unwrap().len()), (revision + 2, 2));
        assert!(!shown.value.to_string().contains(&token[4..]) && !shown.value.to_string().contains("hash"));

        let mut tx = world.database.read().await.unwrap();
        let (used, kept) = gateway_of(&mut *tx, token).await.unwrap().unwrap();
        assert_eq!(
            (used.as_str(), kept.thing.id.as_str(), kept.organisation.as_str()),
            (token_id, id.as_str(), "default")
        );
        for wrong in ["", "trg_", &token.replacen("trg_", "trt_", 1), &format!("{}A", &token[..46])] {
            assert!(gateway_of(&mut *tx, wrong).await.unwrap().is_none_or(|_| *wrong == *token), "{wrong}");
        }
        drop(tx);
        let elsewhere = call!(world, &admin, |cx| gateway_tokens::delete(cx, &other, token_id).await);
        assert_eq!(elsewhere, Err(Refusal::NotFound));
        let gone = call!(world, &admin, |cx| gateway_tokens::delete(cx, &id, token_id).await);
        assert_eq!(gone, Ok(Deleted::Gone));
        let mut tx = world.database.read().await.unwrap();
        assert!(gateway_of(&mut *tx, token).await.unwrap().is_none());
        drop(tx);
        let last = call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await).unwrap().value;
        call!(world, &admin, |cx| gateways::delete(cx, &id, &Expected::Any).await).unwrap();
        let mut tx = world.database.read().await.unwrap();
        assert!(gateway_of(&mut *tx, last["token"].as_str().unwrap()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_poll_is_noted_once_a_minute_and_is_no_change() {
    for files in every() {
        let world = with_groups(files).await;
        let id = make_gateway(&world, json!({})).await;
        let admin = caller("default", &["admin"]);
        let token = call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await).unwrap().value;
        let before = call!(world, &admin, |cx| gateways::get(cx, &id).await).unwrap();
        let mut tx = world.database.write().await.unwrap();
        let (token, kept) = gateway_of(&mut *tx, token["token"].as_str().unwrap()).await.unwrap().unwrap();
        assert!(is_due(&kept.thing, world.now()));
        note_poll(&mut *tx, "default", (&id, &token), 7, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        let after = call!(world, &admin, |cx| gateways::get(cx, &id).await).unwrap();
        assert_eq!(after.revision, before.revision);
        assert_eq!(
            (&after.value["last_position"], &after.value["updated_at"]),
            (&json!(7), &before.value["updated_at"])
        );
        assert_eq!(after.value["tokens"][0]["last_used_at"], after.value["last_poll_at"]);
        let mut tx = world.database.read().await.unwrap();
        let kept = tessera_registry::use_case::record::get::<tessera_registry::domain::gateway::Gateway>(
            &mut *tx, "default", &id,
        )
        .await
        .unwrap()
        .unwrap();
        assert!(!is_due(&kept.thing, world.now()));
        world.pass(60_000);
        assert!(is_due(&kept.thing, world.now()));
    }
}
