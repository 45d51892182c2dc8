//! The command, as an operator runs it: what it prints, and what it ends with.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");
const SEALING_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

const CATALOGUE: &str = r#"
[[environments]]
id = "production"

[[providers]]
id = "main"
kind = "manual"
title = "The authorization server"

[[apis]]
environment = "production"
id = "orders-v1"
group = "root"
title = "Orders"

[[apis.tiers]]
id = "gold"
"#;

/// A folder with a configuration and a database on SQLite.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let place = Self(folder);
        let listen = "listen = {api = \"127.0.0.1:0\", feed = \"127.0.0.1:0\", ops = \"127.0.0.1:0\"}";
        let database = format!("database.url = \"sqlite:{}\"", place.0.join("registry.db").display());
        let keys = "sealing_keys = [{id = \"k1\", key = {env = \"SEALING_KEY\"}}]";
        place.write("registry.toml", &format!("{listen}\npublic.url = \"http://127.0.0.1\"\n{database}\n{keys}\n"));
        place.write("catalogue.toml", CATALOGUE);
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.0.join("registry.toml")).args(arguments);
        command
            .env("SEALING_KEY", SEALING_KEY)
            .env("HOOK", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A registry that serves.
struct Served {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    addresses: Vec<(String, String)>,
}

impl Served {
    fn start(place: &Place) -> Self {
        Self::begun(place.command(&["serve"]))
    }

    fn begun(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut served = Self { lines: BufReader::new(child.stderr.take().unwrap()), child, addresses: Vec::new() };
        while served.addresses.len() < 3 {
            let mut line = String::new();
            assert!(served.lines.read_line(&mut line).unwrap() > 0, "it ended");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                let text = |name: &str| line[name].as_str().unwrap().to_owned();
                served.addresses.push((text("listener"), text("address")));
            }
        }
        served
    }

    fn connected(&self, listener: &str) -> TcpStream {
        let address = &self.addresses.iter().find(|(name, _)| name == listener).unwrap().1;
        TcpStream::connect(address).unwrap()
    }

    fn get(&self, listener: &str, path: &str, token: Option<&str>) -> String {
        let mut stream = self.connected(listener);
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n{token}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(&self, path: &str, token: &str, body: &str) -> String {
        let address = &self.addresses.iter().find(|(name, _)| name == "api").unwrap().1;
        let mut stream = TcpStream::connect(address).unwrap();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: registry\r\nconnection: close\r\nauthorization: Bearer {token}");
        let kind = format!("content-type: application/json\r\ncontent-length: {}", body.len());
        write!(stream, "{head}\r\n{kind}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self) -> String {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_catalogue_is_applied_once() {
    let place = Place::new();
    let file = place.path("catalogue.toml");
    let lines =
        "+ environment production\n+ provider main\n+ api production/orders-v1\n+ tier production/orders-v1/gold\n";
    assert_eq!(place.run(&["apply", &file, "--dry-run"], 4), lines);
    // Nobody is there to be asked.
    place.run(&["apply", &file], 2);
    assert_eq!(place.run(&["apply", &file, "--yes"], 0), lines);
    assert_eq!(place.run(&["apply", &file, "--yes"], 0), "");
    place.write("other.toml", &CATALOGUE.replace("gold", "silver"));
    let changed = "+ tier production/orders-v1/silver\n- tier production/orders-v1/gold\n";
    assert_eq!(place.run(&["apply", &place.path("other.toml"), "--yes", "--prune"], 0), changed);
    place.write("wrong.toml", "surprise = 1\n[[apis]]\nid = \"?\"\n");
    let output = place.command(&["apply", &place.path("wrong.toml"), "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("surprise: "), "{}", told(&output));
}

#[test]
fn a_backup_comes_back_held_until_it_is_released() {
    let place = Place::new();
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    let token = place.run(&["token", "create", "--role", "admin"], 0);
    let backup = place.path("backup.jsonl");
    place.run(&["backup", &backup], 0);
    assert!(!fs::read_to_string(&backup).unwrap().contains(token.trim()));
    place.run(&["restore", &backup], 5);
    place.run(&["release", "--yes"], 5);
    place.run(&["restore", &backup, "--replace"], 0);
    // Whoever opens the file next has nothing of it to bring in first.
    assert_eq!(fs::metadata(place.0.join("registry.db-wal")).map_or(0, |wal| wal.len()), 0);
    let served = Served::start(&place);
    assert!(served.get("ops", "/readyz", None).contains("\"held\":true"));
    served.end();
    place.run(&["release"], 2);
    assert!(place.run(&["release", "--yes"], 0).contains("The backup was made at "));
    assert!(place.run(&["check", "--connect", "--audit"], 0).contains("entries, ok"));
    // An export is the same, whoever writes it.
    assert_eq!(place.run(&["export"], 0).lines().skip(1).count(), place.run(&["export"], 0).lines().skip(1).count());
    fs::write(place.0.join("cut.jsonl"), fs::read_to_string(&backup).unwrap().lines().next().unwrap()).unwrap();
    place.run(&["restore", &place.path("cut.jsonl"), "--replace"], 3);
    place.run(&["restore", &place.path("none.jsonl"), "--replace"], 3);
}

#[test]
fn a_provider_that_cannot_be_asked_is_named() {
    let place = Place::new();
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    assert!(place.run(&["check", "--connect"], 0).contains("provider main of default: ok"));
    // Nobody listens on the first port.
    place.write("away.toml", "[[providers]]\nid = \"away\"\nkind = \"dcr\"\nissuer = \"http://127.0.0.1:1\"\n");
    place.run(&["apply", &place.path("away.toml"), "--yes"], 0);
    let output = place.command(&["check", "--connect"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", told(&output));
    assert!(told(&output).contains("provider main of default: ok"), "{}", told(&output));
    assert!(told(&output).contains("provider away of default: http://127.0.0.1:1/.well-known/"), "{}", told(&output));
    let output = place.command(&["probe", "nobody"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("no provider nobody in the organisation default"), "{}", told(&output));
}

#[test]
fn a_token_that_was_revoked_does_not_come_back_with_a_backup() {
    let place = Place::new();
    let token = place.run(&["token", "create", "--role", "admin"], 0);
    let backup = place.path("backup.jsonl");
    place.run(&["backup", &backup], 0);
    let list = place.run(&["token", "list"], 0);
    place.run(&["token", "revoke", list.split('\t').next().unwrap()], 0);
    let told = place.run(&["restore", &backup, "--replace"], 0);
    assert!(told.contains("1 tokens that were revoked") && told.contains("0 tokens are valid"), "{told}");
    assert_eq!(place.run(&["token", "list"], 0), "");
    let served = Served::start(&place);
    assert!(served.get("api", "/api/v1/me", Some(token.trim())).starts_with("HTTP/1.1 401 "));
    served.end();
}

#[test]
fn a_backup_is_nobody_elses_whatever_was_there_before() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    place.write("victim", "as it was");
    symlink(place.path("victim"), place.path("a.part")).unwrap();
    symlink(place.path("victim"), place.path("b")).unwrap();
    place.write("c", "readable for all");
    place.write("c.part", "readable for all");
    for name in ["a", "b", "c"] {
        place.run(&["backup", &place.path(name)], 0);
        let there = fs::symlink_metadata(place.path(name)).unwrap();
        assert!(there.is_file(), "{name}");
        assert_eq!(there.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), "as it was");
    place.run(&["backup", &place.path("no/folder")], 1);
}

#[test]
fn gateways_are_served_while_the_administration_has_no_room() {
    let place = Place::new();
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "ulimit -n 200 && exec \"$0\" \"$@\"",
        BINARY,
        "--config",
        &place.path("registry.toml"),
        "serve",
    ]);
    limited.env("SEALING_KEY", SEALING_KEY);
    let served = Served::begun(limited);
    let idle: Vec<_> = (0..260).map(|_| served.connected("api")).collect();
    assert!(served.get("feed", "/v1/contracts", Some("trg_unknown")).starts_with("HTTP/1.1 401 "));
    assert!(served.get("ops", "/livez", None).starts_with("HTTP/1.1 200 "));
    drop(idle);
    served.end();
}

#[test]
fn a_token_is_printed_once_and_ends_when_it_is_revoked() {
    let place = Place::new();
    let token = place.run(&["token", "create", "--role", "admin", "--name", "ci"], 0);
    let token = token.trim();
    assert!(token.starts_with("trt_") && token.len() == 47, "{token}");
    let list = place.run(&["token", "list"], 0);
    assert!(list.contains("\tci\tadmin\t") && !list.contains(token));
    let served = Served::start(&place);
    assert!(served.get("api", "/api/v1/me", Some(token)).starts_with("HTTP/1.1 200 "));
    place.run(&["token", "revoke", list.split('\t').next().unwrap()], 0);
    assert!(served.get("api", "/api/v1/me", Some(token)).starts_with("HTTP/1.1 401 "));
    assert!(!served.end().contains(token));
    place.run(&["token", "revoke", "no-such"], 1);
    place.run(&["token", "create", "--role", "nonsense"], 2);
    place.run(&["token", "create", "--role", "admin", "--expires", "367d"], 3);
    place.run(&["token", "create", "--role", "admin", "--organisation", "elsewhere"], 1);
}

#[test]
fn a_contract_document_is_adopted_whole_or_not_at_all() {
    let place = Place::new();
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    let document =
        r#"{"contracts": [{"api": "orders-v1", "client_id": "portal", "provider": "main", "tier": "gold"}]}"#;
    place.write("contracts.json", document);
    place.write("wrong.json", &document.replace("gold", "platinum"));
    let adopt = |name: &str| ["adopt", name, "--environment", "production", "--group", "root"].map(str::to_owned);
    let run = |name: &str, code| place.run(&adopt(&place.path(name)).each_ref().map(String::as_str), code);
    run("wrong.json", 3);
    assert_eq!(run("contracts.json", 0), "1 applications, 1 contracts; 0 revoked rows were left out\n");
    assert!(place.run(&["export"], 0).contains("portal"));
    assert!(place.run(&["seal-key", "reseal"], 0).starts_with("0 secrets"));
    assert!(place.run(&["export"], 0).contains("registry.reseal"));
    assert_eq!(place.run(&["seal-key", "new"], 0).trim().len(), 44);
}

/// What the command makes of API Manager's answers (cli/tests/import_anypoint) is applied and adopted as it is.
#[test]
fn what_comes_from_anypoint_is_applied_adopted_and_served() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("cli/tests/import_anypoint/expected");
    let file = |name: &str| expected.join(name).display().to_string();
    let place = Place::new();
    let lines = place.run(&["apply", &file("registry.catalogue.toml"), "--yes"], 0);
    assert!(lines.contains("+ tier production/orders-v1/gold-plus\n+ tier production/orders-v1/silver\n"), "{lines}");
    assert_eq!(place.run(&["apply", &file("registry.catalogue.toml"), "--yes"], 0), "");
    let adopt = ["adopt", &file("registry.adopted.json"), "--environment", "production", "--group", "shop"];
    assert_eq!(place.run(&adopt, 0), "4 applications, 6 contracts; 0 revoked rows were left out\n");
    place.run(&adopt, 3);
    let token = place.run(&["token", "create", "--role", "admin"], 0);
    let served = Served::start(&place);
    let body =
        |answer: &str| -> serde_json::Value { serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap() };
    let made =
        body(&served.post("/api/v1/gateways", token.trim(), r#"{"environment": "production", "title": "edge"}"#));
    let path = format!("/api/v1/gateways/{}/tokens", made["id"].as_str().unwrap());
    let gateway = body(&served.post(&path, token.trim(), "{}"));
    let mut feed = body(&served.get("feed", "/v1/contracts", gateway["token"].as_str()));
    feed.as_object_mut().unwrap().remove("cursor");
    let rows: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file("registry.feed.json")).unwrap()).unwrap();
    assert_eq!(feed, rows);
    let pending = body(&served.get("api", "/api/v1/contracts?status=pending", Some(token.trim())));
    assert_eq!(pending["items"][0]["waiting_for"], serde_json::json!(["approval"]), "{pending}");
    assert_eq!(pending["items"].as_array().unwrap().len(), 1, "{pending}");
    served.end();
}

#[test]
fn what_is_wrong_with_the_configuration_is_told_at_once() {
    let place = Place::new();
    place.write("registry.toml", "surprise = 1\n[database]\nurl = \"postgres://u:hunter2@h/d\"\n");
    let output = place.command(&["check"]).output().unwrap();
    let text = told(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    for path in ["surprise: ", "public.url: ", "sealing_keys: ", "database.url: "] {
        assert!(text.contains(path), "{text}");
    }
    assert!(!text.contains("hunter2"));
    fs::remove_file(place.0.join("registry.toml")).unwrap();
    place.run(&["serve"], 3);
    assert!(!Path::new(&place.path("registry.db")).exists());
}

#[test]
fn the_schema_is_brought_up_to_date_when_that_is_wanted() {
    let place = Place::new();
    let text = fs::read_to_string(place.0.join("registry.toml")).unwrap();
    place.write("registry.toml", &format!("{text}database.migrate = false\n"));
    place.run(&["token", "list"], 5);
    assert!(!place.run(&["migrate", "--dry-run"], 4).is_empty());
    place.run(&["migrate"], 0);
    assert_eq!(place.run(&["migrate", "--dry-run"], 0), "");
    place.run(&["token", "list"], 0);
}

/// Each series with its value.
fn scraped(served: &Served) -> Vec<(String, f64)> {
    let answer = served.get("ops", "/metrics", None);
    let lines = answer.lines().filter(|line| line.starts_with("tessera_registry_"));
    lines
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect()
}

/// Once every metric is there, and these series: what the database has is counted now and then only.
fn scraped_with(served: &Served, series: &[&str]) -> Vec<(String, f64)> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let lines = scraped(served);
        let is_shown = |name: &str| lines.iter().any(|(line, _)| line.split('{').next() == Some(name));
        let is_any_shown = |name: &&str| is_shown(name) || is_shown(&format!("{name}_bucket"));
        let has = |series: &&str| lines.iter().any(|(line, _)| line.strip_prefix("tessera_registry_") == Some(*series));
        let names = tessera_registry::measures::MEASURES.iter().map(|(name, ..)| *name);
        let missing: Vec<_> = names
            .filter(|name| !is_any_shown(name))
            .chain(series.iter().copied().filter(|series| !has(series)))
            .collect();
        if missing.is_empty() {
            return lines;
        }
        assert!(Instant::now() < deadline, "{missing:?} are not shown\n{}", served.get("ops", "/metrics", None));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Nobody answers there.
fn asks_a_provider(place: &Place, served: &Served, admin: &str) {
    let introspection = r#"{"client_id": "registry", "credential": "hunter2"}"#;
    let provider = format!(
        r#"{{"id": "away", "kind": "manual", "issuer": "http://127.0.0.1:1", "introspection": {introspection}}}"#
    );
    assert!(served.post("/api/v1/providers", admin, &provider).starts_with("HTTP/1.1 201 "));
    let developer = place.run(&["token", "create", "--role", "root:developer"], 0);
    let developer = developer.trim();
    let application = served.post("/api/v1/applications", developer, r#"{"group": "root", "name": "Portal"}"#);
    let clients = format!("/api/v1/applications/{}/clients", text(&application, "id"));
    let client = served.post(&clients, developer, r#"{"provider": "away", "client_id": "portal"}"#);
    let prove = format!("/api/v1/clients/{}/prove", text(&client, "id"));
    let answer = served.post(&prove, developer, r#"{"access_token": "any"}"#);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

/// Two tokens of a provider that takes each once.
fn fills_a_pool(served: &Served, admin: &str) {
    let pool =
        r#"{"id": "pool", "kind": "dcr", "issuer": "http://127.0.0.1:1", "authorization": {"type": "one_time"}}"#;
    served.post("/api/v1/providers", admin, pool);
    let tokens = r#"{"tokens": ["one", "two"]}"#;
    let answer = served.post("/api/v1/providers/pool/registration-tokens", admin, tokens);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn every_metric_is_served_and_described() {
    let place = Place::new();
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    let token = place.run(&["token", "create", "--role", "admin"], 0);
    let token = token.trim();
    let served = Served::start(&place);
    let body = r#"{"environment": "production", "title": "Envoy"}"#;
    let gateway = served.post("/api/v1/gateways", token, body);
    let polled = served.post(&format!("/api/v1/gateways/{}/tokens", text(&gateway, "id")), token, "{}");
    assert!(served.get("feed", "/v1/contracts", Some(&text(&polled, "token"))).starts_with("HTTP/1.1 200 "));
    asks_a_provider(&place, &served, token);
    fills_a_pool(&served, token);
    let cursor = served.get("feed", "/v1/contracts", Some(&text(&polled, "token")));
    let since = cursor.split(r#""cursor":""#).nth(1).unwrap().split('"').next().unwrap();
    served.get(
        "feed",
        &format!("/v1/contracts?since={since}"),
        Some(&format!("{}\r\nprefer: wait=1", text(&polled, "token"))),
    );
    let values = [
        ("feed_polls_total{result=\"snapshot\"}", 2.0),
        ("feed_polls_total{result=\"gone\"}", 0.0),
        ("feed_rows{organisation=\"default\",environment=\"production\"}", 0.0),
        ("approvals_open{organisation=\"default\"}", 0.0),
        ("tasks{kind=\"webhook\",status=\"waiting\"}", 0.0),
        ("orphans{provider=\"away\"}", 0.0),
        ("one_time_left{provider=\"pool\"}", 2.0),
        ("provider_calls_total{provider=\"away\",operation=\"introspect\",result=\"not_done\"}", 1.0),
        ("provider_calls_total{provider=\"away\",operation=\"introspect\",result=\"done\"}", 0.0),
    ];
    let lines = scraped_with(&served, &values.map(|(series, _)| series));
    let answer = served.get("ops", "/metrics", None);
    for (name, kind, help) in tessera_registry::measures::MEASURES {
        assert!(answer.contains(&format!("# HELP {name} {help}\n")), "{name} has no help");
        assert!(
            answer.contains(&format!("# TYPE {name} {}\n", format!("{kind:?}").to_lowercase())),
            "{name}: {kind:?}"
        );
    }
    let value = |name: &str| lines.iter().find(|(line, _)| line == &format!("tessera_registry_{name}")).unwrap().1;
    for (series, expected) in values {
        assert_eq!(value(series), expected, "{series}");
    }
    let known: Vec<_> = tessera_registry::measures::MEASURES.iter().map(|(name, ..)| *name).collect();
    for (line, _) in &lines {
        let name = line.split('{').next().unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(known.contains(&name), "{line}");
    }
}

/// Of an answer's body.
fn text(answer: &str, member: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    body[member].as_str().unwrap_or_else(|| panic!("{member} of {answer}")).to_owned()
}

#[test]
fn what_is_under_way_at_the_end_is_given_back_and_workers_work_side_by_side() {
    // Before who is told would have to answer. What else the machine does can only make it longer.
    let took: Vec<_> = (0..3).map(|_| ended_in_the_middle()).take_while(|took| *took >= GIVEN_UP).collect();
    assert!(took.len() < 3, "it took {took:?}");
}

/// How long a webhook is waited for.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// How long the end took, while two webhooks were under way.
fn ended_in_the_middle() -> Duration {
    let place = Place::new();
    let hook = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text_of = fs::read_to_string(place.0.join("registry.toml")).unwrap();
    let webhook = format!(
        "tasks.workers = 2\n{text_of}[[webhooks]]\nurl = \"http://{}/\"\nsecret = {{env = \"HOOK\"}}\n",
        hook.local_addr().unwrap()
    );
    place.write("registry.toml", &webhook);
    place.run(&["apply", &place.path("catalogue.toml"), "--yes"], 0);
    let token = place.run(&["token", "create", "--role", "admin"], 0);
    let token = token.trim();
    let served = Served::start(&place);
    for name in ["one", "two", "three"] {
        let application =
            served.post("/api/v1/applications", token, &format!(r#"{{"group": "root", "name": "{name}"}}"#));
        let application = text(&application, "id");
        let body = format!(
            r#"{{"environment": "production", "api": "orders-v1", "application": "{application}", "tier": "gold"}}"#
        );
        assert!(served.post("/api/v1/contracts", token, &body).starts_with("HTTP/1.1 201 "));
    }
    // Two are told at once, and neither is answered: the third waits.
    let _deaf = [hook.accept().unwrap(), hook.accept().unwrap()];
    let running = served.get("api", "/api/v1/tasks?status=running", Some(token));
    assert_eq!(running.matches(r#""status":"running""#).count(), 2, "{running}");
    let waiting = served.get("api", "/api/v1/tasks?status=waiting", Some(token));
    assert_eq!(waiting.matches(r#""status":"waiting""#).count(), 1, "{waiting}");
    let begun = Instant::now();
    served.end();
    let took = begun.elapsed();
    let export = place.run(&["export"], 0);
    assert_eq!(
        export.matches(r#""status":"running""#).count() + export.matches(r#"\"status\":\"running\""#).count(),
        0
    );
    took
}

#[test]
fn help_shows_every_command() {
    let output = Command::new(BINARY).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for command in [
        "serve", "check", "migrate", "apply", "export", "import", "backup", "restore", "release", "token", "seal-key",
        "openapi",
    ] {
        assert!(text.contains(command), "{command}");
    }
}
