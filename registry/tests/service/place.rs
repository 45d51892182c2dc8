//! A folder with a configuration, and the registry that is run with it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");
/// Thirty-two bytes that can be read, so that they are found in either form.
pub const SEALING_KEY: &str = "c2VhbGluZy1rZXktb2YtMzItYnl0ZXMtMDEyMzQ1Njc=";
/// A machine that does much else takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Place {
    pub folder: PathBuf,
    /// Environment variables of its commands.
    pub secrets: Vec<(String, String)>,
}

impl Place {
    /// `database` and `more` are TOML.
    pub fn new(database: &str, more: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let place = Self { folder, secrets: vec![("SEALING_KEY".to_owned(), SEALING_KEY.to_owned())] };
        let listen = "listen = {api = \"127.0.0.1:0\", feed = \"127.0.0.1:0\", ops = \"127.0.0.1:0\"}";
        let limits = "limits = {requests_per_second = 100000, burst = 100000, failed_authentications = 100000, \
                      open_requests = 1000, clients_per_application = 1000}";
        let keys = "sealing_keys = [{id = \"k1\", key = {env = \"SEALING_KEY\"}}]";
        let public = "public.url = \"http://127.0.0.1\"";
        let text = format!("{public}\n{listen}\n{limits}\n{keys}\ndatabase.url = {database}\n{more}\n");
        place.write("registry.toml", &text);
        place
    }

    pub fn sqlite(more: &str) -> Self {
        let place = Self::new("\"sqlite:registry.db\"", more);
        let text = fs::read_to_string(place.folder.join("registry.toml")).unwrap();
        let database = format!("sqlite:{}", place.folder.join("registry.db").display());
        place.write("registry.toml", &text.replace("sqlite:registry.db", &database));
        place
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.folder.join("registry.toml")).args(arguments);
        command.envs(self.secrets.iter().cloned()).stdin(Stdio::null());
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints that succeeds.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {:?} {told}", output.status);
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub fn serve(&self) -> Served {
        let log = self.folder.join(format!("log.{}", uuid::Uuid::now_v7()));
        let file = File::create(&log).unwrap();
        let child = self.command(&["serve"]).stderr(Stdio::from(file)).spawn().unwrap();
        let mut served = Served { child, log, addresses: Vec::new() };
        let deadline = Instant::now() + PATIENCE;
        while served.addresses.len() < 3 {
            assert!(served.child.try_wait().unwrap().is_none() && Instant::now() < deadline, "{}", served.log());
            std::thread::sleep(Duration::from_millis(20));
            served.addresses = served.lines().iter().filter_map(address).collect();
        }
        served
    }

    /// One that calls the administration API, as an admin.
    pub fn admin(&self, served: &Served) -> Client {
        Client::new(&served.url("api"), &self.run(&["token", "create", "--role", "admin", "--role", "root:developer"]))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn address(line: &Value) -> Option<(String, String)> {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    (line["message"] == "listening").then(|| Some((text("listener")?, text("address")?)))?
}

/// A registry that serves.
pub struct Served {
    child: Child,
    log: PathBuf,
    addresses: Vec<(String, String)>,
}

impl Served {
    pub fn url(&self, listener: &str) -> String {
        format!("http://{}", self.addresses.iter().find(|(name, _)| name == listener).unwrap().1)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Of the log, those that are whole.
    pub fn lines(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn end(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.log());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
