//! `tessera explain`, as it is run.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod checks;
mod command;
mod outcomes;
mod secrecy;
mod tokens;

use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of files, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tessera-explain-{}-{}", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run has left.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {:?} {:?}", self.stdout, self.stderr))
    }
}

fn tessera(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let child = command
        .args(arguments)
        .env("A_TOKEN", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().expect("a process");
    child.stdin.take().expect("a pipe").write_all(b"").expect("its end");
    let done = child.wait_with_output().expect("its end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: done.status.code().expect("a code"), stdout: text(done.stdout), stderr: text(done.stderr) }
}

const TOKEN: &str = "s3cret-token-0d9f6b21";
const AT: &str = "2026-06-01T12:00:00Z";
const NOW: u64 = 1_780_315_200;

/// What is explained; the token comes from the environment.
#[derive(Clone)]
struct Case {
    configuration: Value,
    /// What the server says of the token, if it is given.
    facts: Option<Value>,
    url: String,
    more: Vec<String>,
    has_token: bool,
}

fn case() -> Case {
    Case {
        configuration: configuration(),
        facts: Some(facts()),
        url: "https://api.example.com/orders/1".to_owned(),
        more: Vec::new(),
        has_token: true,
    }
}

impl Case {
    fn facts(mut self, further: Value) -> Self {
        merge(self.facts.as_mut().expect("facts"), further);
        self
    }

    fn configured(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.configuration);
        self
    }

    fn without_answer(self) -> Self {
        Self { facts: None, ..self }
    }

    fn without_token(self) -> Self {
        Self { has_token: false, ..self }
    }

    fn url(self, path: &str) -> Self {
        Self { url: format!("https://api.example.com{path}"), ..self }
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.more.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    fn run(&self, global: &[&str]) -> Ran {
        let folder = Folder::new();
        let configuration = folder.file("configuration.json", self.configuration.to_string());
        let mut arguments: Vec<&str> = global.to_vec();
        arguments.extend(["explain", "--at", AT, &configuration]);
        let facts = self.facts.as_ref().map(|facts| folder.file("facts.json", facts.to_string()));
        arguments.extend(facts.iter().flat_map(|facts| ["--facts", facts]));
        arguments.extend(self.has_token.then_some(["--token-env", "A_TOKEN"]).into_iter().flatten());
        arguments.extend(self.more.iter().map(String::as_str));
        arguments.push(&self.url);
        tessera(&arguments)
    }

    #[track_caller]
    fn json(&self) -> Value {
        self.run(&["--json"]).json()
    }
}

fn merge(object: &mut Value, further: Value) {
    let Value::Object(further) = further else { panic!("no object") };
    object.as_object_mut().expect("an object").extend(further);
}

fn facts() -> Value {
    json!({
        "active": true, "client_id": "portal", "scope": "orders.read", "iss": "https://idp.example.com", "aud": "orders",
        "exp": NOW + 600, "nbf": NOW - 600, "acr": "2",
    })
}

fn configuration() -> Value {
    json!({
        "providers": [{
            "name": "main",
            "issuer": "https://idp.example.com",
            "audiences": ["orders"],
            "introspection": {
                "endpoint": "https://idp.example.com/introspect", "cluster": "idp", "retries": 0,
                "client": {"id": "gateway", "secret": {"env": "IDP_CLIENT_SECRET"}},
            },
        }],
        "apis": [{
            "id": "orders-v1",
            "match": {"hosts": ["api.example.com"], "paths": ["/orders/"]},
            "scopes": {"all": ["orders.read"]},
            "claims": {"/acr": ["2", "3"]},
            "operations": [
                {"match": {"paths": ["/orders/health"]}, "public": true},
                {"match": {"methods": ["DELETE"]}, "scopes": {"all": ["orders.write"]}},
                {"match": {"paths": ["/orders/open"]}, "token": "optional"},
            ],
        }],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold"},
            {"api": "orders-v1", "client_id": "halted", "status": "suspended"},
            {"api": "orders-v1", "client_id": "ended", "expires_at": "2020-01-01T00:00:00Z"},
        ]},
        "replies": {"realm": "orders"},
    })
}
