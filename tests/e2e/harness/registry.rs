//! The contract registry as it is run: one process or several on one database, behind one address.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::balancer::Balancer;
use crate::harness::client::{Request, Response};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;

/// Thirty-two bytes in base64.
const SEALING_KEY: &str = "c2VhbGluZy1rZXktb2YtdGhlLWVuZC10by1lbmQtMDE=";

/// Between two questions.
const POLL: Duration = Duration::from_millis(20);

/// Ends with its processes, whose logs are searched for secrets.
pub struct Registry {
    replicas: Vec<Replica>,
    api: Balancer,
    feed: Balancer,
    scratch: Scratch,
    /// How many processes there have been.
    started: usize,
}

impl Registry {
    /// So many processes on a database of this URL; without one on a file of their own.
    #[track_caller]
    pub fn start(database: Option<String>, replicas: usize) -> Self {
        let scratch = Scratch::new("registry");
        let database = database.unwrap_or_else(|| format!("sqlite:{}", scratch.file("registry.db").display()));
        let configuration = format!(
            "public.url = \"http://127.0.0.1\"\n\
             listen = {{api = \"127.0.0.1:0\", feed = \"127.0.0.1:0\", ops = \"127.0.0.1:0\"}}\n\
             limits = {{requests_per_second = 100000, burst = 100000, failed_authentications = 100000}}\n\
             sealing_keys = [{{id = \"k1\", key = {{env = \"SEALING_KEY\"}}}}]\n\
             database.url = {database:?}\n\
             log.level = \"trace\"\n",
        );
        fs::write(scratch.file("registry.toml"), configuration).expect("write the configuration");
        let [api, feed] = [(); 2].map(|()| Balancer::start());
        let mut registry = Self { replicas: Vec::new(), api, feed, scratch, started: 0 };
        for _ in 0..replicas {
            registry.add_replica();
        }
        registry
    }

    /// One more process behind the address.
    #[track_caller]
    pub fn add_replica(&mut self) {
        let log = self.scratch.file(&format!("log-{}", self.started));
        self.started += 1;
        self.replicas.push(Replica::start(self.command(&["serve"]), log));
        self.balance();
    }

    /// Ends the oldest as a rolling update does: it gets no new connections, and answers those that it has.
    #[track_caller]
    pub fn end_replica(&mut self) {
        let replica = self.replicas.remove(0);
        self.balance();
        replica.end();
    }

    fn balance(&self) {
        let ports = |listener| self.replicas.iter().map(|replica| replica.port(listener)).collect::<Vec<_>>();
        self.api.turn_to(&ports("api"));
        self.feed.turn_to(&ports("feed"));
    }

    /// Where gateways poll.
    pub fn feed_port(&self) -> u16 {
        self.feed.port()
    }

    /// How many processes there are.
    pub fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// Each process has had calls of the API, and polls.
    #[track_caller]
    pub fn assert_each_was_asked(&self) {
        for (name, balancer) in [("api", &self.api), ("feed", &self.feed)] {
            let taken = balancer.taken();
            let is_asked = |replica: &Replica| taken.contains_key(&replica.port(name));
            assert!(self.replicas.iter().all(is_asked), "{name}: {taken:?}");
        }
    }

    /// What a command prints that succeeds.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("run the registry");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {} {told}", output.status);
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Who calls the API with a token of this role.
    #[track_caller]
    pub fn caller(&self, role: &str) -> Caller {
        let token = self.run(&["token", "create", "--role", role]);
        secrecy::register(&token);
        Caller { port: self.api.port(), token }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(prerequisites::registry());
        command.arg("--config").arg(self.scratch.file("registry.toml")).args(arguments);
        command.env("SEALING_KEY", SEALING_KEY).stdin(Stdio::null());
        command
    }
}

/// One process.
struct Replica {
    child: Child,
    log: PathBuf,
    /// Name and port.
    listeners: Vec<(String, u16)>,
}

impl Replica {
    #[track_caller]
    fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a log file");
        let child = command.stdout(Stdio::null()).stderr(file).spawn().expect("start the registry");
        let mut replica = Self { child, log, listeners: Vec::new() };
        replica.listeners = eventually(SOON, "the registry's listeners", || {
            assert!(replica.child.try_wait().expect("its state").is_none(), "it ended: {}", replica.log());
            let listeners: Vec<_> = replica.log().lines().filter_map(listener).collect();
            (listeners.len() == 3).then_some(listeners)
        });
        replica
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    #[track_caller]
    fn port(&self, listener: &str) -> u16 {
        self.listeners.iter().find(|(name, _)| name == listener).expect("a listener of that name").1
    }

    #[track_caller]
    fn end(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("run kill").success());
        let status = eventually(SOON, "the registry's end", || self.child.try_wait().expect("its state"));
        assert!(status.success(), "it ended with {status}: {}", self.log());
    }
}

/// Name and port, from a line of the log that tells of them.
fn listener(line: &str) -> Option<(String, u16)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let (name, address) = (line["listener"].as_str()?, line["address"].as_str()?);
    (line["message"] == "listening").then(|| Some((name.to_owned(), address.rsplit(':').next()?.parse().ok()?)))?
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            let leaks = secrecy::leaks(self.log().as_bytes());
            assert!(leaks.is_empty(), "the registry's log shows secrets:\n{}", leaks.join("\n"));
        }
    }
}

/// Who calls the administration API; each call is a connection of its own.
pub struct Caller {
    port: u16,
    token: String,
}

impl Caller {
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = Request::new(method, &format!("/api/v1{path}")).bearer(&self.token).header("if-match", "*");
        let request = request.header("connection", "close");
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        request.send(self.port)
    }

    /// What there is.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        done(&self.call("GET", path, None), path)
    }

    /// What was made, or has become of it.
    #[track_caller]
    pub fn post(&self, path: &str, body: Value) -> Value {
        done(&self.call("POST", path, Some(&body)), path)
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: Value) -> Value {
        done(&self.call("PATCH", path, Some(&body)), path)
    }

    /// The id of what was made.
    #[track_caller]
    pub fn make(&self, path: &str, body: Value) -> String {
        text(&self.post(path, body), "id")
    }

    /// Once it has this status.
    #[track_caller]
    pub fn until(&self, path: &str, status: &str) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let found = self.get(path);
            if found["status"] == status {
                return found;
            }
            assert!(Instant::now() < deadline, "{path} is not {status}: {found}");
            thread::sleep(POLL);
        }
    }
}

#[track_caller]
fn done(response: &Response, path: &str) -> Value {
    assert!(matches!(response.status, 200 | 201), "{path}: {response:?}");
    response.json()
}

/// A member that must be a text.
#[track_caller]
pub fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_else(|| panic!("no {member}: {object}")).to_owned()
}
