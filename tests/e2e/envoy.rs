//! One real Envoy as a child process: started from an [`EnvoyBuilder`], asked through its admin port, ended with its log
//! searched for secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::client::{Connection, Request, Response};
use crate::envoy_config::{EnvoyBuilder, PLUGIN};
use crate::eventually::{SOON, eventually};
use crate::port::ClosedPort;
use crate::prerequisites;
use crate::scratch::Scratch;
use crate::secrecy;

/// At `debug` these components of Envoy's own print what they were given, secrets included: `http` and `router` the headers
/// of every request and callout, `config` the whole listener with the plugin's configuration and environment. All others,
/// `wasm` first of all, stay at `debug`.
const QUIET: &str = "http:info,router:info,config:info";

/// Dropping it ends the process and fails the test if a registered secret shows in its log or its statistics.
pub struct Envoy {
    process: Process,
    admin_port: u16,
    port: u16,
    workers: usize,
    _dead_ports: Vec<ClosedPort>,
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
    fn from_log(log: String) -> Self {
        assert_discreet(log.as_bytes());
        let complaints = log.lines().filter_map(|line| line.split_once("wasm log: ")).map(|(_, text)| text.to_owned());
        Self { complaints: complaints.collect(), log }
    }
}

impl fmt::Display for ConfigurationRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&telling(&self.log))
    }
}

/// A line of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub status: u16,
    /// Envoy's response flags, `-` for none.
    pub flags: String,
    /// The stream property `tessera.outcome`, `-` when it was not set.
    pub outcome: String,
}

impl Envoy {
    pub fn builder() -> EnvoyBuilder {
        EnvoyBuilder::new()
    }

    #[track_caller]
    pub(crate) fn launch(builder: EnvoyBuilder) -> Result<Self, ConfigurationRefused> {
        let mut process = Process::spawn(&builder);
        let admin_port = process.admin_port()?;
        eventually(SOON, "Envoy being live with its workers", || {
            let ready = get(admin_port, "/ready")?;
            (ready.body.starts_with(b"LIVE") && stats(admin_port)?.get("listener_manager.workers_started") == Some(&1))
                .then_some(())
        });
        let port = eventually(SOON, "Envoy's listener", || listener_port(admin_port));
        let envoy = Self { port, admin_port, process, workers: builder.workers, _dead_ports: builder.dead_ports };
        Ok(envoy)
    }

