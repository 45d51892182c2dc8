//! Clients that were registered before the sealing key was exchanged, or the database.

use serde_json::{Value, json};

use crate::authority::server;
use crate::client::Client;
use crate::place::{Place, Served};
use crate::postgres;
use crate::registered::{changed, until};
use crate::scripted::ScriptedServer;

const OLD: &str = "sealing_keys = [{id = \"k1\", key = {env = \"SEALING_KEY\"}}]";
const BOTH: &str =
    "sealing_keys = [{id = \"k2\", key = {env = \"NEW_KEY\"}}, {id = \"k1\", key = {env = \"SEALING_KEY\"}}]";
const NEW: &str = "sealing_keys = [{id = \"k2\", key = {env = \"NEW_KEY\"}}]";

async fn catalogue(admin: &Client, url: &str) -> String {
    admin.found().await;
    let machine = json!({"type": "client_credentials", "client_id": "registry", "credential": "hush-dcr-machine"});
    for (id, authorization, management) in [
        ("pool", json!({"type": "one_time"}), "registration_token"),
        ("bearer", json!({"type": "bearer", "credential": "hush-dcr-bearer"}), "registration_token"),
        ("machine", machine, "credential"),
    ] {
        let body = json!({"id": id, "kind": "dcr", "issuer": url, "authorization": authorization, "timeout": "60s",
            "management": management,
            "introspection": {"client_id": "registry", "credential": "hush-dcr-inspector"}});
        admin.make("/providers", body).await;
    }
    let tokens = json!({"tokens": ["hush-dcr-one-time-1", "hush-dcr-one-time-2"]});
    assert_eq!(admin.post("/providers/pool/registration-tokens", &tokens).await.status, 200);
    let application = admin.make("/applications", json!({"group": "team", "name": "Shop"})).await;
    let tier = json!({"id": "scoped", "approval": "automatic", "scopes": ["a", "b"]});
    admin.make("/apis/prod/orders/tiers", tier).await;
    let contract = json!({"environment": "prod", "api": "orders", "application": application, "tier": "scoped"});
    admin.make("/contracts", contract).await;
    application
}

async fn registered(admin: &Client, application: &str, provider: &str) -> (String, String) {
    let clients = format!("/applications/{application}/clients");
    let path = format!("/clients/{}", admin.make(&clients, json!({"provider": provider})).await);
    let live = until(admin, &path, "live").await;
    (path, live["client_id"].as_str().unwrap().to_owned())
}

/// With what the server was asked to do this.
fn shown(server: &ScriptedServer, method: &str, path: &str) -> Option<String> {
    let asked = server.asked().into_iter().rev().find(|asked| asked.is(method, path))?;
    asked.header("authorization").map(str::to_owned)
}

async fn secret(admin: &Client, (path, client_id): &(String, String)) {
    let told = admin.post(&format!("{path}/secret"), &json!({})).await.json();
    let secret = format!("hush-dcr-secret-{client_id}");
    assert_eq!((&told["client_id"], &told["client_secret"]), (&json!(client_id), &json!(secret)), "{told}");
}

/// Changed, rotated, deleted: each with what only its own seal had.
async fn go_on(admin: &Client, server: &ScriptedServer, clients: [&(String, String); 2]) {
    let [bearer, machine] = clients;
    let patched = admin.call("PATCH", &bearer.0, Some(&json!({"scopes": ["a"]}))).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(changed(admin, &bearer.0).await["scopes"], json!(["a"]));
    let token = format!("Bearer hush-dcr-manage-{}", bearer.1);
    assert_eq!(shown(server, "PUT", &format!("/register/{}", bearer.1)), Some(token));
    let rotated = admin.post(&format!("{}/rotate", bearer.0), &json!({"overlap": "0s"})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    until(admin, &format!("/clients/{}", rotated.id()), "live").await;
    until(admin, &bearer.0, "deleted").await;
    let token = format!("Bearer hush-dcr-manage-{}-next", bearer.1);
    assert_eq!(shown(server, "DELETE", &format!("/register/{}", bearer.1)), Some(token));
    assert_eq!(shown(server, "POST", "/register").as_deref(), Some("Bearer hush-dcr-bearer"));
    assert_eq!(admin.call("DELETE", &machine.0, None).await.status, 202);
    until(admin, &machine.0, "deleted").await;
    let token = shown(server, "DELETE", &format!("/register/{}", machine.1));
    assert_eq!(token.as_deref(), Some("Bearer hush-dcr-access-registry"));
}

fn with_keys(place: &Place, from: &str, to: &str) {
    let text = std::fs::read_to_string(place.folder.join("registry.toml")).unwrap();
    assert!(text.contains(from), "{text}");
    place.write("registry.toml", &text.replace(from, to));
}

fn served_by(place: &Place) -> (Served, Client) {
    let served = place.serve();
    let admin = place.admin(&served);
    (served, admin)
}

async fn exchanged(mut place: Place) {
    let server = server();
    let (served, admin) = served_by(&place);
    let application = catalogue(&admin, &server.url).await;
    let pool = registered(&admin, &application, "pool").await;
    let (bearer, machine) =
        (registered(&admin, &application, "bearer").await, registered(&admin, &application, "machine").await);
    let later = registered(&admin, &application, "bearer").await;
    served.end();
    place.secrets.push(("NEW_KEY".to_owned(), place.run(&["seal-key", "new"])));
    with_keys(&place, OLD, BOTH);
    place.run(&["seal-key", "reseal"]);
    // Whoever has the old key, and the new database, has nothing.
    with_keys(&place, BOTH, NEW);
    place.secrets.retain(|(name, _)| name != "SEALING_KEY");
    let (served, admin) = served_by(&place);
    secret(&admin, &pool).await;
    secret(&admin, &machine).await;
    go_on(&admin, &server, [&bearer, &machine]).await;
    let (next, _) = registered(&admin, &application, "pool").await;
    assert_eq!(shown(&server, "POST", "/register").as_deref(), Some("Bearer hush-dcr-one-time-2"));
    let provider = admin.get("/providers/pool").await.json();
    assert_eq!(provider["authorization"]["one_time_left"], 0, "{provider}");
    served.end();
    moved(&place, &server, &later, &next).await;
}

/// An export goes into another database, and everything goes on there.
async fn moved(place: &Place, server: &ScriptedServer, later: &(String, String), next: &str) {
    place.write("everything.jsonl", &format!("{}\n", place.run(&["export"])));
    let mut other = Place::sqlite("");
    other.secrets.clone_from(&place.secrets);
    with_keys(&other, OLD, NEW);
    other.run(&["import", &place.path("everything.jsonl")]);
    let (served, admin) = served_by(&other);
    secret(&admin, later).await;
    assert_eq!(admin.call("DELETE", &later.0, None).await.status, 202);
    until(&admin, &later.0, "deleted").await;
    let token = format!("Bearer hush-dcr-manage-{}", later.1);
    assert_eq!(shown(server, "DELETE", &format!("/register/{}", later.1)), Some(token));
    until(&admin, next, "live").await;
    for provider in ["pool", "bearer", "machine"] {
        assert_eq!(admin.list(&format!("/providers/{provider}/orphans")).await, Vec::<Value>::new());
    }
    served.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_clients_go_on_under_another_sealing_key() {
    exchanged(Place::sqlite("")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_clients_go_on_under_another_sealing_key_on_postgresql() {
    exchanged(Place::new(&format!("\"{}\"", postgres::shared().database()), "")).await;
}
