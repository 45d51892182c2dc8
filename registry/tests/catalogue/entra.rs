//! Providers of Microsoft Entra ID.

use serde_json::{Value, json};
use tessera_registry::domain::catalogue_file::CatalogueFile;
use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::provider::{Provider, entra_place};
use tessera_registry::use_case::apply::apply;
use tessera_registry::use_case::open_provider::{OpenProvider, sealed_place};
use tessera_registry::use_case::ports::Sealing as _;
use tessera_registry::use_case::providers;
use tessera_registry::use_case::record;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;

use crate::apis::with_groups;
use crate::call;
use crate::database::every;
use crate::world::{World, caller, object, pointers};

const ISSUER: &str = "https://login.microsoftonline.com/8b0d/v2.0";

fn entra(more: Value) -> Value {
    let mut body = json!({
        "id": "entra", "kind": "entra", "issuer": ISSUER, "tenant": "8b0d", "client_id": "registry",
        "credential": "first secret",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn stored(world: &World) -> Provider {
    let mut tx = world.database.read().await.unwrap();
    record::get::<Provider>(&mut *tx, "default", "entra").await.unwrap().unwrap().thing
}

#[tokio::test]
async fn what_is_not_said_has_its_default_and_the_credential_is_sealed() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(entra(json!({})));
        let mut made = call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap().value;
        for name in ["created_at", "updated_at"] {
            made.as_object_mut().unwrap().remove(name).unwrap();
        }
        let expected = json!({
            "id": "entra", "title": "entra", "kind": "entra", "environments": null, "issuer": ISSUER,
            "tenant": "8b0d", "client_id": "registry", "credential_set": true,
            "graph": "https://graph.microsoft.com", "login": "https://login.microsoftonline.com",
            "secret_lifetime": "180d", "on_delete": "delete", "verify": "token", "token_parameters": {},
            "introspection": null, "client_id_claims": ["client_id", "azp", "appid", "cid"], "timeout": "10s",
        });
        assert_eq!(made, expected);
        let settings = stored(&world).await.entra.unwrap();
        assert!(!settings.credential.contains("first secret"));
        let place = sealed_place("default", &entra_place("entra"));
        assert_eq!(world.sealing.open(&settings.credential, &place).unwrap(), b"first secret");
        assert_eq!(settings.token_endpoint(), "https://login.microsoftonline.com/8b0d/oauth2/v2.0/token");
        let open = OpenProvider::new("default", stored(&world).await, &world.sealing);
        assert!(open.authorization.is_some() && open.introspection.is_none());
    }
}

#[tokio::test]
async fn a_stored_credential_is_shown_to_nobody_else() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(entra(json!({})));
        call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        for (name, value) in [
            ("tenant", "other"),
            ("client_id", "other"),
            ("graph", "https://graph.example.com"),
            ("login", "https://login.example.com"),
        ] {
            let patch = object(json!({name: value}));
            let refused = call!(world, &admin, |cx| providers::patch(cx, "entra", &Expected::Any, &patch).await);
            assert_eq!(pointers(refused), ["/credential"], "{name}");
            let patch = object(json!({name: value, "credential": "another"}));
            call!(world, &admin, |cx| providers::patch(cx, "entra", &Expected::Any, &patch).await).unwrap();
        }
        let patch = object(json!({"secret_lifetime": "30d", "verify": "none"}));
        let shown = call!(world, &admin, |cx| providers::patch(cx, "entra", &Expected::Any, &patch).await).unwrap();
        assert_eq!((&shown.value["secret_lifetime"], &shown.value["verify"]), (&json!("30d"), &json!("none")));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_every_fault() {
    let wrong: [(Value, &[&str]); 6] = [
        (json!({"tenant": "a/b", "client_id": "a b"}), &["/tenant", "/client_id"]),
        (json!({"tenant": "", "credential": ""}), &["/tenant", "/credential"]),
        (json!({"graph": "https://graph.example.com/", "login": "http://example.com"}), &["/graph", "/login"]),
        (json!({"secret_lifetime": "731d", "on_delete": "never"}), &["/secret_lifetime", "/on_delete"]),
        (json!({"token_parameters": {"scope ": "x"}, "endpoint": null}), &["/token_parameters", "/endpoint"]),
        (json!({"credential_set": true, "grants": []}), &["/credential_set", "/grants"]),
    ];
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        for (more, expected) in &wrong {
            let body = object(entra(more.clone()));
            let refused = call!(world, &admin, |cx| providers::create(cx, &body).await);
            assert_eq!(pointers(refused), *expected, "{more}");
        }
    }
}

#[tokio::test]
async fn a_file_has_the_credential_from_elsewhere() {
    for files in every() {
        let world = with_groups(files).await;
        let text = format!(
            "[[providers]]\nid = \"entra\"\nkind = \"entra\"\nissuer = \"{ISSUER}\"\ntenant = \"8b0d\"\n\
             client_id = \"registry\"\ncredential = {{env = \"ENTRA_SECRET\"}}\n"
        );
        let secret = |_: &toml::Value| Ok("from the environment".to_owned());
        let file = CatalogueFile::parse(&text, &secret).unwrap_or_else(|problems| panic!("{problems:?}"));
        let system = Caller::system("default");
        call!(world, &system, |cx| apply(cx, &file, false).await).unwrap();
        let settings = stored(&world).await.entra.unwrap();
        let place = sealed_place("default", &entra_place("entra"));
        assert_eq!(world.sealing.open(&settings.credential, &place).unwrap(), b"from the environment");
    }
}
