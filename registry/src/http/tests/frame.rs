//! What is the same for every request.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::world::World;

const ADMIN: &str = "ann.default~admin";

#[tokio::test]
async fn a_token_says_who_calls_until_it_ends() {
    let world = World::new().await;
    let token = world.token("other", &["admin", "root:auditor"]).await;
    let reply = world.get("/me", &token).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let me = reply.json();
    assert_eq!((&me["organisation"], &me["roles"]), (&json!("other"), &json!(["admin", "root:auditor"])));
    assert!(me["principal"].as_str().unwrap().starts_with("token:"));
    assert_eq!(world.get("/me", ADMIN).await.json()["principal"], "user:ann");
    world.time.pass(Duration::from_secs(86_400));
    let spoilt = format!("{}A", &token[..token.len() - 1]);
    for wrong in ["", "trt_", "nobody", &token, &spoilt, "trg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let reply = world.get("/me", wrong).await;
        assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer"), "{wrong}");
        assert_eq!(reply.slug(), "unauthenticated");
    }
    let twice = ["authorization: Bearer x", "authorization: Bearer y"];
    assert_eq!(world.call("GET", "/me", "", &twice, None).await.status, 401);
}

#[tokio::test]
async fn an_organisation_that_does_not_exist_has_no_roles() {
    let world = World::new().await;
    let reply = world.get("/me", "ann.ghost~admin").await;
    assert_eq!((reply.status.as_u16(), reply.json()["roles"].clone()), (200, json!([])));
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_stored() {
    let world = World::new().await;
    for (given, kept) in
        [("a.B_c-1", true), ("", false), ("a b", false), (&"x".repeat(64), true), (&"x".repeat(65), false)]
    {
        let reply = world.call("GET", "/nothing", ADMIN, &[&format!("x-request-id: {given}")], None).await;
        let id = reply.header("x-request-id");
        assert!(!id.is_empty() && (id == given) == kept, "{given} {id}");
        assert_eq!(
            (reply.header("cache-control"), reply.header("content-type")),
            ("no-store", "application/problem+json")
        );
        let problem = reply.json();
        assert_eq!(problem["request_id"], id);
        assert_eq!(problem["type"], "https://registry.example/problems/not_found");
        assert_eq!(problem["status"], 404);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
    }
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    let reply = World::new().await.get("/me", "panic").await;
    assert_eq!((reply.status.as_u16(), reply.slug().as_str()), (500, "internal"));
    assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
}

#[tokio::test]
async fn methods_and_paths_that_are_not_there() {
    let world = World::new().await;
    for method in ["OPTIONS", "POST", "DELETE", "TRACE", "MADEUP"] {
        let reply = world.call(method, "/me", ADMIN, &[], None).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET, HEAD"), "{method}");
        assert_eq!(world.call(method, "/me", "", &[], None).await.status, 401);
        assert_eq!(world.call(method, "/nowhere", ADMIN, &[], None).await.status, 404);
    }
    assert_eq!(world.post("/me", ADMIN, &json!({})).await.slug(), "method_not_allowed");
    for path in ["", "/", "/me/", "//me", "/me/x", "/m%65"] {
        assert_eq!(world.get(path, ADMIN).await.status, 404, "{path}");
    }
    let (get, head) = (world.get("/me", ADMIN).await, world.call("HEAD", "/me", ADMIN, &[], None).await);
    assert_eq!((head.status, head.bytes.len()), (get.status, 0));
    assert_eq!(head.header("content-length"), get.bytes.len().to_string());
    assert_eq!(world.get("/me?x=1", ADMIN).await.json()["errors"][0]["pointer"], "?x");
}

#[tokio::test]
async fn problems_are_explained_to_everybody() {
    let world = World::new().await;
    let get = |path: &str| Request::get(path.to_owned()).body(Body::empty()).unwrap();
    let page = world.send(get("/problems/own_request")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(world.send(get("/problems/nothing")).await.status, 404);
    assert_eq!(world.send(get("/")).await.status, 404);
    let post = Request::post("/problems/own_request").body(Body::empty()).unwrap();
    assert_eq!(world.send(post).await.status, 405);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let few = NonZeroU32::new(3).unwrap();
    let world = World::with(|settings| (settings.requests_per_second, settings.burst) = (few, few)).await;
    let statuses = async |token: &str| {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(world.get("/me", token).await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses(ADMIN).await, [200, 200, 200, 429]);
    assert_eq!(statuses("ann.other").await, [200, 200, 200, 429], "a budget of its own");
    assert_eq!(statuses("").await, [401, 401, 401, 429]);
    let late = world.get("/me", "").await;
    assert_eq!((late.slug().as_str(), late.header("retry-after")), ("rate_limited", "1"));
}

#[tokio::test]
async fn whoever_guesses_is_refused_and_whoever_knows_is_not() {
    let world = World::with(|settings| settings.failed_authentications = NonZeroU32::new(2).unwrap()).await;
    for status in [401, 401, 429, 429] {
        assert_eq!(world.get("/me", "nobody").await.status.as_u16(), status);
    }
    assert_eq!(world.get("/me", "").await.status, 401);
    assert_eq!(world.get("/me", ADMIN).await.status, 200);
    let asked = format!("asked~{ADMIN}");
    assert_eq!(world.get("/me", &asked).await.status, 429, "nobody is asked for whoever guesses");
    assert_eq!(World::new().await.get("/me", &asked).await.status, 200);
}
