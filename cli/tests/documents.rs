//! The commands that documents show: those of `tessera` run, with the files that the documents speak of and a server on
//! loopback; of the others it is said here where they are.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "discover/server.rs"]
#[allow(dead_code, reason = "shared with the tests of discover")]
mod server;

use server::{Authority, Server, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where lines are run that need Envoy, a server or a registry. What follows one of these is a whole line there.
const COMMANDS: &str = "tests/deploy/commands.py";

/// The beginnings of what is shown of other programs, each with where it is run, or why it is not.
const OTHERS: &[(&str, &str)] = &[
    ("TESSERA_CRASH_KILLS=100 cargo test -p ", "a long run of a test that `make test` has with fewer"),
    ("TESSERA_FOLLOWING_SECONDS=120 cargo test -p ", "a long run of a test that `make test` has for less time"),
    (
        "cargo build --release --package ",
        "a long build; `make dist` makes the same of the command, `make bench-registry` of the registry",
    ),
    (
        "docker compose -f envoy/docker-compose.yaml ",
        "it wants an engine; tests/e2e/containers.rs reads the file with Compose itself",
    ),
    ("kubectl apply -k ", "it wants a cluster; tests/deploy reads the same folder as kustomize does"),
    (
        "kubectl get wasmplugins,services,serviceentries,destinationrules -A -o yaml | tessera ",
        "run here, for want of a cluster with our files in its place",
    ),
    ("make", "a target of its own; tests/documents.rs knows each"),
    ("tessera-registry ", "registry/tests/documents.rs"),
    ("curl --silent --show-error --fail http://127.0.0.1:8081/v1/contracts ", "registry/tests/documents.rs"),
    ("curl -i -X POST http://127.0.0.1:8080/mcp", "tests/e2e/mcp.rs, by the client that is shown beside it"),
    ("curl -i http://127.0.0.1:8080/.well-known/", "tests/e2e/mcp.rs, by the client that is shown beside it"),
    ("IDP_CLIENT_SECRET=… envoy -c envoy.yaml", "it does not end; the demo and tests/e2e start Envoy so"),
    ("IDP_CLIENT_SECRET=… envoy --mode ", COMMANDS),
    ("envoy --mode ", COMMANDS),
    ("curl -X PUT localhost:4100/", COMMANDS),
    ("curl -i http://localhost:8080/", COMMANDS),
    ("curl -i https://api.example.com/", COMMANDS),
    ("curl -s https://", COMMANDS),
    ("curl -s localhost:9901/", COMMANDS),
    ("curl -u gateway:SECRET https://", COMMANDS),
    ("skopeo copy ", COMMANDS),
    ("node tests/oidc-provider/server.mjs ", "tests/e2e/mcp.rs, on other ports"),
    ("node tests/mcp/server.mjs ", "tests/e2e/mcp.rs, on another port"),
    ("node tests/mcp/client.mjs ", "tests/e2e/mcp.rs, at another port"),
    ("sed 's#/plugin.wasm#target/tessera.wasm#' envoy/mcp.yaml ", "tests/e2e/mcp.rs does the same to the file"),
    (".venv/bin/envoy --log-level warning -c target/mcp.yaml ", "it does not end; tests/e2e/mcp.rs starts Envoy so"),
    ("psql -XAt -c ", "it wants a table of the reader's"),
    ("jq -e ", "it wants what the line before it has written"),
];

/// What asks the real servers.
const NOT_RUN_BY_TESSERA: &[&str] = &[
    "tessera explain istio/gateway/plugin.yaml istio/base/*.yaml kubernetes/*.yaml --live --token-env TOKEN --contracts \
     contracts.json https://api.example.com/orders/1",
];

/// A command of a document.
struct Shown {
    document: String,
    line: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn documents() -> Vec<PathBuf> {
    let listed = |folder: &str| fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = listed(".").chain(listed("docs")).chain(listed("envoy"));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines of the blocks that hold commands; those that go on in the next line are one.
fn shown() -> Vec<Shown> {
    let mut shown = Vec::new();
    for path in documents() {
        let document = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let pieces: Vec<&str> = text.split("\\\n").map(|piece| piece.trim_start_matches(' ')).collect();
        let text = pieces.join("");
        let mut language = None;
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), language) {
                (Some(opened), None) => language = Some(opened),
                (Some(_), Some(_)) => language = None,
                (None, Some("sh" | "bash" | "shell" | "text")) => {
                    // What it does stands behind it, further to the right.
                    let line = line.trim_start_matches("$ ").trim_start().split("    ").next().unwrap();
                    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
                    shown.push(Shown { document: document.clone(), line });
                }
                _ => {}
            }
        }
    }
    shown
}

