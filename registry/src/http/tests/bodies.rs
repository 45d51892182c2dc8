//! Bodies that nobody should send.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::world::World;

const ADMIN: &str = "ann.default~admin";
const OWNER: &str = "olf.default~root/owner";

async fn sent(world: &World, token: &str, content_type: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
    let request = Request::post("/api/v1/groups").header("authorization", format!("Bearer {token}"));
    let request = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
    let reply = world.send(request.body(Body::from(body.into())).unwrap()).await;
    (reply.status.as_u16(), reply.json())
}

#[tokio::test]
async fn what_is_no_body_of_ours_is_refused() {
    let world = World::new().await;
    let json = "application/json";
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(1 << 20));
    let huge = vec![b' '; 20 << 20];
    for (content_type, body, status) in [
        (json, "{".into(), 400),
        (json, "".into(), 400),
        ("", "".into(), 422),
        (json, "{\"id\":\"a\",\"id\":\"b\"}".into(), 400),
        (json, "{\"id\":\"a\",\"x\":[{\"y\":1,\"z\":2,\"\\u0079\":1}]}".into(), 400),
        (json, nested(16), 400),
        (json, nested(15), 422),
        (json, deep.into_bytes(), 400),
        (json, b"{\"id\":\"\xff\"}".to_vec(), 400),
        (json, "{\"id\":\"a\\u0000\"}".into(), 422),
        (json, "[]".into(), 422),
        (json, "null".into(), 422),
        (json, "{\"id\":\"a\",\"title\":\"a\\nb\"}".into(), 422),
        (json, "{\"id\":\"a\",\"nothing\":1}".into(), 422),
        (json, "{\"id\":\"a\",\"created_at\":\"2026-01-01T00:00:00Z\"}".into(), 422),
        (json, large.into_bytes(), 413),
        (json, huge, 413),
        ("text/plain", "{}".into(), 415),
        ("application/merge-patch+json", "{}".into(), 415),
        ("", "{}".into(), 415),
        ("Application/JSON; charset=utf-8", "{\"id\":\"a\"}".into(), 201),
    ] {
        let body: Vec<u8> = body;
        let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let (answered, problem) = sent(&world, ADMIN, content_type, body).await;
        assert_eq!(answered, status, "{start} {problem}");
        // Who may not make one learns nothing of what is wrong with it.
        assert_eq!(sent(&world, OWNER, content_type, start).await.0, 403);
    }
}

#[tokio::test]
async fn every_fault_is_named_where_it_is() {
    let world = World::new().await;
    let body = json!({"id": "-", "title": "x".repeat(10_000), "parent": "nowhere", "a/b": 1}).to_string();
    let (status, problem) = sent(&world, ADMIN, "application/json", body).await;
    let mut pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!((status, pointers.as_slice()), (422, ["/a~1b", "/id", "/parent", "/title"].as_slice()), "{problem}");
}

/// A body with so many levels below its own.
fn nested(levels: usize) -> Vec<u8> {
    format!("{{\"id\":\"a\",\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
}

/// Every text that somebody chooses, by what it is a member of.
async fn texts(world: &World) -> Vec<(&'static str, String, Value)> {
    world.post("/environments", ADMIN, &json!({"id": "prod"})).await;
    world.post("/providers", ADMIN, &json!({"id": "main", "kind": "manual"})).await;
    let api = json!({"environment": "prod", "id": "pets", "group": "root", "title": "Pets"});
    world.post("/apis", ADMIN, &api).await;
    world.post("/apis/prod/pets/tiers", ADMIN, &json!({"id": "gold"})).await;
    let shop = world.post("/applications", ADMIN, &json!({"group": "root", "name": "Shop"})).await.json();
    let new = |path: &str, body: Value| (path.to_owned(), body);
    let contract = json!({"environment": "prod", "api": "pets", "application": shop["id"], "tier": "gold"});
    let (clients, client) =
        (format!("/applications/{}/clients", shop["id"].as_str().unwrap()), json!({"provider": "main"}));
    [
        ("title", new("/groups", json!({"id": "g"}))),
        ("title", new("/environments", json!({"id": "e"}))),
        ("title", new("/providers", json!({"id": "p", "kind": "manual"}))),
        ("title", new("/apis", json!({"environment": "prod", "id": "a", "group": "root"}))),
        ("description", new("/apis", json!({"environment": "prod", "id": "b", "group": "root", "title": "t"}))),
        ("title", new("/apis/prod/pets/tiers", json!({"id": "t"}))),
        ("name", new("/applications", json!({"group": "root"}))),
        ("title", new("/gateways", json!({"environment": "prod"}))),
        ("client_id", (clients, client)),
        ("name", new("/contracts", contract)),
    ]
    .map(|(member, (path, body))| (member, path, body))
    .into()
}

#[tokio::test]
async fn what_somebody_calls_a_thing_is_a_text_of_bounded_length_and_no_markup() {
    let world = World::new().await;
    let markup = "<script>alert(1)</script>&\"'`${{7*7}} ";
    for (member, path, mut body) in texts(&world).await {
        for wrong in ["x".repeat(10_000), "a\u{0}b".into(), "a\u{7}b".into(), "a\u{85}b".into(), "a\u{1b}[2J".into()] {
            body[member] = json!(wrong);
            let refused = world.post(&path, ADMIN, &body).await;
            let pointer = refused.json()["errors"][0]["pointer"].clone();
            assert_eq!((refused.status.as_u16(), pointer), (422, json!(format!("/{member}"))), "{path} {refused:?}");
        }
        body[member] = json!(markup);
        let made = world.post(&path, ADMIN, &body).await;
        assert_eq!((made.status.as_u16(), &made.json()[member]), (201, &json!(markup)), "{path} {made:?}");
        assert_eq!(made.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_document_comes_back_byte_by_byte() {
    let world = World::new().await;
    world.post("/environments", ADMIN, &json!({"id": "prod"})).await;
    let api = json!({"environment": "prod", "id": "pets.v1", "group": "root", "title": "Pets"});
    let made = world.post("/apis", ADMIN, &api).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/apis/prod/pets.v1"), "{made:?}");
    let path = "/apis/prod/pets.v1/openapi";
    assert_eq!(world.get(path, ADMIN).await.status, 404);
    let text = "openapi: 3.1.0\r\ninfo: {title: \"<b>\"}\n\n";
    let put = world.call("PUT", path, ADMIN, &["content-type: application/yaml"], Some(text)).await;
    assert_eq!(put.status, 204, "{put:?}");
    let got = world.get(path, ADMIN).await;
    assert_eq!((got.bytes.as_slice(), got.header("content-type")), (text.as_bytes(), "text/plain"));
    for (content_type, body, status) in [
        ("image/png", "x".to_owned(), 415),
        ("text/plain", "x".repeat((1 << 20) + 1), 413),
        ("text/plain", String::new(), 422),
    ] {
        let header = format!("content-type: {content_type}");
        assert_eq!(world.call("PUT", path, ADMIN, &[&header], Some(&body)).await.status.as_u16(), status);
    }
    assert_eq!(world.call("DELETE", path, ADMIN, &[], None).await.status, 204);
    assert_eq!(world.call("DELETE", path, ADMIN, &[], None).await.status, 404);
}