    /// Where requests go, HTTP/1.1 or h2c.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections held open, at least one on every worker.
    #[track_caller]
    pub fn connections_on_every_worker(&self) -> Vec<Connection> {
        let open = || Connection::open(self.port).expect("connect to Envoy");
        let connections: Vec<_> = (0..2 * self.workers).map(|_| open()).collect();
        eventually(SOON, "a connection on every worker", || {
            let stats = self.stats();
            let on = |worker| stats.get(&format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_active")).copied();
            (0..self.workers).all(|worker| on(worker).unwrap_or_default() > 0).then_some(())
        });
        connections
    }

    #[track_caller]
    pub fn admin(&self, target: &str) -> Response {
        get(self.admin_port, target).unwrap_or_else(|| panic!("no answer to {target}"))
    }

    /// All counters and gauges.
    #[track_caller]
    pub fn stats(&self) -> BTreeMap<String, u64> {
        stats(self.admin_port).expect("the statistics")
    }

    /// A counter or gauge; the module's own have the prefix `wasmcustom.`.
    #[track_caller]
    pub fn stat(&self, name: &str) -> Option<u64> {
        self.stats().get(name).copied()
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The access log once it has `count` lines.
    #[track_caller]
    pub fn await_accesses(&self, count: usize) -> Vec<Access> {
        eventually(SOON, &format!("{count} lines in the access log"), || {
            let log = fs::read_to_string(self.process.scratch.file(ACCESS_LOG)).ok()?;
            let lines: Vec<_> = log.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(access).collect();
            (lines.len() >= count).then_some(lines)
        })
    }

    /// No VM has trapped, nor been reloaded after a trap. The counters alone would not do: they change only when a later
    /// request meets the trapped VM.
    #[track_caller]
    pub fn assert_no_vm_reload(&self) {
        let stats = self.stats();
        let reloads = stats.iter().filter(|(name, _)| name.starts_with(&format!("wasm.{PLUGIN}.vm_reload")));
        let reloads: Vec<_> = reloads.filter(|(_, value)| **value > 0).collect();
        assert!(reloads.is_empty(), "a VM was reloaded: {reloads:?}");
        assert_no_trap(&self.log());
    }

    /// Replaces the listener, plugin included, by this builder's; the clusters stay. Only for an Envoy that was built
    /// `reloadable`. New connections meet the new one when this returns; a refused one leaves the old in force.
    #[track_caller]
    pub fn reload(&self, builder: &EnvoyBuilder) -> Result<(), ConfigurationRefused> {
        let count = |name: &str| self.stat(&format!("listener_manager.{name}")).unwrap_or_default();
        let (applied, refused) = (count("lds.update_success"), count("lds.update_rejected"));
        let logged = self.log().len();
        self.process.write_listeners(builder);
        eventually(SOON, "Envoy judging its new listener", || {
            if count("lds.update_rejected") > refused {
                return Some(Err(ConfigurationRefused::from_log(self.log()[logged..].to_owned())));
            }
            (count("lds.update_success") > applied && count("total_listeners_warming") == 0).then_some(Ok(()))
        })
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let stats = get(self.admin_port, "/stats").map(|response| response.body).unwrap_or_default();
        self.process.end();
        if thread::panicking() {
            return;
        }
        let log = self.process.log();
        assert_no_trap(&log);
        assert_discreet(log.as_bytes());
        assert_discreet(&stats);
    }
}

/// Guarantee number one, so every Envoy's end is asked for it.
#[track_caller]
fn assert_no_trap(log: &str) {
    let traps: Vec<_> =
        log.lines().filter(|line| line.contains("Function: proxy_") && line.contains(" failed: ")).collect();
    assert!(traps.is_empty(), "a VM trapped:\n{}", traps.join("\n"));
}

#[track_caller]
fn assert_discreet(text: &[u8]) {
    let leaks = secrecy::leaks(text);
    assert!(leaks.is_empty(), "Envoy shows secrets:\n{}", leaks.join("\n"));
}

const ACCESS_LOG: &str = "access.log";
const LOG: &str = "envoy.log";
const ADMIN_ADDRESS: &str = "admin";
/// In a folder of its own: Envoy watches the folder, and would else be woken by each line of its own log.
const LISTENERS: &str = "watched/listeners.json";

struct Process {
    child: Child,
    scratch: Scratch,
}

impl Process {
    fn spawn(builder: &EnvoyBuilder) -> Self {
        let scratch = Scratch::new("envoy");
        let configuration = scratch.file("envoy.json");
        let bootstrap = builder.bootstrap(&scratch.file(ACCESS_LOG), &scratch.file(LISTENERS)).to_string();
        fs::write(&configuration, bootstrap).expect("write the bootstrap");
        fs::write(scratch.file(LISTENERS), builder.discovered(&scratch.file(ACCESS_LOG)).to_string())
            .expect("write the listeners");
        let log = File::create(scratch.file(LOG)).expect("a log file");
        let child = Command::new(prerequisites::envoy())
            .arg("--config-path")
            .arg(configuration)
            .arg("--admin-address-path")
            .arg(scratch.file(ADMIN_ADDRESS))
            .args(["--concurrency", &builder.workers.to_string()])
            .args(["--log-level", "debug", "--component-log-level", QUIET])
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
    fn admin_port(&mut self) -> Result<u16, ConfigurationRefused> {
        eventually(SOON, "Envoy's admin address", || {
            if self.child.try_wait().expect("the process's state").is_some() {
                return Some(Err(self.refusal()));
            }
            port_in(&self.scratch.file(ADMIN_ADDRESS)).map(Ok)
        })
        .and_then(|port| self.await_configuration(port))
    }

    /// The admin address is written before the listeners are loaded.
    #[track_caller]
    fn await_configuration(&mut self, admin_port: u16) -> Result<u16, ConfigurationRefused> {
        eventually(SOON, "Envoy having loaded its configuration", || {
            if get(admin_port, "/ready").is_some() {
                return Some(Ok(admin_port));
            }
            self.child.try_wait().expect("the process's state").map(|_| Err(self.refusal()))
        })
    }

    #[track_caller]
    fn refusal(&self) -> ConfigurationRefused {
        ConfigurationRefused::from_log(self.log())
    }

    /// Moved into place, as Envoy watches for moves.
    fn write_listeners(&self, builder: &EnvoyBuilder) {
        let fresh = self.scratch.file("listeners.new");
        fs::write(&fresh, builder.discovered(&self.scratch.file(ACCESS_LOG)).to_string()).expect("write the listeners");
        fs::rename(fresh, self.scratch.file(LISTENERS)).expect("move the listeners into place");
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.scratch.file(LOG)).unwrap_or_default()).into_owned()
    }

    fn end(&mut self) {
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

/// The last lines that a person would look for.
fn telling(log: &str) -> String {
    let marks = ["[wasm]", "[warning]", "[error]", "[critical]"];
    let lines: Vec<_> = log.lines().filter(|line| marks.iter().any(|mark| line.contains(mark))).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn port_in(file: &Path) -> Option<u16> {
    fs::read_to_string(file).ok()?.rsplit(':').next()?.trim().parse().ok()
}

fn get(admin_port: u16, target: &str) -> Option<Response> {
    Request::get(target).header("connection", "close").try_send(admin_port).ok()
}

fn listener_port(admin_port: u16) -> Option<u16> {
    let listeners = get(admin_port, "/listeners?format=json")?.json();
    let port = listeners.pointer("/listener_statuses/0/local_address/socket_address/port_value")?;
    port.as_u64()?.try_into().ok()
}

fn stats(admin_port: u16) -> Option<BTreeMap<String, u64>> {
    let text = get(admin_port, "/stats")?.body;
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Some(String::from_utf8_lossy(&text).lines().filter_map(pair).collect())
}

fn access(line: &str) -> Access {
    let mut words = line.trim_end().splitn(3, ' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_else(|| panic!("not a line of the access log: {line:?}"));
    Access { status: word().parse().expect("a status"), flags: word(), outcome: word() }
}
