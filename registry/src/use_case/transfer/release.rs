//! The end of *held*: what was restored or imported is served.

use std::time::Duration;

use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::record::all;
use crate::use_case::store::{Stored, Transaction};
use crate::use_case::tables::ENVIRONMENTS;
use crate::use_case::transfer::TransferError;
use crate::use_case::transfer::import::audit_everywhere;

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// When the backup was made: what was revoked since comes back.
    pub backup: Time,
    pub age: Duration,
    /// Rows that the feeds would serve.
    pub contracts: i64,
}

/// # Errors
/// Nothing is held; those of the store.
pub async fn holding(tx: &mut dyn Transaction, now: Time) -> Result<Holding, TransferError> {
    let backup = tx.held().await?.ok_or(TransferError::NotHeld)?;
    let mut contracts = 0;
    for Stored { organisation, id, .. } in all(tx, &ENVIRONMENTS).await? {
        contracts += tx.head(&organisation, &id).await?.unwrap_or_default().rows;
    }
    Ok(Holding { backup, age: now.since(backup), contracts })
}

/// # Errors
/// Nothing is held; those of the store.
pub async fn release(cx: &mut Context<'_>) -> Result<(), TransferError> {
    let backup = cx.tx.held().await?.ok_or(TransferError::NotHeld)?;
    cx.tx.set_held(None).await?;
    audit_everywhere(cx, "registry.release", serde_json::json!({ "backup": backup })).await
}
