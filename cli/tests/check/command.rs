//! Runs the command.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The smallest sound configuration, with a secret from the environment.
pub const SMALLEST: &str = "providers:
- name: main
  audiences: [a]
  introspection:
    endpoint: https://idp.example.com/introspect
    cluster: idp
    client: {id: gateway, secret: {env: IDP_SECRET}}
apis:
- id: orders
";

pub fn run(arguments: &[&str], stdin: &str, env: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("NO_COLOR").envs(env.iter().copied());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// What is said of a text as text.
pub fn check(text: &str) -> Run {
    run(&["check", "-"], text, &[])
}

/// The object of `--json`.
pub fn json(text: &str, arguments: &[&str], env: &[(&str, &str)]) -> Value {
    let arguments: Vec<&str> = ["--json", "check", "-"].into_iter().chain(arguments.iter().copied()).collect();
    let run = run(&arguments, text, env);
    assert_eq!(run.stdout.matches('\n').count(), 1, "{}", run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

/// `code line:column path` of each mistake.
pub fn mistakes(text: &str) -> Vec<String> {
    listed(&json(text, &[], &[]))
}

pub fn listed(report: &Value) -> Vec<String> {
    let diagnostics = report["diagnostics"].as_array().unwrap();
    let mistakes = diagnostics.iter().filter(|one| one["severity"] == "mistake");
    mistakes
        .map(|one| {
            format!(
                "{} {}:{} {}",
                one["code"].as_str().unwrap(),
                one["line"],
                one["column"],
                one["path"].as_str().unwrap()
            )
        })
        .collect()
}
