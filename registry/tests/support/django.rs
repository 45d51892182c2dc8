//! A second real authorization server, which is quite another one: `django-oauth-toolkit`, from PyPI, started as
//! `tests/django-oauth-toolkit/server.py`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Of its client `registry`, which may introspect.
pub const SECRET: &str = "introspection-secret-of-django";

pub struct Django {
    process: Child,
    pub issuer: String,
}

impl Django {
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let python = root.join("target/django-oauth-toolkit/bin/python");
        assert!(python.exists(), "its packages are missing: `make test-registry` installs them");
        let mut command = Command::new(python);
        command
            .arg(root.join("tests/django-oauth-toolkit/server.py"))
            .env("DOT_SECRET", SECRET)
            .stdout(Stdio::piped())
            .stdin(Stdio::null());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let issuer = lines.filter_map(|line| line.strip_prefix("ready ").map(str::to_owned)).next();
        Self { process, issuer: issuer.unwrap() }
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
