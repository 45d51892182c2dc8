//! A real authorization server: npm's certified `oidc-provider`, started as `tests/oidc-provider/server.mjs`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A machine that does much else takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// With what clients are registered.
pub const INITIAL_TOKEN: &str = "initial-access-token-of-tests";
/// Who may introspect.
pub const INTROSPECTOR: (&str, &str) = ("registry", "introspection-secret-of-tests");
/// Of which tokens are opaque, and of which they are JWTs (RFC 9068).
pub const OPAQUE: &str = "https://orders.example.com";
pub const JWT: &str = "https://orders-jwt.example.com";

pub struct OidcProvider {
    process: Child,
    pub issuer: String,
    /// Initial access tokens that register one client each.
    pub one_time: Vec<String>,
    log: PathBuf,
}

impl OidcProvider {
    /// One where clients are registered, and one client may introspect.
    pub fn start() -> Self {
        Self::with(&json!([{"id": INTROSPECTOR.0, "secret": INTROSPECTOR.1}]))
    }

    /// One with so many tokens that register one client each, and no other.
    pub fn one_time(count: usize) -> Self {
        let clients = json!([{"id": INTROSPECTOR.0, "secret": INTROSPECTOR.1}]);
        Self::started(&clients, &["--one-time".to_owned(), count.to_string()])
    }

    pub fn with(clients: &Value) -> Self {
        Self::started(clients, &[])
    }

    fn started(clients: &Value, more: &[String]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oidc-provider");
        assert!(folder.join("node_modules").exists(), "its packages are missing: make setup");
        let log = std::env::temp_dir().join(format!("tessera-oidc-{}", uuid::Uuid::now_v7()));
        let output = File::create(&log).unwrap();
        let mut command = Command::new("node");
        command.arg(folder.join("server.mjs")).arg("--registration").args(more);
        command.env("OIDC_CLIENTS", clients.to_string()).env("OIDC_REGISTRATION_TOKEN", INITIAL_TOKEN);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let mut server = Self { process: command.spawn().unwrap(), issuer: String::new(), one_time: Vec::new(), log };
        let deadline = Instant::now() + PATIENCE;
        while server.issuer.is_empty() {
            let log = std::fs::read_to_string(&server.log).unwrap();
            assert!(server.process.try_wait().unwrap().is_none() && Instant::now() < deadline, "{log}");
            std::thread::sleep(Duration::from_millis(20));
            let one_time = log.lines().filter_map(|line| line.strip_prefix("one-time "));
            server.one_time = one_time.map(str::to_owned).collect();
            let ready = log.lines().find_map(|line| line.strip_prefix("ready "));
            server.issuer = ready.unwrap_or_default().to_owned();
        }
        server
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}
