//! `probe`, as an operator runs it: what it finds at servers, and what it leaves there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::oidc::{INITIAL_TOKEN, INTROSPECTOR, JWT, OPAQUE, OidcProvider};
use crate::scripted::{Asked, Scripted, ScriptedServer};

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");

/// A file that is removed.
struct TestFile(PathBuf);

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What `probe` prints of the provider `main` with these members, and its exit code. None of the secrets is in it.
#[track_caller]
pub fn probed(members: &str, secrets: &[(&str, &str)], more: &[&str]) -> (Value, i32) {
    let file = TestFile(std::env::temp_dir().join(format!("tessera-probe-{}.toml", uuid::Uuid::now_v7())));
    std::fs::write(&file.0, format!("[[providers]]\nid = \"main\"\nkind = \"dcr\"\n{members}\n")).unwrap();
    let mut command = Command::new(BINARY);
    command.args(["probe", "main", "--file"]).arg(&file.0).args(more).envs(secrets.iter().copied());
    let output = command.output().unwrap();
    let (out, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    for (_, secret) in secrets {
        assert!(!out.contains(secret) && !told.contains(secret), "{secret}: {out} {told}");
    }
    let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}\n{told}"));
    (report, output.status.code().unwrap())
}

pub fn steps(report: &Value) -> Vec<String> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {}", text(step, "step"), text(step, "outcome")))
        .collect()
}

fn of_real_server(server: &OidcProvider, resource: &str, introspection: &str) -> (Value, i32) {
    let members = format!(
        "issuer = \"{}\"\ntimeout = \"60s\"\nauthorization = {{type = \"bearer\", credential = {{env = \"IAT\"}}}}\n\
         token_parameters = {{resource = \"{resource}\"}}\n{introspection}",
        server.issuer
    );
    probed(&members, &[("IAT", INITIAL_TOKEN), ("SECRET", INTROSPECTOR.1)], &["--parallel"])
}

#[test]
fn a_real_server_is_found_out() {
    let server = OidcProvider::start();
    let introspection =
        format!("introspection = {{client_id = \"{}\", credential = {{env = \"SECRET\"}}}}", INTROSPECTOR.0);
    for (resource, introspection, token, introspected, still) in
        [(OPAQUE, introspection.as_str(), "opaque", "active", json!(true)), (JWT, "", "jwt", "none", json!(null))]
    {
        let (report, code) = of_real_server(&server, resource, introspection);
        assert_eq!((code, &report["usable"], &report["left_behind"]), (0, &json!(true), &json!([])), "{report:#}");
        assert_eq!(
            report["found"],
            json!({
                "management": "registration_token", "can_update": true, "can_delete": true,
                "registration_token_rotates": true, "secret_in_read": true, "scope": "kept",
                "auth_methods": ["client_secret_basic", "private_key_jwt"], "grants": ["client_credentials"],
                "parallel": 4, "token": token, "introspection": introspected, "client_id_claim": "client_id",
                "active_after_delete": still,
            }),
            "{report:#}"
        );
        let mut expected = vec![
            "metadata done",
            "register done",
            "read done",
            "update done",
            "token done",
            "introspect done",
            "parallel done",
            "register done",
            "delete done",
            "after_delete not_done",
            "after_delete done",
        ];
        if token == "jwt" {
            expected.remove(10);
            expected.remove(5);
        }
        assert_eq!(steps(&report), expected, "{report:#}");
        let block = &report["block"];
        assert_eq!(
            (&block["parallel"], &block["auth_methods"]),
            (&json!(4), &json!(["private_key_jwt", "client_secret_basic"]))
        );
        assert_eq!(block["authorization"], json!({"type": "bearer"}));
        assert_eq!(report["steps"][1]["status"], 201);
    }
}

#[test]
fn a_server_that_does_not_let_anybody_in_cannot_be_used() {
    let server = OidcProvider::start();
    let members = format!("issuer = \"{}\"", server.issuer);
    let (report, code) = probed(&members, &[], &[]);
    assert_eq!((code, steps(&report)), (5, vec!["metadata done".to_owned(), "register not_done".to_owned()]));
    assert_eq!((&report["usable"], &report["steps"][1]["status"]), (&json!(false), &json!(401)));
    let (report, code) = probed(&format!("issuer = \"{}/\"", server.issuer), &[], &[]);
    let detail = report["steps"][0]["detail"].as_str().unwrap();
    assert!(code == 5 && detail.contains(&format!("names the issuer \"{}\", not ", server.issuer)), "{detail}");
    let (report, code) = probed("issuer = \"http://127.0.0.1:1\"", &[], &["--parallel"]);
    assert_eq!((code, steps(&report)), (5, vec!["metadata not_done".to_owned(), "register not_done".to_owned()]));
    assert_eq!(report["found"]["can_delete"], json!(null));
}

