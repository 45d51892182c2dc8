//! Groups and environments.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::principal::{Caller, Role};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::audit::{ChainState, verify};
use tessera_registry::use_case::shown::{Asked, Deleted, Expected};
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{apis, audit, environments, groups, registry_tokens};

use crate::apis::make_api;
use crate::call;
use crate::database::every;
use crate::world::{World, asked, caller, object, pointers};

#[tokio::test]
async fn a_group_is_made_changed_and_removed() {
    for files in every() {
        let world = World::new(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({"id": "a"}));
        let made = call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
        assert_eq!((&made.value["parent"], &made.value["title"]), (&json!("root"), &json!("a")));
        assert_eq!(made.value["created_at"], "2026-01-01T00:00:00.000Z");
        let again = call!(world, &admin, |cx| groups::create(cx, &body).await);
        assert!(matches!(again, Err(Refusal::Exists(_))), "{again:?}");

        world.pass(1000);
        let patch = object(json!({"title": "A"}));
        let refused = call!(world, &admin, |cx| groups::patch(cx, "a", &Expected::Nothing, &patch).await);
        assert_eq!(refused, Err(Refusal::PreconditionRequired));
        let [first, second] = [made.revision, made.revision + 1];
        let only = |revision| Expected::Revisions(vec![revision]);
        let refused = call!(world, &admin, |cx| groups::patch(cx, "a", &only(second), &patch).await);
        assert_eq!(refused, Err(Refusal::PreconditionFailed));
        let once = call!(world, &admin, |cx| groups::patch(cx, "a", &only(first), &patch).await);
        let once = once.unwrap();
        assert_eq!((once.revision, &once.value["updated_at"]), (second, &json!("2026-01-01T00:00:01.000Z")));
        world.pass(1000);
        let twice = call!(world, &admin, |cx| groups::patch(cx, "a", &Expected::Any, &patch).await);
        assert_eq!(twice.as_ref(), Ok(&once), "nothing changes, so nothing is changed");

        let gone = call!(world, &admin, |cx| groups::delete(cx, "a", &Expected::Any).await);
        assert_eq!(gone, Ok(Deleted::Gone));
        assert_eq!(call!(world, &admin, |cx| groups::get(cx, "a").await), Err(Refusal::NotFound));
        let mut tx = world.database.read().await.unwrap();
        // The organisation, root, and three of `a`.
        assert_eq!(verify(&mut *tx, "default").await.unwrap(), ChainState::Whole { entries: 5 });
    }
}

#[tokio::test]
async fn the_tree_has_no_circles_and_no_more_than_eight_levels() {
    for files in every() {
        let world = World::new(files).await;
        let admin = caller("default", &["admin"]);
        let mut parent = "root".to_owned();
        for level in 1..=9 {
            let body = object(json!({"id": format!("g{level}"), "parent": parent}));
            let made = call!(world, &admin, |cx| groups::create(cx, &body).await);
            if level == 9 {
                assert_eq!(pointers(made), ["/parent"]);
            } else {
                made.unwrap();
            }
            parent = format!("g{level}");
        }
        for (id, patch) in [
            ("g2", json!({"parent": "g5"})),
            ("g2", json!({"parent": "g2"})),
            ("root", json!({"parent": "g1"})),
            ("g2", json!({"parent": "gone"})),
        ] {
            let patch = object(patch);
            let refused = call!(world, &admin, |cx| groups::patch(cx, id, &Expected::Any, &patch).await);
            assert_eq!(pointers(refused), ["/parent"], "{id} {patch:?}");
        }
        for (id, why) in [("root", "root"), ("g7", "below it")] {
            let refused = call!(world, &admin, |cx| groups::delete(cx, id, &Expected::Any).await);
            assert!(matches!(refused, Err(Refusal::InUse(text)) if text.contains(why)), "{refused:?}");
        }
        let up = object(json!({"parent": null}));
        let moved = call!(world, &admin, |cx| groups::patch(cx, "g2", &Expected::Any, &up).await).unwrap();
        assert_eq!(moved.value["parent"], "root");
        let root = object(json!({"title": "All"}));
        call!(world, &admin, |cx| groups::patch(cx, "root", &Expected::Any, &root).await).unwrap();
    }
}

