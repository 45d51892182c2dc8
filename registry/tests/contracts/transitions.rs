//! Each transition with its entry in the audit and what gateways see of it.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::contract_action::ContractAction as A;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::shown::{Deleted, Expected, Shown};
use tessera_registry::use_case::{applications, clients, contracts, providers};

use crate::world::{World, admin, asked, caller, developer, object, owner, text};

fn state(shown: &Shown) -> (&str, &Value, &Value) {
    (text(shown, "status"), &shown.value["waiting_for"], &shown.value["allowed"])
}

fn rows(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(status, client)| ((*status).to_owned(), (*client).to_owned())).collect()
}

#[tokio::test]
async fn from_the_request_to_the_end() {
    for world in World::each().await {
        let application = world.application(&developer()).await.unwrap();
        let requested = world.request(&developer(), &application, "gold").await.unwrap();
        assert_eq!(state(&requested), ("pending", &json!(["approval", "client"]), &json!(["withdraw", "tier"])));
        assert_eq!(text(&requested, "name"), "Shop");
        let id = text(&requested, "id");
        let approved = world.contract(&owner(), id, A::Approve, json!({"reason": "fine"})).await.unwrap();
        assert_eq!(state(&approved), ("pending", &json!(["client"]), &json!(["reject"])));
        assert_eq!(text(&approved, "expires_at"), "2026-01-31T00:00:00.000Z");
        assert_eq!((world.rows().await, world.position().await), (vec![], 0));
        assert_eq!(world.latest().await["action"], "contract.approve");

        let client = world.client(&developer(), &application, "shop").await.unwrap();
        assert_eq!((text(&client, "status"), text(&client, "waiting_for")), ("pending", "proof"));
        assert!(world.rows().await.is_empty());
        let body = object(json!({"reason": "known"}));
        let confirm =
            async |cx: &mut Context<'_>| clients::confirm(cx, text(&client, "id"), &Expected::Any, &body).await;
        let live = world.act(&admin(), confirm).await.unwrap();
        assert_eq!((text(&live, "status"), text(&live, "gateway_client_id")), ("live", "shop"));
        assert_eq!((world.rows().await, world.position().await), (rows(&[("active", "shop")]), 1));
        let entry = world.latest().await;
        assert_eq!((&entry["action"], &entry["before"]["status"]), (&json!("contract.activate"), &json!("pending")));

        for (action, status, row) in [
            (A::Suspend, "suspended", Some("suspended")),
            (A::Resume, "active", Some("active")),
            (A::Suspend, "suspended", Some("suspended")),
            (A::Revoke, "revoked", None),
        ] {
            let position = world.position().await;
            let done = world.contract(&owner(), id, action, json!({"reason": "why"})).await.unwrap();
            assert_eq!((text(&done, "status"), text(&done, "reason")), (status, "why"));
            let expected: Vec<_> = row.map(|row| (row.to_owned(), "shop".to_owned())).into_iter().collect();
            assert_eq!((world.rows().await, world.position().await), (expected, position + 1));
            let entry = world.latest().await;
            assert_eq!(entry["action"], format!("contract.{}", action.word()));
            assert_eq!((&entry["actor"], &entry["reason"]), (&json!("user:owner"), &json!("why")));
            assert_eq!((&entry["after"]["status"], &entry["after"]["allowed"]), (&json!(status), &Value::Null));
        }
        let again = world.contract(&owner(), id, A::Revoke, json!({"reason": "why"})).await;
        assert_eq!(again, Err(Refusal::Transition { current: "revoked", allowed: vec![] }));
        // The place is free again.
        world.request(&developer(), &application, "gold").await.unwrap();
        world.audited().await;
    }
}

