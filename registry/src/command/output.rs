//! Results, on stdout.

use std::fmt::Display;
use std::io::{Write, stdout};

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
