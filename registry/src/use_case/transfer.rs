//! The whole database in a file and back: export and import, backup and restore, and the release of what was restored.

mod export;
mod import;
mod left;
mod line;
mod release;
mod revoked;

use std::fmt;

use crate::domain::refusal::Refusal;
use crate::use_case::store::StoreError;

pub use export::export;
pub use import::{Arrival, Transferred, audit_everywhere, import};
pub use release::{Holding, holding, release};

/// Why it was not done; the database is as it was.
#[derive(Debug)]
pub enum TransferError {
    Store(StoreError),
    Refused(Refusal),
    /// Reading or writing the file.
    File(std::io::Error),
    /// The file is not what `export` and `backup` write.
    Invalid {
        line: u64,
        why: String,
    },
    NotEmpty,
    NotHeld,
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::File(error) => error.fmt(f),
            Self::Invalid { line, why } => write!(f, "line {line}: {why}"),
            Self::NotEmpty => f.write_str("the database is not empty"),
            Self::NotHeld => f.write_str("the feed is not held"),
        }
    }
}

impl std::error::Error for TransferError {}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for TransferError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<std::io::Error> for TransferError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}
