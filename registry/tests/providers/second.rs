//! A second real server, which is quite another one: `django-oauth-toolkit`, from PyPI.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::probed::{probed, steps};

const SECRET: &str = "introspection-secret-of-django";

struct Django {
    process: Child,
    issuer: String,
}

impl Django {
    fn start() -> Self {
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

#[test]
fn another_real_server_is_found_out() {
    let server = Django::start();
    let members = format!(
        "issuer = \"{}\"\ntimeout = \"60s\"\nintrospection = {{client_id = \"registry\", credential = {{env = \"SECRET\"}}}}",
        server.issuer
    );
    let (report, code) = probed(&members, &[("SECRET", SECRET)], &["--parallel"]);
    assert_eq!((code, &report["usable"], &report["left_behind"]), (0, &json!(true), &json!([])), "{report:#}");
    assert_eq!(
        report["found"],
        json!({
            "management": "registration_token", "can_update": true, "can_delete": true,
            "registration_token_rotates": true, "secret_in_read": false, "scope": "missing",
            "auth_methods": ["client_secret_basic"], "grants": ["client_credentials"], "parallel": 4,
            "token": "opaque", "introspection": "active", "client_id_claim": "client_id", "active_after_delete": false,
        }),
        "{report:#}"
    );
    let expected = [
        "metadata done",
        "register done",
        "read done",
        "update done",
        "token done",
        "introspect done",
        "parallel done",
        "register refused",
        "delete done",
        "after_delete not_done",
        "after_delete done",
    ];
    assert_eq!(steps(&report), expected, "{report:#}");
}
