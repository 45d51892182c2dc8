//! Providers.

use serde_json::json;
use tessera_registry::domain::provider::{Provider, introspection_place};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::sealing::SealingKeys;
use tessera_registry::use_case::ports::Sealing as _;
use tessera_registry::use_case::record;
use tessera_registry::use_case::reseal::{NotResealed, reseal};
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{audit, environments, providers};

use crate::apis::with_groups;
use crate::call;
use crate::database::every;
use crate::world::{World, asked, caller, object, pointers};

async fn sealed(world: &World, id: &str) -> String {
    let mut tx = world.database.read().await.unwrap();
    let kept = record::get::<Provider>(&mut *tx, "default", id).await.unwrap().unwrap();
    kept.thing.introspection.unwrap().credential
}

#[tokio::test]
async fn a_credential_is_sealed_and_never_shown() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({
            "id": "idp", "kind": "manual", "issuer": "https://idp.example.com",
            "introspection": {"client_id": "registry", "credential": "s3cret"},
        }));
        let made = call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        assert_eq!(
            made.value["introspection"],
            json!({"endpoint": null, "client_id": "registry", "auth": "client_secret_basic", "credential_set": true})
        );
        assert_eq!((&made.value["timeout"], &made.value["environments"]), (&json!("10s"), &json!(null)));
        let first = sealed(&world, "idp").await;
        let place = format!("default/{}", introspection_place("idp"));
        assert_eq!(world.sealing.open(&first, &place).as_deref(), Some(b"s3cret".as_slice()));

        let same = object(json!({"introspection": {"credential": "s3cret"}}));
        let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &same).await).unwrap();
        assert_eq!(done.revision, made.revision, "the same credential is no change");
        let other = object(json!({"introspection": {"credential": "t0psecret", "auth": "client_secret_post"}}));
        let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &other).await).unwrap();
        let changed = (done.revision, &done.value["introspection"]["client_id"]);
        assert_eq!(changed, (made.revision + 1, &json!("registry")));
        assert_eq!(world.sealing.open(&sealed(&world, "idp").await, &place).as_deref(), Some(b"t0psecret".as_slice()));
        // What is stored is not sent to whom it was not given for.
        for moved in [json!({"client_id": "other"}), json!({"endpoint": "https://idp.example.com/other"})] {
            let moved = object(json!({"introspection": moved}));
            let refused = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &moved).await);
            assert_eq!(pointers(refused), ["/introspection/credential"]);
        }
        let moved = object(json!({"title": "The IdP", "introspection": {"client_id": "o", "credential": "t0psecret"}}));
        call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &moved).await).unwrap();

        let entries = call!(world, &admin, |cx| audit::list(cx, &asked(&[])).await).unwrap();
        let told = format!("{entries:?}{done:?}{made:?}");
        assert!(!told.contains("s3cret") && !told.contains("t0psecret") && !told.contains(&first), "{told}");
        let none = object(json!({"introspection": null}));
        let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &none).await).unwrap();
        assert_eq!(done.value["introspection"], json!(null));
    }
}

#[tokio::test]
async fn secrets_are_sealed_anew_with_the_first_key() {
    for files in every() {
        let mut world = with_groups(files).await;
        let endpoint = "https://idp.example.com/introspect";
        let body = object(json!({
            "id": "idp", "kind": "manual",
            "introspection": {"endpoint": endpoint, "client_id": "registry", "credential": "s3cret"},
        }));
        for organisation in ["default", "other"] {
            let admin = caller(organisation, &["admin"]);
            call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        }
        let before = sealed(&world, "idp").await;
        let keys = || [("new".to_owned(), [2; 32]), ("k".to_owned(), [1; 32])];
        world.sealing = SealingKeys::new(keys()).unwrap();
        let mut tx = world.database.write().await.unwrap();
        assert_eq!(reseal(&mut *tx, &world.sealing, &world.dice).await, Ok(2));
        tx.commit().await.unwrap();
        let after = sealed(&world, "idp").await;
        assert!(before.starts_with("k.") && after.starts_with("new."));
        world.sealing = SealingKeys::new(keys().into_iter().take(1)).unwrap();
        let place = format!("default/{}", introspection_place("idp"));
        assert_eq!(world.sealing.open(&after, &place).as_deref(), Some(b"s3cret".as_slice()));
        world.sealing = SealingKeys::new(keys().into_iter().skip(1)).unwrap();
        let mut tx = world.database.write().await.unwrap();
        let unreadable = reseal(&mut *tx, &world.sealing, &world.dice).await;
        assert!(matches!(unreadable, Err(NotResealed::Unreadable { kind: "provider", id, .. }) if id == "idp"));
    }
}

