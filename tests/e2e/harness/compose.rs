//! `envoy/docker-compose.yaml`, and `envoy/registry-compose.yaml` over it, as Docker Compose reads it, and its services as processes of this machine.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;

/// What `docker compose config` makes of the files.
pub struct Compose(Value);

const DEMO: &str = "envoy/docker-compose.yaml";
const REGISTRY: &str = "envoy/registry-compose.yaml";

impl Compose {
    /// With these variables in the environment, and no other but those that find programs.
    #[track_caller]
    pub fn read(variables: &[(&str, &str)]) -> Self {
        Self::of(&[DEMO], variables)
    }

    /// With the contract registry in the place of the contract source.
    #[track_caller]
    pub fn with_registry(variables: &[(&str, &str)]) -> Self {
        Self::of(&[DEMO, REGISTRY], variables)
    }

    #[track_caller]
    fn of(files: &[&str], variables: &[(&str, &str)]) -> Self {
        let output = Command::new(prerequisites::compose())
            .args(files.iter().flat_map(|file| ["--file", file]))
            .args(["--profile", "*", "config", "--format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .envs(variables.iter().copied())
            .output()
            .expect("run Compose");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "Compose refuses the file:\n{complaint}");
        assert!(complaint.is_empty(), "Compose warns:\n{complaint}");
        Self(serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// The file of the configuration of this name.
    #[track_caller]
    pub fn config(&self, name: &str) -> PathBuf {
        PathBuf::from(self.0["configs"][name]["file"].as_str().unwrap_or_else(|| panic!("no configuration {name}")))
    }

    pub fn project(&self) -> &Value {
        &self.0["name"]
    }

    pub fn services(&self) -> impl Iterator<Item = (&str, Service<'_>)> {
        let services = self.0["services"].as_object().expect("services");
        services.iter().map(|(name, service)| (name.as_str(), Service(service)))
    }

    #[track_caller]
    pub fn service(&self, name: &str) -> Service<'_> {
        self.services().find(|(each, _)| *each == name).unwrap_or_else(|| panic!("no service {name}")).1
    }
}

#[derive(Clone, Copy)]
pub struct Service<'a>(&'a Value);

impl Service<'_> {
    /// One of its members, `null` where there is none.
    pub fn get(&self, member: &str) -> &Value {
        &self.0[member]
    }

    pub fn command(&self) -> Vec<String> {
        let words = self.0["command"].as_array().expect("a command as an array");
        words.iter().map(|word| unescaped(word.as_str().expect("a text"))).collect()
    }

    pub fn environment(&self) -> Vec<(String, String)> {
        let variables = self.0["environment"].as_object().into_iter().flatten();
        variables.map(|(name, value)| (name.clone(), unescaped(value.as_str().expect("a text")))).collect()
    }

    /// The ports of this machine by which it is reached: address, port, port of the container.
    pub fn ports(&self) -> Vec<(String, String, u64)> {
        let ports = self.0["ports"].as_array().into_iter().flatten();
        ports
            .map(|port| {
                let text = |name: &str| port[name].as_str().unwrap_or_default().to_owned();
                (text("host_ip"), text("published"), port["target"].as_u64().expect("a port"))
            })
            .collect()
    }

    /// Its command as a process, in the folder of the repository that the image has for its own. Words and parts of words
    /// that only hold inside of containers are replaced.
    pub fn spawn(&self, folder: &str, replacements: &[(String, String)]) -> Process {
        let command = self.command();
        let localized = |word: &String| {
            let replace = |word: String, (old, new): &(String, String)| word.replace(old.as_str(), new);
            replacements.iter().fold(word.clone(), replace)
        };
        let scratch = Scratch::new("service");
        let log = File::create(scratch.file("log")).expect("a log file");
        let child = Command::new(&command[0])
            .args(command[1..].iter().map(localized))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
        Process { child, log: scratch.file("log"), _scratch: scratch }
    }
}

/// A service, ended when dropped.
pub struct Process {
    pub child: Child,
    log: PathBuf,
    _scratch: Scratch,
}

impl Process {
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `config` prints a file that Compose can read again: with `$$` for `$`.
fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}
