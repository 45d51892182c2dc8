//! Where the feeds stand: known at once after commits of this process, soon after those of others, and within a second
//! whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{Any, Pool};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::store::dialect::Dialect;
use crate::store::faults::{PATIENCE, fault, out_of_time};
use crate::store::transaction::SqlTransaction;
use crate::store::{feed, state};
use crate::use_case::feed_store::{FeedStore, Heads};
use crate::use_case::store::StoreError;

/// What PostgreSQL carries from one replica to the others.
pub(super) const CHANNEL: &str = "tessera_registry";
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The heads as this process knows them.
pub(super) struct Watched {
    heads: watch::Sender<Heads>,
    again: Notify,
}

impl Watched {
    pub(super) fn new() -> Self {
        Self { heads: watch::Sender::new(Heads::default()), again: Notify::new() }
    }

    pub(super) fn receiver(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }

    /// After a commit of this process.
    pub(super) fn raise(&self, published: BTreeMap<(String, String), i64>) {
        if !published.is_empty() {
            self.heads.send_modify(|heads| merge(&mut heads.positions, published));
        }
    }

    pub(super) fn look_again(&self) {
        self.again.notify_one();
    }

    fn looked(&self, seen: Heads) {
        self.heads.send_modify(|heads| {
            let looks = heads.looks.wrapping_add(1);
            let mut before = std::mem::replace(heads, Heads { looks, ..seen });
            // A commit of this process may be younger than the look.
            if before.epoch == heads.epoch {
                before.positions.retain(|feed, _| heads.positions.contains_key(feed));
                merge(&mut heads.positions, before.positions);
            }
        });
    }
}

fn merge(positions: &mut BTreeMap<(String, String), i64>, newer: BTreeMap<(String, String), i64>) {
    for (feed, position) in newer {
        let known = positions.entry(feed).or_default();
        *known = position.max(*known);
    }
}

/// Looks until it is aborted.
pub(super) async fn keep_looking(pool: Pool<Any>, dialect: Dialect, watched: Arc<Watched>) {
    let mut worked = true;
    loop {
        let looked = timeout(PATIENCE, look(&pool, dialect, &watched)).await.unwrap_or_else(|_| Err(out_of_time()));
        match looked {
            Ok(heads) => {
                watched.looked(heads);
                if !worked {
                    tracing::info!("the database can be used again");
                }
                worked = true;
            }
            Err(error) => {
                // Before the first look there may be no schema yet.
                if worked && watched.heads.borrow().looks > 0 {
                    tracing::warn!(%error, "the feed stands still");
                    worked = false;
                }
            }
        }
        let _ = timeout(BETWEEN_LOOKS, watched.again.notified()).await;
    }
}

async fn look(pool: &Pool<Any>, dialect: Dialect, watched: &Arc<Watched>) -> Result<Heads, StoreError> {
    if dialect == Dialect::Postgres {
        let mut connection = pool.acquire().await.map_err(fault)?;
        state::follow_timeline(&mut connection).await.map_err(fault)?;
    }
    let mut tx = SqlTransaction::begin(pool, dialect, Arc::clone(watched), None, false).await?;
    let heads = Heads {
        epoch: tx.epoch().await?,
        held: tx.held().await?.is_some(),
        positions: feed::positions(&mut tx).await?,
        looks: 0,
    };
    tx.end().await?;
    Ok(heads)
}

/// Has it looked again whenever another replica has published something, until it is aborted.
pub(super) async fn keep_listening(url: String, watched: Arc<Watched>) {
    loop {
        if let Ok(mut listener) = PgListener::connect(&url).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // Nothing: the connection was lost, and what was said meanwhile too.
            while listener.try_recv().await.is_ok() {
                watched.look_again();
            }
        }
        sleep(BETWEEN_LOOKS).await;
    }
}
