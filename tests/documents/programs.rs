//! What `make` says where a program is missing that a target needs: which, and how it is got, before anything is built.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

use super::root;

/// What any target may use of a system, and what is not there is nobody's.
const SYSTEM: [&str; 11] = ["awk", "bash", "cat", "dirname", "ls", "make", "mkdir", "printf", "sh", "test", "touch"];

/// The programs that a target needs, each with a part of what is said of it.
const NEEDED: [(&str, &[&str]); 14] = [
    ("test", &["cargo", "python3", "node", "npm", "initdb"]),
    ("setup", &["cargo", "python3", "node", "npm"]),
    ("module", &["cargo"]),
    ("image", &["cargo", "git"]),
    ("dist", &["cargo", "git"]),
    ("test-registry", &["cargo", "initdb", "node", "npm", "python3"]),
    ("demo", &["cargo", "python3", "node", "npm"]),
    ("demo-contracts", &["cargo", "python3", "node", "npm"]),
    ("bench", &["cargo", "python3", "node", "npm", "openssl"]),
    ("bench-registry", &["cargo", "python3", "node", "npm", "initdb", "nginx"]),
    (
        "deploy-check",
        &["cargo", "python3", "node", "npm", "git", "docker-registry", "skopeo", "nginx", "openssl", "curl"],
    ),
    ("metrics-check", &["cargo", "python3", "node", "npm", "prometheus", "promtool", "chromium"]),
    (
        "operate-check",
        &[
            "cargo",
            "python3",
            "node",
            "npm",
            "git",
            "docker-registry",
            "skopeo",
            "nginx",
            "openssl",
            "curl",
            "prometheus",
            "promtool",
            "chromium",
        ],
    ),
    ("image-registry", &["docker", "git"]),
];

/// How each is got.
const HOW: [(&str, &str); 15] = [
    ("cargo", "install Rust with rustup (https://rustup.rs)"),
    ("chromium", "apt-get install --no-install-recommends chromium"),
    ("curl", "apt-get install --no-install-recommends curl"),
    ("docker", "install Docker"),
    ("docker-registry", "apt-get install --no-install-recommends docker-registry"),
    ("git", "apt-get install --no-install-recommends git"),
    ("initdb", "apt-get install --no-install-recommends postgresql"),
    ("nginx", "apt-get install --no-install-recommends nginx-light"),
    ("node", "install Node.js 20 or later"),
    ("npm", "it comes with Node.js 20 or later"),
    ("openssl", "apt-get install --no-install-recommends openssl"),
    ("prometheus", "apt-get install --no-install-recommends prometheus"),
    ("promtool", "apt-get install --no-install-recommends prometheus"),
    ("python3", "install Python 3.9 or later"),
    ("skopeo", "apt-get install --no-install-recommends skopeo"),
];

/// A checkout in which nothing was installed or built, and a machine with a few programs that do nothing.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("programs-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        for name in ["bin", "checkout/envoy", "checkout/tests/oidc-provider"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for name in
            ["Makefile", "rust-toolchain.toml", "envoy/requirements.txt", "tests/oidc-provider/package-lock.json"]
        {
            fs::copy(root().join(name), folder.join("checkout").join(name)).unwrap();
        }
        for name in SYSTEM {
            symlink(found(name), folder.join("bin").join(name)).unwrap();
        }
        let machine = Self(folder);
        HOW.iter().for_each(|(name, _)| machine.install(name));
        machine
    }

    /// What does nothing, and says so to nobody.
    fn install(&self, name: &str) {
        symlink(found("true"), self.0.join("bin").join(name)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.0.join("bin").join(name)).unwrap();
    }

    fn make(&self, target: &str) -> Output {
        let bin = self.0.join("bin");
        let mut make = Command::new(bin.join("make"));
        make.env_clear().env("PATH", &bin).current_dir(self.0.join("checkout"));
        make.args([target, "ELSEWHERE="]).output().unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_program_that_is_missing_is_named_and_how_it_is_got() {
    let machine = Machine::new("each");
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let mut shown = 0;
    for (target, programs) in NEEDED {
        if makefile.contains(&format!("\nNEEDS_{target} ")) {
            let sound = machine.make(&format!("needs-{target}"));
            assert!(sound.status.success(), "{target}: {}", said(&sound));
        }
        for program in programs {
            machine.remove(program);
            let output = machine.make(target);
            machine.install(program);
            let (said, how) = (said(&output), HOW.iter().find(|(name, _)| name == program).unwrap().1);
            let sentence = said.lines().find(|line| line.starts_with(&format!("{program} is missing: ")));
            assert!(sentence.is_some_and(|line| line.contains(how)), "{target} without {program}: {said}");
            assert!(!output.status.success() && !said.contains('»'), "{target} without {program} begins: {said}");
            shown += 1;
        }
    }
    assert!(shown > 40, "only {shown} were tried");
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let machine = Machine::new("all");
    for program in ["skopeo", "nginx"] {
        machine.remove(program);
    }
    let said = said(&machine.make("operate-check"));
    assert!(said.contains("skopeo is missing: ") && said.contains("nginx is missing: "), "{said}");
}

#[test]
fn a_target_of_which_nothing_is_known_is_not_said_to_need_nothing() {
    let output = Machine::new("unknown").make("needs-tset");
    assert!(!output.status.success());
    assert!(said(&output).contains("nothing is known of what `make tset` needs"), "{}", said(&output));
}

#[test]
fn packages_of_node_need_npm() {
    let machine = Machine::new("npm");
    machine.remove("npm");
    let output = machine.make("tests/oidc-provider/node_modules/.stamp");
    assert!(!output.status.success());
    assert!(said(&output).contains("npm is missing: it comes with Node.js"), "{}", said(&output));
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Where a program of this machine is.
fn found(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let folders = env::split_paths(&path).chain([Path::new("/usr/bin"), Path::new("/bin")].map(Path::to_owned));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(|| panic!("no {name}"))
}
