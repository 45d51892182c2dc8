//! How the command ends.

use std::process::ExitCode;

/// What the exit code says, from the best to the worst: the highest that applies is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, nothing wrong.
    Done = 0,
    /// Warnings that were not to be, or another verdict than expected.
    Unexpected = 1,
    /// Mistakes in what was read.
    Mistakes = 2,
    /// Could not be done: usage, an unreadable file, nobody answered, an undetermined verdict.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