/// A server that keeps clients, with its faults.
#[derive(Clone, Copy, Default)]
struct Faults {
    no_tokens_of_its_own: bool,
    drops_scopes: bool,
    widens_grants: bool,
    cannot_update: bool,
    cannot_delete: bool,
    /// It says that it has deleted.
    keeps_deleted: bool,
    moves_away: bool,
    gives_dead_clients: bool,
}

type Clients = Arc<Mutex<BTreeMap<String, Value>>>;

fn made(faults: Faults, clients: &mut BTreeMap<String, Value>, asked: &Asked, url: &str) -> Scripted {
    let id = format!("c{}", asked.body.len() + clients.len() * 1000);
    let mut client = asked.json();
    client["client_id"] = json!(id);
    if client["token_endpoint_auth_method"] != "private_key_jwt" {
        client["client_secret"] = json!(format!("secret-of-{id}"));
    }
    if !faults.no_tokens_of_its_own {
        client["registration_access_token"] = json!(format!("token-of-{id}"));
        let at = if faults.moves_away { "https://elsewhere.example" } else { url };
        client["registration_client_uri"] = json!(format!("{at}/reg/{id}"));
    }
    if faults.drops_scopes {
        client["scope"] = json!("");
    }
    if faults.widens_grants {
        client["grant_types"] = json!(["client_credentials", "password"]);
    }
    clients.insert(id, client.clone());
    Scripted::json(201, &client)
}

fn granted(clients: &BTreeMap<String, Value>, asked: &Asked) -> Scripted {
    let basic = asked.header("authorization").unwrap().strip_prefix("Basic ").unwrap().to_owned();
    let plain = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, basic).unwrap();
    let (id, secret) = String::from_utf8(plain)
        .unwrap()
        .split_once(':')
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        .unwrap();
    match clients.get(&id).is_some_and(|client| client["client_secret"] == secret.as_str()) {
        true => Scripted::json(200, &json!({"access_token": format!("at-{id}"), "token_type": "Bearer"})),
        false => Scripted::json(401, &json!({"error": "invalid_client", "error_description": secret})),
    }
}

fn answered(faults: Faults, clients: &Clients, asked: &Asked, url: &str) -> Scripted {
    let mut clients = clients.lock().unwrap();
    let id = asked.path.strip_prefix("/reg/").map(str::to_owned);
    match (asked.method.as_str(), asked.path.as_str(), id) {
        ("GET", "/.well-known/openid-configuration", _) => Scripted::json(
            200,
            &json!({
                "issuer": url, "registration_endpoint": format!("{url}/reg"), "token_endpoint": format!("{url}/token"),
                "introspection_endpoint": format!("{url}/introspect"), "scopes_supported": ["openid", "orders"],
            }),
        ),
        ("POST", "/reg", _) => made(faults, &mut clients, asked, url),
        ("PUT", _, Some(_)) if faults.cannot_update => Scripted::text(405, ""),
        ("DELETE", _, Some(_)) if faults.cannot_delete => Scripted::text(501, ""),
        ("DELETE", _, Some(_)) if faults.keeps_deleted => Scripted::text(204, ""),
        ("DELETE", _, Some(id)) if clients.remove(&id).is_some() => Scripted::text(204, ""),
        ("GET" | "PUT", _, Some(id)) if clients.contains_key(&id) => {
            let mut client = clients[&id].clone();
            client.as_object_mut().unwrap().remove("client_secret");
            Scripted::json(200, &client)
        }
        ("POST", "/token", _) if faults.gives_dead_clients => Scripted::json(401, &json!({"error": "invalid_client"})),
        ("POST", "/token", _) => granted(&clients, asked),
        ("POST", "/introspect", _) => {
            let id = asked.field("token").unwrap().strip_prefix("at-").unwrap().to_owned();
            Scripted::json(200, &json!({"active": clients.contains_key(&id), "client_id": id, "scope": "orders"}))
        }
        _ => Scripted::text(404, ""),
    }
}

/// What is found of it, the exit code, and the clients that are there at the end.
fn of_scripted(faults: Faults, authorization: &str, more: &[&str]) -> (Value, i32, Vec<String>) {
    let clients = Clients::default();
    let own = Arc::clone(&clients);
    let server = ScriptedServer::start(move |asked, url| answered(faults, &own, asked, url));
    let members = format!(
        "issuer = \"{}\"\ntimeout = \"60s\"\n{authorization}\n\
         introspection = {{client_id = \"registry\", credential = {{env = \"SECRET\"}}}}",
        server.url
    );
    let (report, code) = probed(&members, &[("SECRET", "secret-of-introspection")], more);
    let text = report.to_string();
    assert!(!text.contains("secret-of-") && !text.contains("token-of-") && !text.contains("at-c"), "{text}");
    let there = clients.lock().unwrap().keys().cloned().collect();
    (report, code, there)
}

