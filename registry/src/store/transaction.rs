//! One transaction on one connection. What goes wrong in it once, goes on going wrong: PostgreSQL ends a transaction
//! with its first error, and SQLite shall not differ.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Pool};
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use crate::store::dialect::Dialect;
use crate::store::faults::{PATIENCE, UNHURRIED, fault, out_of_time};
use crate::store::sql::Sql;
use crate::store::watched::Watched;
use crate::use_case::store::StoreError;

/// A little more than the server's own limit, which says better what was wrong.
const STATEMENT: Duration = PATIENCE.saturating_add(Duration::from_secs(1));

pub(super) struct SqlTransaction {
    /// Gone once it has ended.
    connection: Option<PoolConnection<Any>>,
    /// The turn of this writer, where there is one at a time.
    turn: Option<OwnedMutexGuard<()>>,
    pub(super) dialect: Dialect,
    writes: bool,
    /// How long a statement may take.
    limit: Duration,
    /// A statement failed, or was given up in the middle.
    failed: bool,
    /// The last positions that its commit makes known.
    pub(super) published: BTreeMap<(String, String), i64>,
    /// Its commit changes more than positions.
    pub(super) turns: bool,
    watched: Arc<Watched>,
}

impl SqlTransaction {
    pub(super) async fn begin(
        pool: &Pool<Any>,
        dialect: Dialect,
        watched: Arc<Watched>,
        turn: Option<OwnedMutexGuard<()>>,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let connection = Some(limited(STATEMENT, pool.acquire()).await?);
        let (failed, turns, published) = (false, false, BTreeMap::new());
        let mut tx = Self { connection, turn, dialect, writes, limit: STATEMENT, failed, published, turns, watched };
        tx.say(if writes { dialect.begin_writing() } else { dialect.begin_reading() }).await?;
        Ok(tx)
    }

    /// Before anything that changes something.
    pub(super) fn writing(&self) -> Result<(), StoreError> {
        if self.writes { Ok(()) } else { Err(StoreError::Broken("a change in a transaction that reads".to_owned())) }
    }

    pub(super) async fn rows(&mut self, sql: Sql) -> Result<Vec<AnyRow>, StoreError> {
        let (query, limit) = (sql.build(self.dialect)?, self.limit);
        let outcome = limited(limit, query.fetch_all(self.connection()?)).await;
        self.ended(outcome)
    }

    pub(super) async fn row(&mut self, sql: Sql) -> Result<Option<AnyRow>, StoreError> {
        let (query, limit) = (sql.build(self.dialect)?, self.limit);
        let outcome = limited(limit, query.fetch_optional(self.connection()?)).await;
        self.ended(outcome)
    }

    /// How many rows it has changed.
    pub(super) async fn run(&mut self, sql: Sql) -> Result<u64, StoreError> {
        let (query, limit) = (sql.build(self.dialect)?, self.limit);
        let outcome = limited(limit, query.execute(self.connection()?)).await;
        Ok(self.ended(outcome)?.rows_affected())
    }

    /// Several statements, which may take their time, as may the rest of the transaction.
    pub(super) async fn script(&mut self, sql: String) -> Result<(), StoreError> {
        self.limit = UNHURRIED;
        let sql = format!("{}{sql}", self.dialect.without_haste());
        let outcome = sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.connection()?).await.map_err(fault);
        self.ended(outcome).map(drop)
    }

    async fn say(&mut self, statement: &'static str) -> Result<(), StoreError> {
        let limit = self.limit;
        let outcome = limited(limit, sqlx::raw_sql(statement).execute(self.connection()?)).await;
        self.ended(outcome).map(drop)
    }

    /// It counts as failed until the statement has ended well.
    fn connection(&mut self) -> Result<&mut AnyConnection, StoreError> {
        let connection = self.connection.as_mut().filter(|_| !self.failed);
        self.failed = true;
        connection
            .map(|connection| &mut **connection)
            .ok_or_else(|| StoreError::Broken("it has failed before".to_owned()))
    }

    fn ended<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed = outcome.is_err();
        outcome
    }

    pub(super) async fn end(mut self) -> Result<(), StoreError> {
        let outcome = self.say("COMMIT").await;
        if outcome.is_ok() {
            self.connection = None;
            self.turn = None;
            self.watched.raise(std::mem::take(&mut self.published));
        }
        if self.turns || (outcome.is_err() && self.writes) {
            self.watched.look_again();
        }
        outcome
    }
}

/// One that has not been committed is rolled back; its connection is closed when that cannot be done.
impl Drop for SqlTransaction {
    fn drop(&mut self) {
        let (Some(mut connection), turn, limit) = (self.connection.take(), self.turn.take(), self.limit) else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if limited(limit, sqlx::raw_sql("ROLLBACK").execute(&mut *connection)).await.is_err() {
                connection.close_on_drop();
            }
            drop(connection);
            drop(turn);
        });
    }
}

async fn limited<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    timeout(limit, work).await.map_err(|_| out_of_time())?.map_err(fault)
}
