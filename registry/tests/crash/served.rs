//! The command as an operator runs it, until somebody kills it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");
const SEALING_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Listens on free ports, keeps few rows on a page, and takes as many requests as there are.
const CONFIGURATION: &str = r#"
listen = {api = "127.0.0.1:0", feed = "127.0.0.1:0", ops = "127.0.0.1:0"}
public.url = "http://127.0.0.1"
sealing_keys = [{id = "k1", key = {env = "SEALING_KEY"}}]
limits = {requests_per_second = 100000, burst = 100000, open_requests = 1000}
feed.page_rows = 7
"#;

/// A folder with a configuration, and a database of that address or in a file.
pub struct Place(PathBuf);

impl Place {
    pub fn new(database: Option<&str>) -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let file = format!("sqlite:{}", folder.join("registry.db").display());
        let url = database.unwrap_or(&file);
        fs::write(folder.join("registry.toml"), format!("database.url = \"{url}\"\n{CONFIGURATION}")).unwrap();
        Self(folder)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.0.join(name).display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.0.join("registry.toml")).args(arguments);
        command.env("SEALING_KEY", SEALING_KEY).stdin(Stdio::null());
        command
    }

    /// What a command that ends well prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub api: SocketAddr,
    pub feed: SocketAddr,
    pub ops: SocketAddr,
}

/// A registry that serves.
pub struct Served {
    child: Child,
    pub addresses: Addresses,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Served {
    pub fn start(place: &Place) -> Self {
        let mut child = place.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut found = Vec::new();
        while found.len() < 3 {
            let line: serde_json::Value = serde_json::from_str(&lines.next().expect("it ended")).unwrap();
            if line["message"] == "listening" {
                found.push((
                    line["listener"].as_str().unwrap().to_owned(),
                    line["address"].as_str().unwrap().to_owned(),
                ));
            }
        }
        let at = |listener: &str| found.iter().find(|(name, _)| name == listener).unwrap().1.parse().unwrap();
        let addresses = Addresses { api: at("api"), feed: at("feed"), ops: at("ops") };
        let errors = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&errors);
        // Whoever writes more than is read waits for ever.
        std::thread::spawn(move || {
            // Libraries may say what they like while the database is away; and whoever is killed may lose a token.
            let is_own = |line: &String| {
                let is_error = line.contains("\"ERROR\"") && line.contains("\"target\":\"tessera_registry");
                is_error && !line.contains("the registration token of a client is lost")
            };
            for line in lines.filter(|line| is_own(line) || line.contains("panicked")) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, addresses, errors }
    }

    /// As a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        assert_eq!(*self.errors.lock().unwrap(), [""; 0], "what the service said before");
    }
}

/// Whatever becomes of the test.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
