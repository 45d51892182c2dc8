//! Tiers.

use serde_json::json;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::{audit, tiers};

use crate::apis::{make_api, with_groups};
use crate::call;
use crate::database::every;
use crate::world::{asked, caller, object, pointers};

#[tokio::test]
async fn a_tier_has_its_defaults_and_is_its_owners() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "x", "a", json!({})).await;
        let (owner, reader) = (caller("default", &["a:owner"]), caller("default", &["c:developer"]));
        let body = object(json!({"id": "gold"}));
        let made = call!(world, &owner, |cx| tiers::create(cx, ("prod", "x"), &body).await).unwrap();
        assert_eq!(
            made.value,
            json!({
                "id": "gold", "title": "gold", "description": "", "approval": "manual", "limits": [],
                "max_duration": null, "self_approval": false, "scopes": [], "redirect_uris": "none",
                "grants": ["client_credentials"],
            })
        );
        let listed = call!(world, &reader, |cx| tiers::list(cx, ("prod", "x"), &asked(&[])).await).unwrap();
        assert_eq!(listed.items, std::slice::from_ref(&made.value));
        assert_eq!(call!(world, &reader, |cx| tiers::create(cx, ("prod", "x"), &body).await), Err(Refusal::Forbidden));
        assert_eq!(call!(world, &owner, |cx| tiers::create(cx, ("prod", "y"), &body).await), Err(Refusal::NotFound));
        let exists = call!(world, &owner, |cx| tiers::create(cx, ("prod", "x"), &body).await);
        assert!(matches!(exists, Err(Refusal::Exists(_))));
        let patch = object(
            json!({"limits": [{"requests": 100, "period": "1m"}], "max_duration": "90d", "approval": "automatic"}),
        );
        let id = ("prod", "x", "gold");
        let refused = call!(world, &reader, |cx| tiers::patch(cx, id, &Expected::Nothing, &patch).await);
        assert_eq!(refused, Err(Refusal::Forbidden));
        let expected = Expected::Revisions(vec![made.revision]);
        let done = call!(world, &owner, |cx| tiers::patch(cx, id, &expected, &patch).await).unwrap();
        assert_eq!((done.revision, &done.value["max_duration"]), (made.revision + 1, &json!("90d")));
        let auditor = caller("default", &["a:auditor"]);
        let entries = call!(world, &auditor, |cx| audit::list(cx, &asked(&[("subject", "tier:prod/x/gold")])).await);
        assert_eq!(entries.unwrap().items.len(), 2);
        let none = ("prod", "x", "none");
        assert_eq!(call!(world, &reader, |cx| tiers::get(cx, none).await), Err(Refusal::NotFound));
        assert_eq!(call!(world, &reader, |cx| tiers::delete(cx, none, &Expected::Any).await), Err(Refusal::NotFound));
    }
}

#[tokio::test]
async fn every_fault_of_a_tier_is_told_at_once() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "x", "a", json!({})).await;
        let owner = caller("default", &["a:owner"]);
        let body = object(json!({
            "id": "Gold", "approval": "sometimes", "limits": [{"requests": 0, "period": "1 m"}, {"requests": 1}, 3],
            "max_duration": "0s", "self_approval": "yes", "scopes": ["a b", "c", "c"], "redirect_uris": null,
            "grants": [], "created_at": "2026-01-01T00:00:00Z",
        }));
        let refused = call!(world, &owner, |cx| tiers::create(cx, ("prod", "x"), &body).await);
        assert_eq!(
            pointers(refused),
            [
                "/id",
                "/approval",
                "/limits/0/requests",
                "/limits/0/period",
                "/limits/1/period",
                "/limits/2",
                "/max_duration",
                "/self_approval",
                "/scopes/0",
                "/redirect_uris",
                "/grants",
                "/created_at"
            ]
        );
        let limits = vec![json!({"requests": 1, "period": "1s"}); 9];
        let body = object(json!({"id": "a", "limits": limits, "scopes": ["c", "c"], "grants": ["password"]}));
        let refused = call!(world, &owner, |cx| tiers::create(cx, ("prod", "x"), &body).await);
        assert_eq!(pointers(refused), ["/limits", "/scopes/1", "/grants/0"]);
    }
}
