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

#[tokio::test]
async fn markup_is_text() {
    let world = World::new().await;
    let title = "<script>alert(1)</script>&\"'`${{7*7}}\u{202e}";
    let made = world.post("/groups", ADMIN, &json!({"id": "m", "title": title})).await;
    if made.status == 201 {
        assert_eq!(made.json()["title"], title);
    } else {
        assert_eq!(made.json()["errors"][0]["pointer"], "/title");
    }
    assert_eq!(made.header("x-content-type-options"), "nosniff");
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