#[tokio::test]
async fn everybody_with_a_role_reads_and_admins_write() {
    for files in every() {
        let world = World::new(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({"id": "a"}));
        call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
        call!(world, &admin, |cx| environments::create(cx, &body).await).unwrap();
        let title = object(json!({"title": "x"}));
        for role in ["root:owner", "a:developer", "a:auditor", "root:auditor"] {
            let who = caller("default", &[role]);
            call!(world, &who, |cx| groups::get(cx, "a").await).unwrap();
            call!(world, &who, |cx| environments::get(cx, "a").await).unwrap();
            assert_eq!(call!(world, &who, |cx| groups::list(cx, &asked(&[])).await).unwrap().items.len(), 2);
            let refused = [
                call!(world, &who, |cx| groups::create(cx, &title).await),
                call!(world, &who, |cx| groups::patch(cx, "a", &Expected::Nothing, &title).await),
                call!(world, &who, |cx| environments::create(cx, &title).await),
                call!(world, &who, |cx| environments::patch(cx, "a", &Expected::Nothing, &title).await),
            ];
            assert!(refused.iter().all(|refused| *refused == Err(Refusal::Forbidden)), "{role}: {refused:?}");
            let refused = call!(world, &who, |cx| groups::delete(cx, "a", &Expected::Nothing).await);
            assert_eq!(refused, Err(Refusal::Forbidden));
        }
        // Who has no role, or is somebody else's admin, learns nothing: not even whether there is one.
        for who in [caller("default", &[]), caller("default", &["gone:owner"]), caller("other", &["admin"])] {
            for id in ["a", "b", "\0", "", &"x".repeat(10_000)] {
                let refused = [
                    call!(world, &who, |cx| groups::get(cx, id).await),
                    call!(world, &who, |cx| groups::patch(cx, id, &Expected::Nothing, &title).await),
                    call!(world, &who, |cx| environments::get(cx, id).await),
                    call!(world, &who, |cx| environments::patch(cx, id, &Expected::Nothing, &title).await),
                ];
                assert!(refused.iter().all(|refused| *refused == Err(Refusal::NotFound)), "{id}: {refused:?}");
            }
        }
        let foreign = caller("other", &["admin"]);
        call!(world, &foreign, |cx| groups::create(cx, &body).await).unwrap();
        let items = call!(world, &foreign, |cx| environments::list(cx, &asked(&[])).await).unwrap().items;
        assert_eq!(items, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn an_environment_has_a_feed_while_it_is_there() {
    for files in every() {
        let world = World::new(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({"id": "prod", "title": "Production"}));
        let made = call!(world, &admin, |cx| environments::create(cx, &body).await).unwrap();
        assert_eq!(made.value["position"], 0);
        let given = object(json!({"id": "x", "position": 3, "updated_at": null, "more": 1}));
        let refused = call!(world, &admin, |cx| environments::create(cx, &given).await);
        assert_eq!(pointers(refused), ["/position", "/updated_at", "/more"]);
        let changed = object(json!({"id": "other"}));
        let refused = call!(world, &admin, |cx| environments::patch(cx, "prod", &Expected::Any, &changed).await);
        assert_eq!(pointers(refused), ["/id"]);
        call!(world, &admin, |cx| environments::delete(cx, "prod", &Expected::Any).await).unwrap();
        let mut tx = world.database.read().await.unwrap();
        assert_eq!(tx.head("default", "prod").await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_there_throughout_is_listed_exactly_once() {
    for files in every() {
        let world = World::new(files).await;
        let admin = caller("default", &["admin"]);
        for n in 0..20 {
            let body = object(json!({"id": format!("g{n:02}")}));
            call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
        }
        for descending in [false, true] {
            let (mut after, mut seen) = (None, Vec::new());
            for part in 0.. {
                let question = Asked { filters: Vec::new(), after: after.clone(), descending, limit: 3 };
                let page = call!(world, &admin, |cx| groups::list(cx, &question).await).unwrap();
                assert!(page.items.len() <= 3);
                seen.extend(page.items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
                let body = object(json!({"id": format!("new-{descending}-{part}"), "title": "y"}));
                call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let mut sorted = seen.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), seen.len(), "none twice");
            assert!((0..20).all(|n| seen.contains(&format!("g{n:02}"))));
            assert_eq!(seen.first() < seen.last(), !descending);
        }
    }
}

#[tokio::test]
async fn a_group_that_comes_back_has_nothing_of_the_former_one() {
    for files in every() {
        let world = World::new(files).await;
        let (admin, system) = (caller("default", &["admin"]), Caller::system("default"));
        let body = object(json!({"id": "hr"}));
        let make = async || call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
        let delete = async || call!(world, &admin, |cx| groups::delete(cx, "hr", &Expected::Any).await);
        make().await;
        let prod = object(json!({"id": "prod"}));
        call!(world, &admin, |cx| environments::create(cx, &prod).await).unwrap();
        make_api(&world, "salaries", "hr", json!({"lifecycle": "draft"})).await;
        call!(world, &admin, |cx| apis::delete(cx, ("prod", "salaries"), &Expected::Any).await).unwrap();
        let (roles, day) = ([Role::parse("hr:owner").unwrap()], Duration::from_secs(86_400));
        call!(world, &system, |cx| registry_tokens::create(cx, None, &roles, day).await).unwrap();
        let refused = delete().await;
        assert!(matches!(refused, Err(Refusal::InUse(why)) if why.contains("token")), "{refused:?}");
        world.pass(86_400_000);
        let auditor = caller("default", &["hr:auditor"]);
        let entries = async || call!(world, &auditor, |cx| audit::list(cx, &asked(&[])).await).unwrap().items.len();
        assert_eq!(entries().await, 2);
        delete().await.unwrap();
        make().await;
        assert_eq!(entries().await, 0);
        let everything = caller("default", &["root:auditor"]);
        let all = call!(world, &everything, |cx| audit::list(cx, &asked(&[])).await).unwrap().items;
        assert!(all.iter().any(|entry| entry["subject"]["id"] == "prod/salaries"));
        let mut tx = world.database.read().await.unwrap();
        assert!(matches!(verify(&mut *tx, "default").await.unwrap(), ChainState::Whole { .. }));
    }
}
