//! Results, on stdout.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use crate::command::ended::Ended;

/// # Errors
/// The end of a command whose results cannot be written.
pub fn lines(lines: impl IntoIterator<Item = impl Display>) -> Result<(), Ended> {
    let mut stdout = stdout().lock();
    for line in lines {
        writeln!(stdout, "{line}").map_err(|error| Ended::failed(format!("stdout: {error}")))?;
    }
    stdout.flush().map_err(|error| Ended::failed(format!("stdout: {error}")))
}

/// Whether the person at the terminal agrees.
///
/// # Errors
/// The end of a command that has nobody to ask.
pub fn agreed(question: &str) -> Result<bool, Ended> {
    if !stdin().is_terminal() {
        return Err(Ended::usage("there is no terminal to ask at: --yes agrees beforehand"));
    }
    let mut stderr = stderr().lock();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Ended::failed(format!("stderr: {error}")))?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| Ended::failed(format!("stdin: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
