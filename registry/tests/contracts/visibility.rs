//! Who sees and does what.

use serde_json::json;
use tessera_registry::domain::contract_action::ContractAction as A;
use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::{apis, applications, audit, clients, contracts, groups, tasks, tiers};

use crate::world::{World, admin, asked, caller, developer, object, owner};

#[tokio::test]
async fn who_reads_what() {
    for world in World::each().await {
        let (application, contract) = world.active().await;
        let stranger = caller("x", &["apis:developer"]);
        let other = Caller { organisation: "other".into(), ..admin() };
        let auditors = [caller("a", &["apps:auditor"]), caller("a", &["apis:auditor"])];
        for (who, reads_application, reads_contract) in [
            (admin(), true, true),
            (owner(), true, true),
            (developer(), true, true),
            (auditors[0].clone(), true, true),
            (auditors[1].clone(), false, true),
            (stranger.clone(), false, false),
            (other, false, false),
        ] {
            let got = world.act(&who, async |cx| applications::get(cx, &application).await).await;
            assert_eq!(got.is_ok(), reads_application, "{who:?}");
            let listed = world.act(&who, async |cx| applications::list(cx, &asked(&[])).await).await.unwrap();
            assert_eq!(listed.items.len() == 1, reads_application, "{who:?}");
            let got = world.act(&who, async |cx| contracts::get(cx, &contract).await).await;
            assert_eq!(got.is_ok(), reads_contract, "{who:?}");
            let listed = world.act(&who, async |cx| contracts::list(cx, &asked(&[])).await).await.unwrap();
            assert_eq!(listed.items.len() == 1, reads_contract, "{who:?}");
        }
        let acted = async |who| world.contract(&who, &contract, A::Suspend, json!({"reason": "r"})).await;
        assert_eq!(acted(stranger).await, Err(Refusal::NotFound));
        assert_eq!(acted(auditors[0].clone()).await, Err(Refusal::Forbidden));
        assert_eq!(acted(developer()).await, Err(Refusal::Forbidden));
        assert_eq!(world.client(&owner(), &application, "x").await, Err(Refusal::Forbidden));
        assert_eq!(world.request(&owner(), &application, "gold").await, Err(Refusal::Forbidden));
        let of_owner = async |cx: &mut Context<'_>| clients::list(cx, &application, &asked(&[])).await;
        assert_eq!(world.act(&owner(), of_owner).await.unwrap().items.len(), 1);
    }
}

#[tokio::test]
async fn auditors_read_of_their_group() {
    for world in World::each().await {
        world.active().await;
        let count = async |who: Caller, filters: &[(&str, &str)]| {
            let asked = asked(filters);
            world.act(&who, async |cx| audit::list(cx, &asked).await).await.unwrap().items.len()
        };
        assert_eq!(count(caller("a", &["apps:auditor"]), &[]).await, 4);
        assert_eq!(count(caller("a", &["apis:auditor"]), &[("action", "contract.approve")]).await, 1);
        assert_eq!(count(developer(), &[]).await, 0);
        assert_eq!(count(admin(), &[("actor", "user:owner"), ("to", "2026-01-01T00:00:00.001Z")]).await, 1);
        assert_eq!(count(admin(), &[("from", "2026-01-01T00:00:00.001Z")]).await, 0);
        let wrong = asked(&[("from", "yesterday"), ("subject", "x")]);
        let refused = world.act(&admin(), async |cx| audit::list(cx, &wrong).await).await;
        assert!(matches!(refused, Err(Refusal::InvalidQuery(_))));
    }
}

#[tokio::test]
async fn lists_are_filtered() {
    for world in World::each().await {
        let (application, _) = world.active().await;
        let count = async |filters: &[(&str, &str)]| {
            let asked = asked(filters);
            world.act(&developer(), async |cx| contracts::list(cx, &asked).await).await.map(|page| page.items.len())
        };
        assert_eq!(count(&[("environment", "prod"), ("api", "orders")]).await, Ok(1));
        assert_eq!(count(&[("environment", "test"), ("api", "orders")]).await, Ok(0));
        assert_eq!(count(&[("application", &application), ("status", "active")]).await, Ok(1));
        assert_eq!(count(&[("status", "pending")]).await, Ok(0));
        for wrong in [("api", "orders"), ("status", "x"), ("inbox", "false"), ("x", "y")] {
            assert!(matches!(count(&[wrong]).await, Err(Refusal::InvalidQuery(_))), "{wrong:?}");
        }
        let words = async |q: &str| {
            let asked = asked(&[("q", q)]);
            world.act(&developer(), async |cx| applications::list(cx, &asked).await).await.unwrap().items.len()
        };
        assert_eq!((words("sHo").await, words("shop x").await), (1, 0));
        let of_tasks = async |cx: &mut Context<'_>| tasks::list(cx, &asked(&[("stuck", "true")])).await;
        assert!(world.act(&developer(), of_tasks).await.unwrap().items.is_empty());
    }
}

#[tokio::test]
async fn an_api_that_comes_back_has_nothing_of_the_former_one() {
    for world in World::each().await {
        let (application, contract) = world.active().await;
        let list = async |who: &Caller| {
            let asked = asked(&[]);
            world.act(who, async |cx| contracts::list(cx, &asked).await).await.unwrap().items.len()
        };
        let reads = async |who: &Caller| {
            let read = world.act(who, async |cx| contracts::get(cx, &contract).await).await.is_ok();
            let application = world.act(who, async |cx| applications::get(cx, &application).await).await.is_ok();
            (read, application)
        };
        world.contract(&owner(), &contract, A::Revoke, json!({"reason": "r"})).await.unwrap();
        // The application is that of others, but the contract was his.
        assert_eq!((reads(&owner()).await, list(&owner()).await), ((true, false), 1));
        world.pass(std::time::Duration::from_millis(1));
        let group = object(json!({"id": "late"}));
        world.act(&admin(), async |cx| groups::create(cx, &group).await).await.unwrap();
        for tier in ["gold", "silver", "own", "free"] {
            let end = async |cx: &mut Context<'_>| tiers::delete(cx, ("prod", "orders", tier), &Expected::Any).await;
            world.act(&admin(), end).await.unwrap();
        }
        let end = async |cx: &mut Context<'_>| apis::delete(cx, ("prod", "orders"), &Expected::Any).await;
        world.act(&owner(), end).await.unwrap();
        let body = object(json!({"environment": "prod", "id": "orders", "group": "late", "title": "Mine"}));
        let late = caller("late", &["late:owner", "late:auditor"]);
        world.act(&late, async |cx| apis::create(cx, &body).await).await.unwrap();
        assert_eq!((reads(&late).await, list(&late).await), ((false, false), 0));
        assert_eq!((reads(&developer()).await, list(&developer()).await), ((true, true), 1));
        assert_eq!(reads(&admin()).await, (true, true));
    }
}
