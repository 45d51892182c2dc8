//! Providers at which clients are registered dynamically.

use serde_json::{Value, json};
use tessera_registry::domain::catalogue_file::CatalogueFile;
use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::provider::{Provider, authorization_place};
use tessera_registry::sealing::SealingKeys;
use tessera_registry::use_case::apply::{NotApplied, apply};
use tessera_registry::use_case::open_provider::{OpenProvider, sealed_place};
use tessera_registry::use_case::ports::Sealing as _;
use tessera_registry::use_case::record;
use tessera_registry::use_case::reseal::reseal;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{audit, providers};

use crate::apis::with_groups;
use crate::call;
use crate::database::every;
use crate::world::{World, asked, caller, object, pointers};

/// The example of RFC 8410, 10.3, of a key that nobody uses.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

async fn stored(world: &World, id: &str) -> Provider {
    let mut tx = world.database.read().await.unwrap();
    record::get::<Provider>(&mut *tx, "default", id).await.unwrap().unwrap().thing
}

async fn secret(world: &World, id: &str) -> Option<Vec<u8>> {
    let place = sealed_place("default", &authorization_place(id));
    let sealed = stored(world, id).await.registration.unwrap().authorization.credential().cloned();
    world.sealing.open(&sealed.unwrap(), &place)
}

fn dcr(more: Value) -> Value {
    let mut body = json!({"id": "idp", "kind": "dcr", "issuer": "https://idp.example.com"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn what_is_not_said_has_its_default() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(dcr(json!({})));
        let created = call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        let mut made = created.value;
        for name in ["created_at", "updated_at"] {
            made.as_object_mut().unwrap().remove(name).unwrap();
        }
        let expected = json!({
            "id": "idp", "title": "idp", "kind": "dcr", "environments": null, "issuer": "https://idp.example.com",
            "endpoint": null, "token_endpoint": null, "authorization": {"type": "none"},
            "management": "registration_token", "can_update": true, "can_delete": true, "on_delete": "delete",
            "search_parameter": null, "parallel": 1, "grants": ["client_credentials"],
            "auth_methods": ["private_key_jwt", "client_secret_basic"], "metadata": {"set": {}, "omit": []},
            "verify": "token", "token_parameters": {}, "introspection": null,
            "client_id_claims": ["client_id", "azp", "appid", "cid"], "timeout": "10s",
        });
        assert_eq!(made, expected);
        // What is shown can be given again.
        let shown = object(expected);
        let same = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &shown).await).unwrap();
        assert_eq!(same.revision, created.revision);
        let patch = json!({
            "metadata": {"set": {"contacts": ["a@example.com"], "x": {"y": 1}}}, "parallel": 4,
            "token_parameters": {"resource": "https://api.example.com", "audience": "api"},
        });
        let patch = object(patch);
        call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await).unwrap();
        let patch = json!({
            "metadata": {"set": {"x": {"z": 2}}, "omit": ["software_id"]}, "parallel": null,
            "token_parameters": {"audience": null},
        });
        let patch = object(patch);
        let shown = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await).unwrap().value;
        let merged = json!({"set": {"contacts": ["a@example.com"], "x": {"y": 1, "z": 2}}, "omit": ["software_id"]});
        assert_eq!((&shown["metadata"], &shown["parallel"]), (&merged, &json!(1)));
        assert_eq!(shown["token_parameters"], json!({"resource": "https://api.example.com"}));
    }
}

/// Each kind of authorization, as it is given and as it is shown.
fn authorizations() -> [(Value, Value); 6] {
    let set = true;
    [
        (json!({"type": "none"}), json!({"type": "none"})),
        (json!({"type": "one_time"}), json!({"type": "one_time", "one_time_left": 0})),
        (json!({"type": "bearer", "credential": "s3cret"}), json!({"type": "bearer", "credential_set": set})),
        (
            json!({"type": "header", "name": "Authorization", "credential": "SSWS s3cret"}),
            json!({"type": "header", "name": "Authorization", "credential_set": set}),
        ),
        (
            json!({"type": "client_credentials", "client_id": "registry", "credential": "s3cret", "scope": "a b"}),
            json!({"type": "client_credentials", "client_id": "registry", "scope": "a b", "credential_set": set}),
        ),
        (
            json!({"type": "private_key_jwt", "client_id": "registry", "credential": KEY, "key_id": "k1", "algorithm": "EdDSA"}),
            json!({"type": "private_key_jwt", "client_id": "registry", "key_id": "k1", "algorithm": "EdDSA", "credential_set": set}),
        ),
    ]
}

