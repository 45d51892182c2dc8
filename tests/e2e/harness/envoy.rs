//! One real Envoy: started from an [`EnvoyBuilder`], asked through its admin interface, judged when it ends.

use std::collections::BTreeMap;
use std::thread;

use crate::harness::admin::Admin;
use crate::harness::client::{Connection, Request, Response};
use crate::harness::envoy_config::{COUNTS, EnvoyBuilder, PLUGIN};
use crate::harness::envoy_log::{assert_discreet, assert_no_other_fault, assert_no_trap};
use crate::harness::envoy_process::{ConfigurationRefused, Process, Usage};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::host::Host;
use crate::harness::port::ClosedPort;

/// Dropping it ends the process and fails the test if a registered secret shows in its log or its statistics.
pub struct Envoy {
    process: Process,
    admin: Admin,
    port: u16,
    workers: usize,
    is_faulty: bool,
    _dead_ports: Vec<ClosedPort>,
}

/// A line of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub status: u16,
    /// Envoy's response flags, `-` for none.
    pub flags: String,
    /// The stream property `tessera.outcome`, `-` when it was not set.
    pub outcome: String,
    /// The stream property `tessera.cache`, `-` when it was not set.
    pub cache: String,
    /// Why Envoy answered as it did.
    pub details: String,
}

impl Envoy {
    pub fn builder() -> EnvoyBuilder {
        EnvoyBuilder::new()
    }

    #[track_caller]
    pub(crate) fn launch(builder: EnvoyBuilder) -> Result<Self, ConfigurationRefused> {
        let mut process = Process::spawn(&builder);
        let admin = process.admin()?;
        eventually(SOON, "Envoy being live with its workers", || admin.is_ready().then_some(()));
        let port = eventually(SOON, "Envoy's listener", || admin.listener_port());
        let EnvoyBuilder { workers, is_faulty, dead_ports, .. } = builder;
        Ok(Self { process, admin, port, workers, is_faulty, _dead_ports: dead_ports })
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
            let stats = self.admin.stats().expect("the statistics");
            let on = |worker| stats.get(&format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_active")).copied();
            (0..self.workers).all(|worker| on(worker).unwrap_or_default() > 0).then_some(())
        });
        connections
    }

    #[track_caller]
    pub fn admin(&self, target: &str) -> Response {
        self.admin.get(target).unwrap_or_else(|| panic!("no answer to {target}"))
    }

    /// All counters and gauges.
    #[track_caller]
    pub fn stats(&self) -> BTreeMap<String, u64> {
        self.collect_counts();
        self.admin.stats().expect("the statistics")
    }

    /// A counter or gauge; the module's own have the prefix `wasmcustom.`.
    #[track_caller]
    pub fn stat(&self, name: &str) -> Option<u64> {
        if name.starts_with("wasmcustom.") {
            self.collect_counts();
        }
        self.admin.stats().expect("the statistics").get(name).copied()
    }

    /// Where the module cannot hand over what it has counted without one, it gets a request that it does not judge.
    fn collect_counts(&self) {
        if Host::of_tests().counts_within_requests() {
            // Where the listener speaks TLS, or is about to end, nobody answers.
            let _ = Request::get(COUNTS).header("connection", "close").try_send(self.port);
        }
    }

    /// All counters together whose names contain this.
    #[track_caller]
    pub fn sum_of(&self, part: &str) -> u64 {
        self.stats().iter().filter(|(name, _)| name.contains(part)).map(|(_, value)| value).sum()
    }

    #[track_caller]
    pub fn gauges(&self) -> BTreeMap<String, u64> {
        self.collect_counts();
        self.admin.gauges().expect("the gauges")
    }

    /// What the whole process has of the machine.
    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The access log once it has `count` lines.
    #[track_caller]
    pub fn await_accesses(&self, count: usize) -> Vec<Access> {
        eventually(SOON, &format!("{count} lines in the access log"), || {
            let log = self.process.access_log();
            let lines: Vec<_> = log.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(access).collect();
            (lines.len() >= count).then_some(lines)
        })
    }

    /// The lines of the access log once there are so many, as they stand.
    #[track_caller]
    pub fn await_access_lines(&self, count: usize) -> Vec<String> {
        eventually(SOON, &format!("{count} lines in the access log"), || {
            let log = self.process.access_log();
            let lines: Vec<_> = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).collect();
            (lines.len() >= count).then(|| lines.into_iter().map(str::to_owned).collect())
        })
    }

    /// Has Envoy end as it does when it is told to, and awaits that it has done so without a fault.
    #[track_caller]
    pub fn quit(&mut self) {
        self.admin.post("/quitquitquit");
        let status = eventually(SOON, "Envoy's end", || self.process.exit_status());
        assert!(status.success(), "Envoy ended with {status}:\n{}", self.process.log());
        assert_no_trap(&self.log());
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

    /// No fault has come up but those that were asked for.
    #[track_caller]
    pub fn assert_no_other_fault(&self) {
        assert_no_other_fault(&self.log());
    }

    /// The server of a cluster that is movable is at this port from now on.
    #[track_caller]
    pub fn moved(&self, cluster: &str, port: u16) {
        let count = || self.stat(&format!("cluster.{cluster}.update_success")).unwrap_or_default();
        let before = count();
        self.process.write_endpoints(cluster, port);
        eventually(SOON, "Envoy knowing where the server is", || (count() > before).then_some(()));
    }

    /// Replaces the listener, plugin included, by this builder's; the clusters stay. Only for an Envoy that was built
    /// `reloadable`. New connections meet the new one when this returns; a refused one leaves the old in force.
    #[track_caller]
    pub fn reload(&self, builder: &EnvoyBuilder) -> Result<(), ConfigurationRefused> {
        let count = |name: &str| self.stat(&format!("listener_manager.{name}")).unwrap_or_default();
        let (applied, refused) = (count("lds.update_success"), count("lds.update_rejected"));
        let logged = self.log().len();
        self.process.write_listeners(builder);
        let judged = eventually(SOON, "Envoy judging its new listener", || {
            if count("lds.update_rejected") > refused {
                return Some(Err(ConfigurationRefused::from_log(self.log()[logged..].to_owned())));
            }
            (count("lds.update_success") > applied && count("total_listeners_warming") == 0).then_some(Ok(()))
        });
        // What was counted before is kept by the new one only if it has reported before the old one is gone.
        self.collect_counts();
        judged
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let stats = self.admin.get("/stats").map(|response| response.body).unwrap_or_default();
        self.process.end();
        if thread::panicking() {
            return;
        }
        let log = self.process.log();
        if self.is_faulty {
            assert_no_other_fault(&log);
        } else {
            assert_no_trap(&log);
        }
        assert_discreet(log.as_bytes());
        assert_discreet(&stats);
    }
}

fn access(line: &str) -> Access {
    let mut words = line.trim_end().splitn(5, ' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_else(|| panic!("not a line of the access log: {line:?}"));
    Access { status: word().parse().expect("a status"), flags: word(), outcome: word(), cache: word(), details: word() }
}