#[tokio::test]
async fn a_refused_action_names_those_that_are_allowed() {
    for world in World::each().await {
        let (_, id) = world.active().await;
        let refused = world.contract(&owner(), &id, A::Resume, json!({})).await;
        assert_eq!(refused, Err(Refusal::Transition { current: "active", allowed: vec!["suspend", "revoke"] }));
        let refused = world.contract(&developer(), &id, A::Withdraw, json!({})).await;
        assert_eq!(refused, Err(Refusal::Transition { current: "active", allowed: vec!["revoke", "tier"] }));
        // Faults of the body and preconditions come first.
        let refused = world.contract(&owner(), &id, A::Reject, json!({"x": 1})).await;
        assert!(matches!(refused, Err(Refusal::Invalid(faults)) if faults.len() == 2));
        let body = object(json!({"reason": "why"}));
        let act = async |expected| {
            let body = body.clone();
            world.act(&owner(), async |cx| contracts::act(cx, &id, A::Suspend, &expected, &body).await).await
        };
        assert_eq!(act(Expected::Nothing).await, Err(Refusal::PreconditionRequired));
        assert_eq!(act(Expected::Revisions(vec![1])).await, Err(Refusal::PreconditionFailed));
        act(Expected::Revisions(vec![2])).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_approves_what_he_asked_for() {
    for world in World::each().await {
        let application = world.application(&admin()).await.unwrap();
        let requested = world.request(&admin(), &application, "silver").await.unwrap();
        let id = text(&requested, "id");
        assert_eq!(requested.value["allowed"], json!(["reject", "withdraw", "tier"]));
        assert_eq!(world.contract(&admin(), id, A::Approve, json!({})).await, Err(Refusal::OwnRequest));
        let inbox = async |caller| {
            let list = async |cx: &mut Context<'_>| contracts::list(cx, &asked(&[("inbox", "true")])).await;
            world.act(&caller, list).await.unwrap().items.len()
        };
        assert_eq!((inbox(admin()).await, inbox(owner()).await, inbox(developer()).await), (0, 1, 0));
        world.contract(&admin(), id, A::Tier, json!({"tier": "own"})).await.unwrap();
        assert_eq!(inbox(admin()).await, 1);
        world.contract(&admin(), id, A::Approve, json!({})).await.unwrap();
        assert_eq!((inbox(admin()).await, inbox(owner()).await), (0, 0));
    }
}

#[tokio::test]
async fn nobody_resumes_or_prolongs_what_he_asked_for() {
    for world in World::each().await {
        let both = caller("both", &["apis:owner", "apps:developer"]);
        let application = world.application(&both).await.unwrap();
        world.client(&admin(), &application, "shop").await.unwrap();
        let id = text(&world.request(&both, &application, "silver").await.unwrap(), "id").to_owned();
        let until = json!({"expires_at": "2026-01-10T00:00:00Z"});
        world.contract(&owner(), &id, A::Approve, until).await.unwrap();
        let ends = async |end: Value| {
            let body = object(json!({"expires_at": end}));
            world.act(&both, async |cx| contracts::patch(cx, &id, &Expected::Any, &body).await).await
        };
        for later in [json!("2026-01-10T00:00:01Z"), Value::Null] {
            assert_eq!(ends(later).await, Err(Refusal::OwnRequest));
        }
        ends(json!("2026-01-09T00:00:00Z")).await.unwrap();
        let suspended = world.contract(&owner(), &id, A::Suspend, json!({"reason": "r"})).await.unwrap();
        assert_eq!(suspended.value["allowed"], json!(["resume", "revoke"]));
        assert_eq!(world.contract(&both, &id, A::Resume, json!({})).await, Err(Refusal::OwnRequest));
        let seen = world.act(&both, async |cx| contracts::get(cx, &id).await).await.unwrap();
        assert_eq!(seen.value["allowed"], json!(["revoke"]));
        world.contract(&owner(), &id, A::Resume, json!({})).await.unwrap();
        world.contract(&both, &id, A::Tier, json!({"tier": "own"})).await.unwrap();
        world.contract(&both, &id, A::Approve, json!({})).await.unwrap();
        world.contract(&both, &id, A::Suspend, json!({"reason": "r"})).await.unwrap();
        world.contract(&both, &id, A::Resume, json!({})).await.unwrap();
        ends(Value::Null).await.unwrap();
        // A tier that gives the approval needs nobody else.
        world.contract(&both, &id, A::Tier, json!({"tier": "free"})).await.unwrap();
        world.contract(&both, &id, A::Suspend, json!({"reason": "r"})).await.unwrap();
        world.contract(&both, &id, A::Resume, json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn another_tier_is_in_force_when_it_is_approved() {
    for world in World::each().await {
        let (_, id) = world.active().await;
        let asked = world.contract(&developer(), &id, A::Tier, json!({"tier": "silver"})).await.unwrap();
        assert_eq!((text(&asked, "tier"), text(&asked, "requested_tier")), ("gold", "silver"));
        assert_eq!((text(&asked, "status"), world.position().await), ("active", 1));
        let approved = world.contract(&owner(), &id, A::Approve, json!({})).await.unwrap();
        assert_eq!((text(&approved, "tier"), world.position().await), ("silver", 2));
        let free = world.contract(&developer(), &id, A::Tier, json!({"tier": "free"})).await.unwrap();
        assert_eq!((text(&free, "tier"), text(&free, "decided_by"), world.position().await), ("free", "system", 3));
        let refused = world.contract(&developer(), &id, A::Tier, json!({"tier": "none"})).await;
        assert!(matches!(refused, Err(Refusal::Invalid(faults)) if faults[0].pointer == "/tier"));
    }
}

#[tokio::test]
async fn an_application_takes_everything_with_it() {
    for world in World::each().await {
        let (application, id) = world.active().await;
        let delete = async |cx: &mut Context<'_>| applications::delete(cx, &application, &Expected::Any).await;
        assert_eq!(world.act(&developer(), delete).await, Ok(Deleted::Gone));
        assert!(world.rows().await.is_empty());
        let get = async |cx: &mut Context<'_>| applications::get(cx, &application).await;
        assert_eq!(world.act(&admin(), get).await, Err(Refusal::NotFound));
        let contract = world.act(&developer(), async |cx| contracts::get(cx, &id).await).await.unwrap();
        assert_eq!(text(&contract, "status"), "revoked");
        // Its client may come back elsewhere.
        let other = world.application(&developer()).await.unwrap();
        world.client(&developer(), &other, "shop").await.unwrap();
        let audited = world.audited().await;
        let end = &audited[audited.len() - 5..audited.len() - 2];
        assert_eq!(end, ["contract.revoke", "client.delete", "application.delete"]);
    }
}

#[tokio::test]
async fn a_provider_serves_other_environments() {
    for world in World::each().await {
        let (_, id) = world.active().await;
        let serve = async |environments: Value| {
            let body = object(json!({"environments": environments}));
            world.act(&admin(), async |cx| providers::patch(cx, "main", &Expected::Any, &body).await).await.unwrap();
            let contract = world.act(&admin(), async |cx| contracts::get(cx, &id).await).await.unwrap();
            (text(&contract, "status").to_owned(), world.rows().await.len())
        };
        assert_eq!(serve(json!(["test"])).await, ("pending".to_owned(), 0));
        assert_eq!(serve(json!(["prod"])).await, ("active".to_owned(), 1));
        assert_eq!(serve(Value::Null).await, ("active".to_owned(), 1));
        assert_eq!(world.position().await, 3);
    }
}

#[tokio::test]
async fn names_and_ends_are_carried_in_rows() {
    for world in World::each().await {
        let (_, id) = world.active().await;
        let patch = async |caller, body: Value| {
            let body = object(body);
            world.act(&caller, async |cx| contracts::patch(cx, &id, &Expected::Any, &body).await).await
        };
        assert_eq!(patch(owner(), json!({"name": "x"})).await, Err(Refusal::Forbidden));
        assert_eq!(patch(developer(), json!({"expires_at": null})).await, Err(Refusal::Forbidden));
        assert_eq!(text(&patch(developer(), json!({"name": "Kiosk"})).await.unwrap(), "name"), "Kiosk");
        assert!(matches!(patch(owner(), json!({"expires_at": null})).await, Err(Refusal::Invalid(_))));
        assert!(matches!(patch(owner(), json!({"tier": "gold"})).await, Err(Refusal::Invalid(_))));
        let soon = patch(owner(), json!({"expires_at": "2026-01-02T00:00:00Z"})).await.unwrap();
        assert_eq!(soon.value["in_force"], true);
        assert_eq!(world.position().await, 3);
        world.pass(Duration::from_secs(86_400));
        let late = world.act(&owner(), async |cx| contracts::get(cx, &id).await).await.unwrap();
        assert_eq!((text(&late, "status"), &late.value["in_force"]), ("active", &json!(false)));
    }
}
