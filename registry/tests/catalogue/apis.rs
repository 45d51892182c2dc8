//! APIs and their OpenAPI documents.

use serde_json::{Value, json};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::{apis, documents, environments, groups, tiers};

use crate::call;
use crate::database::{TestDatabase, every};
use crate::world::{World, asked, caller, object, pointers};

/// Groups `a` above `b`, and `c`; environment `prod`.
pub async fn with_groups(files: TestDatabase) -> World {
    let world = World::new(files).await;
    let admin = caller("default", &["admin"]);
    for (id, parent) in [("a", "root"), ("b", "a"), ("c", "root")] {
        let body = object(json!({"id": id, "parent": parent}));
        call!(world, &admin, |cx| groups::create(cx, &body).await).unwrap();
    }
    let body = object(json!({"id": "prod"}));
    call!(world, &admin, |cx| environments::create(cx, &body).await).unwrap();
    world
}

pub async fn make_api(world: &World, id: &str, group: &str, more: Value) {
    let admin = caller("default", &["admin"]);
    let mut body = object(json!({"environment": "prod", "id": id, "group": group, "title": format!("The {id}")}));
    body.extend(object(more));
    call!(world, &admin, |cx| apis::create(cx, &body).await).unwrap();
}

/// Filters, and what they find.
type FilterCase = (&'static [(&'static str, &'static str)], &'static [&'static str]);

fn ids(page: tessera_registry::use_case::shown::Page) -> Vec<String> {
    page.items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn owners_write_in_their_groups_only() {
    for files in every() {
        let world = with_groups(files).await;
        let owner = caller("default", &["a:owner"]);
        let body = |group: &str| {
            object(json!({"environment": "prod", "id": format!("in.{group}"), "group": group, "title": "t"}))
        };
        for group in ["a", "b"] {
            let made = call!(world, &owner, |cx| apis::create(cx, &body(group)).await).unwrap();
            assert_eq!((&made.value["lifecycle"], &made.value["has_openapi"]), (&json!("published"), &json!(false)));
        }
        for group in ["c", "root"] {
            assert_eq!(call!(world, &owner, |cx| apis::create(cx, &body(group)).await), Err(Refusal::Forbidden));
        }
        let refused = call!(world, &owner, |cx| apis::create(cx, &body("gone")).await);
        assert_eq!(pointers(refused), ["/group"]);
        for role in ["a:developer", "root:auditor"] {
            let who = caller("default", &[role]);
            assert_eq!(call!(world, &who, |cx| apis::create(cx, &object(json!({}))).await), Err(Refusal::Forbidden));
            let patch = object(json!({"title": "x"}));
            let refused = call!(world, &who, |cx| apis::patch(cx, ("prod", "in.a"), &Expected::Nothing, &patch).await);
            assert_eq!(refused, Err(Refusal::Forbidden));
            let refused = call!(world, &who, |cx| apis::delete(cx, ("prod", "in.a"), &Expected::Nothing).await);
            assert_eq!(refused, Err(Refusal::Forbidden));
        }
        // A change of group needs the role in both.
        let to_c = object(json!({"group": "c"}));
        let moved = |who| (who, to_c.clone());
        let (who, patch) = moved(owner.clone());
        let refused = call!(world, &who, |cx| apis::patch(cx, ("prod", "in.a"), &Expected::Any, &patch).await);
        assert_eq!(refused, Err(Refusal::Forbidden));
        let (who, patch) = moved(caller("default", &["a:owner", "c:owner"]));
        let before = call!(world, &who, |cx| apis::get(cx, ("prod", "in.a")).await).unwrap();
        let done = call!(world, &who, |cx| apis::patch(cx, ("prod", "in.a"), &Expected::Any, &patch).await).unwrap();
        assert_eq!((done.revision, &done.value["group"]), (before.revision + 1, &json!("c")));
        let refused = call!(world, &owner, |cx| apis::patch(cx, ("prod", "in.a"), &Expected::Any, &patch).await);
        assert_eq!(refused, Err(Refusal::Forbidden));
    }
}

#[tokio::test]
async fn every_fault_of_a_body_is_told_at_once() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(json!({
            "environment": "gone", "id": "a/b", "group": 7, "title": "", "description": "\u{0}",
            "documentation_url": "javascript:alert(1)", "lifecycle": "x", "has_openapi": true, "wrong~/": 1,
        }));
        let refused = call!(world, &admin, |cx| apis::create(cx, &body).await);
        let mut expected = [
            "/environment",
            "/id",
            "/group",
            "/title",
            "/description",
            "/documentation_url",
            "/lifecycle",
            "/has_openapi",
            "/wrong~0~1",
        ];
        let mut found = pointers(refused);
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected);
        let missing = call!(world, &admin, |cx| apis::create(cx, &object(json!({}))).await);
        assert_eq!(pointers(missing), ["/environment", "/id", "/group", "/title"]);
        make_api(
            &world,
            "x",
            "a",
            json!({"description": "<b>\n", "documentation_url": "https://docs.example.com/a?b"}),
        )
        .await;
        let fixed = object(json!({"environment": "other", "id": "y", "title": null}));
        let refused = call!(world, &admin, |cx| apis::patch(cx, ("prod", "x"), &Expected::Any, &fixed).await);
        assert_eq!(pointers(refused), ["/environment", "/id", "/title"]);
    }
}

