//! Adopting a contract document.

use serde_json::json;
use tessera_registry::domain::adopted_file;
use tessera_registry::domain::principal::Caller;
use tessera_registry::use_case::adopt::{Adopted, adopt};
use tessera_registry::use_case::apply::NotApplied;
use tessera_registry::use_case::feed_store::FeedScope;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{applications, contracts, providers, tiers};

use crate::apis::{make_api, with_groups};
use crate::call;
use crate::database::{TestDatabase, every};
use crate::world::{World, asked, caller, object};

async fn with_tiers(files: TestDatabase) -> World {
    let world = with_groups(files).await;
    let admin = caller("default", &["admin"]);
    for api in ["x", "y"] {
        make_api(&world, api, "a", json!({})).await;
        let tier = object(json!({"id": "gold", "max_duration": "1d"}));
        call!(world, &admin, |cx| tiers::create(cx, ("prod", api), &tier).await).unwrap();
    }
    for (id, environments) in [("idp", json!(null)), ("elsewhere", json!([]))] {
        let body = object(json!({"id": id, "kind": "manual", "environments": environments}));
        call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
    }
    world
}

async fn adopted(world: &World, rows: serde_json::Value) -> Result<Adopted, NotApplied> {
    let document = json!({ "contracts": rows }).to_string();
    let clients = adopted_file::read(document.as_bytes()).unwrap();
    let system = Caller::system("default");
    call!(world, &system, |cx| adopt(cx, &clients, "prod", "b").await)
}

#[tokio::test]
async fn the_feed_says_what_the_document_said() {
    for files in every() {
        let world = with_tiers(files).await;
        let end = "2030-01-01T00:00:00Z";
        let rows = json!([
            {"api": "x", "provider": "idp", "client_id": "portal", "tier": "gold", "name": "Portal", "expires_at": end},
            {"api": "y", "provider": "idp", "client_id": "portal", "tier": "gold", "status": "suspended"},
            {"api": "x", "provider": "idp", "client_id": "batch", "tier": "gold", "status": "pending"},
            {"api": "y", "provider": "idp", "client_id": "old", "tier": "gold", "status": "revoked"},
        ]);
        assert_eq!(adopted(&world, rows).await, Ok(Adopted { applications: 2, contracts: 3, revoked: 1 }));
        let scope = FeedScope { organisation: "default".to_owned(), environment: "prod".to_owned(), apis: None };
        let mut tx = world.database.read().await.unwrap();
        let rows = tx.snapshot(&scope, None, 10).await.unwrap();
        let rows: Vec<serde_json::Value> =
            rows.iter().map(|row| serde_json::from_str(row.row.as_ref().unwrap()).unwrap()).collect();
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!((&rows[0]["status"], &rows[0]["name"]), (&json!("active"), &json!("Portal")));
        assert!(rows[0]["expires_at"].as_str().unwrap().starts_with("2030-01-01T00:00:00"), "{rows:?}");
        assert_eq!((&rows[1]["status"], &rows[1]["api"]), (&json!("suspended"), &json!("y")));
        drop(tx);
        let admin = caller("default", &["admin"]);
        let listed = call!(world, &admin, |cx| contracts::list(cx, &asked(&[("status", "pending")])).await).unwrap();
        assert_eq!((listed.items.len(), &listed.items[0]["waiting_for"]), (1, &json!(["approval"])));
        let names = call!(world, &admin, |cx| applications::list(cx, &asked(&[])).await).unwrap().items;
        let mut names: Vec<_> = names.iter().map(|item| item["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Portal", "batch"]);
    }
}

#[tokio::test]
async fn every_problem_is_told_at_once_and_nothing_is_made() {
    for files in every() {
        let world = with_tiers(files).await;
        let taken = json!([{"api": "x", "provider": "idp", "client_id": "portal", "tier": "gold"}]);
        adopted(&world, taken).await.unwrap();
        let rows = json!([
            {"api": "y", "provider": "idp", "client_id": "portal", "tier": "gold"},
            {"api": "z", "provider": "idp", "client_id": "a", "tier": "gold"},
            {"api": "y", "provider": "idp", "client_id": "a", "tier": "silver"},
            {"api": "y", "provider": "gone", "client_id": "b", "tier": "gold"},
            {"api": "y", "provider": "elsewhere", "client_id": "c", "tier": "gold"},
        ]);
        let Err(NotApplied::Problems(mut problems)) = adopted(&world, rows).await else { panic!() };
        problems.sort();
        assert_eq!(
            problems,
            [
                "contracts[0].client_id: belongs to an application already",
                "contracts[1].api: there is no such API in the environment",
                "contracts[2].tier: the API has no such tier",
                "contracts[3].provider: there is no such provider",
                "contracts[4].provider: does not serve the environment",
            ]
        );
        let dates = json!([
            {"api": "x", "provider": "idp", "client_id": "d", "tier": "gold",
             "not_before": "2027-01-01T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"},
        ]);
        let Err(NotApplied::Problems(problems)) = adopted(&world, dates).await else { panic!() };
        assert_eq!(problems, ["contracts[0].expires_at: the contract would end before it begins"]);
        let admin = caller("default", &["admin"]);
        assert_eq!(call!(world, &admin, |cx| applications::list(cx, &asked(&[])).await).unwrap().items.len(), 1);
        let clients = adopted_file::read(br#"{"contracts": []}"#).unwrap();
        let system = Caller::system("default");
        let refused = call!(world, &system, |cx| adopt(cx, &clients, "gone", "none").await);
        assert!(matches!(refused, Err(NotApplied::Problems(problems)) if problems.len() == 2));
    }
}