#[tokio::test]
async fn credentials_are_sealed_and_never_shown() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let body = object(dcr(json!({})));
        call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        let mut told = String::new();
        for (given, shown) in authorizations() {
            let patch = object(json!({"authorization": given}));
            let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await).unwrap();
            assert_eq!(done.value["authorization"], shown);
            let again = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await).unwrap();
            assert_eq!(again.revision, done.revision, "{shown}");
            if let Some(credential) = given.get("credential").and_then(Value::as_str) {
                assert_eq!(secret(&world, "idp").await.as_deref(), Some(credential.as_bytes()));
            }
            let open = OpenProvider::new("default", stored(&world, "idp").await, &world.sealing);
            assert_eq!(open.authorization.is_some(), given.get("credential").is_some());
            told.push_str(&format!("{done:?}{open:?}{:?}", open.provider));
        }
        let entries = call!(world, &admin, |cx| audit::list(cx, &asked(&[])).await).unwrap();
        told.push_str(&format!("{entries:?}"));
        assert!(!told.contains("s3cret") && !told.contains("MC4CAQAwBQ"), "{told}");
        // The kind of another organisation's place opens nothing.
        assert!(OpenProvider::new("other", stored(&world, "idp").await, &world.sealing).authorization.is_none());
        let none = object(json!({"authorization": null}));
        let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &none).await).unwrap();
        assert_eq!(done.value["authorization"], json!({"type": "none"}));
    }
}

#[tokio::test]
async fn a_credential_that_is_stored_is_sent_to_nobody_else() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        let client = json!({"type": "client_credentials", "client_id": "registry", "credential": "s3cret"});
        let body = object(dcr(json!({"authorization": client, "endpoint": "https://idp.example.com/register"})));
        call!(world, &admin, |cx| providers::create(cx, &body).await).unwrap();
        let elsewhere = "https://evil.example.com";
        for (change, expected) in [
            (json!({"endpoint": elsewhere}), "/authorization"),
            (json!({"endpoint": null}), "/authorization"),
            (json!({"token_endpoint": elsewhere}), "/authorization"),
            (json!({"token_endpoint": elsewhere, "authorization": {"scope": "a"}}), "/authorization/credential"),
            (json!({"authorization": {"client_id": "other"}}), "/authorization/credential"),
            (json!({"authorization": {"type": "bearer"}}), "/authorization/credential"),
            (json!({"authorization": {"type": "client_credentials", "client_id": "x"}}), "/authorization/credential"),
        ] {
            let patch = object(change.clone());
            let refused = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await);
            assert_eq!(pointers(refused), [expected], "{change}");
        }
        for change in [
            json!({"authorization": {"scope": "a"}}),
            json!({"endpoint": elsewhere, "authorization": {"credential": "other"}}),
            json!({"authorization": null, "token_endpoint": elsewhere}),
            json!({"endpoint": null}),
        ] {
            let patch = object(change.clone());
            let done = call!(world, &admin, |cx| providers::patch(cx, "idp", &Expected::Any, &patch).await);
            assert!(done.is_ok(), "{change} {done:?}");
        }
    }
}

/// What is wrong, and where.
fn wrong_authorizations() -> Vec<(Value, &'static [&'static str])> {
    let key = |more: Value| {
        let mut authorization = object(json!({"type": "private_key_jwt", "client_id": "r", "credential": KEY}));
        authorization.extend(object(more));
        Value::from(authorization)
    };
    vec![
        (json!("none"), &[""]),
        (json!({}), &["/type"]),
        (json!({"type": "basic", "credential": "x"}), &["/type"]),
        (json!({"type": "none", "credential": "x"}), &["/credential"]),
        (json!({"type": "bearer", "credential": "two words"}), &["/credential"]),
        (json!({"type": "bearer", "credential_set": true, "credential": "x"}), &["/credential_set"]),
        (json!({"type": "header", "name": "content-length", "credential": "a\nb"}), &["/name", "/credential"]),
        (json!({"type": "header", "name": "a b", "credential": " x"}), &["/name", "/credential"]),
        (
            json!({"type": "client_credentials", "credential": "x".repeat(20_000), "scope": "a  b"}),
            &["/client_id", "/credential", "/scope"],
        ),
        (key(json!({})), &["/algorithm"]),
        (key(json!({"algorithm": "HS256"})), &["/algorithm"]),
        (key(json!({"algorithm": "ES256"})), &["/credential"]),
    ]
}

