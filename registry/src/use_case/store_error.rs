//! What can be wrong with a database.

use std::fmt;

#[derive(Debug)]
pub enum StoreError {
    /// The primary key or a unique column is taken.
    Exists,
    /// No connection, out of time, a full disk: the same may succeed later. The text is for the log.
    Unavailable(String),
    /// Two transactions waited for each other, and this one was ended: the same may succeed at once.
    Collided(String),
    /// The schema has a later version than this program knows.
    NewerSchema { found: usize, known: usize },
    /// What should not be. The text is for the log.
    Broken(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("it exists already"),
            Self::Unavailable(why) | Self::Collided(why) => write!(f, "the database cannot be used now: {why}"),
            Self::NewerSchema { found, known } => {
                write!(f, "the schema has version {found}, and this program knows {known}")
            }
            Self::Broken(why) => write!(f, "the database: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}
