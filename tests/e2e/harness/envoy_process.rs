//! Envoy as a child process with its files: started, watched until it serves or gives up, ended.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use serde_json::Value;

use crate::harness::admin::Admin;
use crate::harness::envoy_config::{EnvoyBuilder, endpoints, endpoints_file};
use crate::harness::envoy_log::{assert_discreet, assert_no_other_fault, telling};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::host::Host;
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;

/// At `debug` these components of Envoy's own print what they were given, secrets included: `http` and `router` the headers
/// of every request and callout, `config` the whole listener with the plugin's configuration and environment. All others,
/// `wasm` first of all, stay at `debug`.
const QUIET: &str = "http:info,router:info,config:info";

const ACCESS_LOG: &str = "access.log";
const LOG: &str = "envoy.log";
const ADMIN_ADDRESS: &str = "admin";
/// In a folder of its own: Envoy watches the folder, and would else be woken by each line of its own log.
const LISTENERS: &str = "watched/listeners.json";

/// Ended when dropped.
pub struct Process {
    child: Child,
    scratch: Scratch,
}

impl Process {
    pub fn spawn(builder: &EnvoyBuilder) -> Self {
        let scratch = Scratch::new("envoy");
        let configuration = scratch.file("envoy.json");
        let bootstrap = builder.bootstrap(&scratch.file(ACCESS_LOG), &scratch.file(LISTENERS)).to_string();
        fs::write(&configuration, bootstrap).expect("write the bootstrap");
        fs::write(scratch.file(LISTENERS), builder.discovered(&scratch.file(ACCESS_LOG)).to_string())
            .expect("write the listeners");
        for (cluster, port) in &builder.movable {
            let path = scratch.file(LISTENERS).with_file_name(endpoints_file(cluster));
            fs::write(path, endpoints(cluster, *port).to_string()).expect("write the endpoints");
        }
        let log = File::create(scratch.file(LOG)).expect("a log file");
        let variables = builder.environment.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let child = Command::new(prerequisites::envoy())
            .envs(Host::of_tests().search_path())
            .envs(variables)
            .arg("--config-path")
            .arg(configuration)
            .arg("--admin-address-path")
            .arg(scratch.file(ADMIN_ADDRESS))
            .args(["--concurrency", &builder.workers.to_string()])
            .args(["--drain-time-s", &builder.drain_seconds.to_string()])
            .args(["--log-level", builder.log_level, "--component-log-level", QUIET])
            .args(["--file-flush-interval-msec", "10", "--disable-hot-restart"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("start Envoy");
        Self { child, scratch }
    }

    /// Awaits the file in which Envoy tells it, or Envoy's end.
    #[track_caller]
    pub fn admin(&mut self) -> Result<Admin, ConfigurationRefused> {
        eventually(SOON, "Envoy's admin address", || {
            if self.child.try_wait().expect("the process's state").is_some() {
                return Some(Err(self.refusal()));
            }
            port_in(&self.scratch.file(ADMIN_ADDRESS)).map(|port| Ok(Admin::at(port)))
        })
        .and_then(|admin| self.await_configuration(admin))
    }

    /// The admin address is written before the listeners are loaded.
    #[track_caller]
    fn await_configuration(&mut self, admin: Admin) -> Result<Admin, ConfigurationRefused> {
        eventually(SOON, "Envoy having loaded its configuration", || {
            if admin.get("/ready").is_some() {
                return Some(Ok(admin));
            }
            self.child.try_wait().expect("the process's state").map(|_| Err(self.refusal()))
        })
    }

    #[track_caller]
    fn refusal(&self) -> ConfigurationRefused {
        ConfigurationRefused::from_log(self.log())
    }

    pub fn write_listeners(&self, builder: &EnvoyBuilder) {
        let listeners = builder.discovered(&self.scratch.file(ACCESS_LOG));
        self.replace(&self.scratch.file(LISTENERS), &listeners);
    }

    pub fn write_endpoints(&self, cluster: &str, port: u16) {
        let path = self.scratch.file(LISTENERS).with_file_name(endpoints_file(cluster));
        self.replace(&path, &endpoints(cluster, port));
    }

    /// Moved into place, as Envoy watches for moves.
    fn replace(&self, path: &Path, content: &Value) {
        let fresh = self.scratch.file("fresh.json");
        fs::write(&fresh, content.to_string()).expect("write a watched file");
        fs::rename(fresh, path).expect("move a watched file into place");
    }

    /// What it has now (proc(5)).
    pub fn usage(&self) -> Usage {
        let folder = format!("/proc/{}", self.child.id());
        let count = |name: &str| fs::read_dir(format!("{folder}/{name}")).expect("a process").count() as u64;
        let statm = fs::read_to_string(format!("{folder}/statm")).expect("a process");
        let pages: u64 = statm.split(' ').nth(1).expect("resident pages").parse().expect("a number");
        Usage { resident_bytes: pages * 4096, descriptors: count("fd"), threads: count("task") }
    }

    pub fn access_log(&self) -> String {
        fs::read_to_string(self.scratch.file(ACCESS_LOG)).unwrap_or_default()
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.scratch.file(LOG)).unwrap_or_default()).into_owned()
    }

    /// `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process's state")
    }

    /// Without grace; again does no harm.
    pub fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            eprintln!("Envoy logged:\n{}", telling(&self.log()));
        }
    }
}

/// What a process has of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub resident_bytes: u64,
    /// Of files, sockets and the like.
    pub descriptors: u64,
    pub threads: u64,
}

/// Envoy ended while loading its configuration, as it does when the module refuses its own.
#[derive(Debug)]
pub struct ConfigurationRefused {
    /// What the module logged, without Envoy's prefix.
    pub complaints: Vec<String>,
    pub log: String,
}

impl ConfigurationRefused {
    #[track_caller]
    pub fn from_log(log: String) -> Self {
        // A panic while the configuration is read would look like a refusal.
        assert_no_other_fault(&log);
        assert_discreet(log.as_bytes());
        let mark = Host::of_tests().log_mark();
        let complaints = log.lines().filter_map(|line| line.split_once(mark)).map(|(_, text)| text.to_owned());
        Self { complaints: complaints.collect(), log }
    }
}

impl fmt::Display for ConfigurationRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&telling(&self.log))
    }
}

fn port_in(file: &Path) -> Option<u16> {
    fs::read_to_string(file).ok()?.rsplit(':').next()?.trim().parse().ok()
}
