//! Secrets and tokens are in no log, metric, audit entry, list, webhook, export, backup, and in no file of the database.

mod registering;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::authority;
use crate::client::{Client, http, sent};
use crate::place::{PATIENCE, Place, SEALING_KEY, Served};
use crate::postgres::Postgres;
use crate::witness::Witness;

/// What is no secret, and is to be found: so it is known that somebody has looked.
const FOUND: &str = "evidently-not-a-secret";

/// What nobody may find, by what it is.
const KNOWN: [(&str, &str); 10] = [
    ("database password", "hush-database-password"),
    ("credential of a provider", "hush-credential-created"),
    ("credential after a change", "hush-credential-changed"),
    ("credential of a file", "hush-credential-applied"),
    ("secret of the introspection", "hush-introspection-secret"),
    ("access token", "hush-access-token"),
    ("access token of nobody", "hush-access-token-of-nobody"),
    ("access token that proves", "hush-access-token-that-proves"),
    ("query", "hush-query"),
    ("misplaced secret", "hush-misplaced"),
];
/// The bytes behind `whsec_`.
const WEBHOOK: &str = "hush-webhook-secret-of-some-bytes";

/// Everything that was found out, in files.
struct Evidence {
    folder: std::path::PathBuf,
    secrets: Vec<(String, String)>,
}

impl Evidence {
    fn new(place: &Place) -> Self {
        let folder = place.folder.join("evidence");
        fs::create_dir(&folder).unwrap();
        let mut evidence = Self { folder, secrets: Vec::new() };
        for (name, text) in KNOWN {
            evidence.is_secret(name, text);
        }
        evidence.is_secret("sealing key", SEALING_KEY);
        evidence
            .is_secret("bytes of the sealing key", &String::from_utf8(STANDARD.decode(SEALING_KEY).unwrap()).unwrap());
        evidence.is_secret("webhook secret", &STANDARD.encode(WEBHOOK));
        evidence.is_secret("bytes of the webhook secret", WEBHOOK);
        evidence.is_secret("what an authorization server gives or takes", authority::SECRET);
        for credentials in authority::BASIC {
            evidence.is_secret("credentials of the registry", &STANDARD.encode(credentials));
        }
        evidence
    }

    fn is_secret(&mut self, name: &str, text: &str) {
        self.secrets.push((name.to_owned(), text.to_owned()));
    }

