//! The schema, as steps forward. Steps that a release has brought never change.

use crate::store::dialect::Dialect;
use crate::store::sql::Sql;
use crate::store::state;
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::StoreError;

/// Each brings the schema to the version of its number: by what both databases do, and by what SQLite does beside that.
const STEPS: [(&str, &str, &str); 7] = [
    ("0001", include_str!("migrations/0001.sql"), ""),
    ("0002", include_str!("migrations/0002.sql"), ""),
    ("0003", include_str!("migrations/0003.sql"), include_str!("migrations/0003.sqlite.sql")),
    ("0004", include_str!("migrations/0004.sql"), ""),
    ("0005", include_str!("migrations/0005.sql"), ""),
    ("0006", include_str!("migrations/0006.sql"), ""),
    ("0007", include_str!("migrations/0007.sql"), ""),
];

/// Names of the steps that are still to be done.
pub(super) async fn pending(tx: &mut SqlTransaction) -> Result<Vec<&'static str>, StoreError> {
    let version = version(tx).await?;
    if version > STEPS.len() {
        return Err(StoreError::NewerSchema { found: version, known: STEPS.len() });
    }
    Ok(STEPS.iter().skip(version).map(|(name, ..)| *name).collect())
}

/// Does them, one process at a time, and says which they were.
pub(super) async fn run(tx: &mut SqlTransaction) -> Result<Vec<&'static str>, StoreError> {
    if tx.dialect == Dialect::Postgres {
        tx.script("SELECT pg_advisory_xact_lock(7310596221)".to_owned()).await?;
    }
    let pending = pending(tx).await?;
    for (_, step, of_sqlite) in STEPS.iter().filter(|(name, ..)| pending.contains(name)) {
        tx.script(tx.dialect.migration(step, of_sqlite)).await?;
    }
    if !pending.is_empty() {
        state::set(tx, state::SCHEMA, &STEPS.len().to_string()).await?;
    }
    if state::get(tx, state::EPOCH).await?.is_none() {
        let epoch = state::new_epoch().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        state::set(tx, state::EPOCH, &epoch).await?;
    }
    Ok(pending)
}

/// 0 for an empty database.
async fn version(tx: &mut SqlTransaction) -> Result<usize, StoreError> {
    let sql = match tx.dialect {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'state'",
        // Not `to_regclass`: it may still answer from before the lock was waited for, as this one may not.
        Dialect::Postgres => {
            "SELECT 'state' FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'state'"
        }
    };
    if tx.row(Sql::new(sql)).await?.is_none() {
        return Ok(0);
    }
    let text = state::get(tx, state::SCHEMA).await?.unwrap_or_default();
    text.parse().map_err(|_| StoreError::Broken(format!("the schema has version {text:?}")))
}
