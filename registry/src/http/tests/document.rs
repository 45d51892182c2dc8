//! The OpenAPI document.

use std::path::Path;

use super::world::World;
use crate::http::openapi::document;
use crate::http::routes::ROUTES;

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let world = World::new().await;
    let reply = world.get("/openapi.json", "").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    assert_eq!(&reply.json(), document());
    assert_eq!(world.call("DELETE", "/openapi.json", "", &[], None).await.header("allow"), "GET, HEAD");
}

#[test]
fn the_file_in_the_repository_is_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(document()).unwrap());
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "run with WRITE_OPENAPI=1 to write {}", path.display());
}

#[test]
fn a_body_has_what_is_given_and_nothing_that_is_made_here() {
    let members = |name: &str| {
        let members = document().pointer(&format!("/components/schemas/{name}/properties")).unwrap();
        members.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>()
    };
    let contract = ["api", "application", "environment", "expires_at", "name", "not_before", "reason", "tier"];
    assert_eq!(members("NewContract"), contract);
    assert!(!members("NewClient").contains(&"differences") && members("ClientView").contains(&"differences"));
    let introspection = ["auth", "client_id", "credential", "endpoint"];
    assert_eq!(
        (members("NewIntrospection"), members("IntrospectionChange")),
        (introspection.into(), introspection.into())
    );
    assert!(!members("IntrospectionView").contains(&"credential"));
    assert_eq!(document()["components"]["schemas"]["ContractView"]["properties"]["allowed"]["readOnly"], true);
}

#[test]
fn every_reference_leads_to_a_part_and_every_name_is_of_one_operation() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"#/").skip(1) {
        let pointer = format!("/{}", reference.split('"').next().unwrap());
        assert!(document.pointer(&pointer).is_some(), "{pointer}");
    }
    let mut names: Vec<&str> = ROUTES.iter().flat_map(|part| part.iter()).map(|route| route.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