#[tokio::test]
async fn drafts_are_seen_by_their_owners_and_auditors() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "open", "a", json!({})).await;
        make_api(&world, "draft", "a", json!({"lifecycle": "draft"})).await;
        for (roles, sees) in [
            (&["admin"][..], true),
            (&["a:owner"], true),
            (&["root:auditor"], true),
            (&["b:owner"], false),
            (&["a:developer"], false),
            (&["c:auditor", "a:developer"], false),
        ] {
            let who = caller("default", roles);
            let found = call!(world, &who, |cx| apis::get(cx, ("prod", "draft")).await);
            assert_eq!(found.is_ok(), sees, "{roles:?}");
            let listed = ids(call!(world, &who, |cx| apis::list(cx, &asked(&[])).await).unwrap());
            assert_eq!(listed.len(), 1 + usize::from(sees), "{roles:?}");
            let tiers = call!(world, &who, |cx| tiers::list(cx, ("prod", "draft"), &asked(&[])).await);
            assert_eq!(tiers.is_ok(), sees, "{roles:?}");
            if !sees {
                let none = call!(world, &who, |cx| apis::get(cx, ("prod", "none")).await);
                assert_eq!(found, none);
                let none = call!(world, &who, |cx| apis::delete(cx, ("prod", "draft"), &Expected::Nothing).await);
                assert_eq!(none, Err(Refusal::NotFound));
            }
        }
        let stranger = caller("other", &["admin"]);
        assert_eq!(call!(world, &stranger, |cx| apis::get(cx, ("prod", "open")).await), Err(Refusal::NotFound));
        assert!(
            call!(world, &caller("default", &[]), |cx| apis::list(cx, &asked(&[])).await).unwrap().items.is_empty()
        );
    }
}

#[tokio::test]
async fn a_search_finds_words_in_id_and_title() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "orders.v1", "a", json!({"title": "Bestellungen \u{dc}BER 100%_"})).await;
        make_api(&world, "users", "b", json!({"title": "People", "lifecycle": "deprecated"})).await;
        let who = caller("default", &["c:developer"]);
        let cases: &[FilterCase] = &[
            (&[("q", "ORDERS u\u{308}ber")], &["orders.v1"]),
            (&[("q", "0%_")], &["orders.v1"]),
            (&[("q", "_%")], &[]),
            (&[("q", "  ")], &["orders.v1", "users"]),
            (&[("q", "orders people")], &[]),
            (&[("lifecycle", "deprecated")], &["users"]),
            (&[("group", "a")], &["orders.v1"]),
            (&[("environment", "prod"), ("q", "users")], &["users"]),
            (&[("environment", "gone")], &[]),
            (&[("group", "'; DROP TABLE apis")], &[]),
            (&[("group", "\0")], &[]),
        ];
        for (filters, expected) in cases {
            let found = ids(call!(world, &who, |cx| apis::list(cx, &asked(filters)).await).unwrap());
            assert_eq!(found, *expected, "{filters:?}");
        }
        for wrong in [("lifecycle", "x"), ("q", "\0"), ("q", &"x".repeat(201))] {
            let refused = call!(world, &who, |cx| apis::list(cx, &asked(&[wrong])).await);
            assert_eq!(pointers(refused), [format!("?{}", wrong.0)]);
        }
    }
}