#[tokio::test]
async fn others_see_what_they_need_to_request_access() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({"id": "idp", "kind": "manual", "environments": ["prod"]}));
        call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        let brief = json!({"id": "idp", "title": "idp", "environments": ["prod"]});
        for (role, is_full) in [("root:owner", false), ("a:auditor", false), ("root:auditor", true)] {
            let who = caller("default", &[role]);
            let shown = call!(world, &who, |cx| providers::get(cx, "idp").await).unwrap();
            assert_eq!(shown.value == brief, !is_full, "{role}");
            let listed = call!(world, &who, |cx| providers::list(cx, &asked(&[])).await).unwrap();
            assert_eq!(listed.items, [shown.value]);
            let refused = call!(world, &who, |cx| providers::patch(cx, "idp", &Expected::Nothing, &body).await);
            assert_eq!(refused, Err(Refusal::Forbidden));
            assert_eq!(call!(world, &who, |cx| providers::create(cx, &body).await), Err(Refusal::Forbidden));
        }
        let in_use = call!(world, &admin, |cx| environments::delete(cx, "prod", &Expected::Any).await);
        assert!(matches!(in_use, Err(Refusal::InUse(_))));
        let stranger = caller("other", &["admin"]);
        assert_eq!(call!(world, &stranger, |cx| providers::get(cx, "idp").await), Err(Refusal::NotFound));
        call!(world, &admin, |cx| providers::delete(cx, "idp", &Expected::Any).await).unwrap();
    }
}

#[tokio::test]
async fn every_fault_of_a_provider_is_told_at_once() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        for (body, expected) in [
            (json!({}), &["/id", "/kind"][..]),
            (json!({"id": "p", "kind": "okta", "endpoint": "https://idp.example.com"}), &["/kind"]),
            (json!({"id": "p", "kind": "manual", "endpoint": null}), &["/endpoint"]),
            (json!({"id": "p", "kind": "manual", "environments": ["gone"]}), &["/environments"]),
            (
                json!({"id": "p", "kind": "manual", "issuer": "http://idp.example.com", "timeout": "0s"}),
                &["/issuer", "/timeout"],
            ),
            (
                json!({"id": "p", "kind": "manual", "introspection": {"auth": "none", "credential": "", "credential_set": true}}),
                &[
                    "/introspection/endpoint",
                    "/introspection/client_id",
                    "/introspection/auth",
                    "/introspection/credential",
                    "/introspection/credential_set",
                ],
            ),
            (
                json!({"id": "p", "kind": "manual", "client_id_claims": [], "introspection": 1}),
                &["/introspection", "/client_id_claims"],
            ),
        ] {
            let refused = call!(world, &admin, |cx| providers::create(cx, &object(body.clone())).await);
            assert_eq!(pointers(refused), expected, "{body}");
        }
        let body = object(json!({"id": "p", "kind": "manual", "issuer": "https://idp.example.com"}));
        let made = call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        let same = call!(world, &admin, |cx| providers::patch(cx, "p", &Expected::Any, &body).await).unwrap();
        assert_eq!(same.revision, made.revision);
        let other = object(json!({"id": "q", "kind": "entra", "issuer": null}));
        let refused = call!(world, &admin, |cx| providers::patch(cx, "p", &Expected::Any, &other).await);
        assert_eq!(pointers(refused), ["/id", "/kind", "/issuer"]);
    }
}
