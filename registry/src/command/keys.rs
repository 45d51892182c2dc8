//! `seal-key`: keys that seal secrets in the database.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;

use crate::command::ended::Ended;
use crate::command::output;
use crate::system::SystemRandomness;
use crate::use_case::ports::Randomness;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print a new key.
    New,
}

pub async fn run(_: &Path, keys: Keys) -> Ended {
    match keys {
        Keys::New => {
            let mut key = [0; 32];
            SystemRandomness.fill(&mut key);
            output::lines([STANDARD.encode(key)]).err().unwrap_or_else(Ended::done)
        }
    }
}