#[tokio::test]
async fn a_document_comes_back_byte_by_byte_and_goes_with_its_api() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "x", "a", json!({})).await;
        let (owner, reader, api) =
            (caller("default", &["a:owner"]), caller("default", &["c:developer"]), ("prod", "x"));
        assert_eq!(call!(world, &reader, |cx| documents::get(cx, api).await), Err(Refusal::NotFound));
        assert_eq!(call!(world, &owner, |cx| documents::delete(cx, api).await), Err(Refusal::NotFound));
        let before = call!(world, &reader, |cx| apis::get(cx, api).await).unwrap();
        let text = "\u{feff}openapi: 3.1.0\r\n# \"<>&\0\t\u{1f600}\n";
        call!(world, &owner, |cx| documents::put(cx, api, text.as_bytes()).await).unwrap();
        assert_eq!(call!(world, &reader, |cx| documents::get(cx, api).await).as_deref(), Ok(text));
        let shown = call!(world, &reader, |cx| apis::get(cx, api).await).unwrap();
        assert_eq!((shown.revision, &shown.value["has_openapi"]), (before.revision + 1, &json!(true)));
        assert_eq!(call!(world, &reader, |cx| documents::put(cx, api, b"{}").await), Err(Refusal::Forbidden));
        for wrong in [b"\xff".as_slice(), b"", b" \n"] {
            assert_eq!(pointers(call!(world, &owner, |cx| documents::put(cx, api, wrong).await)), [""]);
        }
        let full = vec![b'x'; 1 << 20];
        call!(world, &owner, |cx| documents::put(cx, api, &full).await).unwrap();
        assert_eq!(call!(world, &reader, |cx| documents::get(cx, api).await).unwrap().len(), 1 << 20);
        call!(world, &owner, |cx| apis::delete(cx, api, &Expected::Any).await).unwrap();
        make_api(&world, "x", "a", json!({})).await;
        assert_eq!(call!(world, &reader, |cx| documents::get(cx, api).await), Err(Refusal::NotFound));
    }
}

#[tokio::test]
async fn what_something_depends_on_stays() {
    for files in every() {
        let world = with_groups(files).await;
        make_api(&world, "x", "a", json!({})).await;
        let admin = caller("default", &["admin"]);
        let tier = object(json!({"id": "gold"}));
        call!(world, &admin, |cx| tiers::create(cx, ("prod", "x"), &tier).await).unwrap();
        let refused = [
            call!(world, &admin, |cx| apis::delete(cx, ("prod", "x"), &Expected::Any).await),
            call!(world, &admin, |cx| environments::delete(cx, "prod", &Expected::Any).await),
            call!(world, &admin, |cx| groups::delete(cx, "a", &Expected::Any).await),
        ];
        assert!(refused.iter().all(|refused| matches!(refused, Err(Refusal::InUse(_)))), "{refused:?}");
        let missing = call!(world, &admin, |cx| apis::delete(cx, ("prod", "x"), &Expected::Nothing).await);
        assert_eq!(missing, Err(Refusal::PreconditionRequired), "before that it is in use");
        call!(world, &admin, |cx| tiers::delete(cx, ("prod", "x", "gold"), &Expected::Any).await).unwrap();
        call!(world, &admin, |cx| apis::delete(cx, ("prod", "x"), &Expected::Any).await).unwrap();
        call!(world, &admin, |cx| environments::delete(cx, "prod", &Expected::Any).await).unwrap();
        call!(world, &admin, |cx| groups::delete(cx, "b", &Expected::Any).await).unwrap();
        call!(world, &admin, |cx| groups::delete(cx, "a", &Expected::Any).await).unwrap();
    }
}
