//! Lists, and conditions on changes.

use serde_json::json;

use super::world::World;

const ADMIN: &str = "ann.default~admin";

#[tokio::test]
async fn a_list_is_followed_by_its_links() {
    let world = World::new().await;
    for number in 0..7 {
        assert_eq!(world.post("/groups", ADMIN, &json!({"id": format!("g{number}")})).await.status, 201);
    }
    for (order, begins) in [("asc", "g0"), ("desc", "root")] {
        let (mut path, mut seen) = (format!("/groups?limit=3&order={order}"), Vec::new());
        loop {
            let reply = world.get(&path, ADMIN).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            let items = reply.json()["items"].as_array().unwrap().clone();
            assert!(items.len() <= 3);
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Some(next) = reply.header("link").strip_prefix("</api/v1") else { break };
            path = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        }
        assert_eq!((seen.len(), seen[0].as_str()), (8, begins));
        assert!(seen.is_sorted() || seen.iter().rev().is_sorted());
    }
    assert_eq!(world.get("/groups?limit=8", ADMIN).await.header("link"), "");
    let wrong = world.get("/groups?limit=x&foo=1&limit=2&after=%00", ADMIN).await;
    let pointers: Vec<_> = wrong.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(
        (wrong.slug().as_str(), pointers),
        ("invalid_query", vec![json!("?limit"), json!("?foo"), json!("?limit"), json!("?after")])
    );
}

#[tokio::test]
async fn a_change_names_the_revision_that_it_is_meant_for() {
    let world = World::new().await;
    let made = world.post("/groups", ADMIN, &json!({"id": "team"})).await;
    let first = made.header("etag").to_owned();
    assert_eq!(made.header("location"), "/api/v1/groups/team");
    let number: i64 = first.trim_matches('"').parse().unwrap();
    let second = format!("\"{}\"", number + 1);
    let title = json!({"title": "A team"}).to_string();
    let patch = async |tag: &str, body: &str| {
        let condition = format!("if-match: {tag}");
        let headers: &[&str] = if tag.is_empty() { &[] } else { &[&condition] };
        world.call("PATCH", "/groups/team", ADMIN, headers, Some(body)).await
    };
    let weak = format!("W/{first}");
    for (tag, status) in
        [("", 428), (&*second, 412), (&weak, 412), ("1", 400), (&first, 200), (&first, 412), ("*", 200)]
    {
        assert_eq!(patch(tag, &title).await.status.as_u16(), status, "{tag}");
    }
    assert_eq!(patch("", "{").await.status, 400, "400 comes before 428");
    assert_eq!(patch("\"9\"", "{\"x\":1}").await.status, 412, "412 comes before 422");
    let merge = ["content-type: application/merge-patch+json; charset=utf-8", "if-match: *"];
    assert_eq!(world.call("PATCH", "/groups/team", ADMIN, &merge, Some(&title)).await.header("etag"), second);
    let got = world.call("GET", "/groups/team", ADMIN, &["if-match: nonsense"], None).await;
    assert_eq!(got.header("etag"), second, "there it means nothing");
    assert_eq!(world.call("DELETE", "/groups/team", ADMIN, &[], None).await.status, 428);
    let gone = world.call("DELETE", "/groups/team", ADMIN, &[&format!("if-match: {second}")], None).await;
    assert_eq!((gone.status.as_u16(), gone.bytes.len()), (204, 0));
    assert_eq!(world.call("DELETE", "/groups/team", ADMIN, &["if-match: *"], None).await.status, 404);
}

#[tokio::test]
async fn what_has_the_name_of_a_former_thing_has_none_of_its_entity_tags() {
    let world = World::new().await;
    let api = json!({"environment": "prod", "id": "pets", "group": "root", "title": "Pets"});
    world.post("/environments", ADMIN, &json!({"id": "prod"})).await;
    world.post("/apis", ADMIN, &api).await;
    for (path, thing, body) in [
        ("/apis/prod/pets/tiers", "/apis/prod/pets/tiers/gold", json!({"id": "gold"})),
        ("/apis", "/apis/prod/pets", api),
        ("/environments", "/environments/test", json!({"id": "test"})),
        ("/groups", "/groups/team", json!({"id": "team"})),
        ("/providers", "/providers/main", json!({"id": "main", "kind": "manual"})),
    ] {
        let delete = async || world.call("DELETE", thing, ADMIN, &["if-match: *"], None).await;
        delete().await;
        let made = world.post(path, ADMIN, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let former = format!("if-match: {}", made.header("etag"));
        assert_eq!(world.call("DELETE", thing, ADMIN, &[&former], None).await.status, 204);
        let again = world.post(path, ADMIN, &body).await;
        assert_ne!(again.header("etag"), made.header("etag"), "{thing}");
        assert_eq!(world.call("DELETE", thing, ADMIN, &[&former], None).await.status, 412, "{thing}");
        assert_eq!(delete().await.status, 204, "{thing}");
    }
}