impl Shown {
    /// Whether the command runs there, alone or behind another one.
    fn is_of_tessera(&self) -> bool {
        self.line.starts_with("tessera ") || self.line.contains("| tessera ")
    }

    /// Whether it is another program, or a target of `make`.
    fn is_other(&self) -> bool {
        const PROGRAMS: [&str; 17] = [
            ".venv/bin/envoy",
            "cargo",
            "curl",
            "docker",
            "envoy",
            "helm",
            "istioctl",
            "jq",
            "kubectl",
            "make",
            "node",
            "openssl",
            "promtool",
            "psql",
            "sed",
            "skopeo",
            "tessera-registry",
        ];
        let mut words = self.line.split(' ').skip_while(|word| word.contains('=') && !word.starts_with('-'));
        words.next().is_some_and(|program| PROGRAMS.contains(&program))
    }
}

/// A folder with the files that documents name, and a server that has metadata.
struct Scene {
    folder: PathBuf,
    server: Server,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("documents-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for name in ["istio", "envoy-gateway", "kubernetes"] {
            copy(&root().join("envoy").join(name), &folder.join(name));
        }
        let fixtures = root().join("cli/tests/import_anypoint");
        fs::create_dir_all(folder.join("conf.d")).unwrap();
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::copy(fixtures.join("inline.yaml"), folder.join("conf.d/orders.yaml")).unwrap();
        for name in ["apis.json", "contracts-orders.json", "contracts-users.json", "tiers-orders.json"] {
            fs::copy(fixtures.join("api-manager").join(name), folder.join(name)).unwrap();
        }
        let table = "apiId,clientId,status,slaTierName,application.name\n18423501,portal,APPROVED,gold,Portal\n";
        fs::write(folder.join("contracts.csv"), table).unwrap();
        let server = Server::start(None);
        let issuer = server.url("http", "");
        let metadata =
            format!("{{\"issuer\": \"{issuer}\", \"introspection_endpoint\": \"https://idp.example.com/introspect\"}}");
        server.answer("/.well-known/oauth-authorization-server", json(&metadata));
        Self { folder, server, authority: Authority::new() }
    }

    /// The files that mean something else in each document.
    fn of_document(&self, document: &str) {
        let text = fs::read_to_string(root().join("docs").join(document)).unwrap_or_default();
        let envoy = match document {
            "first-api.md" => configuration(&text),
            "upgrading-from-mulesoft.md" => fs::read_to_string(root().join("envoy/envoy.full.yaml")).unwrap(),
            _ => fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap(),
        };
        let facts = text.split_once("{\"active\"").and_then(|(_, rest)| rest.split_once('}'));
        let facts = facts.map_or("{\"active\": false}".to_owned(), |(facts, _)| format!("{{\"active\"{facts}}}"));
        for (name, content) in [
            ("envoy.yaml", envoy.as_str()),
            ("facts.json", &facts),
            ("contracts.json", "{\"contracts\": [{\"api\": \"orders-v1\", \"client_id\": \"portal\"}]}"),
            (
                "bin/kubectl",
                "#!/bin/sh\nfor file in istio/gateway/*.yaml istio/base/*.yaml kubernetes/*.yaml; do echo ---; cat $file; done\n",
            ),
        ] {
            fs::write(self.folder.join(name), content).unwrap();
        }
        fs::copy(self.authority.file(), self.folder.join("ca.crt")).unwrap();
        Command::new("chmod").arg("+x").arg(self.folder.join("bin/kubectl")).status().unwrap();
    }

    fn run(&self, shown: &Shown) -> Output {
        self.of_document(&shown.document);
        let issuer = self.server.url("http", "");
        let line = match shown.line.starts_with("tessera discover ") {
            true => {
                shown.line.replace("https://login.example.com", &issuer).replace("https://idp.example.com", &issuer)
            }
            false => shown.line.clone(),
        };
        let built = Path::new(env!("CARGO_BIN_EXE_tessera")).parent().unwrap();
        let path = format!("{}:{}:/usr/bin:/bin", built.display(), self.folder.join("bin").display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(&self.folder).env("PATH", path);
        shell.env("TOKEN", "any").env("IDP_CLIENT_SECRET", "any").output().unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What the blocks of a document make together.
fn configuration(text: &str) -> String {
    let blocks = text.split("```yaml configuration\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => assert!(fs::copy(entry.path(), target).is_ok()),
        }
    }
}

#[test]
fn every_command_of_a_document_does_what_it_is_shown_for() {
    let (scene, mut left_out, mut wrong, mut count) = (Scene::new(), BTreeSet::new(), Vec::new(), 0);
    let commands = shown();
    for shown in commands.iter().filter(|shown| shown.is_of_tessera()) {
        if NOT_RUN_BY_TESSERA.contains(&shown.line.as_str()) {
            left_out.insert(shown.line.as_str());
            continue;
        }
        count += 1;
        let ran = scene.run(shown);
        if !ran.status.success() {
            let [out, error] = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text));
            wrong.push(format!("{}: {}\n{}\n{out}{error}", shown.document, shown.line, ran.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 15, "only {count} commands were found");
    assert_eq!(left_out, NOT_RUN_BY_TESSERA.iter().copied().collect(), "shown, and asks the real servers");
}

/// Help ends the reading of a line without doing what it says, if all before it is understood.
#[test]
fn what_asks_the_real_servers_is_understood() {
    for line in NOT_RUN_BY_TESSERA {
        let words = line.split(' ').skip(1).chain(["--help"]);
        let run = Command::new(env!("CARGO_BIN_EXE_tessera")).args(words).output().unwrap();
        assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn what_is_shown_of_other_programs_is_run_elsewhere_or_said_not_to_be() {
    let (commands, mut found) = (fs::read_to_string(root().join(COMMANDS)).unwrap(), BTreeSet::new());
    for Shown { document, line } in shown().iter().filter(|shown| shown.is_other()) {
        let (beginning, place) = OTHERS
            .iter()
            .find(|(beginning, _)| line.starts_with(beginning))
            .unwrap_or_else(|| panic!("{document}: {line}: where is it run, or why not?"));
        found.insert(*beginning);
        // In Python's texts, which may be of several pieces.
        let joined = commands.replace("\"\n         \"", "").replace("\\\"", "\"");
        assert!(*place != COMMANDS || joined.contains(line.as_str()), "{document}: {line}: not in {COMMANDS}");
        if let Some(file) = place.split([' ', ',']).next().filter(|word| word.contains('/')) {
            assert!(root().join(file).exists(), "there is no {file}");
        }
    }
    assert_eq!(found, OTHERS.iter().map(|(beginning, _)| *beginning).collect(), "shown nowhere");
}

#[test]
fn the_shell_understands_every_command() {
    for Shown { document, line } in shown().iter().filter(|shown| shown.is_of_tessera() || shown.is_other()) {
        let run = Command::new("sh").args(["-n", "-c", line]).output().unwrap();
        assert!(run.status.success(), "{document}: {line}\n{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn every_folder_that_is_applied_is_a_base() {
    let mut count = 0;
    for shown in shown() {
        let Some(folder) = shown.line.strip_prefix("kubectl apply -k ") else { continue };
        count += 1;
        let file = root().join("envoy").join(folder).join("kustomization.yaml");
        assert!(file.is_file(), "{}: {}", shown.document, shown.line);
    }
    assert!(count > 1, "only {count} are shown");
}