fn left_behind(report: &Value) -> Vec<String> {
    let mut left: Vec<_> =
        report["left_behind"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    left.sort();
    left
}

const BEARER: &str = "authorization = {type = \"bearer\", credential = {env = \"SECRET\"}}";

#[test]
fn whatever_a_server_does_what_is_there_at_the_end_is_told() {
    let none = Faults::default();
    for (faults, authorization, code, found) in [
        (
            none,
            "",
            0,
            json!({"management": "registration_token", "can_update": true, "can_delete": true, "scope": "kept"}),
        ),
        (Faults { drops_scopes: true, ..none }, "", 0, json!({"scope": "fewer"})),
        (Faults { widens_grants: true, ..none }, "", 5, json!({"can_delete": true})),
        (Faults { cannot_update: true, ..none }, "", 0, json!({"can_update": false, "can_delete": true})),
        (Faults { cannot_delete: true, ..none }, "", 0, json!({"can_delete": false})),
        (Faults { keeps_deleted: true, ..none }, "", 0, json!({"can_delete": false})),
        (
            Faults { no_tokens_of_its_own: true, ..none },
            BEARER,
            0,
            json!({"management": "credential", "can_delete": true}),
        ),
        (Faults { no_tokens_of_its_own: true, ..none }, "", 0, json!({"management": "none", "can_delete": null})),
        (Faults { moves_away: true, ..none }, "", 5, json!({"management": null})),
        (Faults { moves_away: true, ..none }, BEARER, 0, json!({"management": "credential", "can_delete": true})),
        (Faults { gives_dead_clients: true, ..none }, "", 5, json!({"token": null, "can_delete": true})),
    ] {
        for more in [&[][..], &["--parallel"]] {
            let (report, ended, there) = of_scripted(faults, authorization, more);
            assert_eq!(ended, code, "{report:#}");
            assert_eq!(left_behind(&report), there, "{report:#}");
            for (name, value) in found.as_object().unwrap() {
                assert_eq!(&report["found"][name], value, "{name}: {report:#}");
            }
            let warns = report["warnings"].as_array().unwrap().len();
            let is_good = found["scope"] == "kept" || found["can_update"] == false;
            assert!(is_good || warns > 0 || found["management"] == "credential", "{report:#}");
        }
    }
}

#[test]
fn one_time_tokens_are_not_for_probing() {
    let file = TestFile(std::env::temp_dir().join(format!("tessera-probe-{}.toml", uuid::Uuid::now_v7())));
    let provider = "id = \"main\"\nkind = \"dcr\"\nissuer = \"http://127.0.0.1:1\"\n";
    std::fs::write(&file.0, format!("[[providers]]\n{provider}authorization = {{type = \"one_time\"}}\n")).unwrap();
    let output = Command::new(BINARY).args(["probe", "main", "--file"]).arg(&file.0).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(5), 0), "{told}");
    assert!(told.contains("one_time"), "{told}");
}

#[test]
fn what_is_no_provider_is_not_probed() {
    let run = |text: &str, id: &str| {
        let file = TestFile(std::env::temp_dir().join(format!("tessera-probe-{}.toml", uuid::Uuid::now_v7())));
        std::fs::write(&file.0, text).unwrap();
        let output = Command::new(BINARY).args(["probe", id, "--file"]).arg(&file.0).output().unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let manual = "[[providers]]\nid = \"main\"\nkind = \"manual\"\n";
    assert_eq!(run(manual, "main").0, 5);
    let entra = "[[providers]]\nid = \"main\"\nkind = \"entra\"\nissuer = \"https://x.example\"\ntenant = \"t\"\nclient_id = \"c\"\n\
                 credential = {env = \"PATH\"}\n";
    let (code, told) = run(entra, "main");
    assert!(code == 5 && told.contains("only a provider of the kind `dcr` can be probed"), "{told}");
    assert!(run(manual, "other").1.contains("has no provider other"));
    assert_eq!(run(manual, "other").0, 3);
    let (code, told) = run("[[providers]]\nid = \"main\"\nkind = \"dcr\"\nparallel = 99\n", "main");
    assert_eq!(code, 3);
    assert!(told.contains("providers[0].issuer: is required") && told.contains("providers[0].parallel: "), "{told}");
    let literal = "[[providers]]\nid = \"main\"\nkind = \"dcr\"\nissuer = \"https://x.example\"\nauthorization = {type = \"bearer\", credential = \"s3cret\"}";
    let (code, told) = run(literal, "main");
    assert!(code == 3 && told.contains("credential") && !told.contains("s3cret"), "{told}");
}