fn wrong_settings() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!({"issuer": null, "verify": "yes"}), &["/issuer", "/verify"]),
        (json!({"endpoint": "http://idp.example.com", "token_endpoint": 1}), &["/endpoint", "/token_endpoint"]),
        (json!({"management": "credential"}), &["/management"]),
        (json!({"management": "credential", "authorization": {"type": "one_time"}}), &["/management"]),
        (json!({"can_update": 1, "can_delete": "no", "on_delete": "x"}), &["/can_update", "/can_delete", "/on_delete"]),
        (json!({"search_parameter": "a&b", "parallel": 17}), &["/search_parameter", "/parallel"]),
        (json!({"parallel": 0, "grants": [], "auth_methods": ["x"]}), &["/parallel", "/grants", "/auth_methods/0"]),
        (json!({"grants": ["password"], "auth_methods": ["none", "none"]}), &["/grants/0", "/auth_methods/1"]),
        (json!({"metadata": {"set": {"scope": "*"}, "more": 1}}), &["/metadata/set", "/metadata/more"]),
        (json!({"metadata": {"set": {"jwks_uri": "https://x"}, "omit": [""]}}), &["/metadata/set", "/metadata/omit/0"]),
        (json!({"metadata": {"set": {"client_name": ["x"]}}}), &["/metadata/set"]),
        (json!({"metadata": {"set": {"x": "x".repeat(20_000)}}}), &["/metadata/set"]),
        (json!({"token_parameters": {"grant_type": "password"}}), &["/token_parameters"]),
        (json!({"token_parameters": {"a": 1}}), &["/token_parameters"]),
        (json!({"token_parameters": {"a=b": "c"}}), &["/token_parameters"]),
        (json!({"registration": null, "tenant": "x"}), &["/registration", "/tenant"]),
    ]
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    for files in every() {
        let world = with_groups(files).await;
        let admin = caller("default", &["admin"]);
        for (more, expected) in wrong_settings() {
            let body = object(dcr(more.clone()));
            let refused = call!(world, &admin, |cx| providers::create(cx, &body).await);
            assert_eq!(pointers(refused), expected, "{more}");
        }
        for (authorization, expected) in wrong_authorizations() {
            let body = object(dcr(json!({"authorization": authorization})));
            let refused = call!(world, &admin, |cx| providers::create(cx, &body).await);
            let expected: Vec<_> = expected.iter().map(|pointer| format!("/authorization{pointer}")).collect();
            assert_eq!(pointers(refused), expected, "{body:?}");
        }
    }
}

const FILE: &str = r#"
[[providers]]
id = "idp"
kind = "dcr"
issuer = "https://idp.example.com"
parallel = 2
authorization = { type = "bearer", credential = { env = "IDP" } }
metadata = { set = { contacts = ["a@example.com"] } }
"#;

async fn applied(world: &World, text: &str) -> Result<Vec<String>, NotApplied> {
    let secret = |value: &toml::Value| Ok(value["env"].as_str().unwrap().to_owned());
    let file = CatalogueFile::parse(text, &secret).unwrap_or_else(|problems| panic!("{problems:?}"));
    call!(world, &Caller::system("default"), |cx| apply(cx, &file, false).await)
}

#[tokio::test]
async fn a_file_has_secrets_by_reference_and_reseal_finds_them() {
    for files in every() {
        let mut world = with_groups(files).await;
        assert_eq!(applied(&world, FILE).await.unwrap(), ["+ provider idp"]);
        assert_eq!(applied(&world, FILE).await.unwrap(), Vec::<String>::new());
        assert_eq!(secret(&world, "idp").await.as_deref(), Some(b"IDP".as_slice()));
        let other = FILE.replace("env = \"IDP\"", "env = \"OTHER\"").replace("parallel = 2\n", "");
        assert_eq!(applied(&world, &other).await.unwrap().len(), 1);
        assert_eq!(secret(&world, "idp").await.as_deref(), Some(b"OTHER".as_slice()));
        assert_eq!(stored(&world, "idp").await.registration.unwrap().parallel, 1);
        let manual = "[[providers]]\nid = \"idp\"\nkind = \"manual\"\nissuer = \"https://idp.example.com\"\n";
        assert_eq!(
            applied(&world, manual).await,
            Err(NotApplied::Problems(vec!["providers[0].kind: cannot be changed".into()]))
        );
        world.sealing = SealingKeys::new([("new".to_owned(), [2; 32]), ("k".to_owned(), [1; 32])]).unwrap();
        let mut tx = world.database.write().await.unwrap();
        assert_eq!(reseal(&mut *tx, &world.sealing, &world.dice).await, Ok(1));
        tx.commit().await.unwrap();
        world.sealing = SealingKeys::new([("new".to_owned(), [2; 32])]).unwrap();
        assert_eq!(secret(&world, "idp").await.as_deref(), Some(b"OTHER".as_slice()));
    }
}
