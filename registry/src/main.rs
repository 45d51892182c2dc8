//! The command `tessera-registry`.

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::Parser;
use tessera_registry::command::{Line, run};

fn main() -> ExitCode {
    let ended = run(Line::parse());
    let mut stderr = stderr().lock();
    for line in ended.lines() {
        // Nobody is left to be told.
        let _ = writeln!(stderr, "{line}");
    }
    ended.exit_code()
}
