//! `seal-key`: keys that seal secrets in the database.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::json;

use crate::command::connected::Connected;
use crate::command::ended::Ended;
use crate::command::output;
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION};
use crate::system::SystemRandomness;
use crate::use_case::ports::Randomness;
use crate::use_case::reseal::{NotResealed, reseal};
use crate::use_case::transfer::audit_everywhere;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print a new key.
    New,
    /// Seal everything with the first key of the configuration; afterwards the others can go.
    Reseal,
}

pub async fn run(config: &Path, keys: Keys) -> Ended {
    let done = match keys {
        Keys::New => new(),
        Keys::Reseal => resealed(config).await,
    };
    done.err().unwrap_or_else(Ended::done)
}

fn new() -> Result<(), Ended> {
    let mut key = [0; 32];
    SystemRandomness.fill(&mut key);
    output::lines([STANDARD.encode(key)])
}

async fn resealed(config: &Path) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let (outside, caller) = (&connected.outside, Caller::system(DEFAULT_ORGANISATION));
    let mut tx = outside.store.write().await?;
    let sealed = reseal(&mut *tx, &*outside.sealing, &*outside.randomness).await.map_err(|why| match why {
        NotResealed::Unreadable { organisation, kind, id } => {
            Ended::not_possible(format!("no key opens what {kind} {id} of {organisation} has"))
        }
        NotResealed::Refused(refusal) => refusal.into(),
    })?;
    let first = connected.configuration.sealing_keys.first().map(|key| key.id.clone());
    let cx = &mut connected.context(&mut *tx, &caller);
    audit_everywhere(cx, "registry.reseal", json!({ "key": first })).await.map_err(Ended::failed)?;
    tx.commit().await?;
    output::lines([format!("{sealed} secrets are sealed with the first key")])
}
