//! One of the examples in `envoy/`, as it stands but for what is replaced in it, and an Envoy that runs it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::harness::admin::Admin;
use crate::harness::envoy_log::{assert_discreet, assert_no_trap, telling};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::host::Host;
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;

/// Where the examples expect the module.
const MODULE: &str = "/plugin.wasm";
const LIBRARY: &str = "/libtessera.so";

/// A file of `envoy/` that starts an Envoy.
pub struct Example {
    pub name: String,
    pub text: String,
    /// The variables that its secrets are in.
    pub environment: Vec<(String, String)>,
}

impl Example {
    /// Those that are there, not those that somebody thought of listing.
    pub fn all() -> Vec<Self> {
        let files =
            fs::read_dir(folder()).expect("the folder of examples").map(|entry| entry.expect("an entry").path());
        let text = |file: &PathBuf| fs::read_to_string(file).expect("a text");
        let examples: Vec<_> = files
            .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
            .filter(|file| text(file).contains("\nstatic_resources:"))
            // The dynamic module is there where the tests are about it.
            .filter(|file| Host::of_tests() == Host::Native || !text(file).contains(LIBRARY))
            .map(|file| Self::named(file.file_name().and_then(|name| name.to_str()).expect("a name")))
            .collect();
        assert!(examples.len() >= 3, "only {} examples were found", examples.len());
        examples
    }

    pub fn named(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(name)).expect("the example");
        let read = text.lines().filter_map(|line| line.split('#').next());
        let named = read.filter_map(|line| line.split_once("{env: ")?.1.split('}').next());
        let names: BTreeSet<&str> = named.collect();
        let environment = names.iter().map(|name| ((*name).to_owned(), secrecy::secret("example"))).collect();
        let (old, module) = if text.contains(LIBRARY) {
            (LIBRARY, prerequisites::native_module())
        } else {
            (MODULE, prerequisites::module())
        };
        Self { name: name.into(), text, environment }.with(old, module.to_str().expect("a text"))
    }

    #[track_caller]
    pub fn with(mut self, old: &str, new: &str) -> Self {
        assert_eq!(self.text.matches(old).count(), 1, "{} must have {old:?} once", self.name);
        self.text = self.text.replace(old, new);
        self
    }

    /// This cluster is that port of 127.0.0.1.
    #[track_caller]
    pub fn reaching(self, host: &str, port: u16, own: u16) -> Self {
        self.with(&format!("address: {host}, port_value: {port}"), &format!("address: 127.0.0.1, port_value: {own}"))
    }

    /// Whether Envoy takes it, and what it logged.
    pub fn validate(&self) -> (bool, String) {
        let mut envoy = Running::spawn(self, &["--mode", "validate"]);
        let status = eventually(SOON, "Envoy's verdict", || envoy.child.try_wait().expect("the process's state"));
        (status.success(), envoy.log())
    }
}

/// An Envoy with one of the examples, ended when dropped.
pub struct Running {
    child: Child,
    scratch: Scratch,
}

impl Running {
    pub fn spawn(example: &Example, arguments: &[&str]) -> Self {
        let scratch = Scratch::new("example");
        let configuration = scratch.file(&example.name);
        fs::write(&configuration, &example.text).expect("write the configuration");
        let log = File::create(scratch.file("envoy.log")).expect("a log file");
        let mut command = Command::new(prerequisites::envoy());
        command.arg("--config-path").arg(configuration).args(arguments);
        command.arg("--admin-address-path").arg(scratch.file("admin"));
        command.args(["--file-flush-interval-msec", "10", "--disable-hot-restart"]);
        // Only what the example names: a variable of this machine must not stand in for one that it forgot.
        command.env_clear().envs(example.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        Self { child: command.spawn().expect("start Envoy"), scratch }
    }

    /// Envoy's own log and, of an example that has it there, the access log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.scratch.file("envoy.log")).unwrap_or_default()).into_owned()
    }

    #[track_caller]
    pub fn admin(&mut self) -> Admin {
        eventually(SOON, "Envoy being live with its workers", || {
            assert!(self.child.try_wait().expect("the process's state").is_none(), "Envoy ended");
            let port = fs::read_to_string(self.scratch.file("admin")).ok()?.rsplit(':').next()?.trim().parse().ok()?;
            Some(Admin::at(port)).filter(|admin| admin.is_ready())
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        if thread::panicking() {
            eprintln!("Envoy logged:\n{}", telling(&log));
            return;
        }
        assert_no_trap(&log);
        assert_discreet(log.as_bytes());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy")
}
