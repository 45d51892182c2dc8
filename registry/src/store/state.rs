//! What there is once in a database: the epoch, the timeline that it belongs to, and whether the feed is held.

use sqlx::{AnyConnection, Row};

use crate::domain::time::Time;
use crate::store::faults::fault;
use crate::store::sql::Sql;
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::StoreError;

pub(super) const EPOCH: &str = "epoch";
pub(super) const SCHEMA: &str = "schema";
const HELD: &str = "held";
const TIMELINE: &str = "timeline";

/// The timeline changes whenever a server begins to write another history, as a standby that takes over does: what was
/// answered before may never have been.
const CURRENT_TIMELINE: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

/// Unpredictable, so that no two histories share one.
pub(super) fn new_epoch() -> Result<String, getrandom::Error> {
    Ok(format!("{:016x}", getrandom::u64()?))
}

pub(super) async fn get(tx: &mut SqlTransaction, name: &str) -> Result<Option<String>, StoreError> {
    let mut sql = Sql::new("SELECT value FROM state WHERE name = ");
    sql.bind(name);
    tx.row(sql).await?.map(|row| row.try_get(0).map_err(fault)).transpose()
}

pub(super) async fn set(tx: &mut SqlTransaction, name: &str, value: &str) -> Result<(), StoreError> {
    tx.writing()?;
    let mut sql = Sql::new("INSERT INTO state (name, value) VALUES (");
    sql.bind(name).add(", ").bind(value);
    sql.add(") ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    tx.run(sql).await.map(drop)
}

pub(super) async fn held(tx: &mut SqlTransaction) -> Result<Option<Time>, StoreError> {
    let Some(text) = get(tx, HELD).await? else { return Ok(None) };
    Time::parse(&text).map(Some).ok_or_else(|| StoreError::Broken(format!("held since {text}")))
}

pub(super) async fn set_held(tx: &mut SqlTransaction, backup: Option<Time>) -> Result<(), StoreError> {
    if let Some(backup) = backup {
        return set(tx, HELD, &backup.to_string()).await;
    }
    tx.writing()?;
    let mut sql = Sql::new("DELETE FROM state WHERE name = ");
    sql.bind(HELD);
    tx.run(sql).await.map(drop)
}

/// Begins a new epoch when PostgreSQL writes another timeline than when the epoch began. A standby is refused: its
/// connections outlive its taking over, and this is asked when they are made.
pub(super) async fn follow_timeline(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let asked = "SELECT to_regclass('state') IS NOT NULL, pg_is_in_recovery()";
    let row = sqlx::query(asked).fetch_one(&mut *connection).await?;
    if row.try_get(1)? {
        return Err(sqlx::Error::Io(std::io::Error::other("this server is a standby")));
    }
    // Before there is a schema there is no epoch.
    if !row.try_get::<bool, _>(0)? {
        return Ok(());
    }
    let timeline: String = sqlx::query(CURRENT_TIMELINE).fetch_one(&mut *connection).await?.try_get(0)?;
    let same = sqlx::query("SELECT 1::bigint FROM state WHERE name = $1 AND value = $2")
        .bind(TIMELINE)
        .bind(timeline.clone())
        .fetch_optional(&mut *connection)
        .await?;
    if same.is_some() {
        return Ok(());
    }
    // One statement: whoever else sees the new timeline waits for it, and then changes nothing.
    let epoch = new_epoch().map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    sqlx::query(
        "WITH turned AS (INSERT INTO state (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE state.value <> excluded.value RETURNING name) \
         UPDATE state SET value = $3 WHERE name = $4 AND EXISTS (SELECT 1 FROM turned)",
    )
    .bind(TIMELINE)
    .bind(timeline)
    .bind(epoch)
    .bind(EPOCH)
    .execute(connection)
    .await
    .map(drop)
}