    fn keep(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// What a command says, on either way.
    fn said(&self, place: &Place, name: &str, arguments: &[&str]) {
        let output = place.output(arguments);
        self.keep(name, [output.stdout, output.stderr].concat());
    }

    /// Files below that have this text.
    fn files_with(text: &str, below: &[&Path]) -> Vec<String> {
        let output = Command::new("grep").args(["-rlaF", "-e", text]).args(below).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// That nothing was found here and in the files of the database.
    fn judge(&self, database: &[&Path]) {
        let everywhere = [&[self.folder.as_path()], database].concat();
        for (name, text) in &self.secrets {
            let files = Self::files_with(text, &everywhere);
            assert!(files.is_empty(), "{name} is in {files:?}");
        }
        let found = Self::files_with(FOUND, &everywhere);
        for file in ["log", "audit", "export", "backup", "applications", "webhooks"] {
            assert!(found.iter().any(|path| path.ends_with(&format!("evidence/{file}"))), "{file} is not in {found:?}");
        }
        assert!(found.iter().any(|path| !path.contains("evidence/")), "the database is not in {found:?}");
    }
}

fn place(database: &str, witness: &Witness) -> Place {
    let url = &witness.url;
    let auth = format!(
        "auth = {{issuer = \"{url}\", audience = \"registry\", verify = \"introspection\", client_id = \"registry\", \
         client_secret = {{env = \"INTROSPECTION_SECRET\"}}}}\nlog.level = \"trace\"\ntasks.stuck_after = \"1s\"\n\
         [[webhooks]]\nurl = \"{url}/hook\"\nsecret = {{env = \"WEBHOOK_SECRET\"}}\n"
    );
    let mut place = if database.is_empty() { Place::sqlite(&auth) } else { Place::new(database, &auth) };
    let secrets = [
        ("INTROSPECTION_SECRET", "hush-introspection-secret".to_owned()),
        ("WEBHOOK_SECRET", format!("whsec_{}", STANDARD.encode(WEBHOOK))),
        ("CREDENTIAL", "hush-credential-applied".to_owned()),
        // Nothing of the environment may make libraries talk.
        ("RUST_LOG", "trace".to_owned()),
    ];
    place.secrets.extend(secrets.map(|(name, value)| (name.to_owned(), value)));
    place
}

fn witness() -> Witness {
    let claims = json!({"active": true, "sub": "ann", "aud": "registry", "roles": ["admin"], "exp": 4_000_000_000_u64});
    Witness::start(&[("hush-access-token", claims)])
}

/// Puts every secret to use, rightly and wrongly.
async fn used(place: &Place, served: &Served, evidence: &mut Evidence) -> Client {
    let server = authority::server();
    let admin = place.admin(served);
    evidence.is_secret("registry token", &admin.token);
    let ended = place.run(&["token", "create", "--role", "admin", "--name", FOUND]);
    evidence.is_secret("registry token that has ended", &ended);
    let tokens = place.run(&["token", "list"]);
    let id = tokens.lines().find(|line| line.contains(FOUND)).unwrap().split('\t').next().unwrap();
    place.run(&["token", "revoke", id]);
    assert_eq!(admin.with_token(&ended).get("/me").await.status, 401);
    admin.found().await;
    let developer = place.run(&["token", "create", "--role", "team:developer"]);
    evidence.is_secret("token of a developer", &developer);
    admin.contract(FOUND).await;
    for (token, status) in [("hush-access-token", 200), ("hush-access-token-of-nobody", 401)] {
        assert_eq!(admin.with_token(token).get("/me").await.status, status);
    }
    let user = admin.with_token("hush-access-token");
    assert_eq!(user.post("/groups", &json!({"id": "made-by-ann", "title": FOUND})).await.status, 201);
    providers(place, &admin).await;
    proof(&admin, &admin.with_token(&developer)).await;
    gateways(&admin, served, evidence).await;
    misplaced(&admin).await;
    registering::used(&admin, &server).await;
    place.run(&["seal-key", "reseal"]);
    admin
}

async fn keyed(client: &Client, path: &str, key: &str, body: &serde_json::Value) -> crate::client::Answer {
    let request = client.request("POST", path, Some(body)).header("idempotency-key", key);
    sent(request.header("x-request-id", FOUND)).await.unwrap()
}

/// Credentials by API and file.
async fn providers(place: &Place, admin: &Client) {
    let issuer = "http://127.0.0.1:9";
    let introspection = |credential: &str| json!({"client_id": "registry", "credential": credential});
    let new = json!({"id": "idp", "kind": "manual", "issuer": issuer,
        "introspection": introspection("hush-credential-created")});
    for _ in 0..2 {
        assert_eq!(keyed(admin, "/providers", "provider", &new).await.status, 201);
    }
    let change = json!({"introspection": introspection("hush-credential-changed")});
    assert_eq!(admin.call("PATCH", "/providers/idp", Some(&change)).await.status, 200);
    let wrong = json!({"id": "idp2", "kind": "manual", "introspection": {"credential": ["hush-misplaced"]}});
    assert_eq!(keyed(admin, "/providers", "wrong", &wrong).await.status, 422);
    let catalogue = format!(
        "[[providers]]\nid = \"filed\"\nkind = \"manual\"\nissuer = \"{issuer}\"\n\
         introspection = {{client_id = \"registry\", credential = {{env = \"CREDENTIAL\"}}}}\n"
    );
    place.write("catalogue.toml", &catalogue);
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"]);
    place.run(&["seal-key", "reseal"]);
}

/// An access token in a body, of an issuer that nobody can ask about it.
async fn proof(admin: &Client, developer: &Client) {
    let application = admin.make("/applications", json!({"group": "team", "name": "proving"})).await;
    let path = format!("/applications/{application}/clients");
    let client = developer.make(&path, json!({"provider": "idp", "client_id": "proved"})).await;
    let body = json!({"access_token": "hush-access-token-that-proves"});
    let proved = keyed(developer, &format!("/clients/{client}/prove"), "proof", &body).await;
    assert_eq!(proved.status, 503, "{proved:?}");
}

/// Tokens of a gateway, with answers that are kept, and polls that use them.
async fn gateways(admin: &Client, served: &Served, evidence: &mut Evidence) {
    let gateway = admin.make("/gateways", json!({"environment": "prod", "title": FOUND})).await;
    let path = format!("/gateways/{gateway}/tokens");
    for key in ["one", "two"] {
        let made = keyed(admin, &path, key, &json!({})).await;
        let token = made.json()["token"].as_str().unwrap().to_owned();
        evidence.is_secret("token of a gateway", &token);
        let again = keyed(admin, &path, key, &json!({})).await;
        assert_eq!((again.status, &again.json()["token"]), (201, &json!(null)));
        let poll = |query: &str| http().get(format!("{}/v1/contracts{query}", served.url("feed"))).bearer_auth(&token);
        let told = sent(poll("")).await.unwrap();
        assert_eq!(told.status, 200, "{told:?}");
        let cursor = told.json()["cursor"].as_str().unwrap().to_owned();
        assert_eq!(sent(poll(&format!("?since={cursor}")).header("prefer", "wait=1")).await.unwrap().status, 200);
        assert_eq!(admin.call("DELETE", &format!("{path}/{}", made.id()), None).await.status, 204);
        assert_eq!(sent(poll("")).await.unwrap().status, 401);
    }
}

/// Secrets where nobody should put them.
async fn misplaced(admin: &Client) {
    for (path, body) in [("/groups", json!({"hush-misplaced": "hush-misplaced"})), ("/me", json!({}))] {
        assert!(admin.post(path, &body).await.status < 500);
    }
    let raw = admin.request("POST", "/groups", None).header("content-type", "application/json");
    assert_eq!(sent(raw.body("{\"id\": \"hush-misplaced\" \"hush-misplaced\"")).await.unwrap().status, 400);
    assert_eq!(admin.get("/me?access_token=hush-query").await.status, 400);
    assert_eq!(admin.get("/hush-misplaced").await.status, 404);
    let basic = admin.request("GET", "/me", None).header("cookie", "session=hush-misplaced");
    assert_eq!(sent(basic.header("authorization", "Basic hush-misplaced")).await.unwrap().status, 401);
}

async fn looked_at(place: &Place, served: &Served, admin: &Client, witness: &Witness, evidence: &Evidence) {
    let deadline = Instant::now() + PATIENCE;
    let is_told = |text: &str| witness.told().iter().any(|told| told.contains(text));
    while !is_told(FOUND) || !is_told("task.stuck") {
        assert!(Instant::now() < deadline, "no webhook came: {}", served.log());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!witness.callers().is_empty());
    evidence.keep("webhooks", witness.told().join("\n"));
    evidence.keep("clients", registering::told(admin).await);
    for list in ["audit", "providers", "gateways", "tokens", "tasks", "applications", "groups", "contracts"] {
        let items = admin.list(&format!("/{list}")).await;
        evidence.keep(list, serde_json::to_string(&items).unwrap());
    }
    let metrics = sent(http().get(format!("{}/metrics", served.url("ops")))).await.unwrap();
    assert!(metrics.text.contains("tessera_registry_http_requests_total"), "{metrics:?}");
    evidence.keep("metrics", metrics.text);
    evidence.said(place, "export", &["export"]);
    place.run(&["backup", &place.path("evidence/backup")]);
    evidence.said(place, "check", &["check", "--connect", "--audit"]);
    evidence.said(place, "list", &["token", "list"]);
    evidence.keep("log", served.log());
    let talkers = ["sqlx", "hyper", "reqwest", "rustls", "h2", "tower", "axum"];
    for line in served.lines() {
        let target = line["target"].as_str().unwrap_or_default();
        let talks = talkers.iter().any(|name| target.starts_with(name));
        assert!(!talks || ["WARN", "ERROR"].map(serde_json::Value::from).contains(&line["level"]), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_a_secret_with_sqlite() {
    let witness = witness();
    let place = place("", &witness);
    let mut evidence = Evidence::new(&place);
    let served = place.serve();
    let admin = used(&place, &served, &mut evidence).await;
    looked_at(&place, &served, &admin, &witness, &evidence).await;
    let files: Vec<_> =
        ["registry.db", "registry.db-wal", "registry.db-shm"].map(|name| place.folder.join(name)).into();
    evidence.judge(&files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
    served.end();
    evidence.judge(&[&files[0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_a_secret_with_postgresql() {
    let (witness, postgres) = (witness(), Postgres::start());
    let database = postgres.database();
    let mut place = place("{env = \"DATABASE_URL\"}", &witness);
    let url = database.replace("postgres@", "postgres:hush-database-password@");
    place.secrets.push(("DATABASE_URL".to_owned(), url));
    let mut evidence = Evidence::new(&place);
    let served = place.serve();
    let admin = used(&place, &served, &mut evidence).await;
    looked_at(&place, &served, &admin, &witness, &evidence).await;
    evidence.keep("dump", postgres.dump(&database));
    let mut connection = PgConnection::connect(&database).await.unwrap();
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await.unwrap();
    postgres.stop();
    // What it says of a database that is away.
    assert_eq!(admin.get("/groups").await.status, 503);
    evidence.said(&place, "away", &["check", "--connect"]);
    evidence.said(&place, "away-export", &["export"]);
    evidence.keep("log", served.log());
    evidence.judge(&[&postgres.data()]);
    served.end();
}

/// A core would have all that the memory has, whatever the shell allows.
#[test]
fn no_core_is_written_of_a_process_that_crashes() {
    let place = Place::sqlite("");
    let log = place.folder.join("log");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tessera-registry")]);
    command.args(["--config", &place.path("registry.toml"), "serve"]).envs(place.secrets.clone());
    let mut child = command.current_dir(&place.folder).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !fs::read_to_string(&log).unwrap().contains("listening") {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "{:?}", fs::read_to_string(&log));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    assert!(Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}
