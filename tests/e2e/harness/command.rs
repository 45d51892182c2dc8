//! `tessera`, the native command, as somebody runs it.

use std::process::Command;

use serde_json::Value;

use crate::harness::prerequisites;
use crate::harness::secrecy;

/// What a run has left. It shows no registered secret.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {}", self.stdout))
    }
}

/// In this environment and no other.
#[track_caller]
pub fn tessera(arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(prerequisites::command());
    command.args(arguments).env_clear().envs(environment.iter().copied());
    let output = command.output().expect("run the command");
    for text in [&output.stdout, &output.stderr] {
        let leaks = secrecy::leaks(text);
        assert!(leaks.is_empty(), "it shows secrets:\n{}", leaks.join("\n"));
    }
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert_eq!(text(output.stderr), "", "{arguments:?}");
    Ran { code: output.status.code().expect("an exit code"), stdout: text(output.stdout) }
}
