//! The database as a whole.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Any, Pool};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::store::dialect::Dialect;
use crate::store::faults::{PATIENCE, out_of_time};
use crate::store::tallies::{self, Tallies};
use crate::store::transaction::SqlTransaction;
use crate::store::watched::Watched;
use crate::store::watching::{keep_listening, keep_looking};
use crate::store::{migrations, session};
use crate::use_case::feed_store::Heads;
use crate::use_case::store::{Store, StoreError, Transaction};

pub struct Database {
    pool: Pool<Any>,
    /// For looking alone, so that no load keeps it from that.
    lookout: Pool<Any>,
    dialect: Dialect,
    /// SQLite has one writer at a time: they stand in line here, rather than try again and again there.
    line: Option<Arc<Mutex<()>>>,
    watched: Arc<Watched>,
    /// Ends with the database.
    _watching: JoinSet<()>,
}

impl Database {
    /// Opens the database, which may be empty still, and begins to look where its feeds stand.
    ///
    /// # Errors
    /// An address that is none, or that nobody answers at.
    pub async fn open(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let (dialect, options) = session::read(url)?;
        session::try_out(dialect, &options).await?;
        let lookout = session::pool(dialect, options.clone(), 1);
        let pool = session::pool(dialect, options, pool_size);
        let watched = Arc::new(Watched::new());
        let line = (dialect == Dialect::Sqlite).then(|| Arc::new(Mutex::new(())));
        let mut watching = JoinSet::new();
        watching.spawn(keep_looking(lookout.clone(), dialect, Arc::clone(&watched)));
        if dialect == Dialect::Postgres {
            watching.spawn(keep_listening(url.to_owned(), Arc::clone(&watched)));
        }
        Ok(Self { pool, lookout, dialect, line, watched, _watching: watching })
    }

    /// Names of the migrations that the schema lacks.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`]; others of the store.
    pub async fn pending(&self) -> Result<Vec<&'static str>, StoreError> {
        migrations::pending(&mut self.begin(false).await?).await
    }

    /// Brings the schema up to date, also while others do the same, and says by which migrations.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`]; others of the store.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        if self.pending().await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin(true).await?;
        let done = migrations::run(&mut tx).await?;
        tx.end().await?;
        self.watched.look_again();
        Ok(done)
    }

    /// Connections that are idle, and that are used.
    pub fn connections(&self) -> (usize, usize) {
        let idle = self.pool.num_idle();
        (idle, (self.pool.size() as usize).saturating_sub(idle))
    }

    /// What there is now, for the metrics.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tallies(&self) -> Result<Tallies, StoreError> {
        tallies::tallied(&mut self.begin(false).await?).await
    }

    pub async fn close(&self) {
        self.lookout.close().await;
        self.pool.close().await;
    }

    async fn begin(&self, writes: bool) -> Result<SqlTransaction, StoreError> {
        let turn = match &self.line {
            Some(line) if writes => {
                let turn = timeout(PATIENCE, Arc::clone(line).lock_owned()).await;
                Some(turn.map_err(|_| out_of_time())?)
            }
            _ => None,
        };
        SqlTransaction::begin(&self.pool, self.dialect, Arc::clone(&self.watched), turn, writes).await
    }
}

#[async_trait]
impl Store for Database {
    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(self.begin(false).await?))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(self.begin(true).await?))
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        self.watched.receiver()
    }
}
